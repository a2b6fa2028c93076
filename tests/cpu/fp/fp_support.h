/* Operands for the tests of cpu/fp: random bit patterns that hit every class, boundary and tie often. */
#pragma once

#include "cpu/fp/fp.h"

f16_t fp_test_f16(void);
f32_t fp_test_f32(void);
f64_t fp_test_f64(void);
f80_t fp_test_f80(void); /* valid encodings only */
f128_t fp_test_f128(void);

/* An integer of random length and sign, often near a power of two. */
uint64_t fp_test_int(void);
