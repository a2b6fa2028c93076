/* Bit fields, sign extension and byte order: the small arithmetic every layer needs, in one place. */
#pragma once

#include <stdint.h>
#include <string.h>

#include "base/types.h"

/* Bits [lo, lo + len) of v; 1 <= len <= 64. */
static inline uint64_t bits_get(uint64_t v, unsigned lo, unsigned len)
{
    return (v >> lo) & (~(uint64_t)0 >> (64 - len));
}

/* v with its bits [lo, lo + len) replaced by field. */
static inline uint64_t bits_set(uint64_t v, unsigned lo, unsigned len, uint64_t field)
{
    uint64_t mask = (~(uint64_t)0 >> (64 - len)) << lo;
    return (v & ~mask) | ((field << lo) & mask);
}

/* The low `len` bits of v as a signed number; 1 <= len <= 64. */
static inline int64_t sign_extend(uint64_t v, unsigned len)
{
    return (int64_t)(v << (64 - len)) >> (64 - len);
}

static inline bool is_pow2(uint64_t v)
{
    return v != 0 && (v & (v - 1)) == 0;
}

/* align is a power of two; the caller knows that v + align does not wrap. */
static inline uint64_t align_up(uint64_t v, uint64_t align)
{
    return (v + align - 1) & ~(align - 1);
}

static inline uint64_t align_down(uint64_t v, uint64_t align)
{
    return v & ~(align - 1);
}

/* True when [base, base + len) wraps around 2^64 or ends beyond `limit` (an exclusive end). */
static inline bool range_beyond(uint64_t base, uint64_t len, uint64_t limit)
{
    return base > limit || len > limit - base;
}

/* True when [a, a + alen) and [b, b + blen) share a byte. Neither wraps. */
static inline bool ranges_overlap(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen)
{
    return alen && blen && a <= b + (blen - 1) && b <= a + (alen - 1);
}

/* Little- and big-endian loads and stores at any alignment. */
#define BITS_ORDER_ACCESSORS(order, width, swap)                                                             \
    static inline uint##width##_t order##width##_load(const void *p)                                         \
    {                                                                                                        \
        uint##width##_t v;                                                                                   \
        memcpy(&v, p, sizeof(v));                                                                            \
        return swap ? __builtin_bswap##width(v) : v;                                                         \
    }                                                                                                        \
    static inline void order##width##_store(void *p, uint##width##_t v)                                      \
    {                                                                                                        \
        v = swap ? __builtin_bswap##width(v) : v;                                                            \
        memcpy(p, &v, sizeof(v));                                                                            \
    }

#define BITS_HOST_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
BITS_ORDER_ACCESSORS(le, 16, BITS_HOST_BIG)
BITS_ORDER_ACCESSORS(le, 32, BITS_HOST_BIG)
BITS_ORDER_ACCESSORS(le, 64, BITS_HOST_BIG)
BITS_ORDER_ACCESSORS(be, 16, !BITS_HOST_BIG)
BITS_ORDER_ACCESSORS(be, 32, !BITS_HOST_BIG)
BITS_ORDER_ACCESSORS(be, 64, !BITS_HOST_BIG)
#undef BITS_ORDER_ACCESSORS

/* A little-endian number of 1, 2, 4 or 8 bytes, for devices that are asked for any width. */
static inline uint64_t le_load(const void *p, unsigned width)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < width; i++)
        v |= (uint64_t)((const uint8_t *)p)[i] << (8 * i);
    return v;
}

static inline void le_store(void *p, unsigned width, uint64_t v)
{
    for (unsigned i = 0; i < width; i++)
        ((uint8_t *)p)[i] = (uint8_t)(v >> (8 * i));
}
