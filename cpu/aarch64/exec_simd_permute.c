/* Advanced SIMD: moving elements about, between registers and from immediates. */
#include "cpu/aarch64/fp_ops.h"
#include "cpu/aarch64/simd.h"

/* ---- from two registers: r[e] is element `index` of Vn and Vm in a row ---- */

#define PERMUTE(id, z, from_m, index)                                                                        \
    A64_HANDLER(id##__v_##z)                                                                                 \
    {                                                                                                        \
        union aarch64_vector r = {{0, 0}};                                                                   \
        unsigned lanes = LANES(z), half = lanes / 2;                                                         \
        (void)half;                                                                                          \
        for (unsigned e = 0; e < lanes; e++)                                                                 \
            r.z[e] = c->s.v[(from_m) ? i->rm : i->rn].z[index];                                              \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define PERMUTE_BHSD(id, from_m, index)                                                                      \
    PERMUTE(id, b, from_m, index)                                                                            \
    PERMUTE(id, h, from_m, index) PERMUTE(id, s, from_m, index) PERMUTE(id, d, from_m, index)

PERMUTE_BHSD(zip1, e & 1, e / 2)
PERMUTE_BHSD(zip2, e & 1, half + e / 2)
PERMUTE_BHSD(uzp1, e >= half, 2 * (e & (half - 1)))
PERMUTE_BHSD(uzp2, e >= half, 2 * (e & (half - 1)) + 1)
PERMUTE_BHSD(trn1, e & 1, e & ~1u)
PERMUTE_BHSD(trn2, e & 1, e | 1)

/* EXT: bytes from the middle of the two on. */
A64_HANDLER(ext__v)
{
    const union aarch64_vector *n = &c->s.v[i->rn], *m = &c->s.v[i->rm];
    unsigned right = 8 * (simd_bits(i) >> 11 & 15);
    unsigned __int128 low = n->d[0] | (unsigned __int128)n->d[1] << 64;
    unsigned __int128 high = m->d[0] | (unsigned __int128)m->d[1] << 64;
    if (right)
        low = low >> right | high << (128 - right);
    c->s.v[i->rd] = (union aarch64_vector){{(uint64_t)low, (uint64_t)(low >> 64)}};
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(ext__v_half)
{
    unsigned right = 8 * (simd_bits(i) >> 11 & 7);
    unsigned __int128 both = c->s.v[i->rn].d[0] | (unsigned __int128)c->s.v[i->rm].d[0] << 64;
    simd_write_scalar(c, i, (uint64_t)(both >> right));
    TAIL return a64_next(c, i, bank, pc);
}

/* TBL and TBX: bytes of one to four registers, which go around after V31; others are 0 or stay. */
INLINE union aarch64_vector table_lookup(const struct aarch64_core *c, const struct a64_insn *i,
                                         union aarch64_vector r)
{
    unsigned registers = (simd_bits(i) >> 13 & 3) + 1;
    union aarch64_vector index = c->s.v[i->rm];
    for (unsigned e = 0; e < LANES(b); e++) {
        unsigned n = index.b[e];
        if (n < 16 * registers)
            r.b[e] = c->s.v[(i->rn + n / 16) & 31].b[n & 15];
    }
    return r;
}

A64_HANDLER(tbl__v)
{
    c->s.v[i->rd] = table_lookup(c, i, (union aarch64_vector){{0, 0}});
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(tbx__v)
{
    simd_write(c, i, table_lookup(c, i, c->s.v[i->rd]));
    TAIL return a64_next(c, i, bank, pc);
}

/* ---- single elements; imm5 is the element's number above the bit that tells its size ---- */

#define INDEX_b (simd_bits(i) >> 17 & 15)
#define INDEX_h (simd_bits(i) >> 18 & 7)
#define INDEX_s (simd_bits(i) >> 19 & 3)
#define INDEX_d (simd_bits(i) >> 20 & 1)

/* INS (element) has the source's number in imm4, which is imm5's position without the size bit. */
#define SOURCE_b (simd_bits(i) >> 11 & 15)
#define SOURCE_h (simd_bits(i) >> 12 & 7)
#define SOURCE_s (simd_bits(i) >> 13 & 3)
#define SOURCE_d (simd_bits(i) >> 14 & 1)

#define DUPLICATE(id, z, value)                                                                              \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r;                                                                              \
        u_##z v = (u_##z)(value);                                                                            \
        for (unsigned e = 0; e < FULL(z); e++)                                                               \
            r.z[e] = v;                                                                                      \
        simd_write(c, i, r);                                                                                 \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define INSERT(id, z, value)                                                                                 \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        c->s.v[i->rd].z[INDEX_##z] = (u_##z)(value);                                                         \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define EXTRACT(id, type, value)                                                                             \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        c->s.x[i->rd] = (type)(value);                                                                       \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define MOVES(z)                                                                                             \
    DUPLICATE(dup__v_##z, z, c->s.v[i->rn].z[INDEX_##z])                                                     \
    DUPLICATE(dup__general_##z, z, c->s.x[i->rn])                                                            \
    INSERT(ins__v_##z, z, c->s.v[i->rn].z[SOURCE_##z])                                                       \
    INSERT(ins__general_##z, z, c->s.x[i->rn])                                                               \
    EXTRACT(umov_##z, u_##z, c->s.v[i->rn].z[INDEX_##z])                                                     \
    A64_HANDLER(dup__sc_##z)                                                                                 \
    {                                                                                                        \
        simd_write_scalar(c, i, c->s.v[i->rn].z[INDEX_##z]);                                                 \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

MOVES(b)
MOVES(h)
MOVES(s)
MOVES(d)

EXTRACT(smov_w_b, uint32_t, (s_b)c->s.v[i->rn].b[INDEX_b])
EXTRACT(smov_w_h, uint32_t, (s_h)c->s.v[i->rn].h[INDEX_h])
EXTRACT(smov_x_b, uint64_t, (s_b)c->s.v[i->rn].b[INDEX_b])
EXTRACT(smov_x_h, uint64_t, (s_h)c->s.v[i->rn].h[INDEX_h])
EXTRACT(smov_x_s, uint64_t, (s_s)c->s.v[i->rn].s[INDEX_s])

/* ---- immediates (AdvSIMDExpandImm): a:b:c:d:e:f:g:h ---- */

#define REPEATED_8  0x0101010101010101u
#define REPEATED_16 0x0001000100010001u
#define REPEATED_32 0x0000000100000001u

INLINE uint64_t imm8(const struct a64_insn *i)
{
    return (simd_bits(i) >> 16 & 7) << 5 | (simd_bits(i) >> 5 & 31);
}

INLINE unsigned cmode(const struct a64_insn *i)
{
    return simd_bits(i) >> 12 & 15;
}

/* 32-bit elements shifted by 0 to 24, 16-bit ones by 0 or 8, and 32-bit ones with ones shifted in. */
INLINE uint64_t imm_32(const struct a64_insn *i)
{
    return (imm8(i) << 8 * (cmode(i) >> 1 & 3)) * REPEATED_32;
}

INLINE uint64_t imm_16(const struct a64_insn *i)
{
    return (imm8(i) << 8 * (cmode(i) >> 1 & 1)) * REPEATED_16;
}

INLINE uint64_t imm_msl(const struct a64_insn *i)
{
    return (cmode(i) & 1 ? imm8(i) << 16 | 0xffff : imm8(i) << 8 | 0xff) * REPEATED_32;
}

/* Each bit of the immediate as a byte. */
INLINE uint64_t imm_mask(const struct a64_insn *i)
{
    uint64_t found = (imm8(i) * REPEATED_8 & 0x8040201008040201) + 0x7f7f7f7f7f7f7f7f;
    return (found >> 7 & REPEATED_8) * 0xff;
}

#define IMMEDIATE(id, value)                                                                                 \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        const union aarch64_vector old = c->s.v[i->rd];                                                      \
        union aarch64_vector r;                                                                              \
        for (unsigned e = 0; e < 2; e++) {                                                                   \
            uint64_t d = old.d[e];                                                                           \
            (void)d;                                                                                         \
            r.d[e] = (value);                                                                                \
        }                                                                                                    \
        simd_write(c, i, r);                                                                                 \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

IMMEDIATE(movi__v_b, imm8(i) * REPEATED_8)
IMMEDIATE(movi__v_h, imm_16(i))
IMMEDIATE(movi__v_s, imm_32(i))
IMMEDIATE(movi__v_msl, imm_msl(i))
IMMEDIATE(movi__v_d, imm_mask(i)) /* a scalar without Q */
IMMEDIATE(mvni__v_h, ~imm_16(i))
IMMEDIATE(mvni__v_s, ~imm_32(i))
IMMEDIATE(mvni__v_msl, ~imm_msl(i))
IMMEDIATE(orr__imm_h, d | imm_16(i))
IMMEDIATE(orr__imm_s, d | imm_32(i))
IMMEDIATE(bic__imm_h, d & ~imm_16(i))
IMMEDIATE(bic__imm_s, d & ~imm_32(i))
IMMEDIATE(fmov__imm_v_h, fp_immediate_h((uint8_t)imm8(i)) * REPEATED_16)
IMMEDIATE(fmov__imm_v_s, fp_immediate_s((uint8_t)imm8(i)) * REPEATED_32)
IMMEDIATE(fmov__imm_v_d, fp_immediate_d((uint8_t)imm8(i)))
