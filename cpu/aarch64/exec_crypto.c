/* AES, SHA-1, SHA-2, SHA-3, SM3 and SM4. */
#include "cpu/aarch64/simd.h"

#include <string.h>

#include "cpu/crypto/aes.h"
#include "cpu/crypto/sha.h"

#define VD (c->s.v[i->rd])
#define VN (c->s.v[i->rn])
#define VM (c->s.v[i->rm])
#define VA (c->s.v[simd_bits(i) >> 10 & 31])

/* rd becomes `value`, a union aarch64_vector. */
#define RESULT(name, value)                                                                                  \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        VD = (value);                                                                                        \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

INLINE uint32_t rol32(uint32_t v, unsigned n)
{
    return v << (n & 31) | v >> (-n & 31);
}

INLINE uint64_t rol64(uint64_t v, unsigned n)
{
    return v << (n & 63) | v >> (-n & 63);
}

/* ---- AES ---- */

static struct aes_block block_of(union aarch64_vector v)
{
    struct aes_block block;
    memcpy(&block, &v, sizeof(block));
    return block;
}

static union aarch64_vector vector_of(struct aes_block block)
{
    union aarch64_vector v;
    memcpy(&v, &block, sizeof(v));
    return v;
}

static union aarch64_vector xored(union aarch64_vector a, union aarch64_vector b)
{
    return (union aarch64_vector){{a.d[0] ^ b.d[0], a.d[1] ^ b.d[1]}};
}

/* Bytes go column by column, so that moving row r by r columns is stepping by 5; back, 13 * 5 being 1
 * modulo 16. */
static union aarch64_vector substituted(union aarch64_vector v, const uint8_t *box, unsigned step)
{
    union aarch64_vector r;
    for (unsigned e = 0; e < 16; e++)
        r.b[e] = box[v.b[step * e & 15]];
    return r;
}

RESULT(aese, substituted(xored(VD, VN), aes_sbox, 5))
RESULT(aesd, substituted(xored(VD, VN), aes_inverse_sbox, 13))
RESULT(aesmc, vector_of(aes_mix_columns(block_of(VN))))
RESULT(aesimc, vector_of(aes_inverse_mix_columns(block_of(VN))))

/* ---- SHA-1 ---- */

/* Four rounds on the state x with y's element 0, w being the schedule with the round constants added. */
#define SHA1_ROUNDS(name, f)                                                                                 \
    static union aarch64_vector name##_rounds(union aarch64_vector x, uint32_t y, union aarch64_vector w)    \
    {                                                                                                        \
        for (unsigned e = 0; e < 4; e++) {                                                                   \
            uint32_t b = x.s[1], p = x.s[2], q = x.s[3];                                                     \
            uint32_t t = y + rol32(x.s[0], 5) + (f) + w.s[e];                                                \
            y = q;                                                                                           \
            x = (union aarch64_vector){.s = {t, x.s[0], rol32(b, 30), p}};                                   \
        }                                                                                                    \
        return x;                                                                                            \
    }                                                                                                        \
    RESULT(name, name##_rounds(VD, VN.s[0], VM))

SHA1_ROUNDS(sha1c, ((p ^ q) & b) ^ q)
SHA1_ROUNDS(sha1p, b ^ p ^ q)
SHA1_ROUNDS(sha1m, (b & p) | ((b | p) & q))

static union aarch64_vector sha1_schedule0(union aarch64_vector d, union aarch64_vector n,
                                           union aarch64_vector m)
{
    union aarch64_vector middle = {{d.d[1], n.d[0]}};
    return xored(xored(middle, d), m);
}

static union aarch64_vector sha1_schedule1(union aarch64_vector d, union aarch64_vector n)
{
    union aarch64_vector t, r;
    for (unsigned e = 0; e < 4; e++) {
        t.s[e] = d.s[e] ^ (e < 3 ? n.s[e + 1] : 0);
        r.s[e] = rol32(t.s[e], 1);
    }
    r.s[3] ^= rol32(t.s[0], 2);
    return r;
}

RESULT(sha1h, ((union aarch64_vector){.s = {rol32(VN.s[0], 30)}}))
RESULT(sha1su0, sha1_schedule0(VD, VN, VM))
RESULT(sha1su1, sha1_schedule1(VD, VN))

/* ---- SHA-256 ---- */

INLINE uint32_t choose32(uint32_t x, uint32_t y, uint32_t z)
{
    return ((y ^ z) & x) ^ z;
}

INLINE uint32_t majority32(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) | ((x | y) & z);
}

