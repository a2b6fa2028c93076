/* Integer vectors: arithmetic, comparisons, logic and shifts, in MMX, SSE and VEX form. */
#include "cpu/x86_64/vector.h"

INLINE int32_t clamp(int32_t v, int32_t low, int32_t high)
{
    return v < low ? low : v > high ? high : v;
}

#define LANES_2(name, type, field, expr)                                                                     \
    LANES(name, type, field, expr)                                                                           \
    VECTOR_2(name, op_##name(&r, v, s, n))
#define LANES_3(name, type, field, expr)                                                                     \
    LANES(name, type, field, expr)                                                                           \
    VECTOR_3(name, op_##name(&r, v, s, n))

/* ---- lane by lane ---- */

LANES_3(paddb, uint8_t, b, a + b)
LANES_3(paddw, uint16_t, w, a + b)
LANES_3(paddd, uint32_t, d, a + b)
LANES_3(paddq, uint64_t, q, a + b)
LANES_3(psubb, uint8_t, b, a - b)
LANES_3(psubw, uint16_t, w, a - b)
LANES_3(psubd, uint32_t, d, a - b)
LANES_3(psubq, uint64_t, q, a - b)
LANES_3(paddsb, int8_t, b, clamp(a + b, INT8_MIN, INT8_MAX))
LANES_3(paddsw, int16_t, w, clamp(a + b, INT16_MIN, INT16_MAX))
LANES_3(psubsb, int8_t, b, clamp(a - b, INT8_MIN, INT8_MAX))
LANES_3(psubsw, int16_t, w, clamp(a - b, INT16_MIN, INT16_MAX))
LANES_3(paddusb, uint8_t, b, clamp(a + b, 0, UINT8_MAX))
LANES_3(paddusw, uint16_t, w, clamp(a + b, 0, UINT16_MAX))
LANES_3(psubusb, uint8_t, b, clamp(a - b, 0, UINT8_MAX))
LANES_3(psubusw, uint16_t, w, clamp(a - b, 0, UINT16_MAX))
LANES_3(pavgb, uint8_t, b, (a + b + 1) >> 1)
LANES_3(pavgw, uint16_t, w, (a + b + 1) >> 1)
LANES_3(pminub, uint8_t, b, a < b ? a : b)
LANES_3(pmaxub, uint8_t, b, a > b ? a : b)
LANES_3(pminsw, int16_t, w, a < b ? a : b)
LANES_3(pmaxsw, int16_t, w, a > b ? a : b)
LANES_2(pminsb, int8_t, b, a < b ? a : b)
LANES_2(pmaxsb, int8_t, b, a > b ? a : b)
LANES_2(pminsd, int32_t, d, a < b ? a : b)
LANES_2(pmaxsd, int32_t, d, a > b ? a : b)
LANES_2(pminuw, uint16_t, w, a < b ? a : b)
LANES_2(pmaxuw, uint16_t, w, a > b ? a : b)
LANES_2(pminud, uint32_t, d, a < b ? a : b)
LANES_2(pmaxud, uint32_t, d, a > b ? a : b)
LANES_3(pcmpeqb, uint8_t, b, a == b ? -1 : 0)
LANES_3(pcmpeqw, uint16_t, w, a == b ? -1 : 0)
LANES_3(pcmpeqd, uint32_t, d, a == b ? -1 : 0)
LANES_2(pcmpeqq, uint64_t, q, a == b ? -1 : 0)
LANES_3(pcmpgtb, int8_t, b, a > b ? -1 : 0)
LANES_3(pcmpgtw, int16_t, w, a > b ? -1 : 0)
LANES_3(pcmpgtd, int32_t, d, a > b ? -1 : 0)
LANES_2(pcmpgtq, int64_t, q, a > b ? -1 : 0)
LANES_3(pand, uint64_t, q, a &b)
LANES_3(pandn, uint64_t, q, ~a &b)
LANES_3(por, uint64_t, q, a | b)
LANES_3(pxor, uint64_t, q, a ^ b)
LANES_3(pabsb, int8_t, b, b < 0 ? -b : b)
LANES_3(pabsw, int16_t, w, b < 0 ? -b : b)
LANES_3(pabsd, uint32_t, d, b >> 31 ? -b : b)
LANES_3(psignb, int8_t, b, b < 0 ? -a : b ? a : 0)
LANES_3(psignw, int16_t, w, b < 0 ? -a : b ? a : 0)
LANES_3(psignd, uint32_t, d, b >> 31 ? -a : b ? a : 0)

/* ---- products ---- */

LANES_3(pmullw, uint16_t, w, (uint32_t)a *b)
LANES_3(pmulhw, int16_t, w, a *b >> 16)
LANES_3(pmulhuw, uint16_t, w, (uint32_t)a *b >> 16)
LANES_3(pmulhrsw, int16_t, w, ((a * b >> 14) + 1) >> 1)
LANES_2(pmulld, uint32_t, d, a *b)
LANES_3(pmuludq, uint64_t, q, (a & UINT32_MAX) * (b & UINT32_MAX))
LANES_2(pmuldq, int64_t, q, (int64_t)(int32_t)a *(int32_t)b)

INLINE int32_t word_product(const union x86_vector *v, const union x86_vector *s, unsigned k)
{
    return (int16_t)v->w[k] * (int16_t)s->w[k];
}

INLINE void op_pmaddwd(VECTOR_OPERANDS)
{
    for (unsigned k = 0; k < n / 4; k++)
        r->d[k] = (uint32_t)word_product(v, s, 2 * k) + (uint32_t)word_product(v, s, 2 * k + 1);
}
VECTOR_3(pmaddwd, op_pmaddwd(&r, v, s, n))

/* The first source is unsigned, the second signed. */
INLINE void op_pmaddubsw(VECTOR_OPERANDS)
{
    for (unsigned k = 0; k < n / 2; k++) {
        int32_t sum = v->b[2 * k] * (int8_t)s->b[2 * k] + v->b[2 * k + 1] * (int8_t)s->b[2 * k + 1];
        r->w[k] = (uint16_t)clamp(sum, INT16_MIN, INT16_MAX);
    }
}
VECTOR_3(pmaddubsw, op_pmaddubsw(&r, v, s, n))

/* ---- sums across lanes ---- */

INLINE unsigned byte_distance(unsigned a, unsigned b)
{
    return a > b ? a - b : b - a;
}

INLINE void op_psadbw(VECTOR_OPERANDS)
{
    for (unsigned k = 0; k < n / 8; k++) {
        unsigned sum = 0;
        for (unsigned j = 8 * k; j < 8 * k + 8; j++)
            sum += byte_distance(v->b[j], s->b[j]);
        r->q[k] = sum;
    }
}
VECTOR_3(psadbw, op_psadbw(&r, v, s, n))

/* Eight sums of four distances; of each half, three bits of the immediate choose where the blocks begin. */
INLINE void op_mpsadbw(VECTOR_OPERANDS, unsigned imm)
{
    for (unsigned half = 0; half < n; half += 16, imm >>= 3) {
        unsigned first = half + (imm >> 2 & 1) * 4, second = half + (imm & 3) * 4;
        for (unsigned k = 0; k < 8; k++) {
            unsigned sum = 0;
            for (unsigned j = 0; j < 4; j++)
                sum += byte_distance(v->b[first + k + j], s->b[second + j]);
            r->w[half / 2 + k] = (uint16_t)sum;
        }
    }
}
VECTOR_2(mpsadbw, op_mpsadbw(&r, v, s, n, IMM))

/* Neighbours with each other: of each half of v, then of s. */
#define HORIZONTAL(name, type, field, expr)                                                                  \
    INLINE void op_##name(VECTOR_OPERANDS)                                                                   \
    {                                                                                                        \
        unsigned count = lane_bytes(n) / sizeof(type);                                                       \
        for (unsigned k = 0; k < n / sizeof(type); k++) {                                                    \
            const union x86_vector *from = k % count < count / 2 ? v : s;                                    \
            unsigned at = k / count * count + k % (count / 2) * 2;                                           \
            type a = (type)from->field[at], b = (type)from->field[at + 1];                                   \
            r->field[k] = (type)(expr);                                                                      \
        }                                                                                                    \
    }                                                                                                        \
    VECTOR_3(name, op_##name(&r, v, s, n))
HORIZONTAL(phaddw, uint16_t, w, a + b)
HORIZONTAL(phaddd, uint32_t, d, a + b)
HORIZONTAL(phaddsw, int16_t, w, clamp(a + b, INT16_MIN, INT16_MAX))
HORIZONTAL(phsubw, uint16_t, w, a - b)
HORIZONTAL(phsubd, uint32_t, d, a - b)
HORIZONTAL(phsubsw, int16_t, w, clamp(a - b, INT16_MIN, INT16_MAX))

INLINE void op_phminposuw(union x86_vector *r, const union x86_vector *s)
{
    unsigned at = 0;
    for (unsigned k = 1; k < 8; k++)
        at = s->w[k] < s->w[at] ? k : at;
    r->q[0] = s->w[at] | (uint64_t)at << 16;
    r->q[1] = 0;
}
VECTOR_2(phminposuw, op_phminposuw(&r, s))

/* ---- shifts: a count beyond the lane's width gives zero, or copies of the sign ---- */

#define SHIFT_LANES(name, type, field, expr)                                                                 \
    INLINE void op_##name(union x86_vector *r, const union x86_vector *v, uint64_t count, unsigned n)        \
    {                                                                                                        \
        const unsigned bits = 8 * sizeof(type);                                                              \
        bool beyond = count >= bits;                                                                         \
        unsigned by = beyond ? bits - 1 : (unsigned)count;                                                   \
        for (unsigned k = 0; k < n / sizeof(type); k++) {                                                    \
            type a = (type)v->field[k];                                                                      \
            r->field[k] = (type)(expr);                                                                      \
        }                                                                                                    \
    }

/* By the low 64 bits of the second source (of 128 bits even when the first has 256). */
#define SHIFT_VECTOR(name)                                                                                   \
    MMX_VECTOR(mmx_##name, 8, op_##name(&r, v, s->q[0], n))                                                  \
    SSE_VECTOR(name, op_##name(&r, v, s->q[0], n))                                                           \
    VEX_VECTOR_W(v##name, 16, op_##name(&r, v, s->q[0], n))

/* By an immediate: r/m is the source, and the destination too without VEX. */
#define SHIFT_SSE_I(name)                                                                                    \
    X86_HANDLER(x86_##name##_i)                                                                              \
    {                                                                                                        \
        union x86_vector r, *d = &c->s.vector[i->rm];                                                        \
        op_##name(&r, d, IMM, 16);                                                                           \
        d->q[0] = r.q[0];                                                                                    \
        d->q[1] = r.q[1];                                                                                    \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    X86_HANDLER(x86_v##name##_i)                                                                             \
    {                                                                                                        \
        union x86_vector *d = &c->s.vector[i->vvvv];                                                         \
        const union x86_vector *s = &c->s.vector[i->rm];                                                     \
        VEX_BODY(op_##name(&r, s, IMM, n))                                                                   \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }
#define SHIFT_MMX_I(name)                                                                                    \
    X86_DO(mmx_##name##_i)                                                                                   \
    {                                                                                                        \
        union x86_vector r, s;                                                                               \
        if (!x86_mmx_begin(c, i, 8))                                                                         \
            return false;                                                                                    \
        s.q[0] = c->s.st[i->rm].mant;                                                                        \
        op_##name(&r, &s, IMM, 8);                                                                           \
        x86_mmx_set(c, i->rm, r.q[0]);                                                                       \
        return true;                                                                                         \
    }                                                                                                        \
    X86_HELPER(mmx_##name##_i)

#define SHIFT(name, type, field, expr)                                                                       \
    SHIFT_LANES(name, type, field, expr)                                                                     \
    SHIFT_VECTOR(name)                                                                                       \
    SHIFT_SSE_I(name)                                                                                        \
    SHIFT_MMX_I(name)
SHIFT(psllw, uint16_t, w, beyond ? 0 : (uint32_t)a << by)
SHIFT(pslld, uint32_t, d, beyond ? 0 : a << by)
SHIFT(psllq, uint64_t, q, beyond ? 0 : a << by)
SHIFT(psrlw, uint16_t, w, beyond ? 0 : a >> by)
SHIFT(psrld, uint32_t, d, beyond ? 0 : a >> by)
SHIFT(psrlq, uint64_t, q, beyond ? 0 : a >> by)
SHIFT(psraw, int16_t, w, a >> by)
SHIFT(psrad, int32_t, d, a >> by)

/* Whole registers, by bytes, each half alone. */
INLINE void op_pslldq(union x86_vector *r, const union x86_vector *v, unsigned count, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        r->b[k] = k % 16 >= count ? v->b[k - count] : 0;
}

INLINE void op_psrldq(union x86_vector *r, const union x86_vector *v, unsigned count, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        r->b[k] = k % 16 + count < 16 ? v->b[k + count] : 0;
}
SHIFT_SSE_I(pslldq)
SHIFT_SSE_I(psrldq)

/* Each lane by its own count (AVX2). */
LANES(vpsllvd, uint32_t, d, b > 31 ? 0 : a << b)
LANES(vpsllvq, uint64_t, q, b > 63 ? 0 : a << b)
LANES(vpsrlvd, uint32_t, d, b > 31 ? 0 : a >> b)
LANES(vpsrlvq, uint64_t, q, b > 63 ? 0 : a >> b)
LANES(vpsravd, uint32_t, d, (int32_t)a >> (b > 31 ? 31 : b))
VEX_VECTOR(vpsllvd, op_vpsllvd(&r, v, s, n))
VEX_VECTOR(vpsllvq, op_vpsllvq(&r, v, s, n))
VEX_VECTOR(vpsrlvd, op_vpsrlvd(&r, v, s, n))
VEX_VECTOR(vpsrlvq, op_vpsrlvq(&r, v, s, n))
VEX_VECTOR(vpsravd, op_vpsravd(&r, v, s, n))
