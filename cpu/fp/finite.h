/*
 * Arithmetic on finite numbers that are not zero, exact but for a sticky bit at the bottom. Private to
 * cpu/fp/.
 */
#pragma once

#include "cpu/fp/number.h"

/* a + b where `low` continues a's significand: an exact sum in 256 bits, which only f128 needs. */
struct fp_number fp_wide_add(struct fp_number a, u128 low, struct fp_number b, enum fp_round round);

/* `precision` is the format's, or more. */
struct fp_number fp_div_finite(struct fp_number a, struct fp_number b, unsigned precision);
struct fp_number fp_sqrt_finite(struct fp_number a, unsigned precision);

/* a - q * b with q = a / b to nearest, ties to even, or towards zero; *quotient is |q| modulo 2^64. */
struct fp_number fp_rem_finite(struct fp_number a, struct fp_number b, bool nearest, uint64_t *quotient);

/* An integer as a number: FP_ZERO or FP_FINITE. */
struct fp_number fp_number_from_u64(uint64_t v, bool negative);

/* The 256-bit product, high part returned. */
static inline u128 u128_mul(u128 a, u128 b, u128 *low)
{
    uint64_t ah = (uint64_t)(a >> 64), al = (uint64_t)a, bh = (uint64_t)(b >> 64), bl = (uint64_t)b;
    u128 high = (u128)ah * bh;
    if ((al | bl) == 0) {
        *low = 0;
        return high;
    }
    u128 cross1 = (u128)ah * bl, cross2 = (u128)al * bh, bottom = (u128)al * bl;
    u128 middle = (bottom >> 64) + (uint64_t)cross1 + (uint64_t)cross2;
    *low = middle << 64 | (uint64_t)bottom;
    return high + (cross1 >> 64) + (cross2 >> 64) + (middle >> 64);
}

/* a * b, all of it: *low is what comes below the result's sig. */
static inline struct fp_number fp_mul_exact(struct fp_number a, struct fp_number b, u128 *low)
{
    u128 high = u128_mul(a.sig, b.sig, low);
    unsigned shift = high >> 127 ? 0 : 1;
    if (shift) {
        high = high << 1 | *low >> 127;
        *low <<= 1;
    }
    return (struct fp_number){.sig = high,
                              .exp = a.exp + b.exp + 1 - (int32_t)shift,
                              .kind = FP_FINITE,
                              .negative = a.negative != b.negative};
}

static inline struct fp_number fp_mul_finite(struct fp_number a, struct fp_number b)
{
    u128 low;
    struct fp_number product = fp_mul_exact(a, b, &low);
    product.sig |= low != 0;
    return product;
}

/* A number of any significand, or the zero that an exact difference gives. */
static inline struct fp_number fp_normalise(u128 sig, int32_t exp, bool negative, enum fp_round round)
{
    bool is_zero = sig == 0;
    unsigned zeros = is_zero ? 0 : u128_clz(sig);
    return (struct fp_number){.sig = sig << zeros,
                              .exp = exp - (int32_t)zeros,
                              .kind = is_zero ? FP_ZERO : FP_FINITE,
                              .negative = is_zero ? round == FP_RDN : negative};
}

/*
 * May give FP_ZERO, signed as the rounding mode asks.
 *
 * A sticky bit disturbs no difference: operands of up to 126 bits lose bits only when their exponents are two
 * or more apart, and then the result is at most one bit shorter than the larger operand.
 */
static inline struct fp_number fp_add_finite(struct fp_number a, struct fp_number b, enum fp_round round)
{
    bool b_is_larger = a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig);
    u128 larger = b_is_larger ? b.sig : a.sig, smaller = b_is_larger ? a.sig : b.sig;
    int32_t exp = b_is_larger ? b.exp : a.exp, distance = b_is_larger ? b.exp - a.exp : a.exp - b.exp;
    smaller = u128_shift_right_sticky(smaller, (unsigned)distance);
    u128 sum;
    if (a.negative == b.negative) {
        sum = larger + smaller;
        bool carry = sum < larger;
        if (carry)
            sum = u128_shift_right_sticky(sum, 1) | FP_UNIT;
        exp += carry;
    } else {
        sum = larger - smaller;
    }
    return fp_normalise(sum, exp, b_is_larger ? b.negative : a.negative, round);
}

/* a * b + c, rounded by the caller only; may give FP_ZERO like a sum. */
static inline struct fp_number fp_fma_finite(struct fp_number a, struct fp_number b, struct fp_number c,
                                             enum fp_round round)
{
    u128 low;
    struct fp_number product = fp_mul_exact(a, b, &low);
    bool is_short = ((uint64_t)a.sig | (uint64_t)b.sig) == 0 && (product.sig & 3) == 0;
    return is_short ? fp_add_finite(product, c, round) : fp_wide_add(product, low, c, round);
}