/* Four rounds on the state x (a, b, c, d) and y (e, f, g, h); one of the halves is the result. */
static union aarch64_vector sha256_rounds(union aarch64_vector x, union aarch64_vector y,
                                          union aarch64_vector w, bool first_half)
{
    for (unsigned e = 0; e < 4; e++) {
        uint32_t t = y.s[3] + sha256_sum1(y.s[0]) + choose32(y.s[0], y.s[1], y.s[2]) + w.s[e];
        uint32_t to_y = x.s[3] + t;
        uint32_t to_x = t + sha256_sum0(x.s[0]) + majority32(x.s[0], x.s[1], x.s[2]);
        y = (union aarch64_vector){.s = {to_y, y.s[0], y.s[1], y.s[2]}};
        x = (union aarch64_vector){.s = {to_x, x.s[0], x.s[1], x.s[2]}};
    }
    return first_half ? x : y;
}

static union aarch64_vector sha256_schedule0(union aarch64_vector d, union aarch64_vector n)
{
    union aarch64_vector r;
    for (unsigned e = 0; e < 4; e++)
        r.s[e] = d.s[e] + sha256_sig0(e < 3 ? d.s[e + 1] : n.s[0]);
    return r;
}

static union aarch64_vector sha256_schedule1(union aarch64_vector d, union aarch64_vector n,
                                             union aarch64_vector m)
{
    union aarch64_vector r;
    for (unsigned e = 0; e < 4; e++) {
        uint32_t older = e < 2 ? m.s[e + 2] : r.s[e - 2], middle = e < 3 ? n.s[e + 1] : m.s[0];
        r.s[e] = d.s[e] + sha256_sig1(older) + middle;
    }
    return r;
}

RESULT(sha256h, sha256_rounds(VD, VN, VM, true))
RESULT(sha256h2, sha256_rounds(VN, VD, VM, false))
RESULT(sha256su0, sha256_schedule0(VD, VN))
RESULT(sha256su1, sha256_schedule1(VD, VN, VM))

/* ---- SHA-512 ---- */

static union aarch64_vector sha512_half1(union aarch64_vector w, union aarch64_vector x,
                                         union aarch64_vector y)
{
    uint64_t choice = (y.d[1] & x.d[0]) ^ (~y.d[1] & x.d[1]);
    uint64_t hi = w.d[1] + choice + sha512_sum1(y.d[1]);
    uint64_t t = hi + y.d[0];
    choice = (t & y.d[1]) ^ (~t & x.d[0]);
    return (union aarch64_vector){{w.d[0] + choice + sha512_sum1(t), hi}};
}

static union aarch64_vector sha512_half2(union aarch64_vector w, uint64_t x, union aarch64_vector y)
{
    uint64_t majority = (x & y.d[1]) ^ (x & y.d[0]) ^ (y.d[1] & y.d[0]);
    uint64_t hi = w.d[1] + sha512_sum0(y.d[0]) + majority;
    majority = (hi & y.d[0]) ^ (hi & y.d[1]) ^ (y.d[1] & y.d[0]);
    return (union aarch64_vector){{w.d[0] + sha512_sum0(hi) + majority, hi}};
}

RESULT(sha512h, sha512_half1(VD, VN, VM))
RESULT(sha512h2, sha512_half2(VD, VN.d[0], VM))
RESULT(sha512su0, ((union aarch64_vector){{VD.d[0] + sha512_sig0(VD.d[1]), VD.d[1] + sha512_sig0(VN.d[0])}}))
RESULT(sha512su1, ((union aarch64_vector){
                      {VD.d[0] + sha512_sig1(VN.d[0]) + VM.d[0], VD.d[1] + sha512_sig1(VN.d[1]) + VM.d[1]}}))

/* ---- SHA-3 ---- */

