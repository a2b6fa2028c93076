#include "softmmu/radix.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tests/harness/test.h"

/*
 * Table memory: pages of an arena by address, with an allocator that can be told to fail, and counts.
 */
#define ARENA_BASE  ((uint64_t)0x100000000)
#define ARENA_PAGES 4096u
#define NO_LIMIT    ~0u

struct arena {
    uint8_t *memory;
    bool used[ARENA_PAGES];
    unsigned tables, allowed; /* in use; how many more may be had */
    uint64_t invalidated[64][2], invalidations;
    void (*on_invalidate)(struct arena *arena, uint64_t va, uint64_t size);
    void *model;
};

static void *arena_entry(void *opaque, uint64_t address, unsigned size, enum ram_access access)
{
    struct arena *arena = opaque;
    (void)access;
    if (address < ARENA_BASE || address - ARENA_BASE > ARENA_PAGES * PAGE_SIZE - size)
        return NULL;
    return arena->memory + (address - ARENA_BASE);
}

static bool arena_alloc(void *opaque, uint64_t size, uint64_t *address)
{
    struct arena *arena = opaque;
    unsigned pages = (unsigned)((size + PAGE_SIZE - 1) / PAGE_SIZE);
    if (arena->allowed == 0)
        return false;
    for (unsigned i = 0; i + pages <= ARENA_PAGES; i += pages) {
        bool free_run = true;
        for (unsigned j = 0; j < pages; j++)
            free_run &= !arena->used[i + j];
        if (!free_run)
            continue;
        memset(&arena->used[i], 1, pages);
        memset(arena->memory + i * PAGE_SIZE, 0, pages * PAGE_SIZE);
        *address = ARENA_BASE + i * PAGE_SIZE;
        arena->tables++;
        arena->allowed -= arena->allowed != NO_LIMIT;
        return true;
    }
    return false;
}

static void arena_free(void *opaque, uint64_t address, uint64_t size)
{
    struct arena *arena = opaque;
    uint64_t first = (address - ARENA_BASE) / PAGE_SIZE;
    for (uint64_t i = 0; i < (size + PAGE_SIZE - 1) / PAGE_SIZE; i++) {
        CHECK(arena->used[first + i]);
        arena->used[first + i] = false;
    }
    memset(arena->memory + first * PAGE_SIZE, 0xee, PAGE_SIZE); /* who still reads it will notice */
    arena->tables--;
}

static void arena_invalidate(void *opaque, uint64_t va, uint64_t size)
{
    struct arena *arena = opaque;
    uint64_t *kept = arena->invalidated[arena->invalidations++ % ARRAY_LEN(arena->invalidated)];
    kept[0] = va;
    kept[1] = size;
    if (arena->on_invalidate)
        arena->on_invalidate(arena, va, size);
}

static struct radix_table table_open(struct arena *arena, const struct radix_format *format)
{
    *arena = (struct arena){.memory = aligned_alloc(PAGE_SIZE, ARENA_PAGES * PAGE_SIZE), .allowed = NO_LIMIT};
    struct radix_table table = {.root = {.format = format},
                                .memory = {.entry = arena_entry, .opaque = arena},
                                .alloc = arena_alloc,
                                .free = arena_free,
                                .invalidate = arena_invalidate,
                                .opaque = arena};
    CHECK_EQ(radix_table_create(&table), RADIX_OK);
    return table;
}

static void table_close(struct arena *arena, struct radix_table *table)
{
    radix_table_destroy(table);
    CHECK_EQ(arena->tables, 0);
    free(arena->memory);
}

/*
 * Formats, as the manuals draw their entries. EPT: SDM 29.3.2 (read 0, write 1, execute 2, memory type 5:3,
 * large page 7, accessed 8, dirty 9, address 51:12).
 */
#define EPT_ATTRIBUTES 0xf7fu /* all but the large page bit, in 11:0 */

