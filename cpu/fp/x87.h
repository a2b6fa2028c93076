/*
 * What only the x87 does: partial remainders, scaling, decimal numbers, its constants and transcendental
 * functions. Operands and results are register contents; env is one like fp_env_x87. Precision control
 * concerns none of these.
 */
#pragma once

#include "cpu/fp/fp.h"

/* FPREM and FPREM1. */
struct x87_remainder {
    f80_t value;
    uint8_t quotient; /* its low three bits, for C0, C3 and C1; 0 while partial */
    bool is_partial;  /* the exponent was reduced by 32 to 63 only: C2, run the instruction again */
};
struct x87_remainder x87_fprem(struct fp_env *env, f80_t a, f80_t b, bool nearest);

/* a * 2^trunc(b). */
f80_t x87_fscale(struct fp_env *env, f80_t a, f80_t b);

/* The significand, with the exponent of a in *exponent. */
f80_t x87_fxtract(struct fp_env *env, f80_t a, f80_t *exponent);

/* Packed decimal numbers: 18 digits and a sign in 10 bytes. A number too large for them is invalid and stored
 * as the decimal indefinite; digits above 9, which the manual leaves undefined, count as what they are. */
f80_t x87_fbld(const uint8_t bytes[10]);
void x87_fbstp(struct fp_env *env, f80_t a, uint8_t bytes[10]);

/* The constants, rounded as env says, which raises nothing. */
enum x87_constant { X87_LOG2_10, X87_LOG2_E, X87_PI, X87_LOG10_2, X87_LN_2 };
f80_t x87_fld_constant(const struct fp_env *env, enum x87_constant which);

/*
 * Transcendental functions, right to much less than one unit in the last place, and so nearly always
 * correctly rounded in every mode. Like Intel's processors, sine, cosine and tangent take pi as the 66-bit
 * number of SDM vol. 1, 8.3.8. They return false, and no results, for operands of 2^63 and more (C2).
 */
f80_t x87_f2xm1(struct fp_env *env, f80_t x);
f80_t x87_fyl2x(struct fp_env *env, f80_t x, f80_t y);
f80_t x87_fyl2xp1(struct fp_env *env, f80_t x, f80_t y);
f80_t x87_fpatan(struct fp_env *env, f80_t y, f80_t x);
bool x87_fsin(struct fp_env *env, f80_t x, f80_t *sine);
bool x87_fcos(struct fp_env *env, f80_t x, f80_t *cosine);
bool x87_fsincos(struct fp_env *env, f80_t x, f80_t *sine, f80_t *cosine);
bool x87_fptan(struct fp_env *env, f80_t x, f80_t *tangent);
