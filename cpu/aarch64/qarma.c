/*
 * QARMA-64 as pointer authentication uses it (Avanzi, "The QARMA Block Cipher Family"; Arm ARM, ComputePAC):
 * a three-round Even-Mansour construction on a state of sixteen 4-bit cells, of which cell 0 is the highest.
 */
#include "cpu/aarch64/pauth.h"

#define CELLS 16
#define ALPHA 0xc0ac29b7c97c50ddu
#define ONES  0x1111111111111111u /* the lowest bit of each cell */

/* Digits of pi. */
static const uint64_t round_constants[5] = {0, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89,
                                            0x452821e638d01377};

/* tau: cell n of the result is cell tau[n]; and its inverse. */
static const uint8_t tau[CELLS] = {0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2};
static const uint8_t tau_inverse[CELLS] = {0, 5, 15, 10, 13, 8, 2, 7, 11, 14, 4, 1, 6, 3, 9, 12};

/* h, likewise, of the tweak; and the cells the LFSR omega is applied to afterwards. */
static const uint8_t h[CELLS] = {6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11};
static const uint8_t h_inverse[CELLS] = {4, 5, 6, 7, 11, 1, 0, 8, 12, 13, 14, 15, 9, 10, 2, 3};
#define OMEGA_CELLS 0xff0ff000f00f0f00u /* 0, 1, 3, 4, 8, 11, 13 */

struct sbox {
    uint8_t forward[16], inverse[16];
};
static const struct sbox sigma1 = {{10, 13, 14, 6, 15, 7, 3, 5, 9, 8, 0, 12, 11, 1, 2, 4},
                                   {10, 13, 14, 6, 15, 7, 3, 5, 9, 8, 0, 12, 11, 1, 2, 4}};
static const struct sbox sigma2 = {{11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10},
                                   {5, 14, 13, 8, 10, 11, 1, 9, 2, 6, 15, 0, 4, 12, 7, 3}};

static unsigned shift_of(unsigned cell)
{
    return 4 * (CELLS - 1 - cell);
}

static uint64_t permute(uint64_t v, const uint8_t order[CELLS])
{
    uint64_t result = 0;
    for (unsigned n = 0; n < CELLS; n++)
        result |= (v >> shift_of(order[n]) & 15) << shift_of(n);
    return result;
}

static uint64_t substitute(uint64_t v, const uint8_t box[16])
{
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64; shift += 4)
        result |= (uint64_t)box[v >> shift & 15] << shift;
    return result;
}

static uint64_t rol(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
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
static uint64_t tweak_forward(uint64_t v)
{
    v = permute(v, h);
    uint64_t stepped = (v >> 1 & ONES * 7) | ((v ^ v >> 1) & ONES) << 3;
    return (stepped & OMEGA_CELLS) | (v & ~OMEGA_CELLS);
}

static uint64_t tweak_backward(uint64_t v)
{
    uint64_t stepped = (v << 1 & ONES * 14) | ((v >> 3 ^ v) & ONES);
    return permute((stepped & OMEGA_CELLS) | (v & ~OMEGA_CELLS), h_inverse);
}

uint64_t aarch64_qarma(uint64_t text, uint64_t modifier, uint64_t key_hi, uint64_t key_lo, bool qarma3)
{
    const struct sbox *box = qarma3 ? &sigma1 : &sigma2;
    unsigned rounds = qarma3 ? 3 : 5;
    uint64_t whitening = key_hi << 63 | key_hi >> 2 << 1 | ((key_hi >> 63 ^ key_hi >> 1) & 1);
    uint64_t tweak = modifier, v = text ^ key_hi;
    for (unsigned n = 0; n < rounds; n++) {
        v ^= key_lo ^ tweak ^ round_constants[n];
        if (n > 0)
            v = mix_columns(permute(v, tau));
        v = substitute(v, box->forward);
        tweak = tweak_forward(tweak);
    }
    /* The reflector: a whitened round, the keyed centre, and the round's inverse. */
    v = substitute(mix_columns(permute(v ^ whitening ^ tweak, tau)), box->forward);
    v = mix_columns(permute(v, tau)) ^ key_lo;
    v = substitute(permute(v, tau_inverse), box->inverse);
    v = permute(mix_columns(v), tau_inverse) ^ key_hi ^ tweak;
    for (unsigned n = rounds; n-- > 0;) {
        v = substitute(v, box->inverse);
        if (n > 0)
            v = permute(mix_columns(v), tau_inverse);
        tweak = tweak_backward(tweak);
        v ^= key_lo ^ tweak ^ round_constants[n] ^ ALPHA;
    }
    return v ^ whitening;
}
