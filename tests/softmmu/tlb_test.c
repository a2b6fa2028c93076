#include "softmmu/tlb.h"

#include <string.h>

#include "tests/harness/test.h"

#define ALL_BITS   (~(uint64_t)0)
#define SPACE_MASK ((uint64_t)0xffff) /* the keys here: address space | privilege << 16 */

static const uint64_t everything = TLB_READ | TLB_WRITE | TLB_FETCH;

/* A host pointer that is only compared: it tells the physical page it stands for. */
static uint8_t *host_of(uint64_t pa)
{
    return (uint8_t *)(uintptr_t)(0x500000000000 + pa);
}

static void insert(struct tlb *tlb, uint64_t va, uint64_t pa, unsigned page_bits, bool global, uint64_t fast)
{
    tlb_insert(tlb, &(struct tlb_fill){.va = va,
                                       .pa = pa,
                                       .host = host_of(pa & PAGE_MASK),
                                       .permission = everything,
                                       .fast = (uint8_t)fast,
                                       .page_bits = (uint8_t)page_bits,
                                       .global = global});
}

static bool in_second(struct tlb *tlb, uint64_t va)
{
    struct tlb_fill found;
    return tlb_second_level(tlb, va, &found);
}

static void hits(void)
{
    struct tlb *tlb = tlb_create();
    struct tlb_bank *bank = tlb_select(tlb, 7);
    uint64_t pa = 0;
    CHECK(tlb_current(tlb) == bank);
    CHECK(tlb_read_hit(bank, 0, 1) == NULL); /* an empty bank knows not even page 0 */
    CHECK(tlb_fetch_hit(bank, 0, &pa) == NULL);
    CHECK(!in_second(tlb, 0));

    insert(tlb, 0xffffffc000001234, 0x80042000, 12, false, TLB_READ | TLB_FETCH);
    CHECK(tlb_read_hit(bank, 0xffffffc000001ff8, 8) == host_of(0x80042ff8));
    CHECK(tlb_read_hit(bank, 0xffffffc000001ff9, 8) == NULL); /* crosses the page */
    CHECK(tlb_read_hit(bank, 0xffffffc000000fff, 2) == NULL);
    CHECK(tlb_write_hit(bank, 0xffffffc000001000, 1) == NULL);
    CHECK(tlb_fetch_hit(bank, 0xffffffc000001002, &pa) == host_of(0x80042002));
    CHECK_EQ(pa, 0x80042002);

    /* The last page of the address space. */
    insert(tlb, ~(uint64_t)0, 0x5000, 12, false, TLB_WRITE);
    CHECK(tlb_write_hit(bank, ~(uint64_t)0, 1) == host_of(0x5fff));
    CHECK(tlb_write_hit(bank, ~(uint64_t)0, 2) == NULL);
    CHECK(tlb_read_hit(bank, ~(uint64_t)0, 1) == NULL);

    /* A device: known to the second level only. */
    tlb_insert(
        tlb, &(struct tlb_fill){
                 .va = 0x3008, .pa = 0x10000000, .permission = TLB_READ, .page_bits = 30, .fast = TLB_READ});
    CHECK(tlb_read_hit(bank, 0x3008, 4) == NULL);
    struct tlb_fill found;
    CHECK(tlb_second_level(tlb, 0x3ff0, &found));
    CHECK_EQ(found.va, 0x3000);
    CHECK_EQ(found.pa, 0x10000000);
    CHECK_EQ(found.permission, TLB_READ);
    CHECK_EQ(found.page_bits, 30);
    CHECK_EQ(found.context, 7);
    CHECK(!found.global && !found.host && !found.fast);
    tlb_destroy(tlb);
}

