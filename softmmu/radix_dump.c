/* Listing what tables map. */
#include "softmmu/radix_internal.h"

/* A table that points at itself has 512^4 leaves. More entries than this are read for nobody: 64 GiB in
 * 4 KiB pages. */
#define ENTRIES_MAX ((uint64_t)1 << 24)

struct dump {
    const struct radix_root *root;
    const struct radix_memory *memory;
    bool (*fn)(void *opaque, const struct radix_range *range);
    void *opaque;
    struct radix_range range; /* collected and not reported yet; size 0: none */
    uint64_t entries;
};

static bool report(struct dump *dump)
{
    return dump->range.size == 0 || dump->fn(dump->opaque, &dump->range);
}

/* Add a page to the range, or report that one and begin another. */
static bool add(struct dump *dump, uint64_t va, uint64_t pa, uint64_t size, uint64_t attributes)
{
    struct radix_range *range = &dump->range;
    if (range->size && range->va + range->size == va && range->pa + range->size == pa &&
        range->attributes == attributes) {
        range->size += size;
        return true;
    }
    bool go_on = report(dump);
    *range = (struct radix_range){.va = va, .pa = pa, .size = size, .attributes = attributes};
    return go_on;
}

static bool dump_table(struct dump *dump, unsigned depth, uint64_t table, uint64_t base, uint64_t above)
{
    const struct radix_format *format = dump->root->format;
    unsigned top = format->level[0].shift + format->level[0].bits;
    for (uint64_t index = 0; index < (uint64_t)1 << format->level[depth].bits; index++) {
        struct radix_step step = {.at = table + index * format->entry_size};
        if (++dump->entries > ENTRIES_MAX)
            return false;
        if (!radix_load(dump->root, dump->memory, depth, &step))
            continue;
        uint64_t va = base + index * radix_span(format, depth);
        if (format->sign_extended)
            va = (uint64_t)sign_extend(va, top);
        uint64_t attributes = radix_inherit(format, depth, above, step.entry.attributes);
        bool go_on = true;
        if (step.entry.kind == RADIX_TABLE)
            go_on = dump_table(dump, depth + 1, step.entry.address, va, attributes);
        else if (step.entry.kind == RADIX_LEAF)
            go_on = add(dump, va, radix_address(&step.entry, va), radix_span(format, depth), attributes);
        if (!go_on)
            return false;
    }
    return true;
}

bool radix_dump(const struct radix_root *root, const struct radix_memory *memory,
                bool (*fn)(void *opaque, const struct radix_range *range), void *opaque)
{
    struct dump dump = {.root = root, .memory = memory, .fn = fn, .opaque = opaque};
    return dump_table(&dump, 0, root->table, 0, 0) && report(&dump);
}
