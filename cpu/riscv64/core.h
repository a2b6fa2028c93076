/*
 * The RISC-V core as a board and its firmware see it, beyond struct cpu_ops: interrupt lines, hart start and
 * stop, the registers of an environment call, remote fences, and what the device tree says about a hart.
 */
#pragma once

#include "cpu/cpu.h"
#include "cpu/riscv64/model.h"
#include "cpu/riscv64/registers.h"
#include "cpu/riscv64/state.h"

extern const struct cpu_ops riscv64_ops;

/* Ticks of `time` and mtime a second. */
#define RISCV_TIMEBASE_HZ 10000000u

/* The numbers cpu_ops.irq_set takes. */
enum riscv_line {
    RISCV_LINE_MSI, /* mip.MSIP: ACLINT MSWI */
    RISCV_LINE_MTI, /* mip.MTIP: ACLINT MTIMER */
    RISCV_LINE_MEI, /* mip.MEIP: PLIC, M context */
    RISCV_LINE_SEI, /* mip.SEIP: PLIC, S context; or'ed with the bit software wrote */
    RISCV_LINE_STI, /* mip.STIP: the built-in SBI's timer */
    RISCV_LINE_SSI, /* a rising edge sets mip.SSIP, which software clears: ACLINT SSWI, the built-in SBI */
    RISCV_LINES,
};

/* The architectural state. The vCPU is not running, or is the caller's and outside an instruction. */
struct riscv_state *riscv_state(struct vcpu *vcpu);
const struct riscv_model *riscv_model(struct vcpu *vcpu);

/* Ticks of the `time` CSR now. */
uint64_t riscv_time(struct clock *clock);

/*
 * Start a stopped hart in supervisor mode as SBI HSM says (pc, a0 = hart id, a1 = opaque, satp = 0, SIE = 0),
 * with the delegations and counter enables a supervisor expects of an SBI; or stop it. The vCPU is the
 * caller's own or is not running; afterwards vcpu_kick it.
 */
void riscv_hart_start(struct vcpu *vcpu, uint64_t pc, uint64_t opaque);
void riscv_hart_stop(struct vcpu *vcpu);

/*
 * Suspend a hart, which an interrupt that is pending and enabled wakes: where it is, or at another pc as SBI
 * HSM says of a suspension that is not retentive (as a hart that starts, but its interrupts, timer and
 * counters are what wakes it, and stay). On the vCPU's thread.
 */
void riscv_hart_suspend(struct vcpu *vcpu);
void riscv_hart_resume_at(struct vcpu *vcpu, uint64_t pc, uint64_t opaque);

/* sfence.vma for [va, va + size) (size ~0: everything) and one address space (asid < 0: all). On the vCPU's
 * thread; the RFENCE calls post it with vcpu_call. */
void riscv_fence_vma(struct vcpu *vcpu, uint64_t va, uint64_t size, int64_t asid);

/* Set stimecmp, for SBI TIME: with cpu_config.hypercalls it raises STIP on a hart without Sstc as well. On
 * the vCPU's thread. */
void riscv_timer_set(struct vcpu *vcpu, uint64_t deadline);
