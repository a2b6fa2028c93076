/*
 * CRC-32 (one table look-up a byte) and SHA-256 (FIPS 180-4) over a buffer of random bytes.
 */
#include "bench.h"

#include <string.h>

enum { BUFFER_SIZE = 65536 };

static const uint8_t *random_buffer(void)
{
    static uint8_t buffer[BUFFER_SIZE];
    uint64_t state = 1;

    for (size_t i = 0; i < BUFFER_SIZE; i++)
        buffer[i] = (uint8_t)next_random(&state);
    return buffer;
}

/* A round feeds the whole buffer into a CRC-32 that goes on from the last round (polynomial 04c11db7,
 * reflected). */
uint64_t bench_crc32(uint64_t rounds)
{
    uint32_t table[256];
    const uint8_t *buffer = random_buffer();
    uint32_t crc = 0xffffffff;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t entry = i;
        for (int bit = 0; bit < 8; bit++)
            entry = entry >> 1 ^ (entry & 1 ? 0xedb88320 : 0);
        table[i] = entry;
    }
    for (uint64_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < BUFFER_SIZE; i++)
            crc = crc >> 8 ^ table[(crc ^ buffer[i]) & 0xff];
    return ~crc;
}

/* FIPS 180-4 4.2.2: the fractions of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate_right(uint32_t value, int amount)
{
    return value >> amount | value << (32 - amount);
}

static void sha256_schedule(uint32_t w[64], const uint8_t block[64])
{
    for (int t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = rotate_right(w[t - 15], 7) ^ rotate_right(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotate_right(w[t - 2], 17) ^ rotate_right(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
}

/* FIPS 180-4 6.2.2: one 64-byte block. */
static void sha256_block(uint32_t hash[8], const uint8_t block[64])
{
    uint32_t w[64];
    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3];
    uint32_t e = hash[4], f = hash[5], g = hash[6], h = hash[7];

    sha256_schedule(w, block);
    for (int t = 0; t < 64; t++) {
        uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        uint32_t choice = (e & f) ^ (~e & g);
        uint32_t t1 = h + sum1 + choice + round_constants[t] + w[t];
        uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
        uint32_t t2 = sum0 + majority;
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d;
    hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
}

/* A round hashes the whole buffer as the continuation of one long message; the digest's first 8 bytes come
 * back. */
uint64_t bench_sha256(uint64_t rounds)
{
    const uint8_t *buffer = random_buffer();
    uint32_t hash[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };

    for (uint64_t round = 0; round < rounds; round++)
        for (size_t offset = 0; offset < BUFFER_SIZE; offset += 64)
            sha256_block(hash, buffer + offset);

    uint8_t padding[64] = {0x80};
    uint64_t bits = rounds * BUFFER_SIZE * 8;
    for (int i = 0; i < 8; i++)
        padding[56 + i] = (uint8_t)(bits >> (56 - 8 * i));
    sha256_block(hash, padding);
    return (uint64_t)hash[0] << 32 | hash[1];
}
