/* Advanced SIMD, integers: operations that widen, narrow, or combine neighbours or whole registers. */
#include "cpu/aarch64/simd.h"

/* ---- sums and differences of wider elements than the factors'; with Q of the second halves ---- */

/* n and m are narrow and extended, wn and d wide. */
#define WIDEN(id, z, sign, expr)                                                                             \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r;                                                                              \
        unsigned base = simd_q(i) * (FULL(z) / 2);                                                           \
        for (unsigned e = 0; e < FULL(z) / 2; e++) {                                                         \
            sign##2_##z n = (sign##_##z)c->s.v[i->rn].z[base + e];                                           \
            sign##2_##z m = (sign##_##z)c->s.v[i->rm].z[base + e];                                           \
            u2_##z wn = c->s.v[i->rn].WIDER_##z[e], d = c->s.v[i->rd].WIDER_##z[e];                          \
            (void)n, (void)m, (void)wn, (void)d;                                                             \
            r.WIDER_##z[e] = (u2_##z)(expr);                                                                 \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define WIDEN_BHS(id, sign, expr)                                                                            \
    WIDEN(id##__v_b, b, sign, expr) WIDEN(id##__v_h, h, sign, expr) WIDEN(id##__v_s, s, sign, expr)

WIDEN_BHS(saddl, s, n + m)
WIDEN_BHS(uaddl, u, n + m)
WIDEN_BHS(ssubl, s, n - m)
WIDEN_BHS(usubl, u, n - m)
WIDEN_BHS(saddw, s, wn + (u_d)m)
WIDEN_BHS(uaddw, u, wn + m)
WIDEN_BHS(ssubw, s, wn - (u_d)m)
WIDEN_BHS(usubw, u, wn - m)
WIDEN_BHS(sabdl, s, n > m ? n - m : m - n)
WIDEN_BHS(uabdl, u, n > m ? n - m : m - n)
WIDEN_BHS(sabal, s, d + (u_d)(n > m ? n - m : m - n))
WIDEN_BHS(uabal, u, d + (n > m ? n - m : m - n))
WIDEN(shll__v_b, b, u, n << 8)
WIDEN(shll__v_h, h, u, n << 16)
WIDEN(shll__v_s, s, u, n << 32)

/* ---- narrowing ---- */

#define HALF_BITS ((unsigned)sizeof(n) * 4)
#define ROUNDING  ((u_d)1 << (HALF_BITS - 1))
NARROW_BHS(addhn, (n + m) >> HALF_BITS)
NARROW_BHS(subhn, (n - m) >> HALF_BITS)
NARROW_BHS(raddhn, (n + m + ROUNDING) >> HALF_BITS)
NARROW_BHS(rsubhn, (n - m + ROUNDING) >> HALF_BITS)
NARROW_BHS(xtn, n)
NARROW_BOTH_BHS(sqxtn, sat_signed(c, sn, HALF_BITS))
NARROW_BOTH_BHS(uqxtn, sat_unsigned(c, n, HALF_BITS))
NARROW_BOTH_BHS(sqxtun, sat_unsigned(c, sn, HALF_BITS))

/* ---- neighbours, those of Vn before those of Vm ---- */

#define PAIRS(id, z, expr)                                                                                   \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r = {{0, 0}};                                                                   \
        unsigned half = LANES(z) / 2;                                                                        \
        for (unsigned e = 0; e < 2 * half; e++) {                                                            \
            unsigned from = e < half ? i->rn : i->rm, first = 2 * (e & (half - 1));                          \
            u_##z n = c->s.v[from].z[first], m = c->s.v[from].z[first + 1];                                  \
            s_##z sn = (s_##z)n, sm = (s_##z)m;                                                              \
            (void)sn, (void)sm;                                                                              \
            r.z[e] = (u_##z)(expr);                                                                          \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define PAIRS_BHS(id, expr) PAIRS(id##__v_b, b, expr) PAIRS(id##__v_h, h, expr) PAIRS(id##__v_s, s, expr)

PAIRS_BHS(addp, n + m)
PAIRS(addp__v_d, d, n + m)
PAIRS_BHS(smaxp, sn > sm ? sn : sm)
PAIRS_BHS(sminp, sn < sm ? sn : sm)
PAIRS_BHS(umaxp, n > m ? n : m)
PAIRS_BHS(uminp, n < m ? n : m)

A64_HANDLER(addp__sc_d)
{
    const union aarch64_vector *n = &c->s.v[i->rn];
    simd_write_scalar(c, i, n->d[0] + n->d[1]);
    TAIL return a64_next(c, i, bank, pc);
}

/* Sums of neighbours, twice as wide. */
#define LONG_PAIRS(id, z, sign, accumulator)                                                                 \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r;                                                                              \
        for (unsigned e = 0; e < FULL(z) / 2; e++) {                                                         \
            sign##2_##z a = (sign##_##z)c->s.v[i->rn].z[2 * e], b = (sign##_##z)c->s.v[i->rn].z[2 * e + 1];  \
            r.WIDER_##z[e] = (u2_##z)(accumulator + (u_d)(a + b));                                           \
        }                                                                                                    \
        simd_write(c, i, r);                                                                                 \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define LONG_PAIRS_BHS(sign)                                                                                 \
    LONG_PAIRS(sign##addlp__v_b, b, sign, 0)                                                                 \
    LONG_PAIRS(sign##addlp__v_h, h, sign, 0)                                                                 \
    LONG_PAIRS(sign##addlp__v_s, s, sign, 0)                                                                 \
    LONG_PAIRS(sign##adalp__v_b, b, sign, c->s.v[i->rd].h[e])                                                \
    LONG_PAIRS(sign##adalp__v_h, h, sign, c->s.v[i->rd].s[e])                                                \
    LONG_PAIRS(sign##adalp__v_s, s, sign, c->s.v[i->rd].d[e])

LONG_PAIRS_BHS(s)
LONG_PAIRS_BHS(u)

/* ---- all elements of a register ---- */

#define ACROSS(id, z, sign, result_type, expr)                                                               \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        int64_t a = (sign##_##z)c->s.v[i->rn].z[0];                                                          \
        for (unsigned e = 1; e < LANES(z); e++) {                                                            \
            int64_t b = (sign##_##z)c->s.v[i->rn].z[e];                                                      \
            a = (expr);                                                                                      \
        }                                                                                                    \
        simd_write_scalar(c, i, (result_type)a);                                                             \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define ACROSS_BHS(id, sign, expr)                                                                           \
    ACROSS(id##__v_b, b, sign, u_b, expr)                                                                    \
    ACROSS(id##__v_h, h, sign, u_h, expr) ACROSS(id##__v_s, s, sign, u_s, expr)
#define ACROSS_LONG_BHS(id, sign)                                                                            \
    ACROSS(id##__v_b, b, sign, u2_b, a + b)                                                                  \
    ACROSS(id##__v_h, h, sign, u2_h, a + b) ACROSS(id##__v_s, s, sign, u2_s, a + b)

ACROSS_BHS(addv, u, a + b)
ACROSS_BHS(smaxv, s, a > b ? a : b)
ACROSS_BHS(sminv, s, a < b ? a : b)
ACROSS_BHS(umaxv, u, a > b ? a : b)
ACROSS_BHS(uminv, u, a < b ? a : b)
ACROSS_LONG_BHS(saddlv, s)
ACROSS_LONG_BHS(uaddlv, u)
