/*
 * Exact IEEE 754 arithmetic on bit patterns, for every guest on every host. What differs between the guests
 * (NaN rules, subnormal modes, tininess, x87's precision) is data in struct fp_env; nothing here can fail.
 *
 * Functions named f32_x_soft and f64_x_soft are the portable implementation, which is the truth;
 * cpu/fp/fast.h has the same names without _soft, which use the host's FPU where the result is provably the
 * same. Cores call those. The other formats have no fast path, and their functions no suffix.
 */
#pragma once

#include "base/types.h"

typedef uint16_t f16_t;
typedef uint16_t bf16_t;
typedef uint32_t f32_t;
typedef uint64_t f64_t;

/* x87 double extended: mant has the explicit integer bit, se the sign and the exponent. */
typedef struct {
    uint64_t mant;
    uint16_t se;
} f80_t;

typedef struct {
    uint64_t lo, hi;
} f128_t;

enum fp_round {
    FP_RNE, /* to nearest, ties to even */
    FP_RTZ, /* towards zero */
    FP_RDN, /* down */
    FP_RUP, /* up */
    FP_RMM, /* to nearest, ties away from zero */
    FP_ODD, /* inexact results get an odd significand (ARM FCVTXN); never overflows to infinity */
};

/* fp_env.flags. The first five are at RISC-V's places in fflags. */
enum {
    FP_INEXACT = 0x01,
    FP_UNDERFLOW = 0x02,
    FP_OVERFLOW = 0x04,
    FP_DIVBYZERO = 0x08,
    FP_INVALID = 0x10,
    FP_IEEE_FLAGS = 0x1f,
    FP_DENORMAL = 0x20, /* an operand was subnormal and was used so: x86 DE (needs FP_DENORMAL_FLAGGED) */
    FP_INPUT_FLUSHED = 0x40, /* a subnormal operand was taken as zero: ARM IDC */
    FP_ROUNDED_UP = 0x80,    /* rounding increased the magnitude: x87 C1 (the core clears it before).
                                Only for f80: f32 and f64 leave it unspecified */
};

/* fp_env.denormals: 0 is plain IEEE 754 as on RISC-V, and the fastest. */
enum {
    FP_FLUSH_INPUTS = 0x01,     /* subnormal f32 and f64 operands are zeros: x86 DAZ, ARM FZ */
    FP_FLUSH_OUTPUTS = 0x02,    /* tiny f32 and f64 results are zeros: x86 FTZ, ARM FZ */
    FP_FLUSH_F16 = 0x04,        /* both for f16 arithmetic, not for its conversions: ARM FZ16 */
    FP_DENORMAL_FLAGGED = 0x08, /* raise FP_DENORMAL: x86 */
};

enum fp_nan_rule {
    FP_NAN_DEFAULT, /* every NaN result is the default NaN: RISC-V, ARM with DN */
    FP_NAN_FIRST,   /* the first operand that is a NaN, made quiet: SSE */
    FP_NAN_ARM,     /* the first signaling one, else the first quiet one; an addend comes first */
    FP_NAN_X87,     /* a quiet one before a signaling one, else the larger significand */
};

/* What a conversion to an integer gives when it is invalid. */
enum fp_invalid_int {
    FP_INT_SATURATE,      /* the nearest limit; a NaN gives the largest number: RISC-V */
    FP_INT_SATURATE_NAN0, /* the nearest limit; a NaN gives 0: ARM */
    FP_INT_INDEFINITE,    /* x86: the top bit alone if signed, all ones if unsigned */
};

struct fp_env {
    uint8_t flags;       /* sticky, FP_INEXACT... */
    uint8_t round;       /* enum fp_round */
    uint8_t denormals;   /* FP_FLUSH_... */
    uint8_t nan_rule;    /* enum fp_nan_rule */
    uint8_t invalid_int; /* enum fp_invalid_int */
    bool default_nan_negative;
    bool tiny_before_rounding; /* underflow is detected before rounding (ARM), and flushing is then exact */
    bool half_alternative;     /* f16 conversions use ARM's alternative format: no infinity, no NaN (AHP) */
    uint8_t x87_precision;     /* f80 add, sub, mul, div and sqrt round to 24, 53 or 64 bits */
    uint8_t unmasked; /* x86. FP_UNDERFLOW here: raised for exact results too. f80 results with FP_OVERFLOW
                         or FP_UNDERFLOW unmasked have their exponent wrapped by 24576 */
};

/* How each architecture comes out of reset: copy one, then change what the guest's control register says. */
extern const struct fp_env fp_env_riscv, fp_env_arm, fp_env_sse, fp_env_x87;

enum fp_relation { FP_LESS = -1, FP_EQUAL = 0, FP_GREATER = 1, FP_UNORDERED = 2 };

/* fma: which of a * b and c changes its sign first. NaN operands keep theirs. */
enum { FP_NEGATE_PRODUCT = 1, FP_NEGATE_ADDEND = 2 };

enum fp_minmax {
    FP_MINMAX_NUMBER,    /* IEEE 754-2019 minimumNumber: a number wins over any NaN. RISC-V fmin */
    FP_MINMAX_NUM_2008,  /* IEEE 754-2008 minNum: a number wins over a quiet NaN. ARM FMINNM */
    FP_MINMAX_PROPAGATE, /* IEEE 754-2019 minimum: a NaN wins. RISC-V fminm, ARM FMIN */
    FP_MINMAX_X86,       /* a < b ? a : b, so b for NaNs and for two zeros. MINSS */
};

