/*
 * f16, every encoding of it: the oracle computes in double, where sums and products of f16 are exact and the
 * rest leaves a residue of known sign, and rounds with nothing but floor().
 */
#include <fenv.h>
#include <math.h>

#include "cpu/fp/fast.h"
#include "tests/cpu/fp/fp_support.h"
#include "tests/harness/test.h"

#define MAX_F16  65504.0
#define MIN_NORM 0x1p-14

/* The exact value is `value` plus a residue much smaller than its last bit, of which only the sign matters.
 */
struct real {
    double value, residue;
};

static double f16_value(f16_t a)
{
    unsigned exponent = a >> 10 & 31;
    double fraction = a & 0x3ff;
    double magnitude = exponent == 0    ? ldexp(fraction, -24)
                       : exponent < 31  ? ldexp(fraction + 1024, (int)exponent - 25)
                       : fraction == 0. ? INFINITY
                                        : NAN;
    return a >> 15 ? -magnitude : magnitude;
}

/* |x| to a multiple of quantum. */
static double magnitude_round(struct real x, double quantum, enum fp_round round, bool *inexact)
{
    bool negative = signbit(x.value);
    double units = fabs(x.value) / quantum, residue = negative ? -x.residue : x.residue;
    double below = floor(units), fraction = units - below;
    if (fraction == 0 && residue < 0) {
        below -= 1;
        fraction = 1;
    }
    *inexact = fraction != 0 || residue != 0;
    int order = fraction > 0.5 ? 1 : fraction < 0.5 ? -1 : residue > 0 ? 1 : residue < 0 ? -1 : 0;
    bool odd = fmod(below, 2) != 0, up = false;
    switch (round) {
    case FP_RNE: up = order > 0 || (order == 0 && odd); break;
    case FP_RMM: up = order >= 0; break;
    case FP_RDN: up = *inexact && negative; break;
    case FP_RUP: up = *inexact && !negative; break;
    case FP_RTZ: break;
    case FP_ODD: up = *inexact && !odd; break;
    }
    return (below + up) * quantum;
}

static f16_t f16_encode(double magnitude, bool negative)
{
    f16_t sign = (f16_t)(negative << 15);
    if (magnitude < MIN_NORM)
        return sign | (f16_t)ldexp(magnitude, 24);
    int exponent;
    double fraction = frexp(magnitude, &exponent);
    return sign | (f16_t)((exponent + 14) << 10 | ((int)ldexp(fraction, 11) - 1024));
}

static f16_t oracle_round(struct real x, enum fp_round round, bool tiny_before, unsigned *flags)
{
    bool inexact, ignored, negative = signbit(x.value);
    if (x.value == 0 && x.residue == 0)
        return (f16_t)(negative << 15);
    if (isinf(x.value))
        return negative ? 0xfc00 : 0x7c00;
    int exponent;
    frexp(x.value, &exponent);
    if (fabs(x.value) == ldexp(0.5, exponent) && (negative ? -x.residue : x.residue) < 0)
        exponent--; /* a power of two, and a bit less */
    double unbounded = ldexp(1, exponent - 11), quantum = fmax(unbounded, 0x1p-24);
    double magnitude = magnitude_round(x, quantum, round, &inexact);
    bool tiny = exponent - 1 < -14;
    if (tiny && !tiny_before)
        tiny = magnitude_round(x, unbounded, round, &ignored) < MIN_NORM;
    *flags |= (inexact ? FP_INEXACT : 0) | (inexact && tiny ? FP_UNDERFLOW : 0);
    if (magnitude <= MAX_F16)
        return f16_encode(magnitude, negative);
    *flags |= FP_INEXACT | FP_OVERFLOW;
    bool stays = round == FP_RTZ || round == FP_ODD || round == (negative ? FP_RUP : FP_RDN);
    return (f16_t)(negative << 15 | (stays ? 0x7bff : 0x7c00));
}

enum operation { ADD, MUL, DIV, FMA, OPERATIONS };

static struct real sum(double a, double b)
{
    double r = a + b, part = r - a; /* TwoSum */
    return (struct real){r, (a - (r - part)) + (b - part)};
}

static struct real oracle_compute(enum operation op, double a, double b, double c)
{
    switch (op) {
    case ADD: return (struct real){a + b, 0};
    case MUL: return (struct real){a * b, 0};
    case DIV: return (struct real){a / b, b == 0 || isinf(b) ? 0 : fma(-(a / b), b, a) * (b < 0 ? -1 : 1)};
    default: return isfinite(a * b + c) ? sum(a * b, c) : (struct real){a * b + c, 0};
    }
}