#define EACH_D(name, expr)                                                                                   \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        union aarch64_vector r;                                                                              \
        for (unsigned e = 0; e < 2; e++) {                                                                   \
            uint64_t n = VN.d[e], m = VM.d[e], a = VA.d[e];                                                  \
            (void)a;                                                                                         \
            r.d[e] = (expr);                                                                                 \
        }                                                                                                    \
        VD = r;                                                                                              \
        TAIL return a64_next(c, i, bank, pc);                                                                \
    }

EACH_D(eor3, n ^ m ^ a)
EACH_D(bcax, n ^ (m & ~a))
EACH_D(rax1, n ^ rol64(m, 1))
EACH_D(xar, rol64(n ^ m, -(simd_bits(i) >> 10) & 63))

/* ---- SM3 ---- */

static uint32_t sm3_p0(uint32_t x)
{
    return x ^ rol32(x, 9) ^ rol32(x, 17);
}

static uint32_t sm3_p1(uint32_t x)
{
    return x ^ rol32(x, 15) ^ rol32(x, 23);
}

static union aarch64_vector sm3_schedule1(union aarch64_vector d, union aarch64_vector n,
                                          union aarch64_vector m)
{
    union aarch64_vector r;
    for (unsigned e = 0; e < 4; e++)
        r.s[e] = sm3_p1(d.s[e] ^ n.s[e] ^ rol32(e < 3 ? m.s[e + 1] : r.s[0], 15));
    return r;
}

static union aarch64_vector sm3_schedule2(union aarch64_vector d, union aarch64_vector n,
                                          union aarch64_vector m)
{
    union aarch64_vector t, r;
    for (unsigned e = 0; e < 4; e++) {
        t.s[e] = n.s[e] ^ rol32(m.s[e], 7);
        r.s[e] = d.s[e] ^ t.s[e];
    }
    r.s[3] ^= sm3_p1(rol32(t.s[0], 15));
    return r;
}

/* SM3TT1A, TT1B (TT1: the words A to D) and TT2A, TT2B (E to H), one round with the word w of Vm. The B kind
 * has the functions of rounds 16 to 63. */
static union aarch64_vector sm3_round(union aarch64_vector d, uint32_t t, uint32_t w, bool second, bool late)
{
    uint32_t x = d.s[3], y = d.s[2], z = d.s[1], f;
    if (!late)
        f = x ^ y ^ z;
    else
        f = second ? choose32(x, y, z) : majority32(x, y, z);
    uint32_t sum = f + d.s[0] + t + w;
    if (second)
        return (union aarch64_vector){.s = {z, rol32(y, 19), x, sm3_p0(sum)}};
    return (union aarch64_vector){.s = {z, rol32(y, 9), x, sum}};
}

#define SM3_WORD (VM.s[simd_bits(i) >> 12 & 3])
RESULT(sm3tt1a, sm3_round(VD, VN.s[3] ^ rol32(VD.s[3], 12), SM3_WORD, false, false))
RESULT(sm3tt1b, sm3_round(VD, VN.s[3] ^ rol32(VD.s[3], 12), SM3_WORD, false, true))
RESULT(sm3tt2a, sm3_round(VD, VN.s[3], SM3_WORD, true, false))
RESULT(sm3tt2b, sm3_round(VD, VN.s[3], SM3_WORD, true, true))
RESULT(sm3ss1, ((union aarch64_vector){.s = {0, 0, 0, rol32(rol32(VN.s[3], 12) + VM.s[3] + VA.s[3], 7)}}))
RESULT(sm3partw1, sm3_schedule1(VD, VN, VM))
RESULT(sm3partw2, sm3_schedule2(VD, VN, VM))

/* ---- SM4 ---- */