/* Bits of RISC-V's fclass. */
enum {
    FP_CLASS_NEG_INF = 1 << 0,
    FP_CLASS_NEG_NORMAL = 1 << 1,
    FP_CLASS_NEG_SUBNORMAL = 1 << 2,
    FP_CLASS_NEG_ZERO = 1 << 3,
    FP_CLASS_POS_ZERO = 1 << 4,
    FP_CLASS_POS_SUBNORMAL = 1 << 5,
    FP_CLASS_POS_NORMAL = 1 << 6,
    FP_CLASS_POS_INF = 1 << 7,
    FP_CLASS_SNAN = 1 << 8,
    FP_CLASS_QNAN = 1 << 9,
};

/* An integer to convert to or from. */
struct fp_int {
    uint8_t width; /* 8 to 64 bits */
    bool is_signed;
    uint8_t fraction_bits; /* of a fixed-point number, 0 to 64; 0 for an integer */
};

/*
 * The operations of each format, f##_op##suffix:
 *   round_int  to an integral value in the given mode, FP_INEXACT only if asked for
 *   to_int     to an integer of the given kind, in the given mode; sign- or zero-extended to 64 bits
 *   from_int   of a value already sign- or zero-extended to 64 bits
 *   rem        IEEE 754 remainder (the x87's own partial remainders are in cpu/fp/x87.h)
 *   compare    a NaN operand raises FP_INVALID if signaling or `signaling`
 *   scalb      a * 2^n, rounded once
 *   class      one bit of FP_CLASS_..., none for an f80 that x87 calls unsupported
 */
#define FP_DECLARE_OPERATIONS(f, suffix)                                                                     \
    f##_t f##_add##suffix(struct fp_env *env, f##_t a, f##_t b);                                             \
    f##_t f##_sub##suffix(struct fp_env *env, f##_t a, f##_t b);                                             \
    f##_t f##_mul##suffix(struct fp_env *env, f##_t a, f##_t b);                                             \
    f##_t f##_div##suffix(struct fp_env *env, f##_t a, f##_t b);                                             \
    f##_t f##_sqrt##suffix(struct fp_env *env, f##_t a);                                                     \
    f##_t f##_round_int##suffix(struct fp_env *env, f##_t a, enum fp_round round, bool inexact);             \
    enum fp_relation f##_compare##suffix(struct fp_env *env, f##_t a, f##_t b, bool signaling);              \
    uint64_t f##_to_int##suffix(struct fp_env *env, f##_t a, struct fp_int kind, enum fp_round round);       \
    f##_t f##_from_int##suffix(struct fp_env *env, uint64_t v, struct fp_int kind);                          \
    f##_t f##_rem(struct fp_env *env, f##_t a, f##_t b);                                                     \
    f##_t f##_scalb(struct fp_env *env, f##_t a, int32_t n);                                                 \
    f##_t f##_min##suffix(struct fp_env *env, f##_t a, f##_t b, enum fp_minmax kind);                        \
    f##_t f##_max##suffix(struct fp_env *env, f##_t a, f##_t b, enum fp_minmax kind);                        \
    unsigned f##_class(f##_t a);

FP_DECLARE_OPERATIONS(f16, )
FP_DECLARE_OPERATIONS(f32, _soft)
FP_DECLARE_OPERATIONS(f64, _soft)
FP_DECLARE_OPERATIONS(f80, )
FP_DECLARE_OPERATIONS(f128, )
#undef FP_DECLARE_OPERATIONS

/* a * b + c rounded once; negate is FP_NEGATE_PRODUCT | FP_NEGATE_ADDEND or less. */
f16_t f16_fma(struct fp_env *env, f16_t a, f16_t b, f16_t c, unsigned negate);
f32_t f32_fma_soft(struct fp_env *env, f32_t a, f32_t b, f32_t c, unsigned negate);
f64_t f64_fma_soft(struct fp_env *env, f64_t a, f64_t b, f64_t c, unsigned negate);
f128_t f128_fma(struct fp_env *env, f128_t a, f128_t b, f128_t c, unsigned negate);

/* Conversions between the formats. Widening is exact but makes a signaling NaN quiet and raises FP_INVALID.
 */
f16_t f32_to_f16(struct fp_env *env, f32_t a);
f16_t f64_to_f16(struct fp_env *env, f64_t a);
f32_t f16_to_f32(struct fp_env *env, f16_t a);
f64_t f16_to_f64(struct fp_env *env, f16_t a);
bf16_t f32_to_bf16(struct fp_env *env, f32_t a);
f32_t bf16_to_f32(struct fp_env *env, bf16_t a);
f32_t f64_to_f32_soft(struct fp_env *env, f64_t a);
f64_t f32_to_f64_soft(struct fp_env *env, f32_t a);
f80_t f32_to_f80(struct fp_env *env, f32_t a);
f80_t f64_to_f80(struct fp_env *env, f64_t a);
f32_t f80_to_f32(struct fp_env *env, f80_t a);
f64_t f80_to_f64(struct fp_env *env, f80_t a);
f128_t f16_to_f128(struct fp_env *env, f16_t a);
f128_t f32_to_f128(struct fp_env *env, f32_t a);
f128_t f64_to_f128(struct fp_env *env, f64_t a);
f128_t f80_to_f128(struct fp_env *env, f80_t a);
f16_t f128_to_f16(struct fp_env *env, f128_t a);
f32_t f128_to_f32(struct fp_env *env, f128_t a);
f64_t f128_to_f64(struct fp_env *env, f128_t a);
f80_t f128_to_f80(struct fp_env *env, f128_t a);

/*
 * Towards zero, modulo 2^32, with the flags of a conversion that saturates: RISC-V fcvtmod.w.d, ARM FJCVTZS.
 * NaNs and infinities give 0. ARM's Z flag is: the flags raised are none, and a is not -0.
 */
int32_t f64_to_i32_modular(struct fp_env *env, f64_t a);
