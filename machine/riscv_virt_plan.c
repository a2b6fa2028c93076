/* What the riscv64 "virt" board starts: which firmware in which mode, and which payload. */
#include <stdio.h>

#include "guests/demo_images.h"
#include "machine/loader/detect.h"
#include "machine/riscv_virt_board.h"

/* The M-mode firmware of --firmware auto, which flash images need as well. */
static void plan_auto(struct virt_plan *plan)
{
    plan->start = firmware_find(FIRMWARE_OPENSBI, plan->firmware) ? VIRT_START_FIRMWARE : VIRT_START_SBI;
}

static bool path_keep(char *to, const char *path, struct error *err)
{
    if ((size_t)snprintf(to, FIRMWARE_PATH_MAX, "%s", path) < FIRMWARE_PATH_MAX)
        return true;
    return error_set(err, ERROR_USAGE, "a file name of more than %u characters can't be used",
                     FIRMWARE_PATH_MAX);
}

/* A file of the user's: an image of the flash, or code for M-mode. */
static bool plan_file(struct virt_plan *plan, const char *path, struct error *err)
{
    struct source source;
    struct image_info info;
    if (!source_open(&source, path, NULL, err))
        return false;
    bool ok = image_detect(&source, &info, err);
    source_close(&source);
    if (!ok)
        return false;
    switch (info.kind) {
    case IMAGE_FLASH:
        plan->flash = true;
        plan_auto(plan);
        return path_keep(plan->flash_code, path, err);
    case IMAGE_ELF:
    case IMAGE_GZIP:
    case IMAGE_ZSTD:
    case IMAGE_UNKNOWN: plan->start = VIRT_START_FIRMWARE; return path_keep(plan->firmware, path, err);
    default:
        return error_set(err, ERROR_IMAGE, "%s is %s, not firmware: give it with another option", path,
                         image_kind_name(info.kind));
    }
}

/* Without a kernel, a disk is started by EFI firmware; without a disk, there is the demo. */
static bool plan_payload(struct virt_plan *plan, const struct machine_config *config, struct error *err)
{
    bool own = config->firmware == FIRMWARE_FILE;
    if (config->kernel || plan->flash || (own && config->disk_count))
        return true;
    if (plan->start == VIRT_START_BARE)
        return error_set(err, ERROR_USAGE, "--firmware none needs a program to start: give --kernel FILE");
    if (config->disk_count == 0) {
        plan->demo = true;
        return demo_riscv64_size ||
               error_set(err, ERROR_USAGE,
                         "the demo guest was not built (there was no riscv64 cross compiler): "
                         "give --kernel FILE");
    }
    plan->flash = firmware_find(FIRMWARE_EDK2_RISCV64, plan->flash_code);
    return plan->flash || error_set(err, ERROR_USAGE,
                                    "a disk needs a boot loader, and no EFI firmware was found: install "
                                    "qemu-efi-riscv64, or give --kernel FILE or --firmware FILE");
}

static bool plan_vars(struct virt_plan *plan, const struct machine_config *config, struct error *err)
{
    if (config->firmware_vars) {
        plan->flash_vars_kept = true;
        return path_keep(plan->flash_vars, config->firmware_vars, err);
    }
    if (!plan->flash || !firmware_find(FIRMWARE_EDK2_RISCV64_VARS, plan->flash_vars))
        plan->flash_vars[0] = '\0';
    return true;
}

bool virt_plan_make(struct virt_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    struct virt_plan *plan = &board->plan;
    switch (config->firmware) {
    case FIRMWARE_AUTO: plan_auto(plan); break;
    case FIRMWARE_BUILTIN: plan->start = VIRT_START_SBI; break;
    case FIRMWARE_NONE: plan->start = VIRT_START_BARE; break;
    case FIRMWARE_FILE:
        if (!plan_file(plan, config->firmware_file, err))
            return false;
        break;
    }
    if (!plan_payload(plan, config, err) || !plan_vars(plan, config, err))
        return false;
    if (plan->start == VIRT_START_FIRMWARE)
        log_info("firmware: %s", plan->firmware);
    else
        log_info("firmware: %s", plan->start == VIRT_START_SBI ? "the built-in SBI" : "none");
    if (plan->flash)
        log_info("flash: %s", plan->flash_code);
    return true;
}
