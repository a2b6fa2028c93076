/*
 * Self-hosted debug (breakpoints, watchpoints, software step) and the debugger's own points; what a debugger
 * sees of the core is in gdb.c.
 */
#pragma once

#include "cpu/aarch64/pe.h"

/* The enum tlb_permission for which a page needs no look at each access: all, or none with a watchpoint in
 * it. */
uint8_t aarch64_unwatched(const struct aarch64_core *c, uint64_t va, uint64_t len);

/* An access that is about to happen; `user`: as if at EL0. False: c->fault is set, to a watchpoint exception
 * or a stop. */
bool aarch64_watch_check(struct aarch64_core *c, uint64_t va, unsigned size, enum walk_access access,
                         bool user);

/* Whether instructions in the page of pc have to be run one at a time, because a breakpoint is set there. */
bool aarch64_breaks_in_page(const struct aarch64_core *c, uint64_t pc);

/* Before the instruction at state.pc, in such a page. False: an exception was taken, or run() is to return.
 */
bool aarch64_break_check(struct aarch64_core *c);

/* Software step (D2.12): is it active; before an instruction (false: an exception was taken); after it; and
 * what an exception return makes of SPSR_EL1.SS. */
bool aarch64_step_active(const struct aarch64_core *c);
bool aarch64_step_check(struct aarch64_core *c);
void aarch64_step_advance(struct aarch64_core *c);
bool aarch64_step_after_return(const struct aarch64_core *c, uint32_t spsr, bool legal);

/* Points or debug registers have changed. */
void aarch64_debug_changed(struct aarch64_core *c);

/* The debugger's registers, for struct cpu_ops (gdb.c). */
const struct debug_register *aarch64_registers(struct vcpu *vcpu, size_t *count);
bool aarch64_register_get(struct vcpu *vcpu, unsigned number, uint8_t *out);
bool aarch64_register_set(struct vcpu *vcpu, unsigned number, const uint8_t *in);
void aarch64_registers_free(struct aarch64_core *c);
