/*
 * The steps of AES (FIPS 197) that instruction sets are made of: RISC-V's Zkn, x86's AES-NI and ARM's AESE
 * each combine them in their own order. The state is 16 bytes in the order of the message, that is column by
 * column.
 */
#pragma once

#include "base/bits.h"

struct aes_block {
    uint8_t b[16];
};

extern const uint8_t aes_sbox[256];
extern const uint8_t aes_inverse_sbox[256];

struct aes_block aes_shift_rows(struct aes_block in);
struct aes_block aes_inverse_shift_rows(struct aes_block in);
struct aes_block aes_sub_bytes(struct aes_block in);
struct aes_block aes_inverse_sub_bytes(struct aes_block in);
struct aes_block aes_mix_columns(struct aes_block in);
struct aes_block aes_inverse_mix_columns(struct aes_block in);

/* One column, first byte in the low bits. */
uint32_t aes_mix_column(uint32_t column);
uint32_t aes_inverse_mix_column(uint32_t column);

/* The S-box on each byte of a word of the key schedule. */
uint32_t aes_sub_word(uint32_t word);
