/* Vectors: packing, unpacking, shuffles, blends, permutations and broadcasts. */
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/vector.h"

/* ---- narrower: of each half first v's lanes, then s's ---- */

#define PACK(name, from_type, from, to, low, high)                                                           \
    INLINE void op_##name(VECTOR_OPERANDS)                                                                   \
    {                                                                                                        \
        unsigned count = lane_bytes(n) / sizeof(v->to[0]);                                                   \
        for (unsigned k = 0; k < n / sizeof(v->to[0]); k++) {                                                \
            const union x86_vector *source = k % count < count / 2 ? v : s;                                  \
            from_type a = (from_type)source->from[k / count * (count / 2) + k % (count / 2)];                \
            r->to[k] = (__typeof__(r->to[k]))(a < (low) ? (low) : a > (high) ? (high) : a);                  \
        }                                                                                                    \
    }
PACK(packsswb, int16_t, w, b, INT8_MIN, INT8_MAX)
PACK(packuswb, int16_t, w, b, 0, UINT8_MAX)
PACK(packssdw, int32_t, d, w, INT16_MIN, INT16_MAX)
PACK(packusdw, int32_t, d, w, 0, UINT16_MAX)
VECTOR_3(packsswb, op_packsswb(&r, v, s, n))
VECTOR_3(packuswb, op_packuswb(&r, v, s, n))
VECTOR_3(packssdw, op_packssdw(&r, v, s, n))
VECTOR_2(packusdw, op_packusdw(&r, v, s, n))

/* ---- lanes of v and s in turn, from the low or the high part of each half ---- */

#define UNPACK(name, field, high)                                                                            \
    INLINE void op_##name(VECTOR_OPERANDS)                                                                   \
    {                                                                                                        \
        unsigned count = lane_bytes(n) / sizeof(v->field[0]);                                                \
        for (unsigned k = 0; k < n / sizeof(v->field[0]); k += 2) {                                          \
            unsigned at = k / count * count + k % count / 2 + ((high) ? count / 2 : 0);                      \
            r->field[k] = v->field[at];                                                                      \
            r->field[k + 1] = s->field[at];                                                                  \
        }                                                                                                    \
    }
UNPACK(punpcklbw, b, false)
UNPACK(punpcklwd, w, false)
UNPACK(punpckldq, d, false)
UNPACK(punpcklqdq, q, false)
UNPACK(punpckhbw, b, true)
UNPACK(punpckhwd, w, true)
UNPACK(punpckhdq, d, true)
UNPACK(punpckhqdq, q, true)
/* The low ones take 32 bits of an MMX operand in memory. */
MMX_VECTOR(mmx_punpcklbw, 4, op_punpcklbw(&r, v, s, n))
MMX_VECTOR(mmx_punpcklwd, 4, op_punpcklwd(&r, v, s, n))
MMX_VECTOR(mmx_punpckldq, 4, op_punpckldq(&r, v, s, n))
VECTOR_2(punpcklbw, op_punpcklbw(&r, v, s, n))
VECTOR_2(punpcklwd, op_punpcklwd(&r, v, s, n))
VECTOR_2(punpckldq, op_punpckldq(&r, v, s, n))
VECTOR_2(punpcklqdq, op_punpcklqdq(&r, v, s, n))
VECTOR_3(punpckhbw, op_punpckhbw(&r, v, s, n))
VECTOR_3(punpckhwd, op_punpckhwd(&r, v, s, n))
VECTOR_3(punpckhdq, op_punpckhdq(&r, v, s, n))
VECTOR_2(punpckhqdq, op_punpckhqdq(&r, v, s, n))
VECTOR_2(unpcklps, op_punpckldq(&r, v, s, n))
VECTOR_2(unpcklpd, op_punpcklqdq(&r, v, s, n))
VECTOR_2(unpckhps, op_punpckhdq(&r, v, s, n))
VECTOR_2(unpckhpd, op_punpckhqdq(&r, v, s, n))

/* ---- shuffles ---- */

