/* Instructions in words, from the instruction table. */
#pragma once

#include "cpu/riscv64/model.h"

/* The instruction at `bytes` as text; pc makes targets absolute. Returns its length, 0 when `len` bytes don't
 * hold it. What isn't an instruction in this model is shown as a number. */
unsigned riscv_disassemble(const struct riscv_model *model, uint64_t pc, const uint8_t *bytes, size_t len,
                           char *text, size_t size);

/* ABI names of x and f registers. */
extern const char *const riscv_x_names[32], *const riscv_f_names[32];
