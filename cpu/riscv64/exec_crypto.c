/* Zknd, Zkne and Zknh: the scalar AES and SHA-2 instructions. */
#include "base/bits.h"
#include "cpu/crypto/aes.h"
#include "cpu/crypto/sha.h"
#include "cpu/riscv64/interp.h"

/* The AES state: rs1 has its first eight bytes, rs2 the others. */
static struct aes_block aes_state(uint64_t low, uint64_t high)
{
    struct aes_block state;
    le64_store(&state.b[0], low);
    le64_store(&state.b[8], high);
    return state;
}

/* What an instruction computes of the next state is its first half; another one, with rs1 and rs2 exchanged,
 * gives the second. */
static uint64_t aes_encrypt(uint64_t low, uint64_t high, bool last)
{
    struct aes_block state = aes_sub_bytes(aes_shift_rows(aes_state(low, high)));
    return le64_load((last ? state : aes_mix_columns(state)).b);
}

static uint64_t aes_decrypt(uint64_t low, uint64_t high, bool last)
{
    struct aes_block state = aes_inverse_sub_bytes(aes_inverse_shift_rows(aes_state(low, high)));
    return le64_load((last ? state : aes_inverse_mix_columns(state)).b);
}

static uint64_t aes_mix_inverse(uint64_t columns)
{
    return aes_inverse_mix_column((uint32_t)columns) | (uint64_t)aes_inverse_mix_column(columns >> 32) << 32;
}

/* FIPS 197, 5.2: the word of round `round`; 10 stands for AES-256's step without rotation and constant. */
static uint64_t aes_key_word(uint64_t key, unsigned round)
{
    static const uint8_t constants[11] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36, 0};
    uint32_t last = (uint32_t)(key >> 32);
    uint32_t result = aes_sub_word(round == 10 ? last : sha_ror32(last, 8)) ^ constants[round];
    return result | (uint64_t)result << 32;
}

static uint64_t aes_key_mix(uint64_t first, uint64_t old)
{
    uint32_t low = (uint32_t)(first >> 32) ^ (uint32_t)old;
    uint32_t high = low ^ (uint32_t)(old >> 32);
    return low | (uint64_t)high << 32;
}

/* clang-format off */
RISCV_RR(aes64es,    aes_encrypt(a, b, true))
RISCV_RR(aes64esm,   aes_encrypt(a, b, false))
RISCV_RR(aes64ds,    aes_decrypt(a, b, true))
RISCV_RR(aes64dsm,   aes_decrypt(a, b, false))
RISCV_R1(aes64im,    aes_mix_inverse(a))
RISCV_RI(aes64ks1i,  aes_key_word(a, (unsigned)imm))
RISCV_RR(aes64ks2,   aes_key_mix(a, b))

RISCV_R1(sha256sum0, (int32_t)sha256_sum0((uint32_t)a))
RISCV_R1(sha256sum1, (int32_t)sha256_sum1((uint32_t)a))
RISCV_R1(sha256sig0, (int32_t)sha256_sig0((uint32_t)a))
RISCV_R1(sha256sig1, (int32_t)sha256_sig1((uint32_t)a))
RISCV_R1(sha512sum0, sha512_sum0(a))
RISCV_R1(sha512sum1, sha512_sum1(a))
RISCV_R1(sha512sig0, sha512_sig0(a))
RISCV_R1(sha512sig1, sha512_sig1(a))
/* clang-format on */
