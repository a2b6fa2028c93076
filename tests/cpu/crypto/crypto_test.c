#include "cpu/crypto/aes.h"
#include "cpu/crypto/clmul.h"
#include "cpu/crypto/sha.h"
#include "tests/harness/test.h"

/* FIPS 197, appendix B: the state at the start of round 1, and after each step of it. */
static const uint8_t start[16] = {0x19, 0x3d, 0xe3, 0xbe, 0xa0, 0xf4, 0xe2, 0x2b,
                                  0x9a, 0xc6, 0x8d, 0x2a, 0xe9, 0xf8, 0x48, 0x08};
static const uint8_t after_sub[16] = {0xd4, 0x27, 0x11, 0xae, 0xe0, 0xbf, 0x98, 0xf1,
                                      0xb8, 0xb4, 0x5d, 0xe5, 0x1e, 0x41, 0x52, 0x30};
static const uint8_t after_shift[16] = {0xd4, 0xbf, 0x5d, 0x30, 0xe0, 0xb4, 0x52, 0xae,
                                        0xb8, 0x41, 0x11, 0xf1, 0x1e, 0x27, 0x98, 0xe5};
static const uint8_t after_mix[16] = {0x04, 0x66, 0x81, 0xe5, 0xe0, 0xcb, 0x19, 0x9a,
                                      0x48, 0xf8, 0xd3, 0x7a, 0x28, 0x06, 0x26, 0x4c};

static void aes_round(void)
{
    struct aes_block s;
    memcpy(s.b, start, 16);
    s = aes_sub_bytes(s);
    CHECK_MEM(s.b, after_sub, 16);
    s = aes_shift_rows(s);
    CHECK_MEM(s.b, after_shift, 16);
    s = aes_mix_columns(s);
    CHECK_MEM(s.b, after_mix, 16);
    s = aes_inverse_mix_columns(s);
    CHECK_MEM(s.b, after_shift, 16);
    s = aes_inverse_shift_rows(s);
    CHECK_MEM(s.b, after_sub, 16);
    s = aes_inverse_sub_bytes(s);
    CHECK_MEM(s.b, start, 16);
    /* Appendix A.1: SubWord(RotWord(09cf4f3c)) = 8a84eb01, bytes in order. */
    CHECK_EQ(aes_sub_word(0x093c4fcf), 0x01eb848a);
}

static void carry_less(void)
{
    /* The example of Intel's carry-less multiplication white paper. */
    struct clmul_product p = clmul64(0x63746f725d53475d, 0x5b477565726f6e5d);
    CHECK_EQ(p.hi, 0x1d4d84c85c3440c0);
    CHECK_EQ(p.lo, 0x929633d5d36f0451);
}

/* SHA-256 of "abc" (FIPS 180-4 example): one block, so that each sigma function takes part. */
static void sha256_abc(void)
{
    uint32_t w[64] = {0x61626380, [15] = 24};
    for (int t = 16; t < 64; t++)
        w[t] = sha256_sig1(w[t - 2]) + w[t - 7] + sha256_sig0(w[t - 15]) + w[t - 16];
    /* NIST's worked example of the message schedule. */
    CHECK_EQ(w[16], 0x61626380);
    CHECK_EQ(w[17], 0x000f0000);
    CHECK_EQ(w[18], 0x7da86405);
    CHECK_EQ(w[19], 0x600003c6);
}

static const struct test_case cases[] = {
    {"aes_round", aes_round},
    {"carry_less", carry_less},
    {"sha256_abc", sha256_abc},
};
TEST_SUITE(crypto_test, "unit", cases);