static f16_t guest_compute(struct fp_env *env, enum operation op, f16_t a, f16_t b, f16_t c)
{
    switch (op) {
    case ADD: return f16_add(env, a, b);
    case MUL: return f16_mul(env, a, b);
    case DIV: return f16_div(env, a, b);
    default: return f16_fma(env, a, b, c, 0);
    }
}

static bool f16_is_snan(f16_t a)
{
    return (a & 0x7fff) > 0x7c00 && !(a & 0x200);
}

static f16_t oracle_operation(enum operation op, f16_t a, f16_t b, f16_t c, const struct fp_env *env,
                              unsigned *flags)
{
    double x = f16_value(a), y = f16_value(b), z = f16_value(c);
    struct real r = oracle_compute(op, x, y, z);
    bool three = op == FMA;
    if (f16_is_snan(a) || f16_is_snan(b) || (three && f16_is_snan(c)))
        *flags |= FP_INVALID;
    bool quiet = isnan(x) || isnan(y);
    if (three && !quiet && isnan(x * y))
        *flags |= FP_INVALID; /* inf * 0, whatever is added */
    if (isnan(r.value)) {
        *flags |= quiet || (three && isnan(z)) ? 0 : FP_INVALID;
        return 0x7e00;
    }
    if (op == DIV && y == 0 && isfinite(x))
        *flags |= FP_DIVBYZERO;
    bool exact_zero = r.value == 0 && r.residue == 0 && (op == ADD || three);
    double product = three ? x * y : x, addend = three ? z : y;
    if (exact_zero && env->round == FP_RDN && !(product == 0 && !signbit(product) && !signbit(addend)))
        r.value = -0.0;
    return oracle_round(r, (enum fp_round)env->round, env->tiny_before_rounding, flags);
}

static struct fp_env random_env(void)
{
    struct fp_env env = fp_env_riscv;
    env.round = (uint8_t)(test_random() % 6);
    env.tiny_before_rounding = test_random() & 1;
    return env;
}

static void arithmetic(void)
{
    for (unsigned i = 0; i < 0x10000 * 4 * OPERATIONS; i++) {
        f16_t a = (f16_t)i, b = i & 0x20000 ? fp_test_f16() : (f16_t)test_random(), c = fp_test_f16();
        enum operation op = (enum operation)(i >> 18);
        struct fp_env env = random_env();
        unsigned flags = 0;
        f16_t expected = oracle_operation(op, a, b, c, &env, &flags);
        f16_t actual = guest_compute(&env, op, a, b, c);
        if (actual != expected || (env.flags & FP_IEEE_FLAGS) != flags)
            FAIL("op %d round %d of %x %x %x: %x flags %x, should be %x flags %x", op, env.round, a, b, c,
                 actual, env.flags, expected, flags);
    }
}

static void square_root(void)
{
    for (unsigned i = 0; i < 0x10000 * 6; i++) {
        f16_t a = (f16_t)i;
        struct fp_env env = fp_env_riscv;
        env.round = (uint8_t)(i >> 16);
        double x = f16_value(a), root = sqrt(x);
        unsigned flags = 0;
        f16_t expected = 0x7e00;
        if (isnan(root))
            flags = f16_is_snan(a) || x < 0 ? FP_INVALID : 0;
        else
            expected = oracle_round((struct real){root, isinf(x) ? 0 : fma(-root, root, x)},
                                    (enum fp_round)env.round, false, &flags);
        test_context("sqrt %x round %d", a, env.round);
        CHECK_EQ(f16_sqrt(&env, a), expected);
        CHECK_EQ(env.flags & FP_IEEE_FLAGS, flags);
    }
}

static void integral(void)
{
    for (unsigned i = 0; i < 0x10000 * 6; i++) {
        f16_t a = (f16_t)i;
        enum fp_round round = (enum fp_round)(i >> 16);
        struct fp_env env = fp_env_riscv;
        double x = f16_value(a);
        bool inexact = false;
        test_context("integral %x round %d", a, round);
        if (!isfinite(x)) {
            CHECK_EQ(f16_round_int(&env, a, round, true), isinf(x) ? a : 0x7e00);
            continue;
        }
        double magnitude = magnitude_round((struct real){x, 0}, 1, round, &inexact);
        CHECK_EQ(f16_round_int(&env, a, round, false), f16_encode(magnitude, a >> 15));
        CHECK_EQ(env.flags & FP_IEEE_FLAGS, 0);
        f16_round_int(&env, a, round, true);
        CHECK_EQ(env.flags & FP_IEEE_FLAGS, inexact ? FP_INEXACT : 0);
    }
}

