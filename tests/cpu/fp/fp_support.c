#include "tests/cpu/fp/fp_support.h"

#include <fenv.h>
#include <string.h>

#include "tests/harness/test.h"

typedef unsigned __int128 u128;

static u128 random128(void)
{
    u128 high = test_random();
    return high << 64 | test_random();
}

/* A fraction of `bits` bits: random, or few ones at the top, or at the bottom, or almost all ones. */
static u128 random_fraction(unsigned bits)
{
    u128 mask = ((u128)1 << bits) - 1;
    u128 v = random128() & mask;
    unsigned n = (unsigned)(test_random() % bits);
    switch (test_random() % 8) {
    case 0: return 0;
    case 1: return (u128)1 << n;
    case 2: return mask ^ (u128)1 << n;
    case 3: return v & (mask << n);
    case 4: return v >> n;
    case 5: return mask << n & mask;
    case 6: return mask >> n;
    default: return v;
    }
}

/* Exponents: anything, the ends of the range, near one, and near the last one given, so that sums cancel. */
static unsigned random_exponent(unsigned bits)
{
    static unsigned last;
    unsigned max = (1u << bits) - 1, bias = max / 2;
    unsigned r = (unsigned)test_random();
    unsigned near = r >> 8 & 7;
    switch (r % 8) {
    case 0: return near < 2 ? 0 : near;
    case 1: return near < 2 ? max : max - near;
    case 2:
    case 3: return bias - 4 + near;
    case 4:
    case 5: return (last - 4 + near) & max;
    case 6: return (bias - 60 + (r >> 8) % 120) & max;
    default: return last = r >> 8 & max;
    }
}

static u128 random_encoding(unsigned fraction_bits, unsigned exponent_bits)
{
    u128 top = (test_random() & 1) << exponent_bits | random_exponent(exponent_bits);
    return top << fraction_bits | random_fraction(fraction_bits);
}

f16_t fp_test_f16(void)
{
    return (f16_t)random_encoding(10, 5);
}

f32_t fp_test_f32(void)
{
    return (f32_t)random_encoding(23, 8);
}

f64_t fp_test_f64(void)
{
    return (f64_t)random_encoding(52, 11);
}

f80_t fp_test_f80(void)
{
    u128 bits = random_encoding(63, 15);
    f80_t a = {.mant = (uint64_t)bits & ~((uint64_t)1 << 63), .se = (uint16_t)(bits >> 63)};
    if (a.se & 0x7fff)
        a.mant |= (uint64_t)1 << 63;
    return a;
}

f128_t fp_test_f128(void)
{
    u128 bits = random_encoding(112, 15);
    return (f128_t){.lo = (uint64_t)bits, .hi = (uint64_t)(bits >> 64)};
}

uint64_t fp_test_int(void)
{
    unsigned shift = (unsigned)(test_random() % 64);
    uint64_t v = test_random();
    switch (test_random() % 4) {
    case 0: v = (uint64_t)1 << shift; break;
    case 1: v = ((uint64_t)1 << shift) - 1; break;
    case 2: v = ((uint64_t)1 << shift) + 1; break;
    default: v >>= shift; break;
    }
    return test_random() & 1 ? -v : v;
}

const struct fp_test_round fp_test_rounds[FP_TEST_ROUNDS] = {
    {FP_RNE, FE_TONEAREST}, {FP_RTZ, FE_TOWARDZERO}, {FP_RDN, FE_DOWNWARD}, {FP_RUP, FE_UPWARD}};

unsigned fp_test_host_flags(void)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);
    return (raised & FE_INEXACT ? FP_INEXACT : 0) | (raised & FE_UNDERFLOW ? FP_UNDERFLOW : 0) |
           (raised & FE_OVERFLOW ? FP_OVERFLOW : 0) | (raised & FE_DIVBYZERO ? FP_DIVBYZERO : 0) |
           (raised & FE_INVALID ? FP_INVALID : 0);
}

#if LDBL_MANT_DIG == 64

long double fp_test_f80_to_host(f80_t a)
{
    long double d = 0;
    memcpy(&d, &a.mant, 8);
    memcpy((char *)&d + 8, &a.se, 2);
    return d;
}

f80_t fp_test_f80_from_host(long double d)
{
    f80_t a;
    memcpy(&a.mant, &d, 8);
    memcpy(&a.se, (char *)&d + 8, 2);
    return a;
}

#endif
