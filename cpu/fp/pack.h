/*
 * Taking numbers apart and rounding them, for the few functions whose speed matters: with this in line a
 * number stays in registers. Private to cpu/fp/.
 */
#pragma once

#include "cpu/fp/number.h"

#define FP_INLINE static inline __attribute__((always_inline))

FP_INLINE struct fp_number fp_unpack_inline(struct fp_env *env, const struct fp_format *format, u128 bits)
{
    unsigned stored = fp_stored_bits(format);
    int32_t exp_field = (int32_t)(bits >> stored) & fp_exp_max(format);
    u128 sig = format->integer_bit ? bits << 64 : bits << (128 - stored) >> 1 | FP_UNIT;
    if (unlikely(exp_field == 0 || exp_field == fp_exp_max(format) || !(sig >> 127)))
        return fp_unpack_special(env, format, bits);
    return (struct fp_number){.sig = sig,
                              .exp = exp_field - fp_bias(format),
                              .kind = FP_FINITE,
                              .negative = bits >> (stored + format->exp_bits) & 1};
}

/* Should a magnitude with these discarded bits be increased? `half` is the weight of half a unit. */
static inline bool fp_rounds_up(enum fp_round round, bool negative, bool is_odd, u128 discarded, u128 half)
{
    switch (round) {
    case FP_RNE: return discarded > half || (discarded == half && is_odd);
    case FP_RMM: return discarded >= half;
    case FP_RDN: return negative && discarded;
    case FP_RUP: return !negative && discarded;
    case FP_RTZ:
    case FP_ODD: return false;
    }
    return false;
}

/* A significand without its low bits: kept may be one bit longer than before when it was increased. */
struct fp_rounded {
    u128 kept;
    bool is_inexact;
    bool is_increased;
};

static inline struct fp_rounded fp_significand_round(u128 sig, unsigned drop, bool negative,
                                                     enum fp_round round)
{
    u128 discarded = sig & (((u128)1 << drop) - 1), kept = sig >> drop;
    bool up = fp_rounds_up(round, negative, kept & 1, discarded, (u128)1 << (drop - 1));
    bool to_odd = round == FP_ODD && discarded;
    return (struct fp_rounded){
        .kept = to_odd ? kept | 1 : kept + up, .is_inexact = discarded != 0, .is_increased = up};
}

/* The encoding of a rounded significand below which `drop` bits were; a carry is in exp_field already. */
static inline u128 fp_encode_rounded(const struct fp_format *format, bool negative, int32_t exp_field,
                                     u128 kept, unsigned drop)
{
    if (!format->integer_bit)
        return fp_encode(format, negative, exp_field, kept & (((u128)1 << (127 - drop)) - 1));
    bool has_carry = kept >> (128 - drop);
    return fp_encode(format, negative, exp_field, kept >> has_carry << (drop - 64));
}

FP_INLINE u128 fp_pack_inline(struct fp_env *env, const struct fp_format *format, struct fp_number n,
                              enum fp_round round)
{
    int32_t exp_field = n.exp + fp_bias(format);
    bool is_normal = n.kind == FP_FINITE && exp_field > 0 && exp_field < fp_exp_max(format) - 1;
    if (unlikely(!is_normal)) {
        /* A copy of its own: n itself need not be in memory then. */
        struct fp_number special = {.sig = n.sig, .exp = n.exp, .kind = n.kind, .negative = n.negative};
        return fp_pack_special(env, format, special, round);
    }
    unsigned drop = 128 - format->precision;
    struct fp_rounded rounded = fp_significand_round(n.sig, drop, n.negative, round);
    env->flags |= (rounded.is_inexact ? FP_INEXACT : 0) | (rounded.is_increased ? FP_ROUNDED_UP : 0);
    exp_field += (int32_t)(rounded.kept >> (128 - drop));
    return fp_encode_rounded(format, n.negative, exp_field, rounded.kept, drop);
}
