/*
 * The x87's transcendental functions. Operands are reduced exactly, power series are summed in fixed point
 * with 127 fraction bits, and the result is a product or sum of 128-bit numbers: about 50 bits more than an
 * f80 holds. All results but a few are irrational, so they get a sticky bit and are rounded once.
 */
#include "cpu/fp/finite.h"
#include "cpu/fp/x87.h"

/* Fixed-point numbers: unsigned, below 2, the unit at bit 127. Fractions: below 1, the unit just above bit
 * 127. */
#define ONE FP_UNIT

static const struct fp_number one = {.kind = FP_FINITE, .exp = 0, .sig = ONE};
static const struct fp_number two = {.kind = FP_FINITE, .exp = 1, .sig = ONE};
static const struct fp_number pi = {
    .kind = FP_FINITE, .exp = 1, .sig = U128(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1)};
static const struct fp_number ln_2 = {
    .kind = FP_FINITE, .exp = -1, .sig = U128(0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af)};
static const struct fp_number two_by_ln_2 = {
    .kind = FP_FINITE, .exp = 1, .sig = U128(0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89)};

/* SDM vol. 1, 8.3.8: the processor's own pi is 4 * 0.C90FDAA22168C234C; this is half of it. */
static const struct fp_number half_pi_66 = {
    .kind = FP_FINITE, .exp = 0, .sig = U128(0xc90fdaa22168c234, 0xc000000000000000)};

/* The significant part of a square root of two, for choosing the nearer power of two. */
#define SQRT_2 U128(0xb504f333f9de6484, 0)

static u128 multiply_high(u128 a, u128 b)
{
    u128 low;
    return u128_mul(a, b, &low);
}

/* A number below 1 as a fraction. */
static u128 fraction_of(struct fp_number n)
{
    return n.kind == FP_ZERO || n.exp < -128 ? 0 : n.sig >> (-1 - n.exp);
}

static struct fp_number number_of(u128 fixed)
{
    unsigned zeros = u128_clz(fixed);
    return (struct fp_number){.kind = FP_FINITE, .sig = fixed << zeros, .exp = -(int32_t)zeros};
}

static struct fp_number negated_if(struct fp_number n, bool negate)
{
    n.negative ^= negate;
    return n;
}

static struct fp_number add(struct fp_number a, struct fp_number b)
{
    return fp_add_finite(a, b, FP_RNE);
}

static struct fp_number divide(struct fp_number a, struct fp_number b)
{
    return fp_div_finite(a, b, 128);
}

/* An irrational number: never exact, whatever its leading bits are. */
static f80_t irrational_pack(struct fp_env *env, struct fp_number n)
{
    n.sig |= 1;
    return f80_pack(env, n);
}

static f80_t signed_zero(struct fp_env *env, bool negative)
{
    return f80_pack(env, (struct fp_number){.kind = FP_ZERO, .negative = negative});
}

static f80_t signed_infinity(struct fp_env *env, bool negative)
{
    return f80_pack(env, (struct fp_number){.kind = FP_INFINITE, .negative = negative});
}

static f80_t invalid(struct fp_env *env)
{
    return f80_pack(env, fp_invalid_result(env));
}

/* (e^t - 1) / t for |t| < 0.7: 1 + t/2 (1 + t/3 (1 + ...)). */
static u128 series_expm1(u128 t, bool negative)
{
    u128 sum = ONE;
    for (unsigned k = 31; k >= 2; k--) {
        u128 term = multiply_high(sum, t) / k;
        sum = negative ? ONE - term : ONE + term;
    }
    return sum == ONE && negative ? ONE - 1 : sum;
}

/* sin(r) / r, given r^2 < 0.62: 1 - r^2/(2*3) (1 - r^2/(4*5) (1 - ...)); never 1, as r is not 0. */
static u128 series_sin(u128 square)
{
    u128 sum = ONE;
    for (unsigned k = 17; k >= 1; k--)
        sum = ONE - multiply_high(sum, square) / (2 * k * (2 * k + 1));
    return sum == ONE ? ONE - 1 : sum;
}

static u128 series_cos(u128 square)
{
    u128 sum = ONE;
    for (unsigned k = 18; k >= 1; k--)
        sum = ONE - multiply_high(sum, square) / ((2 * k - 1) * 2 * k);
    return sum == ONE ? ONE - 1 : sum;
}

