/*
 * What the handlers of SIMD&FP instructions have in common: element types, reading and writing registers, and
 * the shapes that make a handler of an expression on elements.
 *
 * z stands for an element size: b, h, s or d. The expressions of EACH and its kind see n, m and d, the
 * elements of Vn, Vm and Vd, and sn, sm and sd, the same as signed numbers; c and i as in any handler.
 */
#pragma once

#include "cpu/aarch64/fpcr.h"
#include "cpu/aarch64/interp.h"

/* Unsigned and signed elements, and those twice as wide. */
typedef uint8_t u_b;
typedef uint16_t u_h, u2_b;
typedef uint32_t u_s, u2_h;
typedef uint64_t u_d, u2_s;
typedef unsigned __int128 u2_d;
typedef int8_t s_b;
typedef int16_t s_h, s2_b;
typedef int32_t s_s, s2_h;
typedef int64_t s_d, s2_s;
typedef __int128 s2_d;

/* Members of union aarch64_vector that hold elements twice as wide. */
#define WIDER_b h
#define WIDER_h s
#define WIDER_s d

#define BITS(z)      (8 * (unsigned)sizeof(u_##z))
#define FULL(z)      (16 / (unsigned)sizeof(u_##z)) /* elements of a whole register */
#define PASTE_(a, b) a##b
#define PASTE(a, b)  PASTE_(a, b)

INLINE uint32_t simd_bits(const struct a64_insn *i)
{
    return (uint32_t)i->imm;
}

/* Q: all 128 bits of the registers, or the second half where a half is narrowed to or widened from. */
INLINE unsigned simd_q(const struct a64_insn *i)
{
    return simd_bits(i) >> 30 & 1;
}

#define LANES(z) (FULL(z) / 2 << simd_q(i))

INLINE void simd_write(struct aarch64_core *c, const struct a64_insn *i, union aarch64_vector r)
{
    r.d[1] &= -(uint64_t)simd_q(i);
    c->s.v[i->rd] = r;
}

/* A scalar result; the rest of the register becomes 0. */
INLINE void simd_write_scalar(struct aarch64_core *c, const struct a64_insn *i, uint64_t r)
{
    c->s.v[i->rd].d[0] = r;
    c->s.v[i->rd].d[1] = 0;
}

/* Saturation. */
INLINE void simd_qc_set(struct aarch64_core *c, bool saturated)
{
    if (saturated)
        c->s.fpsr |= FPSR_QC;
}

INLINE int64_t sat_signed(struct aarch64_core *c, __int128 v, unsigned bits)
{
    int64_t max = (int64_t)(~(uint64_t)0 >> (65 - bits)), min = -max - 1;
    simd_qc_set(c, v > max || v < min);
    return v > max ? max : v < min ? min : (int64_t)v;
}

INLINE uint64_t sat_unsigned(struct aarch64_core *c, __int128 v, unsigned bits)
{
    uint64_t max = ~(uint64_t)0 >> (64 - bits);
    simd_qc_set(c, v > (__int128)max || v < 0);
    return v > (__int128)max ? max : v < 0 ? 0 : (uint64_t)v;
}

/* The product of two polynomials of 8 bits. */
INLINE uint16_t simd_poly_mul8(uint8_t a, uint8_t b)
{
    unsigned product = 0;
    for (unsigned bit = 0; bit < 8; bit++)
        product ^= (b >> bit & 1u) * ((unsigned)a << bit);
    return (uint16_t)product;
}

#define SIMD_ELEMENTS(z, e, of_m)                                                                            \
    u_##z n = c->s.v[i->rn].z[e], m = (of_m), d = c->s.v[i->rd].z[e];                                        \
    s_##z sn = (s_##z)n, sm = (s_##z)m, sd = (s_##z)d;                                                       \
    (void)n, (void)m, (void)d, (void)sn, (void)sm, (void)sd;

/* The element of Vm that "by element" instructions use, by H:L:M; 16-bit ones are in V0 to V15. */
#define SIMD_INDEXED_h c->s.v[i->rm & 15].h[(simd_bits(i) >> 11 & 1) << 2 | (simd_bits(i) >> 20 & 3)]
#define SIMD_INDEXED_s c->s.v[i->rm].s[(simd_bits(i) >> 11 & 1) << 1 | (simd_bits(i) >> 21 & 1)]
#define SIMD_INDEXED_d c->s.v[i->rm].d[simd_bits(i) >> 11 & 1]

