/* Quotient, root and fused product of finite numbers: each exact but for a sticky bit at the bottom. */
#include "cpu/fp/finite.h"

static void swap(struct fp_number *a, struct fp_number *b)
{
    struct fp_number t = *a;
    *a = *b;
    *b = t;
}

/* hi:lo >> n, with the bits shifted out collected in bit 0. */
static void wide_shift_right_sticky(u128 *hi, u128 *lo, unsigned n)
{
    if (n >= 128) {
        *lo = u128_shift_right_sticky(*hi, n - 128) | (*lo != 0);
        *hi = 0;
    } else if (n > 0) {
        *lo = u128_shift_right_sticky(*lo, n) | *hi << (128 - n);
        *hi >>= n;
    }
}

struct fp_number fp_wide_add(struct fp_number a, u128 low, struct fp_number b, enum fp_round round)
{
    u128 b_low = 0;
    bool a_is_smaller = a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig);
    if (a_is_smaller) {
        swap(&a, &b);
        b_low = low;
        low = 0;
    }
    wide_shift_right_sticky(&b.sig, &b_low, (unsigned)(a.exp - b.exp));
    if (a.negative == b.negative) {
        low += b_low;
        u128 high = a.sig + b.sig + (low < b_low);
        if (high < a.sig) {
            low = low >> 1 | high << 127 | (low & 1);
            high = high >> 1 | FP_UNIT;
            a.exp++;
        }
        a.sig = high | (low != 0);
        return a;
    }
    bool borrow = low < b_low;
    low -= b_low;
    a.sig -= b.sig + borrow;
    if (a.sig == 0) {
        a.sig = low;
        low = 0;
        a.exp -= 128;
    }
    if (a.sig == 0)
        return fp_normalise(0, 0, false, round);
    unsigned zeros = u128_clz(a.sig);
    if (zeros) {
        a.sig = a.sig << zeros | low >> (128 - zeros);
        low <<= zeros;
        a.exp -= (int32_t)zeros;
    }
    a.sig |= low != 0;
    return a;
}

/* (carry:a) / b, which is in [1, 2), one bit a step; the quotient's bit 127 is the integer bit. */
static u128 long_divide(bool carry, u128 a, u128 b)
{
    u128 quotient = 0;
    for (unsigned i = 0; i < 128; i++) {
        bool fits = carry || a >= b;
        if (fits)
            a -= b;
        quotient = quotient << 1 | fits;
        carry = a >> 127;
        a <<= 1;
    }
    return quotient | (carry || a != 0);
}

/* The same when both are 64 bits, which is all formats but f128: 64 bits of quotient, one more, and a sticky
 * bit. */
static u128 short_divide(u128 dividend, uint64_t b)
{
    u128 quotient = dividend / b;
    u128 twice = (dividend - quotient * b) << 1;
    bool guard = twice >= b;
    bool sticky = twice != 0 && twice != b;
    return quotient << 64 | (u128)guard << 63 | sticky;
}

struct fp_number fp_div_finite(struct fp_number a, struct fp_number b, unsigned precision)
{
    bool below = a.sig < b.sig;
    a.negative ^= b.negative;
    a.exp -= b.exp + below;
    if (precision > 64)
        a.sig = long_divide(below, a.sig << below, b.sig);
    else
        a.sig = short_divide(a.sig >> (below ? 0 : 1), (uint64_t)(b.sig >> 64));
    return a;
}

/* Digit by digit, two bits of the radicand for one of the root. The remainder is at most twice the root, so
 * everything fits for the 115 bits that f128 needs. */
struct fp_number fp_sqrt_finite(struct fp_number a, unsigned precision)
{
    bool odd = a.exp & 1;
    u128 radicand = odd ? a.sig : a.sig >> 1;
    u128 root = 0, rest = 0;
    unsigned digits = precision + 2;
    for (unsigned i = 0; i < digits; i++) {
        rest = rest << 2 | radicand >> 126;
        radicand <<= 2;
        u128 trial = root << 2 | 1;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    a.exp = (a.exp - odd) / 2;
    a.sig = root << (128 - digits) | (rest != 0 || radicand != 0);
    return a;
}

struct fp_number fp_number_from_u64(uint64_t v, bool negative)
{
    struct fp_number n = {.kind = FP_ZERO, .negative = negative};
    if (v == 0)
        return n;
    unsigned zeros = (unsigned)__builtin_clzll(v);
    n.kind = FP_FINITE;
    n.sig = (u128)(v << zeros) << 64;
    n.exp = 63 - (int32_t)zeros;
    return n;
}