static struct radix_entry ept_decode(const struct radix_format *format, unsigned depth, uint64_t raw,
                                     uint64_t options)
{
    (void)options;
    struct radix_entry entry = {.address = raw & 0x000ffffffffff000, .attributes = raw & EPT_ATTRIBUTES};
    if ((raw & 7) == 0)
        entry.kind = RADIX_EMPTY;
    else if (depth + 1u == format->levels || (raw & 0x80))
        entry.kind = RADIX_LEAF;
    else
        entry.kind = RADIX_TABLE;
    entry.page_bits = format->level[depth].shift;
    return entry;
}

static uint64_t ept_encode(const struct radix_format *format, unsigned depth, const struct radix_entry *entry)
{
    if (entry->kind == RADIX_TABLE)
        return entry->address | 7;
    return entry->address | entry->attributes | (depth + 1u < format->levels ? 0x80 : 0);
}

static const struct radix_format ept = {
    .name = "EPT",
    .levels = 4,
    .entry_size = 8,
    .leaf_depths = 0xe, /* 1 GiB, 2 MiB, 4 KiB */
    .level = {{39, 9}, {30, 9}, {21, 9}, {12, 9}},
    .decode = ept_decode,
    .encode = ept_encode,
};

static uint64_t raw_at(struct radix_table *table, uint64_t va, unsigned depth)
{
    struct radix_path path;
    CHECK(radix_walk(&table->root, &table->memory, va, &path));
    if (!CHECK(path.count > depth))
        return 0;
    return path.steps[depth].raw;
}

static void ept_entries(void)
{
    struct arena arena;
    struct radix_table table = table_open(&arena, &ept);
    const uint64_t wb = 6 << 3;
    CHECK_EQ(radix_map(&table, 0x40000000, 0x180000000, 30, wb | 7), RADIX_OK);
    CHECK_EQ(radix_map(&table, 0x200000, 0x600000, 21, wb | 3), RADIX_OK);
    CHECK_EQ(radix_map(&table, 0x1000, 0xfffffffff000, 12, 4), RADIX_OK);
    CHECK_EQ(raw_at(&table, 0x40000000, 1), 0x1800000b7);
    CHECK_EQ(raw_at(&table, 0x200000, 2), 0x6000b3);
    CHECK_EQ(raw_at(&table, 0x1000, 3), 0xfffffffff004);
    CHECK_EQ(raw_at(&table, 0x1000, 0) & 0xfff, 7);
    CHECK_EQ(arena.tables, 4);
    CHECK_EQ(arena.invalidations, 0); /* what was absent is cached by nobody */

    uint64_t pa;
    struct radix_entry leaf;
    CHECK(radix_translate(&table, 0x7fffffff, &pa) && pa == 0x1bfffffff);
    CHECK(radix_translate(&table, 0x2abcde, &pa) && pa == 0x6abcde);
    CHECK(!radix_translate(&table, 0x2000, &pa));
    CHECK(!radix_translate(&table, (uint64_t)1 << 48, &pa)); /* beyond the format */
    CHECK(radix_query(&table, 0x3fffff, &leaf) && leaf.page_bits == 21 && leaf.attributes == (wb | 3));

    CHECK_EQ(radix_map(&table, 0x40001000, 0, 12, 7), RADIX_EXISTS);
    CHECK_EQ(radix_map(&table, 0, 0, 21, 7), RADIX_EXISTS); /* 0x1000 is in it */
    CHECK_EQ(radix_map(&table, 0x1800, 0, 12, 7), RADIX_UNALIGNED);
    CHECK_EQ(radix_map(&table, 0x400000, 0x1000, 21, 7), RADIX_UNALIGNED);
    CHECK_EQ(radix_map(&table, 0, 0, 39, 7), RADIX_UNALIGNED); /* no such page */
    CHECK_EQ(radix_map(&table, 0, 0, 16, 7), RADIX_UNALIGNED);
    CHECK_EQ(radix_map(&table, (uint64_t)1 << 48, 0, 12, 7), RADIX_UNALIGNED);
    CHECK_EQ(radix_unmap(&table, 0x2000, NULL), RADIX_ABSENT);
    unsigned bits = 0;
    CHECK_EQ(radix_unmap(&table, 0x212345, &bits), RADIX_OK);
    CHECK_EQ(bits, 21);
    CHECK(!radix_translate(&table, 0x200000, &pa));
    CHECK_EQ(radix_unmap(&table, 0x1fff, &bits), RADIX_OK);
    CHECK_EQ(arena.tables, 2); /* the emptied ones are gone; the 1 GiB page's stay */
    table_close(&arena, &table);
}

