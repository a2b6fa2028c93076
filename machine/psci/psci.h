/*
 * The firmware calls of an Arm machine that has no firmware below its operating system: PSCI 1.1 (DEN0022) to
 * start, stop and suspend cores and the machine, and what goes with it (SMCCC, TRNG).
 */
#pragma once

#include "machine/machine_run.h"

struct psci;

/* The machine must have its vCPUs. Never NULL. `random`: there is a source of random numbers. */
struct psci *psci_create(struct machine_run *run, bool random);
void psci_destroy(struct psci *psci);

/* After a reset: core 0 starts at `pc` with x0 = `context`, the others are off. */
void psci_boot(struct psci *psci, uint64_t pc, uint64_t context);

/* Do the call whose registers the core holds. On its thread, machine lock not held. */
void psci_call(struct psci *psci, struct vcpu *vcpu);
