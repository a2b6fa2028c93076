/* The functions of cpu/fp/fp.h: each operation for each format. */
#include "cpu/fp/operations.h"

static u128 f16_bits(f16_t a)
{
    return a;
}

static f16_t f16_from_bits(u128 bits)
{
    return (f16_t)bits;
}

static u128 bf16_bits(bf16_t a)
{
    return a;
}

static bf16_t bf16_from_bits(u128 bits)
{
    return (bf16_t)bits;
}

static u128 f32_bits(f32_t a)
{
    return a;
}

static f32_t f32_from_bits(u128 bits)
{
    return (f32_t)bits;
}

static u128 f64_bits(f64_t a)
{
    return a;
}

static f64_t f64_from_bits(u128 bits)
{
    return (f64_t)bits;
}

static u128 f80_bits(f80_t a)
{
    return (u128)a.se << 64 | a.mant;
}

static f80_t f80_from_bits(u128 bits)
{
    return (f80_t){.mant = (uint64_t)bits, .se = (uint16_t)(bits >> 64)};
}

struct fp_number f80_unpack(struct fp_env *env, f80_t a)
{
    return fp_unpack(env, &fp_f80, f80_bits(a));
}

f80_t f80_pack(struct fp_env *env, struct fp_number n)
{
    return f80_from_bits(fp_pack(env, &fp_f80, n, fp_env_round(env)));
}

static u128 f128_bits(f128_t a)
{
    return (u128)a.hi << 64 | a.lo;
}

static f128_t f128_from_bits(u128 bits)
{
    return (f128_t){.lo = (uint64_t)bits, .hi = (uint64_t)(bits >> 64)};
}

/* SDM vol. 1, 8.1.5.2: precision control is for these five operations only. */
static const struct fp_format *x87_format(const struct fp_env *env)
{
    return env->x87_precision == 24   ? &fp_f80_rounded_to_24
           : env->x87_precision == 53 ? &fp_f80_rounded_to_53
                                      : &fp_f80;
}

#define DEFINE_ARITHMETIC(f, suffix, format)                                                                 \
    f##_t f##_add##suffix(struct fp_env *env, f##_t a, f##_t b)                                              \
    {                                                                                                        \
        return f##_from_bits(fp_add(env, format, f##_bits(a), f##_bits(b), false));                          \
    }                                                                                                        \
    f##_t f##_sub##suffix(struct fp_env *env, f##_t a, f##_t b)                                              \
    {                                                                                                        \
        return f##_from_bits(fp_add(env, format, f##_bits(a), f##_bits(b), true));                           \
    }                                                                                                        \
    f##_t f##_mul##suffix(struct fp_env *env, f##_t a, f##_t b)                                              \
    {                                                                                                        \
        return f##_from_bits(fp_mul(env, format, f##_bits(a), f##_bits(b)));                                 \
    }                                                                                                        \
    f##_t f##_div##suffix(struct fp_env *env, f##_t a, f##_t b)                                              \
    {                                                                                                        \
        return f##_from_bits(fp_div(env, format, f##_bits(a), f##_bits(b)));                                 \
    }                                                                                                        \
    f##_t f##_sqrt##suffix(struct fp_env *env, f##_t a)                                                      \
    {                                                                                                        \
        return f##_from_bits(fp_sqrt(env, format, f##_bits(a)));                                             \
    }

DEFINE_ARITHMETIC(f16, , &fp_f16)
DEFINE_ARITHMETIC(f32, _soft, &fp_f32)
DEFINE_ARITHMETIC(f64, _soft, &fp_f64)
DEFINE_ARITHMETIC(f80, , x87_format(env))
DEFINE_ARITHMETIC(f128, , &fp_f128)

