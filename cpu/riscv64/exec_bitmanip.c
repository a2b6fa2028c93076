/* Zba, Zbb, Zbs, Zbc and the bit manipulation for cryptography: Zbkb, Zbkc, Zbkx. */
#include "base/bits.h"
#include "cpu/crypto/clmul.h"
#include "cpu/riscv64/interp.h"

/* A 32-bit result, as RV64 keeps it. */
static inline uint64_t word(uint32_t v)
{
    return (uint64_t)(int32_t)v;
}

static inline uint64_t rotate_left(uint64_t v, unsigned n)
{
    return v << (n & 63) | v >> (-n & 63);
}

static inline uint32_t rotate_left_word(uint32_t v, unsigned n)
{
    return v << (n & 31) | v >> (-n & 31);
}

/* Each byte that has a bit set becomes all ones. */
static inline uint64_t or_combine(uint64_t v)
{
    v |= (v & 0x7f7f7f7f7f7f7f7f) + 0x7f7f7f7f7f7f7f7f; /* bit 7 of a byte: any of its bits */
    return (v >> 7 & 0x0101010101010101) * 0xff;
}

/* The bits of each byte in reverse. */
static inline uint64_t reverse_in_bytes(uint64_t v)
{
    v = (v & 0x5555555555555555) << 1 | (v >> 1 & 0x5555555555555555);
    v = (v & 0x3333333333333333) << 2 | (v >> 2 & 0x3333333333333333);
    return (v & 0x0f0f0f0f0f0f0f0f) << 4 | (v >> 4 & 0x0f0f0f0f0f0f0f0f);
}

/* Each element of `indices`, `bits` wide, chooses one of v's, or 0 when there is none. */
static inline uint64_t permute(uint64_t v, uint64_t indices, unsigned bits)
{
    uint64_t result = 0;
    for (unsigned i = 0; i < 64; i += bits) {
        uint64_t index = bits_get(indices, i, bits);
        if (index < 64 / bits)
            result |= bits_get(v, (unsigned)index * bits, bits) << i;
    }
    return result;
}

static inline uint64_t clmul_reversed(uint64_t a, uint64_t b)
{
    struct clmul_product p = clmul64(a, b);
    return p.hi << 1 | p.lo >> 63;
}

#define BIT_OF(n) ((uint64_t)1 << ((n)&63))

/* clang-format off */
RISCV_RR(add_uw,    (uint32_t)a + b)
RISCV_RR(sh1add,    (a << 1) + b)
RISCV_RR(sh2add,    (a << 2) + b)
RISCV_RR(sh3add,    (a << 3) + b)
RISCV_RR(sh1add_uw, ((uint64_t)(uint32_t)a << 1) + b)
RISCV_RR(sh2add_uw, ((uint64_t)(uint32_t)a << 2) + b)
RISCV_RR(sh3add_uw, ((uint64_t)(uint32_t)a << 3) + b)
RISCV_RI(slli_uw,   (uint64_t)(uint32_t)a << imm)

RISCV_RR(andn,      a & ~b)
RISCV_RR(orn,       a | ~b)
RISCV_RR(xnor,      ~(a ^ b))
RISCV_R1(clz,       a ? __builtin_clzll(a) : 64)
RISCV_R1(ctz,       a ? __builtin_ctzll(a) : 64)
RISCV_R1(cpop,      __builtin_popcountll(a))
RISCV_R1(clzw,      (uint32_t)a ? __builtin_clz((uint32_t)a) : 32)
RISCV_R1(ctzw,      (uint32_t)a ? __builtin_ctz((uint32_t)a) : 32)
RISCV_R1(cpopw,     __builtin_popcount((uint32_t)a))
RISCV_R1(sext_b,    (int8_t)a)
RISCV_R1(sext_h,    (int16_t)a)
RISCV_R1(zext_h,    (uint16_t)a)
RISCV_R1(orc_b,     or_combine(a))
RISCV_R1(rev8,      __builtin_bswap64(a))
RISCV_RR(min,       (int64_t)a < (int64_t)b ? a : b)
RISCV_RR(minu,      a < b ? a : b)
RISCV_RR(max,       (int64_t)a > (int64_t)b ? a : b)
RISCV_RR(maxu,      a > b ? a : b)
RISCV_RR(rol,       rotate_left(a, (unsigned)b))
RISCV_RR(ror,       rotate_left(a, -(unsigned)b))
RISCV_RI(rori,      rotate_left(a, -(unsigned)imm))
RISCV_RR(rolw,      word(rotate_left_word((uint32_t)a, (unsigned)b)))
RISCV_RR(rorw,      word(rotate_left_word((uint32_t)a, -(unsigned)b)))
RISCV_RI(roriw,     word(rotate_left_word((uint32_t)a, -(unsigned)imm)))

RISCV_RR(pack,      (uint32_t)a | b << 32)
RISCV_RR(packh,     (uint8_t)a | (uint64_t)(uint8_t)b << 8)
RISCV_RR(packw,     word((uint16_t)a | (uint32_t)b << 16))
RISCV_R1(brev8,     reverse_in_bytes(a))

RISCV_RR(clmul,     clmul64(a, b).lo)
RISCV_RR(clmulh,    clmul64(a, b).hi)
RISCV_RR(clmulr,    clmul_reversed(a, b))
RISCV_RR(xperm4,    permute(a, b, 4))
RISCV_RR(xperm8,    permute(a, b, 8))

RISCV_RR(bclr,      a & ~BIT_OF(b))
RISCV_RI(bclri,     a & ~BIT_OF(imm))
RISCV_RR(bext,      a >> (b & 63) & 1)
RISCV_RI(bexti,     a >> imm & 1)
RISCV_RR(binv,      a ^ BIT_OF(b))
RISCV_RI(binvi,     a ^ BIT_OF(imm))
RISCV_RR(bset,      a | BIT_OF(b))
RISCV_RI(bseti,     a | BIT_OF(imm))
/* clang-format on */
