/* What the aarch64 "virt" board starts: firmware from flash, or a payload by itself. */
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

bool arm_plan_make(struct arm_board *board, struct error *err)
{
    const struct machine_config *config = board->virt.config;
    struct virt_plan *plan = &board->virt.plan;
    if (config->firmware == FIRMWARE_FILE && !virt_plan_flash(plan, config->firmware_file, err))
        return false;
    if (!virt_plan_payload(&board->virt, err) || !plan_gic(board, err))
        return false;
    log_info("firmware: %s", plan->flash ? plan->flash_code : "built in (PSCI)");
    return true;
}
