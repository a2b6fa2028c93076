/*
 * The x87's own functions against the C library: its long double where that is the 80-bit format, and its
 * 128-bit functions, whose results need only one more rounding. The special cases are the tables of SDM
 * vol. 2.
 */
#include "cpu/fp/x87.h"

#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/cpu/fp/fp_support.h"
#include "tests/harness/test.h"

#define ROUNDS 20000

#define ZERO                                                                                                 \
    {                                                                                                        \
        0, 0                                                                                                 \
    }
#define MINUS_ZERO                                                                                           \
    {                                                                                                        \
        0, 0x8000                                                                                            \
    }
#define ONE                                                                                                  \
    {                                                                                                        \
        0x8000000000000000, 0x3fff                                                                           \
    }
#define MINUS_ONE                                                                                            \
    {                                                                                                        \
        0x8000000000000000, 0xbfff                                                                           \
    }
#define HALF                                                                                                 \
    {                                                                                                        \
        0x8000000000000000, 0x3ffe                                                                           \
    }
#define TWO                                                                                                  \
    {                                                                                                        \
        0x8000000000000000, 0x4000                                                                           \
    }
#define MINUS_TWO                                                                                            \
    {                                                                                                        \
        0x8000000000000000, 0xc000                                                                           \
    }
#define INF                                                                                                  \
    {                                                                                                        \
        0x8000000000000000, 0x7fff                                                                           \
    }
#define MINUS_INF                                                                                            \
    {                                                                                                        \
        0x8000000000000000, 0xffff                                                                           \
    }
#define INDEFINITE                                                                                           \
    {                                                                                                        \
        0xc000000000000000, 0xffff                                                                           \
    }
#define PI                                                                                                   \
    {                                                                                                        \
        0xc90fdaa22168c235, 0x4000                                                                           \
    }
#define PI_BY_2                                                                                              \
    {                                                                                                        \
        0xc90fdaa22168c235, 0x3fff                                                                           \
    }
#define PI_BY_4                                                                                              \
    {                                                                                                        \
        0xc90fdaa22168c235, 0x3ffe                                                                           \
    }
#define PI_3_BY_4                                                                                            \
    {                                                                                                        \
        0x96cbe3f9990e91a8, 0x4000                                                                           \
    }

enum function { F2XM1, FYL2X, FYL2XP1, FPATAN, FSCALE };

static f80_t apply(struct fp_env *env, enum function f, f80_t st0, f80_t st1)
{
    switch (f) {
    case F2XM1: return x87_f2xm1(env, st0);
    case FYL2X: return x87_fyl2x(env, st0, st1);
    case FYL2XP1: return x87_fyl2xp1(env, st0, st1);
    case FPATAN: return x87_fpatan(env, st1, st0);
    default: return x87_fscale(env, st0, st1);
    }
}

