/*
 * What only ARM's instructions do: reciprocal estimates and steps, FMULX, rounding to integers of a given
 * size and bfloat16 products. Named after the pseudocode of the ARM ARM, which they follow; env is one like
 * fp_env_arm.
 */
#pragma once

#include "cpu/fp/fp.h"

#define FP_DECLARE_ARM(f)                                                                                    \
    f##_t f##_recip_estimate(struct fp_env *env, f##_t a);        /* FRECPE */                               \
    f##_t f##_recip_exponent(struct fp_env *env, f##_t a);        /* FRECPX */                               \
    f##_t f##_recip_step(struct fp_env *env, f##_t a, f##_t b);   /* FRECPS: 2 - a * b */                    \
    f##_t f##_rsqrt_estimate(struct fp_env *env, f##_t a);        /* FRSQRTE */                              \
    f##_t f##_rsqrt_step(struct fp_env *env, f##_t a, f##_t b);   /* FRSQRTS: (3 - a * b) / 2 */             \
    f##_t f##_mul_extended(struct fp_env *env, f##_t a, f##_t b); /* FMULX: 0 * inf is 2 */

FP_DECLARE_ARM(f16)
FP_DECLARE_ARM(f32)
FP_DECLARE_ARM(f64)
#undef FP_DECLARE_ARM

/* URECPE and URSQRTE. */
uint32_t u32_recip_estimate(uint32_t a);
uint32_t u32_rsqrt_estimate(uint32_t a);

/* FRINT32X and its kind: what does not fit a signed integer of 32 or 64 bits is invalid, and the lowest one.
 */
f32_t f32_round_int_sized(struct fp_env *env, f32_t a, enum fp_round round, unsigned width);
f64_t f64_round_int_sized(struct fp_env *env, f64_t a, enum fp_round round, unsigned width);

/* BFDOT without FPCR.EBF: addend + (a[0] * b[0] + a[1] * b[1]), each step rounded to odd with subnormals
 * flushed and default NaNs, raising nothing. Operands hold two bf16, the first in the low half. */
f32_t bf16_dot(f32_t addend, uint32_t a, uint32_t b);
