/* The sigma functions of SHA-256 and SHA-512 (FIPS 180-4, 4.1.2 and 4.1.3). */
#pragma once

#include "base/types.h"

static inline uint32_t sha_ror32(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static inline uint64_t sha_ror64(uint64_t v, unsigned n)
{
    return v >> n | v << (64 - n);
}

static inline uint32_t sha256_sum0(uint32_t x)
{
    return sha_ror32(x, 2) ^ sha_ror32(x, 13) ^ sha_ror32(x, 22);
}

static inline uint32_t sha256_sum1(uint32_t x)
{
    return sha_ror32(x, 6) ^ sha_ror32(x, 11) ^ sha_ror32(x, 25);
}

static inline uint32_t sha256_sig0(uint32_t x)
{
    return sha_ror32(x, 7) ^ sha_ror32(x, 18) ^ x >> 3;
}

static inline uint32_t sha256_sig1(uint32_t x)
{
    return sha_ror32(x, 17) ^ sha_ror32(x, 19) ^ x >> 10;
}

static inline uint64_t sha512_sum0(uint64_t x)
{
    return sha_ror64(x, 28) ^ sha_ror64(x, 34) ^ sha_ror64(x, 39);
}

static inline uint64_t sha512_sum1(uint64_t x)
{
    return sha_ror64(x, 14) ^ sha_ror64(x, 18) ^ sha_ror64(x, 41);
}

static inline uint64_t sha512_sig0(uint64_t x)
{
    return sha_ror64(x, 1) ^ sha_ror64(x, 8) ^ x >> 7;
}

static inline uint64_t sha512_sig1(uint64_t x)
{
    return sha_ror64(x, 19) ^ sha_ror64(x, 61) ^ x >> 6;
}