static void a_switch_keeps_banks(void)
{
    struct tlb *tlb = tlb_create();
    for (uint64_t key = 1; key <= TLB_BANKS; key++) {
        tlb_select(tlb, key);
        insert(tlb, 0x1000, key << 12, 12, false, TLB_READ);
    }
    uint64_t generations[TLB_BANKS + 1];
    for (uint64_t key = 1; key <= TLB_BANKS; key++) {
        struct tlb_bank *bank = tlb_select(tlb, key);
        CHECK(tlb_read_hit(bank, 0x1000, 8) == host_of(key << 12));
        generations[key] = bank->generation;
    }
    /* A ninth takes the place of the one not used for longest; the second level still knows that one. */
    struct tlb_bank *ninth = tlb_select(tlb, 100);
    CHECK(tlb_read_hit(ninth, 0x1000, 8) == NULL);
    CHECK(!in_second(tlb, 0x1000));
    for (uint64_t key = 1; key <= TLB_BANKS; key++)
        CHECK(ninth->generation != generations[key]);
    for (uint64_t key = 2; key <= TLB_BANKS; key++)
        CHECK(tlb_read_hit(tlb_select(tlb, key), 0x1000, 8) == host_of(key << 12));
    CHECK(tlb_read_hit(tlb_select(tlb, 1), 0x1000, 8) == NULL);
    CHECK(in_second(tlb, 0x1000));
    tlb_destroy(tlb);
}

static void page_flush_is_precise(void)
{
    struct tlb *tlb = tlb_create();
    struct tlb_bank *one = tlb_select(tlb, 1);
    insert(tlb, 0x1000, 0x1000, 12, false, everything);
    insert(tlb, 0x2000, 0x2000, 12, false, TLB_READ);
    struct tlb_bank *two = tlb_select(tlb, 2);
    insert(tlb, 0x1000, 0x3000, 12, false, TLB_READ);
    uint64_t generation = one->generation, pa;

    tlb_flush_page(tlb, 0x2abc, 1, ALL_BITS, false);
    CHECK(tlb_read_hit(one, 0x2000, 1) == NULL);
    CHECK(tlb_read_hit(one, 0x1000, 1) != NULL);
    CHECK_EQ(one->generation, generation); /* nothing was fetched from there */
    tlb_flush_page(tlb, 0x1000, 1, ALL_BITS, false);
    CHECK(tlb_read_hit(one, 0x1000, 1) == NULL);
    CHECK(tlb_fetch_hit(one, 0x1000, &pa) == NULL);
    CHECK(one->generation != generation);
    CHECK(tlb_read_hit(two, 0x1000, 1) != NULL);
    tlb_flush_page(tlb, 0x1000, 0, 0, false);
    CHECK(tlb_read_hit(two, 0x1000, 1) == NULL);
    CHECK(!in_second(tlb, 0x1000));
    tlb_destroy(tlb);
}

/* A fetch slot was taken by another page: a jump cache may still know the first one. */
static void generation_outlives_the_slot(void)
{
    struct tlb *tlb = tlb_create();
    struct tlb_bank *bank = tlb_select(tlb, 1);
    insert(tlb, 0x1000, 0x1000, 12, false, TLB_FETCH);
    insert(tlb, 0x1000 + TLB_FETCHES * PAGE_SIZE, 0x2000, 12, false, TLB_FETCH);
    uint64_t generation = bank->generation;
    tlb_flush_page(tlb, 0x1000, 1, ALL_BITS, false);
    CHECK(bank->generation != generation);
    /* The other page stays in its slot and counts for the new generation. */
    generation = bank->generation;
    tlb_flush_page(tlb, 0x1000 + TLB_FETCHES * PAGE_SIZE, 1, ALL_BITS, false);
    CHECK(bank->generation != generation);
    tlb_destroy(tlb);
}

