/*
 * Advanced SIMD, integers: shifts by an immediate, which is immh:immb: the element's bits plus a left shift,
 * or twice its bits less a right shift. Right shifts are from 1 to the element's bits, so they begin with all
 * but one place: `half` is twice the result.
 */
#include "cpu/aarch64/simd.h"

INLINE unsigned left_shift(const struct a64_insn *i, unsigned bits)
{
    return (simd_bits(i) >> 16 & 127) - bits;
}

INLINE unsigned right_shift(const struct a64_insn *i, unsigned bits)
{
    return 2 * bits - (simd_bits(i) >> 16 & 127);
}

INLINE int64_t shifted_signed(int64_t n, unsigned by, bool rounded)
{
    int64_t half = n >> (by - 1);
    return (half >> 1) + (rounded ? half & 1 : 0);
}

INLINE uint64_t shifted_unsigned(uint64_t n, unsigned by, bool rounded)
{
    uint64_t half = n >> (by - 1);
    return (half >> 1) + (rounded ? half & 1 : 0);
}

#define ELEMENT_BITS (8 * (unsigned)sizeof(n))
#define LEFT         left_shift(i, ELEMENT_BITS)
#define RIGHT        right_shift(i, ELEMENT_BITS)

BOTH_BHSD_D(shl, 1u * n << LEFT)
BOTH_BHSD_D(sli, (1u * n << LEFT) | (d & (((u_d)1 << LEFT) - 1)))
BOTH_BHSD_D(sri, shifted_unsigned(n, RIGHT, false) |
                     (d & ~shifted_unsigned((u_d) ~(u_d)0 >> (64 - ELEMENT_BITS), RIGHT, false)))
BOTH_BHSD_D(sshr, shifted_signed(sn, RIGHT, false))
BOTH_BHSD_D(ushr, shifted_unsigned(n, RIGHT, false))
BOTH_BHSD_D(srshr, shifted_signed(sn, RIGHT, true))
BOTH_BHSD_D(urshr, shifted_unsigned(n, RIGHT, true))
BOTH_BHSD_D(ssra, d + (u_d)shifted_signed(sn, RIGHT, false))
BOTH_BHSD_D(usra, d + shifted_unsigned(n, RIGHT, false))
BOTH_BHSD_D(srsra, d + (u_d)shifted_signed(sn, RIGHT, true))
BOTH_BHSD_D(ursra, d + shifted_unsigned(n, RIGHT, true))

BOTH_Q_BHSD(sqshl__i, sat_signed(c, (__int128)sn << LEFT, ELEMENT_BITS))
BOTH_Q_BHSD(uqshl__i, sat_unsigned(c, (__int128)n << LEFT, ELEMENT_BITS))
BOTH_Q_BHSD(sqshlu, sat_unsigned(c, (__int128)sn << LEFT, ELEMENT_BITS))

/* ---- to elements half as wide: n and sn are wide, the shift is the narrow element's ---- */

#define NARROW_BITS  (4 * (unsigned)sizeof(n))
#define NARROW_RIGHT right_shift(i, NARROW_BITS)

NARROW_BHS(shrn, shifted_unsigned(n, NARROW_RIGHT, false))
NARROW_BHS(rshrn, shifted_unsigned(n, NARROW_RIGHT, true))
NARROW_BOTH_BHS(sqshrn, sat_signed(c, shifted_signed(sn, NARROW_RIGHT, false), NARROW_BITS))
NARROW_BOTH_BHS(sqrshrn, sat_signed(c, shifted_signed(sn, NARROW_RIGHT, true), NARROW_BITS))
NARROW_BOTH_BHS(uqshrn, sat_unsigned(c, shifted_unsigned(n, NARROW_RIGHT, false), NARROW_BITS))
NARROW_BOTH_BHS(uqrshrn, sat_unsigned(c, shifted_unsigned(n, NARROW_RIGHT, true), NARROW_BITS))
NARROW_BOTH_BHS(sqshrun, sat_unsigned(c, shifted_signed(sn, NARROW_RIGHT, false), NARROW_BITS))
NARROW_BOTH_BHS(sqrshrun, sat_unsigned(c, shifted_signed(sn, NARROW_RIGHT, true), NARROW_BITS))

/* ---- to elements twice as wide ---- */

#define WIDEN(id, z, sign)                                                                                   \
    A64_HANDLER(id##__v_##z)                                                                                 \
    {                                                                                                        \
        union aarch64_vector r;                                                                              \
        unsigned base = simd_q(i) * (FULL(z) / 2), by = left_shift(i, BITS(z));                              \
        for (unsigned e = 0; e < FULL(z) / 2; e++)                                                           \
            r.WIDER_##z[e] = (u2_##z)((u_d)(sign##_##z)c->s.v[i->rn].z[base + e] << by);                     \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

WIDEN(sshll, b, s)
WIDEN(sshll, h, s)
WIDEN(sshll, s, s)
WIDEN(ushll, b, u)
WIDEN(ushll, h, u)
WIDEN(ushll, s, u)
