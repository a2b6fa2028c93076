/*
 * Taking encodings apart, and rounding. Everything that one bit of the result depends on is decided here: the
 * formats, subnormals and their flushing, tininess, overflow, and which NaN survives.
 */
#include "cpu/fp/pack.h"

/* clang-format off */
const struct fp_format fp_f16  = {.precision = 11, .exp_bits = 5, .flush_in = FP_FLUSH_F16, .flush_out = FP_FLUSH_F16};
const struct fp_format fp_f16_converted   = {.precision = 11, .exp_bits = 5};
const struct fp_format fp_f16_alternative = {.precision = 11, .exp_bits = 5, .alternative = true};
const struct fp_format fp_bf16 = {.precision = 8, .exp_bits = 8, .flush_in = FP_FLUSH_INPUTS,
                                  .flush_out = FP_FLUSH_OUTPUTS, .flush_flagged = true};
const struct fp_format fp_f32  = {.precision = 24, .exp_bits = 8, .flush_in = FP_FLUSH_INPUTS,
                                  .flush_out = FP_FLUSH_OUTPUTS, .flush_flagged = true};
const struct fp_format fp_f64  = {.precision = 53, .exp_bits = 11, .flush_in = FP_FLUSH_INPUTS,
                                  .flush_out = FP_FLUSH_OUTPUTS, .flush_flagged = true};
const struct fp_format fp_f80  = {.precision = 64, .exp_bits = 15, .integer_bit = true};
const struct fp_format fp_f80_rounded_to_53 = {.precision = 53, .exp_bits = 15, .integer_bit = true};
const struct fp_format fp_f80_rounded_to_24 = {.precision = 24, .exp_bits = 15, .integer_bit = true};
const struct fp_format fp_f128 = {.precision = 113, .exp_bits = 15};

const struct fp_env fp_env_riscv = {.nan_rule = FP_NAN_DEFAULT, .invalid_int = FP_INT_SATURATE, .x87_precision = 64};
const struct fp_env fp_env_arm   = {.nan_rule = FP_NAN_ARM, .invalid_int = FP_INT_SATURATE_NAN0,
                                    .tiny_before_rounding = true, .x87_precision = 64};
const struct fp_env fp_env_sse   = {.nan_rule = FP_NAN_FIRST, .invalid_int = FP_INT_INDEFINITE,
                                    .denormals = FP_DENORMAL_FLAGGED, .default_nan_negative = true, .x87_precision = 64};
const struct fp_env fp_env_x87   = {.nan_rule = FP_NAN_X87, .invalid_int = FP_INT_INDEFINITE,
                                    .denormals = FP_DENORMAL_FLAGGED, .default_nan_negative = true, .x87_precision = 64};
/* clang-format on */

#define QUIET_BIT ((u128)1 << 126)

/*
 * The exponent of a result whose overflow or underflow is unmasked. Of an f80 it wraps (SDM vol. 1, 4.9.1.4);
 * other formats' results are not delivered, only whether they are inexact matters, and for that any exponent
 * will do.
 */
#define X87_WRAP 24576

static int32_t exponent_wrapped(const struct fp_format *format, int32_t exp, int32_t wrap)
{
    return format->integer_bit ? exp + wrap : 1;
}

u128 fp_encode_zero(const struct fp_format *format, bool negative)
{
    return fp_encode(format, negative, 0, 0);
}

u128 fp_encode_infinity(const struct fp_format *format, bool negative)
{
    return fp_encode(format, negative, fp_exp_max(format), format->integer_bit ? (u128)1 << 63 : 0);
}

static void subnormal_unpack(struct fp_env *env, const struct fp_format *format, struct fp_number *n)
{
    if (env->denormals & format->flush_in) {
        n->kind = FP_ZERO;
        n->was_modified = true;
        if (format->flush_flagged)
            env->flags |= FP_INPUT_FLUSHED;
        return;
    }
    unsigned zeros = u128_clz(n->sig);
    n->kind = FP_FINITE;
    n->sig <<= zeros;
    n->exp = 1 - fp_bias(format) - (int32_t)zeros;
    n->is_denormal = true;
}

struct fp_number fp_unpack_special(struct fp_env *env, const struct fp_format *format, u128 bits)
{
    unsigned stored = fp_stored_bits(format);
    int32_t exp_field = (int32_t)(bits >> stored) & fp_exp_max(format);
    struct fp_number n = {.negative = bits >> (stored + format->exp_bits) & 1};
    n.sig = bits << (128 - stored) >> (format->integer_bit ? 0 : 1);

    if (exp_field == 0) {
        if (n.sig)
            subnormal_unpack(env, format, &n);
        return n;
    }
    if (!format->integer_bit)
        n.sig |= FP_UNIT;
    if (!(n.sig & FP_UNIT)) {
        n.kind = FP_UNSUPPORTED;
    } else if (exp_field < fp_exp_max(format) || format->alternative) {
        n.kind = FP_FINITE;
        n.exp = exp_field - fp_bias(format);
    } else if (n.sig == FP_UNIT) {
        n.kind = FP_INFINITE;
    } else {
        n.sig &= ~FP_UNIT;
        n.kind = n.sig & QUIET_BIT ? FP_QNAN : FP_SNAN;
    }
    return n;
}