/* clang-format off */
static const uint8_t sm4_sbox[256] = {
    0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7, 0x16, 0xb6, 0x14, 0xc2, 0x28, 0xfb, 0x2c, 0x05,
    0x2b, 0x67, 0x9a, 0x76, 0x2a, 0xbe, 0x04, 0xc3, 0xaa, 0x44, 0x13, 0x26, 0x49, 0x86, 0x06, 0x99,
    0x9c, 0x42, 0x50, 0xf4, 0x91, 0xef, 0x98, 0x7a, 0x33, 0x54, 0x0b, 0x43, 0xed, 0xcf, 0xac, 0x62,
    0xe4, 0xb3, 0x1c, 0xa9, 0xc9, 0x08, 0xe8, 0x95, 0x80, 0xdf, 0x94, 0xfa, 0x75, 0x8f, 0x3f, 0xa6,
    0x47, 0x07, 0xa7, 0xfc, 0xf3, 0x73, 0x17, 0xba, 0x83, 0x59, 0x3c, 0x19, 0xe6, 0x85, 0x4f, 0xa8,
    0x68, 0x6b, 0x81, 0xb2, 0x71, 0x64, 0xda, 0x8b, 0xf8, 0xeb, 0x0f, 0x4b, 0x70, 0x56, 0x9d, 0x35,
    0x1e, 0x24, 0x0e, 0x5e, 0x63, 0x58, 0xd1, 0xa2, 0x25, 0x22, 0x7c, 0x3b, 0x01, 0x21, 0x78, 0x87,
    0xd4, 0x00, 0x46, 0x57, 0x9f, 0xd3, 0x27, 0x52, 0x4c, 0x36, 0x02, 0xe7, 0xa0, 0xc4, 0xc8, 0x9e,
    0xea, 0xbf, 0x8a, 0xd2, 0x40, 0xc7, 0x38, 0xb5, 0xa3, 0xf7, 0xf2, 0xce, 0xf9, 0x61, 0x15, 0xa1,
    0xe0, 0xae, 0x5d, 0xa4, 0x9b, 0x34, 0x1a, 0x55, 0xad, 0x93, 0x32, 0x30, 0xf5, 0x8c, 0xb1, 0xe3,
    0x1d, 0xf6, 0xe2, 0x2e, 0x82, 0x66, 0xca, 0x60, 0xc0, 0x29, 0x23, 0xab, 0x0d, 0x53, 0x4e, 0x6f,
    0xd5, 0xdb, 0x37, 0x45, 0xde, 0xfd, 0x8e, 0x2f, 0x03, 0xff, 0x6a, 0x72, 0x6d, 0x6c, 0x5b, 0x51,
    0x8d, 0x1b, 0xaf, 0x92, 0xbb, 0xdd, 0xbc, 0x7f, 0x11, 0xd9, 0x5c, 0x41, 0x1f, 0x10, 0x5a, 0xd8,
    0x0a, 0xc1, 0x31, 0x88, 0xa5, 0xcd, 0x7b, 0xbd, 0x2d, 0x74, 0xd0, 0x12, 0xb8, 0xe5, 0xb4, 0xb0,
    0x89, 0x69, 0x97, 0x4a, 0x0c, 0x96, 0x77, 0x7e, 0x65, 0xb9, 0xf1, 0x09, 0xc5, 0x6e, 0xc6, 0x84,
    0x18, 0xf0, 0x7d, 0xec, 0x3a, 0xdc, 0x4d, 0x20, 0x79, 0xee, 0x5f, 0x3e, 0xd7, 0xcb, 0x39, 0x48,
};
/* clang-format on */

static uint32_t sm4_substitute(uint32_t v)
{
    uint32_t r = 0;
    for (unsigned shift = 0; shift < 32; shift += 8)
        r |= (uint32_t)sm4_sbox[v >> shift & 0xff] << shift;
    return r;
}

/* Four rounds: of the cipher with the round keys k, or of the key schedule with the constants k. */
static union aarch64_vector sm4_rounds(union aarch64_vector x, union aarch64_vector k, bool key)
{
    for (unsigned e = 0; e < 4; e++) {
        uint32_t t = sm4_substitute(x.s[3] ^ x.s[2] ^ x.s[1] ^ k.s[e]);
        t = key ? t ^ rol32(t, 13) ^ rol32(t, 23)
                : t ^ rol32(t, 2) ^ rol32(t, 10) ^ rol32(t, 18) ^ rol32(t, 24);
        x = (union aarch64_vector){.s = {x.s[1], x.s[2], x.s[3], x.s[0] ^ t}};
    }
    return x;
}

RESULT(sm4e, sm4_rounds(VD, VN, false))
RESULT(sm4ekey, sm4_rounds(VN, VM, true))