/* Every f16 to every width of integer and fixed-point number. */
static void to_integers(void)
{
    for (unsigned i = 0; i < 0x10000 * 6; i++) {
        f16_t a = (f16_t)i;
        enum fp_round round = (enum fp_round)(i >> 16);
        uint8_t width = (uint8_t)(8 << test_random() % 4), fraction_bits = (uint8_t)(test_random() % 17);
        struct fp_int kind = {.width = width, .is_signed = test_random() & 1, .fraction_bits = fraction_bits};
        struct fp_env env = fp_env_arm;
        double x = f16_value(a), limit = ldexp(1, width - kind.is_signed),
               lowest = kind.is_signed ? -limit : 0;
        bool inexact = false;
        double v =
            magnitude_round((struct real){isfinite(x) ? ldexp(x, fraction_bits) : 0, 0}, 1, round, &inexact);
        v = isfinite(x) ? copysign(v, x) : x;
        bool invalid = !(v >= lowest && v < limit);
        uint64_t ones = ~(uint64_t)0, largest = ones >> (64 - width + kind.is_signed);
        uint64_t expected = !invalid   ? (v < 0 ? (uint64_t)(int64_t)v : (uint64_t)v)
                            : isnan(v) ? 0
                            : v < 0    ? (kind.is_signed ? ~largest : 0)
                                       : largest;
        test_context("%x to %s%d fraction bits %d, round %d", a, kind.is_signed ? "i" : "u", width,
                     fraction_bits, round);
        CHECK_EQ(f16_to_int(&env, a, kind, round), expected);
        CHECK_EQ(env.flags & FP_IEEE_FLAGS, invalid ? FP_INVALID : inexact ? FP_INEXACT : 0);
    }
}

static void conversions(void)
{
    for (unsigned i = 0; i < 0x10000; i++) {
        f16_t a = (f16_t)i;
        struct fp_env env = random_env();
        double x = f16_value(a);
        test_context("widen %x", a);
        f32_t wide = f16_to_f32(&env, a);
        f64_t wider = f16_to_f64(&env, a);
        CHECK_EQ(env.flags, f16_is_snan(a) ? FP_INVALID : 0);
        CHECK_EQ(wide, isnan(x) ? 0x7fc00000 : f32_from_host((float)x));
        CHECK_EQ(wider, isnan(x) ? 0x7ff8000000000000 : f64_from_host(x));
        CHECK_EQ(f32_to_f16(&env, wide), isnan(x) ? 0x7e00 : a);
        CHECK_EQ(f64_to_f16(&env, wider), isnan(x) ? 0x7e00 : a);
    }
}

/* Doubles and floats around every f16 and every tie, to f16. */
static void narrowing(void)
{
    for (unsigned i = 0; i < 0x10000 * 4; i++) {
        struct fp_env env = random_env(), env32 = env;
        double x = f16_value((f16_t)i),
               half = (f16_value((f16_t)(i & 0xfc00)) - f16_value((f16_t)(i | 1))) / 2;
        f64_t a =
            f64_from_host(isfinite(x) && isfinite(half) ? x + ldexp(half, -(int)(test_random() % 12)) : x);
        a += test_random() % 3 - 1;
        f32_t b = f32_from_host((float)f64_to_host(a));
        if (f64_is_nan(a) || f32_is_nan(b))
            continue;
        test_context("narrow %llx round %d", (unsigned long long)a, env.round);
        unsigned flags = 0, flags32 = 0;
        enum fp_round round = (enum fp_round)env.round;
        f16_t expected =
            oracle_round((struct real){f64_to_host(a), 0}, round, env.tiny_before_rounding, &flags);
        f16_t expected32 =
            oracle_round((struct real){(double)f32_to_host(b), 0}, round, env.tiny_before_rounding, &flags32);
        CHECK_EQ(f64_to_f16(&env, a), expected);
        CHECK_EQ(env.flags & FP_IEEE_FLAGS, flags);
        CHECK_EQ(f32_to_f16(&env32, b), expected32);
        CHECK_EQ(env32.flags & FP_IEEE_FLAGS, flags32);
    }
}

static const struct test_case cases[] = {{"arithmetic", arithmetic},   {"square_root", square_root},
                                         {"integral", integral},       {"to_integers", to_integers},
                                         {"conversions", conversions}, {"narrowing", narrowing}};
TEST_SUITE(fp_half_test, "unit", cases);
