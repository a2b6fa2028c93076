/*
 * VMSAv8-64 stage 1 against the rules of the Arm ARM, chapter D8: every granule and address size, permissions
 * in every context, hardware access flag and dirty state, and each fault status code with its level.
 */
#include "softmmu/walkers/arm64.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "softmmu/tlb.h"
#include "tests/harness/test.h"

/* Descriptor bits as the manual draws them (D8.3). */
#define VALID  0x1u
#define TABLE  0x3u
#define PAGE   0x3u /* at level 3 */
#define BLOCK  0x1u
#define USER   (1u << 6)
#define RO     (1u << 7)
#define AF     (1u << 10)
#define NG     (1u << 11)
#define GP     ((uint64_t)1 << 50)
#define DBM    ((uint64_t)1 << 51)
#define CONTIG ((uint64_t)1 << 52)
#define PXN    ((uint64_t)1 << 53)
#define UXN    ((uint64_t)1 << 54)
#define PXNT   ((uint64_t)1 << 59)
#define UXNT   ((uint64_t)1 << 60)
#define NOUSER ((uint64_t)1 << 61)
#define ROT    ((uint64_t)1 << 62)

#define BASE     0x80000000u /* 4 MiB of RAM; the root table lies there */
#define RAM_SIZE (4 * MIB)
#define LEAF     0x40000000u /* what gets mapped; not RAM */

#define ALL_FEATURES                                                                                         \
    (ARM64_HAF | ARM64_HDBS | ARM64_HPDS | ARM64_LVA | ARM64_LPA | ARM64_LPA2 | ARM64_TTST | ARM64_E0PD |    \
     ARM64_BTI | ARM64_4K | ARM64_16K | ARM64_64K)

enum granule_code { G4K, G16K, G64K };
static const uint8_t page_bits_of[] = {12, 14, 16}, stride_of[] = {9, 11, 13};
static const uint8_t tg0_of[] = {0, 2, 1}, tg1_of[] = {2, 1, 3};

struct space {
    struct ram *ram;
    struct arm64_walk walk;
    enum granule_code granule;
    int start_level;
    unsigned input_bits;
    bool upper, wide; /* LPA2's descriptors */
    uint64_t next_table;
};

static void *entry_at(void *opaque, uint64_t address, unsigned size, enum ram_access access)
{
    return ram_at(opaque, gpa(address), size, access);
}

/* One half of `input_bits`, and the output size field of TCR. */
static void space_open_half(struct space *space, enum granule_code granule, unsigned input_bits, unsigned ips,
                            bool upper)
{
    struct error err;
    unsigned tsz = 64 - input_bits, page_bits = page_bits_of[granule];
    *space = (struct space){.ram = ram_create(),
                            .granule = granule,
                            .input_bits = input_bits,
                            .upper = upper,
                            .next_table = BASE + 64 * KIB};
    struct ram_block *block = ram_block_create(space->ram, "ram", RAM_SIZE, &err);
    CHECK(ram_map(space->ram, block, 0, gpa(BASE), RAM_SIZE, RAM_MAPPED, NULL));
    space->start_level = 4 - (int)((input_bits - page_bits + stride_of[granule] - 1) / stride_of[granule]);
    space->walk = (struct arm64_walk){
        .memory = {.entry = entry_at, .opaque = space->ram},
        .ttbr = {BASE, BASE},
        .tcr = tsz | (uint64_t)tg0_of[granule] << 14 | (uint64_t)tsz << 16 | (uint64_t)tg1_of[granule] << 30 |
               (uint64_t)ips << 32,
        .features = ALL_FEATURES,
        .pa_bits = 52,
        .update = true,
    };
}

static void space_open(struct space *space, enum granule_code granule, unsigned input_bits, unsigned ips)
{
    space_open_half(space, granule, input_bits, ips, false);
}

static void space_close(struct space *space)
{
    ram_destroy(space->ram);
}

static uint64_t entry_read(struct space *space, uint64_t at)
{
    uint64_t entry = 0;
    CHECK(ram_read(space->ram, gpa(at), &entry, 8));
    return entry;
}

