/*
 * f80 against the host's long double where that is the same format, NaN payloads and invalid encodings
 * included, and f128 against the compiler's own 128-bit arithmetic.
 */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "cpu/fp/fast.h"
#include "tests/cpu/fp/fp_support.h"
#include "tests/harness/test.h"

#define ROUNDS 200000

#if LDBL_MANT_DIG == 64

enum operation {
    ADD,
    SUB,
    MUL,
    DIV,
    SQRT,
    RINT,
    REM,
    TO_F32,
    TO_F64,
    TO_INT,
    FROM_F32,
    FROM_F64,
    FROM_INT,
    COMPARE,
    OPERATIONS
};
static const char *const names[] = {"add",  "sub",  "mul",    "div",      "sqrt",     "rint",     "rem",
                                    "to32", "to64", "to_int", "from_f32", "from_f64", "from_int", "compare"};

/* What a host operation gave, as bits, and the guest's answer in the same form. */
struct answer {
    uint64_t lo, hi;
};

static struct answer answer_f80(f80_t a)
{
    return (struct answer){a.mant, a.se};
}

static volatile long double x, y, r;
static volatile float r32;
static volatile double r64;
static volatile int64_t integer;
static long double (*volatile host_rint)(long double) = rintl;
static long long (*volatile host_llrint)(long double) = llrintl;

static enum fp_relation host_relation(void)
{
    return isunordered(x, y) ? FP_UNORDERED : x < y ? FP_LESS : x > y ? FP_GREATER : FP_EQUAL;
}

static struct answer f80_host(enum operation op)
{
    switch (op) {
    case ADD: r = x + y; break;
    case SUB: r = x - y; break;
    case MUL: r = x * y; break;
    case DIV: r = x / y; break;
    case SQRT: r = sqrtl(x); break;
    case RINT: r = host_rint(x); break;
    case REM: r = remainderl(x, y); break;
    case TO_F32: r32 = (float)x; return (struct answer){f32_from_host(r32), 0};
    case TO_F64: r64 = (double)x; return (struct answer){f64_from_host(r64), 0};
    case TO_INT: return (struct answer){(uint64_t)host_llrint(x), 0};
    case FROM_F32: r = (long double)r32; break;
    case FROM_F64: r = (long double)r64; break;
    case FROM_INT: r = (long double)integer; break;
    default: return (struct answer){(uint64_t)host_relation(), 0};
    }
    return answer_f80(fp_test_f80_from_host(r));
}

static struct answer f80_guest(struct fp_env *env, enum operation op, f80_t a, f80_t b)
{
    enum fp_round round = (enum fp_round)env->round;
    switch (op) {
    case ADD: return answer_f80(f80_add(env, a, b));
    case SUB: return answer_f80(f80_sub(env, a, b));
    case MUL: return answer_f80(f80_mul(env, a, b));
    case DIV: return answer_f80(f80_div(env, a, b));
    case SQRT: return answer_f80(f80_sqrt(env, a));
    case RINT: return answer_f80(f80_round_int(env, a, round, true));
    case REM: return answer_f80(f80_rem(env, a, b));
    case TO_F32: return (struct answer){f80_to_f32(env, a), 0};
    case TO_F64: return (struct answer){f80_to_f64(env, a), 0};
    case TO_INT: return (struct answer){f80_to_int(env, a, fp_i64, round), 0};
    case FROM_F32: return answer_f80(f32_to_f80(env, f32_from_host(r32)));
    case FROM_F64: return answer_f80(f64_to_f80(env, f64_from_host(r64)));
    case FROM_INT: return answer_f80(f80_from_int(env, (uint64_t)integer, fp_i64));
    default: return (struct answer){(uint64_t)f80_compare(env, a, b, false), 0};
    }
}

/* Now and then an encoding that the 8087 had a meaning for and its successors do not. */
static f80_t random_f80(void)
{
    f80_t a = fp_test_f80();
    if (test_random() % 32 == 0)
        a.mant ^= (uint64_t)1 << 63;
    return a;
}

static void f80_operations(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        enum operation op = (enum operation)(i % OPERATIONS);
        unsigned mode = (unsigned)(test_random() % FP_TEST_ROUNDS);
        f80_t a = random_f80(), b = random_f80();
        f32_t narrow = fp_test_f32();
        f64_t wide = fp_test_f64();
        memcpy((void *)(uintptr_t)&r32, &narrow, sizeof(narrow));
        memcpy((void *)(uintptr_t)&r64, &wide, sizeof(wide));
        integer = (int64_t)fp_test_int();
        x = fp_test_f80_to_host(a), y = fp_test_f80_to_host(b);
        struct fp_env env = fp_env_x87;
        env.round = (uint8_t)fp_test_rounds[mode].guest;
        struct answer actual = f80_guest(&env, op, a, b);
        fesetround(fp_test_rounds[mode].host);
        feclearexcept(FE_ALL_EXCEPT);
        struct answer expected = f80_host(op);
        unsigned flags = fp_test_host_flags();
        fesetround(FE_TONEAREST);
        test_context("f80 %s round %d of %04x:%016llx %04x:%016llx", names[op], env.round, a.se,
                     (unsigned long long)a.mant, b.se, (unsigned long long)b.mant);
        CHECK_EQ(actual.lo, expected.lo);
        CHECK_EQ(actual.hi, expected.hi);
        CHECK_EQ(env.flags & FP_IEEE_FLAGS, flags);
    }
}