/* clang-format off */
static const struct {
    enum function f;
    f80_t st0, st1, result;
    unsigned flags;
} special[] = {
    {F2XM1, ZERO, ZERO, ZERO, 0},
    {F2XM1, MINUS_ZERO, ZERO, MINUS_ZERO, 0},
    {F2XM1, ONE, ZERO, ONE, FP_INEXACT},
    {F2XM1, MINUS_ONE, ZERO, {0x8000000000000000, 0xbffe}, FP_INEXACT},
    {FYL2X, ZERO, ONE, MINUS_INF, FP_DIVBYZERO},
    {FYL2X, MINUS_ZERO, MINUS_ONE, INF, FP_DIVBYZERO},
    {FYL2X, ZERO, ZERO, INDEFINITE, FP_INVALID},
    {FYL2X, ZERO, INF, MINUS_INF, 0},
    {FYL2X, ZERO, MINUS_INF, INF, 0},
    {FYL2X, MINUS_ONE, ONE, INDEFINITE, FP_INVALID},
    {FYL2X, MINUS_INF, ONE, INDEFINITE, FP_INVALID},
    {FYL2X, ONE, INF, INDEFINITE, FP_INVALID},
    {FYL2X, ONE, TWO, ZERO, 0},
    {FYL2X, ONE, MINUS_TWO, MINUS_ZERO, 0},
    {FYL2X, HALF, INF, MINUS_INF, 0},
    {FYL2X, TWO, MINUS_INF, MINUS_INF, 0},
    {FYL2X, HALF, ZERO, MINUS_ZERO, 0},
    {FYL2X, TWO, ZERO, ZERO, 0},
    {FYL2X, INF, ZERO, INDEFINITE, FP_INVALID},
    {FYL2X, INF, MINUS_ONE, MINUS_INF, 0},
    {FYL2X, TWO, TWO, TWO, FP_INEXACT},
    {FYL2XP1, ZERO, MINUS_ONE, MINUS_ZERO, 0},
    {FYL2XP1, MINUS_ZERO, MINUS_ONE, ZERO, 0},
    {FYL2XP1, ZERO, INF, INDEFINITE, FP_INVALID},
    {FPATAN, ONE, ZERO, ZERO, 0},
    {FPATAN, ZERO, MINUS_ZERO, MINUS_ZERO, 0},
    {FPATAN, MINUS_ZERO, ZERO, PI, FP_INEXACT},
    {FPATAN, MINUS_ONE, ZERO, PI, FP_INEXACT},
    {FPATAN, ZERO, ONE, PI_BY_2, FP_INEXACT},
    {FPATAN, INF, INF, PI_BY_4, FP_INEXACT},
    {FPATAN, MINUS_INF, INF, PI_3_BY_4, FP_INEXACT},
    {FPATAN, ONE, INF, PI_BY_2, FP_INEXACT},
    {FPATAN, INF, ONE, ZERO, 0},
    {FPATAN, MINUS_INF, ONE, PI, FP_INEXACT},
    {FSCALE, ZERO, INF, INDEFINITE, FP_INVALID},
    {FSCALE, INF, MINUS_INF, INDEFINITE, FP_INVALID},
    {FSCALE, MINUS_ONE, INF, MINUS_INF, 0},
    {FSCALE, MINUS_ONE, MINUS_INF, MINUS_ZERO, 0},
    {FSCALE, ONE, {0xffffffffffffffff, 0x3fff}, TWO, 0},
    {FSCALE, ONE, {0xffffffffffffffff, 0x7ffe}, INF, FP_OVERFLOW | FP_INEXACT},
    {FSCALE, ONE, {0xffffffffffffffff, 0xfffe}, ZERO, FP_UNDERFLOW | FP_INEXACT},
};
/* clang-format on */

static void special_cases(void)
{
    for (size_t i = 0; i < ARRAY_LEN(special); i++) {
        struct fp_env env = fp_env_x87;
        f80_t r = apply(&env, special[i].f, special[i].st0, special[i].st1);
        test_context("row %zu", i);
        CHECK_EQ(r.se, special[i].result.se);
        CHECK_EQ(r.mant, special[i].result.mant);
        CHECK_EQ(env.flags & FP_IEEE_FLAGS, special[i].flags);
    }
    f80_t r, huge = {0x8000000000000000, 0x403e}, inf = INF;
    struct fp_env env = fp_env_x87;
    CHECK(!x87_fsin(&env, huge, &r) && !x87_fcos(&env, huge, &r) && !x87_fptan(&env, huge, &r));
    CHECK_EQ(env.flags, 0);
    CHECK(x87_fsin(&env, inf, &r));
    CHECK_EQ(env.flags, FP_INVALID);
}

static f80_t random_near_one(unsigned down, unsigned up)
{
    unsigned exponent = 0x3fff - down + (unsigned)(test_random() % (down + up));
    return (f80_t){test_random() | (uint64_t)1 << 63, (uint16_t)(exponent | (test_random() & 0x8000))};
}