/* An address in a descriptor: with 52 bits, the upper ones have places of their own. */
static uint64_t address_field(const struct space *space, uint64_t pa)
{
    if (space->wide)
        return (pa & (((uint64_t)1 << 50) - 1)) | (pa >> 50) << 8;
    if (space->granule == G64K)
        return (pa & (((uint64_t)1 << 48) - 1)) | (pa >> 48 << 12);
    return pa;
}

static unsigned shift_of(const struct space *space, int level)
{
    return page_bits_of[space->granule] + stride_of[space->granule] * (unsigned)(3 - level);
}

/* Write an entry for va at a level, with the tables above, which get `table_bits` too; returns where it is.
 */
static uint64_t put(struct space *space, uint64_t va, int level, uint64_t entry, uint64_t table_bits)
{
    uint64_t table = BASE, plain = va & (~(uint64_t)0 >> (64 - space->input_bits));
    for (int n = space->start_level;; n++) {
        uint64_t mask =
            n == space->start_level ? ~(uint64_t)0 : ((uint64_t)1 << stride_of[space->granule]) - 1;
        uint64_t at = table + ((plain >> shift_of(space, n)) & mask) * 8;
        if (n == level) {
            CHECK(ram_write(space->ram, gpa(at), &entry, 8));
            return at;
        }
        uint64_t above = entry_read(space, at);
        if (!above) {
            above = space->next_table | TABLE | table_bits;
            space->next_table += 64 * KIB;
            CHECK(ram_write(space->ram, gpa(at), &above, 8));
        }
        table = above & 0xfffffffff000;
    }
}

static uint64_t leaf_kind(int level)
{
    return level == 3 ? PAGE : BLOCK;
}

static struct arm64_result walk(struct space *space, uint64_t va, enum walk_access access)
{
    return arm64_walk(&space->walk, va, access);
}

static void check_fault(struct space *space, uint64_t va, enum walk_access access, unsigned fsc)
{
    struct arm64_result result = walk(space, va, access);
    CHECK(result.walk.status != WALK_OK);
    CHECK_EQ(result.fsc, fsc);
}

/* ---- sizes ---- */

/* A leaf at one level: the address, the page size, and that the walk stopped there. */
static void check_leaf(struct space *space, int level, uint64_t pa)
{
    unsigned shift = shift_of(space, level);
    uint64_t base = space->upper ? ~(uint64_t)0 << space->input_bits : 0;
    uint64_t va = base | ((uint64_t)3 << shift & (~(uint64_t)0 >> (64 - space->input_bits)));
    put(space, va, level, address_field(space, pa) | leaf_kind(level) | AF, 0);
    struct arm64_result result = walk(space, va + 0x123, WALK_READ);
    CHECK_EQ(result.walk.status, WALK_OK);
    CHECK_EQ(result.fsc, 0);
    CHECK_EQ(result.walk.pa, pa + 0x123);
    CHECK_EQ(result.walk.page_bits, shift);
    CHECK_EQ(result.walk.level, level);
    result = walk(space, va + (((uint64_t)1 << shift) - 1), WALK_READ);
    CHECK_EQ(result.walk.pa, pa + (((uint64_t)1 << shift) - 1));
}

/* Which levels have leaves: without LPA and LPA2 4K 1-3, 16K 2-3, 64K 2-3. */
static void leaves(void)
{
    static const struct {
        uint8_t granule, input_bits;
        int8_t first, last;
    } cases[] = {
        {G4K, 48, 1, 3},  {G4K, 39, 1, 3},  {G4K, 30, 2, 3},  {G4K, 25, 2, 3},  {G4K, 21, 3, 3},
        {G4K, 16, 3, 3},  {G16K, 48, 2, 3}, {G16K, 47, 2, 3}, {G16K, 36, 2, 3}, {G16K, 25, 3, 3},
        {G64K, 48, 2, 3}, {G64K, 42, 2, 3}, {G64K, 29, 3, 3},
    };
    for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
        for (int level = cases[n].first; level <= cases[n].last; level++) {
            for (unsigned upper = 0; upper < 2; upper++) {
                struct space space;
                test_context("granule %u, %u bits, level %d, half %u", cases[n].granule, cases[n].input_bits,
                             level, upper);
                space_open_half(&space, cases[n].granule, cases[n].input_bits, 5, upper);
                check_leaf(&space, level, level == 1 ? 0x4000000000 : level == 2 ? 0x1e0000000 : 0x40010000);
                space_close(&space);
            }
        }
    }
    test_context(NULL);
}

