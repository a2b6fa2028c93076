/* Conversions: between formats, to and from integers, and to integral values. */
#include "cpu/fp/finite.h"
#include "cpu/fp/operations.h"
#include "cpu/fp/pack.h"

u128 fp_convert(struct fp_env *env, const struct fp_format *from, const struct fp_format *to, u128 a)
{
    struct fp_number x = fp_unpack(env, from, a);
    /* The alternative f16 has no NaN: a zero of the operand's own sign stands for it. */
    if (fp_is_nan(x) && !to->alternative)
        x = fp_nan_of_two(env, x, x);
    /* Neither F16C's conversions of f16 nor FST's of f80 have a denormal exception. */
    else if (from->precision == fp_f32.precision || from->precision == fp_f64.precision)
        fp_denormal_raise(env, x.is_denormal);
    return fp_pack(env, to, x, fp_env_round(env));
}

u128 fp_round_int(struct fp_env *env, const struct fp_format *format, u128 a, enum fp_round round,
                  bool inexact)
{
    struct fp_number x = fp_unpack(env, format, a);
    if (fp_is_nan(x))
        return fp_pack(env, format, fp_nan_of_two(env, x, x), round);
    /* FRNDINT has a denormal exception, ROUNDSD and its kind have none. */
    fp_denormal_raise(env, x.is_denormal && format->integer_bit);
    if (x.kind != FP_FINITE || x.exp >= format->precision - 1)
        return fp_pack(env, format, x, round);

    bool is_small = x.exp < 0;
    /* Below one half, a sticky bit and the sign say all there is to know. */
    u128 fraction = x.exp < -1 ? 1 : is_small ? x.sig : x.sig << (x.exp + 1);
    unsigned shift = 127 - (unsigned)x.exp; /* meaningless if is_small */
    u128 integer = is_small ? 0 : x.sig >> shift;
    bool up = fp_rounds_up(round, x.negative, integer & 1, fraction, (u128)1 << 127);
    if (round == FP_ODD && fraction)
        integer |= 1;
    if (fraction && inexact)
        env->flags |= FP_INEXACT;
    if (up)
        env->flags |= FP_ROUNDED_UP;
    integer += up;
    if (integer == 0)
        return fp_encode_zero(format, x.negative);
    unsigned zeros = u128_clz(integer);
    x.sig = integer << zeros;
    x.exp = 127 - (int32_t)zeros;
    return fp_pack(env, format, x, round);
}

static uint64_t int_max(struct fp_int kind)
{
    return ~(uint64_t)0 >> (64 - kind.width + kind.is_signed);
}

static uint64_t int_min(struct fp_int kind)
{
    return kind.is_signed ? ~int_max(kind) : 0;
}

static uint64_t int_invalid(struct fp_env *env, struct fp_int kind, bool nan, bool negative)
{
    env->flags |= FP_INVALID;
    if (env->invalid_int == FP_INT_INDEFINITE)
        return kind.is_signed ? int_min(kind) : int_max(kind);
    if (nan)
        return env->invalid_int == FP_INT_SATURATE ? int_max(kind) : 0;
    return negative ? int_min(kind) : int_max(kind);
}

uint64_t fp_to_int(struct fp_env *env, const struct fp_format *format, u128 a, struct fp_int kind,
                   enum fp_round round)
{
    struct fp_number x = fp_unpack(env, format, a);
    if (x.kind == FP_ZERO)
        return 0;
    x.exp += kind.fraction_bits;
    if (x.kind != FP_FINITE || x.exp > 63)
        return int_invalid(env, kind, fp_is_nan(x), x.negative);

    u128 fixed = u128_shift_right_sticky(x.sig, (unsigned)(63 - x.exp)); /* 64 integer bits, 64 below */
    uint64_t fraction = (uint64_t)fixed;
    u128 magnitude = fixed >> 64;
    bool up = fp_rounds_up(round, x.negative, magnitude & 1, fraction, (u128)1 << 63);
    if (round == FP_ODD && fraction)
        magnitude |= 1;
    magnitude += up;
    u128 limit = x.negative ? (u128)0 - (u128)(__int128)(int64_t)int_min(kind) : int_max(kind);
    if (magnitude > limit)
        return int_invalid(env, kind, false, x.negative);
    if (fraction)
        env->flags |= up ? FP_INEXACT | FP_ROUNDED_UP : FP_INEXACT;
    return x.negative ? -(uint64_t)magnitude : (uint64_t)magnitude;
}

u128 fp_from_int(struct fp_env *env, const struct fp_format *format, uint64_t v, struct fp_int kind)
{
    bool negative = kind.is_signed && v >> 63;
    struct fp_number n = fp_number_from_u64(negative ? -v : v, negative);
    n.exp -= kind.fraction_bits;
    return fp_pack(env, format, n, fp_env_round(env));
}

int32_t f64_to_i32_modular(struct fp_env *env, f64_t a)
{
    const struct fp_int kind = {.width = 32, .is_signed = true};
    uint64_t saturated = fp_to_int(env, &fp_f64, a, kind, FP_RTZ);
    struct fp_number x = fp_unpack(env, &fp_f64, a);
    if (x.kind != FP_FINITE)
        return 0;
    if (x.exp < 31)
        return (int32_t)saturated;
    /* The units digit is at bit 127 - exp; beyond bit 127 everything is a multiple of 2^32. */
    uint64_t low = x.exp <= 127 ? (uint64_t)(x.sig >> (127 - x.exp)) : 0;
    return (int32_t)(uint32_t)(x.negative ? -low : low);
}
