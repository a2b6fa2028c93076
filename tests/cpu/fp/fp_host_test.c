/*
 * The portable arithmetic against an independent oracle: the host's FPU with its own rounding modes and
 * flags. NaN payloads differ between hosts, so NaNs are compared as NaNs here; fp_nan_test has the payloads.
 */
#include <fenv.h>
#include <math.h>
#include <string.h>

#include "cpu/fp/fast.h"
#include "tests/cpu/fp/fp_support.h"
#include "tests/harness/test.h"

#define ROUNDS 200000

/* The compiler knows nothing of fenv: operands and results go through memory it can't see into. */
static volatile float f32_x, f32_y, f32_z, f32_r;
static volatile double f64_x, f64_y, f64_z, f64_r;

/* And it expands no function in line, which it would do for rounding to nearest only. */
static double (*volatile f64_rint)(double) = rint;
static float (*volatile f32_rint)(float) = rintf;

static bool host_is_tiny_before_rounding(void)
{
    /* The smallest normal number times 1 - 2^-104: rounds up to it even with 53 bits. */
    f64_x = 0x1.ffffffffffffep-1;
    f64_y = 0x1.0000000000001p-1022;
    feclearexcept(FE_ALL_EXCEPT);
    f64_r = f64_x * f64_y;
    return (fp_test_host_flags() & FP_UNDERFLOW) != 0;
}

enum operation { ADD, SUB, MUL, DIV, SQRT, FMA, REM, RINT, NARROW, WIDEN, OPERATIONS };
static const char *const names[] = {"add", "sub", "mul",  "div",    "sqrt",
                                    "fma", "rem", "rint", "narrow", "widen"};

/* IEEE 754 5.3.1: a remainder that is zero has the sign of x. The library does not always see to that. */
static double host_remainder(double x, double y)
{
    double r = remainder(x, y);
    return r == 0 ? copysign(0, x) : r;
}

static void f64_host(enum operation op)
{
    switch (op) {
    case ADD: f64_r = f64_x + f64_y; break;
    case SUB: f64_r = f64_x - f64_y; break;
    case MUL: f64_r = f64_x * f64_y; break;
    case DIV: f64_r = f64_x / f64_y; break;
    case SQRT: f64_r = sqrt(f64_x); break;
    case FMA: f64_r = fma(f64_x, f64_y, f64_z); break;
    case REM: f64_r = host_remainder(f64_x, f64_y); break;
    case RINT: f64_r = f64_rint(f64_x); break;
    case NARROW: f32_r = (float)f64_x; break;
    default: break;
    }
}

static f64_t f64_guest(struct fp_env *env, enum operation op, f64_t a, f64_t b, f64_t c)
{
    switch (op) {
    case ADD: return f64_add_soft(env, a, b);
    case SUB: return f64_sub_soft(env, a, b);
    case MUL: return f64_mul_soft(env, a, b);
    case DIV: return f64_div_soft(env, a, b);
    case SQRT: return f64_sqrt_soft(env, a);
    case FMA: return f64_fma_soft(env, a, b, c, 0);
    case REM: return f64_rem(env, a, b);
    case RINT: return f64_round_int_soft(env, a, (enum fp_round)env->round, true);
    default: return f64_to_f32_soft(env, a);
    }
}

static void f32_host(enum operation op)
{
    switch (op) {
    case ADD: f32_r = f32_x + f32_y; break;
    case SUB: f32_r = f32_x - f32_y; break;
    case MUL: f32_r = f32_x * f32_y; break;
    case DIV: f32_r = f32_x / f32_y; break;
    case SQRT: f32_r = sqrtf(f32_x); break;
    case FMA: f32_r = fmaf(f32_x, f32_y, f32_z); break;
    case REM: f32_r = (float)host_remainder(f32_x, f32_y); break;
    case RINT: f32_r = f32_rint(f32_x); break;
    case WIDEN: f64_r = (double)f32_x; break;
    default: break;
    }
}

