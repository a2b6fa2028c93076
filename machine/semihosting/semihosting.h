/*
 * Semihosting (Arm's specification 2.0, which RISC-V's refers to): what a test program asks of its debugger:
 * output, its command line, times, and the end with an exit status. A debugger would open the host's files as
 * well; here there are none but the console's, so a guest gets at nothing through it.
 */
#pragma once

#include "machine/machine_run.h"

struct semihosting_config {
    struct machine_run *run;
    const char *program;   /* the command line's first word; NULL: none */
    const char *arguments; /* NULL: none */
    uint64_t epoch;        /* the date when the machine started, in ns since 1970 */
};

struct semihosting;

/* The machine owns the result. Before its vCPUs run. */
struct semihosting *semihosting_create(const struct semihosting_config *config);

/* A vCPU's request, on its thread (EXIT_SEMIHOSTING); machine lock not held. */
void semihosting_call(struct semihosting *semihosting, struct vcpu *vcpu);
