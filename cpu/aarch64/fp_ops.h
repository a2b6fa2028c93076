/*
 * A64's floating-point operations on elements, under the same names for all formats: f16_cmgt, f32_cmgt and
 * f64_cmgt are FCMGT. What cpu/fp offers under such names already is used as it is; FP(z, op) is the one for
 * the element size z.
 */
#pragma once

#include "cpu/fp/arm.h"
#include "cpu/fp/fast.h"

#define FP_FORMAT_h(op) f16_##op
#define FP_FORMAT_s(op) f32_##op
#define FP_FORMAT_d(op) f64_##op
#define FP(z, op)       FP_FORMAT_##z(op)

#define F16_SIGN ((f16_t)1 << 15)
#define F32_SIGN ((f32_t)1 << 31)
#define F64_SIGN ((f64_t)1 << 63)

/* The conversions to and from integers under one name; the common ones have fast paths. */
static inline uint64_t f32_to_int(struct fp_env *env, f32_t a, struct fp_int kind, enum fp_round round)
{
    if (round == FP_RTZ && kind.fraction_bits == 0 && kind.width == 32)
        return kind.is_signed ? (uint32_t)f32_to_i32(env, a, round) : f32_to_u32(env, a, round);
    if (round == FP_RTZ && kind.fraction_bits == 0 && kind.width == 64)
        return kind.is_signed ? (uint64_t)f32_to_i64(env, a, round) : f32_to_u64(env, a, round);
    return f32_to_int_soft(env, a, kind, round);
}

static inline uint64_t f64_to_int(struct fp_env *env, f64_t a, struct fp_int kind, enum fp_round round)
{
    if (round == FP_RTZ && kind.fraction_bits == 0 && kind.width == 32)
        return kind.is_signed ? (uint32_t)f64_to_i32(env, a, round) : f64_to_u32(env, a, round);
    if (round == FP_RTZ && kind.fraction_bits == 0 && kind.width == 64)
        return kind.is_signed ? (uint64_t)f64_to_i64(env, a, round) : f64_to_u64(env, a, round);
    return f64_to_int_soft(env, a, kind, round);
}

static inline f32_t f32_from_int(struct fp_env *env, uint64_t v, struct fp_int kind)
{
    if (kind.fraction_bits == 0)
        return kind.is_signed ? f32_from_i64(env, (int64_t)v) : f32_from_u64(env, v);
    return f32_from_int_soft(env, v, kind);
}

static inline f64_t f64_from_int(struct fp_env *env, uint64_t v, struct fp_int kind)
{
    if (kind.fraction_bits == 0)
        return kind.is_signed ? f64_from_i64(env, (int64_t)v) : f64_from_u64(env, v);
    return f64_from_int_soft(env, v, kind);
}

