/*
 * Conversions: between floating-point formats, to and from integers and fixed-point numbers in general
 * registers, and in SIMD&FP registers, as vectors (a64_<mnemonic>__v_<size>) and scalars
 * (a64_<mnemonic>__sc_<size>).
 */
#include "cpu/aarch64/fp_ops.h"
#include "cpu/aarch64/simd.h"

/* ---- between formats ---- */

#define CONVERT(id, from, expr)                                                                              \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        u_##from n = c->s.v[i->rn].from[0];                                                                  \
        simd_write_scalar(c, i, expr);                                                                       \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

CONVERT(fcvt__h_s, s, f32_to_f16(&c->fp, n))
CONVERT(fcvt__h_d, d, f64_to_f16(&c->fp, n))
CONVERT(fcvt__s_h, h, f16_to_f32(&c->fp, n))
CONVERT(fcvt__s_d, d, f64_to_f32(&c->fp, n))
CONVERT(fcvt__d_h, h, f16_to_f64(&c->fp, n))
CONVERT(fcvt__d_s, s, f32_to_f64(&c->fp, n))
CONVERT(bfcvt, s, f32_to_bf16(&c->fp, n))

/* FCVTXN rounds to odd, so that rounding again to a half is as if done once. */
static f32_t f64_to_f32_odd(struct fp_env *env, f64_t a)
{
    struct fp_env odd = *env;
    odd.round = FP_ODD;
    f32_t r = f64_to_f32_soft(&odd, a);
    env->flags = odd.flags;
    return r;
}

CONVERT(fcvtxn__sc, d, f64_to_f32_odd(&c->fp, n))

