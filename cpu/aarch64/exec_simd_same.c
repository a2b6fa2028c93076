/* Advanced SIMD, integers, element by element: three registers of the same kind; products are in
 * exec_simd_multiply.c. */
#include "cpu/aarch64/simd.h"

/* ---- logic, on all bits at once ---- */

#define LOGIC(name, expr)                                                                                    \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        union aarch64_vector r;                                                                              \
        for (unsigned e = 0; e < 2; e++) {                                                                   \
            SIMD_ELEMENTS(d, e, c->s.v[i->rm].d[e])                                                          \
            r.d[e] = (expr);                                                                                 \
        }                                                                                                    \
        simd_write(c, i, r);                                                                                 \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

LOGIC(and__v, n &m)
LOGIC(bic__v, n & ~m)
LOGIC(orr__v, n | m)
LOGIC(orn__v, n | ~m)
LOGIC(eor__v, n ^ m)
LOGIC(bsl__v, (n & d) | (m & ~d))
LOGIC(bit__v, (n & m) | (d & ~m))
LOGIC(bif__v, (n & ~m) | (d & m))
LOGIC(not__v, ~n)

/* ---- sums, comparisons, differences ---- */

BOTH_BHSD_D(add, n + m)
BOTH_BHSD_D(sub, n - m)

BOTH_BHSD_D(cmgt, -(sn > sm))
BOTH_BHSD_D(cmge, -(sn >= sm))
BOTH_BHSD_D(cmhi, -(n > m))
BOTH_BHSD_D(cmhs, -(n >= m))
BOTH_BHSD_D(cmeq, -(n == m))
BOTH_BHSD_D(cmtst, -((n & m) != 0))

EACH_BHS(smax, sn > sm ? sn : sm)
EACH_BHS(smin, sn < sm ? sn : sm)
EACH_BHS(umax, n > m ? n : m)
EACH_BHS(umin, n < m ? n : m)
EACH_BHS(sabd, sn > sm ? n - m : m - n)
EACH_BHS(uabd, n > m ? n - m : m - n)
EACH_BHS(saba, d + (sn > sm ? n - m : m - n))
EACH_BHS(uaba, d + (n > m ? n - m : m - n))

/* Halves of sums and differences, without wider numbers: what two numbers share counts whole, the rest half.
 */
EACH_BHS(shadd, (sn & sm) + ((sn ^ sm) >> 1))
EACH_BHS(uhadd, (n & m) + ((n ^ m) >> 1))
EACH_BHS(srhadd, (sn | sm) - ((sn ^ sm) >> 1))
EACH_BHS(urhadd, (n | m) - ((n ^ m) >> 1))
EACH_BHS(shsub, (sn >> 1) - (sm >> 1) - (~sn & sm & 1))
EACH_BHS(uhsub, (n >> 1) - (m >> 1) - (~n & m & 1))

/* ---- saturating ---- */

BOTH_Q_BHSD(sqadd, sat_signed(c, (__int128)sn + sm, 8 * sizeof(n)))
BOTH_Q_BHSD(sqsub, sat_signed(c, (__int128)sn - sm, 8 * sizeof(n)))
BOTH_Q_BHSD(uqadd, sat_unsigned(c, (__int128)n + m, 8 * sizeof(n)))
BOTH_Q_BHSD(uqsub, sat_unsigned(c, (__int128)n - m, 8 * sizeof(n)))
BOTH_Q_BHSD(suqadd, sat_signed(c, (__int128)n + sd, 8 * sizeof(n)))
BOTH_Q_BHSD(usqadd, sat_unsigned(c, (__int128)sn + d, 8 * sizeof(n)))

/* ---- shifts by the low byte of an element, to the right if it is negative ---- */

struct shift {
    unsigned bits;
    bool rounded, saturated;
};

static uint64_t shift_signed(struct aarch64_core *c, int64_t v, int8_t by, struct shift how)
{
    if (by < 0) {
        unsigned right = (unsigned)-by - 1 < 63 ? (unsigned)-by - 1 : 63;
        int64_t half = v >> right; /* twice the result; beyond 64, a rounded -1 is 0 */
        return (uint64_t)((half >> 1) + (how.rounded ? half & 1 : 0));
    }
    bool lost = v && (unsigned)by >= how.bits;
    __int128 shifted = v == 0 ? 0
                       : lost ? (v < 0 ? -(__int128)1 << 64 : (__int128)1 << 64)
                              : (__int128)v << by;
    if (how.saturated)
        return (uint64_t)sat_signed(c, shifted, how.bits);
    return (uint64_t)shifted;
}

static uint64_t shift_unsigned(struct aarch64_core *c, uint64_t v, int8_t by, struct shift how)
{
    if (by < 0) {
        unsigned right = (unsigned)-by - 1;
        uint64_t half = right > 63 ? 0 : v >> right;
        return (half >> 1) + (how.rounded ? half & 1 : 0);
    }
    bool lost = v && (unsigned)by >= how.bits;
    unsigned __int128 shifted = v == 0 ? 0 : lost ? (unsigned __int128)1 << 64 : (unsigned __int128)v << by;
    if (how.saturated)
        return sat_unsigned(c, (__int128)shifted, how.bits);
    return (uint64_t)shifted;
}

#define SHIFTS(id, sign, v, is_rounded, is_saturated, FAMILY)                                                \
    FAMILY(id, shift_##sign(c, v, (int8_t)m, (struct shift){8 * sizeof(n), is_rounded, is_saturated}))
#define BOTH_Q_BHSD_D(id, expr) EACH_Q_BHSD(id, expr) SCALAR_D(id, expr)

SHIFTS(sshl, signed, sn, false, false, BOTH_Q_BHSD_D)
SHIFTS(ushl, unsigned, n, false, false, BOTH_Q_BHSD_D)
SHIFTS(srshl, signed, sn, true, false, BOTH_Q_BHSD_D)
SHIFTS(urshl, unsigned, n, true, false, BOTH_Q_BHSD_D)
SHIFTS(sqshl, signed, sn, false, true, BOTH_Q_BHSD)
SHIFTS(uqshl, unsigned, n, false, true, BOTH_Q_BHSD)
SHIFTS(sqrshl, signed, sn, true, true, BOTH_Q_BHSD)
SHIFTS(uqrshl, unsigned, n, true, true, BOTH_Q_BHSD)
