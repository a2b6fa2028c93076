/*
 * A floating-point number taken apart, the one form in which all formats are computed, and the one rounding
 * function that puts it back. Private to cpu/fp/.
 */
#pragma once

#include "cpu/fp/fp.h"

typedef unsigned __int128 u128;

#define FP_UNIT         ((u128)1 << 127) /* fp_number.sig's integer bit */
#define U128(high, low) ((u128)(high) << 64 | (low))

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
    uint8_t precision;  /* bits that results are rounded to, the integer bit included */
    uint8_t exp_bits;   /* width of the exponent field */
    bool integer_bit;   /* the integer bit is stored: f80 */
    bool alternative;   /* the top exponent is for numbers: ARM's alternative f16 */
    uint8_t flush_in;   /* the bits of fp_env.denormals that flush its operands */
    uint8_t flush_out;  /* and its results */
    bool flush_flagged; /* flushing an operand raises FP_INPUT_FLUSHED */
};

extern const struct fp_format fp_f16, fp_f16_converted, fp_f16_alternative, fp_bf16, fp_f32, fp_f64, fp_f80,
    fp_f80_rounded_to_53, fp_f80_rounded_to_24, fp_f128;

/* Take an encoding apart. Encodings travel as the low bits of a u128. */
struct fp_number fp_unpack(struct fp_env *env, const struct fp_format *format, u128 bits);

/* Round n (whose sig may carry a sticky bit in bit 0) to the format, raise what that raises, and encode it.
 */
u128 fp_pack(struct fp_env *env, const struct fp_format *format, struct fp_number n, enum fp_round round);

/* What the two do with all but normal numbers; those are in line, in cpu/fp/pack.h. */
struct fp_number fp_unpack_special(struct fp_env *env, const struct fp_format *format, u128 bits);
u128 fp_pack_special(struct fp_env *env, const struct fp_format *format, struct fp_number n,
                     enum fp_round round);

/* Encodings that need no rounding. */
u128 fp_encode_zero(const struct fp_format *format, bool negative);
u128 fp_encode_infinity(const struct fp_format *format, bool negative);

/* The result of an operation at least one operand of which is a NaN or unsupported, by env's rule. In
 * fp_nan_of_three c is the addend of a fused multiply-add, and product_invalid says that a * b is 0 * inf. */
struct fp_number fp_nan_of_two(struct fp_env *env, struct fp_number a, struct fp_number b);
struct fp_number fp_nan_of_three(struct fp_env *env, struct fp_number a, struct fp_number b,
                                 struct fp_number c, bool product_invalid);

/* The default NaN after raising FP_INVALID. */
struct fp_number fp_invalid_result(struct fp_env *env);

/* f80 registers, at their full precision. */
struct fp_number f80_unpack(struct fp_env *env, f80_t a);
f80_t f80_pack(struct fp_env *env, struct fp_number n);

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

static inline int32_t fp_exp_max(const struct fp_format *format)
{
    return (1 << format->exp_bits) - 1;
}

/* Bits below the exponent field. */
static inline unsigned fp_stored_bits(const struct fp_format *format)
{
    return format->integer_bit ? 64 : format->precision - 1u;
}

static inline u128 fp_encode(const struct fp_format *format, bool negative, int32_t exp_field, u128 below)
{
    uint64_t top = (uint64_t)negative << format->exp_bits | (uint64_t)exp_field;
    return (u128)top << fp_stored_bits(format) | below;
}
