/* What the parts of a pflash bank answer to a CFI query. */
#pragma once

#include "base/types.h"

#define PFLASH_CFI_SIZE 0x40

/* One byte for each address of a part; sizes and counts are those of one part, powers of two. */
void pflash_cfi_make(uint8_t table[PFLASH_CFI_SIZE], uint64_t part_size, uint64_t part_block_size,
                     uint64_t part_buffer_size);
