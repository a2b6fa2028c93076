/* Vectors: loads, stores and moves, to and from integer registers and MMX registers too. */
#include "cpu/x86_64/vector.h"

/* ---- whole registers ---- */

INLINE void move_low(union x86_vector *d, const union x86_vector *s)
{
    d->q[0] = s->q[0];
    d->q[1] = s->q[1];
}

INLINE void move_all(union x86_vector *d, const union x86_vector *s, const struct x86_insn *i)
{
    bool wide = i->flags & INSN_L;
    d->q[0] = s->q[0];
    d->q[1] = s->q[1];
    d->q[2] = wide ? s->q[2] : 0;
    d->q[3] = wide ? s->q[3] : 0;
}

#define STORE_M(name, width, align)                                                                          \
    static COLD X86_HANDLER(name##_slow)                                                                     \
    {                                                                                                        \
        c->operand = c->s.vector[i->reg];                                                                    \
        if (unlikely(!x86_operand_store(c, i, pc, width, align)))                                            \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }                                                                                                        \
    X86_HANDLER(x86_##name##_m)                                                                              \
    {                                                                                                        \
        void *p = x86_write_hit_m(c, i, bank, pc, width);                                                    \
        if (unlikely(!p || (uintptr_t)p & ((align)-1)))                                                      \
            TAIL return name##_slow(c, i, bank, pc);                                                         \
        x86_operand_copy(p, &c->s.vector[i->reg], width);                                                    \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }
#define STORE(name, width, align, move)                                                                      \
    X86_PLAIN(name##_r, move)                                                                                \
    STORE_M(name, width, align)
#define STORED (&c->s.vector[i->reg])
#define TARGET (&c->s.vector[i->rm])

X86_VECTOR(movups, 16, 1, move_low(d, s))
X86_VECTOR(movaps, 16, 16, move_low(d, s))
X86_VECTOR(vmovups, VEX_WIDTH, 1, move_all(d, s, i))
X86_VECTOR(vmovaps, VEX_WIDTH, VEX_WIDTH, move_all(d, s, i))
STORE(movups_st, 16, 1, move_low(TARGET, STORED))
STORE(movaps_st, 16, 16, move_low(TARGET, STORED))
STORE(vmovups_st, VEX_WIDTH, 1, move_all(TARGET, STORED, i))
STORE(vmovaps_st, VEX_WIDTH, VEX_WIDTH, move_all(TARGET, STORED, i))

/* ---- scalars: from memory they clear the rest of the register, from another register they leave it ---- */

INLINE void scalar_load(union x86_vector *d, uint64_t v, bool vex)
{
    d->q[0] = v;
    d->q[1] = 0;
    if (vex)
        d->q[2] = d->q[3] = 0;
}

/* VEX: the rest is v's. */
INLINE void scalar_merge(union x86_vector *d, const union x86_vector *v, uint64_t low)
{
    d->q[1] = v->q[1];
    d->q[0] = low;
    d->q[2] = d->q[3] = 0;
}

INLINE uint64_t low_32(const union x86_vector *v, const union x86_vector *s)
{
    return (v->q[0] & ~(uint64_t)UINT32_MAX) | s->d[0];
}

X86_VECTOR_R(movss, d->d[0] = s->d[0])
X86_VECTOR_M(movss, 4, 1, scalar_load(d, s->d[0], false))
X86_VECTOR_R(movsd, d->q[0] = s->q[0])
X86_VECTOR_M(movsd, 8, 1, scalar_load(d, s->q[0], false))
X86_VECTOR(movq, 8, 1, scalar_load(d, s->q[0], false))
X86_VECTOR_R(vmovss, scalar_merge(d, v, low_32(v, s)))
X86_VECTOR_M(vmovss, 4, 1, scalar_load(d, s->d[0], true))
X86_VECTOR_R(vmovsd, scalar_merge(d, v, s->q[0]))
X86_VECTOR_M(vmovsd, 8, 1, scalar_load(d, s->q[0], true))
X86_VECTOR(vmovq, 8, 1, scalar_load(d, s->q[0], true))
STORE(movss_st, 4, 1, TARGET->d[0] = STORED->d[0])
STORE(movsd_st, 8, 1, TARGET->q[0] = STORED->q[0])
STORE(movq_st, 8, 1, scalar_load(TARGET, STORED->q[0], false))
STORE(vmovq_st, 8, 1, scalar_load(TARGET, STORED->q[0], true))
/* Between registers the store's encoding does what the load's does, with the fields changed about. */
X86_PLAIN(vmovss_st_r, scalar_merge(TARGET, &c->s.vector[i->vvvv], low_32(&c->s.vector[i->vvvv], STORED)))
X86_PLAIN(vmovsd_st_r, scalar_merge(TARGET, &c->s.vector[i->vvvv], STORED->q[0]))
STORE_M(vmovss_st, 4, 1)
STORE_M(vmovsd_st, 8, 1)

/* ---- halves of 128 bits: register forms are MOVHLPS and MOVLHPS ---- */

INLINE void halves(union x86_vector *d, uint64_t low, uint64_t high, bool vex)
{
    d->q[0] = low;
    d->q[1] = high;
    if (vex)
        d->q[2] = d->q[3] = 0;
}

X86_VECTOR_R(movlps, d->q[0] = s->q[1])
X86_VECTOR_M(movlps, 8, 1, d->q[0] = s->q[0])
X86_VECTOR(movhps, 8, 1, d->q[1] = s->q[0])
X86_VECTOR_R(vmovlps, halves(d, s->q[1], v->q[1], true))
X86_VECTOR_M(vmovlps, 8, 1, halves(d, s->q[0], v->q[1], true))
X86_VECTOR(vmovhps, 8, 1, halves(d, v->q[0], s->q[0], true))

X86_HANDLER(x86_movhps_st)
{
    c->operand.q[0] = c->s.vector[i->reg].q[1];
    if (unlikely(!x86_operand_store(c, i, pc, 8, 1)))
        TAIL return x86_raise(c, i, bank, pc);
    TAIL return x86_next_slow(c, i, bank, pc);
}

/* ---- from and to integer registers ---- */

#define MOVE_INTEGER(bits, width)                                                                            \
    X86_PLAIN(movd##bits##_r, scalar_load(STORED, x86_reg_get(c, i->rm, width), false))                      \
    X86_VECTOR_M(movd##bits, width, 1, scalar_load(d, width == 4 ? s->d[0] : s->q[0], false))                \
    X86_PLAIN(vmovd##bits##_r, scalar_load(STORED, x86_reg_get(c, i->rm, width), true))                      \
    X86_VECTOR_M(vmovd##bits, width, 1, scalar_load(d, width == 4 ? s->d[0] : s->q[0], true))                \
    X86_PLAIN(movd_st##bits##_r, x86_reg_set(c, i->rm, width, STORED->q[0]))                                 \
    STORE_M(movd_st##bits, width, 1)
MOVE_INTEGER(32, 4)
MOVE_INTEGER(64, 8)

#define SIGN_BITS(name, field)                                                                               \
    INLINE unsigned signs_##name(const union x86_vector *s, unsigned n)                                      \
    {                                                                                                        \
        unsigned mask = 0;                                                                                   \
        for (unsigned k = 0; k < n / sizeof(s->field[0]); k++)                                               \
            mask |= (unsigned)(s->field[k] >> (8 * sizeof(s->field[0]) - 1)) << k;                           \
        return mask;                                                                                         \
    }                                                                                                        \
    X86_PLAIN(name, x86_reg_set(c, i->reg, 4, signs_##name(&c->s.vector[i->rm], VEX_WIDTH)))
SIGN_BITS(pmovmskb, b)
SIGN_BITS(movmskps, d)
SIGN_BITS(movmskpd, q)

/* ---- one lane ---- */

/* Into a lane of v's copy. */
#define INSERT(name, field, width, lane)                                                                     \
    INLINE void insert_##name(union x86_vector *d, const union x86_vector *v, unsigned imm, uint64_t value,  \
                              bool vex)                                                                      \
    {                                                                                                        \
        halves(d, v->q[0], v->q[1], vex);                                                                    \
        d->field[imm & (lane)] = (__typeof__(d->field[0]))value;                                             \
    }                                                                                                        \
    X86_PLAIN(name##_r, insert_##name(STORED, STORED, IMM, c->s.gpr[i->rm], false))                          \
    X86_VECTOR_M(name, width, 1, insert_##name(d, v, IMM, s->field[0], false))                               \
    X86_PLAIN(v##name##_r, insert_##name(STORED, &c->s.vector[i->vvvv], IMM, c->s.gpr[i->rm], true))         \
    X86_VECTOR_M(v##name, width, 1, insert_##name(d, v, IMM, s->field[0], true))
INSERT(pinsrb, b, 1, 15)
INSERT(pinsrw, w, 2, 7)
INSERT(pinsr32, d, 4, 3)
INSERT(pinsr64, q, 8, 1)

/* To a register, zero-extended, or to memory. */
#define EXTRACT(name, field, width, lane)                                                                    \
    X86_PLAIN(name##_r, x86_reg_set(c, i->rm, 8, STORED->field[IMM & (lane)]))                               \
    X86_HANDLER(x86_##name##_m)                                                                              \
    {                                                                                                        \
        c->operand.q[0] = STORED->field[IMM & (lane)];                                                       \
        if (unlikely(!x86_operand_store(c, i, pc, width, 1)))                                                \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }
EXTRACT(pextrb, b, 1, 15)
EXTRACT(pextrw_m, w, 2, 7)
EXTRACT(pextr32, d, 4, 3)
EXTRACT(pextr64, q, 8, 1)

/* The older PEXTRW, from a register only. */
X86_PLAIN(pextrw, x86_reg_set(c, i->reg, 4, c->s.vector[i->rm].w[IMM & 7]))

/* One float of s to one place, and zeros to others. */
INLINE void op_insertps(union x86_vector *r, const union x86_vector *v, uint32_t value, unsigned imm)
{
    r->q[0] = v->q[0];
    r->q[1] = v->q[1];
    r->d[imm >> 4 & 3] = value;
    for (unsigned k = 0; k < 4; k++)
        r->d[k] = imm >> k & 1 ? 0 : r->d[k];
}

INLINE void insertps(union x86_vector *d, const union x86_vector *v, uint32_t value, unsigned imm, bool vex)
{
    union x86_vector r;
    op_insertps(&r, v, value, imm);
    halves(d, r.q[0], r.q[1], vex);
}
X86_VECTOR_R(insertps, insertps(d, v, s->d[IMM >> 6 & 3], IMM, false))
X86_VECTOR_M(insertps, 4, 1, insertps(d, v, s->d[0], IMM, false))
X86_VECTOR_R(vinsertps, insertps(d, v, s->d[IMM >> 6 & 3], IMM, true))
X86_VECTOR_M(vinsertps, 4, 1, insertps(d, v, s->d[0], IMM, true))

/* ---- upper halves ---- */

/* There are eight registers outside 64-bit mode. */
#define VECTOR_COUNT (c->mode & MODE_64 ? 16u : 8u)

X86_HANDLER(x86_vzero)
{
    for (unsigned k = 0; k < VECTOR_COUNT; k++) {
        union x86_vector *d = &c->s.vector[k];
        if (i->flags & INSN_L)
            d->q[0] = d->q[1] = 0;
        d->q[2] = d->q[3] = 0;
    }
    TAIL return x86_next(c, i, bank, pc);
}
