/* Tables made here: mapping, unmapping, changing attributes, splitting. */
#include <assert.h>
#include <stddef.h>

#include "softmmu/radix_internal.h"

static uint64_t encode_leaf(const struct radix_format *format, unsigned depth, uint64_t pa,
                            uint64_t attributes)
{
    const struct radix_entry leaf = {
        .kind = RADIX_LEAF, .page_bits = format->level[depth].shift, .address = pa, .attributes = attributes};
    return format->encode(format, depth, &leaf);
}

static uint64_t encode_table(const struct radix_format *format, unsigned depth, uint64_t address)
{
    const struct radix_entry entry = {.kind = RADIX_TABLE, .address = address};
    return format->encode(format, depth, &entry);
}

/* Read an entry of our own allocator's memory: it is there. */
static void load_own(const struct radix_table *table, unsigned depth, struct radix_step *step)
{
    bool loaded = radix_load(&table->root, &table->memory, depth, step);
    assert(loaded);
    (void)loaded;
}

static struct radix_step step_at(const struct radix_table *table, unsigned depth, uint64_t address,
                                 uint64_t index)
{
    struct radix_step step = {.at = address + index * table->root.format->entry_size};
    load_own(table, depth, &step);
    return step;
}

static bool replace(const struct radix_table *table, const struct radix_step *step, uint64_t raw)
{
    return radix_update(table->root.format, &table->memory, step, raw) == RADIX_OK;
}

static void invalidate(const struct radix_table *table, uint64_t va, uint64_t size)
{
    if (table->invalidate)
        table->invalidate(table->opaque, va, size);
}

/* Free a table that nothing points to any more, with all below it. */
static void free_tree(struct radix_table *table, unsigned depth, uint64_t address)
{
    const struct radix_format *format = table->root.format;
    for (uint64_t i = 0; depth + 1u < format->levels && i < (uint64_t)1 << format->level[depth].bits; i++) {
        struct radix_step step = step_at(table, depth, address, i);
        if (step.entry.kind == RADIX_TABLE)
            free_tree(table, depth + 1, step.entry.address);
    }
    table->free(table->opaque, address, radix_table_size(format, depth));
}

static bool is_empty(const struct radix_table *table, unsigned depth, uint64_t address)
{
    for (uint64_t i = 0; i < (uint64_t)1 << table->root.format->level[depth].bits; i++) {
        if (step_at(table, depth, address, i).entry.kind != RADIX_EMPTY)
            return false;
    }
    return true;
}

enum radix_result radix_table_create(struct radix_table *table)
{
    uint64_t size = radix_table_size(table->root.format, 0);
    return table->alloc(table->opaque, size, &table->root.table) ? RADIX_OK : RADIX_NO_MEMORY;
}

void radix_table_destroy(struct radix_table *table)
{
    free_tree(table, 0, table->root.table);
}

/* Put a table of smaller pages in the place of a leaf, with the same meaning. Hardware may set accessed and
 * dirty bits meanwhile: then the leaf is read again. */
static enum radix_result split_leaf(struct radix_table *table, unsigned depth, struct radix_step *step,
                                    uint64_t va)
{
    const struct radix_format *format = table->root.format;
    uint64_t address, span = radix_span(format, depth), below = span >> format->level[depth + 1].bits;
    if (!table->alloc(table->opaque, radix_table_size(format, depth + 1), &address))
        return RADIX_NO_MEMORY;
    do {
        load_own(table, depth, step);
        for (uint64_t i = 0; i < span / below; i++) {
            struct radix_step slot = step_at(table, depth + 1, address, i);
            replace(table, &slot,
                    encode_leaf(format, depth + 1, step->entry.address + i * below, step->entry.attributes));
        }
    } while (!replace(table, step, encode_table(format, depth, address)));
    invalidate(table, va & ~(span - 1), span);
    load_own(table, depth, step);
    return RADIX_OK;
}

/* The depth whose leaves have this size; levels when there is none. */
static unsigned depth_of(const struct radix_format *format, unsigned page_bits)
{
    unsigned depth = 0;
    while (depth < format->levels &&
           !(format->level[depth].shift == page_bits && (format->leaf_depths >> depth & 1)))
        depth++;
    return depth;
}

