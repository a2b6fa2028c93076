/*
 * A bank of parallel NOR flash with the Intel command set and CFI (JEDEC JESD68.01): two 16-bit parts side by
 * side on a 32-bit bus, that get the same commands, or, as on a PC, one 8-bit part. While it is read as an
 * array it is plain read-only memory; everything else goes through its command registers.
 */
#pragma once

#include "devices/machine.h"

#define PFLASH_BLOCKS_MAX 1024

struct pflash_config {
    const char *name; /* "flash0" */
    uint64_t base;
    bool single;         /* one part, 8 bits wide */
    uint64_t size;       /* of the bank: a number of blocks */
    uint64_t block_size; /* that is erased at once, over all parts: a power of two, 4 KiB at least of each */
    const char *path;    /* contents, kept in this file; NULL: erased, and forgotten at the end */
    bool readonly;       /* programming and erasing fail; the file is not written */
    bool temporary;      /* the file is not written; what the guest changes is forgotten at the end */
};

struct pflash;

/* NULL and err: the file can't be used or is larger than the bank, or the place overlaps another device. */
struct pflash *pflash_create(struct machine *machine, const struct pflash_config *config, struct error *err);
