/* Sums, differences and logic that set NZCV. */
#pragma once

#include "cpu/aarch64/interp.h"

INLINE uint64_t a64_adds64(struct aarch64_core *c, uint64_t a, uint64_t b)
{
    uint64_t r = a + b;
    c->s.flag_n = c->s.flag_z = r;
    c->s.flag_c = r < a;
    c->s.flag_v = (uint8_t)(((a ^ r) & (b ^ r)) >> 63);
    return r;
}

INLINE uint64_t a64_subs64(struct aarch64_core *c, uint64_t a, uint64_t b)
{
    uint64_t r = a - b;
    c->s.flag_n = c->s.flag_z = r;
    c->s.flag_c = a >= b;
    c->s.flag_v = (uint8_t)(((a ^ b) & (a ^ r)) >> 63);
    return r;
}

INLINE uint32_t a64_adds32(struct aarch64_core *c, uint32_t a, uint32_t b)
{
    uint32_t r = a + b;
    c->s.flag_n = c->s.flag_z = (uint64_t)(int32_t)r;
    c->s.flag_c = r < a;
    c->s.flag_v = (uint8_t)(((a ^ r) & (b ^ r)) >> 31);
    return r;
}

INLINE uint32_t a64_subs32(struct aarch64_core *c, uint32_t a, uint32_t b)
{
    uint32_t r = a - b;
    c->s.flag_n = c->s.flag_z = (uint64_t)(int32_t)r;
    c->s.flag_c = a >= b;
    c->s.flag_v = (uint8_t)(((a ^ b) & (a ^ r)) >> 31);
    return r;
}

INLINE uint64_t a64_adcs64(struct aarch64_core *c, uint64_t a, uint64_t b)
{
    uint64_t carry = c->s.flag_c, r = a + b + carry;
    c->s.flag_n = c->s.flag_z = r;
    c->s.flag_c = carry ? r <= a : r < a;
    c->s.flag_v = (uint8_t)(((a ^ r) & (b ^ r)) >> 63);
    return r;
}

INLINE uint32_t a64_adcs32(struct aarch64_core *c, uint32_t a, uint32_t b)
{
    uint64_t sum = (uint64_t)a + b + c->s.flag_c;
    uint32_t r = (uint32_t)sum;
    c->s.flag_n = c->s.flag_z = (uint64_t)(int32_t)r;
    c->s.flag_c = (uint8_t)(sum >> 32);
    c->s.flag_v = (uint8_t)(((a ^ r) & (b ^ r)) >> 31);
    return r;
}

INLINE uint64_t a64_logic64(struct aarch64_core *c, uint64_t r)
{
    c->s.flag_n = c->s.flag_z = r;
    c->s.flag_c = c->s.flag_v = 0;
    return r;
}

INLINE uint32_t a64_logic32(struct aarch64_core *c, uint32_t r)
{
    c->s.flag_n = c->s.flag_z = (uint64_t)(int32_t)r;
    c->s.flag_c = c->s.flag_v = 0;
    return r;
}
