/* Integer operations as inline functions of their operands, which set the flags and give the result: for
 * handlers of all forms, and for the locked ones. */
#pragma once

#include "cpu/x86_64/flags.h"

INLINE uint64_t op_add(struct x86_core *c, unsigned width, uint64_t a, uint64_t b)
{
    x86_flags_add(c, width, a + b, b);
    return a + b;
}

INLINE uint64_t op_sub(struct x86_core *c, unsigned width, uint64_t a, uint64_t b)
{
    x86_flags_sub(c, width, a, b);
    return a - b;
}

INLINE uint64_t op_or(struct x86_core *c, unsigned width, uint64_t a, uint64_t b)
{
    x86_flags_logic(c, width, a | b);
    return a | b;
}

INLINE uint64_t op_and(struct x86_core *c, unsigned width, uint64_t a, uint64_t b)
{
    x86_flags_logic(c, width, a & b);
    return a & b;
}

INLINE uint64_t op_xor(struct x86_core *c, unsigned width, uint64_t a, uint64_t b)
{
    x86_flags_logic(c, width, a ^ b);
    return a ^ b;
}

/* CF, AF and OF from the carries out of each bit. */
INLINE uint64_t carry_flags(unsigned width, uint64_t carries)
{
    unsigned top = 8 * width - 1;
    uint64_t cf = carries >> top & 1, before = carries >> (top - 1) & 1;
    return cf | (carries >> 3 & 1) * FLAG_AF | (cf ^ before) * FLAG_OF;
}

INLINE uint64_t op_adc(struct x86_core *c, unsigned width, uint64_t a, uint64_t b)
{
    uint64_t r = a + b + x86_carry(c);
    x86_flags_result(c, width, r, carry_flags(width, (a & b) | ((a | b) & ~r)));
    return r;
}

INLINE uint64_t op_sbb(struct x86_core *c, unsigned width, uint64_t a, uint64_t b)
{
    uint64_t r = a - b - x86_carry(c);
    x86_flags_result(c, width, r, carry_flags(width, (~a & b) | ((~a | b) & r)));
    return r;
}

/* INC and DEC leave CF alone. */
INLINE uint64_t op_inc(struct x86_core *c, unsigned width, uint64_t a)
{
    uint64_t r = a + 1, top = r << (64 - 8 * width);
    uint64_t of = top == (uint64_t)1 << 63 ? FLAG_OF : 0, af = (r & 15) == 0 ? FLAG_AF : 0;
    x86_flags_result(c, width, r, of | af | x86_carry(c));
    return r;
}

INLINE uint64_t op_dec(struct x86_core *c, unsigned width, uint64_t a)
{
    uint64_t r = a - 1, top = a << (64 - 8 * width);
    uint64_t of = top == (uint64_t)1 << 63 ? FLAG_OF : 0, af = (a & 15) == 0 ? FLAG_AF : 0;
    x86_flags_result(c, width, r, of | af | x86_carry(c));
    return r;
}

INLINE uint64_t op_neg(struct x86_core *c, unsigned width, uint64_t a)
{
    x86_flags_sub(c, width, 0, a);
    return 0 - a;
}

INLINE uint64_t op_not(struct x86_core *c, unsigned width, uint64_t a)
{
    (void)c, (void)width;
    return ~a;
}

/* BT and its kin: CF is the bit, the other flags stay. */
INLINE void flags_bit(struct x86_core *c, uint64_t a, unsigned bit)
{
    x86_flags_merge(c, FLAG_CF, a >> bit & 1);
}
