/* Scalar floating point: arithmetic, comparisons, selection and moves. Conversions are in exec_fp_convert.c.
 */
#include "cpu/aarch64/fp_ops.h"
#include "cpu/aarch64/simd.h"

/* Expressions see n, m, a (the third source) and env. */
#define FP_SCALAR(id, z, expr)                                                                               \
    A64_HANDLER(id##_##z)                                                                                    \
    {                                                                                                        \
        struct fp_env *env = &c->fp;                                                                         \
        u_##z n = c->s.v[i->rn].z[0], m = c->s.v[i->rm].z[0], a = c->s.v[simd_bits(i) >> 10 & 31].z[0];      \
        (void)m, (void)a;                                                                                    \
        simd_write_scalar(c, i, FP(z, expr));                                                                \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define FP_SCALARS(id, expr) FP_SCALAR(id, h, expr) FP_SCALAR(id, s, expr) FP_SCALAR(id, d, expr)

FP_SCALARS(fadd, add(env, n, m))
FP_SCALARS(fsub, sub(env, n, m))
FP_SCALARS(fmul, mul(env, n, m))
FP_SCALARS(fnmul, nmul(env, n, m))
FP_SCALARS(fdiv, div(env, n, m))
FP_SCALARS(fmax, maximum(env, n, m))
FP_SCALARS(fmin, minimum(env, n, m))
FP_SCALARS(fmaxnm, maxnm(env, n, m))
FP_SCALARS(fminnm, minnm(env, n, m))
FP_SCALARS(fmadd, madd(env, a, n, m))
FP_SCALARS(fmsub, msub(env, a, n, m))
FP_SCALARS(fnmadd, nmadd(env, a, n, m))
FP_SCALARS(fnmsub, nmsub(env, a, n, m))
FP_SCALARS(fabs, abs(env, n))
FP_SCALARS(fneg, neg(env, n))
FP_SCALARS(fsqrt, sqrt(env, n))
FP_SCALARS(frintn, rint(env, n, FP_RNE))
FP_SCALARS(frintp, rint(env, n, FP_RUP))
FP_SCALARS(frintm, rint(env, n, FP_RDN))
FP_SCALARS(frintz, rint(env, n, FP_RTZ))
FP_SCALARS(frinta, rint(env, n, FP_RMM))
FP_SCALARS(frintx, rint_current(env, n, true))
FP_SCALARS(frinti, rint_current(env, n, false))
FP_SCALAR(frint32z, s, round_int_sized(env, n, FP_RTZ, 32))
FP_SCALAR(frint32z, d, round_int_sized(env, n, FP_RTZ, 32))
FP_SCALAR(frint32x, s, round_int_sized(env, n, (enum fp_round)env->round, 32))
FP_SCALAR(frint32x, d, round_int_sized(env, n, (enum fp_round)env->round, 32))
FP_SCALAR(frint64z, s, round_int_sized(env, n, FP_RTZ, 64))
FP_SCALAR(frint64z, d, round_int_sized(env, n, FP_RTZ, 64))
FP_SCALAR(frint64x, s, round_int_sized(env, n, (enum fp_round)env->round, 64))
FP_SCALAR(frint64x, d, round_int_sized(env, n, (enum fp_round)env->round, 64))

/* ---- comparisons ---- */

/* NZCV of a comparison (FPCompare). */
INLINE unsigned relation_flags(enum fp_relation relation)
{
    switch (relation) {
    case FP_LESS: return 8;
    case FP_EQUAL: return 6;
    case FP_GREATER: return 2;
    default: return 3;
    }
}

/* Whether the condition in bits 15:12 holds: a set of NZCV values a condition. */
INLINE bool condition_holds(const struct aarch64_core *c, const struct a64_insn *i)
{
    static const uint16_t holds[16] = {0xf0f0, 0x0f0f, 0xcccc, 0x3333, 0xff00, 0x00ff, 0xaaaa, 0x5555,
                                       0x0c0c, 0xf3f3, 0xaa55, 0x55aa, 0x0a05, 0xf5fa, 0xffff, 0xffff};
    return holds[simd_bits(i) >> 12 & 15] >> a64_flags_get(c) & 1;
}

#define FP_COMPARE(id, z, other, signaling)                                                                  \
    A64_HANDLER(id##_##z)                                                                                    \
    {                                                                                                        \
        enum fp_relation relation = FP(z, compare(&c->fp, c->s.v[i->rn].z[0], other, signaling));            \
        a64_flags_set(c, relation_flags(relation));                                                          \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define FP_COMPARE_IF(id, z, signaling)                                                                      \
    A64_HANDLER(id##_##z)                                                                                    \
    {                                                                                                        \
        unsigned nzcv = simd_bits(i) & 15;                                                                   \
        if (condition_holds(c, i))                                                                           \
            nzcv =                                                                                           \
                relation_flags(FP(z, compare(&c->fp, c->s.v[i->rn].z[0], c->s.v[i->rm].z[0], signaling)));   \
        a64_flags_set(c, nzcv);                                                                              \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define FP_COMPARISONS(z)                                                                                    \
    FP_COMPARE(fcmp, z, c->s.v[i->rm].z[0], false)                                                           \
    FP_COMPARE(fcmpe, z, c->s.v[i->rm].z[0], true)                                                           \
    FP_COMPARE(fcmp__zero, z, 0, false)                                                                      \
    FP_COMPARE(fcmpe__zero, z, 0, true)                                                                      \
    FP_COMPARE_IF(fccmp, z, false)                                                                           \
    FP_COMPARE_IF(fccmpe, z, true)

FP_COMPARISONS(h)
FP_COMPARISONS(s)
FP_COMPARISONS(d)

/* ---- selection and moves ---- */

#define FP_MOVES(z)                                                                                          \
    A64_HANDLER(fcsel_##z)                                                                                   \
    {                                                                                                        \
        simd_write_scalar(c, i, c->s.v[condition_holds(c, i) ? i->rn : i->rm].z[0]);                         \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    A64_HANDLER(fmov_##z)                                                                                    \
    {                                                                                                        \
        simd_write_scalar(c, i, c->s.v[i->rn].z[0]);                                                         \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    A64_HANDLER(fmov__imm_##z)                                                                               \
    {                                                                                                        \
        simd_write_scalar(c, i, fp_immediate_##z((uint8_t)(simd_bits(i) >> 13)));                            \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    A64_HANDLER(fmov__to_general_##z)                                                                        \
    {                                                                                                        \
        c->s.x[i->rd] = c->s.v[i->rn].z[0];                                                                  \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    A64_HANDLER(fmov__from_general_##z)                                                                      \
    {                                                                                                        \
        simd_write_scalar(c, i, (u_##z)c->s.x[i->rn]);                                                       \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

FP_MOVES(h)
FP_MOVES(s)
FP_MOVES(d)

/* V<n>.D[1] */
A64_HANDLER(fmov__top_to_general)
{
    c->s.x[i->rd] = c->s.v[i->rn].d[1];
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(fmov__top_from_general)
{
    c->s.v[i->rd].d[1] = c->s.x[i->rn];
    TAIL return a64_next(c, i, bank, pc);
}