static void splitting(void)
{
    struct arena arena;
    struct radix_table table = table_open(&arena, &ept);
    const uint64_t accessed = 0x100, dirty = 0x200;
    CHECK_EQ(radix_map(&table, 0x40000000, 0x80000000, 30, 7 | accessed | dirty), RADIX_OK);
    CHECK_EQ(radix_split(&table, 0x40212345, 21), RADIX_OK);
    CHECK_EQ(arena.invalidations, 1);
    CHECK_EQ(arena.invalidated[0][0], 0x40000000);
    CHECK_EQ(arena.invalidated[0][1], 0x40000000);
    CHECK_EQ(raw_at(&table, 0x40200000, 2), 0x80200387); /* accessed and dirty are kept */
    CHECK_EQ(raw_at(&table, 0x7fe00000, 2), 0xbfe00387);
    CHECK_EQ(radix_split(&table, 0x40212345, 21), RADIX_OK); /* already */
    CHECK_EQ(arena.tables, 3);
    CHECK_EQ(radix_split(&table, 0x40212345, 12), RADIX_OK);
    CHECK_EQ(raw_at(&table, 0x40212345, 3), 0x80212307);
    CHECK_EQ(radix_split(&table, 0x1000, 12), RADIX_ABSENT);

    /* Protecting a few pages of the rest splits at the edges only. */
    CHECK_EQ(radix_protect(&table, 0x5ffff000, 0x2000, 2, 0), RADIX_OK);
    CHECK_EQ(arena.tables, 6);
    CHECK_EQ(raw_at(&table, 0x5ffff000, 3), 0x9ffff305);
    CHECK_EQ(raw_at(&table, 0x60000000, 3), 0xa0000305);
    CHECK_EQ(raw_at(&table, 0x60001000, 3), 0xa0001307);
    table_close(&arena, &table);
}

static void range_mapping(void)
{
    struct arena arena;
    struct radix_table table = table_open(&arena, &ept);
    /* From 4 KiB below a 2 MiB border, over a 1 GiB one, up to 4 KiB above: each size where it fits. */
    uint64_t first = 0x3fdff000, size = 0x1000 + 0x200000 + 0x40000000 + 0x1000;
    CHECK_EQ(radix_map_range(&table, first, first + 0x100000000, size, 7, 30), RADIX_OK);
    struct radix_entry leaf;
    CHECK(radix_query(&table, first, &leaf) && leaf.page_bits == 12);
    CHECK(radix_query(&table, 0x3fe00000, &leaf) && leaf.page_bits == 21);
    CHECK(radix_query(&table, 0x40000000, &leaf) && leaf.page_bits == 30);
    CHECK(radix_query(&table, 0x80000fff, &leaf) && leaf.page_bits == 12);
    CHECK(!radix_query(&table, 0x80001000, &leaf) && !radix_query(&table, first - 1, &leaf));
    unsigned tables = arena.tables;

    /* In the way, or out of tables: nothing is left behind. */
    CHECK_EQ(radix_map_range(&table, first - 0x3000, 0, 0x4000, 7, 30), RADIX_EXISTS);
    CHECK(!radix_query(&table, first - 0x3000, &leaf));
    CHECK_EQ(arena.tables, tables);
    arena.allowed = 3;
    CHECK_EQ(radix_map_range(&table, 0x80ffffe000, 0, 0x4000, 7, 30), RADIX_NO_MEMORY);
    CHECK(!radix_query(&table, 0x80ffffe000, &leaf));
    CHECK_EQ(arena.tables, tables);
    arena.allowed = NO_LIMIT;

    CHECK_EQ(radix_map_range(&table, 0, 0x800, 0x1000, 7, 30), RADIX_UNALIGNED);
    CHECK_EQ(radix_map_range(&table, 0, 0, 0x1800, 7, 30), RADIX_UNALIGNED);
    CHECK_EQ(radix_map_range(&table, 0, 0, 0, 7, 30), RADIX_UNALIGNED);
    CHECK_EQ(radix_map_range(&table, 0xfffffffff000, 0, 0x2000, 7, 30), RADIX_UNALIGNED);
    CHECK_EQ(radix_unmap_range(&table, ~(uint64_t)0 - 0xfff, 0x2000), RADIX_UNALIGNED);

    /* With 2 MiB at most; then the whole space goes. */
    CHECK_EQ(radix_map_range(&table, 0x8000000000, 0, 0x40000000, 7, 21), RADIX_OK);
    CHECK(radix_query(&table, 0x8000000000, &leaf) && leaf.page_bits == 21);
    CHECK_EQ(radix_unmap_range(&table, 0, (uint64_t)1 << 48), RADIX_OK);
    CHECK_EQ(arena.tables, 1);
    table_close(&arena, &table);
}

