/* Type 1: a full board, as firmware and operating systems expect it of real machines. */
#include "machine/arm_virt.h"
#include "machine/pc.h"
#include "machine/riscv_virt.h"
#include "modes/mode.h"

static struct machine_run *type1_create(const struct machine_config *config, struct error *err)
{
    switch (config->arch) {
    case GUEST_AARCH64: return arm_virt_create(config, err);
    case GUEST_X86_64: return pc_create(config, err);
    default: return riscv_virt_create(config, err);
    }
}

const struct mode type1_mode = {.name = "type1", .create = type1_create};
