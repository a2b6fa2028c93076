/*
 * The arithmetic flags, kept as the operands of the last operation and made into bits when somebody looks.
 *
 * Operands are shifted to the top of 64 bits, so that conditions are 64-bit comparisons for every operand
 * size; `shift` remembers how far, for AF and PF. LAZY_FLAGS: state.rflags has them. LAZY_SUB: those of a -
 * b; logical operations are result - 0, which has the same flags. LAZY_ADD: those of a sum a with addend b.
 * LAZY_RESULT: SF, ZF and PF are those of a; CF, AF and OF are in b at their places in EFLAGS.
 */
#pragma once

#include "cpu/x86_64/interp.h"

INLINE void x86_flags_lazy(struct x86_core *c, enum x86_lazy_kind kind, unsigned width, uint64_t a,
                           uint64_t b)
{
    c->lazy.a = a;
    c->lazy.b = b;
    c->lazy.how = kind | (64 - 8 * width) << 8;
}

/* Flags of a - b, of `width` bytes. */
INLINE void x86_flags_sub(struct x86_core *c, unsigned width, uint64_t a, uint64_t b)
{
    unsigned shift = 64 - 8 * width;
    x86_flags_lazy(c, LAZY_SUB, width, a << shift, b << shift);
}

/* Flags of a sum and its addend, without a carry in. */
INLINE void x86_flags_add(struct x86_core *c, unsigned width, uint64_t sum, uint64_t addend)
{
    unsigned shift = 64 - 8 * width;
    x86_flags_lazy(c, LAZY_ADD, width, sum << shift, addend << shift);
}

/* CF, OF and AF clear, the others by the result. */
INLINE void x86_flags_logic(struct x86_core *c, unsigned width, uint64_t result)
{
    x86_flags_lazy(c, LAZY_SUB, width, result << (64 - 8 * width), 0);
}

/* SF, ZF and PF by the result; `coa` has CF, OF and AF in place. */
INLINE void x86_flags_result(struct x86_core *c, unsigned width, uint64_t result, uint64_t coa)
{
    x86_flags_lazy(c, LAZY_RESULT, width, result << (64 - 8 * width), coa);
}

/* CF, AF and OF of a sum and its addend, and of a - b, shifted to the top. */
static inline uint64_t x86_flags_coa_add(uint64_t sum, uint64_t addend, unsigned shift)
{
    uint64_t augend = sum - addend, cf = sum < addend ? FLAG_CF : 0;
    uint64_t of = (int64_t)((sum ^ augend) & (sum ^ addend)) < 0 ? FLAG_OF : 0;
    return cf | of | ((sum ^ augend ^ addend) >> shift & FLAG_AF);
}

static inline uint64_t x86_flags_coa_sub(uint64_t a, uint64_t b, unsigned shift)
{
    uint64_t r = a - b, cf = a < b ? FLAG_CF : 0;
    uint64_t of = (int64_t)((a ^ b) & (a ^ r)) < 0 ? FLAG_OF : 0;
    return cf | of | ((r ^ a ^ b) >> shift & FLAG_AF);
}

/* Replace some of CF, OF and AF (`mask`, a constant); the other flags stay, as lazy as they were. */
INLINE void x86_flags_merge(struct x86_core *c, uint64_t mask, uint64_t coa)
{
    uint64_t a = c->lazy.a, b = c->lazy.b, old;
    unsigned shift = c->lazy.how >> 8;
    switch ((uint8_t)c->lazy.how) {
    case LAZY_RESULT: c->lazy.b = (b & ~mask) | coa; return;
    case LAZY_SUB:
        old = x86_flags_coa_sub(a, b, shift);
        a -= b;
        break;
    case LAZY_ADD: old = x86_flags_coa_add(a, b, shift); break;
    default: c->s.rflags = (c->s.rflags & ~mask) | coa; return;
    }
    c->lazy.a = a;
    c->lazy.b = (old & ~mask) | coa;
    c->lazy.how = LAZY_RESULT | shift << 8;
}

/* The arithmetic flags as bits. */
uint64_t x86_flags_status(const struct x86_core *c);

/* EFLAGS as a whole; and the bits made true in state.rflags. */
static inline uint64_t x86_flags_get(const struct x86_core *c)
{
    return (c->s.rflags & ~FLAGS_STATUS) | x86_flags_status(c);
}

static inline void x86_flags_settle(struct x86_core *c)
{
    c->s.rflags = x86_flags_get(c);
    c->lazy.how = LAZY_FLAGS;
}

/* Replace the flags in `mask` (arithmetic ones only: others may need a resync). */
static inline void x86_flags_set(struct x86_core *c, uint64_t mask, uint64_t flags)
{
    c->s.rflags = (x86_flags_get(c) & ~mask) | (flags & mask);
    c->lazy.how = LAZY_FLAGS;
}

/* A sum that is less than its addend has carried. */
INLINE bool x86_carry(const struct x86_core *c)
{
    uint8_t kind = (uint8_t)c->lazy.how;
    if (kind == LAZY_SUB || kind == LAZY_ADD)
        return c->lazy.a < c->lazy.b;
    return (kind == LAZY_RESULT ? c->lazy.b : c->s.rflags) & FLAG_CF;
}

/* Conditions by their encoding in Jcc, SETcc and CMOVcc. */
enum x86_condition {
    COND_O,
    COND_NO,
    COND_B,
    COND_AE,
    COND_Z,
    COND_NZ,
    COND_BE,
    COND_A,
    COND_S,
    COND_NS,
    COND_P,
    COND_NP,
    COND_L,
    COND_GE,
    COND_LE,
    COND_G,
};

/* Whether a condition holds of a - b (operands shifted to the top). `shift`: for parity. */
INLINE bool x86_condition_sub(enum x86_condition condition, uint64_t a, uint64_t b, unsigned shift)
{
    bool holds;
    switch (condition >> 1) {
    case 0: holds = (((a ^ b) & (a ^ (a - b))) >> 63) != 0; break;
    case 1: holds = a < b; break;
    case 2: holds = a == b; break;
    case 3: holds = a <= b; break;
    case 4: holds = (int64_t)(a - b) < 0; break;
    case 5: holds = !__builtin_parity((uint8_t)((a - b) >> shift)); break;
    case 6: holds = (int64_t)a < (int64_t)b; break;
    default: holds = (int64_t)a <= (int64_t)b; break;
    }
    return holds != (condition & 1);
}

/* Whether x86_condition_fast knows: true right after compares, tests and logical operations, for zero and
 * sign after most others, and for carry always. */
INLINE bool x86_condition_known(const struct x86_core *c, enum x86_condition condition)
{
    uint8_t kind = (uint8_t)c->lazy.how;
    return kind == LAZY_SUB || condition >> 1 == 1 ||
           ((condition >> 1 == 2 || condition >> 1 == 4) && kind != LAZY_FLAGS);
}

INLINE bool x86_condition_fast(const struct x86_core *c, enum x86_condition condition)
{
    uint64_t b = c->lazy.b;
    if (condition >> 1 == 1)
        return x86_carry(c) != (condition & 1);
    if (condition >> 1 == 2 || condition >> 1 == 4)
        b = (uint8_t)c->lazy.how == LAZY_SUB ? b : 0;
    return x86_condition_sub(condition, c->lazy.a, b, c->lazy.how >> 8);
}

/* Whether a condition holds, whatever the flags come from. */
bool x86_condition_holds(const struct x86_core *c, enum x86_condition condition);