static void large_pages_go_whole(void)
{
    static const struct {
        unsigned bits;
        uint64_t inside, other;
    } sizes[] = {
        {16, 0x8000, 0xf123},        {21, 0x5000, 0x1fffff},     {22, 0x1000, 0x3ff000},
        {30, 0x1000000, 0x3fffffff}, {39, 0x4000000000, 0x1000}, {48, 0x123456789000, 0xfff000},
    };
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        test_context("page of 2^%u", sizes[i].bits);
        struct tlb *tlb = tlb_create();
        struct tlb_bank *bank = tlb_select(tlb, 1);
        uint64_t base = (uint64_t)3 << 52, pa;
        insert(tlb, base + sizes[i].inside, 0x7000, sizes[i].bits, false, everything);
        insert(tlb, base + ((uint64_t)1 << sizes[i].bits), 0x9000, 12, false, everything);
        uint64_t generation = bank->generation;
        tlb_flush_page(tlb, base + sizes[i].other, 1, ALL_BITS, false);
        CHECK(tlb_read_hit(bank, base + sizes[i].inside, 1) == NULL);
        CHECK(tlb_fetch_hit(bank, base + sizes[i].inside, &pa) == NULL);
        CHECK(!in_second(tlb, base + sizes[i].inside));
        CHECK(bank->generation != generation);
        CHECK(tlb_read_hit(bank, base + ((uint64_t)1 << sizes[i].bits), 1) != NULL);
        CHECK(in_second(tlb, base + ((uint64_t)1 << sizes[i].bits)));
        tlb_destroy(tlb);
    }
}

static void global_pages(void)
{
    struct tlb *tlb = tlb_create();
    tlb_set_space_mask(tlb, SPACE_MASK);
    struct tlb_bank *bank = tlb_select(tlb, 1);
    uint64_t pa;
    insert(tlb, 0x1000, 0x1000, 12, true, everything);
    insert(tlb, 0x2000, 0x2000, 12, false, everything);
    tlb_flush_context(tlb, 1, SPACE_MASK, true);
    CHECK(tlb_read_hit(bank, 0x1000, 1) && tlb_fetch_hit(bank, 0x1000, &pa));
    CHECK(!tlb_read_hit(bank, 0x2000, 1) && !tlb_fetch_hit(bank, 0x2000, &pa));
    CHECK(in_second(tlb, 0x1000) && !in_second(tlb, 0x2000));
    uint64_t generation = bank->generation;
    tlb_flush_context(tlb, 1, SPACE_MASK, true);
    CHECK_EQ(bank->generation, generation); /* only global pages were fetched from */
    tlb_flush_page(tlb, 0x1000, 1, SPACE_MASK, true);
    CHECK(tlb_read_hit(bank, 0x1000, 1) && in_second(tlb, 0x1000));

    /* Another address space finds it in the second level, another privilege does not. */
    tlb_select(tlb, 2);
    CHECK(in_second(tlb, 0x1000));
    tlb_select(tlb, 2 | 1 << 16);
    CHECK(!in_second(tlb, 0x1000));
    tlb_select(tlb, 1);
    tlb_flush_page(tlb, 0x1000, 1, SPACE_MASK, false);
    CHECK(!tlb_read_hit(bank, 0x1000, 1) && !in_second(tlb, 0x1000));
    CHECK(bank->generation != generation);

    insert(tlb, 0x1000, 0x1000, 12, true, everything);
    tlb_flush_context(tlb, 1, SPACE_MASK, false);
    CHECK(!tlb_read_hit(bank, 0x1000, 1) && !in_second(tlb, 0x1000));
    tlb_select(tlb, 2);
    CHECK(!in_second(tlb, 0x1000));
    tlb_destroy(tlb);
}