/* 52-bit addresses: LPA with 64K, LPA2 with the others; level -1 and the larger blocks. */
static void wide_addresses(void)
{
    struct space space;
    space_open(&space, G64K, 52, 6);
    check_leaf(&space, 3, (uint64_t)0xabcd << 36 | 0x10000);
    check_leaf(&space, 2, (uint64_t)0xf << 48 | 0x20000000);
    space_close(&space);
    space_open(&space, G64K, 48, 6);
    check_leaf(&space, 1, (uint64_t)9 << 48 | (uint64_t)0x40000000000);
    space_close(&space);
    for (enum granule_code granule = G4K; granule <= G16K; granule++) {
        for (int level = granule == G4K ? 0 : 1; level <= 3; level++) {
            test_context("granule %u, level %d", granule, level);
            space_open(&space, granule, 52, 6);
            space.walk.tcr |= TCR_DS;
            space.wide = true;
            CHECK_EQ(space.start_level, granule == G4K ? -1 : 0);
            check_leaf(&space, level, level == 3 ? (uint64_t)0xe << 48 | 0x7654320000 : (uint64_t)0xe << 48);
            space_close(&space);
        }
    }
    test_context(NULL);
    /* The root's address has bits 51:48 in 5:2. */
    space_open(&space, G64K, 48, 6);
    space.walk.ttbr[0] = BASE | 1 << 2;
    check_fault(&space, 0, WALK_READ, FSC_EXTERNAL_WALK + 1);
    space_close(&space);
}

/* Blocks where the granule has none are reserved: translation faults. */
static void no_blocks(void)
{
    static const struct {
        uint8_t granule;
        int8_t level;
    } cases[] = {{G4K, 0}, {G16K, 0}, {G16K, 1}, {G64K, 1}};
    for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
        struct space space;
        space_open(&space, cases[n].granule, 48, 5);
        space.walk.features &= ~(uint32_t)(ARM64_LPA | ARM64_LPA2);
        put(&space, 0, cases[n].level, BLOCK | AF, 0);
        check_fault(&space, 0, WALK_READ, FSC_TRANSLATION + (unsigned)cases[n].level);
        space_close(&space);
    }
}

/* ---- faults ---- */

static void translation_faults(void)
{
    for (enum granule_code granule = G4K; granule <= G64K; granule++) {
        for (int level = granule == G64K ? 1 : 0; level <= 3; level++) {
            struct space space;
            test_context("granule %u, level %d", granule, level);
            space_open(&space, granule, 48, 5);
            put(&space, 0x123456000, level, 0xfffffffe, 0);
            check_fault(&space, 0x123456000, WALK_READ, FSC_TRANSLATION + (unsigned)level);
            check_fault(&space, 0x123456000, WALK_FETCH, FSC_TRANSLATION + (unsigned)level);
            space_close(&space);
        }
    }
    test_context(NULL);
    struct space space;
    space_open(&space, G4K, 48, 5);
    /* Bit 1 clear at level 3 is reserved. */
    put(&space, 0x1000, 3, LEAF | VALID | AF, 0);
    check_fault(&space, 0x1000, WALK_READ, FSC_TRANSLATION + 3);
    space_close(&space);
    space_open(&space, G4K, 52, 6);
    space.walk.tcr |= TCR_DS;
    check_fault(&space, 0, WALK_READ, FSC_TRANSLATION_M1);
    space_close(&space);
}

