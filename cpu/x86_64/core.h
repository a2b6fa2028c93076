/*
 * The x86-64 core as a board sees it, beyond struct cpu_ops: interrupt inputs, what an APIC sends, and the
 * functions a board fills in because the core may not know its devices (interrupt controllers).
 */
#pragma once

#include "cpu/cpu.h"
#include "cpu/x86_64/model.h"
#include "cpu/x86_64/registers.h"
#include "cpu/x86_64/state.h"

extern const struct cpu_ops x86_64_ops;

/* The crystal's rate in CPUID 15h, at which the local APIC's timer counts; and the time-stamp counter's,
 * unless an engine has another (x86_tsc_hz). */
#define X86_TSC_HZ 1000000000u

/* The numbers cpu_ops.irq_set takes. */
enum x86_line {
    X86_LINE_INTR, /* level: a vector waits at hooks.interrupt_acknowledge */
    X86_LINE_NMI,  /* a rising edge */
    X86_LINE_SMI,  /* a rising edge */
    X86_LINES,
};

/*
 * What the board provides. All are called on the vCPU's thread with no lock held, and may be NULL: then there
 * is no such device. opaque goes to each.
 */
struct x86_hooks {
    void *opaque;

    /* The processor takes the interrupt INTR announces: its vector, or -1 when there is none any more. */
    int (*interrupt_acknowledge)(void *opaque);

    /* CR8: bits 7..4 of the task priority. */
    uint8_t (*tpr_get)(void *opaque);
    void (*tpr_set)(void *opaque, uint8_t priority);

    /* IA32_APIC_BASE. set returns false for a value that raises #GP. */
    uint64_t (*apic_base_get)(void *opaque);
    bool (*apic_base_set)(void *opaque, uint64_t value);

    /* MSRs 800h..8FFh and IA32_TSC_DEADLINE (6E0h). False: #GP. */
    bool (*apic_msr_read)(void *opaque, uint32_t msr, uint64_t *value);
    bool (*apic_msr_write)(void *opaque, uint32_t msr, uint64_t value);

    /* A performance counter has overflowed, and is to interrupt: the entry of the local vector table for it.
     */
    void (*performance_interrupt)(void *opaque);

    /* FERR#: an x87 instruction has met an exception that waits, and CR0.NE is clear (IRQ 13 of a PC). False
     * when the next one meets none any more. */
    void (*ferr_set)(void *opaque, bool level);

    /* The date at machine time 0 in nanoseconds since 1970, for the paravirtual clock. */
    uint64_t epoch;
};

/* While the vCPU does not run. The struct is copied. */
void x86_hooks_set(struct vcpu *vcpu, const struct x86_hooks *hooks);

/* The architectural state and the model. The vCPU is not running, or is the caller's and outside an
 * instruction. */
struct x86_state *x86_state(struct vcpu *vcpu);
const struct x86_model *x86_model(struct vcpu *vcpu);

/*
 * Messages on the APIC bus. Any thread. INIT resets all but what INIT keeps (caches, FPU, MSRs) and, unless
 * this is the bootstrap processor, leaves the processor waiting for SIPI.
 */
void x86_init_signal(struct vcpu *vcpu);
void x86_sipi_signal(struct vcpu *vcpu, uint8_t vector);

/* The bootstrap processor starts at the reset vector, the others wait for SIPI; as created, CPU 0 is it.
 * While the vCPU does not run; takes effect at the next reset. */
void x86_bootstrap_set(struct vcpu *vcpu, bool bootstrap);

/* IGNNE#: x87 instructions go on in spite of an exception that waits, until it is gone (what port F0h of a PC
 * asks for, in answer to FERR#). On the vCPU's thread, or while it does not run. */
void x86_ignne_set(struct vcpu *vcpu);

/* The A20 gate: while it is closed bit 20 of every physical address is 0. Any thread. As created: open. */
void x86_a20_set(struct vcpu *vcpu, bool open);

/* The numbers of logical processors, cores a package and threads a core that CPUID reports (default 1, 1),
 * and this one's APIC id. While the vCPU does not run. */
void x86_topology_set(struct vcpu *vcpu, uint32_t apic_id, unsigned cores, unsigned threads);

/* How fast the time-stamp counter goes: X86_TSC_HZ, unless an engine that can't choose says what it is; the
 * counter now; the guest time (ns) at which it reaches `tsc` (now, when it already has). */
uint64_t x86_tsc(struct vcpu *vcpu);
uint64_t x86_tsc_hz(struct vcpu *vcpu);
uint64_t x86_tsc_time(struct vcpu *vcpu, uint64_t tsc);

/* Load a segment register as boot protocols ask for: flat code or data of the current mode. While the vCPU
 * does not run. attributes as in struct x86_segment. */
void x86_segment_set(struct vcpu *vcpu, enum x86_segment_number number, uint16_t selector, uint64_t base,
                     uint32_t limit, uint16_t attributes);

/* After a board changed control registers, segments or EFER of x86_state by hand (boot protocols). */
void x86_state_changed(struct vcpu *vcpu);