/* Every element, without side effects: computes the high half in any case, which is what vectorises well. */
#define EACH_WITH(id, z, of_m, expr)                                                                         \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r;                                                                              \
        for (unsigned e = 0; e < FULL(z); e++) {                                                             \
            SIMD_ELEMENTS(z, e, of_m)                                                                        \
            r.z[e] = (u_##z)(expr);                                                                          \
        }                                                                                                    \
        simd_write(c, i, r);                                                                                 \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define EACH(id, z, expr)    EACH_WITH(id, z, c->s.v[i->rm].z[e], expr)
#define ELEMENT(id, z, expr) EACH_WITH(id, z, SIMD_INDEXED_##z, expr)

/* Every element, with side effects such as QC. */
#define EACH_Q_WITH(id, z, of_m, expr)                                                                       \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r = {{0, 0}};                                                                   \
        for (unsigned e = 0; e < LANES(z); e++) {                                                            \
            SIMD_ELEMENTS(z, e, of_m)                                                                        \
            r.z[e] = (u_##z)(expr);                                                                          \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define EACH_Q(id, z, expr)    EACH_Q_WITH(id, z, c->s.v[i->rm].z[e], expr)
#define ELEMENT_Q(id, z, expr) EACH_Q_WITH(id, z, SIMD_INDEXED_##z, expr)

/* The lowest element, as a scalar. */
#define SCALAR_WITH(id, z, of_m, expr)                                                                       \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        SIMD_ELEMENTS(z, 0, of_m)                                                                            \
        simd_write_scalar(c, i, (u_##z)(expr));                                                              \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define SCALAR(id, z, expr)         SCALAR_WITH(id, z, c->s.v[i->rm].z[0], expr)
#define SCALAR_ELEMENT(id, z, expr) SCALAR_WITH(id, z, SIMD_INDEXED_##z, expr)

/* Families: vectors are a64_<mnemonic>__v_<size>, scalars a64_<mnemonic>__sc_<size>. */
#define EACH_B(id, expr)      EACH(id##__v_b, b, expr)
#define EACH_BH(id, expr)     EACH_B(id, expr) EACH(id##__v_h, h, expr)
#define EACH_BHS(id, expr)    EACH_BH(id, expr) EACH(id##__v_s, s, expr)
#define EACH_BHSD(id, expr)   EACH_BHS(id, expr) EACH(id##__v_d, d, expr)
#define SCALAR_D(id, expr)    SCALAR(id##__sc_d, d, expr)
#define BOTH_BHSD_D(id, expr) EACH_BHSD(id, expr) SCALAR_D(id, expr)

#define EACH_Q_BHS(id, expr)  EACH_Q(id##__v_b, b, expr) EACH_Q(id##__v_h, h, expr) EACH_Q(id##__v_s, s, expr)
#define EACH_Q_BHSD(id, expr) EACH_Q_BHS(id, expr) EACH_Q(id##__v_d, d, expr)
#define SCALAR_BHS(id, expr)                                                                                 \
    SCALAR(id##__sc_b, b, expr) SCALAR(id##__sc_h, h, expr) SCALAR(id##__sc_s, s, expr)
#define BOTH_Q_BHSD(id, expr) EACH_Q_BHSD(id, expr) SCALAR_BHS(id, expr) SCALAR_D(id, expr)

/* Elements half as wide as n and m, into the second half of Vd with Q, which leaves the first as it is. */
#define NARROW(id, z, expr)                                                                                  \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r = {{c->s.v[i->rd].d[0], 0}};                                                  \
        unsigned base = simd_q(i) * (FULL(z) / 2);                                                           \
        for (unsigned e = 0; e < FULL(z) / 2; e++) {                                                         \
            u2_##z n = c->s.v[i->rn].WIDER_##z[e], m = c->s.v[i->rm].WIDER_##z[e];                           \
            s2_##z sn = (s2_##z)n;                                                                           \
            (void)m, (void)sn;                                                                               \
            r.z[base + e] = (u_##z)(expr);                                                                   \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define NARROW_SCALAR(id, z, expr)                                                                           \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        u2_##z n = c->s.v[i->rn].WIDER_##z[0];                                                               \
        s2_##z sn = (s2_##z)n;                                                                               \
        (void)sn;                                                                                            \
        simd_write_scalar(c, i, (u_##z)(expr));                                                              \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define NARROW_BHS(id, expr) NARROW(id##__v_b, b, expr) NARROW(id##__v_h, h, expr) NARROW(id##__v_s, s, expr)
#define NARROW_BOTH_BHS(id, expr)                                                                            \
    NARROW_BHS(id, expr)                                                                                     \
    NARROW_SCALAR(id##__sc_b, b, expr)                                                                       \
    NARROW_SCALAR(id##__sc_h, h, expr)                                                                       \
    NARROW_SCALAR(id##__sc_s, s, expr)