/* Beyond the half, or with the half turned off: level 0. */
static void ranges(void)
{
    struct space space;
    space_open(&space, G4K, 39, 5);
    put(&space, 0, 1, BLOCK | AF, 0);
    CHECK_EQ(walk(&space, 0x3fffffff, WALK_READ).walk.status, WALK_OK);
    check_fault(&space, (uint64_t)1 << 39, WALK_READ, FSC_TRANSLATION);
    check_fault(&space, (uint64_t)1 << 54, WALK_READ, FSC_TRANSLATION);
    check_fault(&space, (uint64_t)1 << 56, WALK_READ, FSC_TRANSLATION);
    check_fault(&space, (uint64_t)0xff80 << 48, WALK_READ, FSC_TRANSLATION);
    CHECK_EQ(walk(&space, ~(uint64_t)0 << 39, WALK_READ).walk.status, WALK_OK);
    space.walk.tcr |= TCR_EPD0;
    check_fault(&space, 0, WALK_READ, FSC_TRANSLATION);
    CHECK_EQ(walk(&space, ~(uint64_t)0 << 39, WALK_READ).walk.status, WALK_OK);
    space.walk.tcr |= TCR_EPD1;
    check_fault(&space, ~(uint64_t)0 << 39, WALK_READ, FSC_TRANSLATION);
    space_close(&space);
    /* TnSZ: at least 16 (12 with 52-bit addresses), at most 39 (48, or 47 with 64K, with TTST). */
    static const struct {
        uint8_t granule, tsz;
        uint32_t without;
        bool good;
    } sizes[] = {
        {G4K, 15, 0, false}, {G4K, 16, 0, true},          {G4K, 48, 0, true},
        {G4K, 49, 0, false}, {G4K, 39, ARM64_TTST, true}, {G4K, 40, ARM64_TTST, false},
        {G64K, 12, 0, true}, {G64K, 11, 0, false},        {G64K, 12, ARM64_LVA, false},
        {G64K, 47, 0, true}, {G64K, 48, 0, false},
    };
    for (size_t n = 0; n < ARRAY_LEN(sizes); n++) {
        test_context("granule %u, TnSZ %u", sizes[n].granule, sizes[n].tsz);
        space_open(&space, sizes[n].granule, 64 - sizes[n].tsz, 5);
        space.walk.features &= ~sizes[n].without;
        if (sizes[n].good)
            put(&space, 0, 3, LEAF | PAGE | AF, 0);
        struct arm64_result result = walk(&space, 0, WALK_READ);
        CHECK_EQ(result.fsc, sizes[n].good ? 0 : FSC_TRANSLATION);
        space_close(&space);
    }
    test_context(NULL);
}

static void e0pd(void)
{
    struct space space;
    space_open(&space, G4K, 39, 5);
    put(&space, 0, 1, BLOCK | AF | USER, 0);
    space.walk.tcr |= TCR_E0PD0;
    CHECK_EQ(walk(&space, 0, WALK_READ).walk.status, WALK_OK);
    space.walk.user = true;
    check_fault(&space, 0, WALK_READ, FSC_TRANSLATION);
    space.walk.features &= ~(uint32_t)ARM64_E0PD;
    CHECK_EQ(walk(&space, 0, WALK_READ).walk.status, WALK_OK);
    space_close(&space);
}

