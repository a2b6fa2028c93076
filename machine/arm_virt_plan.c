/* What the aarch64 "virt" board starts: firmware from flash, or a payload by itself. */
#include <stdio.h>

#include "guests/demo_images.h"
#include "machine/arm_virt_board.h"
#include "machine/loader/detect.h"

static bool path_keep(char *to, const char *path, struct error *err)
{
    if ((size_t)snprintf(to, FIRMWARE_PATH_MAX, "%s", path) < FIRMWARE_PATH_MAX)
        return true;
    return error_set(err, ERROR_USAGE, "a file name of more than %u characters can't be used",
                     FIRMWARE_PATH_MAX);
}

/* A file of the user's: firmware that runs in the flash, from its first byte on. */
static bool plan_file(struct arm_plan *plan, const char *path, struct error *err)
{
    struct source source;
    struct image_info info;
    if (!source_open(&source, path, NULL, err))
        return false;
    bool ok = image_detect(&source, &info, err);
    source_close(&source);
    if (!ok)
        return false;
    if (info.kind != IMAGE_FLASH && info.kind != IMAGE_UNKNOWN)
        return error_set(err, ERROR_IMAGE, "%s is %s, not firmware: give it with another option", path,
                         image_kind_name(info.kind));
    plan->flash = true;
    return path_keep(plan->flash_code, path, err);
}

/* Without a kernel, a disk is started by EFI firmware; without a disk, there is the demo. */
static bool plan_payload(struct arm_plan *plan, const struct machine_config *config, struct error *err)
{
    if (config->kernel || plan->flash)
        return true;
    if (config->firmware == FIRMWARE_NONE)
        return error_set(err, ERROR_USAGE, "--firmware none needs a program to start: give --kernel FILE");
    if (config->disk_count == 0) {
        plan->demo = true;
        return demo_aarch64_size ||
               error_set(err, ERROR_USAGE,
                         "the demo guest was not built (there was no aarch64 cross compiler): "
                         "give --kernel FILE");
    }
    plan->flash = firmware_find(FIRMWARE_EDK2_AARCH64, plan->flash_code);
    return plan->flash || error_set(err, ERROR_USAGE,
                                    "a disk needs a boot loader, and no EFI firmware was found: install "
                                    "qemu-efi-aarch64, or give --kernel FILE or --firmware FILE");
}

static bool plan_vars(struct arm_plan *plan, const struct machine_config *config, struct error *err)
{
    if (config->firmware_vars) {
        plan->flash_vars_kept = true;
        return path_keep(plan->flash_vars, config->firmware_vars, err);
    }
    if (!plan->flash || !firmware_find(FIRMWARE_EDK2_AARCH64_VARS, plan->flash_vars))
        plan->flash_vars[0] = '\0';
    return true;
}

static bool plan_gic(struct arm_plan *plan, const struct machine_config *config, struct error *err)
{
    plan->gic_version = config->gic_version ? config->gic_version : 3;
    if (plan->gic_version == 2 && config->cpus > GICV2_CPUS_MAX)
        return error_set(err, ERROR_USAGE,
                         "a GICv2 has at most %u processors: give fewer --cpus, or leave out "
                         "--machine gic-version=2",
                         GICV2_CPUS_MAX);
    return true;
}

bool arm_plan_make(struct arm_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    struct arm_plan *plan = &board->plan;
    if (config->firmware == FIRMWARE_FILE && !plan_file(plan, config->firmware_file, err))
        return false;
    if (!plan_payload(plan, config, err) || !plan_vars(plan, config, err) || !plan_gic(plan, config, err))
        return false;
    log_info("firmware: %s", plan->flash ? plan->flash_code : "built in (PSCI)");
    return true;
}
