/* Advanced SIMD, integers: one register element by element: signs, counts, bit orders, comparisons with 0. */
#include "cpu/aarch64/simd.h"

#include "cpu/fp/arm.h"

BOTH_BHSD_D(cmgt__zero, -(sn > 0))
BOTH_BHSD_D(cmge__zero, -(sn >= 0))
BOTH_BHSD_D(cmeq__zero, -(n == 0))
BOTH_BHSD_D(cmle__zero, -(sn <= 0))
BOTH_BHSD_D(cmlt__zero, -(sn < 0))

BOTH_BHSD_D(abs, sn < 0 ? 0 - n : n)
BOTH_BHSD_D(neg, 0 - n)
BOTH_Q_BHSD(sqabs, sat_signed(c, sn < 0 ? -(__int128)sn : sn, 8 * sizeof(n)))
BOTH_Q_BHSD(sqneg, sat_signed(c, -(__int128)sn, 8 * sizeof(n)))

/* ---- counts ---- */

/* Zeros above the highest one of a number of `bits` bits. */
INLINE unsigned leading_zeros(uint64_t v, unsigned bits)
{
    return v ? (unsigned)__builtin_clzll(v) - (64 - bits) : bits;
}

EACH_BHS(clz, leading_zeros(n, 8 * sizeof(n)))
EACH_BHS(cls, leading_zeros((sn < 0 ? (u_d)~sn : n), 8 * sizeof(n)) - 1)

INLINE uint8_t population(uint8_t v)
{
    v = (uint8_t)(v - (v >> 1 & 0x55));
    v = (uint8_t)((v & 0x33) + (v >> 2 & 0x33));
    return (v + (v >> 4)) & 0x0f;
}

EACH_B(cnt, population(n))

/* ---- orders ---- */

INLINE uint8_t reversed_bits(uint8_t v)
{
    v = (uint8_t)((v & 0x55) << 1 | (v >> 1 & 0x55));
    v = (uint8_t)((v & 0x33) << 2 | (v >> 2 & 0x33));
    return (uint8_t)(v << 4 | v >> 4);
}

EACH_B(rbit, reversed_bits(n))

/* Elements in reverse order within containers of 2, 4 or 8 bytes. */
#define REVERSE(id, z, container)                                                                            \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r;                                                                              \
        for (unsigned e = 0; e < FULL(z); e++)                                                               \
            r.z[e] = c->s.v[i->rn].z[e ^ (container / sizeof(u_##z) - 1)];                                   \
        simd_write(c, i, r);                                                                                 \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

REVERSE(rev16__v_b, b, 2)
REVERSE(rev32__v_b, b, 4)
REVERSE(rev32__v_h, h, 4)
REVERSE(rev64__v_b, b, 8)
REVERSE(rev64__v_h, h, 8)
REVERSE(rev64__v_s, s, 8)

/* ---- estimates of fixed-point reciprocals ---- */

EACH(urecpe__v_s, s, u32_recip_estimate(n))
EACH(ursqrte__v_s, s, u32_rsqrt_estimate(n))
