/*
 * QARMA-64 as pointer authentication uses it (Avanzi, "The QARMA Block Cipher Family"; Arm ARM, ComputePAC):
 * a three-round Even-Mansour construction on a state of sixteen 4-bit cells, of which cell 0 is the highest.
 */
#include "cpu/aarch64/pauth.h"

#define ROUNDS_MAX 5
#define ALPHA      0xc0ac29b7c97c50ddu
#define ONES       0x1111111111111111u /* the lowest bit of each cell */

/* Digits of pi. */
static const uint64_t round_constants[ROUNDS_MAX] = {0, 0x13198a2e03707344, 0xa4093822299f31d0,
                                                     0x082efa98ec4e6c89, 0x452821e638d01377};

/* Cells that a permutation moves equally far go together: rotated left by so many bits, those in the mask. */
struct move {
    uint8_t bits;
    uint64_t mask;
};

/* tau: cell n of the result is cell 0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2 of the operand; its
 * inverse; and h, 6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11, which is for the tweak. */
static const struct move tau[] = {
    {0, 0xf000000f00000000},  {12, 0x000000000000f00f}, {16, 0x00f0000000000000}, {20, 0x000000000f000000},
    {24, 0x0000f0f000000000}, {28, 0x0000000000000f00}, {36, 0x0000000000f00000}, {40, 0x0f0f000000000000},
    {44, 0x00000000000000f0}, {48, 0x00000f0000000000}, {52, 0x00000000f00f0000},
};
static const struct move tau_inverse[] = {
    {0, 0xf000000f00000000},  {12, 0x00000f00f0000000}, {16, 0x0f00000000000000}, {20, 0x000000000f000000},
    {24, 0x00000000000f0f00}, {28, 0x000f000000000000}, {36, 0x0000f00000000000}, {40, 0x0000000000f0f000},
    {44, 0x00000000000000f0}, {48, 0x000000f000000000}, {52, 0x00f000000000000f},
};
static const struct move h[] = {
    {12, 0x000000000ff00000}, {16, 0x0f00000000000000}, {24, 0xf000000000000000},
    {36, 0x00000000000f0000}, {48, 0x00ffffff0000ffff}, {60, 0x00000000f0000000},
};

#define OMEGA_CELLS 0xff0ff000f00f0f00u /* the LFSR omega steps these afterwards: 0, 1, 3, 4, 8, 11, 13 */

struct sbox {
    uint8_t forward[16], inverse[16];
};
static const struct sbox sigma1 = {{10, 13, 14, 6, 15, 7, 3, 5, 9, 8, 0, 12, 11, 1, 2, 4},
                                   {10, 13, 14, 6, 15, 7, 3, 5, 9, 8, 0, 12, 11, 1, 2, 4}};
static const struct sbox sigma2 = {{11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10},
                                   {5, 14, 13, 8, 10, 11, 1, 9, 2, 6, 15, 0, 4, 12, 7, 3}};

static uint64_t rol(uint64_t v, unsigned n)
{
    return v << n | v >> (-n & 63);
}

static uint64_t permute(uint64_t v, const struct move *moves, size_t count)
{
    uint64_t result = 0;
    for (size_t n = 0; n < count; n++)
        result |= rol(v, moves[n].bits) & moves[n].mask;
    return result;
}
#define PERMUTE(v, moves) permute(v, moves, ARRAY_LEN(moves))

static uint64_t substitute(uint64_t v, const uint8_t box[16])
{
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64; shift += 4)
        result |= (uint64_t)box[v >> shift & 15] << shift;
    return result;
}

/* Each cell rotated left. */
static uint64_t rotate_cells(uint64_t v, unsigned n)
{
    uint64_t low = ONES * ((1u << n) - 1);
    return (v << n & ~low) | (v >> (4 - n) & low);
}

/* The involutory matrix circ(0, rho, rho^2, rho) on columns: rows are sixteen bits. */
static uint64_t mix_columns(uint64_t v)
{
    return rotate_cells(rol(v, 16) ^ rol(v, 48), 1) ^ rotate_cells(rol(v, 32), 2);
}

/* omega: (b3, b2, b1, b0) becomes (b0 + b1, b3, b2, b1). */
static uint64_t tweak_step(uint64_t v)
{
    v = PERMUTE(v, h);
    uint64_t stepped = (v >> 1 & ONES * 7) | ((v ^ v >> 1) & ONES) << 3;
    return (stepped & OMEGA_CELLS) | (v & ~OMEGA_CELLS);
}

uint64_t aarch64_qarma(uint64_t text, uint64_t modifier, uint64_t key_hi, uint64_t key_lo, bool qarma3)
{
    const struct sbox *box = qarma3 ? &sigma1 : &sigma2;
    unsigned rounds = qarma3 ? 3 : 5;
    uint64_t whitening = key_hi << 63 | key_hi >> 2 << 1 | ((key_hi >> 63 ^ key_hi >> 1) & 1);
    uint64_t tweaks[ROUNDS_MAX + 1] = {modifier}, v = text ^ key_hi;
    for (unsigned n = 0; n < rounds; n++) {
        v ^= key_lo ^ tweaks[n] ^ round_constants[n];
        if (n > 0)
            v = mix_columns(PERMUTE(v, tau));
        v = substitute(v, box->forward);
        tweaks[n + 1] = tweak_step(tweaks[n]);
    }
    /* The reflector: a whitened round, the keyed centre, and the round's inverse. */
    v = substitute(mix_columns(PERMUTE(v ^ whitening ^ tweaks[rounds], tau)), box->forward);
    v = mix_columns(PERMUTE(v, tau)) ^ key_lo;
    v = substitute(PERMUTE(v, tau_inverse), box->inverse);
    v = PERMUTE(mix_columns(v), tau_inverse) ^ key_hi ^ tweaks[rounds];
    for (unsigned n = rounds; n-- > 0;) {
        v = substitute(v, box->inverse);
        if (n > 0)
            v = PERMUTE(mix_columns(v), tau_inverse);
        v ^= key_lo ^ tweaks[n] ^ round_constants[n] ^ ALPHA;
    }
    return v ^ whitening;
}