/*
 * The random test: a small format (8 entries a table, four levels, 4096 pages) against an array. The model
 * also keeps a TLB that caches everything and forgets only what is invalidated.
 */
static const struct radix_format small = {
    .name = "small",
    .levels = 4,
    .entry_size = 8,
    .leaf_depths = 0xe,
    .level = {{21, 3}, {18, 3}, {15, 3}, {12, 3}},
    .decode = ept_decode,
    .encode = ept_encode,
};
#define SMALL_PAGES 4096u

struct model {
    struct {
        uint64_t pa, attributes;
        bool mapped;
    } pages[SMALL_PAGES], cached[SMALL_PAGES];
};

static void model_forget(struct arena *arena, uint64_t va, uint64_t size)
{
    struct model *model = arena->model;
    for (uint64_t page = va >> 12; page < (va + size) >> 12; page++)
        model->cached[page].mapped = false;
}

static void model_compare(struct model *model, struct radix_table *table)
{
    for (unsigned page = 0; page < SMALL_PAGES; page++) {
        struct radix_entry leaf;
        uint64_t va = (uint64_t)page << 12;
        bool found = radix_query(table, va, &leaf);
        CHECK_EQ(found, model->pages[page].mapped);
        if (found && model->pages[page].mapped) {
            CHECK_EQ(radix_address(&leaf, va), model->pages[page].pa);
            CHECK_EQ(leaf.attributes, model->pages[page].attributes);
        }
        if (model->cached[page].mapped && !CHECK(found && model->cached[page].pa == model->pages[page].pa &&
                                                 model->cached[page].attributes == leaf.attributes))
            return;
        model->cached[page].mapped = found;
        model->cached[page].pa = model->pages[page].pa;
        model->cached[page].attributes = model->pages[page].attributes;
    }
}

struct dump_check {
    struct model *model;
    unsigned next; /* the page after the last range */
};

static bool check_range(void *opaque, const struct radix_range *range)
{
    struct dump_check *check = opaque;
    unsigned first = (unsigned)(range->va >> 12), count = (unsigned)(range->size >> 12);
    for (unsigned page = check->next; page < first; page++)
        CHECK(!check->model->pages[page].mapped);
    for (unsigned i = 0; i < count; i++) {
        CHECK(check->model->pages[first + i].mapped);
        CHECK_EQ(check->model->pages[first + i].pa, range->pa + i * 4096);
        CHECK_EQ(check->model->pages[first + i].attributes, range->attributes);
    }
    check->next = first + count;
    return true;
}

