/*
 * MXCSR and floating-point vector instructions. One such instruction is
 *
 *     struct fp_env *env = sse_begin(c);
 *     ... operations on all lanes with env, results set aside ...
 *     if (!sse_end(c)) return false;       #XM (or #UD): nothing was changed but MXCSR
 *     ... results into place ...
 */
#pragma once

#include "cpu/fp/fast.h"
#include "cpu/x86_64/vector.h"

/* MXCSR (SDM vol. 1, 10.2.3). */
#define MXCSR_FLAGS      0x3fu
#define MXCSR_BEFORE     0x07u /* invalid, denormal, divide-by-zero: known before the result is */
#define MXCSR_DAZ        0x40u
#define MXCSR_MASK_SHIFT 7
#define MXCSR_RC_SHIFT   13
#define MXCSR_FTZ        0x8000u

/* A rounding control field, of MXCSR, an immediate or the x87's control word. */
static inline enum fp_round x86_round(unsigned rc)
{
    static const uint8_t modes[] = {FP_RNE, FP_RDN, FP_RUP, FP_RTZ};
    return (enum fp_round)modes[rc & 3];
}

/* Between fp_env's flags and those of MXCSR and the x87's status and control words: their order is reversed.
 */
unsigned x86_flags_of_fp(unsigned fp);
unsigned x86_fp_of_flags(unsigned flags);

/* A bit MXCSR doesn't have: x86_core.sse_mxcsr is 0 before the first environment is made. */
#define SSE_ENV_MADE 0x80000000u

void sse_env_make(struct x86_core *c);
bool sse_flags_raise(struct x86_core *c);

/* The environment MXCSR describes; its flags are those of MXCSR, unless an exception is unmasked: then they
 * begin empty, because only new ones count. */
INLINE struct fp_env *sse_begin(struct x86_core *c)
{
    if (unlikely(c->sse_mxcsr != (c->s.mxcsr | SSE_ENV_MADE)))
        sse_env_make(c);
    return &c->sse_env;
}

/* False: c->fault is set. */
INLINE bool sse_end(struct x86_core *c)
{
    return likely(c->sse_env.flags == c->sse_flags) || sse_flags_raise(c);
}

/*
 * Instructions from an expression that gives a lane of type f32_t or f64_t (f is f32 or f64, field d or q) of
 * the lanes a and b and env. Only the first n bytes change; SSE leaves all the rest, and VEX clears above bit
 * 127.
 */
#define FLOAT_LANES(name, f, field, n, expr)                                                                 \
    static __attribute__((noinline)) bool name##_do(struct x86_core *c, union x86_vector *d,                 \
                                                    const union x86_vector *v, const union x86_vector *s,    \
                                                    const struct x86_insn *i)                                \
    {                                                                                                        \
        struct fp_env *env = sse_begin(c);                                                                   \
        union x86_vector r = *v;                                                                             \
        (void)i, (void)env;                                                                                  \
        for (unsigned k = 0; k < (n) / sizeof(f##_t); k++) {                                                 \
            f##_t a = v->field[k], b = s->field[k];                                                          \
            (void)a, (void)b;                                                                                \
            r.field[k] = (expr);                                                                             \
        }                                                                                                    \
        if (unlikely(!sse_end(c)))                                                                           \
            return false;                                                                                    \
        vector_set(d, &r, n, i->flags &INSN_VEX);                                                            \
        return true;                                                                                         \
    }

/* Packed and scalar instructions of one format: id##p and id##s, with p and s their suffixes. */
#define FLOAT_PACKED(name, f, field, expr)                                                                   \
    FLOAT_LANES(name, f, field, VEX_WIDTH, expr)                                                             \
    X86_VECTOR_FAULTING(name, 16, 16, name##_do(c, d, v, s, i))                                              \
    X86_VECTOR_FAULTING(v##name, VEX_WIDTH, 1, name##_do(c, d, v, s, i))
#define FLOAT_SCALAR(name, f, field, expr)                                                                   \
    FLOAT_LANES(name, f, field, sizeof(f##_t), expr)                                                         \
    X86_VECTOR_FAULTING(name, sizeof(f##_t), 1, name##_do(c, d, v, s, i))                                    \
    X86_VECTOR_FAULTING(v##name, sizeof(f##_t), 1, name##_do(c, d, v, s, i))

/*
 * Scalar arithmetic of two operands, which the host does wherever it is known to give the right result and
 * to raise nothing new: without a call then.
 */
#define FLOAT_QUICK(id, name, f, field, op, vex)                                                             \
    static x86_handler x86_##id##_slow_r, x86_##id##_slow_m;                                                 \
    X86_VECTOR_FAULTING(id##_slow, sizeof(f##_t), 1, name##_do(c, d, v, s, i))                               \
    INLINE bool id##_quick(struct x86_core *c, const struct x86_insn *i, f##_t b)                            \
    {                                                                                                        \
        union x86_vector r = c->s.vector[i->vvvv];                                                           \
        if (unlikely(c->sse_mxcsr != (c->s.mxcsr | SSE_ENV_MADE)))                                           \
            return false;                                                                                    \
        if (unlikely(!f##_##op##_quick(&c->sse_env, r.field[0], b, &r.field[0])))                            \
            return false;                                                                                    \
        vector_set(&c->s.vector[i->reg], &r, 16, vex);                                                       \
        return true;                                                                                         \
    }                                                                                                        \
    X86_HANDLER(x86_##id##_r)                                                                                \
    {                                                                                                        \
        if (unlikely(!id##_quick(c, i, c->s.vector[i->rm].field[0])))                                        \
            TAIL return x86_##id##_slow_r(c, i, bank, pc);                                                   \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_HANDLER(x86_##id##_m)                                                                                \
    {                                                                                                        \
        const void *p = x86_read_hit_m(c, i, bank, pc, sizeof(f##_t));                                       \
        if (unlikely(!p || !id##_quick(c, i, (f##_t)x86_host_load(p, sizeof(f##_t)))))                       \
            TAIL return x86_##id##_slow_m(c, i, bank, pc);                                                   \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }
#define FLOAT_SCALAR_QUICK(name, f, field, op)                                                               \
    FLOAT_LANES(name, f, field, sizeof(f##_t), f##_##op(env, a, b))                                          \
    FLOAT_QUICK(name, name, f, field, op, false)                                                             \
    FLOAT_QUICK(v##name, name, f, field, op, true)
