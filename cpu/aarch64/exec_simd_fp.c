/* Advanced SIMD floating point, but conversions (exec_fp_convert.c) and products of other formats
 * (exec_simd_dot.c): vectors, scalars, pairs, and by element. */
#include "cpu/aarch64/fp_ops.h"
#include "cpu/aarch64/simd.h"

/* Expressions are an operation of fp_ops.h on n, m, d and env. */
#define FP_LANES(id, z, count, of_m, expr)                                                                   \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        struct fp_env *env = &c->fp;                                                                         \
        union aarch64_vector r = {{0, 0}};                                                                   \
        for (unsigned e = 0; e < (count); e++) {                                                             \
            u_##z n = c->s.v[i->rn].z[e], m = (of_m), d = c->s.v[i->rd].z[e];                                \
            (void)m, (void)d;                                                                                \
            r.z[e] = FP(z, expr);                                                                            \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define VECTOR_(id, z, expr) FP_LANES(id##__v_##z, z, LANES(z), c->s.v[i->rm].z[e], expr)
#define SCALAR_(id, z, expr) FP_LANES(id##__sc_##z, z, 1, c->s.v[i->rm].z[0], expr)
#define VECTOR_SD(id, expr)  VECTOR_(id, s, expr) VECTOR_(id, d, expr)
#define VECTOR(id, expr)     VECTOR_(id, h, expr) VECTOR_SD(id, expr)
#define BOTH(id, expr)       VECTOR(id, expr) SCALAR_(id, h, expr) SCALAR_(id, s, expr) SCALAR_(id, d, expr)

VECTOR(fadd, add(env, n, m))
VECTOR(fsub, sub(env, n, m))
VECTOR(fdiv, div(env, n, m))
VECTOR(fmax, maximum(env, n, m))
VECTOR(fmin, minimum(env, n, m))
VECTOR(fmaxnm, maxnm(env, n, m))
VECTOR(fminnm, minnm(env, n, m))
VECTOR(fmul, mul(env, n, m))
VECTOR(fmla, madd(env, d, n, m))
VECTOR(fmls, msub(env, d, n, m))
BOTH(fmulx, mul_extended(env, n, m))
BOTH(fabd, abd(env, n, m))
BOTH(frecps, recip_step(env, n, m))
BOTH(frsqrts, rsqrt_step(env, n, m))
BOTH(fcmeq, cmeq(env, n, m))
BOTH(fcmge, cmge(env, n, m))
BOTH(fcmgt, cmgt(env, n, m))
BOTH(facge, acge(env, n, m))
BOTH(facgt, acgt(env, n, m))
BOTH(fcmeq__zero, cmeq(env, n, 0))
BOTH(fcmge__zero, cmge(env, n, 0))
BOTH(fcmgt__zero, cmgt(env, n, 0))
BOTH(fcmle__zero, cmge(env, 0, n))
BOTH(fcmlt__zero, cmgt(env, 0, n))

VECTOR(fabs, abs(env, n))
VECTOR(fneg, neg(env, n))
VECTOR(fsqrt, sqrt(env, n))
BOTH(frecpe, recip_estimate(env, n))
BOTH(frsqrte, rsqrt_estimate(env, n))
SCALAR_(frecpx, h, recip_exponent(env, n))
SCALAR_(frecpx, s, recip_exponent(env, n))
SCALAR_(frecpx, d, recip_exponent(env, n))

VECTOR(frintn, rint(env, n, FP_RNE))
VECTOR(frintp, rint(env, n, FP_RUP))
VECTOR(frintm, rint(env, n, FP_RDN))
VECTOR(frintz, rint(env, n, FP_RTZ))
VECTOR(frinta, rint(env, n, FP_RMM))
VECTOR(frintx, rint_current(env, n, true))
VECTOR(frinti, rint_current(env, n, false))
VECTOR_SD(frint32z, round_int_sized(env, n, FP_RTZ, 32))
VECTOR_SD(frint32x, round_int_sized(env, n, (enum fp_round)env->round, 32))
VECTOR_SD(frint64z, round_int_sized(env, n, FP_RTZ, 64))
VECTOR_SD(frint64x, round_int_sized(env, n, (enum fp_round)env->round, 64))

/* ---- by element ---- */

#define BY_ELEMENT_(id, z, expr)                                                                             \
    FP_LANES(id##__x_##z, z, LANES(z), SIMD_INDEXED_##z, expr)                                               \
    FP_LANES(id##__scx_##z, z, 1, SIMD_INDEXED_##z, expr)
#define BY_ELEMENT(id, expr) BY_ELEMENT_(id, h, expr) BY_ELEMENT_(id, s, expr) BY_ELEMENT_(id, d, expr)

BY_ELEMENT(fmul, mul(env, n, m))
BY_ELEMENT(fmulx, mul_extended(env, n, m))
BY_ELEMENT(fmla, madd(env, d, n, m))
BY_ELEMENT(fmls, msub(env, d, n, m))

/* ---- neighbours, those of Vn before those of Vm; and the two of a scalar's register ---- */

#define PAIRS_(id, z, op)                                                                                    \
    A64_HANDLER(id##__v_##z)                                                                                 \
    {                                                                                                        \
        union aarch64_vector r = {{0, 0}};                                                                   \
        unsigned half = LANES(z) / 2;                                                                        \
        for (unsigned e = 0; e < 2 * half; e++) {                                                            \
            const u_##z *from = &c->s.v[e < half ? i->rn : i->rm].z[2 * (e & (half - 1))];                   \
            r.z[e] = FP(z, op(&c->fp, from[0], from[1]));                                                    \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    A64_HANDLER(id##__sc_##z)                                                                                \
    {                                                                                                        \
        simd_write_scalar(c, i, FP(z, op(&c->fp, c->s.v[i->rn].z[0], c->s.v[i->rn].z[1])));                  \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define PAIRS(id, op) PAIRS_(id, h, op) PAIRS_(id, s, op) PAIRS_(id, d, op)

PAIRS(faddp, add)
PAIRS(fmaxp, maximum)
PAIRS(fminp, minimum)
PAIRS(fmaxnmp, maxnm)
PAIRS(fminnmp, minnm)

/* All elements, neighbours first, halving their number each time (Reduce). */
#define ACROSS_(id, z, op)                                                                                   \
    A64_HANDLER(id##__v_##z)                                                                                 \
    {                                                                                                        \
        union aarch64_vector r = c->s.v[i->rn];                                                              \
        for (unsigned left = LANES(z) / 2; left; left /= 2)                                                  \
            for (unsigned e = 0; e < left; e++)                                                              \
                r.z[e] = FP(z, op(&c->fp, r.z[2 * e], r.z[2 * e + 1]));                                      \
        simd_write_scalar(c, i, r.z[0]);                                                                     \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define ACROSS(id, op) ACROSS_(id, h, op) ACROSS_(id, s, op)

ACROSS(fmaxv, maximum)
ACROSS(fminv, minimum)
ACROSS(fmaxnmv, maxnm)
ACROSS(fminnmv, minnm)

/* ---- complex numbers: real parts in even elements, imaginary ones in odd ---- */

/* FCADD: Vm turned by 90 or 270 degrees is added. */
#define COMPLEX_ADD(z, SIGN)                                                                                 \
    A64_HANDLER(fcadd__v_##z)                                                                                \
    {                                                                                                        \
        union aarch64_vector r = {{0, 0}}, vn = c->s.v[i->rn], vm = c->s.v[i->rm];                           \
        bool by_270 = simd_bits(i) >> 12 & 1;                                                                \
        if (sizeof(u_##z) == 2 && !aarch64_has(c, FEAT_FP16))                                                \
            TAIL return a64_undefined(c, i, bank, pc);                                                       \
        for (unsigned e = 0; e < LANES(z); e += 2) {                                                         \
            u_##z real = vm.z[e + 1] ^ (by_270 ? 0 : SIGN), imaginary = vm.z[e] ^ (by_270 ? SIGN : 0);       \
            r.z[e] = FP(z, add(&c->fp, vn.z[e], real));                                                      \
            r.z[e + 1] = FP(z, add(&c->fp, vn.z[e + 1], imaginary));                                         \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

COMPLEX_ADD(h, F16_SIGN)
COMPLEX_ADD(s, F32_SIGN)
COMPLEX_ADD(d, F64_SIGN)

/* FCMLA: what one part of Vn contributes to the product with Vm, turned by a multiple of 90 degrees. `pair`
 * is where the complex number of Vm begins. */
#define COMPLEX_MULTIPLY(id, z, SIGN, rotation_bit, pair)                                                    \
    A64_HANDLER(id##_##z)                                                                                    \
    {                                                                                                        \
        union aarch64_vector r = {{0, 0}}, vn = c->s.v[i->rn], vm = c->s.v[i->rm], vd = c->s.v[i->rd];       \
        unsigned rotation = simd_bits(i) >> rotation_bit & 3, odd = rotation & 1;                            \
        if (sizeof(u_##z) == 2 && !aarch64_has(c, FEAT_FP16))                                                \
            TAIL return a64_undefined(c, i, bank, pc);                                                       \
        for (unsigned e = 0; e < LANES(z); e += 2) {                                                         \
            u_##z factor = vn.z[e + odd], real = vm.z[(pair) + odd], imaginary = vm.z[(pair) + 1 - odd];     \
            real ^= rotation == 1 || rotation == 2 ? SIGN : 0;                                               \
            imaginary ^= rotation >= 2 ? SIGN : 0;                                                           \
            r.z[e] = FP(z, madd(&c->fp, vd.z[e], factor, real));                                             \
            r.z[e + 1] = FP(z, madd(&c->fp, vd.z[e + 1], factor, imaginary));                                \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

COMPLEX_MULTIPLY(fcmla__v, h, F16_SIGN, 11, e)
COMPLEX_MULTIPLY(fcmla__v, s, F32_SIGN, 11, e)
COMPLEX_MULTIPLY(fcmla__v, d, F64_SIGN, 11, e)
COMPLEX_MULTIPLY(fcmla__x, h, F16_SIGN, 13, 2 * ((simd_bits(i) >> 11 & 1) << 1 | (simd_bits(i) >> 21 & 1)))
COMPLEX_MULTIPLY(fcmla__x_half, h, F16_SIGN, 13, 2 * (simd_bits(i) >> 21 & 1))
COMPLEX_MULTIPLY(fcmla__x, s, F32_SIGN, 13, 2 * (simd_bits(i) >> 11 & 1))
