/*
 * PSTATE and exceptions: taking one, returning from one, which interrupt is due, and which stack pointer is
 * in use.
 */
#pragma once

#include "cpu/aarch64/pe.h"

/* NZCV as in bits 31:28 of SPSR_EL1 and NZCV. */
uint32_t aarch64_nzcv(const struct aarch64_core *c);
void aarch64_nzcv_set(struct aarch64_core *c, uint64_t value);

/* PSTATE as SPSR_EL1 would have it. */
uint32_t aarch64_pstate(const struct aarch64_core *c);

/* Change it as a debugger may: what would be illegal is left as it is. */
void aarch64_pstate_set(struct aarch64_core *c, uint32_t value);

/* MSR SPSel at EL1: the other stack pointer becomes the one in x[REG_SP]. */
void aarch64_select_sp(struct aarch64_core *c, bool own);

/* Put the stack pointer in use where it belongs (before sp_el is read as a whole), and take it from there. */
void aarch64_sp_save(struct aarch64_core *c);
void aarch64_sp_load(struct aarch64_core *c);

/* Take the synchronous exception in c->fault; state.pc is the preferred return address. */
void aarch64_exception(struct aarch64_core *c);

/* ERET: state.pc becomes `target`, PSTATE what SPSR_EL1 says. */
void aarch64_exception_return(struct aarch64_core *c, uint64_t target);

/* Take the interrupt that is due, if there is one. */
bool aarch64_interrupt(struct aarch64_core *c);

/* Whether one is due, that is, pending and not masked. */
bool aarch64_interrupt_pending(const struct aarch64_core *c);

/* The event register (exec_wait.c). */
bool aarch64_event(const struct aarch64_core *c);

/* The interrupt inputs, 1 << enum aarch64_line. */
uint32_t aarch64_lines(const struct aarch64_core *c);
