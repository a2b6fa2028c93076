/* Floating-point vectors: conversions between formats and to and from integers. */
#include "cpu/x86_64/sse_float.h"

#define ROUND ((enum fp_round)env->round)

/* ---- lanes of equal width ---- */

FLOAT_PACKED(cvtdq2ps, f32, d, f32_from_i32(env, (int32_t)b))
FLOAT_PACKED(cvtps2dq, f32, d, (uint32_t)f32_to_i32(env, b, ROUND))
FLOAT_PACKED(cvttps2dq, f32, d, (uint32_t)f32_to_i32(env, b, FP_RTZ))
FLOAT_LANES(cvtss2sd, f64, q, 8, f32_to_f64(env, s->d[0]))
X86_VECTOR_FAULTING(cvtss2sd, 4, 1, cvtss2sd_do(c, d, v, s, i))
X86_VECTOR_FAULTING(vcvtss2sd, 4, 1, cvtss2sd_do(c, d, v, s, i))
FLOAT_LANES(cvtsd2ss, f32, d, 4, f64_to_f32(env, s->q[0]))
X86_VECTOR_FAULTING(cvtsd2ss, 8, 1, cvtsd2ss_do(c, d, v, s, i))
X86_VECTOR_FAULTING(vcvtsd2ss, 8, 1, cvtsd2ss_do(c, d, v, s, i))

/* ---- to lanes of twice the width: half a vector is read ---- */

FLOAT_LANES(cvtps2pd, f64, q, VEX_WIDTH, f32_to_f64(env, s->d[k]))
FLOAT_LANES(cvtdq2pd, f64, q, VEX_WIDTH, f64_from_i32(env, (int32_t)s->d[k]))
X86_VECTOR_FAULTING(cvtps2pd, 8, 1, cvtps2pd_do(c, d, v, s, i))
X86_VECTOR_FAULTING(vcvtps2pd, VEX_WIDTH / 2, 1, cvtps2pd_do(c, d, v, s, i))
X86_VECTOR_FAULTING(cvtdq2pd, 8, 1, cvtdq2pd_do(c, d, v, s, i))
X86_VECTOR_FAULTING(vcvtdq2pd, VEX_WIDTH / 2, 1, cvtdq2pd_do(c, d, v, s, i))

/* ---- to lanes of half the width: the upper half of the result is zero ---- */

