/* From instruction bytes to struct x86_insn, by the instruction table. */
#pragma once

#include "cpu/x86_64/kinds.h"

struct x86_row {
    const char *id;
    uint8_t map, prefix, opcode;
    uint32_t modrm;
    uint8_t operands, size, kind; /* enum x86_operands, x86_size, x86_kind */
    uint16_t flags;
    uint8_t feature;
    x86_handler *const *handlers;
};

/* Build the look-up tables. Before any other function here, on one thread; again does nothing. */
void x86_decode_init(void);

/*
 * Decode the instruction that begins at bytes[0], `offset` bytes into its block. Whatever isn't an
 * instruction in this model and mode becomes one that raises the exception. `available` is how many bytes
 * there are; when the instruction needs more the result is 0 (unless there are X86_LENGTH_MAX), else the
 * instruction's length. *flags gets the row's.
 */
unsigned x86_decode(const struct x86_core *c, const uint8_t *bytes, unsigned available, unsigned offset,
                    struct x86_insn *insn, unsigned *flags);

/* What stands for an instruction that is too long: #GP(0). */
x86_handler x86_too_long;

/* LOCK and a row with ROW_LOCK. */
x86_handler x86_locked;

/* The same, or a faster handler for one that can be done at once. */
x86_handler *x86_locked_choose(const struct x86_insn *insn);