/* What a kernel fetches is known in all address spaces, until one of them fetches something of its own. */
static void global_fetches_are_shared(void)
{
    struct tlb *tlb = tlb_create();
    tlb_set_space_mask(tlb, SPACE_MASK);
    struct tlb_bank *one = tlb_select(tlb, 1), *two = tlb_select(tlb, 2);
    struct tlb_bank *other = tlb_select(tlb, 1 | 1 << 16);
    CHECK(one->generation == two->generation && one->generation != other->generation);
    tlb_select(tlb, 1);
    insert(tlb, 0x1000, 0x1000, 12, true, TLB_FETCH);
    CHECK_EQ(one->generation, two->generation);

    /* The second one has not fetched it, and knows it all the same: so its flush concerns the first. */
    uint64_t generation = one->generation;
    tlb_flush_page(tlb, 0x1000, 2, SPACE_MASK, false);
    CHECK(one->generation != generation && one->generation == two->generation);
    generation = one->generation;
    tlb_flush_context(tlb, 2, SPACE_MASK, true);
    CHECK(one->generation == generation && two->generation == generation);
    tlb_flush_context(tlb, 2, SPACE_MASK, false);
    CHECK(one->generation != generation && one->generation == two->generation);

    generation = one->generation;
    tlb_select(tlb, 2);
    insert(tlb, 0x2000, 0x2000, 12, false, TLB_FETCH);
    CHECK(one->generation == generation && two->generation != generation);
    tlb_flush_context(tlb, 2, SPACE_MASK, true);
    CHECK(one->generation == generation && two->generation == generation);

    /* A bank taken by another context joins that one's family. */
    tlb_select(tlb, 2);
    insert(tlb, 0x2000, 0x2000, 12, false, TLB_FETCH);
    for (uint64_t key = 3; key < 3 + TLB_BANKS; key++)
        CHECK_EQ(tlb_select(tlb, key)->generation, generation);
    CHECK(tlb_select(tlb, 1 | 1 << 16)->generation != generation);
    tlb_destroy(tlb);
}

static void protection(void)
{
    struct tlb *tlb = tlb_create();
    struct tlb_bank *one = tlb_select(tlb, 1);
    insert(tlb, 0x1000, 0x8000, 12, false, everything);
    insert(tlb, 0x2000, 0x9000, 12, false, everything);
    struct tlb_bank *two = tlb_select(tlb, 2);
    insert(tlb, 0x5000, 0x8000, 21, false, everything);
    insert(tlb, 0x6000, 0x8000, 12, false, TLB_WRITE);
    uint64_t generation = two->generation, pa;
    tlb_protect(tlb, 0x8000, PAGE_SIZE, false);
    CHECK(!tlb_write_hit(one, 0x1000, 1) && tlb_read_hit(one, 0x1000, 1));
    CHECK(!tlb_write_hit(two, 0x5000, 1) && tlb_read_hit(two, 0x5000, 1) && tlb_fetch_hit(two, 0x5000, &pa));
    CHECK(!tlb_write_hit(two, 0x6000, 1));
    CHECK(tlb_write_hit(one, 0x2000, 1) != NULL);
    CHECK_EQ(two->generation, generation);
    tlb_protect(tlb, 0x8000, PAGE_SIZE, true);
    CHECK(!tlb_read_hit(one, 0x1000, 1) && !tlb_read_hit(two, 0x5000, 1) && !tlb_fetch_hit(two, 0x5000, &pa));
    CHECK(two->generation != generation);
    CHECK(in_second(tlb, 0x5000)); /* what the guest may do has not changed */
    CHECK(tlb_read_hit(one, 0x2000, 1) != NULL);
    insert(tlb, 0x1000, 0x8000, 12, false, everything);
    insert(tlb, 0x2000, 0x9000, 12, false, everything);
    insert(tlb, 0x3000, 0xa000, 12, false, everything);
    tlb_protect(tlb, 0x9000, 2 * PAGE_SIZE, false);
    CHECK(tlb_write_hit(two, 0x1000, 1) != NULL);
    CHECK(!tlb_write_hit(two, 0x2000, 1) && !tlb_write_hit(two, 0x3000, 1) && tlb_read_hit(two, 0x3000, 1));
    tlb_destroy(tlb);
}

/*
 * The property: whatever happens, nothing is ever found that differs from the page tables, as long as every
 * change of them is followed by a flush that covers it. The model is the page tables; a change gives a page a
 * new physical address, so that a left-over is seen.
 */
#define SPACES  6
#define CLASSES 2
#define PAGES   24

struct model {
    struct tlb *tlb;
    uint64_t last_pa;
    uint64_t own[CLASSES][SPACES][PAGES]; /* physical addresses */
    uint64_t shared[CLASSES][PAGES];
    struct {
        uint64_t generation, pa;
    } jumps[PAGES][4]; /* what a jump cache would have kept */
};