/* An output address beyond IPS: at the level whose descriptor has it; in the root's register level 0. */
static void address_size_faults(void)
{
    static const uint8_t sizes[] = {32, 36, 40, 42, 44, 48};
    for (unsigned ips = 0; ips < 5; ips++) {
        for (int level = 0; level <= 3; level++) {
            struct space space;
            test_context("ips %u, level %d", ips, level);
            space_open(&space, G4K, 48, ips);
            uint64_t beyond = (uint64_t)1 << sizes[ips];
            put(&space, 0, level, beyond | (level == 0 ? TABLE : leaf_kind(level)) | AF, 0);
            check_fault(&space, 0, WALK_READ, FSC_ADDRESS_SIZE + (unsigned)level);
            if (level)
                put(&space, 0, level, (beyond >> 1) | leaf_kind(level) | AF, 0);
            if (level > 1 || (level == 1 && ips))
                CHECK_EQ(walk(&space, 0, WALK_READ).walk.status, WALK_OK);
            space_close(&space);
        }
    }
    test_context(NULL);
    struct space space;
    space_open(&space, G4K, 48, 1);
    space.walk.ttbr[0] = (uint64_t)1 << 36;
    check_fault(&space, 0, WALK_READ, FSC_ADDRESS_SIZE);
    space_close(&space);
    /* What the CPU drives is a limit as well. */
    space_open(&space, G4K, 48, 5);
    space.walk.pa_bits = 40;
    put(&space, 0, 3, (uint64_t)1 << 40 | PAGE | AF, 0);
    check_fault(&space, 0, WALK_READ, FSC_ADDRESS_SIZE + 3);
    space_close(&space);
    /* With 64K granules and LPA, bits 15:12 are address bits. */
    space_open(&space, G64K, 48, 5);
    put(&space, 0, 3, LEAF | 1 << 12 | PAGE | AF, 0);
    check_fault(&space, 0, WALK_READ, FSC_ADDRESS_SIZE + 3);
    space.walk.features &= ~(uint32_t)ARM64_LPA;
    CHECK_EQ(walk(&space, 0, WALK_READ).walk.pa, LEAF);
    space_close(&space);
    /* Level -1. */
    space_open(&space, G4K, 52, 5);
    space.walk.tcr |= TCR_DS;
    space.wide = true;
    put(&space, 0, -1, (uint64_t)1 << 49 | TABLE, 0);
    check_fault(&space, 0, WALK_READ, FSC_ADDRESS_SIZE_M1);
    space_close(&space);
}

/* A table where there is no RAM. */
static void external_aborts(void)
{
    for (int level = 1; level <= 3; level++) {
        struct space space;
        space_open(&space, G4K, 48, 5);
        put(&space, 0, level - 1, LEAF | TABLE, 0);
        check_fault(&space, 0, WALK_READ, FSC_EXTERNAL_WALK + (unsigned)level);
        CHECK_EQ(walk(&space, 0, WALK_READ).walk.table, LEAF);
        space_close(&space);
    }
    struct space space;
    space_open(&space, G4K, 48, 5);
    space.walk.ttbr[0] = LEAF;
    check_fault(&space, 0, WALK_READ, FSC_EXTERNAL_WALK);
    space_close(&space);
    space_open(&space, G4K, 52, 6);
    space.walk.tcr |= TCR_DS;
    space.walk.ttbr[0] = LEAF;
    check_fault(&space, 0, WALK_READ, FSC_EXTERNAL_WALK_M1);
    space_close(&space);
}

/* ---- permissions ---- */

/* What EL1 and EL0 may, as "rwx" letters. */
static uint8_t letters(const char *text)
{
    uint8_t permission = 0;
    for (; *text; text++)
        permission |= *text == 'r' ? TLB_READ : *text == 'w' ? TLB_WRITE : *text == 'x' ? TLB_FETCH : 0;
    return permission;
}

struct expectation {
    uint64_t leaf, table;
    const char *el1, *el0;
};

static void check_permissions(const struct expectation *cases, size_t count,
                              void (*prepare)(struct arm64_walk *walk))
{
    for (size_t n = 0; n < count; n++) {
        for (unsigned user = 0; user < 2; user++) {
            struct space space;
            uint8_t expected = letters(user ? cases[n].el0 : cases[n].el1);
            test_context("case %zu at EL%u", n, 1 - user);
            space_open(&space, G4K, 48, 5);
            if (prepare)
                prepare(&space.walk);
            space.walk.user = user;
            put(&space, 0, 3, LEAF | PAGE | AF | cases[n].leaf, cases[n].table);
            for (enum walk_access access = WALK_READ; access <= WALK_FETCH; access++) {
                struct arm64_result result = walk(&space, 0, access);
                bool allowed = expected >> access & 1;
                CHECK_EQ(result.fsc, allowed ? 0 : FSC_PERMISSION + 3);
                CHECK_EQ(result.walk.status, allowed ? WALK_OK : WALK_PERMISSION);
                if (allowed)
                    CHECK_EQ(result.walk.permission, expected);
            }
            space_close(&space);
        }
    }
    test_context(NULL);
}

