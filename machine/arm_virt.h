/*
 * The aarch64 "virt" board: the memory map and devices that EDK2, U-Boot and operating systems made for
 * QEMU's machine of that name know.
 */
#pragma once

#include "machine/config.h"
#include "machine/machine_run.h"

/* The board with everything the configuration asks for, ready for machine_run. `config` outlives it. NULL and
 * err. */
struct machine_run *arm_virt_create(const struct machine_config *config, struct error *err);
