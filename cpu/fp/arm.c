/* ARM's estimates are defined bit by bit by the pseudocode (RecipEstimate, RecipSqrtEstimate): 8 bits and no
 * more. */
#include "cpu/fp/arm.h"

#include "cpu/fp/finite.h"
#include "cpu/fp/operations.h"

static const struct fp_number two = {.kind = FP_FINITE, .exp = 1, .sig = (u128)1 << 127};
static const struct fp_number three = {.kind = FP_FINITE, .exp = 1, .sig = (u128)3 << 126};

/* 1 / a for a in [256, 512) standing for [0.5, 1); the result stands for [1, 2). */
static unsigned recip_estimate(unsigned a)
{
    unsigned middle = a * 2 + 1;
    return ((1u << 19) / middle + 1) / 2;
}

/* 1 / sqrt(a) for a in [128, 512) standing for [0.25, 1). */
static unsigned rsqrt_estimate(unsigned a)
{
    unsigned middle = a < 256 ? a * 2 + 1 : ((a >> 1 << 1) + 1) * 2;
    unsigned b = 512;
    while (middle * (b + 1) * (b + 1) < 1u << 28)
        b++;
    return (b + 1) / 2;
}

uint32_t u32_recip_estimate(uint32_t a)
{
    return a >> 31 ? recip_estimate(a >> 23) << 23 : 0xffffffff;
}

uint32_t u32_rsqrt_estimate(uint32_t a)
{
    return a >> 30 ? rsqrt_estimate(a >> 23) << 23 : 0xffffffff;
}

/* A result that is exact and neither overflows nor is flushed, but may be subnormal. */
static u128 exact_pack(const struct fp_format *format, struct fp_number n)
{
    struct fp_env plain = fp_env_riscv;
    return fp_pack(&plain, format, n, FP_RTZ);
}

/* An estimate of 9 bits, the top one set, as a number of the given exponent. */
static struct fp_number estimate_number(unsigned estimate, int32_t exp, bool negative)
{
    return (struct fp_number){
        .kind = FP_FINITE, .negative = negative, .exp = exp, .sig = (u128)estimate << 119};
}

static u128 fp_recip_estimate(struct fp_env *env, const struct fp_format *format, u128 a)
{
    struct fp_number x = fp_unpack(env, format, a);
    int32_t bias = fp_bias(format);
    if (fp_is_nan(x))
        return fp_pack(env, format, fp_nan_of_two(env, x, x), FP_RNE);
    if (x.kind == FP_INFINITE)
        return fp_encode_zero(format, x.negative);
    if (x.kind == FP_ZERO) {
        env->flags |= FP_DIVBYZERO;
        return fp_encode_infinity(format, x.negative);
    }
    if (x.exp < -bias - 1) {
        /* The reciprocal is too large, whatever its digits are. */
        x.exp = bias + 1;
        return fp_pack(env, format, x, fp_env_round(env));
    }
    if ((env->denormals & format->flush_out) && x.exp >= bias - 1) {
        env->flags |= FP_UNDERFLOW;
        return fp_encode_zero(format, x.negative);
    }
    unsigned estimate = recip_estimate((unsigned)(x.sig >> 119));
    return exact_pack(format, estimate_number(estimate, -1 - x.exp, x.negative));
}

static u128 fp_recip_exponent(struct fp_env *env, const struct fp_format *format, u128 a)
{
    struct fp_number x = fp_unpack(env, format, a);
    if (fp_is_nan(x))
        return fp_pack(env, format, fp_nan_of_two(env, x, x), FP_RNE);
    unsigned fraction_bits = format->precision - 1u, max = (1u << format->exp_bits) - 1;
    unsigned exp_field = (unsigned)(a >> fraction_bits) & max;
    u128 inverted = exp_field == 0 ? max - 1 : max ^ exp_field;
    return fp_encode_zero(format, x.negative) | inverted << fraction_bits;
}

static u128 fp_rsqrt_estimate(struct fp_env *env, const struct fp_format *format, u128 a)
{
    struct fp_number x = fp_unpack(env, format, a);
    if (fp_is_nan(x))
        return fp_pack(env, format, fp_nan_of_two(env, x, x), FP_RNE);
    if (x.kind == FP_ZERO) {
        env->flags |= FP_DIVBYZERO;
        return fp_encode_infinity(format, x.negative);
    }
    if (x.negative)
        return fp_pack(env, format, fp_invalid_result(env), FP_RNE);
    if (x.kind == FP_INFINITE)
        return fp_encode_zero(format, false);
    /* An odd exponent belongs to a number in [0.5, 1), an even one to [0.25, 0.5). */
    bool odd = x.exp & 1;
    unsigned estimate = rsqrt_estimate((unsigned)(x.sig >> (odd ? 119 : 120)));
    return exact_pack(format, estimate_number(estimate, -(x.exp + (odd ? 1 : 2)) / 2, false));
}

/* base - a * b, rounded once after halving if asked to. 0 * inf counts as 0. The negation comes first, so
 * that it shows in a NaN. */