/* Few pages, all in the same slots and sets, in both halves of the address space. */
static uint64_t page_va(unsigned page)
{
    return (page & 1 ? 0xffffffc000000000 : 0) + (page / 2) * 2 * GIB;
}

static unsigned page_bits(unsigned page)
{
    static const uint8_t bits[PAGES / 2] = {12, 21, 12, 16, 12, 30, 12, 22, 12, 12, 12, 12};
    return bits[page / 2];
}

static bool page_global(unsigned page)
{
    return page % 4 == 1;
}

/* One of four places in the page, all different from one another in slot. */
static uint64_t place_in(unsigned page, unsigned place)
{
    return page_va(page) + (page_bits(page) == 12 ? 0 : place * (((uint64_t)1 << page_bits(page)) / 4));
}

static uint64_t *model_entry(struct model *model, unsigned class, unsigned space, unsigned page)
{
    return page_global(page) ? &model->shared[class][page] : &model->own[class][space][page];
}

static void model_change(struct model *model, uint64_t *entry)
{
    *entry = model->last_pa += (uint64_t)1 << 31; /* aligned for every size used here */
}

static uint8_t model_permission(unsigned class, unsigned page)
{
    return (uint8_t)(TLB_READ | (class ? TLB_FETCH : 0) | (page % 5 ? TLB_WRITE : 0));
}

static void model_look(struct model *model, unsigned class, unsigned space, unsigned page, unsigned place)
{
    struct tlb_bank *bank = tlb_current(model->tlb);
    uint64_t va = place_in(page, place), pa;
    uint64_t expected = *model_entry(model, class, space, page) + (va - page_va(page));
    const void *read = tlb_read_hit(bank, va, 8), *write = tlb_write_hit(bank, va, 8);
    const void *fetch = tlb_fetch_hit(bank, va, &pa);
    CHECK(!read || read == host_of(expected));
    CHECK(!write || (write == host_of(expected) && (model_permission(class, page) & TLB_WRITE)));
    CHECK(!fetch || (fetch == host_of(expected) && pa == expected && class == 1));
    if (model->jumps[page][place].generation == bank->generation)
        CHECK_EQ(model->jumps[page][place].pa, expected);
    if (fetch) {
        model->jumps[page][place].generation = bank->generation;
        model->jumps[page][place].pa = expected;
    }
    struct tlb_fill found;
    if (tlb_second_level(model->tlb, va, &found)) {
        CHECK_EQ(found.pa, expected);
        CHECK_EQ(found.permission, model_permission(class, page));
        CHECK_EQ(found.page_bits, page_bits(page));
        CHECK_EQ(found.global, page_global(page));
    }
}

static void model_insert(struct model *model, unsigned class, unsigned space, unsigned page, unsigned place)
{
    uint64_t va = place_in(page, place), pa = *model_entry(model, class, space, page) + (va - page_va(page));
    uint8_t permission = model_permission(class, page), fast = permission & (uint8_t)test_random();
    tlb_insert(model->tlb, &(struct tlb_fill){.va = va,
                                              .pa = pa,
                                              .host = host_of(pa),
                                              .permission = permission,
                                              .fast = fast,
                                              .page_bits = (uint8_t)page_bits(page),
                                              .global = page_global(page)});
    CHECK(!(fast & TLB_READ) || tlb_read_hit(tlb_current(model->tlb), va, 8));
    struct tlb_fill found;
    CHECK(tlb_second_level(model->tlb, va, &found));
}

