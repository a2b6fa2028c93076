/* What the aarch64 "virt" board starts: firmware from flash, or a payload by itself. */
#include "base/bits.h"
#include "machine/arm_virt_board.h"

static bool plan_gic(struct arm_board *board, struct error *err)
{
    const struct machine_config *config = board->virt.config;
    board->gic_version = config->gic_version ? config->gic_version : 3;
    if (board->gic_version == 2 && config->cpus > GICV2_CPUS_MAX)
        return error_set(err, ERROR_USAGE,
                         "a GICv2 has at most %u processors: give fewer --cpus, or leave out "
                         "--machine gic-version=2",
                         GICV2_CPUS_MAX);
    return true;
}

/* Trusted Firmware-A's package of images ("FIP", TF-A's firmware-design.rst), alone or behind the first 256
 * KiB, which its build for this board has for the boot loader in the ROM. */
#define FIP_MAGIC 0xaa640001u
#define FIP_AT    (256 * KIB)

static bool firmware_check(const char *path, struct error *err)
{
    struct source source;
    uint8_t first[4], second[4];
    if (!source_open(&source, path, NULL, err))
        return false;
    bool trusted =
        (source.size >= 4 && source_read(&source, 0, first, 4, err) && le32_load(first) == FIP_MAGIC) ||
        (source.size >= FIP_AT + 4 && source_read(&source, FIP_AT, second, 4, err) &&
         le32_load(second) == FIP_MAGIC);
    source_close(&source);
    return !trusted ||
           error_set(err, ERROR_IMAGE,
                     "%s is Trusted Firmware-A, which needs EL3, and this machine's processors have no "
                     "exception level above EL1: give an EDK2 or a U-Boot that was built without it",
                     path);
}

bool arm_plan_make(struct arm_board *board, struct error *err)
{
    const struct machine_config *config = board->virt.config;
    struct virt_plan *plan = &board->virt.plan;
    if (config->firmware == FIRMWARE_FILE &&
        (!firmware_check(config->firmware_file, err) || !virt_plan_flash(plan, config->firmware_file, err)))
        return false;
    if (!virt_plan_payload(&board->virt, err) || !plan_gic(board, err))
        return false;
    log_info("firmware: %s", plan->flash ? plan->flash_code : "built in (PSCI)");
    return true;
}
