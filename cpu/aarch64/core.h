/*
 * The aarch64 core as a board and its firmware see it, beyond struct cpu_ops: interrupt inputs, timer and PMU
 * outputs, the GIC's CPU interface, PSCI's start and stop, and the registers of a hypercall.
 */
#pragma once

#include "base/irq_line.h"
#include "cpu/aarch64/model.h"
#include "cpu/aarch64/state.h"
#include "cpu/cpu.h"

extern const struct cpu_ops aarch64_ops;

/* The numbers cpu_ops.irq_set takes. */
enum aarch64_line {
    AARCH64_LINE_IRQ,
    AARCH64_LINE_FIQ,
    AARCH64_LINE_SERROR, /* an edge: pends one SError interrupt */
    AARCH64_LINES,
};

/* Level outputs, for the board to wire to the interrupt controller's private inputs (PPIs). */
enum aarch64_output {
    AARCH64_OUT_TIMER_PHYSICAL, /* CNTP, PPI 30 by convention */
    AARCH64_OUT_TIMER_VIRTUAL,  /* CNTV, PPI 27 */
    AARCH64_OUT_PMU,            /* PPI 23 */
    AARCH64_OUTPUTS,
};

/* A system register's number: op0:op1:CRn:CRm:op2 as in bits 20:5 of MRS. */
#define A64_SYSREG(op0, op1, crn, crm, op2)                                                                  \
    ((uint32_t)(op0) << 14 | (uint32_t)(op1) << 11 | (uint32_t)(crn) << 7 | (uint32_t)(crm) << 3 |           \
     (uint32_t)(op2))

/*
 * What the board connects. `lock` is the machine lock: the core takes it around outputs and GIC accesses (not
 * in timer callbacks, which hold it). The GIC's CPU interface (ICC_*_EL1) is named by A64_SYSREG numbers;
 * read and write return false for a register that is not there. No read function: no GICv3.
 */
struct aarch64_board {
    struct host_mutex *lock;
    struct irq_line outputs[AARCH64_OUTPUTS];
    struct {
        bool (*read)(void *opaque, uint32_t sysreg, uint64_t *value);
        bool (*write)(void *opaque, uint32_t sysreg, uint64_t value);
        void *opaque;
    } gic;
    /* Every core of the machine, this one included: TLB maintenance is sent to them. */
    struct vcpu *const *cpus;
    unsigned cpu_count;
    uint32_t timer_hz; /* CNTFRQ_EL0; 0: 62.5 MHz, or 1 GHz on models with ECV */
    uint64_t mpidr;    /* affinity fields; bit 31 is added */
};

/* After create and before the first run: what the board offers this core. */
void aarch64_connect(struct vcpu *vcpu, const struct aarch64_board *board);

/* The architectural state. The vCPU is not running, or is the caller's and outside an instruction. */
struct aarch64_state *aarch64_state(struct vcpu *vcpu);
const struct aarch64_model *aarch64_model(struct vcpu *vcpu);
uint32_t aarch64_timer_hz(struct vcpu *vcpu);
uint64_t aarch64_mpidr(struct vcpu *vcpu);

/* After EXIT_HYPERCALL: the instruction was SMC, not HVC; and its immediate. The PC is behind it. */
struct aarch64_call {
    bool smc;
    uint16_t imm;
};
struct aarch64_call aarch64_call(struct vcpu *vcpu);

/*
 * PSCI: start a core that is off at EL1 with x0 = context (MMU off, interrupts masked), or turn it off. The
 * vCPU is the caller's own or is not running; afterwards vcpu_kick it.
 */
void aarch64_start(struct vcpu *vcpu, uint64_t pc, uint64_t context);
void aarch64_stop(struct vcpu *vcpu);
