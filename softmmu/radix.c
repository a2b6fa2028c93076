/* Walking and single entries. */
#include "softmmu/radix.h"

#include "softmmu/radix_internal.h"

static uint64_t entry_read(const void *host, unsigned size)
{
    if (size == 4) {
        uint32_t raw = __atomic_load_n((const uint32_t *)host, __ATOMIC_ACQUIRE);
        return BITS_HOST_BIG ? __builtin_bswap32(raw) : raw;
    }
    uint64_t raw = __atomic_load_n((const uint64_t *)host, __ATOMIC_ACQUIRE);
    return BITS_HOST_BIG ? __builtin_bswap64(raw) : raw;
}

static bool entry_replace(void *host, unsigned size, uint64_t old, uint64_t new)
{
    if (size == 4) {
        uint32_t expected = BITS_HOST_BIG ? __builtin_bswap32((uint32_t)old) : (uint32_t)old;
        uint32_t desired = BITS_HOST_BIG ? __builtin_bswap32((uint32_t) new) : (uint32_t) new;
        return __atomic_compare_exchange_n((uint32_t *)host, &expected, desired, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED);
    }
    uint64_t expected = BITS_HOST_BIG ? __builtin_bswap64(old) : old;
    uint64_t desired = BITS_HOST_BIG ? __builtin_bswap64(new) : new;
    return __atomic_compare_exchange_n((uint64_t *)host, &expected, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

bool radix_reaches(const struct radix_format *format, uint64_t va)
{
    unsigned bits = format->level[0].shift + format->level[0].bits;
    if (bits >= 64)
        return true;
    return format->sign_extended ? (uint64_t)sign_extend(va, bits) == va : va >> bits == 0;
}

bool radix_load(const struct radix_root *root, const struct radix_memory *memory, unsigned depth,
                struct radix_step *step)
{
    const struct radix_format *format = root->format;
    const void *host = memory->entry(memory->opaque, step->at, format->entry_size, RAM_READ);
    if (!host)
        return false;
    step->raw = entry_read(host, format->entry_size);
    step->entry = format->decode(format, depth, step->raw, root->options);
    if (step->entry.kind == RADIX_TABLE && depth + 1u == format->levels)
        step->entry.kind = RADIX_RESERVED;
    return true;
}

bool radix_walk(const struct radix_root *root, const struct radix_memory *memory, uint64_t va,
                struct radix_path *path)
{
    uint64_t table = root->table;
    for (unsigned depth = 0;; depth++) {
        struct radix_step *step = &path->steps[depth];
        path->count = depth + 1;
        step->at = table + (uint64_t)radix_index(root->format, depth, va) * root->format->entry_size;
        if (!radix_load(root, memory, depth, step))
            return false;
        path->attributes = radix_inherit(root->format, depth, path->attributes, step->entry.attributes);
        if (step->entry.kind != RADIX_TABLE)
            return true;
        table = step->entry.address;
    }
}

enum radix_result radix_update(const struct radix_format *format, const struct radix_memory *memory,
                               const struct radix_step *step, uint64_t raw)
{
    void *host = memory->entry(memory->opaque, step->at, format->entry_size, RAM_WRITE);
    if (!host)
        return RADIX_BUS;
    if (!entry_replace(host, format->entry_size, step->raw, raw))
        return RADIX_CHANGED;
    if (memory->written)
        memory->written(memory->opaque, step->at, format->entry_size);
    return RADIX_OK;
}