/* The largest page that fits both addresses and what is left; 0: none does. */
static unsigned fitting(const struct radix_format *format, uint64_t addresses, uint64_t left,
                        unsigned largest)
{
    for (unsigned depth = 0; depth < format->levels; depth++) {
        uint64_t span = radix_span(format, depth);
        if ((format->leaf_depths >> depth & 1) && format->level[depth].shift <= largest && span <= left &&
            (addresses & (span - 1)) == 0)
            return format->level[depth].shift;
    }
    return 0;
}

/* Make an address a border between pages. */
static enum radix_result split_at(struct radix_table *table, uint64_t va)
{
    unsigned page_bits = fitting(table->root.format, va, ~(uint64_t)0, 63);
    enum radix_result result = radix_split(table, va, page_bits);
    return result == RADIX_NO_MEMORY ? result : RADIX_OK; /* nothing mapped there: nothing to split */
}

/* A change of everything mapped in a range. */
struct edit {
    bool unmap;          /* else: */
    uint64_t clear, set; /* attributes */
};

static void edit_leaf(struct radix_table *table, unsigned depth, struct radix_step *step,
                      const struct edit *edit)
{
    uint64_t raw;
    do {
        load_own(table, depth, step);
        uint64_t attributes = (step->entry.attributes & ~edit->clear) | edit->set;
        raw = edit->unmap ? 0 : encode_leaf(table->root.format, depth, step->entry.address, attributes);
    } while (!replace(table, step, raw));
}

/* [first, last] has borders of pages at both ends, so a leaf in it is in it whole. */
static void edit_table(struct radix_table *table, unsigned depth, uint64_t address, uint64_t first,
                       uint64_t last, const struct edit *edit)
{
    const struct radix_format *format = table->root.format;
    uint64_t span = radix_span(format, depth), end;
    for (uint64_t at = first;; at = end + 1) {
        end = at | (span - 1);
        end = end < last ? end : last;
        struct radix_step step = step_at(table, depth, address, radix_index(format, depth, at));
        uint64_t below = step.entry.address;
        if (step.entry.kind == RADIX_LEAF)
            edit_leaf(table, depth, &step, edit);
        else if (step.entry.kind == RADIX_TABLE)
            edit_table(table, depth + 1, below, at, end, edit);
        if (step.entry.kind == RADIX_TABLE && edit->unmap && is_empty(table, depth + 1, below)) {
            replace(table, &step, 0);
            invalidate(table, at & ~(span - 1), span);
            table->free(table->opaque, below, radix_table_size(format, depth + 1));
        }
        if (end == last)
            return;
    }
}

/* Whether [va, va + size) is made of smallest pages, within the format's reach and not across its middle. */
static bool range_legal(const struct radix_format *format, uint64_t va, uint64_t size)
{
    uint64_t smallest = radix_span(format, format->levels - 1u), last = va + (size - 1);
    return size != 0 && last >= va && ((va | size) & (smallest - 1)) == 0 && radix_reaches(format, va) &&
           radix_reaches(format, last) && (!format->sign_extended || (va ^ last) >> 63 == 0);
}

static enum radix_result edit_range(struct radix_table *table, uint64_t va, uint64_t size,
                                    const struct edit *edit)
{
    if (!range_legal(table->root.format, va, size))
        return RADIX_UNALIGNED;
    enum radix_result result = split_at(table, va);
    if (result == RADIX_OK)
        result = split_at(table, va + size);
    if (result != RADIX_OK)
        return result;
    edit_table(table, 0, table->root.table, va, va + (size - 1), edit);
    invalidate(table, va, size);
    return RADIX_OK;
}

enum radix_result radix_unmap_range(struct radix_table *table, uint64_t va, uint64_t size)
{
    return edit_range(table, va, size, &(struct edit){.unmap = true});
}

enum radix_result radix_protect(struct radix_table *table, uint64_t va, uint64_t size, uint64_t clear,
                                uint64_t set)
{
    return edit_range(table, va, size, &(struct edit){.clear = clear, .set = set});
}

enum radix_result radix_unmap(struct radix_table *table, uint64_t va, unsigned *page_bits)
{
    struct radix_entry leaf;
    if (!radix_query(table, va, &leaf))
        return RADIX_ABSENT;
    if (page_bits)
        *page_bits = leaf.page_bits;
    uint64_t size = (uint64_t)1 << leaf.page_bits;
    return radix_unmap_range(table, va & ~(size - 1), size);
}

