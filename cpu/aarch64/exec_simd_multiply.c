/*
 * Advanced SIMD, integers: products. Most come with a vector, or with one element of it
 * (a64_<mnemonic>__x_<size>), as the second factor; the saturating ones as scalars, too
 * (a64_<mnemonic>__sc_<size>, __scx_<size>).
 */
#include "cpu/aarch64/simd.h"

#include "cpu/crypto/clmul.h"

/* ---- as wide as their factors ---- */

#define PRODUCT_BHS(id, expr)                                                                                \
    EACH_BHS(id, expr)                                                                                       \
    ELEMENT(id##__x_h, h, expr)                                                                              \
    ELEMENT(id##__x_s, s, expr)

PRODUCT_BHS(mul, 1u * n * m)
PRODUCT_BHS(mla, d + 1u * n * m)
PRODUCT_BHS(mls, d - 1u * n * m)
EACH_B(pmul, simd_poly_mul8(n, m))

/* ---- the high half of a doubled product ---- */

/* (accumulator * 2^bits + 2 * product + rounding) / 2^bits */
static int64_t doubled_high(struct aarch64_core *c, int64_t accumulator, int64_t product, unsigned bits,
                            bool rounded)
{
    __int128 sum = ((__int128)accumulator << bits) + 2 * (__int128)product;
    if (rounded)
        sum += (__int128)1 << (bits - 1);
    return sat_signed(c, sum >> bits, bits);
}

#define DOUBLED_HIGH_(id, z, expr)                                                                           \
    EACH_Q(id##__v_##z, z, expr)                                                                             \
    ELEMENT_Q(id##__x_##z, z, expr)                                                                          \
    SCALAR(id##__sc_##z, z, expr)                                                                            \
    SCALAR_ELEMENT(id##__scx_##z, z, expr)
#define DOUBLED_HIGH(id, accumulator, product, rounded)                                                      \
    DOUBLED_HIGH_(id, h, doubled_high(c, accumulator, product, 16, rounded))                                 \
    DOUBLED_HIGH_(id, s, doubled_high(c, accumulator, product, 32, rounded))

DOUBLED_HIGH(sqdmulh, 0, (int64_t)sn *sm, false)
DOUBLED_HIGH(sqrdmulh, 0, (int64_t)sn *sm, true)
DOUBLED_HIGH(sqrdmlah, sd, (int64_t)sn *sm, true)
DOUBLED_HIGH(sqrdmlsh, sd, -((int64_t)sn *sm), true)

/* ---- twice as wide as their factors, which with Q are in the second halves ---- */

/* Elements twice as wide; n and m are sign- or zero-extended to them, d is the accumulator. */
#define WIDE_ELEMENTS(z, e, sign, of_m)                                                                      \
    sign##2_##z n = (sign##_##z)c->s.v[i->rn].z[e], m = (sign##_##z)(of_m);

#define LONG_WITH(id, z, sign, of_m, expr)                                                                   \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r;                                                                              \
        unsigned base = simd_q(i) * (FULL(z) / 2);                                                           \
        for (unsigned e = 0; e < FULL(z) / 2; e++) {                                                         \
            WIDE_ELEMENTS(z, base + e, sign, of_m)                                                           \
            sign##2_##z d = (sign##2_##z)c->s.v[i->rd].WIDER_##z[e];                                         \
            (void)d;                                                                                         \
            r.WIDER_##z[e] = (u2_##z)(expr);                                                                 \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define LONG(id, z, sign, expr)         LONG_WITH(id, z, sign, c->s.v[i->rm].z[base + e], expr)
#define LONG_ELEMENT(id, z, sign, expr) LONG_WITH(id, z, sign, SIMD_INDEXED_##z, expr)
#define LONG_BHS(id, sign, expr)                                                                             \
    LONG(id##__v_b, b, sign, expr)                                                                           \
    LONG(id##__v_h, h, sign, expr)                                                                           \
    LONG(id##__v_s, s, sign, expr)                                                                           \
    LONG_ELEMENT(id##__x_h, h, sign, expr)                                                                   \
    LONG_ELEMENT(id##__x_s, s, sign, expr)

LONG_BHS(smull, s, n *m)
LONG_BHS(umull, u, 1u * n * m)
LONG_BHS(smlal, s, d + n * m)
LONG_BHS(umlal, u, d + 1u * n * m)
LONG_BHS(smlsl, s, d - n * m)
LONG_BHS(umlsl, u, d - 1u * n * m)
LONG(pmull__v_b, b, u, simd_poly_mul8((uint8_t)n, (uint8_t)m))

A64_HANDLER(pmull__v_d)
{
    unsigned half = simd_q(i);
    struct clmul_product product = clmul64(c->s.v[i->rn].d[half], c->s.v[i->rm].d[half]);
    c->s.v[i->rd] = (union aarch64_vector){{product.lo, product.hi}};
    TAIL return a64_next(c, i, bank, pc);
}

/* ---- doubled, accumulated, and saturated at either step ---- */

static int64_t doubled(struct aarch64_core *c, int64_t n, int64_t m, unsigned bits)
{
    return sat_signed(c, 2 * (__int128)n * m, bits);
}

#define LONG_SCALAR_WITH(id, z, of_m, expr)                                                                  \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        WIDE_ELEMENTS(z, 0, s, of_m)                                                                         \
        s2_##z d = (s2_##z)c->s.v[i->rd].WIDER_##z[0];                                                       \
        (void)d;                                                                                             \
        simd_write_scalar(c, i, (u2_##z)(expr));                                                             \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define DOUBLED_(id, z, expr)                                                                                \
    LONG(id##__v_##z, z, s, expr)                                                                            \
    LONG_ELEMENT(id##__x_##z, z, s, expr)                                                                    \
    LONG_SCALAR_WITH(id##__sc_##z, z, c->s.v[i->rm].z[0], expr)                                              \
    LONG_SCALAR_WITH(id##__scx_##z, z, SIMD_INDEXED_##z, expr)

DOUBLED_(sqdmull, h, doubled(c, n, m, 32))
DOUBLED_(sqdmull, s, doubled(c, n, m, 64))
DOUBLED_(sqdmlal, h, sat_signed(c, (__int128)d + doubled(c, n, m, 32), 32))
DOUBLED_(sqdmlal, s, sat_signed(c, (__int128)d + doubled(c, n, m, 64), 64))
DOUBLED_(sqdmlsl, h, sat_signed(c, (__int128)d - doubled(c, n, m, 32), 32))
DOUBLED_(sqdmlsl, s, sat_signed(c, (__int128)d - doubled(c, n, m, 64), 64))
