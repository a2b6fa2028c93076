/*
 * A floating-point number taken apart, the one form in which all formats are computed, and the one rounding
 * function that puts it back. Private to cpu/fp/.
 */
#pragma once

#include "cpu/fp/fp.h"

typedef unsigned __int128 u128;

enum fp_kind {
    FP_ZERO,
    FP_FINITE, /* finite and not zero */
    FP_INFINITE,
    FP_QNAN,
    FP_SNAN,
    FP_UNSUPPORTED, /* an f80 encoding without its integer bit: every operation on it is invalid */
};

struct fp_number {
    u128 sig;     /* FP_FINITE: value = sig / 2^127 * 2^exp, bit 127 is set. NaN: the fraction from bit 126 */
    int32_t exp;  /* FP_FINITE only */
    uint8_t kind; /* enum fp_kind */
    bool negative;     /* of every kind */
    bool is_denormal;  /* was encoded as a subnormal: for FP_DENORMAL */
    bool was_modified; /* a flushed subnormal: the encoding is no longer what the instruction was given */
};

struct fp_format {
    uint8_t precision;  /* bits of the significand, the integer bit included */
    uint8_t exp_bits;   /* width of the exponent field */
    bool integer_bit;   /* the integer bit is stored: f80 */
    bool alternative;   /* the top exponent is for numbers: ARM's alternative f16 */
    uint8_t flush_in;   /* the bits of fp_env.denormals that flush its operands */
    uint8_t flush_out;  /* and its results */
    bool flush_flagged; /* flushing an operand raises FP_INPUT_FLUSHED */
};

extern const struct fp_format fp_f16, fp_f16_converted, fp_f16_alternative, fp_bf16, fp_f32, fp_f64, fp_f80,
    fp_f128;

/* Encodings travel as the low bits of a u128. */
struct fp_number fp_unpack(struct fp_env *env, const struct fp_format *format, u128 bits);

/* Round n (whose sig may carry a sticky bit in bit 0) to the format, raise what that raises, and encode it.
 */
u128 fp_pack(struct fp_env *env, const struct fp_format *format, struct fp_number n, enum fp_round round);

/* The encoding of a number whose value the format has exactly, with no regard to modes and flags. */
u128 fp_encode_zero(const struct fp_format *format, bool negative);
u128 fp_encode_infinity(const struct fp_format *format, bool negative);

/* Should a magnitude with these discarded bits be increased? `half` is the weight of half a unit. */
bool fp_rounds_up(enum fp_round round, bool negative, bool is_odd, u128 discarded, u128 half);

/* The result of an operation at least one operand of which is a NaN or unsupported, by env's rule. In
 * fp_nan_of_three c is the addend of a fused multiply-add, and product_invalid says that a * b is 0 * inf. */
struct fp_number fp_nan_of_two(struct fp_env *env, struct fp_number a, struct fp_number b);
struct fp_number fp_nan_of_three(struct fp_env *env, struct fp_number a, struct fp_number b,
                                 struct fp_number c, bool product_invalid);

/* The default NaN after raising FP_INVALID. */
struct fp_number fp_invalid_result(struct fp_env *env);

/* The operations on numbers of kind FP_FINITE: exact but for a sticky bit. fp_add_finite and fp_fma_finite
 * may give FP_ZERO, signed as the rounding mode asks. */
struct fp_number fp_add_finite(struct fp_number a, struct fp_number b, enum fp_round round);
struct fp_number fp_mul_finite(struct fp_number a, struct fp_number b);
struct fp_number fp_fma_finite(struct fp_number a, struct fp_number b, struct fp_number c,
                               enum fp_round round);
struct fp_number fp_div_finite(struct fp_number a, struct fp_number b, unsigned precision);
struct fp_number fp_sqrt_finite(struct fp_number a, unsigned precision);

/* a - q * b with q = a / b to nearest, ties to even, or towards zero; *quotient is |q| modulo 2^64. */
struct fp_number fp_rem_finite(struct fp_number a, struct fp_number b, bool nearest, uint64_t *quotient);

/* An integer as a number: FP_ZERO or FP_FINITE. */
struct fp_number fp_number_from_u64(uint64_t v, bool negative);

static inline bool fp_is_nan(struct fp_number n)
{
    return n.kind >= FP_QNAN;
}

/* Raise FP_DENORMAL where the environment wants it. The caller has dealt with NaNs, which hide it. */
static inline void fp_denormal_raise(struct fp_env *env, bool is_denormal)
{
    if (is_denormal && (env->denormals & FP_DENORMAL_FLAGGED))
        env->flags |= FP_DENORMAL;
}

static inline unsigned u128_clz(u128 v)
{
    uint64_t hi = (uint64_t)(v >> 64);
    return hi ? (unsigned)__builtin_clzll(hi) : 64 + (unsigned)__builtin_clzll((uint64_t)v);
}

/* v >> n for any n, with the bits shifted out collected in bit 0. */
static inline u128 u128_shift_right_sticky(u128 v, unsigned n)
{
    if (n == 0)
        return v;
    if (n > 127)
        return v != 0;
    return v >> n | ((v << (128 - n)) != 0);
}

static inline int32_t fp_bias(const struct fp_format *format)
{
    return (1 << (format->exp_bits - 1)) - 1;
}
