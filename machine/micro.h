/*
 * The minimal boards of mode virtio: memory, the interrupt controller, timers, one serial port, and virtio
 * devices on PCI or in virtio-mmio slots. No firmware, and nothing a kernel would wait for or probe in vain.
 */
#pragma once

#include "machine/config.h"
#include "machine/machine_run.h"

/* The board with everything the configuration asks for, ready for machine_run. `config` outlives it, and
 * names a kernel. NULL and err. */
struct machine_run *micro_arm_create(const struct machine_config *config, struct error *err);
struct machine_run *micro_riscv_create(const struct machine_config *config, struct error *err);
struct machine_run *micro_x86_create(const struct machine_config *config, struct error *err);