static void model_map(struct model *model, struct radix_table *table, unsigned page, unsigned count)
{
    uint64_t pa = (test_random() & 0xff) * 0x8000 + (test_random() % 4 ? (uint64_t)page << 12 : 0);
    uint64_t attributes = 1 + test_random() % 7;
    unsigned largest = 12 + 3 * (unsigned)(test_random() % 4);
    bool free_run = true;
    for (unsigned i = page; i < page + count; i++)
        free_run &= !model->pages[i].mapped;
    enum radix_result result =
        radix_map_range(table, (uint64_t)page << 12, pa, (uint64_t)count << 12, attributes, largest);
    CHECK(result == (free_run ? RADIX_OK : RADIX_EXISTS) || result == RADIX_NO_MEMORY);
    for (unsigned i = 0; result == RADIX_OK && i < count; i++) {
        model->pages[page + i].mapped = true;
        model->pages[page + i].pa = pa + i * 4096;
        model->pages[page + i].attributes = attributes;
    }
}

static void model_edit(struct model *model, struct radix_table *table, unsigned page, unsigned count)
{
    uint64_t va = (uint64_t)page << 12, size = (uint64_t)count << 12;
    bool unmap = test_random() & 1;
    enum radix_result result =
        unmap ? radix_unmap_range(table, va, size) : radix_protect(table, va, size, 8, 0x10);
    CHECK(result == RADIX_OK || result == RADIX_NO_MEMORY);
    for (unsigned i = page; result == RADIX_OK && i < page + count; i++) {
        if (unmap)
            model->pages[i].mapped = false;
        else
            model->pages[i].attributes = (model->pages[i].attributes & ~(uint64_t)8) | 0x10;
    }
}

static void random_changes(void)
{
    struct arena arena;
    struct radix_table table = table_open(&arena, &small);
    static struct model model;
    memset(&model, 0, sizeof(model));
    arena.model = &model;
    arena.on_invalidate = model_forget;
    for (unsigned step = 0; step < 1500; step++) {
        test_context("step %u", step);
        unsigned page = test_random() % SMALL_PAGES,
                 count = 1 + test_random() % (test_random() % 4 ? 40 : 1500);
        if (test_random() & 1)
            page &= ~63u;
        if (count > SMALL_PAGES - page)
            count = SMALL_PAGES - page;
        arena.allowed = test_random() % 4 ? NO_LIMIT : test_random() % 6;
        switch (test_random() % 5) {
        case 0:
        case 1: model_map(&model, &table, page, count); break;
        case 2:
        case 3: model_edit(&model, &table, page, count); break;
        default: radix_split(&table, (uint64_t)page << 12, 12 + 3 * (unsigned)(test_random() % 3)); break;
        }
        if (step % 10 == 0)
            model_compare(&model, &table);
    }
    struct dump_check check = {.model = &model};
    CHECK(radix_dump(&table.root, &table.memory, check_range, &check));
    for (unsigned page = check.next; page < SMALL_PAGES; page++)
        CHECK(!model.pages[page].mapped);
    arena.allowed = NO_LIMIT;
    CHECK_EQ(radix_unmap_range(&table, 0, (uint64_t)SMALL_PAGES << 12), RADIX_OK);
    CHECK_EQ(arena.tables, 1);
    table_close(&arena, &table);
}

/*
 * Walks of other shapes. x86 without PAE (SDM 4.3): 32-bit entries, 10 + 10 bits, 4 MiB pages with PS, write
 * and user rights that need both levels.
 */
static struct radix_entry x86_decode(const struct radix_format *format, unsigned depth, uint64_t raw,
                                     uint64_t options)
{
    (void)options;
    if (!(raw & 1))
        return (struct radix_entry){.kind = RADIX_EMPTY};
    bool large = depth == 0 && (raw & 0x80);
    return (struct radix_entry){.kind = large || depth == 1 ? RADIX_LEAF : RADIX_TABLE,
                                .page_bits = format->level[depth].shift,
                                .address = large ? raw & 0xffc00000 : raw & 0xfffff000,
                                .attributes = raw & 6};
}

static uint64_t x86_inherit(uint64_t table_attributes, uint64_t attributes)
{
    return table_attributes & attributes;
}

