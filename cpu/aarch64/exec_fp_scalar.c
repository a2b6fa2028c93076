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

/* The common ones have a fast path of their own: `op` and `op`_quick of cpu/fp/fast.h, then their arguments.
 */
#define N(z) c->s.v[i->rn].z[0]
#define M(z) c->s.v[i->rm].z[0]
#define A(z) c->s.v[simd_bits(i) >> 10 & 31].z[0]
#define FP_FAST(id, z, op, ...)                                                                              \
    A64_HANDLERS(                                                                                            \
        id##_##z,                                                                                            \
        {                                                                                                    \
            u_##z r;                                                                                         \
            if (unlikely(!FP(z, op##_quick(&c->fp, __VA_ARGS__, &r))))                                       \
                TAIL return a64_##id##_##z##_slow(c, i, bank, pc);                                           \
            simd_write_scalar(c, i, r);                                                                      \
        },                                                                                                   \
        { simd_write_scalar(c, i, FP(z, op(&c->fp, __VA_ARGS__))); })
#define FP_COMMON(id, op)                                                                                    \
    FP_SCALAR(id, h, op(env, n, m))                                                                          \
    FP_FAST(id, s, op, N(s), M(s))                                                                           \
    FP_FAST(id, d, op, N(d), M(d))

FP_COMMON(fadd, add)
FP_COMMON(fsub, sub)
FP_COMMON(fmul, mul)
FP_COMMON(fdiv, div)

/* Negation comes first, so that it shows in NaNs. */
#define FP_FUSED(id, z, n_sign, a_sign) FP_FAST(id, z, fma, N(z) ^ (n_sign), M(z), A(z) ^ (a_sign), 0)
FP_SCALAR(fmadd, h, fma(env, n, m, a, 0))
FP_SCALAR(fmsub, h, fma(env, n ^ F16_SIGN, m, a, 0))
FP_SCALAR(fnmadd, h, fma(env, n ^ F16_SIGN, m, a ^ F16_SIGN, 0))
FP_SCALAR(fnmsub, h, fma(env, n, m, a ^ F16_SIGN, 0))
FP_FUSED(fmadd, s, 0, 0)
FP_FUSED(fmsub, s, F32_SIGN, 0)
FP_FUSED(fnmadd, s, F32_SIGN, F32_SIGN)
FP_FUSED(fnmsub, s, 0, F32_SIGN)
FP_FUSED(fmadd, d, 0, 0)
FP_FUSED(fmsub, d, F64_SIGN, 0)
FP_FUSED(fnmadd, d, F64_SIGN, F64_SIGN)
FP_FUSED(fnmsub, d, 0, F64_SIGN)

FP_SCALARS(fnmul, nmul(env, n, m))
FP_SCALARS(fmax, maximum(env, n, m))
FP_SCALARS(fmin, minimum(env, n, m))
FP_SCALARS(fmaxnm, maxnm(env, n, m))
FP_SCALARS(fminnm, minnm(env, n, m))
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

#define FP_COMPARE_SLOW(z, other, signaling)                                                                 \
    a64_flags_set(c, relation_flags(FP(z, compare(&c->fp, N(z), other, signaling))))
#define FP_COMPARE(id, z, other, signaling)                                                                  \
    A64_HANDLERS(                                                                                            \
        id##_##z,                                                                                            \
        {                                                                                                    \
            if (unlikely(!FP(z, compares_plainly(&c->fp, N(z), other))))                                     \
                TAIL return a64_##id##_##z##_slow(c, i, bank, pc);                                           \
            bool less = FP(z, to_host(N(z))) < FP(z, to_host(other));                                        \
            bool equal = FP(z, to_host(N(z))) == FP(z, to_host(other));                                      \
            c->s.flag_n = (uint64_t)less << 63;                                                              \
            c->s.flag_z = !equal;                                                                            \
            c->s.flag_c = !less;                                                                             \
            c->s.flag_v = 0;                                                                                 \
        },                                                                                                   \
        { FP_COMPARE_SLOW(z, other, signaling); })
#define FP_COMPARE_HALF(id, z, other, signaling)                                                             \
    A64_HANDLER(id##_##z)                                                                                    \
    {                                                                                                        \
        FP_COMPARE_SLOW(z, other, signaling);                                                                \
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
#define FP_COMPARISONS(make, z)                                                                              \
    make(fcmp, z, M(z), false) make(fcmpe, z, M(z), true) make(fcmp__zero, z, 0, false)                      \
        make(fcmpe__zero, z, 0, true) FP_COMPARE_IF(fccmp, z, false) FP_COMPARE_IF(fccmpe, z, true)

FP_COMPARISONS(FP_COMPARE_HALF, h)
FP_COMPARISONS(FP_COMPARE, s)
FP_COMPARISONS(FP_COMPARE, d)

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
