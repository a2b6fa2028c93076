/* Floating-point vectors: arithmetic, comparisons, rounding. */
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/sse_float.h"

#define ARITHMETIC(name, op)                                                                                 \
    FLOAT_PACKED(name##ps, f32, d, f32_##op(env, a, b))                                                      \
    FLOAT_PACKED(name##pd, f64, q, f64_##op(env, a, b))                                                      \
    FLOAT_SCALAR_QUICK(name##ss, f32, d, op)                                                                 \
    FLOAT_SCALAR_QUICK(name##sd, f64, q, op)
ARITHMETIC(add, add)
ARITHMETIC(sub, sub)
ARITHMETIC(mul, mul)
ARITHMETIC(div, div)

#define MINMAX(name, op)                                                                                     \
    FLOAT_PACKED(name##ps, f32, d, f32_##op(env, a, b, FP_MINMAX_X86))                                       \
    FLOAT_PACKED(name##pd, f64, q, f64_##op(env, a, b, FP_MINMAX_X86))                                       \
    FLOAT_SCALAR(name##ss, f32, d, f32_##op(env, a, b, FP_MINMAX_X86))                                       \
    FLOAT_SCALAR(name##sd, f64, q, f64_##op(env, a, b, FP_MINMAX_X86))
MINMAX(min, min)
MINMAX(max, max)

FLOAT_PACKED(sqrtps, f32, d, f32_sqrt(env, b))
FLOAT_PACKED(sqrtpd, f64, q, f64_sqrt(env, b))
FLOAT_SCALAR(sqrtss, f32, d, f32_sqrt(env, b))
FLOAT_SCALAR(sqrtsd, f64, q, f64_sqrt(env, b))

/* Subtract in even lanes, add in odd ones. */
FLOAT_PACKED(addsubps, f32, d, k & 1 ? f32_add(env, a, b) : f32_sub(env, a, b))
FLOAT_PACKED(addsubpd, f64, q, k & 1 ? f64_add(env, a, b) : f64_sub(env, a, b))

/* Neighbours: of each half of v, then of s. */
#define PAIR_SOURCE_32 (k & 2 ? s : v)->d
#define PAIR_SOURCE_64 (k & 1 ? s : v)->q
#define PAIR_32        ((k & 4) + (k & 1) * 2)
#define PAIR_64        (k & 2)
FLOAT_PACKED(haddps, f32, d, f32_add(env, PAIR_SOURCE_32[PAIR_32], PAIR_SOURCE_32[PAIR_32 + 1]))
FLOAT_PACKED(haddpd, f64, q, f64_add(env, PAIR_SOURCE_64[PAIR_64], PAIR_SOURCE_64[PAIR_64 + 1]))
FLOAT_PACKED(hsubps, f32, d, f32_sub(env, PAIR_SOURCE_32[PAIR_32], PAIR_SOURCE_32[PAIR_32 + 1]))
FLOAT_PACKED(hsubpd, f64, q, f64_sub(env, PAIR_SOURCE_64[PAIR_64], PAIR_SOURCE_64[PAIR_64 + 1]))

/* ---- bitwise: no exceptions, and the same bits whatever the format ---- */

LANES(andps, uint64_t, q, a &b)
LANES(andnps, uint64_t, q, ~a &b)
LANES(orps, uint64_t, q, a | b)
LANES(xorps, uint64_t, q, a ^ b)
VECTOR_2(andps, op_andps(&r, v, s, n))
VECTOR_2(andnps, op_andnps(&r, v, s, n))
VECTOR_2(orps, op_orps(&r, v, s, n))
VECTOR_2(xorps, op_xorps(&r, v, s, n))

/* ---- comparisons ---- */

/* Predicates 0 to 31: which relations make them true (bit 0 less, 1 equal, 2 greater, 3 unordered), and 16
 * for those that take a quiet NaN for invalid. */
enum { LT = 1, EQ = 2, GT = 4, UN = 8, SIGNALS = 16 };
static const uint8_t predicates[32] = {
    EQ,
    LT | SIGNALS,
    LT | EQ | SIGNALS,
    UN,
    LT | GT | UN,
    EQ | GT | UN | SIGNALS,
    GT | UN | SIGNALS,
    LT | EQ | GT,
    EQ | UN,
    LT | UN | SIGNALS,
    LT | EQ | UN | SIGNALS,
    0,
    LT | GT,
    EQ | GT | SIGNALS,
    GT | SIGNALS,
    LT | EQ | GT | UN,
    EQ | SIGNALS,
    LT,
    LT | EQ,
    UN | SIGNALS,
    LT | GT | UN | SIGNALS,
    EQ | GT | UN,
    GT | UN,
    LT | EQ | GT | SIGNALS,
    EQ | UN | SIGNALS,
    LT | UN,
    LT | EQ | UN,
    SIGNALS,
    LT | GT | SIGNALS,
    EQ | GT,
    GT,
    LT | EQ | GT | UN | SIGNALS,
};

/* SSE has the first eight. */
static uint8_t predicate_of(const struct x86_insn *i)
{
    return predicates[IMM & (i->flags & INSN_VEX ? 31 : 7)];
}

static bool relation_holds(uint8_t predicate, enum fp_relation relation)
{
    return predicate >> (unsigned)(relation + 1) & 1;
}

#define COMPARE(f)                                                                                           \
    (relation_holds(predicate_of(i), f##_compare(env, a, b, predicate_of(i) & SIGNALS)) ? ~(f##_t)0 : 0)
FLOAT_PACKED(cmpps, f32, d, COMPARE(f32))
FLOAT_PACKED(cmppd, f64, q, COMPARE(f64))
FLOAT_SCALAR(cmpss, f32, d, COMPARE(f32))
FLOAT_SCALAR(cmpsd, f64, q, COMPARE(f64))

/* Into the flags: COMI takes any NaN for invalid, UCOMI only signaling ones. */
static bool compare_flags(struct x86_core *c, enum fp_relation relation)
{
    static const uint64_t flags[] = {FLAG_CF, FLAG_ZF, 0, FLAG_ZF | FLAG_PF | FLAG_CF};
    if (!sse_end(c))
        return false;
    x86_flags_set(c, FLAGS_STATUS, flags[relation + 1]);
    return true;
}

static __attribute__((noinline)) bool compare_32(struct x86_core *c, f32_t a, f32_t b, bool signaling)
{
    return compare_flags(c, f32_compare(sse_begin(c), a, b, signaling));
}

static __attribute__((noinline)) bool compare_64(struct x86_core *c, f64_t a, f64_t b, bool signaling)
{
    return compare_flags(c, f64_compare(sse_begin(c), a, b, signaling));
}
X86_VECTOR_FAULTING(ucomiss, 4, 1, compare_32(c, d->d[0], s->d[0], false))
X86_VECTOR_FAULTING(comiss, 4, 1, compare_32(c, d->d[0], s->d[0], true))
X86_VECTOR_FAULTING(ucomisd, 8, 1, compare_64(c, d->q[0], s->q[0], false))
X86_VECTOR_FAULTING(comisd, 8, 1, compare_64(c, d->q[0], s->q[0], true))

/* ---- rounding to an integral value: the mode is MXCSR's when bit 2 says so; bit 3 suppresses inexact ----
 */

#define ROUNDED(f) f##_round_int(env, b, IMM & 4 ? (enum fp_round)env->round : x86_round(IMM), !(IMM & 8))
FLOAT_PACKED(roundps, f32, d, ROUNDED(f32))
FLOAT_PACKED(roundpd, f64, q, ROUNDED(f64))
FLOAT_SCALAR(roundss, f32, d, ROUNDED(f32))
FLOAT_SCALAR(roundsd, f64, q, ROUNDED(f64))

/* ---- dot products: which lanes go in (bits 7..4), and where the sum goes (bits 3..0) ---- */

/*
 * Products, sums of neighbours, sums of these: each step raises its own exceptions, and an unmasked one ends
 * the instruction before the next step raises any. Each lane sums all by itself, first its pair and then the
 * other; the order matters to NaNs only.
 */
static bool dot_products_32(struct x86_core *c, union x86_vector *r, const union x86_vector *a,
                            const union x86_vector *b, unsigned n, unsigned imm)
{
    struct fp_env *env = sse_begin(c);
    for (unsigned k = 0; k < n; k++)
        r->d[k] = imm >> (4 + (k & 3)) & 1 ? f32_mul(env, a->d[k], b->d[k]) : 0;
    return sse_end(c);
}

/* Each lane plus the one `apart` from it. */
static bool dot_sums_32(struct x86_core *c, union x86_vector *r, unsigned n, unsigned apart)
{
    const union x86_vector v = *r;
    struct fp_env *env = sse_begin(c);
    for (unsigned k = 0; k < n; k++)
        r->d[k] = apart == 1 ? f32_add(env, v.d[k ^ 1], v.d[k]) : f32_add(env, v.d[k], v.d[k ^ 2]);
    return sse_end(c);
}

static __attribute__((noinline)) bool dpps_do(struct x86_core *c, union x86_vector *d,
                                              const union x86_vector *v, const union x86_vector *s,
                                              const struct x86_insn *i)
{
    unsigned n = VEX_WIDTH / 4;
    union x86_vector r;
    if (!dot_products_32(c, &r, v, s, n, IMM) || !dot_sums_32(c, &r, n, 1) || !dot_sums_32(c, &r, n, 2))
        return false;
    for (unsigned k = 0; k < n; k++)
        r.d[k] = IMM >> (k & 3) & 1 ? r.d[k] : 0;
    vector_set(d, &r, VEX_WIDTH, i->flags & INSN_VEX);
    return true;
}
X86_VECTOR_FAULTING(dpps, 16, 16, dpps_do(c, d, v, s, i))
X86_VECTOR_FAULTING(vdpps, VEX_WIDTH, 1, dpps_do(c, d, v, s, i))

static __attribute__((noinline)) bool dppd_do(struct x86_core *c, union x86_vector *d,
                                              const union x86_vector *v, const union x86_vector *s,
                                              const struct x86_insn *i)
{
    struct fp_env *env = sse_begin(c);
    union x86_vector product, r;
    for (unsigned k = 0; k < 2; k++)
        product.q[k] = IMM >> (4 + k) & 1 ? f64_mul(env, v->q[k], s->q[k]) : 0;
    if (!sse_end(c))
        return false;
    env = sse_begin(c);
    for (unsigned k = 0; k < 2; k++)
        r.q[k] = f64_add(env, product.q[k], product.q[k ^ 1]);
    if (!sse_end(c))
        return false;
    for (unsigned k = 0; k < 2; k++)
        r.q[k] = IMM >> k & 1 ? r.q[k] : 0;
    vector_set(d, &r, 16, i->flags & INSN_VEX);
    return true;
}
X86_VECTOR_FAULTING(dppd, 16, 16, dppd_do(c, d, v, s, i))
X86_VECTOR_FAULTING(vdppd, 16, 1, dppd_do(c, d, v, s, i))

/* ---- approximations: the manual wants a relative error of at most 1.5 * 2^-12; no exceptions, subnormals
 * are zeros whatever MXCSR says ---- */

#define SIGN_32     0x80000000u
#define INFINITY_32 0x7f800000u
#define ONE_32      0x3f800000u

/* Twelve bits of the significand, to nearest. */
static f32_t shortened(f32_t a)
{
    return (a + 0x400) & ~(f32_t)0x7ff;
}

static f32_t reciprocal(f32_t a)
{
    struct fp_env env = fp_env_sse;
    env.denormals = FP_FLUSH_INPUTS | FP_FLUSH_OUTPUTS;
    f32_t r = f32_div(&env, ONE_32, a);
    return f32_is_finite(r) && f32_is_finite(a) ? shortened(r) : r;
}

static f32_t reciprocal_root(f32_t a)
{
    struct fp_env env = fp_env_sse;
    env.denormals = FP_FLUSH_INPUTS;
    if (f32_is_nan(a) || (a & ~SIGN_32) < 0x00800000)
        return f32_div(&env, ONE_32, a);
    f32_t r = f32_div(&env, ONE_32, f32_sqrt(&env, a));
    return f32_is_finite(r) && f32_is_finite(a) ? shortened(r) : r;
}
FLOAT_PACKED(rcpps, f32, d, reciprocal(b))
FLOAT_SCALAR(rcpss, f32, d, reciprocal(b))
FLOAT_PACKED(rsqrtps, f32, d, reciprocal_root(b))
FLOAT_SCALAR(rsqrtss, f32, d, reciprocal_root(b))