static const struct radix_format x86_32 = {.name = "x86 32-bit",
                                           .levels = 2,
                                           .entry_size = 4,
                                           .level = {{22, 10}, {12, 10}},
                                           .decode = x86_decode,
                                           .inherit = x86_inherit};

static void words(struct arena *arena, uint64_t address, unsigned index, uint32_t raw)
{
    le32_store((uint8_t *)arena_entry(arena, address, 4, RAM_WRITE) + index * 4, raw);
}

static void x86_two_levels(void)
{
    struct arena arena = {.memory = aligned_alloc(PAGE_SIZE, ARENA_PAGES * PAGE_SIZE)};
    memset(arena.memory, 0, 4 * PAGE_SIZE);
    /* Entries hold 32-bit addresses, so the arena is seen through its low bits. */
    struct radix_root root = {.format = &x86_32, .table = ARENA_BASE};
    struct radix_memory memory = {.entry = arena_entry, .opaque = &arena};
    words(&arena, ARENA_BASE, 1, 0xc0800087 | 0x40); /* 4 MiB, present, write, user, PS, dirty */
    words(&arena, ARENA_BASE, 1023, 0x00001007);     /* a table outside the arena */
    struct radix_path path;
    CHECK(radix_walk(&root, &memory, 0x7abcde, &path));
    CHECK_EQ(path.count, 1);
    CHECK_EQ(radix_address(&radix_last(&path)->entry, 0x7abcde), 0xc0babcde);
    CHECK_EQ(path.attributes, 6);
    CHECK(!radix_walk(&root, &memory, 0xffc00000, &path));
    CHECK_EQ(radix_last(&path)->at, 0x1000);
    CHECK(radix_walk(&root, &memory, 0x800000, &path));
    CHECK_EQ(radix_last(&path)->entry.kind, RADIX_EMPTY);
    CHECK(!radix_reaches(&x86_32, 0x100000000));

    /* The entry is replaced only if it is what was read. */
    CHECK(radix_walk(&root, &memory, 0x400000, &path));
    CHECK_EQ(radix_update(&x86_32, &memory, radix_last(&path), 0xc08000e7), RADIX_OK);
    CHECK_EQ(le32_load(arena.memory + 4), 0xc08000e7);
    CHECK_EQ(le32_load(arena.memory + 8), 0);
    CHECK_EQ(radix_update(&x86_32, &memory, radix_last(&path), 0), RADIX_CHANGED);
    CHECK_EQ(le32_load(arena.memory + 4), 0xc08000e7);
    free(arena.memory);
}

static void *low_entry(void *opaque, uint64_t address, unsigned size, enum ram_access access)
{
    return arena_entry(opaque, address + ARENA_BASE, size, access);
}

static void inherited_rights(void)
{
    struct arena arena = {.memory = aligned_alloc(PAGE_SIZE, ARENA_PAGES * PAGE_SIZE)};
    memset(arena.memory, 0, 4 * PAGE_SIZE);
    struct radix_root root = {.format = &x86_32};
    struct radix_memory memory = {.entry = low_entry, .opaque = &arena};
    words(&arena, ARENA_BASE, 0, 0x1003);          /* write, not user */
    words(&arena, ARENA_BASE + 0x1000, 5, 0x9005); /* user, not write */
    words(&arena, ARENA_BASE + 0x1000, 6, 0xa007);
    struct radix_path path;
    CHECK(radix_walk(&root, &memory, 0x5123, &path));
    CHECK_EQ(path.attributes, 0);
    CHECK(radix_walk(&root, &memory, 0x6123, &path));
    CHECK_EQ(path.attributes, 2);
    CHECK_EQ(path.count, 2);
    free(arena.memory);
}

/*
 * Arm's 64 KiB granule with 52-bit addresses (DDI 0487, D8.3): indexes of 10, 13 and 13 bits, address bits
 * 51:48 in entry bits 15:12, 32 contiguous entries of the last level making 2 MiB with bit 52.
 */
