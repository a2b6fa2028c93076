/*
 * How vector handlers are made: an operation on lanes is written once and becomes an MMX, an SSE and a VEX
 * instruction. An operation is a statement in terms of
 *   r  the result, of which the first n bytes are to be set
 *   v  the first source: the destination's old value, or the register VEX.vvvv
 *   s  the second source, in a register or from memory
 *   n  8 (MMX), 16 or 32, a constant
 * and of c and i. r is apart from both sources.
 */
#pragma once

#include "cpu/x86_64/kinds.h"

#define IMM ((unsigned)i->imm)

/* The width of a VEX instruction's operands. */
#define VEX_WIDTH (i->flags & INSN_L ? 32u : 16u)

#define VECTOR_OPERANDS union x86_vector *r, const union x86_vector *v, const union x86_vector *s, unsigned n

/* void op_name(r, v, s, n): an expression of the lanes a and b, taken as `type`. */
#define LANES(name, type, field, expr)                                                                       \
    INLINE void op_##name(VECTOR_OPERANDS)                                                                   \
    {                                                                                                        \
        for (unsigned k = 0; k < n / sizeof(type); k++) {                                                    \
            type a = (type)v->field[k], b = (type)s->field[k];                                               \
            (void)a, (void)b;                                                                                \
            r->field[k] = (type)(expr);                                                                      \
        }                                                                                                    \
    }

/* Bytes that are permuted together: operations on 256 bits do the same in either half. */
INLINE unsigned lane_bytes(unsigned n)
{
    return n < 16 ? n : 16;
}

/* ---- SSE: 128 bits; the upper half of the register stays ---- */

#define SSE_VECTOR_W(name, width, align, op)                                                                 \
    X86_VECTOR(name, width, align, {                                                                         \
        const unsigned n = 16;                                                                               \
        union x86_vector r;                                                                                  \
        (void)n;                                                                                             \
        op;                                                                                                  \
        d->q[0] = r.q[0];                                                                                    \
        d->q[1] = r.q[1];                                                                                    \
    })
#define SSE_VECTOR(name, op) SSE_VECTOR_W(name, 16, 16, op)

/* ---- VEX: 128 or 256 bits; the upper half of the register becomes zero ---- */

#define VEX_BODY(op)                                                                                         \
    {                                                                                                        \
        union x86_vector r;                                                                                  \
        if (i->flags & INSN_L) {                                                                             \
            const unsigned n = 32;                                                                           \
            (void)n;                                                                                         \
            op;                                                                                              \
        } else {                                                                                             \
            const unsigned n = 16;                                                                           \
            (void)n;                                                                                         \
            op;                                                                                              \
            r.q[2] = r.q[3] = 0;                                                                             \
        }                                                                                                    \
        *d = r;                                                                                              \
    }
#define VEX_VECTOR_W(name, width, op) X86_VECTOR(name, width, 1, VEX_BODY(op))
#define VEX_VECTOR(name, op)          VEX_VECTOR_W(name, VEX_WIDTH, op)

/* ---- MMX: kind ONE ---- */

#define MMX_VECTOR(name, width, op)                                                                          \
    X86_DO(name)                                                                                             \
    {                                                                                                        \
        const unsigned n = 8;                                                                                \
        union x86_vector first, second, r;                                                                   \
        const union x86_vector *v = &first, *s = &second;                                                    \
        if (!x86_mmx_operands(c, i, width, &first, &second))                                                 \
            return false;                                                                                    \
        (void)n, (void)v, (void)s;                                                                           \
        op;                                                                                                  \
        x86_mmx_set(c, i->reg, r.q[0]);                                                                      \
        return true;                                                                                         \
    }                                                                                                        \
    X86_HELPER(name)

/* Instructions that exist in both, or all three, encodings. */
#define VECTOR_2(name, op)                                                                                   \
    SSE_VECTOR(name, op)                                                                                     \
    VEX_VECTOR(v##name, op)
#define VECTOR_3(name, op)                                                                                   \
    MMX_VECTOR(mmx_##name, 8, op)                                                                            \
    VECTOR_2(name, op)

/*
 * What an MMX instruction does first: raise an x87 exception that waits, load its memory operand, and switch
 * the x87 to MMX (TOP is 0, all registers valid). False: c->fault.
 */
bool x86_mmx_begin(struct x86_core *c, const struct x86_insn *i, unsigned width);

/* The same, with both operands. */
bool x86_mmx_operands(struct x86_core *c, const struct x86_insn *i, unsigned width, union x86_vector *v,
                      union x86_vector *s);

/* The x87 after an MMX instruction: TOP is 0, all registers valid. */
static inline void x86_mmx_enter(struct x86_core *c)
{
    c->s.fsw &= 0xc7ff;
    c->s.ftw = 0;
}

/* Writing an MMX register sets all bits above it. */
static inline void x86_mmx_set(struct x86_core *c, unsigned number, uint64_t value)
{
    c->s.st[number & 7] = (struct x86_st){.mant = value, .se = 0xffff};
}

/* i's memory operand in a function of X86_HELPER or X86_SYSTEM, as x86_operand_load and x86_operand_store
 * have it for handlers. */
static inline bool x86_helper_load(struct x86_core *c, const struct x86_insn *i, unsigned width,
                                   unsigned align)
{
    return x86_operand_load(c, i, c->s.rip - i->length - i->offset, width, align);
}

static inline bool x86_helper_store(struct x86_core *c, const struct x86_insn *i, unsigned width,
                                    unsigned align)
{
    return x86_operand_store(c, i, c->s.rip - i->length - i->offset, width, align);
}

/* The first n (16 or less, or 32) bytes of r into d: SSE leaves what is above bit 127, and VEX clears it. */
INLINE void vector_set(union x86_vector *d, const union x86_vector *r, unsigned n, bool vex)
{
    d->q[0] = r->q[0];
    d->q[1] = r->q[1];
    if (vex) {
        d->q[2] = n == 32 ? r->q[2] : 0;
        d->q[3] = n == 32 ? r->q[3] : 0;
    }
}