#define DEFINE_OPERATIONS(f, suffix)                                                                         \
    f##_t f##_round_int##suffix(struct fp_env *env, f##_t a, enum fp_round round, bool inexact)              \
    {                                                                                                        \
        return f##_from_bits(fp_round_int(env, &fp_##f, f##_bits(a), round, inexact));                       \
    }                                                                                                        \
    enum fp_relation f##_compare##suffix(struct fp_env *env, f##_t a, f##_t b, bool signaling)               \
    {                                                                                                        \
        return fp_compare(env, &fp_##f, f##_bits(a), f##_bits(b), signaling);                                \
    }                                                                                                        \
    uint64_t f##_to_int##suffix(struct fp_env *env, f##_t a, struct fp_int kind, enum fp_round round)        \
    {                                                                                                        \
        return fp_to_int(env, &fp_##f, f##_bits(a), kind, round);                                            \
    }                                                                                                        \
    f##_t f##_from_int##suffix(struct fp_env *env, uint64_t v, struct fp_int kind)                           \
    {                                                                                                        \
        return f##_from_bits(fp_from_int(env, &fp_##f, v, kind));                                            \
    }                                                                                                        \
    f##_t f##_rem(struct fp_env *env, f##_t a, f##_t b)                                                      \
    {                                                                                                        \
        return f##_from_bits(fp_rem(env, &fp_##f, f##_bits(a), f##_bits(b)));                                \
    }                                                                                                        \
    f##_t f##_scalb(struct fp_env *env, f##_t a, int32_t n)                                                  \
    {                                                                                                        \
        return f##_from_bits(fp_scalb(env, &fp_##f, f##_bits(a), n));                                        \
    }                                                                                                        \
    f##_t f##_min##suffix(struct fp_env *env, f##_t a, f##_t b, enum fp_minmax kind)                         \
    {                                                                                                        \
        return f##_from_bits(fp_minmax(env, &fp_##f, f##_bits(a), f##_bits(b), kind, false));                \
    }                                                                                                        \
    f##_t f##_max##suffix(struct fp_env *env, f##_t a, f##_t b, enum fp_minmax kind)                         \
    {                                                                                                        \
        return f##_from_bits(fp_minmax(env, &fp_##f, f##_bits(a), f##_bits(b), kind, true));                 \
    }                                                                                                        \
    unsigned f##_class(f##_t a)                                                                              \
    {                                                                                                        \
        return fp_class(&fp_##f, f##_bits(a));                                                               \
    }

DEFINE_OPERATIONS(f16, )
DEFINE_OPERATIONS(f32, _soft)
DEFINE_OPERATIONS(f64, _soft)
DEFINE_OPERATIONS(f80, )
DEFINE_OPERATIONS(f128, )

#define DEFINE_FMA(f, suffix)                                                                                \
    f##_t f##_fma##suffix(struct fp_env *env, f##_t a, f##_t b, f##_t c, unsigned negate)                    \
    {                                                                                                        \
        return f##_from_bits(fp_fma(env, &fp_##f, f##_bits(a), f##_bits(b), f##_bits(c), negate));           \
    }

DEFINE_FMA(f16, )
DEFINE_FMA(f32, _soft)
DEFINE_FMA(f64, _soft)
DEFINE_FMA(f128, )

#define DEFINE_CONVERSION(from, to, suffix)                                                                  \
    to##_t from##_to_##to##suffix(struct fp_env *env, from##_t a)                                            \
    {                                                                                                        \
        return to##_from_bits(fp_convert(env, &fp_##from, &fp_##to, from##_bits(a)));                        \
    }

DEFINE_CONVERSION(f32, f64, _soft)
DEFINE_CONVERSION(f64, f32, _soft)
DEFINE_CONVERSION(f32, bf16, )
DEFINE_CONVERSION(bf16, f32, )
DEFINE_CONVERSION(f32, f80, )
DEFINE_CONVERSION(f64, f80, )
DEFINE_CONVERSION(f80, f32, )
DEFINE_CONVERSION(f80, f64, )
DEFINE_CONVERSION(f32, f128, )
DEFINE_CONVERSION(f64, f128, )
DEFINE_CONVERSION(f80, f128, )
DEFINE_CONVERSION(f128, f32, )
DEFINE_CONVERSION(f128, f64, )
DEFINE_CONVERSION(f128, f80, )

/* ARM's FZ16 and x86's DAZ leave f16 conversions alone; ARM's AHP is for nothing else. */
static const struct fp_format *half_converted(const struct fp_env *env)
{
    return env->half_alternative ? &fp_f16_alternative : &fp_f16_converted;
}

#define DEFINE_HALF_CONVERSIONS(f)                                                                           \
    f16_t f##_to_f16(struct fp_env *env, f##_t a)                                                            \
    {                                                                                                        \
        return f16_from_bits(fp_convert(env, &fp_##f, half_converted(env), f##_bits(a)));                    \
    }                                                                                                        \
    f##_t f16_to_##f(struct fp_env *env, f16_t a)                                                            \
    {                                                                                                        \
        return f##_from_bits(fp_convert(env, half_converted(env), &fp_##f, f16_bits(a)));                    \
    }

DEFINE_HALF_CONVERSIONS(f32)
DEFINE_HALF_CONVERSIONS(f64)
DEFINE_HALF_CONVERSIONS(f128)