/* From elements twice as wide, into the second half of Vd with Q, and back from there. */
#define CONVERT_NARROW(id, z, expr)                                                                          \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r = {{c->s.v[i->rd].d[0], 0}};                                                  \
        unsigned base = simd_q(i) * (FULL(z) / 2);                                                           \
        for (unsigned e = 0; e < FULL(z) / 2; e++) {                                                         \
            u2_##z n = c->s.v[i->rn].WIDER_##z[e];                                                           \
            r.z[base + e] = (expr);                                                                          \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define CONVERT_WIDEN(id, z, expr)                                                                           \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        union aarch64_vector r;                                                                              \
        unsigned base = simd_q(i) * (FULL(z) / 2);                                                           \
        for (unsigned e = 0; e < FULL(z) / 2; e++) {                                                         \
            u_##z n = c->s.v[i->rn].z[base + e];                                                             \
            r.WIDER_##z[e] = (expr);                                                                         \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

CONVERT_NARROW(fcvtn__v_h, h, f32_to_f16(&c->fp, n))
CONVERT_NARROW(fcvtn__v_s, s, f64_to_f32(&c->fp, n))
CONVERT_NARROW(fcvtxn__v, s, f64_to_f32_odd(&c->fp, n))
CONVERT_NARROW(bfcvtn__v, h, f32_to_bf16(&c->fp, n))
CONVERT_WIDEN(fcvtl__v_h, h, f16_to_f32(&c->fp, n))
CONVERT_WIDEN(fcvtl__v_s, s, f32_to_f64(&c->fp, n))

/* ---- to integers ---- */

#define INT_w_s ((struct fp_int){.width = 32, .is_signed = true})
#define INT_w_u ((struct fp_int){.width = 32})
#define INT_x_s ((struct fp_int){.width = 64, .is_signed = true})
#define INT_x_u ((struct fp_int){.width = 64})

#define TO_GENERAL(id, z, reg, sign, type, round)                                                            \
    A64_HANDLER(id##sign##_##reg##_##z)                                                                      \
    {                                                                                                        \
        c->s.x[i->rd] = (type)FP(z, to_int(&c->fp, c->s.v[i->rn].z[0], INT_##reg##_##sign, round));          \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define TO_GENERALS_(id, z, round)                                                                           \
    TO_GENERAL(id, z, w, s, uint32_t, round)                                                                 \
    TO_GENERAL(id, z, w, u, uint32_t, round)                                                                 \
    TO_GENERAL(id, z, x, s, uint64_t, round)                                                                 \
    TO_GENERAL(id, z, x, u, uint64_t, round)
#define TO_GENERALS(id, round)                                                                               \
    TO_GENERALS_(id, h, round) TO_GENERALS_(id, s, round) TO_GENERALS_(id, d, round)

TO_GENERALS(fcvtn, FP_RNE)
TO_GENERALS(fcvtp, FP_RUP)
TO_GENERALS(fcvtm, FP_RDN)
TO_GENERALS(fcvtz, FP_RTZ)
TO_GENERALS(fcvta, FP_RMM)

/* JavaScript's conversion; Z says that nothing was lost, not even the sign of -0. */
A64_HANDLER(fjcvtzs)
{
    f64_t a = c->s.v[i->rn].d[0];
    uint8_t raised = c->fp.flags;
    c->fp.flags = 0;
    c->s.x[i->rd] = (uint32_t)f64_to_i32_modular(&c->fp, a);
    a64_flags_set(c, c->fp.flags == 0 && a != F64_SIGN ? 4 : 0);
    c->fp.flags |= raised;
    TAIL return a64_next(c, i, bank, pc);
}

/* Within a SIMD&FP register: an element to an integer as wide. */
#define TO_INT(id, z, sign, round)                                                                           \
    A64_HANDLER(id##sign##__v_##z)                                                                           \
    {                                                                                                        \
        const struct fp_int kind = {.width = BITS(z), .is_signed = SIGNED_##sign};                           \
        union aarch64_vector r = {{0, 0}};                                                                   \
        for (unsigned e = 0; e < LANES(z); e++)                                                              \
            r.z[e] = (u_##z)FP(z, to_int(&c->fp, c->s.v[i->rn].z[e], kind, round));                          \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    A64_HANDLER(id##sign##__sc_##z)                                                                          \
    {                                                                                                        \
        const struct fp_int kind = {.width = BITS(z), .is_signed = SIGNED_##sign};                           \
        simd_write_scalar(c, i, (u_##z)FP(z, to_int(&c->fp, c->s.v[i->rn].z[0], kind, round)));              \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define SIGNED_s true
#define SIGNED_u false
#define TO_INTS(id, round)                                                                                   \
    TO_INT(id, h, s, round)                                                                                  \
    TO_INT(id, h, u, round)                                                                                  \
    TO_INT(id, s, s, round) TO_INT(id, s, u, round) TO_INT(id, d, s, round) TO_INT(id, d, u, round)

TO_INTS(fcvtn, FP_RNE)
TO_INTS(fcvtp, FP_RUP)
TO_INTS(fcvtm, FP_RDN)
TO_INTS(fcvtz, FP_RTZ)
TO_INTS(fcvta, FP_RMM)

/* ---- from integers ---- */

#define FROM_GENERAL(id, z, reg, sign, type)                                                                 \
    A64_HANDLER(id##_##reg##_##z)                                                                            \
    {                                                                                                        \
        uint64_t v = (uint64_t)(type)c->s.x[i->rn];                                                          \
        simd_write_scalar(c, i, FP(z, from_int(&c->fp, v, INT_##reg##_##sign)));                             \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define FROM_INT(id, z, sign)                                                                                \
    A64_HANDLER(id##__v_##z)                                                                                 \
    {                                                                                                        \
        const struct fp_int kind = {.width = BITS(z), .is_signed = SIGNED_##sign};                           \
        union aarch64_vector r = {{0, 0}};                                                                   \
        for (unsigned e = 0; e < LANES(z); e++)                                                              \
            r.z[e] = FP(z, from_int(&c->fp, (uint64_t)(sign##_##z)c->s.v[i->rn].z[e], kind));                \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    A64_HANDLER(id##__sc_##z)                                                                                \
    {                                                                                                        \
        const struct fp_int kind = {.width = BITS(z), .is_signed = SIGNED_##sign};                           \
        simd_write_scalar(c, i, FP(z, from_int(&c->fp, (uint64_t)(sign##_##z)c->s.v[i->rn].z[0], kind)));    \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define FROM_INTS(z)                                                                                         \
    FROM_GENERAL(scvtf, z, w, s, int32_t)                                                                    \
    FROM_GENERAL(scvtf, z, x, s, int64_t)                                                                    \
    FROM_GENERAL(ucvtf, z, w, u, uint32_t)                                                                   \
    FROM_GENERAL(ucvtf, z, x, u, uint64_t)                                                                   \
    FROM_INT(scvtf, z, s)                                                                                    \
    FROM_INT(ucvtf, z, u)

FROM_INTS(h)
FROM_INTS(s)
FROM_INTS(d)

/* ---- fixed point: fraction bits are 64 - scale, or twice the element's bits less immh:immb ---- */

INLINE struct fp_int fixed(unsigned width, bool is_signed, unsigned fraction_bits)
{
    return (struct fp_int){
        .width = (uint8_t)width, .is_signed = is_signed, .fraction_bits = (uint8_t)fraction_bits};
}

#define SCALE     (64 - (simd_bits(i) >> 10 & 63))
#define IMMH_IMMB (simd_bits(i) >> 16 & 127)

#define FIXED_GENERAL(z, reg, sign, width, unsigned_type, type)                                              \
    A64_HANDLER(fcvtz##sign##__fixed_##reg##_##z)                                                            \
    {                                                                                                        \
        struct fp_int kind = fixed(width, SIGNED_##sign, SCALE);                                             \
        c->s.x[i->rd] = (unsigned_type)FP(z, to_int(&c->fp, c->s.v[i->rn].z[0], kind, FP_RTZ));              \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }                                                                                                        \
    A64_HANDLER(sign##cvtf__fixed_##reg##_##z)                                                               \
    {                                                                                                        \
        struct fp_int kind = fixed(width, SIGNED_##sign, SCALE);                                             \
        simd_write_scalar(c, i, FP(z, from_int(&c->fp, (uint64_t)(type)c->s.x[i->rn], kind)));               \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define FIXED_LANES(id, z, count, sign, convert)                                                             \
    A64_HANDLER(id)                                                                                          \
    {                                                                                                        \
        struct fp_int kind = fixed(BITS(z), SIGNED_##sign, 2 * BITS(z) - IMMH_IMMB);                         \
        union aarch64_vector r = {{0, 0}};                                                                   \
        for (unsigned e = 0; e < (count); e++) {                                                             \
            u_##z n = c->s.v[i->rn].z[e];                                                                    \
            r.z[e] = (u_##z)FP(z, convert);                                                                  \
        }                                                                                                    \
        c->s.v[i->rd] = r;                                                                                   \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }
#define FIXED(z, sign)                                                                                       \
    FIXED_LANES(fcvtz##sign##__fixed_v_##z, z, LANES(z), sign, to_int(&c->fp, n, kind, FP_RTZ))              \
    FIXED_LANES(fcvtz##sign##__fixed_sc_##z, z, 1, sign, to_int(&c->fp, n, kind, FP_RTZ))                    \
    FIXED_LANES(sign##cvtf__fixed_v_##z, z, LANES(z), sign, from_int(&c->fp, (uint64_t)(sign##_##z)n, kind)) \
    FIXED_LANES(sign##cvtf__fixed_sc_##z, z, 1, sign, from_int(&c->fp, (uint64_t)(sign##_##z)n, kind))
#define FIXED_ALL(z)                                                                                         \
    FIXED_GENERAL(z, w, s, 32, uint32_t, int32_t)                                                            \
    FIXED_GENERAL(z, w, u, 32, uint32_t, uint32_t)                                                           \
    FIXED_GENERAL(z, x, s, 64, uint64_t, int64_t)                                                            \
    FIXED_GENERAL(z, x, u, 64, uint64_t, uint64_t)                                                           \
    FIXED(z, s)                                                                                              \
    FIXED(z, u)

FIXED_ALL(h)
FIXED_ALL(s)
FIXED_ALL(d)