static void decimal(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct fp_env env = fp_env_x87;
        const struct fp_int kind = {.width = 64, .is_signed = true};
        int64_t v = (int64_t)fp_test_int() % 1000000000000000000;
        uint8_t bytes[10];
        char text[32], digits[32];
        f80_t a = f80_from_int(&env, (uint64_t)v, kind);
        x87_fbstp(&env, a, bytes);
        snprintf(text, sizeof(text), "%018llu", (unsigned long long)(v < 0 ? -v : v));
        for (int d = 0; d < 9; d++)
            snprintf(digits + 2 * d, 3, "%02x", bytes[8 - d]);
        CHECK_STR(digits, text);
        CHECK_EQ(bytes[9], v < 0 ? 0x80 : 0);
        f80_t back = x87_fbld(bytes);
        CHECK(back.mant == a.mant && back.se == a.se);
    }
    const f80_t too_large = {0xde0b6b3a76400000, 0x403a}; /* 10^18 */
    const uint8_t indefinite[10] = {0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff};
    struct fp_env env = fp_env_x87;
    uint8_t bytes[10];
    x87_fbstp(&env, too_large, bytes);
    CHECK_MEM(bytes, indefinite, 10);
    CHECK_EQ(env.flags, FP_INVALID);
}

static void constants(void)
{
    /* To nearest, and down, as the processors give them. */
    static const struct {
        uint64_t nearest, down;
    } expected[] = {[X87_LOG2_10] = {0xd49a784bcd1b8afe, 0xd49a784bcd1b8afe},
                    [X87_LOG2_E] = {0xb8aa3b295c17f0bc, 0xb8aa3b295c17f0bb},
                    [X87_PI] = {0xc90fdaa22168c235, 0xc90fdaa22168c234},
                    [X87_LOG10_2] = {0x9a209a84fbcff799, 0x9a209a84fbcff798},
                    [X87_LN_2] = {0xb17217f7d1cf79ac, 0xb17217f7d1cf79ab}};
    for (unsigned i = 0; i < ARRAY_LEN(expected); i++) {
        struct fp_env env = fp_env_x87;
        CHECK_EQ(x87_fld_constant(&env, (enum x87_constant)i).mant, expected[i].nearest);
        env.round = FP_RDN;
        CHECK_EQ(x87_fld_constant(&env, (enum x87_constant)i).mant, expected[i].down);
        CHECK_EQ(env.flags, 0);
    }
}

/* SDM vol. 1, 8.5.4: an unmasked overflow or underflow gives the result with its exponent wrapped. */
static void unmasked_wrap(void)
{
    const f80_t large = {0x8000000000000000, 0x7ffe}, small = {0x8000000000000000, 1}, half = HALF, two = TWO;
    struct fp_env env = fp_env_x87;
    env.unmasked = FP_OVERFLOW | FP_UNDERFLOW;
    f80_t r = f80_mul(&env, large, two);
    CHECK_EQ(r.se, 0x7fff - 24576);
    CHECK_EQ(env.flags, FP_OVERFLOW);
    env.flags = 0;
    r = f80_mul(&env, small, half);
    CHECK_EQ(r.se, 24576);
    CHECK_EQ(env.flags, FP_UNDERFLOW);
}

static void precision_control(void)
{
    const f80_t one = ONE, three = {0xc000000000000000, 0x4000};
    struct fp_env env = fp_env_x87;
    env.x87_precision = 24;
    CHECK_EQ(f80_div(&env, one, three).mant, 0xaaaaab0000000000);
    env.x87_precision = 53;
    CHECK_EQ(f80_div(&env, one, three).mant, 0xaaaaaaaaaaaaa800);
    env.x87_precision = 64;
    CHECK_EQ(f80_div(&env, one, three).mant, 0xaaaaaaaaaaaaaaab);
}

#if LDBL_MANT_DIG == 64