#define NARROW(name, expr)                                                                                   \
    static __attribute__((noinline)) bool name##_do(struct x86_core *c, union x86_vector *d,                 \
                                                    const union x86_vector *s, const struct x86_insn *i)     \
    {                                                                                                        \
        struct fp_env *env = sse_begin(c);                                                                   \
        union x86_vector r = {{0}};                                                                          \
        for (unsigned k = 0; k < VEX_WIDTH / 8; k++) {                                                       \
            f64_t b = s->q[k];                                                                               \
            r.d[k] = (uint32_t)(expr);                                                                       \
        }                                                                                                    \
        if (unlikely(!sse_end(c)))                                                                           \
            return false;                                                                                    \
        vector_set(d, &r, VEX_WIDTH, i->flags &INSN_VEX);                                                    \
        return true;                                                                                         \
    }                                                                                                        \
    X86_VECTOR_FAULTING(name, 16, 16, name##_do(c, d, s, i))                                                 \
    X86_VECTOR_FAULTING(v##name, VEX_WIDTH, 1, name##_do(c, d, s, i))
NARROW(cvtpd2ps, f64_to_f32(env, b))
NARROW(cvtpd2dq, f64_to_i32(env, b, ROUND))
NARROW(cvttpd2dq, f64_to_i32(env, b, FP_RTZ))

/* ---- scalars from and to integer registers ---- */

#define FROM_INTEGER(name, f, field)                                                                         \
    static __attribute__((noinline)) bool name##_do(struct x86_core *c, const struct x86_insn *i, int64_t v) \
    {                                                                                                        \
        struct fp_env *env = sse_begin(c);                                                                   \
        union x86_vector r = c->s.vector[i->vvvv];                                                           \
        r.field[0] = i->opsize == 3 ? f##_from_i64(env, v) : f##_from_i32(env, (int32_t)v);                  \
        if (unlikely(!sse_end(c)))                                                                           \
            return false;                                                                                    \
        vector_set(&c->s.vector[i->reg], &r, 16, i->flags &INSN_VEX);                                        \
        return true;                                                                                         \
    }                                                                                                        \
    X86_HANDLER(x86_##name##_r)                                                                              \
    {                                                                                                        \
        if (unlikely(!name##_do(c, i, (int64_t)c->s.gpr[i->rm])))                                            \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_HANDLER(x86_##name##_m)                                                                              \
    {                                                                                                        \
        if (unlikely(!x86_operand_load(c, i, pc, 1u << i->opsize, 1) ||                                      \
                     !name##_do(c, i, (int64_t)c->operand.q[0])))                                            \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }
FROM_INTEGER(cvtsi2ss, f32, d)
FROM_INTEGER(cvtsi2sd, f64, q)

#define TO_INTEGER(name, f, field, round)                                                                    \
    static __attribute__((noinline)) bool name##_do(struct x86_core *c, const struct x86_insn *i,            \
                                                    const union x86_vector *s)                               \
    {                                                                                                        \
        struct fp_env *env = sse_begin(c);                                                                   \
        uint64_t v = i->opsize == 3 ? (uint64_t)f##_to_i64(env, s->field[0], round)                          \
                                    : (uint64_t)f##_to_i32(env, s->field[0], round);                         \
        if (unlikely(!sse_end(c)))                                                                           \
            return false;                                                                                    \
        x86_operand_reg_set(c, i->reg, i->opsize, v);                                                        \
        return true;                                                                                         \
    }                                                                                                        \
    X86_VECTOR_FAULTING(name, sizeof(f##_t), 1, name##_do(c, i, s))
TO_INTEGER(cvtss2si, f32, d, ROUND)
TO_INTEGER(cvttss2si, f32, d, FP_RTZ)
TO_INTEGER(cvtsd2si, f64, q, ROUND)
TO_INTEGER(cvttsd2si, f64, q, FP_RTZ)

/* ---- MMX registers: the x87 switches to MMX when the MMX operand is a register, even if an exception
 * follows ---- */

static bool mmx_source(struct x86_core *c, const struct x86_insn *i, union x86_vector *s)
{
    if (i->flags & INSN_MEM ? !x86_helper_load(c, i, 8, 1) : !x86_x87_check(c))
        return false;
    if (!(i->flags & INSN_MEM))
        x86_mmx_enter(c);
    s->q[0] = i->flags & INSN_MEM ? c->operand.q[0] : c->s.st[i->rm & 7].mant;
    return true;
}

X86_DO(cvtpi2ps)
{
    union x86_vector s, r = c->s.vector[i->reg];
    if (!mmx_source(c, i, &s))
        return false;
    struct fp_env *env = sse_begin(c);
    for (unsigned k = 0; k < 2; k++)
        r.d[k] = f32_from_i32(env, (int32_t)s.d[k]);
    if (!sse_end(c))
        return false;
    c->s.vector[i->reg] = r;
    return true;
}
X86_HELPER(cvtpi2ps)

X86_DO(cvtpi2pd)
{
    union x86_vector s;
    if (!mmx_source(c, i, &s))
        return false;
    struct fp_env *env = sse_begin(c);
    for (unsigned k = 0; k < 2; k++)
        c->s.vector[i->reg].q[k] = f64_from_i32(env, (int32_t)s.d[k]);
    return true;
}
X86_HELPER(cvtpi2pd)

#define TO_MMX(name, f, field, width, align, round)                                                          \
    X86_DO(name)                                                                                             \
    {                                                                                                        \
        if (!x86_x87_check(c) || (i->flags & INSN_MEM && !x86_helper_load(c, i, width, align)))              \
            return false;                                                                                    \
        const union x86_vector *s = i->flags & INSN_MEM ? &c->operand : &c->s.vector[i->rm];                 \
        x86_mmx_enter(c);                                                                                    \
        struct fp_env *env = sse_begin(c);                                                                   \
        uint32_t low = (uint32_t)f##_to_i32(env, s->field[0], round);                                        \
        uint32_t high = (uint32_t)f##_to_i32(env, s->field[1], round);                                       \
        if (!sse_end(c))                                                                                     \
            return false;                                                                                    \
        x86_mmx_set(c, i->reg, low | (uint64_t)high << 32);                                                  \
        return true;                                                                                         \
    }                                                                                                        \
    X86_HELPER(name)
TO_MMX(cvtps2pi, f32, d, 8, 1, ROUND)
TO_MMX(cvttps2pi, f32, d, 8, 1, FP_RTZ)
TO_MMX(cvtpd2pi, f64, q, 16, 16, ROUND)
TO_MMX(cvttpd2pi, f64, q, 16, 16, FP_RTZ)

/* ---- F16C ---- */

/* DAZ and FTZ have no effect on half precision, and VCVTPH2PS has no denormal exception. */
FLOAT_LANES(vcvtph2ps, f32, d, VEX_WIDTH, f16_to_f32(env, s->w[k]))
X86_VECTOR_FAULTING(vcvtph2ps, VEX_WIDTH / 2, 1, vcvtph2ps_do(c, d, v, s, i))

/* What is a denormal already is inexact as a half, even where underflow is unmasked and more than its bits
 * would be kept. */
static f16_t halved(struct fp_env *env, f32_t v)
{
    f16_t half = f32_to_f16(env, v);
    if (!(env->denormals & FP_FLUSH_INPUTS) && !(v & 0x7f800000) && v & 0x7fffff)
        env->flags |= FP_INEXACT;
    return half;
}

/* The rounding mode is the immediate's, or MXCSR's. */
static __attribute__((noinline)) bool halve(struct x86_core *c, const struct x86_insn *i)
{
    const union x86_vector *s = &c->s.vector[i->reg];
    struct fp_env *env = sse_begin(c);
    uint8_t round = env->round;
    env->round = IMM & 4 ? round : (uint8_t)x86_round(IMM);
    c->operand = (union x86_vector){{0}};
    for (unsigned k = 0; k < VEX_WIDTH / 4; k++)
        c->operand.w[k] = halved(env, s->d[k]);
    env->round = round;
    return sse_end(c);
}

X86_HANDLER(x86_vcvtps2ph_r)
{
    if (unlikely(!halve(c, i)))
        TAIL return x86_raise(c, i, bank, pc);
    c->s.vector[i->rm] = c->operand;
    TAIL return x86_next(c, i, bank, pc);
}

X86_HANDLER(x86_vcvtps2ph_m)
{
    if (unlikely(!halve(c, i) || !x86_operand_store(c, i, pc, VEX_WIDTH / 2, 1)))
        TAIL return x86_raise(c, i, bank, pc);
    TAIL return x86_next_slow(c, i, bank, pc);
}
