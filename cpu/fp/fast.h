/*
 * f32 and f64 arithmetic as the cores call it: by the host's FPU where result and flags are provably those of
 * the portable functions of cpu/fp/fp.h, and else by these. A host thread that calls them has its FPU in the
 * default environment (to nearest, nothing flushed); the host's own flags are never looked at, so they need
 * no clearing.
 *
 * The argument is the same everywhere. With the guest rounding to nearest, a host operation gives the right
 * number. A result that is finite and clear of the subnormals can have raised nothing but FP_INEXACT, and
 * that matters only until it has been raised once. Flush modes concern subnormals only: they are kept out as
 * soon as fp_env.denormals is not 0.
 */
#pragma once

#include <string.h>

#include "cpu/fp/fp.h"

/* Was a result that the host computed exact? Needed only while FP_INEXACT is not raised. The operands and r
 * are finite, and r is not subnormal. */
bool f32_add_is_exact(f32_t a, f32_t b, f32_t r);
bool f64_add_is_exact(f64_t a, f64_t b, f64_t r);
bool f32_mul_is_exact(f32_t a, f32_t b);
bool f64_mul_is_exact(f64_t a, f64_t b);
bool f32_sqrt_is_exact(f32_t a, f32_t r);
bool f64_sqrt_is_exact(f64_t a, f64_t r);

/* A finite number to an integral one, in any mode but FP_ODD. */
double f64_integral(double a, enum fp_round round);

static inline float f32_to_host(f32_t a)
{
    float d;
    memcpy(&d, &a, sizeof(d));
    return d;
}

static inline double f64_to_host(f64_t a)
{
    double d;
    memcpy(&d, &a, sizeof(d));
    return d;
}

/* The empty asm hides where the value comes from: otherwise a compiler may contract a product and a later sum
 * into one fused operation, across handlers that were inlined together. */
static inline f32_t f32_from_host(float d)
{
    f32_t a;
    memcpy(&a, &d, sizeof(a));
    __asm__("" : "+r"(a));
    return a;
}

static inline f64_t f64_from_host(double d)
{
    f64_t a;
    memcpy(&a, &d, sizeof(a));
    __asm__("" : "+r"(a));
    return a;
}

static inline bool f32_is_nan(f32_t a)
{
    return a << 1 > 0xff000000;
}

static inline bool f64_is_nan(f64_t a)
{
    return a << 1 > 0xffe0000000000000;
}

static inline bool f32_is_finite(f32_t a)
{
    return a << 1 < 0xff000000;
}

static inline bool f64_is_finite(f64_t a)
{
    return a << 1 < 0xffe0000000000000;
}

static inline bool f32_is_subnormal(f32_t a)
{
    return (a << 1) - 1 < 0x00ffffff;
}

static inline bool f64_is_subnormal(f64_t a)
{
    return (a << 1) - 1 < 0x001fffffffffffff;
}

/* Finite, and twice the smallest normal number or more: no way of detecting tininess calls it tiny. */
static inline bool f32_is_safe(f32_t a)
{
    return (a << 1) - 0x02000000 < 0xfd000000;
}

static inline bool f64_is_safe(f64_t a)
{
    return (a << 1) - 0x0040000000000000 < 0xffa0000000000000;
}

/* May the host compute, with these operands and this result? */
static inline bool fp_host_fits(const struct fp_env *env)
{
    return likely(env->round == FP_RNE);
}

static inline void fp_inexact_raise(struct fp_env *env, bool is_inexact)
{
    env->flags |= is_inexact ? FP_INEXACT : 0;
}

static inline bool fp_inexact_wanted(const struct fp_env *env)
{
    return unlikely(!(env->flags & FP_INEXACT));
}

/*
 * Each operation has a quick form for callers whose fast path is to have no calls: *r is the host's result,
 * and true says that it is right and raises nothing that isn't raised already. If not, they call the
 * operation.
 */
