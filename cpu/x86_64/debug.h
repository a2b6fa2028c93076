/* Breakpoints, the debugger's and the debug registers', registers by GDB's numbers, and the instruction
 * trace. */
#pragma once

#include "cpu/x86_64/interp.h"

/* Whether an instruction breakpoint of any kind is set: blocks check for them (MODE_BREAK). */
bool x86_breakpoints_on(const struct x86_core *c);

/* Whether one of them might be at the place in its page of this linear address. */
bool x86_may_break(const struct x86_core *c, uint64_t linear);

/* An instruction breakpoint at state.rip is taken: #DB, or run() returns. False: there is none. */
bool x86_code_break(struct x86_core *c, uint64_t linear);

/* The pseudo-instruction in front of an instruction that may have a breakpoint. */
x86_handler x86_break_check;

/* Whether a debugger or an enabled debug register watches a byte of [va, va + len). */
bool x86_data_watched(const struct x86_core *c, uint64_t va, unsigned len, enum walk_access access);

/* A debugger's watchpoint: false when run() is to return before the instruction. */
bool x86_watch_passes(struct x86_core *c, uint64_t va, unsigned len, enum walk_access access);

/* A debug exception comes for these reasons (bits of DR6): which breakpoints were met is as of now, the rest
 * is software's to clear (SDM vol. 3, 17.2.3). */
void x86_debug_condition(struct x86_core *c, uint32_t dr6_bits);

/* The access was made: note what debug registers say about it. */
void x86_data_hit(struct x86_core *c, uint64_t va, unsigned len, enum walk_access access);
void x86_port_hit(struct x86_core *c, uint16_t port, unsigned width);

const struct debug_register *x86_registers(struct vcpu *vcpu, size_t *count);
bool x86_register_get(struct vcpu *vcpu, unsigned number, uint8_t *out);
bool x86_register_set(struct vcpu *vcpu, unsigned number, const uint8_t *in);

unsigned x86_disassemble(struct vcpu *vcpu, uint64_t pc, const uint8_t *bytes, size_t len, char *text,
                         size_t size);

/* A line of the instruction at state.rip. */
void x86_trace_insn(struct x86_core *c);
