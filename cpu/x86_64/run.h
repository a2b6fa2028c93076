/* The interpreter's outer loop and what it takes between instructions: interrupts, traps, INIT. */
#pragma once

#include "cpu/x86_64/interp.h"

void x86_interpret(struct vcpu *vcpu, struct vcpu_exit *exit);

/* run() is to return with this reason. */
void x86_exit(struct x86_core *c, enum exit_reason reason);

/* Whether a processor that is not running has a reason to go on. */
bool x86_has_work(struct vcpu *vcpu);

/* ---- interrupt.c ---- */

/* Why a vector is delivered. */
enum x86_cause {
    CAUSE_EXTERNAL,  /* INTR, NMI */
    CAUSE_EXCEPTION, /* state.rip is that of the faulting instruction, or the next one's for a trap */
    CAUSE_SOFTWARE,  /* INT n, INT3, INTO: gates' DPL counts */
    CAUSE_INT1,      /* like a hardware exception, but for the opcode */
};

/* Through the IDT. False: another exception is in c->fault, and state is as it was. */
bool x86_deliver(struct x86_core *c, enum x86_cause cause, const struct x86_fault *event);

/* Deliver c->fault with all that may follow from it: double fault, shutdown. */
void x86_exception(struct x86_core *c);

/* Deliver an external interrupt or NMI likewise. */
void x86_interrupt(struct x86_core *c, uint8_t vector);

/* Take the most urgent event there is (SDM vol. 3, table 6-2). False: none. */
bool x86_event_take(struct x86_core *c);

/* NMIs among `events` (bits of enum x86_event) wait from now on. */
void x86_nmi_collect(struct x86_core *c, uint32_t events);

/* Whether there is an event, even if none can be taken. */
bool x86_event_waits(const struct x86_core *c);

/* A debug trap is to be taken before the next instruction. */
void x86_debug_trap(struct x86_core *c, uint32_t dr6_bits);

/* ---- x86_64.c ---- */
void x86_init_reset(struct x86_core *c);
void x86_sipi_start(struct x86_core *c, uint8_t vector);