#else

static void f80_operations(void)
{
    SKIP("the host's long double is not the 80-bit format");
}

#endif

#if defined(__HAVE_FLOAT128) && __HAVE_FLOAT128

static volatile _Float128 x128, y128, z128, r128;
static _Float128 (*volatile host_rint128)(_Float128) = rintf128;

static _Float128 f128_to_host(f128_t a)
{
    const uint64_t words[2] = {a.lo, a.hi};
    _Float128 d;
    memcpy(&d, words, sizeof(d));
    return d;
}

static f128_t f128_from_host(_Float128 d)
{
    uint64_t words[2];
    memcpy(words, &d, sizeof(d));
    return (f128_t){.lo = words[0], .hi = words[1]};
}

enum operation128 { ADD128, SUB128, MUL128, DIV128, SQRT128, FMA128, RINT128, TO64, TO32, OPERATIONS128 };
static const char *const names128[] = {"add", "sub", "mul", "div", "sqrt", "fma", "rint", "to64", "to32"};

static f128_t f128_host(enum operation128 op)
{
    switch (op) {
    case ADD128: r128 = x128 + y128; break;
    case SUB128: r128 = x128 - y128; break;
    case MUL128: r128 = x128 * y128; break;
    case DIV128: r128 = x128 / y128; break;
    case SQRT128: r128 = sqrtf128(x128); break;
    case FMA128: r128 = fmaf128(x128, y128, z128); break;
    case RINT128: r128 = host_rint128(x128); break;
    case TO64: return (f128_t){.lo = f64_from_host((double)x128)};
    default: return (f128_t){.lo = f32_from_host((float)x128)};
    }
    return f128_from_host(r128);
}

static f128_t f128_guest(struct fp_env *env, enum operation128 op, f128_t a, f128_t b, f128_t c)
{
    switch (op) {
    case ADD128: return f128_add(env, a, b);
    case SUB128: return f128_sub(env, a, b);
    case MUL128: return f128_mul(env, a, b);
    case DIV128: return f128_div(env, a, b);
    case SQRT128: return f128_sqrt(env, a);
    case FMA128: return f128_fma(env, a, b, c, 0);
    case RINT128: return f128_round_int(env, a, (enum fp_round)env->round, true);
    case TO64: return (f128_t){.lo = f128_to_f64(env, a)};
    default: return (f128_t){.lo = f128_to_f32(env, a)};
    }
}

static bool f128_is_nan(f128_t a)
{
    return (a.hi << 1) + (a.lo != 0) > 0xfffe000000000000;
}

static bool is_same(enum operation128 op, f128_t actual, f128_t expected)
{
    bool both_nan = f128_is_nan(actual) && f128_is_nan(expected);
    if (op == TO64)
        both_nan = f64_is_nan(actual.lo) && f64_is_nan(expected.lo);
    if (op == TO32)
        both_nan = f32_is_nan((f32_t)actual.lo) && f32_is_nan((f32_t)expected.lo);
    return both_nan || (actual.hi == expected.hi && actual.lo == expected.lo);
}

static void f128_operations(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        enum operation128 op = (enum operation128)(i % OPERATIONS128);
        unsigned mode = (unsigned)(test_random() % FP_TEST_ROUNDS);
        f128_t a = fp_test_f128(), b = fp_test_f128(), c = fp_test_f128();
        if (op == FMA128 && f128_is_nan(c))
            continue; /* whether inf * 0 + NaN is invalid differs between hosts */
        struct fp_env env = fp_env_riscv;
        env.round = (uint8_t)fp_test_rounds[mode].guest;
        f128_t actual = f128_guest(&env, op, a, b, c);
        x128 = f128_to_host(a), y128 = f128_to_host(b), z128 = f128_to_host(c);
        fesetround(fp_test_rounds[mode].host);
        feclearexcept(FE_ALL_EXCEPT);
        f128_t expected = f128_host(op);
        unsigned flags = fp_test_host_flags();
        fesetround(FE_TONEAREST);
        test_context("f128 %s round %d of %016llx%016llx %016llx%016llx %016llx%016llx", names128[op],
                     env.round, (unsigned long long)a.hi, (unsigned long long)a.lo, (unsigned long long)b.hi,
                     (unsigned long long)b.lo, (unsigned long long)c.hi, (unsigned long long)c.lo);
        CHECK(is_same(op, actual, expected));
        CHECK_EQ(env.flags & FP_IEEE_FLAGS, flags);
    }
}

#else

static void f128_operations(void)
{
    SKIP("the host's C library has no 128-bit arithmetic");
}

#endif

static const struct test_case cases[] = {{"f80_operations", f80_operations},
                                         {"f128_operations", f128_operations}};
TEST_SUITE(fp_extended_test, "unit", cases);
