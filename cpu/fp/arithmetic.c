/* The arithmetic operations: zeros, infinities and NaNs here, finite numbers in cpu/fp/finite.c. */
#include "cpu/fp/operations.h"

static struct fp_number zero(bool negative)
{
    return (struct fp_number){.kind = FP_ZERO, .negative = negative};
}

static struct fp_number infinity(bool negative)
{
    return (struct fp_number){.kind = FP_INFINITE, .negative = negative};
}

/* The sum of two numbers that are not NaNs. */
static struct fp_number sum(struct fp_env *env, struct fp_number a, struct fp_number b)
{
    enum fp_round round = fp_env_round(env);
    if (a.kind == FP_INFINITE) {
        bool opposed = b.kind == FP_INFINITE && a.negative != b.negative;
        return opposed ? fp_invalid_result(env) : a;
    }
    if (b.kind == FP_INFINITE)
        return b;
    if (a.kind == FP_ZERO && b.kind == FP_ZERO)
        return zero(a.negative == b.negative ? a.negative : round == FP_RDN);
    if (a.kind == FP_ZERO)
        return b;
    if (b.kind == FP_ZERO)
        return a;
    return fp_add_finite(a, b, round);
}

u128 fp_add(struct fp_env *env, const struct fp_format *format, u128 a, u128 b, bool subtract)
{
    struct fp_number x = fp_unpack(env, format, a), y = fp_unpack(env, format, b), r;
    if (fp_is_nan(x) || fp_is_nan(y)) {
        r = fp_nan_of_two(env, x, y);
    } else {
        fp_denormal_raise(env, x.is_denormal || y.is_denormal);
        y.negative ^= subtract;
        r = sum(env, x, y);
    }
    return fp_pack(env, format, r, fp_env_round(env));
}

/* inf * 0? */
static bool is_product_invalid(struct fp_number a, struct fp_number b)
{
    return (a.kind == FP_INFINITE && b.kind == FP_ZERO) || (a.kind == FP_ZERO && b.kind == FP_INFINITE);
}

static struct fp_number product(struct fp_env *env, struct fp_number a, struct fp_number b)
{
    bool negative = a.negative != b.negative;
    if (is_product_invalid(a, b))
        return fp_invalid_result(env);
    fp_denormal_raise(env, a.is_denormal || b.is_denormal);
    if (a.kind == FP_INFINITE || b.kind == FP_INFINITE)
        return infinity(negative);
    if (a.kind == FP_ZERO || b.kind == FP_ZERO)
        return zero(negative);
    return fp_mul_finite(a, b);
}

u128 fp_mul(struct fp_env *env, const struct fp_format *format, u128 a, u128 b)
{
    struct fp_number x = fp_unpack(env, format, a), y = fp_unpack(env, format, b);
    struct fp_number r = fp_is_nan(x) || fp_is_nan(y) ? fp_nan_of_two(env, x, y) : product(env, x, y);
    return fp_pack(env, format, r, fp_env_round(env));
}

static struct fp_number quotient(struct fp_env *env, struct fp_number a, struct fp_number b,
                                 unsigned precision)
{
    bool negative = a.negative != b.negative;
    if (a.kind == b.kind && a.kind != FP_FINITE)
        return fp_invalid_result(env); /* 0 / 0, inf / inf */
    if (b.kind == FP_ZERO && a.kind == FP_FINITE) {
        env->flags |= FP_DIVBYZERO;
        return infinity(negative);
    }
    fp_denormal_raise(env, a.is_denormal || b.is_denormal);
    if (a.kind == FP_INFINITE || b.kind == FP_ZERO)
        return infinity(negative);
    if (a.kind == FP_ZERO || b.kind == FP_INFINITE)
        return zero(negative);
    return fp_div_finite(a, b, precision);
}

u128 fp_div(struct fp_env *env, const struct fp_format *format, u128 a, u128 b)
{
    struct fp_number x = fp_unpack(env, format, a), y = fp_unpack(env, format, b);
    struct fp_number r =
        fp_is_nan(x) || fp_is_nan(y) ? fp_nan_of_two(env, x, y) : quotient(env, x, y, format->precision);
    return fp_pack(env, format, r, fp_env_round(env));
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

/* a * b + c of numbers that are not NaNs. */
static struct fp_number fused(struct fp_env *env, struct fp_number a, struct fp_number b, struct fp_number c)
{
    if (is_product_invalid(a, b))
        return fp_invalid_result(env);
    bool all_finite = a.kind == FP_FINITE && b.kind == FP_FINITE && c.kind == FP_FINITE;
    if (all_finite) {
        fp_denormal_raise(env, a.is_denormal || b.is_denormal || c.is_denormal);
        return fp_fma_finite(a, b, c, fp_env_round(env));
    }
    struct fp_number p = {.negative = a.negative != b.negative};
    if (a.kind == FP_INFINITE || b.kind == FP_INFINITE)
        p.kind = FP_INFINITE;
    else if (a.kind == FP_FINITE && b.kind == FP_FINITE)
        p = fp_mul_finite(a, b);
    struct fp_number r = sum(env, p, c);
    if (!fp_is_nan(r))
        fp_denormal_raise(env, a.is_denormal || b.is_denormal || c.is_denormal);
    return r;
}

u128 fp_fma(struct fp_env *env, const struct fp_format *format, u128 a, u128 b, u128 c, unsigned negate)
{
    struct fp_number x = fp_unpack(env, format, a), y = fp_unpack(env, format, b),
                     z = fp_unpack(env, format, c), r;
    if (fp_is_nan(x) || fp_is_nan(y) || fp_is_nan(z)) {
        r = fp_nan_of_three(env, x, y, z, is_product_invalid(x, y));
    } else {
        x.negative ^= (negate & FP_NEGATE_PRODUCT) != 0;
        z.negative ^= (negate & FP_NEGATE_ADDEND) != 0;
        r = fused(env, x, y, z);
    }
    return fp_pack(env, format, r, fp_env_round(env));
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
