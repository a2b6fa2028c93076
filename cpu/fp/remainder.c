/* Remainders: exact, so no rounding mode takes part but that of the quotient. */
#include "cpu/fp/finite.h"
#include "cpu/fp/operations.h"

/* Long division of the significands, keeping the rest: |a| mod |b| with a quotient of exp_diff + 1 bits. */
static u128 significand_mod(u128 a, u128 b, int32_t exp_diff, uint64_t *quotient)
{
    uint64_t q = 0;
    bool carry = false;
    for (int32_t i = exp_diff; i >= 0; i--) {
        bool fits = carry || a >= b;
        if (fits)
            a -= b;
        q = q << 1 | fits;
        if (i > 0) {
            carry = a >> 127;
            a <<= 1;
        }
    }
    *quotient = q;
    return a;
}

/* Normalise a rest whose bit 127 weighs 2^exp. */
static struct fp_number rest_number(u128 rest, int32_t exp, bool negative)
{
    if (rest == 0)
        return (struct fp_number){.kind = FP_ZERO, .negative = negative};
    unsigned zeros = u128_clz(rest);
    return (struct fp_number){
        .kind = FP_FINITE, .negative = negative, .sig = rest << zeros, .exp = exp - (int32_t)zeros};
}

struct fp_number fp_rem_finite(struct fp_number a, struct fp_number b, bool nearest, uint64_t *quotient)
{
    int32_t exp_diff = a.exp - b.exp;
    *quotient = 0;
    if (exp_diff < -1 || (exp_diff < 0 && !nearest))
        return a;
    if (exp_diff < 0) {
        /* a is less than b, and more than a quarter of it: the nearest quotient is 0 or 1. Half of b is the
         * tie, and goes to 0. */
        if (a.sig <= b.sig)
            return a;
        *quotient = 1;
        u128 rest = (b.sig << 1) - a.sig; /* |b| - |a| in a's scale; below |a|, so that it fits */
        return rest_number(rest, a.exp, !a.negative);
    }
    u128 rest = significand_mod(a.sig, b.sig, exp_diff, quotient);
    bool negative = a.negative;
    u128 complement = b.sig - rest;
    if (nearest && (rest > complement || (rest == complement && (*quotient & 1)))) {
        rest = complement;
        negative = !negative;
        ++*quotient;
    }
    return rest_number(rest, b.exp, negative);
}

u128 fp_rem(struct fp_env *env, const struct fp_format *format, u128 a, u128 b)
{
    struct fp_number x = fp_unpack(env, format, a), y = fp_unpack(env, format, b), r = x;
    uint64_t quotient;
    if (fp_is_nan(x) || fp_is_nan(y)) {
        r = fp_nan_of_two(env, x, y);
    } else if (x.kind == FP_INFINITE || y.kind == FP_ZERO) {
        r = fp_invalid_result(env);
    } else {
        fp_denormal_raise(env, x.is_denormal || y.is_denormal);
        if (x.kind == FP_FINITE && y.kind == FP_FINITE)
            r = fp_rem_finite(x, y, true, &quotient);
    }
    return fp_pack(env, format, r, fp_env_round(env));
}