/* Table D8-... of stage 1 permissions: AP, UXN, PXN; what EL0 writes EL1 doesn't run. */
static void direct_permissions(void)
{
    static const struct expectation cases[] = {
        {0, 0, "rwx", "x"},
        {USER, 0, "rw", "rwx"},
        {RO, 0, "rx", "x"},
        {USER | RO, 0, "rx", "rx"},
        {PXN, 0, "rw", "x"},
        {UXN, 0, "rwx", ""},
        {PXN | UXN, 0, "rw", ""},
        {USER | UXN, 0, "rw", "rw"},
        {USER | RO | PXN, 0, "r", "rx"},
        {USER | RO | UXN, 0, "rx", "r"},
        {RO | PXN | UXN, 0, "r", ""},
    };
    check_permissions(cases, ARRAY_LEN(cases), NULL);
}

static void hierarchical_permissions(void)
{
    static const struct expectation cases[] = {
        {USER, NOUSER, "rwx", "x"},         {0, ROT, "rx", "x"},  {USER, ROT, "rx", "rx"},
        {USER, ROT | NOUSER, "rx", "x"},    {0, PXNT, "rw", "x"}, {0, UXNT, "rwx", ""},
        {USER | RO, PXNT | UXNT, "r", "r"},
    };
    check_permissions(cases, ARRAY_LEN(cases), NULL);
}

static void hierarchy_off(struct arm64_walk *walk)
{
    walk->tcr |= TCR_HPD0;
}

static void hierarchy_disabled(void)
{
    static const struct expectation cases[] = {
        {USER, NOUSER, "rw", "rwx"},
        {0, ROT, "rwx", "x"},
        {0, PXNT | UXNT, "rwx", "x"},
    };
    check_permissions(cases, ARRAY_LEN(cases), hierarchy_off);
}

static void wxn_on(struct arm64_walk *walk)
{
    walk->wxn = true;
}

static void write_never_execute(void)
{
    static const struct expectation cases[] = {
        {0, 0, "rw", "x"},
        {USER, 0, "rw", "rw"},
        {RO, 0, "rx", "x"},
        {USER | RO, 0, "rx", "rx"},
    };
    check_permissions(cases, ARRAY_LEN(cases), wxn_on);
}

static void pan_on(struct arm64_walk *walk)
{
    walk->pan = !walk->user;
}

static void epan_on(struct arm64_walk *walk)
{
    walk->pan = !walk->user;
    walk->epan = true;
}

/* PAN is about data at EL1; EPAN adds pages that EL0 may only execute. (The walk's user flag is set after
 * this.) */
static void privileged_access_never(void)
{
    static const struct expectation pan[] = {
        {USER | RO, 0, "x", ""}, {0, 0, "rwx", ""}, {USER | UXN | PXN, 0, "", ""}};
    static const struct expectation epan[] = {{UXN, 0, "rwx", ""}, {0, 0, "x", ""}, {RO | PXN, 0, "", ""}};
    for (unsigned with_epan = 0; with_epan < 2; with_epan++) {
        const struct expectation *cases = with_epan ? epan : pan;
        for (size_t n = 0; n < 3; n++) {
            struct space space;
            test_context("epan %u, case %zu", with_epan, n);
            space_open(&space, G4K, 48, 5);
            (with_epan ? epan_on : pan_on)(&space.walk);
            put(&space, 0, 3, LEAF | PAGE | AF | cases[n].leaf, 0);
            for (enum walk_access access = WALK_READ; access <= WALK_FETCH; access++) {
                bool allowed = letters(cases[n].el1) >> access & 1;
                CHECK_EQ(walk(&space, 0, access).fsc, allowed ? 0 : FSC_PERMISSION + 3);
            }
            space_close(&space);
        }
    }
    test_context(NULL);
}

/* ---- access flag, dirty state ---- */

