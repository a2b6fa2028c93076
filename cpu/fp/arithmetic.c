/* The arithmetic operations: zeros, infinities and NaNs here, finite numbers in cpu/fp/finite.c. */
#include "cpu/fp/finite.h"
#include "cpu/fp/operations.h"
#include "cpu/fp/pack.h"

static struct fp_number zero(bool negative)
{
    return (struct fp_number){.kind = FP_ZERO, .negative = negative};
}

static struct fp_number infinity(bool negative)
{
    return (struct fp_number){.kind = FP_INFINITE, .negative = negative};
}

static bool both_finite(struct fp_number a, struct fp_number b)
{
    return likely(a.kind == FP_FINITE && b.kind == FP_FINITE);
}

/* The sum of two numbers that are not NaNs. */
static struct fp_number sum(struct fp_env *env, struct fp_number a, struct fp_number b)
{
    enum fp_round round = fp_env_round(env);
    if (both_finite(a, b))
        return fp_add_finite(a, b, round);
    if (a.kind == FP_INFINITE) {
        bool opposed = b.kind == FP_INFINITE && a.negative != b.negative;
        return opposed ? fp_invalid_result(env) : a;
    }
    if (b.kind == FP_INFINITE)
        return b;
    if (a.kind == FP_ZERO && b.kind == FP_ZERO)
        return zero(a.negative == b.negative ? a.negative : round == FP_RDN);
    return a.kind == FP_ZERO ? b : a;
}

static struct fp_number sum_special(struct fp_env *env, struct fp_number a, struct fp_number b, bool subtract)
{
    if (fp_is_nan(a) || fp_is_nan(b))
        return fp_nan_of_two(env, a, b);
    b.negative ^= subtract;
    return sum(env, a, b);
}

u128 fp_add(struct fp_env *env, const struct fp_format *format, u128 a, u128 b, bool subtract)
{
    enum fp_round round = fp_env_round(env);
    struct fp_number x = fp_unpack_inline(env, format, a), y = fp_unpack_inline(env, format, b);
    if (!fp_is_nan(x) && !fp_is_nan(y))
        fp_denormal_raise(env, x.is_denormal || y.is_denormal);
    if (!both_finite(x, y))
        return fp_pack(env, format, sum_special(env, x, y, subtract), round);
    y.negative ^= subtract;
    return fp_pack_inline(env, format, fp_add_finite(x, y, round), round);
}

/* inf * 0? */
static bool is_product_invalid(struct fp_number a, struct fp_number b)
{
    return (a.kind == FP_INFINITE && b.kind == FP_ZERO) || (a.kind == FP_ZERO && b.kind == FP_INFINITE);
}

/* A product with a factor that is a NaN, infinite or zero. */
static struct fp_number product_special(struct fp_env *env, struct fp_number a, struct fp_number b)
{
    bool negative = a.negative != b.negative;
    if (fp_is_nan(a) || fp_is_nan(b))
        return fp_nan_of_two(env, a, b);
    if (is_product_invalid(a, b))
        return fp_invalid_result(env);
    fp_denormal_raise(env, a.is_denormal || b.is_denormal);
    return a.kind == FP_INFINITE || b.kind == FP_INFINITE ? infinity(negative) : zero(negative);
}

u128 fp_mul(struct fp_env *env, const struct fp_format *format, u128 a, u128 b)
{
    enum fp_round round = fp_env_round(env);
    struct fp_number x = fp_unpack_inline(env, format, a), y = fp_unpack_inline(env, format, b);
    if (!both_finite(x, y))
        return fp_pack(env, format, product_special(env, x, y), round);
    fp_denormal_raise(env, x.is_denormal || y.is_denormal);
    return fp_pack_inline(env, format, fp_mul_finite(x, y), round);
}

/* A quotient with an operand that is a NaN, infinite or zero. */
static struct fp_number quotient_special(struct fp_env *env, struct fp_number a, struct fp_number b)
{
    bool negative = a.negative != b.negative;
    if (fp_is_nan(a) || fp_is_nan(b))
        return fp_nan_of_two(env, a, b);
    if (a.kind == b.kind)
        return fp_invalid_result(env); /* 0 / 0, inf / inf */
    if (b.kind == FP_ZERO && a.kind == FP_FINITE) {
        env->flags |= FP_DIVBYZERO;
        return infinity(negative);
    }
    fp_denormal_raise(env, a.is_denormal || b.is_denormal);
    return a.kind == FP_INFINITE || b.kind == FP_ZERO ? infinity(negative) : zero(negative);
}