static bool is_finite(f80_t a)
{
    return (a.se & 0x7fff) != 0x7fff;
}

/* FPREM as programs use it: again and again until the remainder is complete. */
static struct x87_remainder fprem_complete(f80_t a, f80_t b, bool nearest)
{
    struct fp_env env = fp_env_x87;
    struct x87_remainder r = {.value = a, .is_partial = true};
    unsigned last_exponent = 0x8000;
    while (r.is_partial && CHECK((r.value.se & 0x7fffu) < last_exponent)) {
        last_exponent = r.value.se & 0x7fff;
        r = x87_fprem(&env, r.value, b, nearest);
    }
    CHECK_EQ(env.flags & FP_IEEE_FLAGS, 0);
    return r;
}

static void remainders(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        f80_t a = fp_test_f80(), b = i & 1 ? fp_test_f80() : random_near_one(40, 40);
        bool nearest = i & 2;
        if (!is_finite(a) || !is_finite(b) || fp_test_f80_to_host(b) == 0)
            continue;
        test_context("fprem%s of %04x:%016llx %04x:%016llx", nearest ? "1" : "", a.se,
                     (unsigned long long)a.mant, b.se, (unsigned long long)b.mant);
        int quotient = 0;
        long double expected = nearest ? remquol(fp_test_f80_to_host(a), fp_test_f80_to_host(b), &quotient)
                                       : fmodl(fp_test_f80_to_host(a), fp_test_f80_to_host(b));
        struct x87_remainder r = fprem_complete(a, b, nearest);
        f80_t e = fp_test_f80_from_host(expected);
        CHECK_EQ(r.value.mant, e.mant);
        CHECK_EQ(r.value.se, e.se);
        if (nearest)
            CHECK_EQ(r.quotient, (quotient < 0 ? -quotient : quotient) & 7);
    }
}

static void scaling(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        f80_t a = fp_test_f80(), exponent;
        int n = (int)(test_random() % 70000) - 35000;
        if (!is_finite(a) || a.mant == 0)
            continue;
        struct fp_env env = fp_env_x87;
        f80_t r = x87_fscale(&env, a, fp_test_f80_from_host((long double)n + (n < 0 ? -0.5L : 0.5L)));
        f80_t expected = fp_test_f80_from_host(scalbnl(fp_test_f80_to_host(a), n));
        test_context("fscale %04x:%016llx by %d", a.se, (unsigned long long)a.mant, n);
        CHECK_EQ(r.mant, expected.mant);
        CHECK_EQ(r.se, expected.se);
        r = x87_fxtract(&env, a, &exponent);
        CHECK(fp_test_f80_to_host(exponent) == logbl(fp_test_f80_to_host(a)));
        CHECK(fp_test_f80_to_host(r) == significandl(fp_test_f80_to_host(a)));
    }
}

#else

static void remainders(void)
{
    SKIP("the host's long double is not the 80-bit format");
}

static void scaling(void)
{
    SKIP("the host's long double is not the 80-bit format");
}

#endif

#if defined(__HAVE_FLOAT128) && __HAVE_FLOAT128

static _Float128 f128_host(f80_t a)
{
    struct fp_env env = fp_env_x87;
    f128_t wide = f80_to_f128(&env, a);
    const uint64_t words[2] = {wide.lo, wide.hi};
    _Float128 d;
    memcpy(&d, words, sizeof(d));
    return d;
}

/* The library's result is right to a unit of 113 bits: rounding it to 64 gives the same as rounding the exact
 * one, but for one case in 2^48. */
static void check_rounded(const struct fp_env *env, f80_t actual, _Float128 expected)
{
    uint64_t words[2];
    memcpy(words, &expected, sizeof(expected));
    struct fp_env scratch = *env;
    f80_t e = f128_to_f80(&scratch, (f128_t){.lo = words[0], .hi = words[1]});
    CHECK_EQ(actual.mant, e.mant);
    CHECK_EQ(actual.se, e.se);
    CHECK_EQ(env->flags & FP_IEEE_FLAGS, FP_INEXACT);
}