/* artanh(s) / s, given s^2 < 0.03: 1 + s^2/3 + s^4/5 + ... */
static u128 series_artanh(u128 square)
{
    u128 sum = 0;
    for (unsigned k = 26; k >= 1; k--)
        sum = multiply_high(sum + ONE / (2 * k + 1), square);
    return ONE + sum;
}

/* arctan(z) / z, given z^2 < 1/256: 1 - z^2/3 + z^4/5 - ... */
static u128 series_arctan(u128 square)
{
    u128 sum = 0;
    for (unsigned k = 17; k >= 1; k--)
        sum = multiply_high(ONE / (2 * k + 1) - sum, square);
    return sum ? ONE - sum : ONE - 1;
}

static u128 square_of(struct fp_number n)
{
    u128 fraction = fraction_of(n);
    return multiply_high(fraction, fraction);
}

f80_t x87_f2xm1(struct fp_env *env, f80_t a)
{
    struct fp_number x = f80_unpack(env, a);
    if (fp_is_nan(x))
        return f80_pack(env, fp_nan_of_two(env, x, x));
    if (x.kind == FP_INFINITE)
        return x.negative ? f80_pack(env, negated_if(one, true)) : a;
    if (x.kind == FP_ZERO)
        return a;
    fp_denormal_raise(env, x.is_denormal);
    if (x.exp >= 0) {
        /* Beyond 1 the manual leaves the result undefined; processors give x. They call even -1/2 inexact. */
        bool is_minus_one = x.negative && x.exp == 0 && x.sig == ONE;
        env->flags |= FP_INEXACT;
        x.exp -= is_minus_one;
        return f80_pack(env, x);
    }
    struct fp_number t = fp_mul_finite(x, ln_2);
    return irrational_pack(env, fp_mul_finite(t, number_of(series_expm1(fraction_of(t), x.negative))));
}

/* log2(1 + f) for 1 + f between the roots of 1/2 and 2: 2 / ln 2 * artanh(f / (2 + f)). */
static struct fp_number log2_near_one(struct fp_number f)
{
    struct fp_number s = divide(f, add(two, f));
    struct fp_number log =
        fp_mul_finite(fp_mul_finite(s, number_of(series_artanh(square_of(s)))), two_by_ln_2);
    log.sig |= 1;
    return log;
}

/* log2(x) for x > 0: FP_ZERO for 1, an integer for a power of two, and else irrational with its sticky bit.
 */
static struct fp_number log2_finite(struct fp_number x)
{
    int32_t exp = x.exp;
    x.exp = 0;
    if (x.sig > SQRT_2) {
        x.exp--;
        exp++;
    }
    struct fp_number integer = fp_number_from_u64((uint64_t)(exp < 0 ? -exp : exp), exp < 0);
    struct fp_number f = add(x, negated_if(one, true));
    if (f.kind == FP_ZERO)
        return integer;
    struct fp_number log = log2_near_one(f);
    return integer.kind == FP_ZERO ? log : add(integer, log);
}

/* y * log, where neither is a NaN and log is signed and may be 0 or infinite. */
static f80_t log_scaled(struct fp_env *env, struct fp_number y, struct fp_number log)
{
    bool negative = y.negative != log.negative;
    if ((y.kind == FP_ZERO && log.kind == FP_INFINITE) || (y.kind == FP_INFINITE && log.kind == FP_ZERO))
        return invalid(env);
    if (y.kind == FP_INFINITE || log.kind == FP_INFINITE)
        return signed_infinity(env, negative);
    if (y.kind == FP_ZERO || log.kind == FP_ZERO)
        return signed_zero(env, negative);
    env->flags |= FP_INEXACT; /* even for a power of two: so do the processors */
    return f80_pack(env, fp_mul_finite(y, log));
}

f80_t x87_fyl2x(struct fp_env *env, f80_t a, f80_t b)
{
    struct fp_number x = f80_unpack(env, a), y = f80_unpack(env, b), log = x;
    if (fp_is_nan(x) || fp_is_nan(y))
        return f80_pack(env, fp_nan_of_two(env, x, y));
    if (x.negative && x.kind != FP_ZERO)
        return invalid(env);
    if (x.kind == FP_ZERO) {
        if (y.kind == FP_FINITE)
            env->flags |= FP_DIVBYZERO;
        log = (struct fp_number){.kind = FP_INFINITE, .negative = true};
    } else {
        fp_denormal_raise(env, x.is_denormal || y.is_denormal);
        if (x.kind == FP_FINITE)
            log = log2_finite(x);
    }
    return log_scaled(env, y, log);
}

