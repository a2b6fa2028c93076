#include "devices/misc/pflash_cfi.h"

#include <string.h>

#include "base/bits.h"

/* JESD68.01 table 1 and on: the query's fields by address. */
#define QUERY          0x10 /* "QRY" */
#define COMMAND_SET    0x13
#define EXTENDED       0x15 /* where the command set's own table is */
#define VCC_MIN        0x1b
#define VCC_MAX        0x1c
#define TIME_WORD      0x1f /* typical times, log2: microseconds for programming, milliseconds for erasing */
#define TIME_BUFFER    0x20
#define TIME_ERASE     0x21
#define TIME_WORD_MAX  0x23 /* log2 of how many times the typical */
#define TIME_BUF_MAX   0x24
#define TIME_ERASE_MAX 0x25
#define DEVICE_SIZE    0x27 /* log2 */
#define INTERFACE      0x28
#define BUFFER_SIZE    0x2a /* log2 */
#define REGIONS        0x2c
#define REGION_BLOCKS  0x2d /* less one */
#define REGION_SIZE    0x2f /* in 256 bytes */
#define PRI            0x31 /* "PRI", version, features */
#define PRI_FEATURES   0x36
#define PRI_STATUS     0x3b
#define PRI_VCC        0x3d

#define COMMAND_SET_INTEL_EXTENDED 0x0001
#define INTERFACE_X8               0x0000
#define INTERFACE_X16              0x0001
#define FEATURE_LEGACY_LOCK        0x00000008

void pflash_cfi_make(uint8_t table[PFLASH_CFI_SIZE], unsigned part_width, uint64_t part_size,
                     uint64_t part_block_size, uint64_t part_buffer_size)
{
    memset(table, 0, PFLASH_CFI_SIZE);
    memcpy(table + QUERY, "QRY", 3);
    le16_store(table + COMMAND_SET, COMMAND_SET_INTEL_EXTENDED);
    le16_store(table + EXTENDED, PRI);
    table[VCC_MIN] = 0x27; /* 2.7 V */
    table[VCC_MAX] = 0x36;
    table[TIME_WORD] = 7;
    table[TIME_BUFFER] = 7;
    table[TIME_ERASE] = 10;
    table[TIME_WORD_MAX] = 4;
    table[TIME_BUF_MAX] = 4;
    table[TIME_ERASE_MAX] = 4;
    table[DEVICE_SIZE] = (uint8_t)(64 - __builtin_clzll(part_size - 1)); /* rounded up */
    le16_store(table + INTERFACE, part_width == 1 ? INTERFACE_X8 : INTERFACE_X16);
    le16_store(table + BUFFER_SIZE, (uint16_t)__builtin_ctzll(part_buffer_size));
    table[REGIONS] = 1;
    le16_store(table + REGION_BLOCKS, (uint16_t)(part_size / part_block_size - 1));
    le16_store(table + REGION_SIZE, (uint16_t)(part_block_size / 256));
    memcpy(table + PRI, "PRI11", 5);
    le32_store(table + PRI_FEATURES, FEATURE_LEGACY_LOCK);
    le16_store(table + PRI_STATUS, 0x0001); /* the block status has a lock bit */
    table[PRI_VCC] = 0x33;
}