u128 fp_div(struct fp_env *env, const struct fp_format *format, u128 a, u128 b)
{
    enum fp_round round = fp_env_round(env);
    struct fp_number x = fp_unpack_inline(env, format, a), y = fp_unpack_inline(env, format, b);
    if (!both_finite(x, y))
        return fp_pack(env, format, quotient_special(env, x, y), round);
    fp_denormal_raise(env, x.is_denormal || y.is_denormal);
    return fp_pack_inline(env, format, fp_div_finite(x, y, format->precision), round);
}

static struct fp_number root(struct fp_env *env, struct fp_number a, unsigned precision)
{
    if (fp_is_nan(a))
        return fp_nan_of_two(env, a, a);
    if (a.kind == FP_ZERO)
        return a;
    if (a.negative)
        return fp_invalid_result(env);
    fp_denormal_raise(env, a.is_denormal);
    return a.kind == FP_INFINITE ? a : fp_sqrt_finite(a, precision);
}

u128 fp_sqrt(struct fp_env *env, const struct fp_format *format, u128 a)
{
    struct fp_number r = root(env, fp_unpack(env, format, a), format->precision);
    return fp_pack(env, format, r, fp_env_round(env));
}

/* a * b + c with an operand that is a NaN, infinite or zero; negate is still to be done. */
static struct fp_number fused_special(struct fp_env *env, struct fp_number a, struct fp_number b,
                                      struct fp_number c, unsigned negate)
{
    if (fp_is_nan(a) || fp_is_nan(b) || fp_is_nan(c))
        return fp_nan_of_three(env, a, b, c, is_product_invalid(a, b));
    if (is_product_invalid(a, b))
        return fp_invalid_result(env);
    struct fp_number p = {.negative = (a.negative != b.negative) ^ ((negate & FP_NEGATE_PRODUCT) != 0)};
    if (a.kind == FP_INFINITE || b.kind == FP_INFINITE) {
        p.kind = FP_INFINITE;
    } else if (both_finite(a, b)) {
        a.negative ^= (negate & FP_NEGATE_PRODUCT) != 0;
        p = fp_mul_finite(a, b);
    }
    c.negative ^= (negate & FP_NEGATE_ADDEND) != 0;
    struct fp_number r = sum(env, p, c);
    if (!fp_is_nan(r))
        fp_denormal_raise(env, a.is_denormal || b.is_denormal || c.is_denormal);
    return r;
}

u128 fp_fma(struct fp_env *env, const struct fp_format *format, u128 a, u128 b, u128 c, unsigned negate)
{
    enum fp_round round = fp_env_round(env);
    struct fp_number x = fp_unpack_inline(env, format, a), y = fp_unpack_inline(env, format, b),
                     z = fp_unpack_inline(env, format, c);
    if (!both_finite(x, y) || z.kind != FP_FINITE)
        return fp_pack(env, format, fused_special(env, x, y, z, negate), round);
    fp_denormal_raise(env, x.is_denormal || y.is_denormal || z.is_denormal);
    x.negative ^= (negate & FP_NEGATE_PRODUCT) != 0;
    z.negative ^= (negate & FP_NEGATE_ADDEND) != 0;
    return fp_pack_inline(env, format, fp_fma_finite(x, y, z, round), round);
}

u128 fp_scalb(struct fp_env *env, const struct fp_format *format, u128 a, int32_t n)
{
    /* Further than any format reaches, and far from overflowing the exponent. */
    const int32_t limit = 1 << 17;
    struct fp_number x = fp_unpack(env, format, a);
    if (fp_is_nan(x))
        x = fp_nan_of_two(env, x, x);
    else
        fp_denormal_raise(env, x.is_denormal);
    if (x.kind == FP_FINITE)
        x.exp += n > limit ? limit : n < -limit ? -limit : n;
    return fp_pack(env, format, x, fp_env_round(env));
}