INLINE void op_pshufb(VECTOR_OPERANDS)
{
    unsigned lane = lane_bytes(n);
    for (unsigned k = 0; k < n; k++)
        r->b[k] = s->b[k] & 0x80 ? 0 : v->b[k / lane * lane + (s->b[k] & (lane - 1))];
}
VECTOR_3(pshufb, op_pshufb(&r, v, s, n))

/* Four lanes of 32 bits by two bits each, in either half. */
INLINE void op_pshufd(union x86_vector *r, const union x86_vector *s, unsigned n, unsigned imm)
{
    for (unsigned k = 0; k < n / 4; k++)
        r->d[k] = s->d[(k & 4) + (imm >> (k & 3) * 2 & 3)];
}
VECTOR_2(pshufd, op_pshufd(&r, s, n, IMM))
VEX_VECTOR(vpermilps_i, op_pshufd(&r, s, n, IMM))

/* Four words of each 64 bits that begin `offset` bytes into a half; the others are copied. */
INLINE void op_pshufw(union x86_vector *r, const union x86_vector *s, unsigned n, unsigned imm,
                      unsigned offset)
{
    for (unsigned k = 0; k < n / 2; k++) {
        bool moves = lane_bytes(n) == 8 || (k & 4) == offset / 2;
        r->w[k] = s->w[moves ? (k & ~3u) + (imm >> (k & 3) * 2 & 3) : k];
    }
}
MMX_VECTOR(mmx_pshufw, 8, op_pshufw(&r, s, n, IMM, 0))
VECTOR_2(pshuflw, op_pshufw(&r, s, n, IMM, 0))
VECTOR_2(pshufhw, op_pshufw(&r, s, n, IMM, 8))

INLINE void op_shufps(VECTOR_OPERANDS, unsigned imm)
{
    for (unsigned k = 0; k < n / 4; k++)
        r->d[k] = (k & 2 ? s : v)->d[(k & 4) + (imm >> (k & 3) * 2 & 3)];
}
VECTOR_2(shufps, op_shufps(&r, v, s, n, IMM))

INLINE void op_shufpd(VECTOR_OPERANDS, unsigned imm)
{
    for (unsigned k = 0; k < n / 8; k++)
        r->q[k] = (k & 1 ? s : v)->q[(k & 2) + (imm >> k & 1)];
}
VECTOR_2(shufpd, op_shufpd(&r, v, s, n, IMM))

/* v above s, shifted right by bytes, in either half. */
INLINE void op_palignr(VECTOR_OPERANDS, unsigned imm)
{
    unsigned lane = lane_bytes(n);
    for (unsigned k = 0; k < n; k++) {
        unsigned at = k % lane + imm, base = k / lane * lane;
        r->b[k] = at < lane ? s->b[base + at] : at < 2 * lane ? v->b[base + at - lane] : 0;
    }
}
VECTOR_3(palignr, op_palignr(&r, v, s, n, IMM))

#define DUPLICATE(name, field, source)                                                                       \
    INLINE void op_##name(union x86_vector *r, const union x86_vector *s, unsigned n)                        \
    {                                                                                                        \
        for (unsigned k = 0; k < n / sizeof(r->field[0]); k++)                                               \
            r->field[k] = s->field[source];                                                                  \
    }
DUPLICATE(movsldup, d, k & ~1u)
DUPLICATE(movshdup, d, k | 1)
DUPLICATE(movddup, q, k & ~1u)
VECTOR_2(movsldup, op_movsldup(&r, s, n))
VECTOR_2(movshdup, op_movshdup(&r, s, n))
SSE_VECTOR_W(movddup, 8, 1, op_movddup(&r, s, n))
VEX_VECTOR_W(vmovddup, i->flags &INSN_L ? 32 : 8, op_movddup(&r, s, n))

/* ---- blends ---- */

#define BLEND(name, field, chooses_s)                                                                        \
    INLINE void op_##name(VECTOR_OPERANDS, unsigned imm)                                                     \
    {                                                                                                        \
        for (unsigned k = 0; k < n / sizeof(v->field[0]); k++)                                               \
            r->field[k] = (chooses_s) ? s->field[k] : v->field[k];                                           \
    }