/* Walk down to `depth`, making tables on the way; *step is the entry there. */
static enum radix_result descend(struct radix_table *table, uint64_t va, unsigned depth,
                                 struct radix_step *step)
{
    const struct radix_format *format = table->root.format;
    uint64_t address = table->root.table;
    for (unsigned at = 0;; at++) {
        *step = step_at(table, at, address, radix_index(format, at, va));
        if (at == depth)
            return RADIX_OK;
        if (step->entry.kind == RADIX_LEAF)
            return RADIX_EXISTS;
        if (step->entry.kind == RADIX_TABLE) {
            address = step->entry.address;
        } else {
            if (!table->alloc(table->opaque, radix_table_size(format, at + 1), &address))
                return RADIX_NO_MEMORY;
            replace(table, step, encode_table(format, at, address));
        }
    }
}

enum radix_result radix_map(struct radix_table *table, uint64_t va, uint64_t pa, unsigned page_bits,
                            uint64_t attributes)
{
    const struct radix_format *format = table->root.format;
    unsigned depth = depth_of(format, page_bits);
    if (depth == format->levels || ((va | pa) & (radix_span(format, depth) - 1)) ||
        !radix_reaches(format, va))
        return RADIX_UNALIGNED;
    struct radix_step step;
    enum radix_result result = descend(table, va, depth, &step);
    if (result == RADIX_NO_MEMORY) /* the tables made on the way are empty: let them go again */
        radix_unmap_range(table, va, radix_span(format, depth));
    if (result != RADIX_OK)
        return result;
    if (step.entry.kind != RADIX_EMPTY)
        return RADIX_EXISTS;
    replace(table, &step, encode_leaf(format, depth, pa, attributes));
    return RADIX_OK;
}

enum radix_result radix_map_range(struct radix_table *table, uint64_t va, uint64_t pa, uint64_t size,
                                  uint64_t attributes, unsigned largest)
{
    const struct radix_format *format = table->root.format;
    if (!range_legal(format, va, size))
        return RADIX_UNALIGNED;
    enum radix_result result = RADIX_OK;
    uint64_t done = 0;
    while (done < size && result == RADIX_OK) {
        unsigned bits = fitting(format, (va + done) | (pa + done), size - done, largest);
        result = radix_map(table, va + done, pa + done, bits, attributes);
        if (result == RADIX_OK)
            done += (uint64_t)1 << bits;
    }
    if (result != RADIX_OK && done)
        radix_unmap_range(table, va, done);
    return result;
}

enum radix_result radix_split(struct radix_table *table, uint64_t va, unsigned page_bits)
{
    const struct radix_format *format = table->root.format;
    uint64_t address = table->root.table;
    if (!radix_reaches(format, va) || depth_of(format, page_bits) == format->levels)
        return RADIX_UNALIGNED;
    for (unsigned depth = 0; depth < format->levels; depth++) {
        struct radix_step step = step_at(table, depth, address, radix_index(format, depth, va));
        if (step.entry.kind == RADIX_LEAF && step.entry.page_bits <= page_bits)
            return RADIX_OK;
        if (step.entry.kind == RADIX_LEAF) {
            enum radix_result result = split_leaf(table, depth, &step, va);
            if (result != RADIX_OK)
                return result;
        }
        if (step.entry.kind != RADIX_TABLE)
            return RADIX_ABSENT;
        address = step.entry.address;
    }
    return RADIX_ABSENT;
}

bool radix_query(const struct radix_table *table, uint64_t va, struct radix_entry *leaf)
{
    struct radix_path path;
    if (!radix_reaches(table->root.format, va) || !radix_walk(&table->root, &table->memory, va, &path) ||
        radix_last(&path)->entry.kind != RADIX_LEAF)
        return false;
    *leaf = radix_last(&path)->entry;
    return true;
}

bool radix_translate(const struct radix_table *table, uint64_t va, uint64_t *pa)
{
    struct radix_entry leaf;
    if (!radix_query(table, va, &leaf))
        return false;
    *pa = radix_address(&leaf, va);
    return true;
}
