/* What the "virt" boards start: firmware from flash, or a payload by itself. */
#include "machine/virt_board.h"

bool virt_plan_flash(struct virt_plan *plan, const char *path, struct error *err)
{
    struct image_info info;
    if (!image_file_detect(path, &info, err))
        return false;
    if (info.kind != IMAGE_FLASH && info.kind != IMAGE_UNKNOWN)
        return error_set(err, ERROR_IMAGE, "%s is %s, not firmware: give it with another option", path,
                         image_kind_name(info.kind));
    plan->flash = true;
    return firmware_path_keep(plan->flash_code, path, err);
}

/* Without a kernel, a disk is started by EFI firmware, or by what the user gave; without a disk, there is the
 * demo. */
static bool payload_choose(struct virt_board *board, struct error *err)
{
    const struct virt_kind *kind = board->kind;
    const struct machine_config *config = board->config;
    struct virt_plan *plan = &board->plan;
    if (config->kernel || plan->flash || (config->firmware == FIRMWARE_FILE && config->disk_count))
        return true;
    if (config->firmware == FIRMWARE_NONE)
        return error_set(err, ERROR_USAGE, "--firmware none needs a program to start: give --kernel FILE");
    if (config->disk_count == 0) {
        plan->demo = true;
        return *kind->demo_size ||
               error_set(err, ERROR_USAGE,
                         "the demo guest was not built (there was no %s cross compiler): give --kernel FILE",
                         guest_arch_name(kind->arch));
    }
    plan->flash = firmware_find(kind->efi, plan->flash_code);
    return plan->flash || error_set(err, ERROR_USAGE,
                                    "a disk needs a boot loader, and no EFI firmware was found: install %s, "
                                    "or give --kernel FILE or --firmware FILE",
                                    kind->efi_package);
}

bool virt_plan_payload(struct virt_board *board, struct error *err)
{
    struct virt_plan *plan = &board->plan;
    const char *vars = board->config->firmware_vars;
    if (!payload_choose(board, err))
        return false;
    plan->flash_vars_kept = vars;
    if (vars)
        return firmware_path_keep(plan->flash_vars, vars, err);
    if (!plan->flash || !firmware_find(board->kind->efi_vars, plan->flash_vars))
        plan->flash_vars[0] = '\0';
    return true;
}

struct board_boot virt_boot_begin(struct virt_board *board)
{
    return (struct board_boot){
        .config = board->config,
        .target = {board->run->machine.mem.ram, board->kind->ram, board->config->memory},
        .tree_make = board->kind->tree_make,
        .opaque = board,
    };
}

bool virt_payload_load(const struct virt_board *board, struct board_boot *boot, uint64_t base,
                       struct error *err)
{
    struct source source;
    const struct virt_kind *kind = board->kind;
    if (!board->plan.demo)
        return !boot->config->kernel || board_file_load(boot, boot->config->kernel, base, &boot->kernel, err);
    source_memory(&source, "the demo guest", kind->demo, *kind->demo_size);
    return elf_load(&source, &boot->target, guest_arch_elf_machine(kind->arch), base, &boot->kernel, err);
}