/* Operations whose name in cpu/fp has parameters more. Negation changes the sign of NaNs, too (FPNeg). */
#define FP_DEFINE_OPS(f, SIGN)                                                                               \
    static inline f##_t f##_neg(struct fp_env *env, f##_t a)                                                 \
    {                                                                                                        \
        (void)env;                                                                                           \
        return a ^ SIGN;                                                                                     \
    }                                                                                                        \
    static inline f##_t f##_abs(struct fp_env *env, f##_t a)                                                 \
    {                                                                                                        \
        (void)env;                                                                                           \
        return a & (f##_t) ~SIGN;                                                                            \
    }                                                                                                        \
    static inline f##_t f##_nmul(struct fp_env *env, f##_t a, f##_t b)                                       \
    {                                                                                                        \
        return f##_mul(env, a, b) ^ SIGN;                                                                    \
    }                                                                                                        \
    static inline f##_t f##_abd(struct fp_env *env, f##_t a, f##_t b)                                        \
    {                                                                                                        \
        return f##_abs(env, f##_sub(env, a, b));                                                             \
    }                                                                                                        \
    static inline f##_t f##_maximum(struct fp_env *env, f##_t a, f##_t b)                                    \
    {                                                                                                        \
        return f##_max(env, a, b, FP_MINMAX_PROPAGATE);                                                      \
    }                                                                                                        \
    static inline f##_t f##_minimum(struct fp_env *env, f##_t a, f##_t b)                                    \
    {                                                                                                        \
        return f##_min(env, a, b, FP_MINMAX_PROPAGATE);                                                      \
    }                                                                                                        \
    static inline f##_t f##_maxnm(struct fp_env *env, f##_t a, f##_t b)                                      \
    {                                                                                                        \
        return f##_max(env, a, b, FP_MINMAX_NUM_2008);                                                       \
    }                                                                                                        \
    static inline f##_t f##_minnm(struct fp_env *env, f##_t a, f##_t b)                                      \
    {                                                                                                        \
        return f##_min(env, a, b, FP_MINMAX_NUM_2008);                                                       \
    }                                                                                                        \
    /* addend + a * b, addend - a * b, and the negated ones */                                               \
    static inline f##_t f##_madd(struct fp_env *env, f##_t addend, f##_t a, f##_t b)                         \
    {                                                                                                        \
        return f##_fma(env, a, b, addend, 0);                                                                \
    }                                                                                                        \
    static inline f##_t f##_msub(struct fp_env *env, f##_t addend, f##_t a, f##_t b)                         \
    {                                                                                                        \
        return f##_fma(env, a ^ SIGN, b, addend, 0);                                                         \
    }                                                                                                        \
    static inline f##_t f##_nmadd(struct fp_env *env, f##_t addend, f##_t a, f##_t b)                        \
    {                                                                                                        \
        return f##_fma(env, a ^ SIGN, b, addend ^ SIGN, 0);                                                  \
    }                                                                                                        \
    static inline f##_t f##_nmsub(struct fp_env *env, f##_t addend, f##_t a, f##_t b)                        \
    {                                                                                                        \
        return f##_fma(env, a, b, addend ^ SIGN, 0);                                                         \
    }                                                                                                        \
    /* Comparisons: all ones or 0 */                                                                         \
    static inline f##_t f##_cmeq(struct fp_env *env, f##_t a, f##_t b)                                       \
    {                                                                                                        \
        return (f##_t) - (f##_compare(env, a, b, false) == FP_EQUAL);                                        \
    }                                                                                                        \
    static inline f##_t f##_cmgt(struct fp_env *env, f##_t a, f##_t b)                                       \
    {                                                                                                        \
        return (f##_t) - (f##_compare(env, a, b, true) == FP_GREATER);                                       \
    }                                                                                                        \
    static inline f##_t f##_cmge(struct fp_env *env, f##_t a, f##_t b)                                       \
    {                                                                                                        \
        enum fp_relation relation = f##_compare(env, a, b, true);                                            \
        return (f##_t) - (relation == FP_GREATER || relation == FP_EQUAL);                                   \
    }                                                                                                        \
    static inline f##_t f##_acgt(struct fp_env *env, f##_t a, f##_t b)                                       \
    {                                                                                                        \
        return f##_cmgt(env, f##_abs(env, a), f##_abs(env, b));                                              \
    }                                                                                                        \
    static inline f##_t f##_acge(struct fp_env *env, f##_t a, f##_t b)                                       \
    {                                                                                                        \
        return f##_cmge(env, f##_abs(env, a), f##_abs(env, b));                                              \
    }                                                                                                        \
    static inline f##_t f##_rint(struct fp_env *env, f##_t a, enum fp_round round)                           \
    {                                                                                                        \
        return f##_round_int(env, a, round, false);                                                          \
    }                                                                                                        \
    static inline f##_t f##_rint_current(struct fp_env *env, f##_t a, bool inexact)                          \
    {                                                                                                        \
        return f##_round_int(env, a, (enum fp_round)env->round, inexact);                                    \
    }

FP_DEFINE_OPS(f16, F16_SIGN)
FP_DEFINE_OPS(f32, F32_SIGN)
FP_DEFINE_OPS(f64, F64_SIGN)
#undef FP_DEFINE_OPS

/* VFPExpandImm: a sign, three bits of exponent, four of the fraction. */
#define FP_DEFINE_IMMEDIATE(z, f, exponent_bits, fraction_bits)                                              \
    static inline f##_t fp_immediate_##z(uint8_t imm8)                                                       \
    {                                                                                                        \
        f##_t sign = (f##_t)(imm8 >> 7), top = (f##_t)(imm8 >> 6 & 1), low = imm8 & 0x3f;                    \
        f##_t repeated = (f##_t)(top ? ((f##_t)1 << (exponent_bits - 3)) - 1 : 0);                           \
        f##_t exponent_top = (f##_t)((f##_t)(top ^ 1) << (exponent_bits - 3)) | repeated;                    \
        return (f##_t)(sign << (exponent_bits + fraction_bits)) |                                            \
               (f##_t)(exponent_top << (fraction_bits + 2)) | (f##_t)(low << (fraction_bits - 4));           \
    }

FP_DEFINE_IMMEDIATE(h, f16, 5, 10)
FP_DEFINE_IMMEDIATE(s, f32, 8, 23)
FP_DEFINE_IMMEDIATE(d, f64, 11, 52)
#undef FP_DEFINE_IMMEDIATE
