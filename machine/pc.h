/*
 * The PC: a board with the Q35 chipset, as firmware, Linux and other operating systems for x86-64 expect it.
 * Its address map, devices and tables follow QEMU's "q35", so that they need no drivers of their own.
 */
#pragma once

#include "machine/config.h"
#include "machine/machine_run.h"

/* The machine, ready for machine_run; `config` outlives it. NULL and err. */
struct machine_run *pc_create(const struct machine_config *config, struct error *err);