static struct fp_env random_env(void)
{
    struct fp_env env = fp_env_x87;
    env.round = (uint8_t)(test_random() % 4);
    return env;
}

static void logarithms_and_powers(void)
{
    const _Float128 ln_2 = logf128(2);
    for (unsigned i = 0; i < ROUNDS / 2; i++) {
        f80_t y = random_near_one(20, 20), positive = random_near_one(60, 60), small = random_near_one(62, 0);
        positive.se &= 0x7fff;
        _Float128 x = f128_host(small), factor = f128_host(y);
        test_context("%04x:%016llx %04x:%016llx %04x:%016llx", y.se, (unsigned long long)y.mant, positive.se,
                     (unsigned long long)positive.mant, small.se, (unsigned long long)small.mant);
        struct fp_env env = random_env(), start = env;
        f80_t r = x87_f2xm1(&env, small);
        check_rounded(&env, r, expm1f128(x * ln_2));
        env = start;
        r = x87_fyl2x(&env, positive, y);
        check_rounded(&env, r, factor * log2f128(f128_host(positive)));
        env = start;
        r = x87_fyl2xp1(&env, small, y);
        check_rounded(&env, r, factor * (log1pf128(x) / ln_2));
    }
}

static void angles(void)
{
    for (unsigned i = 0; i < ROUNDS / 2; i++) {
        f80_t x = random_near_one(30, 30), y = random_near_one(30, 30);
        struct fp_env env = random_env();
        f80_t r = x87_fpatan(&env, y, x);
        test_context("fpatan %04x:%016llx %04x:%016llx", y.se, (unsigned long long)y.mant, x.se,
                     (unsigned long long)x.mant);
        check_rounded(&env, r, atan2f128(f128_host(y), f128_host(x)));
    }
}

static void circular(void)
{
    /* Half of the 66-bit pi, exactly. */
    const _Float128 half_pi = (_Float128)0xc90fdaa22168c234 * 0x1p-63 + 0x3p-65;
    for (unsigned i = 0; i < ROUNDS / 2; i++) {
        f80_t a = random_near_one(48, 63), sine, cosine, tangent;
        struct fp_env env = random_env(), start = env;
        int quarter;
        _Float128 r = remquof128(f128_host(a), half_pi, &quarter), s = sinf128(r), c = cosf128(r);
        const _Float128 sines[] = {s, c, -s, -c};
        _Float128 sin_a = sines[quarter & 3], cos_a = sines[(quarter + 1) & 3];
        test_context("sine of %04x:%016llx", a.se, (unsigned long long)a.mant);
        CHECK(x87_fsin(&env, a, &sine));
        check_rounded(&env, sine, sin_a);
        env = start;
        CHECK(x87_fcos(&env, a, &cosine));
        check_rounded(&env, cosine, cos_a);
        env = start;
        CHECK(x87_fptan(&env, a, &tangent));
        check_rounded(&env, tangent, sin_a / cos_a);
    }
}

#else

static void logarithms_and_powers(void)
{
    SKIP("the host's C library has no 128-bit functions");
}

static void angles(void)
{
    SKIP("the host's C library has no 128-bit functions");
}

static void circular(void)
{
    SKIP("the host's C library has no 128-bit functions");
}

#endif

static const struct test_case cases[] = {{"special_cases", special_cases},
                                         {"decimal", decimal},
                                         {"constants", constants},
                                         {"unmasked_wrap", unmasked_wrap},
                                         {"remainders", remainders},
                                         {"precision_control", precision_control},
                                         {"scaling", scaling},
                                         {"angles", angles},
                                         {"logarithms_and_powers", logarithms_and_powers},
                                         {"circular", circular}};
TEST_SUITE(fp_x87_test, "unit", cases);
