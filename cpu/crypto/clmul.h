/* Carry-less multiplication: polynomials over GF(2), as RISC-V's Zbc, x86's PCLMULQDQ and ARM's PMULL have
 * it. */
#pragma once

#include "base/types.h"

struct clmul_product {
    uint64_t lo, hi;
};

/* The 127-bit product of two 64-bit polynomials. */
static inline struct clmul_product clmul64(uint64_t a, uint64_t b)
{
    unsigned __int128 product = 0, wide = a;
    for (; b; b &= b - 1)
        product ^= wide << __builtin_ctzll(b);
    return (struct clmul_product){(uint64_t)product, (uint64_t)(product >> 64)};
}