static u128 fp_step(struct fp_env *env, const struct fp_format *format, u128 a, u128 b, struct fp_number base,
                    bool halved)
{
    struct fp_number x = fp_unpack(env, format, a), y = fp_unpack(env, format, b), r;
    x.negative = !x.negative;
    enum fp_round round = fp_env_round(env);
    bool is_infinite = x.kind == FP_INFINITE || y.kind == FP_INFINITE;
    if (fp_is_nan(x) || fp_is_nan(y)) {
        r = fp_nan_of_two(env, x, y);
    } else if (x.kind == FP_ZERO || y.kind == FP_ZERO) {
        r = base;
    } else if (is_infinite) {
        r = (struct fp_number){.kind = FP_INFINITE, .negative = x.negative != y.negative};
    } else {
        r = fp_fma_finite(x, y, base, round);
    }
    if (halved && r.kind == FP_FINITE)
        r.exp--;
    return fp_pack(env, format, r, round);
}

static u128 fp_mul_extended(struct fp_env *env, const struct fp_format *format, u128 a, u128 b)
{
    struct fp_number x = fp_unpack(env, format, a), y = fp_unpack(env, format, b);
    bool is_two =
        (x.kind == FP_ZERO && y.kind == FP_INFINITE) || (x.kind == FP_INFINITE && y.kind == FP_ZERO);
    if (!is_two)
        return fp_mul(env, format, a, b);
    struct fp_number r = two;
    r.negative = x.negative != y.negative;
    return exact_pack(format, r);
}

#define DEFINE_ARM(f)                                                                                        \
    f##_t f##_recip_estimate(struct fp_env *env, f##_t a)                                                    \
    {                                                                                                        \
        return (f##_t)fp_recip_estimate(env, &fp_##f, a);                                                    \
    }                                                                                                        \
    f##_t f##_recip_exponent(struct fp_env *env, f##_t a)                                                    \
    {                                                                                                        \
        return (f##_t)fp_recip_exponent(env, &fp_##f, a);                                                    \
    }                                                                                                        \
    f##_t f##_recip_step(struct fp_env *env, f##_t a, f##_t b)                                               \
    {                                                                                                        \
        return (f##_t)fp_step(env, &fp_##f, a, b, two, false);                                               \
    }                                                                                                        \
    f##_t f##_rsqrt_estimate(struct fp_env *env, f##_t a)                                                    \
    {                                                                                                        \
        return (f##_t)fp_rsqrt_estimate(env, &fp_##f, a);                                                    \
    }                                                                                                        \
    f##_t f##_rsqrt_step(struct fp_env *env, f##_t a, f##_t b)                                               \
    {                                                                                                        \
        return (f##_t)fp_step(env, &fp_##f, a, b, three, true);                                              \
    }                                                                                                        \
    f##_t f##_mul_extended(struct fp_env *env, f##_t a, f##_t b)                                             \
    {                                                                                                        \
        return (f##_t)fp_mul_extended(env, &fp_##f, a, b);                                                   \
    }

DEFINE_ARM(f16)
DEFINE_ARM(f32)
DEFINE_ARM(f64)

static u128 fp_round_int_sized(struct fp_env *env, const struct fp_format *format, u128 a,
                               enum fp_round round, unsigned width)
{
    const struct fp_int kind = {.width = (uint8_t)width, .is_signed = true};
    struct fp_env trial = *env;
    trial.flags = 0;
    fp_to_int(&trial, format, a, kind, round);
    env->flags |= trial.flags;
    if (!(trial.flags & FP_INVALID))
        return fp_round_int(env, format, a, round, true);
    struct fp_number lowest = {
        .kind = FP_FINITE, .negative = true, .exp = (int32_t)width - 1, .sig = (u128)1 << 127};
    return exact_pack(format, lowest);
}

f32_t f32_round_int_sized(struct fp_env *env, f32_t a, enum fp_round round, unsigned width)
{
    return (f32_t)fp_round_int_sized(env, &fp_f32, a, round, width);
}

f64_t f64_round_int_sized(struct fp_env *env, f64_t a, enum fp_round round, unsigned width)
{
    return (f64_t)fp_round_int_sized(env, &fp_f64, a, round, width);
}

/* BFRound rounds to odd, but overflows to infinity. */
static f32_t overflow_to_infinity(struct fp_env *env, f32_t r)
{
    bool overflowed = env->flags & FP_OVERFLOW;
    env->flags = 0;
    return overflowed ? (r & 0x80000000) | 0x7f800000 : r;
}

static f32_t bf16_product(struct fp_env *env, uint32_t a, uint32_t b)
{
    return overflow_to_infinity(env, f32_mul_soft(env, a, b));
}

f32_t bf16_dot(f32_t addend, uint32_t a, uint32_t b)
{
    struct fp_env env = {.round = FP_ODD,
                         .denormals = FP_FLUSH_INPUTS | FP_FLUSH_OUTPUTS,
                         .nan_rule = FP_NAN_DEFAULT,
                         .tiny_before_rounding = true};
    f32_t low = bf16_product(&env, a << 16, b << 16);
    f32_t high = bf16_product(&env, a & 0xffff0000, b & 0xffff0000);
    f32_t sum = overflow_to_infinity(&env, f32_add_soft(&env, low, high));
    return overflow_to_infinity(&env, f32_add_soft(&env, addend, sum));
}