/* Change a page and flush it in one of the ways that cover it. */
static void model_change_page(struct model *model, unsigned class, unsigned space, unsigned page)
{
    uint64_t va = place_in(page, test_random() % 4) + (test_random() & 0xfff);
    bool global = page_global(page), keep = !global && (test_random() & 1);
    uint64_t key = space | class << 16;
    model_change(model, model_entry(model, class, space, page));
    switch (test_random() % 4) {
    case 0: tlb_flush_page(model->tlb, va, key, global ? ~SPACE_MASK : ALL_BITS, keep); break;
    case 1: tlb_flush_page(model->tlb, va, 0, 0, keep); break;
    case 2: tlb_flush_page(model->tlb, va, key, global ? 0 : SPACE_MASK, keep); break;
    default: tlb_flush_page(model->tlb, va, key, (uint64_t)1 << 16, keep); break;
    }
}

/* Change every page of a context that a flush of it covers. */
static void model_change_space(struct model *model, unsigned space)
{
    bool keep_global = test_random() % 4 != 0;
    for (unsigned class = 0; class < CLASSES; class ++) {
        for (unsigned page = 0; page < PAGES; page++) {
            if (!page_global(page))
                model_change(model, &model->own[class][space][page]);
        }
    }
    tlb_flush_context(model->tlb, space, SPACE_MASK, keep_global);
}

static void model_change_all(struct model *model)
{
    for (unsigned page = 0; page < PAGES; page++) {
        for (unsigned class = 0; class < CLASSES; class ++) {
            for (unsigned space = 0; space < SPACES; space++)
                model_change(model, model_entry(model, class, space, page));
        }
    }
    if (test_random() & 1)
        tlb_flush_all(model->tlb);
    else
        tlb_flush_context(model->tlb, 0, 0, false);
}

static void never_stale(void)
{
    static struct model model;
    model = (struct model){.tlb = tlb_create()};
    tlb_set_space_mask(model.tlb, SPACE_MASK);
    model_change_all(&model);
    unsigned class = 0, space = 0;
    tlb_select(model.tlb, 0);
    for (unsigned step = 0; step < 300000; step++) {
        uint64_t random = test_random();
        unsigned page = random % PAGES, place = random >> 16 & 3, action = random >> 24 & 0xff;
        if (action < 40) {
            class = random >> 32 & 1;
            space = (random >> 40) % SPACES;
            tlb_select(model.tlb, space | class << 16);
        } else if (action < 120) {
            model_insert(&model, class, space, page, place);
        } else if (action < 150) {
            model_change_page(&model, random >> 32 & 1, (random >> 40) % SPACES, page);
        } else if (action < 153) {
            model_change_space(&model, (random >> 40) % SPACES);
        } else if (action < 154) {
            model_change_all(&model);
        } else if (action < 158) {
            uint64_t pa = *model_entry(&model, class, space, page) + (place_in(page, place) - page_va(page));
            tlb_protect(model.tlb, pa & PAGE_MASK, PAGE_SIZE, random >> 40 & 1);
            CHECK(!tlb_write_hit(tlb_current(model.tlb), place_in(page, place), 1));
        }
        model_look(&model, class, space, random >> 48 & 15, random >> 56 & 3);
        model_look(&model, class, space, page, place);
    }
    tlb_destroy(model.tlb);
}

/* More contexts than the second level has names for: old ones are forgotten, never mixed up. */
static void many_contexts(void)
{
    struct tlb *tlb = tlb_create();
    struct tlb_fill found;
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t key = 1; key < 200; key++) {
            tlb_select(tlb, key);
            if (tlb_second_level(tlb, 0x1000, &found))
                CHECK_EQ(found.pa, key << 12);
            insert(tlb, 0x1000, key << 12, 12, false, TLB_READ);
        }
    }
    tlb_destroy(tlb);
}

static const struct test_case cases[] = {
    {"hits", hits},
    {"a_switch_keeps_banks", a_switch_keeps_banks},
    {"page_flush_is_precise", page_flush_is_precise},
    {"generation_outlives_the_slot", generation_outlives_the_slot},
    {"large_pages_go_whole", large_pages_go_whole},
    {"global_pages", global_pages},
    {"global_fetches_are_shared", global_fetches_are_shared},
    {"protection", protection},
    {"never_stale", never_stale},
    {"many_contexts", many_contexts},
};
TEST_SUITE(tlb_test, "unit", cases);