static void access_flag(void)
{
    for (int level = 1; level <= 3; level++) {
        struct space space;
        test_context("level %d", level);
        space_open(&space, G4K, 48, 5);
        uint64_t at = put(&space, 0, level, 0x40000000 | leaf_kind(level), 0);
        check_fault(&space, 0, WALK_READ, FSC_ACCESS_FLAG + (unsigned)level);
        /* Before permission. */
        put(&space, 0, level, 0x40000000 | RO | leaf_kind(level), 0);
        check_fault(&space, 0, WALK_WRITE, FSC_ACCESS_FLAG + (unsigned)level);
        CHECK_EQ(entry_read(&space, at) & AF, 0);
        space.walk.tcr |= TCR_HA;
        check_fault(&space, 0, WALK_WRITE, FSC_PERMISSION + (unsigned)level);
        CHECK_EQ(entry_read(&space, at) & AF, 0);
        space.walk.update = false;
        CHECK_EQ(walk(&space, 0, WALK_READ).walk.status, WALK_OK);
        CHECK_EQ(entry_read(&space, at) & AF, 0);
        space.walk.update = true;
        CHECK_EQ(walk(&space, 0, WALK_READ).walk.status, WALK_OK);
        CHECK_EQ(entry_read(&space, at), 0x40000000 | RO | leaf_kind(level) | AF);
        space_close(&space);
    }
    test_context(NULL);
}

static void dirty_state(void)
{
    struct space space;
    space_open(&space, G4K, 48, 5);
    uint64_t at = put(&space, 0, 3, LEAF | PAGE | AF | RO | DBM, 0);
    /* Without HD, DBM means nothing. */
    check_fault(&space, 0, WALK_WRITE, FSC_PERMISSION + 3);
    space.walk.tcr |= TCR_HA | TCR_HD;
    struct arm64_result result = walk(&space, 0, WALK_READ);
    CHECK_EQ(result.walk.permission, TLB_READ | TLB_FETCH); /* a write has to come here */
    CHECK_EQ(entry_read(&space, at), LEAF | PAGE | AF | RO | DBM);
    result = walk(&space, 0, WALK_WRITE);
    CHECK_EQ(result.walk.status, WALK_OK);
    CHECK_EQ(result.walk.permission, TLB_READ | TLB_WRITE | TLB_FETCH);
    CHECK_EQ(entry_read(&space, at), LEAF | PAGE | AF | DBM);
    /* A table above that is read-only wins; so does the absence of DBM. */
    put(&space, 0x40000000000, 3, LEAF | PAGE | AF | RO | DBM, ROT);
    check_fault(&space, 0x40000000000, WALK_WRITE, FSC_PERMISSION + 3);
    put(&space, 0, 3, LEAF | PAGE | AF | RO, 0);
    check_fault(&space, 0, WALK_WRITE, FSC_PERMISSION + 3);
    /* Both are set at once, and HD without HA is nothing. */
    at = put(&space, 0, 3, LEAF | PAGE | RO | DBM, 0);
    CHECK_EQ(walk(&space, 0, WALK_WRITE).walk.status, WALK_OK);
    CHECK_EQ(entry_read(&space, at), LEAF | PAGE | AF | DBM);
    space.walk.tcr &= ~TCR_HA;
    put(&space, 0, 3, LEAF | PAGE | AF | RO | DBM, 0);
    check_fault(&space, 0, WALK_WRITE, FSC_PERMISSION + 3);
    space_close(&space);
}

/* ---- attributes, tags ---- */

static void attributes(void)
{
    struct space space;
    space_open(&space, G4K, 48, 5);
    put(&space, 0, 3, LEAF | PAGE | AF | NG | 5 << 2 | 3 << 8 | GP | CONTIG, 0);
    struct arm64_result result = walk(&space, 0, WALK_READ);
    CHECK_EQ(result.walk.global, false);
    CHECK_EQ(result.walk.memory_type, 5);
    CHECK_EQ(result.shareability, 3);
    CHECK_EQ(result.guarded, true);
    put(&space, 0, 3, LEAF | PAGE | AF, 0);
    result = walk(&space, 0, WALK_READ);
    CHECK_EQ(result.walk.global, true);
    CHECK_EQ(result.guarded, false);
    space_close(&space);
}