/* log2(1 + x) for x > -1. */
static struct fp_number log2_plus_one(struct fp_number x)
{
    struct fp_number sum = add(one, x);
    bool is_near_one = sum.exp == 0 ? sum.sig <= SQRT_2 : sum.exp == -1 && sum.sig > SQRT_2;
    return is_near_one ? log2_near_one(x) : log2_finite(sum);
}

f80_t x87_fyl2xp1(struct fp_env *env, f80_t a, f80_t b)
{
    struct fp_number x = f80_unpack(env, a), y = f80_unpack(env, b), log = x;
    if (fp_is_nan(x) || fp_is_nan(y))
        return f80_pack(env, fp_nan_of_two(env, x, y));
    if (x.negative && x.kind == FP_INFINITE)
        return invalid(env);
    if (x.negative && x.kind == FP_FINITE && x.exp >= 0) {
        /* The manual leaves operands below -1 undefined; processors give x. */
        env->flags |= FP_INEXACT;
        return a;
    }
    fp_denormal_raise(env, x.is_denormal || y.is_denormal);
    if (x.kind == FP_FINITE)
        log = log2_plus_one(x);
    return log_scaled(env, y, log);
}

/* arctan(n / 8) as fractions, but for the last, pi / 4, the same. */
static const u128 arctan_of_eighths[] = {
    0,
    U128(0x1fd5ba9aac2f6dc6, 0x5912f313e7d111df),
    U128(0x3eb6ebf25901bac5, 0x5b71e7bd7de885f9),
    U128(0x5bd86507937bc239, 0xc55190916e7f2242),
    U128(0x76b19c1586ed3da2, 0xb7f222f65e1d4682),
    U128(0x8f005d5ef7f59f9b, 0x5c835e1665c43748),
    U128(0xa4bc7d1934f70924, 0x19a87f2a457dac9f),
    U128(0xb8053e2bc2319e73, 0xcb2da55210a4443d),
    U128(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1),
};

/* n / d to the nearest eighth, for 0 < n <= d. */
static unsigned nearest_eighth(struct fp_number n, struct fp_number d)
{
    int32_t distance = d.exp - n.exp;
    if (distance > 4)
        return 0;
    uint64_t numerator = (uint64_t)(n.sig >> 68) << 4 >> distance, denominator = (uint64_t)(d.sig >> 68);
    return (unsigned)((numerator / denominator + 1) / 2);
}

/* arctan(n / d) for 0 < n <= d, both of at most 64 bits: arctan(i/8) + arctan((8n - id) / (8d + in)). */
static struct fp_number arctan_ratio(struct fp_number n, struct fp_number d)
{
    unsigned i = nearest_eighth(n, d);
    struct fp_number z;
    if (i == 0) {
        z = divide(n, d);
        return fp_mul_finite(z, number_of(series_arctan(square_of(z))));
    }
    struct fp_number eighths = fp_number_from_u64(i, false);
    struct fp_number base = number_of(arctan_of_eighths[i]), in = fp_mul_finite(n, eighths),
                     id = fp_mul_finite(d, eighths);
    base.exp--; /* a fraction has its unit one place higher */
    n.exp += 3;
    d.exp += 3;
    struct fp_number rest = add(n, negated_if(id, true));
    if (rest.kind == FP_ZERO)
        return base;
    z = divide(rest, add(d, in));
    return add(base, fp_mul_finite(z, number_of(series_arctan(square_of(z)))));
}

/* The angle of a point in the first quadrant, neither coordinate 0 or infinite. */
static struct fp_number angle(struct fp_number y, struct fp_number x)
{
    bool is_steep = y.exp > x.exp || (y.exp == x.exp && y.sig > x.sig);
    if (!is_steep)
        return arctan_ratio(y, x);
    struct fp_number half_pi = pi;
    half_pi.exp--;
    return add(half_pi, negated_if(arctan_ratio(x, y), true));
}