static f64_t f32_guest(struct fp_env *env, enum operation op, f32_t a, f32_t b, f32_t c)
{
    switch (op) {
    case ADD: return f32_add_soft(env, a, b);
    case SUB: return f32_sub_soft(env, a, b);
    case MUL: return f32_mul_soft(env, a, b);
    case DIV: return f32_div_soft(env, a, b);
    case SQRT: return f32_sqrt_soft(env, a);
    case FMA: return f32_fma_soft(env, a, b, c, 0);
    case REM: return f32_rem(env, a, b);
    case RINT: return f32_round_int_soft(env, a, (enum fp_round)env->round, true);
    default: return f32_to_f64_soft(env, a);
    }
}

/* A NaN addend hides whether the product was invalid, in ways that differ between hosts. */
static bool is_host_unsure(enum operation op, bool c_is_nan)
{
    return op == FMA && c_is_nan;
}

static void check(unsigned guest_flags, unsigned flags, f64_t actual, f64_t expected, bool both_nan)
{
    if (!both_nan)
        CHECK_EQ(actual, expected);
    CHECK_EQ(guest_flags & FP_IEEE_FLAGS, flags);
}

static void f64_operations(void)
{
    bool tiny_before = host_is_tiny_before_rounding();
    for (unsigned i = 0; i < ROUNDS; i++) {
        enum operation op = (enum operation)(i % WIDEN);
        unsigned mode = (unsigned)(test_random() % FP_TEST_ROUNDS);
        f64_t a = fp_test_f64(), b = fp_test_f64(), c = fp_test_f64();
        if (is_host_unsure(op, f64_is_nan(c)))
            continue;
        f64_x = f64_to_host(a), f64_y = f64_to_host(b), f64_z = f64_to_host(c);
        fesetround(fp_test_rounds[mode].host);
        feclearexcept(FE_ALL_EXCEPT);
        f64_host(op);
        unsigned flags = fp_test_host_flags();
        fesetround(FE_TONEAREST);
        struct fp_env env = fp_env_riscv;
        env.round = (uint8_t)fp_test_rounds[mode].guest;
        env.tiny_before_rounding = tiny_before;
        f64_t actual = f64_guest(&env, op, a, b, c);
        test_context("f64 %s round %d of %#llx %#llx %#llx", names[op], env.round, (unsigned long long)a,
                     (unsigned long long)b, (unsigned long long)c);
        if (op == NARROW)
            check(env.flags, flags, actual, f32_from_host(f32_r), isnan(f32_r) && f32_is_nan((f32_t)actual));
        else
            check(env.flags, flags, actual, f64_from_host(f64_r), isnan(f64_r) && f64_is_nan(actual));
    }
}

static void f32_operations(void)
{
    bool tiny_before = host_is_tiny_before_rounding();
    for (unsigned i = 0; i < ROUNDS; i++) {
        enum operation op = (enum operation)(i % OPERATIONS);
        unsigned mode = (unsigned)(test_random() % FP_TEST_ROUNDS);
        f32_t a = fp_test_f32(), b = fp_test_f32(), c = fp_test_f32();
        if (op == NARROW || is_host_unsure(op, f32_is_nan(c)))
            continue;
        f32_x = f32_to_host(a), f32_y = f32_to_host(b), f32_z = f32_to_host(c);
        fesetround(fp_test_rounds[mode].host);
        feclearexcept(FE_ALL_EXCEPT);
        f32_host(op);
        unsigned flags = fp_test_host_flags();
        fesetround(FE_TONEAREST);
        struct fp_env env = fp_env_riscv;
        env.round = (uint8_t)fp_test_rounds[mode].guest;
        env.tiny_before_rounding = tiny_before;
        f64_t actual = f32_guest(&env, op, a, b, c);
        test_context("f32 %s round %d of %#x %#x %#x", names[op], env.round, a, b, c);
        if (op == WIDEN)
            check(env.flags, flags, actual, f64_from_host(f64_r), isnan(f64_r) && f64_is_nan(actual));
        else
            check(env.flags, flags, actual, f32_from_host(f32_r), isnan(f32_r) && f32_is_nan((f32_t)actual));
    }
}

static const struct test_case cases[] = {{"f64_operations", f64_operations},
                                         {"f32_operations", f32_operations}};
TEST_SUITE(fp_host_test, "unit", cases);
