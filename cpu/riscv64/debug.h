/* What debuggers and traces ask of a core: the debugger's part of struct cpu_ops, and the trace of
 * instructions. */
#pragma once

#include "cpu/riscv64/hart.h"

const struct debug_register *riscv_registers(struct vcpu *vcpu, size_t *count);
bool riscv_register_get(struct vcpu *vcpu, unsigned number, uint8_t *out);
bool riscv_register_set(struct vcpu *vcpu, unsigned number, const uint8_t *in);

/* The registers' table is built per model when asked for; this frees it. */
void riscv_registers_free(struct riscv_core *c);

/* TRACE_INSN: the instruction at state.pc before it runs, and the registers it changed. */
void riscv_trace_before(struct riscv_core *c);
void riscv_trace_after(struct riscv_core *c);