/* Is n, below the smallest normal number, still below it when rounded as if the exponent had no limit? */
static bool is_tiny_after_rounding(struct fp_number n, int32_t exp_min, unsigned drop, enum fp_round round)
{
    if (n.exp < exp_min - 1)
        return true;
    return fp_significand_round(n.sig, drop, n.negative, round).kept >> (128 - drop) == 0;
}

static u128 overflow_pack(struct fp_env *env, const struct fp_format *format, bool negative,
                          enum fp_round round, unsigned drop)
{
    u128 ones = ~(u128)0 >> drop;
    if (format->alternative) {
        /* FPRoundCV with AHP: the largest number, and nothing but Invalid Operation. */
        env->flags |= FP_INVALID;
        return fp_encode(format, negative, fp_exp_max(format), ones >> 1);
    }
    env->flags |= FP_OVERFLOW | FP_INEXACT;
    bool to_infinity = round == FP_RNE || round == FP_RMM || round == (negative ? FP_RDN : FP_RUP);
    if (to_infinity) {
        env->flags |= FP_ROUNDED_UP;
        return fp_encode_infinity(format, negative);
    }
    if (format->integer_bit)
        return fp_encode(format, negative, fp_exp_max(format) - 1, ones << (drop - 64));
    return fp_encode(format, negative, fp_exp_max(format) - 1, ones >> 1);
}

static u128 flushed_pack(struct fp_env *env, const struct fp_format *format, bool negative)
{
    /* ARM flushes before rounding and calls it an underflow only; x86 flushes a rounded result. */
    env->flags |= env->tiny_before_rounding ? FP_UNDERFLOW : FP_UNDERFLOW | FP_INEXACT;
    return fp_encode_zero(format, negative);
}

static u128 finite_pack(struct fp_env *env, const struct fp_format *format, struct fp_number n,
                        enum fp_round round)
{
    unsigned drop = 128 - format->precision;
    int32_t exp_min = 1 - fp_bias(format);
    bool is_tiny =
        n.exp < exp_min && (env->tiny_before_rounding || is_tiny_after_rounding(n, exp_min, drop, round));
    if (is_tiny && (env->denormals & format->flush_out))
        return flushed_pack(env, format, n.negative);
    if (is_tiny && (env->unmasked & FP_UNDERFLOW)) {
        env->flags |= FP_UNDERFLOW;
        n.exp = exponent_wrapped(format, n.exp, X87_WRAP);
    }

    /* The integer bit, and a carry out of rounding, add themselves to the exponent field. */
    int32_t exp_field = n.exp + fp_bias(format) - 1;
    if (n.exp < exp_min) {
        n.sig = u128_shift_right_sticky(n.sig, (unsigned)(exp_min - n.exp));
        exp_field = 0;
    }
    struct fp_rounded rounded = fp_significand_round(n.sig, drop, n.negative, round);
    int32_t exp_sum = exp_field + (int32_t)(rounded.kept >> (127 - drop));
    int32_t exp_limit = fp_exp_max(format) + format->alternative;
    if (exp_sum >= exp_limit) {
        int32_t wrapped = exponent_wrapped(format, exp_sum, -X87_WRAP);
        bool wraps = (env->unmasked & FP_OVERFLOW) && wrapped < exp_limit;
        if (!wraps)
            return overflow_pack(env, format, n.negative, round, drop);
        env->flags |= FP_OVERFLOW;
        exp_sum = wrapped;
    }
    if (rounded.is_inexact)
        env->flags |= is_tiny ? FP_INEXACT | FP_UNDERFLOW : FP_INEXACT;
    if (rounded.is_increased)
        env->flags |= FP_ROUNDED_UP;
    return fp_encode_rounded(format, n.negative, exp_sum, rounded.kept, drop);
}

static u128 nan_pack(struct fp_env *env, const struct fp_format *format, struct fp_number n)
{
    if (format->alternative) {
        env->flags |= FP_INVALID;
        return fp_encode_zero(format, n.negative);
    }
    u128 sig = n.sig | QUIET_BIT | (format->integer_bit ? FP_UNIT : 0);
    return fp_encode(format, n.negative, fp_exp_max(format),
                     sig >> (format->integer_bit ? 64 : 128 - format->precision));
}

u128 fp_pack_special(struct fp_env *env, const struct fp_format *format, struct fp_number n,
                     enum fp_round round)
{
    switch (n.kind) {
    case FP_FINITE: return finite_pack(env, format, n, round);
    case FP_ZERO: return fp_encode_zero(format, n.negative);
    case FP_INFINITE:
        if (format->alternative)
            return overflow_pack(env, format, n.negative, round, 128 - format->precision);
        return fp_encode_infinity(format, n.negative);
    default: return nan_pack(env, format, n);
    }
}

struct fp_number fp_unpack(struct fp_env *env, const struct fp_format *format, u128 bits)
{
    return fp_unpack_inline(env, format, bits);
}

u128 fp_pack(struct fp_env *env, const struct fp_format *format, struct fp_number n, enum fp_round round)
{
    return fp_pack_inline(env, format, n, round);
}
