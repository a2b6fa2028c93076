/* Carry-less multiplication: polynomials over GF(2), as RISC-V's Zbc, x86's PCLMULQDQ and ARM's PMULL have
 * it. */
#pragma once

#include "base/types.h"

struct clmul_product {
    uint64_t lo, hi;
};

/* The 127-bit product of two 64-bit polynomials, four bits of b at a time. */
static inline struct clmul_product clmul64(uint64_t a, uint64_t b)
{
    unsigned __int128 multiples[16], product = 0;
    multiples[0] = 0;
    multiples[1] = a;
    for (unsigned n = 2; n < 16; n += 2) {
        multiples[n] = multiples[n / 2] << 1;
        multiples[n + 1] = multiples[n] ^ a;
    }
    for (unsigned shift = 64; shift; shift -= 4)
        product = product << 4 ^ multiples[b >> (shift - 4) & 15];
    return (struct clmul_product){(uint64_t)product, (uint64_t)(product >> 64)};
}
