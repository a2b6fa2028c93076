/*
 * F, D, Zfh, Zfhmin and Zfa. Each shape of instruction is written once and made for the three formats;
 * arithmetic is cpu/fp's, and what is RISC-V's own is here: NaN boxes, sign injection, the table of
 * constants.
 */
#include "cpu/fp/fast.h"
#include "cpu/riscv64/interp.h"
#include "cpu/riscv64/mmu.h"

/*
 * Values narrower than a register are boxed in ones; a box that isn't whole reads as the default NaN
 * (Unpriv. 21.2), but not for moves and stores, which take the bits as they are.
 */
static inline f32_t f32_unbox(uint64_t v)
{
    return v >= 0xffffffff00000000 ? (f32_t)v : 0x7fc00000;
}

static inline f16_t f16_unbox(uint64_t v)
{
    return v >= 0xffffffffffff0000 ? (f16_t)v : 0x7e00;
}

static inline f64_t f64_unbox(uint64_t v)
{
    return v;
}

static inline uint64_t f32_box(f32_t v)
{
    return 0xffffffff00000000 | v;
}

static inline uint64_t f16_box(f16_t v)
{
    return 0xffffffffffff0000 | v;
}

static inline uint64_t f64_box(f64_t v)
{
    return v;
}

/* The half format's conversions under the names that fast.h gives the others'. */
#define F16_INTEGER(kind, type)                                                                              \
    static inline type f16_to_##kind(struct fp_env *env, f16_t a, enum fp_round round)                       \
    {                                                                                                        \
        return (type)f16_to_int(env, a, fp_##kind, round);                                                   \
    }                                                                                                        \
    static inline f16_t f16_from_##kind(struct fp_env *env, type v)                                          \
    {                                                                                                        \
        return f16_from_int(env, (uint64_t)v, fp_##kind);                                                    \
    }

F16_INTEGER(i32, int32_t)
F16_INTEGER(u32, uint32_t)
F16_INTEGER(i64, int64_t)
F16_INTEGER(u64, uint64_t)

static inline bool f16_compare_is(struct fp_env *env, f16_t a, f16_t b, bool signaling, bool or_equal,
                                  bool or_less)
{
    enum fp_relation relation = f16_compare(env, a, b, signaling);
    return (or_equal && relation == FP_EQUAL) || (or_less && relation == FP_LESS);
}

/* clang-format off */
static inline bool f16_eq(struct fp_env *env, f16_t a, f16_t b) { return f16_compare_is(env, a, b, false, true, false); }
static inline bool f16_lt(struct fp_env *env, f16_t a, f16_t b) { return f16_compare_is(env, a, b, true, false, true); }
static inline bool f16_le(struct fp_env *env, f16_t a, f16_t b) { return f16_compare_is(env, a, b, true, true, true); }
static inline bool f16_lt_quiet(struct fp_env *env, f16_t a, f16_t b) { return f16_compare_is(env, a, b, false, false, true); }
static inline bool f16_le_quiet(struct fp_env *env, f16_t a, f16_t b) { return f16_compare_is(env, a, b, false, true, true); }
/* clang-format on */

/* Zfa's fli: the same 32 values in each format; the second is the smallest normal number of each. */
static const f16_t f16_constants[32] = {0xbc00, 0x0400, 0x0100, 0x0200, 0x1c00, 0x2000, 0x2c00, 0x3000,
                                        0x3400, 0x3500, 0x3600, 0x3700, 0x3800, 0x3900, 0x3a00, 0x3b00,
                                        0x3c00, 0x3d00, 0x3e00, 0x3f00, 0x4000, 0x4100, 0x4200, 0x4400,
                                        0x4800, 0x4c00, 0x5800, 0x5c00, 0x7800, 0x7c00, 0x7c00, 0x7e00};

static f32_t f32_constant(unsigned n)
{
    struct fp_env env = fp_env_riscv;
    switch (n) {
    case 1: return 0x00800000;
    case 29: return 0x47800000; /* 2^16, which is infinite as a half */
    default: return f16_to_f32(&env, f16_constants[n]);
    }
}

static f64_t f64_constant(unsigned n)
{
    struct fp_env env = fp_env_riscv;
    return n == 1 ? 0x0010000000000000 : f32_to_f64(&env, f32_constant(n));
}

static f16_t f16_constant(unsigned n)
{
    return f16_constants[n];
}

/*
 * The shapes. A, B and C are the unboxed operands, env the environment with the instruction's rounding
 * mode where it has one. FP_ROUNDED computes after having refused a reserved rounding mode.
 */
#define FP_HANDLER(name)                                                                                     \
    const struct riscv_insn *rv_##name(struct riscv_core *c, const struct riscv_insn *i,                     \
                                       struct tlb_bank *bank, uint64_t pc)

#define FP_PLAIN(name, ...)                                                                                  \
    FP_HANDLER(name)                                                                                         \
    {                                                                                                        \
        struct fp_env *env = &c->fp;                                                                         \
        (void)env;                                                                                           \
        __VA_ARGS__;                                                                                         \
        riscv_fp_dirty(c);                                                                                   \
        TAIL return next(c, i, bank, pc);                                                                    \
    }

#define FP_ROUNDED(name, ...)                                                                                \
    FP_HANDLER(name)                                                                                         \
    {                                                                                                        \
        struct fp_env *env = &c->fp;                                                                         \
        unsigned rounding = riscv_rounding(c, i);                                                            \
        if (unlikely(rounding > FP_RMM))                                                                     \
            TAIL return riscv_illegal(c, i, bank, pc);                                                       \
        env->round = (uint8_t)rounding;                                                                      \
        __VA_ARGS__;                                                                                         \
        riscv_fp_dirty(c);                                                                                   \
        TAIL return next(c, i, bank, pc);                                                                    \
    }

#define A(fmt)           fmt##_unbox(c->s.f[i->rs1])
#define B(fmt)           fmt##_unbox(c->s.f[i->rs2])
#define C(fmt)           fmt##_unbox(c->s.f[i->imm >> 8])
#define F_RESULT(fmt, v) c->s.f[i->rd] = fmt##_box(v)
#define X_RESULT(v)      c->s.x[i->rd] = (uint64_t)(v)

/* Everything that each of the three formats has. f is cpu/fp's name of it, letter the mnemonics'. */
#define FP_FORMAT(f, letter, sign)                                                                           \
    FP_ROUNDED(fadd_##letter, F_RESULT(f, f##_add(env, A(f), B(f))))                                         \
    FP_ROUNDED(fsub_##letter, F_RESULT(f, f##_sub(env, A(f), B(f))))                                         \
    FP_ROUNDED(fmul_##letter, F_RESULT(f, f##_mul(env, A(f), B(f))))                                         \
    FP_ROUNDED(fdiv_##letter, F_RESULT(f, f##_div(env, A(f), B(f))))                                         \
    FP_ROUNDED(fsqrt_##letter, F_RESULT(f, f##_sqrt(env, A(f))))                                             \
    FP_ROUNDED(fmadd_##letter, F_RESULT(f, f##_fma(env, A(f), B(f), C(f), 0)))                               \
    FP_ROUNDED(fmsub_##letter, F_RESULT(f, f##_fma(env, A(f), B(f), C(f), FP_NEGATE_ADDEND)))                \
    FP_ROUNDED(fnmsub_##letter, F_RESULT(f, f##_fma(env, A(f), B(f), C(f), FP_NEGATE_PRODUCT)))              \
    FP_ROUNDED(fnmadd_##letter,                                                                              \
               F_RESULT(f, f##_fma(env, A(f), B(f), C(f), FP_NEGATE_PRODUCT | FP_NEGATE_ADDEND)))            \
    FP_PLAIN(fsgnj_##letter, F_RESULT(f, (f##_t)((A(f) & ~sign) | (B(f) & sign))))                           \
    FP_PLAIN(fsgnjn_##letter, F_RESULT(f, (f##_t)((A(f) & ~sign) | (~B(f) & sign))))                         \
    FP_PLAIN(fsgnjx_##letter, F_RESULT(f, (f##_t)(A(f) ^ (B(f) & sign))))                                    \
    FP_PLAIN(fmin_##letter, F_RESULT(f, f##_min(env, A(f), B(f), FP_MINMAX_NUMBER)))                         \
    FP_PLAIN(fmax_##letter, F_RESULT(f, f##_max(env, A(f), B(f), FP_MINMAX_NUMBER)))                         \
    FP_PLAIN(fminm_##letter, F_RESULT(f, f##_min(env, A(f), B(f), FP_MINMAX_PROPAGATE)))                     \
    FP_PLAIN(fmaxm_##letter, F_RESULT(f, f##_max(env, A(f), B(f), FP_MINMAX_PROPAGATE)))                     \
    FP_PLAIN(feq_##letter, X_RESULT(f##_eq(env, A(f), B(f))))                                                \
    FP_PLAIN(flt_##letter, X_RESULT(f##_lt(env, A(f), B(f))))                                                \
    FP_PLAIN(fle_##letter, X_RESULT(f##_le(env, A(f), B(f))))                                                \
    FP_PLAIN(fltq_##letter, X_RESULT(f##_lt_quiet(env, A(f), B(f))))                                         \
    FP_PLAIN(fleq_##letter, X_RESULT(f##_le_quiet(env, A(f), B(f))))                                         \
    FP_PLAIN(fclass_##letter, X_RESULT(f##_class(A(f))))                                                     \
    FP_PLAIN(fli_##letter, F_RESULT(f, f##_constant(i->rs1)))                                                \
    FP_ROUNDED(fround_##letter, F_RESULT(f, f##_round_int(env, A(f), env->round, false)))                    \
    FP_ROUNDED(froundnx_##letter, F_RESULT(f, f##_round_int(env, A(f), env->round, true)))                   \
    FP_ROUNDED(fcvt_w_##letter, X_RESULT((int64_t)f##_to_i32(env, A(f), env->round)))                        \
    FP_ROUNDED(fcvt_wu_##letter, X_RESULT((int64_t)(int32_t)f##_to_u32(env, A(f), env->round)))              \
    FP_ROUNDED(fcvt_l_##letter, X_RESULT(f##_to_i64(env, A(f), env->round)))                                 \
    FP_ROUNDED(fcvt_lu_##letter, X_RESULT(f##_to_u64(env, A(f), env->round)))                                \
    FP_ROUNDED(fcvt_##letter##_w, F_RESULT(f, f##_from_i32(env, (int32_t)c->s.x[i->rs1])))                   \
    FP_ROUNDED(fcvt_##letter##_wu, F_RESULT(f, f##_from_u32(env, (uint32_t)c->s.x[i->rs1])))                 \
    FP_ROUNDED(fcvt_##letter##_l, F_RESULT(f, f##_from_i64(env, (int64_t)c->s.x[i->rs1])))                   \
    FP_ROUNDED(fcvt_##letter##_lu, F_RESULT(f, f##_from_u64(env, c->s.x[i->rs1])))

FP_FORMAT(f32, s, 0x80000000u)
FP_FORMAT(f64, d, 0x8000000000000000u)
FP_FORMAT(f16, h, 0x8000u)

FP_ROUNDED(fcvt_s_d, F_RESULT(f32, f64_to_f32(env, A(f64))))
FP_ROUNDED(fcvt_d_s, F_RESULT(f64, f32_to_f64(env, A(f32))))
FP_ROUNDED(fcvt_s_h, F_RESULT(f32, f16_to_f32(env, A(f16))))
FP_ROUNDED(fcvt_h_s, F_RESULT(f16, f32_to_f16(env, A(f32))))
FP_ROUNDED(fcvt_d_h, F_RESULT(f64, f16_to_f64(env, A(f16))))
FP_ROUNDED(fcvt_h_d, F_RESULT(f16, f64_to_f16(env, A(f64))))
FP_PLAIN(fcvtmod_w_d, X_RESULT((int64_t)f64_to_i32_modular(env, A(f64))))

/* Moves of bits. Those to x don't change floating-point state, but one flag too many set costs nothing. */
FP_PLAIN(fmv_x_w, X_RESULT((int32_t)c->s.f[i->rs1]))
FP_PLAIN(fmv_x_h, X_RESULT((int16_t)c->s.f[i->rs1]))
FP_PLAIN(fmv_x_d, X_RESULT(c->s.f[i->rs1]))
FP_PLAIN(fmv_w_x, F_RESULT(f32, (f32_t)c->s.x[i->rs1]))
FP_PLAIN(fmv_h_x, F_RESULT(f16, (f16_t)c->s.x[i->rs1]))
FP_PLAIN(fmv_d_x, F_RESULT(f64, c->s.x[i->rs1]))

RISCV_LOAD(flh, 2, (riscv_fp_dirty(c), c->s.f[i->rd] = f16_box((f16_t)v)))
RISCV_LOAD(flw, 4, (riscv_fp_dirty(c), c->s.f[i->rd] = f32_box((f32_t)v)))
RISCV_LOAD(fld, 8, (riscv_fp_dirty(c), c->s.f[i->rd] = v))
RISCV_STORE(fsh, 2, c->s.f[i->rs2])
RISCV_STORE(fsw, 4, c->s.f[i->rs2])
RISCV_STORE(fsd, 8, c->s.f[i->rs2])