static void tags(void)
{
    struct space space;
    space_open(&space, G4K, 39, 5);
    put(&space, 0, 1, BLOCK | AF, 0);
    uint64_t tagged = (uint64_t)0xa5 << 56 | 0x1234;
    check_fault(&space, tagged, WALK_READ, FSC_TRANSLATION);
    space.walk.tcr |= TCR_TBI0;
    CHECK_EQ(walk(&space, tagged, WALK_READ).walk.pa, 0x1234);
    CHECK_EQ(walk(&space, tagged, WALK_FETCH).walk.pa, 0x1234);
    space.walk.tcr |= TCR_TBID0;
    CHECK_EQ(walk(&space, tagged, WALK_READ).walk.pa, 0x1234);
    check_fault(&space, tagged, WALK_FETCH, FSC_TRANSLATION);
    /* Bit 55 chooses the half, whatever is above. */
    check_fault(&space, (uint64_t)0x00ffff8000000000, WALK_READ, FSC_TRANSLATION);
    space.walk.tcr |= TCR_TBI1;
    CHECK_EQ(walk(&space, (uint64_t)0x00ffff8000000000, WALK_READ).walk.status, WALK_OK);
    CHECK_EQ(arm64_untag(space.walk.tcr, 0x12ffff8000000000, false), 0xffffff8000000000);
    CHECK_EQ(arm64_untag(space.walk.tcr, 0x1200000000000001, true), 0x1200000000000001);
    space_close(&space);
}

/* Tables made of random bits are no danger. */
static void random_tables(void)
{
    for (unsigned round = 0; round < 2000; round++) {
        struct space space;
        space_open(&space, (enum granule_code)(round % 3), 48, (unsigned)(test_random() % 8));
        space.walk.tcr = test_random();
        space.walk.features = (uint32_t)test_random() & ALL_FEATURES;
        space.walk.features |= round & 1 ? ARM64_4K : ARM64_64K;
        space.walk.pa_bits = (uint8_t)(32 + test_random() % 21);
        for (unsigned n = 0; n < 64; n++) {
            uint64_t entry = (test_random() & ~(uint64_t)0xffffffc00000) | BASE | 3;
            ram_write(space.ram, gpa(BASE + test_random() % (64 * KIB) / 8 * 8), &entry, 8);
        }
        for (unsigned n = 0; n < 32; n++) {
            struct arm64_result result = walk(&space, test_random() >> (test_random() % 64), WALK_WRITE);
            CHECK(result.walk.status == WALK_OK ? result.fsc == 0
                                                : result.walk.status == WALK_NOT_PRESENT || result.fsc ||
                                                      result.walk.status == WALK_RESERVED);
        }
        space_close(&space);
    }
}

static void count_lines(void *opaque, const char *text)
{
    unsigned *lines = opaque;
    CHECK(strlen(text) > 20);
    ++*lines;
}

static void dump(void)
{
    struct space space;
    unsigned lines = 0;
    space_open(&space, G4K, 48, 5);
    space.walk.tcr |= TCR_EPD1;
    for (unsigned n = 0; n < 4; n++)
        put(&space, 0x1000 * n, 3, (LEAF + 0x1000 * n) | PAGE | AF, 0);
    put(&space, 0x10000, 3, LEAF | PAGE | AF | RO, 0);
    arm64_dump(&space.walk, count_lines, &lines);
    CHECK_EQ(lines, 2);
    space_close(&space);
}

static const struct test_case cases[] = {
    {"leaves", leaves},
    {"wide_addresses", wide_addresses},
    {"no_blocks", no_blocks},
    {"translation_faults", translation_faults},
    {"ranges", ranges},
    {"e0pd", e0pd},
    {"address_size_faults", address_size_faults},
    {"external_aborts", external_aborts},
    {"direct_permissions", direct_permissions},
    {"hierarchical_permissions", hierarchical_permissions},
    {"hierarchy_disabled", hierarchy_disabled},
    {"write_never_execute", write_never_execute},
    {"privileged_access_never", privileged_access_never},
    {"access_flag", access_flag},
    {"dirty_state", dirty_state},
    {"attributes", attributes},
    {"tags", tags},
    {"random_tables", random_tables},
    {"dump", dump},
};
TEST_SUITE(arm64_walk_test, "unit", cases);
