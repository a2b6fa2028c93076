/* Putting images into the aarch64 "virt" board's memory, and the first core where it starts. */
#include "base/bits.h"
#include "guests/demo_images.h"
#include "machine/arm_virt_board.h"
#include "machine/board_boot.h"
#include "machine/loader/detect.h"

/* Firmware looks for the device tree at the start of RAM, and keeps its own things behind it. */
#define FIRMWARE_DTB ARM_RAM

/* Programs that may lie anywhere leave the start of RAM free. */
#define PROGRAM_BASE (ARM_RAM + 0x80000)

static bool payload_load(struct board_boot *boot, const struct arm_plan *plan, struct error *err)
{
    struct source source;
    if (!plan->demo)
        return board_file_load(boot, boot->config->kernel, PROGRAM_BASE, &boot->kernel, err);
    source_memory(&source, "the demo guest", demo_aarch64, demo_aarch64_size);
    return elf_load(&source, &boot->target, guest_arch_elf_machine(GUEST_AARCH64), PROGRAM_BASE,
                    &boot->kernel, err);
}

static void *tree_make(void *opaque, const struct dt_chosen *chosen, struct error *err)
{
    return arm_fdt_make(opaque, chosen, err);
}

/* Linux, Documentation/arch/arm64/booting.rst: the device tree in x0, x1 to x3 zero, the MMU off, interrupts
 * masked. Programs of other kinds get the same. */
static bool payload_boot(struct arm_board *board, struct board_boot *boot, struct error *err)
{
    if (!payload_load(boot, &board->plan, err) || !board_tables_place(boot, err))
        return false;
    psci_boot(board->psci, boot->kernel.entry, boot->dtb);
    return true;
}

static bool firmware_boot(struct arm_board *board, struct board_boot *boot, struct error *err)
{
    uint64_t room = boot->target.size < DT_SIZE_MAX ? boot->target.size : DT_SIZE_MAX;
    boot->dtb = FIRMWARE_DTB;
    if (!board_tree_place(boot, room, err))
        return false;
    psci_boot(board->psci, ARM_FLASH, 0);
    return true;
}

bool arm_boot(struct arm_board *board, struct error *err)
{
    struct board_boot boot = {
        .config = board->config,
        .target = {board->run->machine.mem.ram, ARM_RAM, board->config->memory},
        .tree_make = tree_make,
        .opaque = board,
    };
    return board->plan.flash ? firmware_boot(board, &boot, err) : payload_boot(board, &boot, err);
}