BLEND(blendps, d, imm >> k & 1)
BLEND(blendpd, q, imm >> k & 1)
BLEND(pblendw, w, imm >> (k & 7) & 1)
VECTOR_2(blendps, op_blendps(&r, v, s, n, IMM))
VECTOR_2(blendpd, op_blendpd(&r, v, s, n, IMM))
VECTOR_2(pblendw, op_pblendw(&r, v, s, n, IMM))
VEX_VECTOR(vpblendd, op_blendps(&r, v, s, n, IMM))

/* By the top bits of a third vector: XMM0, or the register in the immediate. */
#define BLEND_VARIABLE(name, field)                                                                          \
    INLINE void op_##name(VECTOR_OPERANDS, const union x86_vector *mask)                                     \
    {                                                                                                        \
        for (unsigned k = 0; k < n / sizeof(v->field[0]); k++)                                               \
            r->field[k] = mask->field[k] >> (8 * sizeof(v->field[0]) - 1) ? s->field[k] : v->field[k];       \
    }                                                                                                        \
    SSE_VECTOR(name, op_##name(&r, v, s, n, &c->s.vector[0]))                                                \
    VEX_VECTOR(v##name, op_##name(&r, v, s, n, &c->s.vector[IMM >> 4 & (c->mode & MODE_64 ? 15 : 7)]))
BLEND_VARIABLE(pblendvb, b)
BLEND_VARIABLE(blendvps, d)
BLEND_VARIABLE(blendvpd, q)

/* ---- wider lanes ---- */

#define EXTEND(name, from_type, from, to)                                                                    \
    INLINE void op_##name(union x86_vector *r, const union x86_vector *s, unsigned n)                        \
    {                                                                                                        \
        for (unsigned k = 0; k < n / sizeof(r->to[0]); k++)                                                  \
            r->to[k] = (__typeof__(r->to[k]))(from_type)s->from[k];                                          \
    }                                                                                                        \
    SSE_VECTOR_W(name, 16 * sizeof(from_type) / sizeof(((union x86_vector *)0)->to[0]), 1,                   \
                 op_##name(&r, s, n))                                                                        \
    VEX_VECTOR_W(v##name, VEX_WIDTH * sizeof(from_type) / sizeof(((union x86_vector *)0)->to[0]),            \
                 op_##name(&r, s, n))
EXTEND(pmovsxbw, int8_t, b, w)
EXTEND(pmovsxbd, int8_t, b, d)
EXTEND(pmovsxbq, int8_t, b, q)
EXTEND(pmovsxwd, int16_t, w, d)
EXTEND(pmovsxwq, int16_t, w, q)
EXTEND(pmovsxdq, int32_t, d, q)
EXTEND(pmovzxbw, uint8_t, b, w)
EXTEND(pmovzxbd, uint8_t, b, d)
EXTEND(pmovzxbq, uint8_t, b, q)
EXTEND(pmovzxwd, uint16_t, w, d)
EXTEND(pmovzxwq, uint16_t, w, q)
EXTEND(pmovzxdq, uint32_t, d, q)

/* ---- AVX's permutations ---- */

INLINE void op_vpermilps(VECTOR_OPERANDS)
{
    for (unsigned k = 0; k < n / 4; k++)
        r->d[k] = v->d[(k & 4) + (s->d[k] & 3)];
}
VEX_VECTOR(vpermilps, op_vpermilps(&r, v, s, n))

INLINE void op_vpermilpd(VECTOR_OPERANDS)
{
    for (unsigned k = 0; k < n / 8; k++)
        r->q[k] = v->q[(k & 2) + (s->q[k] >> 1 & 1)];
}
VEX_VECTOR(vpermilpd, op_vpermilpd(&r, v, s, n))

INLINE void op_vpermilpd_i(union x86_vector *r, const union x86_vector *s, unsigned n, unsigned imm)
{
    for (unsigned k = 0; k < n / 8; k++)
        r->q[k] = s->q[(k & 2) + (imm >> k & 1)];
}
VEX_VECTOR(vpermilpd_i, op_vpermilpd_i(&r, s, n, IMM))

/* Any 32 bits to anywhere: v has the numbers. */
INLINE void op_vpermd(VECTOR_OPERANDS)
{
    for (unsigned k = 0; k < n / 4; k++)
        r->d[k] = s->d[v->d[k] & 7];
}
VEX_VECTOR(vpermd, op_vpermd(&r, v, s, n))

INLINE void op_vpermq(union x86_vector *r, const union x86_vector *s, unsigned n, unsigned imm)
{
    for (unsigned k = 0; k < n / 8; k++)
        r->q[k] = s->q[imm >> 2 * k & 3];
}
VEX_VECTOR(vpermq, op_vpermq(&r, s, n, IMM))

/* Halves of v and s, or zero. */
INLINE void op_vperm2f128(VECTOR_OPERANDS, unsigned imm)
{
    for (unsigned k = 0; k < n / 8; k++) {
        unsigned control = imm >> 4 * (k / 2);
        r->q[k] = control & 8 ? 0 : (control & 2 ? s : v)->q[(control & 1) * 2 + k % 2];
    }
}
VEX_VECTOR(vperm2f128, op_vperm2f128(&r, v, s, n, IMM))

INLINE void op_vinsertf128(VECTOR_OPERANDS, unsigned imm)
{
    for (unsigned k = 0; k < n / 8; k++)
        r->q[k] = k / 2 == (imm & 1) ? s->q[k & 1] : v->q[k];
}
VEX_VECTOR_W(vinsertf128, 16, op_vinsertf128(&r, v, s, n, IMM))

X86_HANDLER(x86_vextractf128_r)
{
    const union x86_vector *s = &c->s.vector[i->reg];
    union x86_vector r = {.q = {s->q[(IMM & 1) * 2], s->q[(IMM & 1) * 2 + 1]}};
    c->s.vector[i->rm] = r;
    TAIL return x86_next(c, i, bank, pc);
}

X86_HANDLER(x86_vextractf128_m)
{
    const union x86_vector *s = &c->s.vector[i->reg];
    c->operand.q[0] = s->q[(IMM & 1) * 2];
    c->operand.q[1] = s->q[(IMM & 1) * 2 + 1];
    if (unlikely(!x86_operand_store(c, i, pc, 16, 1)))
        TAIL return x86_raise(c, i, bank, pc);
    TAIL return x86_next_slow(c, i, bank, pc);
}

/* ---- broadcasts ---- */

DUPLICATE(vpbroadcastb, b, 0)
DUPLICATE(vpbroadcastw, w, 0)
DUPLICATE(vpbroadcastd, d, 0)
DUPLICATE(vpbroadcastq, q, 0)
DUPLICATE(vbroadcastf128, q, k & 1)
VEX_VECTOR_W(vpbroadcastb, 1, op_vpbroadcastb(&r, s, n))
VEX_VECTOR_W(vpbroadcastw, 2, op_vpbroadcastw(&r, s, n))
VEX_VECTOR_W(vpbroadcastd, 4, op_vpbroadcastd(&r, s, n))
VEX_VECTOR_W(vpbroadcastq, 8, op_vpbroadcastq(&r, s, n))
VEX_VECTOR_W(vbroadcastf128, 16, op_vbroadcastf128(&r, s, n))

/* ---- tests that set flags ---- */

/* ZF: no bit of s is in v; CF: all are. */
INLINE void vector_test(struct x86_core *c, const struct x86_insn *i, const union x86_vector *s,
                        uint64_t mask)
{
    const union x86_vector *v = &c->s.vector[i->reg];
    uint64_t common = 0, missing = 0;
    for (unsigned k = 0; k < VEX_WIDTH / 8; k++) {
        common |= v->q[k] & s->q[k] & mask;
        missing |= ~v->q[k] & s->q[k] & mask;
    }
    x86_flags_set(c, FLAGS_STATUS, (common ? 0 : FLAG_ZF) | (missing ? 0 : FLAG_CF));
}
X86_VECTOR(ptest, 16, 16, vector_test(c, i, s, ~(uint64_t)0))
X86_VECTOR(vptest, VEX_WIDTH, 1, vector_test(c, i, s, ~(uint64_t)0))
X86_VECTOR(vtestps, VEX_WIDTH, 1, vector_test(c, i, s, 0x8000000080000000))
X86_VECTOR(vtestpd, VEX_WIDTH, 1, vector_test(c, i, s, 0x8000000000000000))
