/* AES, PCLMULQDQ, SHA and GFNI. */
#include <string.h>

#include "cpu/crypto/aes.h"
#include "cpu/crypto/clmul.h"
#include "cpu/crypto/sha.h"
#include "cpu/x86_64/vector.h"

/* From a function of the sources, the width and the immediate; its result has an address, so it is out of
 * line. */
#define CRYPTO(name)                                                                                         \
    static __attribute__((noinline)) void name##_do(union x86_vector *d, source v, source s,                 \
                                                    const struct x86_insn *i)                                \
    {                                                                                                        \
        union x86_vector r = name(v, s, VEX_WIDTH, IMM);                                                     \
        vector_set(d, &r, VEX_WIDTH, i->flags &INSN_VEX);                                                    \
    }                                                                                                        \
    X86_VECTOR(name, 16, 16, name##_do(d, v, s, i))
#define CRYPTO_2(name)                                                                                       \
    CRYPTO(name)                                                                                             \
    X86_VECTOR(v##name, VEX_WIDTH, 1, name##_do(d, v, s, i))
typedef const union x86_vector *source;

/* ---- AES: a round is applied to v, and s is the round key ---- */

static struct aes_block block_of(source v, unsigned half)
{
    struct aes_block block;
    memcpy(block.b, v->b + half, sizeof(block.b));
    return block;
}

static void block_put(union x86_vector *r, unsigned half, struct aes_block block, source key)
{
    for (unsigned k = 0; k < 16; k++)
        r->b[half + k] = block.b[k] ^ key->b[half + k];
}

#define AES_ROUND(name, expr)                                                                                \
    static union x86_vector name(source v, source s, unsigned n, unsigned imm)                               \
    {                                                                                                        \
        union x86_vector r;                                                                                  \
        (void)imm;                                                                                           \
        for (unsigned half = 0; half < n; half += 16) {                                                      \
            struct aes_block in = block_of(v, half);                                                         \
            block_put(&r, half, expr, s);                                                                    \
        }                                                                                                    \
        return r;                                                                                            \
    }                                                                                                        \
    CRYPTO_2(name)
AES_ROUND(aesenc, aes_mix_columns(aes_sub_bytes(aes_shift_rows(in))))
AES_ROUND(aesenclast, aes_sub_bytes(aes_shift_rows(in)))
AES_ROUND(aesdec, aes_inverse_mix_columns(aes_inverse_sub_bytes(aes_inverse_shift_rows(in))))
AES_ROUND(aesdeclast, aes_inverse_sub_bytes(aes_inverse_shift_rows(in)))

static union x86_vector aesimc(source v, source s, unsigned n, unsigned imm)
{
    static const union x86_vector no_key;
    union x86_vector r = {{0}};
    (void)v, (void)n, (void)imm;
    block_put(&r, 0, aes_inverse_mix_columns(block_of(s, 0)), &no_key);
    return r;
}
CRYPTO_2(aesimc)

static union x86_vector aeskeygenassist(source v, source s, unsigned n, unsigned imm)
{
    union x86_vector r = {{0}};
    (void)v, (void)n;
    for (unsigned k = 0; k < 4; k += 2) {
        r.d[k] = aes_sub_word(s->d[k + 1]);
        r.d[k + 1] = sha_ror32(r.d[k], 8) ^ imm;
    }
    return r;
}
CRYPTO_2(aeskeygenassist)

/* ---- carry-less product of two quarters, or halves of halves ---- */

static union x86_vector pclmulqdq(source v, source s, unsigned n, unsigned imm)
{
    union x86_vector r = {{0}};
    for (unsigned k = 0; k < n / 8; k += 2) {
        struct clmul_product product = clmul64(v->q[k + (imm & 1)], s->q[k + (imm >> 4 & 1)]);
        r.q[k] = product.lo;
        r.q[k + 1] = product.hi;
    }
    return r;
}
CRYPTO_2(pclmulqdq)

/* ---- SHA: lane 3 comes first ---- */

static uint32_t rol32(uint32_t v, unsigned by)
{
    return v << by | v >> (32 - by);
}

static union x86_vector result128(uint32_t d3, uint32_t d2, uint32_t d1, uint32_t d0)
{
    return (union x86_vector){.d = {d0, d1, d2, d3}};
}

static uint32_t sha1_function(unsigned which, uint32_t b, uint32_t c, uint32_t d)
{
    switch (which) {
    case 0: return (b & c) ^ (~b & d);
    case 2: return (b & c) ^ (b & d) ^ (c & d);
    default: return b ^ c ^ d;
    }
}

static union x86_vector sha1rnds4(source v, source s, unsigned n, unsigned imm)
{
    (void)n;
    static const uint32_t constants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t a = v->d[3], b = v->d[2], c = v->d[1], d = v->d[0], e = 0;
    for (unsigned k = 0; k < 4; k++) {
        uint32_t t = sha1_function(imm & 3, b, c, d) + rol32(a, 5) + s->d[3 - k] + e + constants[imm & 3];
        e = d;
        d = c;
        c = rol32(b, 30);
        b = a;
        a = t;
    }
    return result128(a, b, c, d);
}
CRYPTO(sha1rnds4)

static union x86_vector sha1nexte(source v, source s, unsigned n, unsigned imm)
{
    (void)n, (void)imm;
    return result128(s->d[3] + rol32(v->d[3], 30), s->d[2], s->d[1], s->d[0]);
}
CRYPTO(sha1nexte)

static union x86_vector sha1msg1(source v, source s, unsigned n, unsigned imm)
{
    (void)n, (void)imm;
    return result128(v->d[1] ^ v->d[3], v->d[0] ^ v->d[2], s->d[3] ^ v->d[1], s->d[2] ^ v->d[0]);
}
CRYPTO(sha1msg1)

static union x86_vector sha1msg2(source v, source s, unsigned n, unsigned imm)
{
    (void)n, (void)imm;
    uint32_t w16 = rol32(v->d[3] ^ s->d[2], 1), w17 = rol32(v->d[2] ^ s->d[1], 1);
    uint32_t w18 = rol32(v->d[1] ^ s->d[0], 1), w19 = rol32(v->d[0] ^ w16, 1);
    return result128(w16, w17, w18, w19);
}
CRYPTO(sha1msg2)

/* Two rounds; XMM0 has the message with its constants added. */
static union x86_vector sha256rnds2_of(source v, source s, source message)
{
    uint32_t a = s->d[3], b = s->d[2], e = s->d[1], f = s->d[0];
    uint32_t c = v->d[3], d = v->d[2], g = v->d[1], h = v->d[0];
    for (unsigned k = 0; k < 2; k++) {
        uint32_t t = h + sha256_sum1(e) + ((e & f) ^ (~e & g)) + message->d[k];
        uint32_t u = sha256_sum0(a) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t;
        d = c;
        c = b;
        b = a;
        a = t + u;
    }
    return result128(a, b, e, f);
}
X86_DO(sha256rnds2)
{
    if (i->flags & INSN_MEM && !x86_helper_load(c, i, 16, 16))
        return false;
    const union x86_vector *s = i->flags & INSN_MEM ? &c->operand : &c->s.vector[i->rm];
    union x86_vector *d = &c->s.vector[i->reg], r = sha256rnds2_of(d, s, &c->s.vector[0]);
    vector_set(d, &r, 16, false);
    return true;
}
X86_HELPER(sha256rnds2)

static union x86_vector sha256msg1(source v, source s, unsigned n, unsigned imm)
{
    (void)n, (void)imm;
    return result128(v->d[3] + sha256_sig0(s->d[0]), v->d[2] + sha256_sig0(v->d[3]),
                     v->d[1] + sha256_sig0(v->d[2]), v->d[0] + sha256_sig0(v->d[1]));
}
CRYPTO(sha256msg1)

static union x86_vector sha256msg2(source v, source s, unsigned n, unsigned imm)
{
    (void)n, (void)imm;
    uint32_t w16 = v->d[0] + sha256_sig1(s->d[2]), w17 = v->d[1] + sha256_sig1(s->d[3]);
    return result128(v->d[3] + sha256_sig1(w17), v->d[2] + sha256_sig1(w16), w17, w16);
}
CRYPTO(sha256msg2)

/* ---- GFNI: the field of AES, x^8 + x^4 + x^3 + x + 1 ---- */

static uint8_t gf_product(uint8_t a, uint8_t b)
{
    unsigned product = 0;
    for (unsigned k = 0; k < 8; k++)
        product ^= b >> k & 1 ? (unsigned)a << k : 0;
    for (unsigned k = 14; k >= 8; k--)
        product ^= product >> k & 1 ? 0x11bu << (k - 8) : 0;
    return (uint8_t)product;
}

/* a^254: 0 stays 0. */
static uint8_t gf_inverse(uint8_t a)
{
    uint8_t square = gf_product(a, a), result = square;
    for (unsigned k = 0; k < 6; k++) {
        square = gf_product(square, square);
        result = gf_product(result, square);
    }
    return result;
}

static union x86_vector gf2p8mulb(source v, source s, unsigned n, unsigned imm)
{
    union x86_vector r = {{0}};
    (void)imm;
    for (unsigned k = 0; k < n; k++)
        r.b[k] = gf_product(v->b[k], s->b[k]);
    return r;
}
CRYPTO_2(gf2p8mulb)

/* Bit j of the result is the parity of the matrix's row 7 - j with the byte, plus the immediate's bit. */
static uint8_t affine(uint64_t matrix, uint8_t byte, unsigned imm)
{
    unsigned result = 0;
    for (unsigned j = 0; j < 8; j++)
        result |= (unsigned)__builtin_parity((uint8_t)(matrix >> (56 - 8 * j)) & byte) << j;
    return (uint8_t)(result ^ imm);
}

static union x86_vector gf2p8affineqb(source v, source s, unsigned n, unsigned imm)
{
    union x86_vector r = {{0}};
    for (unsigned k = 0; k < n; k++)
        r.b[k] = affine(s->q[k / 8], v->b[k], imm);
    return r;
}
CRYPTO_2(gf2p8affineqb)

static union x86_vector gf2p8affineinvqb(source v, source s, unsigned n, unsigned imm)
{
    union x86_vector r = {{0}};
    for (unsigned k = 0; k < n; k++)
        r.b[k] = affine(s->q[k / 8], gf_inverse(v->b[k]), imm);
    return r;
}
CRYPTO_2(gf2p8affineinvqb)