static struct radix_entry arm_decode(const struct radix_format *format, unsigned depth, uint64_t raw,
                                     uint64_t options)
{
    (void)options;
    if (!(raw & 1))
        return (struct radix_entry){.kind = RADIX_EMPTY};
    bool last = depth + 1u == format->levels, bit1 = raw & 2;
    struct radix_entry entry = {.kind = bit1 && !last ? RADIX_TABLE : RADIX_LEAF};
    if ((last && !bit1) || (depth == 0 && !bit1))
        entry.kind = RADIX_RESERVED;
    entry.page_bits = (uint8_t)(format->level[depth].shift + (raw >> 52 & 1 ? 5 : 0));
    entry.address = (raw & 0x0000ffffffff0000) | bits_get(raw, 12, 4) << 48;
    entry.address &= entry.kind == RADIX_LEAF ? ~(((uint64_t)1 << entry.page_bits) - 1) : ~(uint64_t)0;
    return entry;
}

static const struct radix_format arm_64k = {.name = "Arm 64 KiB",
                                            .levels = 3,
                                            .entry_size = 8,
                                            .level = {{42, 10}, {29, 13}, {16, 13}},
                                            .decode = arm_decode};

static void arm_large_granule(void)
{
    struct arena arena = {.memory = aligned_alloc(PAGE_SIZE, ARENA_PAGES * PAGE_SIZE)};
    memset(arena.memory, 0, 64 * PAGE_SIZE);
    struct radix_root root = {.format = &arm_64k, .table = 0};
    struct radix_memory memory = {.entry = low_entry, .opaque = &arena};
    le64_store(arena.memory + 1023 * 8, 0x10003);           /* table at 0x10000 */
    le64_store(arena.memory + 0x10000 + 8191 * 8, 0x20003); /* table at 0x20000 */
    le64_store(arena.memory + 0x10000 + 1 * 8, 0x0000f1236000f001);
    for (unsigned i = 0; i < 32; i++)
        le64_store(arena.memory + 0x20000 + (32 + i) * 8, 0x00100000c0003003 + (uint64_t)i * 0x10000);
    le64_store(arena.memory + 0x20000 + 7 * 8, 1); /* a block descriptor in the last level */
    struct radix_path path;
    uint64_t va = ((uint64_t)1023 << 42) | ((uint64_t)8191 << 29) | (45u << 16) | 0x1234;
    CHECK(radix_walk(&root, &memory, va, &path));
    CHECK_EQ(path.count, 3);
    CHECK_EQ(radix_last(&path)->entry.page_bits, 21);
    CHECK_EQ(radix_address(&radix_last(&path)->entry, va),
             ((uint64_t)3 << 48) | 0xc0000000 | (13u << 16) | 0x1234);
    va = ((uint64_t)1023 << 42) | ((uint64_t)1 << 29) | 0x1abcdef;
    CHECK(radix_walk(&root, &memory, va, &path));
    CHECK_EQ(path.count, 2);
    CHECK_EQ(radix_last(&path)->entry.page_bits, 29);
    CHECK_EQ(radix_address(&radix_last(&path)->entry, va), ((uint64_t)15 << 48) | 0xf12360000000 | 0x1abcdef);
    va = ((uint64_t)1023 << 42) | ((uint64_t)8191 << 29) | (7u << 16);
    CHECK(radix_walk(&root, &memory, va, &path));
    CHECK_EQ(radix_last(&path)->entry.kind, RADIX_RESERVED);
    CHECK(!radix_reaches(&arm_64k, (uint64_t)1 << 52));
    free(arena.memory);
}

static const struct test_case cases[] = {
    {"ept_entries", ept_entries},
    {"splitting", splitting},
    {"range_mapping", range_mapping},
    {"random_changes", random_changes},
    {"x86_two_levels", x86_two_levels},
    {"inherited_rights", inherited_rights},
    {"arm_large_granule", arm_large_granule},
};
TEST_SUITE(radix_test, "unit", cases);
