/*
 * Advanced SIMD: sums of products of small numbers in wide elements: dot products, matrices of 8-bit integers
 * and of bfloat16, and products of halves and bfloat16 added to single precision. With one element of Vm as
 * the second factor: a64_<mnemonic>__x.
 */
#include "cpu/aarch64/fp_ops.h"
#include "cpu/aarch64/simd.h"

/* H:L of "by element": which group of 32 bits, and which half with M. */
INLINE unsigned index_s(const struct a64_insn *i)
{
    return (simd_bits(i) >> 11 & 1) << 1 | (simd_bits(i) >> 21 & 1);
}

INLINE unsigned index_h(const struct a64_insn *i)
{
    return index_s(i) << 1 | (simd_bits(i) >> 20 & 1);
}

/* ---- bytes ---- */

/* The sum of four products of bytes. */
INLINE uint32_t dot4(uint32_t a, uint32_t b, bool a_signed, bool b_signed)
{
    int32_t sum = 0;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        int32_t x = a_signed ? (int8_t)(a >> shift) : (uint8_t)(a >> shift);
        int32_t y = b_signed ? (int8_t)(b >> shift) : (uint8_t)(b >> shift);
        sum += x * y;
    }
    return (uint32_t)sum;
}

#define DOT(id, a_signed, b_signed)                                                                          \
    EACH(id##__v, s, d + dot4(n, m, a_signed, b_signed))                                                     \
    EACH_WITH(id##__x, s, c->s.v[i->rm].s[index_s(i)], d + dot4(n, m, a_signed, b_signed))

DOT(sdot, true, true)
DOT(udot, false, false)
DOT(usdot, false, true)
EACH_WITH(sudot__x, s, c->s.v[i->rm].s[index_s(i)], d + dot4(n, m, true, false))

/* A 2x8 matrix by the transposed of another one, added to a 2x2 matrix. */
#define MATRIX(id, a_signed, b_signed)                                                                       \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r = c->s.v[i->rd];                                                              \
        for (unsigned e = 0; e < 4; e++) {                                                                   \
            const uint32_t *a = &c->s.v[i->rn].s[e & 2], *b = &c->s.v[i->rm].s[2 * (e & 1)];                 \
            r.s[e] += dot4(a[0], b[0], a_signed, b_signed) + dot4(a[1], b[1], a_signed, b_signed);           \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

MATRIX(smmla, true, true)
MATRIX(ummla, false, false)
MATRIX(usmmla, false, true)

/* ---- bfloat16 ---- */

EACH(bfdot__v, s, bf16_dot(d, n, m))
EACH_WITH(bfdot__x, s, c->s.v[i->rm].s[index_s(i)], bf16_dot(d, n, m))

A64_HANDLER(bfmmla)
{
    union aarch64_vector r = c->s.v[i->rd];
    for (unsigned e = 0; e < 4; e++) {
        const uint32_t *a = &c->s.v[i->rn].s[e & 2], *b = &c->s.v[i->rm].s[2 * (e & 1)];
        r.s[e] = bf16_dot(bf16_dot(r.s[e], a[0], b[0]), a[1], b[1]);
    }
    c->s.v[i->rd] = r;
    TAIL return a64_next(c, i, bank, pc);
}

/* The even (bottom) or, with Q, the odd (top) elements, fused with all the rules of single precision. */
#define BF16_LONG(id, of_m)                                                                                  \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r = c->s.v[i->rd];                                                              \
        for (unsigned e = 0; e < 4; e++) {                                                                   \
            f32_t n = (f32_t)c->s.v[i->rn].h[2 * e + simd_q(i)] << 16, m = (f32_t)(of_m) << 16;              \
            r.s[e] = f32_madd(&c->fp, r.s[e], n, m);                                                         \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

BF16_LONG(bfmlal__v, c->s.v[i->rm].h[2 * e + simd_q(i)])
BF16_LONG(bfmlal__x, c->s.v[i->rm & 15].h[index_h(i)])

/* ---- halves ---- */

/* A half as a single, NaNs with their payloads and still signaling (FPMulAddH unpacks it only). */
static f32_t f16_widened(const struct fp_env *env, f16_t a)
{
    f32_t sign = (f32_t)(a >> 15) << 31, exponent = a >> 10 & 31, fraction = a & 0x3ff;
    if (exponent == 31)
        return sign | 0x7f800000 | fraction << 13;
    if (exponent)
        return sign | (exponent + 127 - 15) << 23 | fraction << 13;
    if (fraction == 0 || (env->denormals & FP_FLUSH_F16))
        return sign;
    unsigned shift = (unsigned)__builtin_clz(fraction) - 21; /* brings its highest bit to bit 10 */
    return sign | (127 - 14 - shift) << 23 | (fraction << shift & 0x3ff) << 13;
}

/* FMLAL, FMLSL and, from the second half of Vn and Vm, FMLAL2, FMLSL2; `place` is that half. */
#define HALF_LONG(id, sign, place, of_m)                                                                     \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r = {{0, 0}};                                                                   \
        unsigned lanes = LANES(s);                                                                           \
        for (unsigned e = 0; e < lanes; e++) {                                                               \
            f16_t n = c->s.v[i->rn].h[place * lanes + e] ^ (sign), m = (of_m);                               \
            r.s[e] = f32_madd(&c->fp, c->s.v[i->rd].s[e], f16_widened(&c->fp, n), f16_widened(&c->fp, m));   \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define HALVES_LONG(id, sign, place)                                                                         \
    HALF_LONG(id##__v, sign, place, c->s.v[i->rm].h[place * lanes + e])                                      \
    HALF_LONG(id##__x, sign, place, c->s.v[i->rm & 15].h[index_h(i)])

HALVES_LONG(fmlal, 0, 0)
HALVES_LONG(fmlsl, F16_SIGN, 0)
HALVES_LONG(fmlal2, 0, 1)
HALVES_LONG(fmlsl2, F16_SIGN, 1)
