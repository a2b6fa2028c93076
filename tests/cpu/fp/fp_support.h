/* Operands for the tests of cpu/fp: random bit patterns that hit every class, boundary and tie often. */
#pragma once

#include <float.h>

#include "cpu/fp/fp.h"

f16_t fp_test_f16(void);
f32_t fp_test_f32(void);
f64_t fp_test_f64(void);
f80_t fp_test_f80(void); /* valid encodings only */
f128_t fp_test_f128(void);

/* An integer of random length and sign, often near a power of two. */
uint64_t fp_test_int(void);

/* The host's rounding modes, those of <fenv.h>, beside the guest's, and the flags it raised as the guest's.
 */
#define FP_TEST_ROUNDS 4
extern const struct fp_test_round {
    enum fp_round guest;
    int host;
} fp_test_rounds[FP_TEST_ROUNDS];
unsigned fp_test_host_flags(void);

/* Where the host has x87's format. */
#if LDBL_MANT_DIG == 64
long double fp_test_f80_to_host(f80_t a);
f80_t fp_test_f80_from_host(long double d);
#endif
