/* From instruction bits to struct riscv_insn, by the instruction table. */
#pragma once

#include "cpu/riscv64/formats.h"
#include "cpu/riscv64/interp.h"

struct riscv_row {
    const char *id; /* the mnemonic with '_' for '.' */
    uint32_t match, mask;
    enum riscv_format format;
    enum riscv_ext ext;
    enum riscv_row_flag flags;
    riscv_handler *run;
};

/* Build the look-up tables. Before any other function here, on one thread; again does nothing. */
void riscv_decode_init(void);

/* The row of a 32-bit instruction a model has, or NULL. */
const struct riscv_row *riscv_row_find(const struct riscv_model *model, uint32_t bits);

/* The 32-bit equivalent of a compressed instruction the model has; 0 (no instruction) for what is reserved.
 */
uint32_t riscv_expand(const struct riscv_model *model, uint16_t bits);

static inline unsigned riscv_length(uint16_t first_half)
{
    return (first_half & 3) == 3 ? 4 : 2;
}

/* The operands of an instruction of this row, as at the start of a block. False: reserved all the same. */
bool riscv_operands(const struct riscv_row *row, uint32_t bits, struct riscv_insn *insn);

/*
 * Decode one instruction (the first `length` bytes of bits, 2 or 4) at `offset` units into its block.
 * Whatever isn't an instruction in this model and mode becomes one that raises the exception. Returns the
 * row's flags.
 */
enum riscv_row_flag riscv_decode(const struct riscv_core *c, uint32_t bits, unsigned length, unsigned offset,
                                 struct riscv_insn *insn);

/* The instruction that raises an illegal-instruction exception with imm as its bits. */
riscv_handler riscv_undefined;
