/* What the parts of a pflash bank answer to a CFI query. */
#pragma once

#include "base/types.h"

#define PFLASH_CFI_SIZE 0x40

/* One byte for each address of a part. The sizes are those of one part, in bytes: the width of its bus, the
 * whole, a block, the write buffer. */
void pflash_cfi_make(uint8_t table[PFLASH_CFI_SIZE], unsigned part_width, uint64_t part_size,
                     uint64_t part_block_size, uint64_t part_buffer_size);
