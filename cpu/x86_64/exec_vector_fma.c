/* FMA: three orders of the operands, the same four sums and two mixed ones. */
#include "cpu/x86_64/sse_float.h"

/* With d the destination: 132 is d * s + v, 213 is v * d + s, 231 is v * s + d (SDM vol. 2). */
#define FACTOR_132(field) d->field[k], s->field[k], v->field[k]
#define FACTOR_213(field) v->field[k], d->field[k], s->field[k]
#define FACTOR_231(field) v->field[k], s->field[k], d->field[k]

/* The rest of a scalar's register is the destination's own. */
#define FMA_LANES(name, f, field, n, operands, negate)                                                       \
    static __attribute__((noinline)) bool name##_do(struct x86_core *c, union x86_vector *d,                 \
                                                    const union x86_vector *v, const union x86_vector *s,    \
                                                    const struct x86_insn *i)                                \
    {                                                                                                        \
        struct fp_env *env = sse_begin(c);                                                                   \
        union x86_vector r = *d;                                                                             \
        for (unsigned k = 0; k < (n) / sizeof(f##_t); k++)                                                   \
            r.field[k] = f##_fma(env, operands(field), negate);                                              \
        if (unlikely(!sse_end(c)))                                                                           \
            return false;                                                                                    \
        vector_set(d, &r, n, i->flags &INSN_VEX);                                                            \
        return true;                                                                                         \
    }
#define FMA_PACKED(name, order, negate)                                                                      \
    FMA_LANES(name##order##ps, f32, d, VEX_WIDTH, FACTOR_##order, negate)                                    \
    FMA_LANES(name##order##pd, f64, q, VEX_WIDTH, FACTOR_##order, negate)                                    \
    X86_VECTOR_FAULTING(name##order##ps, VEX_WIDTH, 1, name##order##ps_do(c, d, v, s, i))                    \
    X86_VECTOR_FAULTING(name##order##pd, VEX_WIDTH, 1, name##order##pd_do(c, d, v, s, i))
#define FMA_SCALAR(name, order, negate)                                                                      \
    FMA_LANES(name##order##ss, f32, d, 4, FACTOR_##order, negate)                                            \
    FMA_LANES(name##order##sd, f64, q, 8, FACTOR_##order, negate)                                            \
    X86_VECTOR_FAULTING(name##order##ss, 4, 1, name##order##ss_do(c, d, v, s, i))                            \
    X86_VECTOR_FAULTING(name##order##sd, 8, 1, name##order##sd_do(c, d, v, s, i))
#define FMA_ORDERS(PACKED_OR_SCALAR, name, negate)                                                           \
    PACKED_OR_SCALAR(name, 132, negate)                                                                      \
    PACKED_OR_SCALAR(name, 213, negate)                                                                      \
    PACKED_OR_SCALAR(name, 231, negate)
#define FMA(name, negate)                                                                                    \
    FMA_ORDERS(FMA_PACKED, name, negate)                                                                     \
    FMA_ORDERS(FMA_SCALAR, name, negate)
FMA(vfmadd, 0)
FMA(vfmsub, FP_NEGATE_ADDEND)
FMA(vfnmadd, FP_NEGATE_PRODUCT)
FMA(vfnmsub, FP_NEGATE_PRODUCT | FP_NEGATE_ADDEND)

/* Subtract in even lanes and add in odd ones, and the other way round. */
FMA_ORDERS(FMA_PACKED, vfmaddsub, k & 1 ? 0 : FP_NEGATE_ADDEND)
FMA_ORDERS(FMA_PACKED, vfmsubadd, k & 1 ? FP_NEGATE_ADDEND : 0)
