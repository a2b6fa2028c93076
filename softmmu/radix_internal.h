/* What the files of the radix engine share: entries by place, read and replaced atomically. */
#pragma once

#include "base/bits.h"
#include "softmmu/radix.h"

static inline uint64_t radix_table_size(const struct radix_format *format, unsigned depth)
{
    return (uint64_t)format->entry_size << format->level[depth].bits;
}

static inline unsigned radix_index(const struct radix_format *format, unsigned depth, uint64_t va)
{
    return (unsigned)bits_get(va, format->level[depth].shift, format->level[depth].bits);
}

/* Bytes of virtual address one entry stands for. */
static inline uint64_t radix_span(const struct radix_format *format, unsigned depth)
{
    return (uint64_t)1 << format->level[depth].shift;
}

/* Read and decode the entry at step->at. False: it can't be read. */
bool radix_load(const struct radix_root *root, const struct radix_memory *memory, unsigned depth,
                struct radix_step *step);

/* The attributes in effect of an entry below a table with `above`. */
static inline uint64_t radix_inherit(const struct radix_format *format, unsigned depth, uint64_t above,
                                     uint64_t attributes)
{
    return depth && format->inherit ? format->inherit(above, attributes) : attributes;
}