/* The same where a coordinate is infinite, or x is 0: on an axis, or on the diagonal. */
static struct fp_number angle_of_limit(struct fp_number y, struct fp_number x)
{
    struct fp_number r = pi;
    bool is_vertical = y.kind == FP_INFINITE || x.kind == FP_ZERO;
    if (!is_vertical)
        return (struct fp_number){.kind = FP_ZERO};
    r.exp -= x.kind == FP_INFINITE ? 2 : 1;
    return r;
}

f80_t x87_fpatan(struct fp_env *env, f80_t b, f80_t a)
{
    struct fp_number y = f80_unpack(env, b), x = f80_unpack(env, a), r;
    if (fp_is_nan(x) || fp_is_nan(y))
        return f80_pack(env, fp_nan_of_two(env, y, x));
    fp_denormal_raise(env, x.is_denormal || y.is_denormal);
    bool left = x.negative, below = y.negative;
    x.negative = y.negative = false;
    if (y.kind == FP_ZERO)
        r = (struct fp_number){.kind = FP_ZERO};
    else if (x.kind == FP_FINITE && y.kind == FP_FINITE)
        r = angle(y, x);
    else
        r = angle_of_limit(y, x);
    if (left)
        r = r.kind == FP_ZERO ? pi : add(pi, negated_if(r, true));
    if (r.kind == FP_ZERO)
        return signed_zero(env, below);
    return irrational_pack(env, negated_if(r, below));
}

/* An operand of sine, cosine or tangent: x = quarter * pi/2 + r, where |r| <= pi/4. */
struct reduced {
    struct fp_number r;
    unsigned quarter;
    bool negative; /* of x; the rest is |x|'s */
};

static struct reduced reduce(struct fp_number x)
{
    struct reduced reduced = {.negative = x.negative};
    uint64_t quotient;
    x.negative = false;
    reduced.r = fp_rem_finite(x, half_pi_66, true, &quotient);
    reduced.quarter = quotient & 3;
    return reduced;
}

static struct fp_number sine_near_zero(struct fp_number r)
{
    return fp_mul_finite(r, number_of(series_sin(square_of(r))));
}

static struct fp_number cosine_near_zero(struct fp_number r)
{
    return number_of(series_cos(square_of(r)));
}

static struct fp_number sine_of_reduced(const struct reduced *x)
{
    struct fp_number v = x->quarter & 1 ? cosine_near_zero(x->r) : sine_near_zero(x->r);
    return negated_if(v, (x->quarter >> 1) ^ x->negative);
}

static struct fp_number cosine_of_reduced(const struct reduced *x)
{
    struct fp_number v = x->quarter & 1 ? sine_near_zero(x->r) : cosine_near_zero(x->r);
    return negated_if(v, x->quarter == 1 || x->quarter == 2);
}

static struct fp_number tangent_of_reduced(const struct reduced *x)
{
    return divide(sine_of_reduced(x), cosine_of_reduced(x));
}

/* What the three functions have in common. */
static bool circular(struct fp_env *env, f80_t a, struct fp_number (*of)(const struct reduced *),
                     f80_t at_zero, f80_t *result)
{
    struct fp_number x = f80_unpack(env, a);
    if (x.kind == FP_FINITE && x.exp >= 63)
        return false;
    if (fp_is_nan(x)) {
        *result = f80_pack(env, fp_nan_of_two(env, x, x));
    } else if (x.kind == FP_INFINITE) {
        *result = invalid(env);
    } else if (x.kind == FP_ZERO) {
        *result = at_zero;
    } else {
        fp_denormal_raise(env, x.is_denormal);
        struct reduced reduced = reduce(x);
        *result = irrational_pack(env, of(&reduced));
    }
    return true;
}

bool x87_fsin(struct fp_env *env, f80_t x, f80_t *sine)
{
    return circular(env, x, sine_of_reduced, x, sine);
}

bool x87_fcos(struct fp_env *env, f80_t x, f80_t *cosine)
{
    return circular(env, x, cosine_of_reduced, f80_pack(env, one), cosine);
}

bool x87_fsincos(struct fp_env *env, f80_t x, f80_t *sine, f80_t *cosine)
{
    return x87_fsin(env, x, sine) && x87_fcos(env, x, cosine);
}

bool x87_fptan(struct fp_env *env, f80_t x, f80_t *tangent)
{
    return circular(env, x, tangent_of_reduced, x, tangent);
}
