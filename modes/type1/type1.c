/* Type 1: a full board, as firmware and operating systems expect it of real machines. */
#include "machine/arm_virt.h"
#include "machine/loader/detect.h"
#include "machine/riscv_virt.h"
#include "modes/mode.h"

static struct machine_run *type1_create(const struct machine_config *config, struct error *err)
{
    if (config->arch == GUEST_RISCV64)
        return riscv_virt_create(config, err);
    if (config->arch == GUEST_AARCH64)
        return arm_virt_create(config, err);
    error_set(err, ERROR_USAGE, "%s guests are not there yet: use riscv64 or aarch64",
              guest_arch_name(config->arch));
    return NULL;
}

const struct mode type1_mode = {.name = "type1", .create = type1_create};
