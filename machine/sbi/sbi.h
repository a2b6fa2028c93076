/*
 * The built-in supervisor binary interface (RISC-V SBI 2.0): what a kernel asks of its firmware, when no
 * firmware is loaded. Harts start in supervisor mode, and their environment calls come here.
 */
#pragma once

#include "machine/machine_run.h"

struct sbi;

struct sbi_config {
    struct machine_run *run;
    uint64_t console; /* physical address of the 16550 that the debug console uses */
};

/* The machine must have its vCPUs. Never NULL. */
struct sbi *sbi_create(const struct sbi_config *config);
void sbi_destroy(struct sbi *sbi);

/* After a reset: hart 0 starts at `pc` with a1 = `opaque` (the device tree), the others are stopped. */
void sbi_boot(struct sbi *sbi, uint64_t pc, uint64_t opaque);

/* Do the environment call whose registers the hart holds. On its thread, machine lock not held. */
void sbi_call(struct sbi *sbi, struct vcpu *vcpu);