#define FP_DEFINE_BINARY(f, op, sign, exactness)                                                             \
    static inline f##_t f##_##op(struct fp_env *env, f##_t a, f##_t b)                                       \
    {                                                                                                        \
        f##_t r = f##_from_host(f##_to_host(a) sign f##_to_host(b));                                         \
        if (unlikely(!f##_##op##_fits(env, a, b, r)))                                                        \
            return f##_##op##_soft(env, a, b);                                                               \
        if (fp_inexact_wanted(env))                                                                          \
            fp_inexact_raise(env, !exactness);                                                               \
        return r;                                                                                            \
    }                                                                                                        \
    FP_QUICK bool f##_##op##_quick(const struct fp_env *env, f##_t a, f##_t b, f##_t *r)                     \
    {                                                                                                        \
        *r = f##_from_host(f##_to_host(a) sign f##_to_host(b));                                              \
        return f##_##op##_fits(env, a, b, *r) && !fp_inexact_wanted(env);                                    \
    }
#define FP_QUICK static inline __attribute__((always_inline))

/* Sums are exact when they are subnormal, so without flush modes every finite result will do. */
#define FP_DEFINE_SUM(f, op, sign, negated_b)                                                                \
    FP_QUICK bool f##_##op##_fits(const struct fp_env *env, f##_t a, f##_t b, f##_t r)                       \
    {                                                                                                        \
        bool subnormals =                                                                                    \
            env->denormals && (f##_is_subnormal(a) || f##_is_subnormal(b) || f##_is_subnormal(r));           \
        return fp_host_fits(env) && f##_is_finite(r) && !subnormals;                                         \
    }                                                                                                        \
    FP_DEFINE_BINARY(f, op, sign, f##_add_is_exact(a, negated_b, r))

FP_DEFINE_SUM(f32, add, +, b)
FP_DEFINE_SUM(f64, add, +, b)
FP_DEFINE_SUM(f32, sub, -, b ^ 0x80000000)
FP_DEFINE_SUM(f64, sub, -, b ^ 0x8000000000000000)
#undef FP_DEFINE_SUM

/* The quotient r is exact if the product r * b fits the format: it is less than one unit away from a then. */
#define FP_DEFINE_SCALED(f, op, sign, exactness)                                                             \
    FP_QUICK bool f##_##op##_fits(const struct fp_env *env, f##_t a, f##_t b, f##_t r)                       \
    {                                                                                                        \
        bool subnormals = env->denormals && (f##_is_subnormal(a) || f##_is_subnormal(b));                    \
        return fp_host_fits(env) && f##_is_safe(r) && !subnormals;                                           \
    }                                                                                                        \
    FP_DEFINE_BINARY(f, op, sign, exactness)

FP_DEFINE_SCALED(f32, mul, *, f32_mul_is_exact(a, b))
FP_DEFINE_SCALED(f64, mul, *, f64_mul_is_exact(a, b))
FP_DEFINE_SCALED(f32, div, /, f32_mul_is_exact(r, b))
FP_DEFINE_SCALED(f64, div, /, f64_mul_is_exact(r, b))
#undef FP_DEFINE_SCALED
#undef FP_DEFINE_BINARY

static inline f32_t f32_sqrt(struct fp_env *env, f32_t a)
{
    if (unlikely(!fp_host_fits(env) || a >> 31 || !f32_is_safe(a)))
        return f32_sqrt_soft(env, a);
    f32_t r = f32_from_host(__builtin_sqrtf(f32_to_host(a)));
    if (fp_inexact_wanted(env))
        fp_inexact_raise(env, !f32_sqrt_is_exact(a, r));
    return r;
}

static inline f64_t f64_sqrt(struct fp_env *env, f64_t a)
{
    if (unlikely(!fp_host_fits(env) || a >> 63 || !f64_is_safe(a)))
        return f64_sqrt_soft(env, a);
    f64_t r = f64_from_host(__builtin_sqrt(f64_to_host(a)));
    if (fp_inexact_wanted(env))
        fp_inexact_raise(env, !f64_sqrt_is_exact(a, r));
    return r;
}

/* Negation of operands that are known to be no NaNs by the result being finite. */
static inline f32_t f32_negated_if(f32_t a, bool negate)
{
    return a ^ (f32_t)negate << 31;
}

static inline f64_t f64_negated_if(f64_t a, bool negate)
{
    return a ^ (f64_t)negate << 63;
}

/*
 * The product of two f32 is exact as a double. The sum, rounded to double and then to float, is rounded
 * twice, which is once too often only if the first rounding ends half-way between two floats.
 */
FP_QUICK bool f32_fma_quick(const struct fp_env *env, f32_t a, f32_t b, f32_t c, unsigned negate, f32_t *r)
{
    f32_t factor = f32_negated_if(a, negate & FP_NEGATE_PRODUCT);
    f32_t addend = f32_negated_if(c, negate & FP_NEGATE_ADDEND);
    f64_t product = f64_from_host((double)f32_to_host(factor) * (double)f32_to_host(b));
    f64_t sum = f64_from_host(f64_to_host(product) + (double)f32_to_host(addend));
    *r = f32_from_host((float)f64_to_host(sum));
    bool half_way = (sum & 0x1fffffff) == 0x10000000;
    bool subnormals = env->denormals && (f32_is_subnormal(a) || f32_is_subnormal(b) || f32_is_subnormal(c));
    return fp_host_fits(env) && !fp_inexact_wanted(env) && f32_is_safe(*r) && !half_way && !subnormals;
}

static inline f32_t f32_fma(struct fp_env *env, f32_t a, f32_t b, f32_t c, unsigned negate)
{
    f32_t r;
    return likely(f32_fma_quick(env, a, b, c, negate, &r)) ? r : f32_fma_soft(env, a, b, c, negate);
}

FP_QUICK bool f64_fma_quick(const struct fp_env *env, f64_t a, f64_t b, f64_t c, unsigned negate, f64_t *r)
{
    f64_t factor = f64_negated_if(a, negate & FP_NEGATE_PRODUCT);
    f64_t addend = f64_negated_if(c, negate & FP_NEGATE_ADDEND);
    *r = f64_from_host(__builtin_fma(f64_to_host(factor), f64_to_host(b), f64_to_host(addend)));
    bool subnormals = env->denormals && (f64_is_subnormal(a) || f64_is_subnormal(b) || f64_is_subnormal(c));
    return fp_host_fits(env) && !fp_inexact_wanted(env) && f64_is_safe(*r) && !subnormals;
}

static inline f64_t f64_fma(struct fp_env *env, f64_t a, f64_t b, f64_t c, unsigned negate)
{
    f64_t r;
    return likely(f64_fma_quick(env, a, b, c, negate, &r)) ? r : f64_fma_soft(env, a, b, c, negate);
}

static inline f32_t f64_to_f32(struct fp_env *env, f64_t a)
{
    f32_t r = f32_from_host((float)f64_to_host(a));
    if (unlikely(!fp_host_fits(env) || !f32_is_safe(r)))
        return f64_to_f32_soft(env, a);
    fp_inexact_raise(env, (double)f32_to_host(r) != f64_to_host(a));
    return r;
}

static inline f64_t f32_to_f64(struct fp_env *env, f32_t a)
{
    if (unlikely(!f32_is_finite(a) || (env->denormals && f32_is_subnormal(a))))
        return f32_to_f64_soft(env, a);
    return f64_from_host((double)f32_to_host(a));
}

/* Comparisons: exact, so only NaNs and flushing need care. The signaling ones are RISC-V's and C's < and <=.
 */
#define FP_DEFINE_COMPARISONS(f)                                                                             \
    static inline bool f##_compares_plainly(const struct fp_env *env, f##_t a, f##_t b)                      \
    {                                                                                                        \
        bool subnormals = env->denormals && (f##_is_subnormal(a) || f##_is_subnormal(b));                    \
        return likely(!subnormals && !f##_is_nan(a) && !f##_is_nan(b));                                      \
    }                                                                                                        \
    static inline enum fp_relation f##_compare(struct fp_env *env, f##_t a, f##_t b, bool signaling)         \
    {                                                                                                        \
        if (!f##_compares_plainly(env, a, b))                                                                \
            return f##_compare_soft(env, a, b, signaling);                                                   \
        return (enum fp_relation)((f##_to_host(a) > f##_to_host(b)) - (f##_to_host(a) < f##_to_host(b)));    \
    }                                                                                                        \
    static inline bool f##_eq(struct fp_env *env, f##_t a, f##_t b)                                          \
    {                                                                                                        \
        return f##_compare(env, a, b, false) == FP_EQUAL;                                                    \
    }                                                                                                        \
    static inline bool f##_lt(struct fp_env *env, f##_t a, f##_t b)                                          \
    {                                                                                                        \
        return f##_compare(env, a, b, true) == FP_LESS;                                                      \
    }                                                                                                        \
    static inline bool f##_le(struct fp_env *env, f##_t a, f##_t b)                                          \
    {                                                                                                        \
        return f##_compare(env, a, b, true) <= FP_EQUAL;                                                     \
    }                                                                                                        \
    static inline bool f##_lt_quiet(struct fp_env *env, f##_t a, f##_t b)                                    \
    {                                                                                                        \
        return f##_compare(env, a, b, false) == FP_LESS;                                                     \
    }                                                                                                        \
    static inline bool f##_le_quiet(struct fp_env *env, f##_t a, f##_t b)                                    \
    {                                                                                                        \
        return f##_compare(env, a, b, false) <= FP_EQUAL;                                                    \
    }                                                                                                        \
    static inline f##_t f##_min(struct fp_env *env, f##_t a, f##_t b, enum fp_minmax kind)                   \
    {                                                                                                        \
        if (!f##_compares_plainly(env, a, b) || f##_to_host(a) == f##_to_host(b))                            \
            return f##_min_soft(env, a, b, kind);                                                            \
        return f##_to_host(a) < f##_to_host(b) ? a : b;                                                      \
    }                                                                                                        \
    static inline f##_t f##_max(struct fp_env *env, f##_t a, f##_t b, enum fp_minmax kind)                   \
    {                                                                                                        \
        if (!f##_compares_plainly(env, a, b) || f##_to_host(a) == f##_to_host(b))                            \
            return f##_max_soft(env, a, b, kind);                                                            \
        return f##_to_host(a) > f##_to_host(b) ? a : b;                                                      \
    }

FP_DEFINE_COMPARISONS(f32)
FP_DEFINE_COMPARISONS(f64)
#undef FP_DEFINE_COMPARISONS

static const struct fp_int fp_i32 = {.width = 32, .is_signed = true};
static const struct fp_int fp_u32 = {.width = 32};
static const struct fp_int fp_i64 = {.width = 64, .is_signed = true};
static const struct fp_int fp_u64 = {.width = 64};

static inline uint64_t fp_int_magnitude(uint64_t v, struct fp_int kind)
{
    return kind.is_signed && v >> 63 ? -v : v;
}

/*
 * To integers. Truncation, which is what compilers emit, is the host's own; the limits are powers of two, so
 * they are exact in either format, and NaNs fail the comparison.
 */
#define FP_DEFINE_TO_INT(f, suffix, int_type, low, high)                                                     \
    static inline int_type f##_to_##suffix(struct fp_env *env, f##_t a, enum fp_round round)                 \
    {                                                                                                        \
        bool subnormal = env->denormals && f##_is_subnormal(a);                                              \
        if (unlikely(round != FP_RTZ || !(f##_to_host(a) low && f##_to_host(a) < high) || subnormal))        \
            return (int_type)f##_to_int_soft(env, a, fp_##suffix, round);                                    \
        int_type v = (int_type)f##_to_host(a);                                                               \
        fp_inexact_raise(env, f##_to_host(f##_from_host(v)) != f##_to_host(a));                              \
        return v;                                                                                            \
    }

FP_DEFINE_TO_INT(f32, i32, int32_t, >= -0x1p31f, 0x1p31f)
FP_DEFINE_TO_INT(f32, u32, uint32_t, > -1, 0x1p32f)
FP_DEFINE_TO_INT(f32, i64, int64_t, >= -0x1p63f, 0x1p63f)
FP_DEFINE_TO_INT(f32, u64, uint64_t, > -1, 0x1p64f)
FP_DEFINE_TO_INT(f64, i32, int32_t, > -0x1.00000002p31, 0x1p31)
FP_DEFINE_TO_INT(f64, u32, uint32_t, > -1, 0x1p32)
FP_DEFINE_TO_INT(f64, i64, int64_t, >= -0x1p63, 0x1p63)
FP_DEFINE_TO_INT(f64, u64, uint64_t, > -1, 0x1p64)
#undef FP_DEFINE_TO_INT

/* From integers: exact when the value fits the significand, and any rounding of it is an inexact one. */
#define FP_DEFINE_FROM_INT(f, suffix, int_type, exact_bits)                                                  \
    static inline f##_t f##_from_##suffix(struct fp_env *env, int_type v)                                    \
    {                                                                                                        \
        uint64_t magnitude = fp_int_magnitude((uint64_t)v, fp_##suffix);                                     \
        if (unlikely(magnitude >> exact_bits && (!fp_host_fits(env) || fp_inexact_wanted(env))))             \
            return f##_from_int_soft(env, (uint64_t)v, fp_##suffix);                                         \
        return f##_from_host(v);                                                                             \
    }

FP_DEFINE_FROM_INT(f32, i32, int32_t, 24)
FP_DEFINE_FROM_INT(f32, u32, uint32_t, 24)
FP_DEFINE_FROM_INT(f32, i64, int64_t, 24)
FP_DEFINE_FROM_INT(f32, u64, uint64_t, 24)
FP_DEFINE_FROM_INT(f64, i32, int32_t, 53)
FP_DEFINE_FROM_INT(f64, u32, uint32_t, 53)
FP_DEFINE_FROM_INT(f64, i64, int64_t, 53)
FP_DEFINE_FROM_INT(f64, u64, uint64_t, 53)
#undef FP_DEFINE_FROM_INT

static inline f32_t f32_round_int(struct fp_env *env, f32_t a, enum fp_round round, bool inexact)
{
    bool subnormal = env->denormals && f32_is_subnormal(a);
    if (unlikely(!f32_is_finite(a) || round == FP_ODD || subnormal))
        return f32_round_int_soft(env, a, round, inexact);
    f32_t r = f32_from_host((float)f64_integral((double)f32_to_host(a), round));
    fp_inexact_raise(env, inexact && f32_to_host(r) != f32_to_host(a));
    return r;
}

static inline f64_t f64_round_int(struct fp_env *env, f64_t a, enum fp_round round, bool inexact)
{
    bool subnormal = env->denormals && f64_is_subnormal(a);
    if (unlikely(!f64_is_finite(a) || round == FP_ODD || subnormal))
        return f64_round_int_soft(env, a, round, inexact);
    f64_t r = f64_from_host(f64_integral(f64_to_host(a), round));
    fp_inexact_raise(env, inexact && f64_to_host(r) != f64_to_host(a));
    return r;
}
