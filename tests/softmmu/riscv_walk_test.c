#include "softmmu/walkers/riscv.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "host/thread.h"
#include "softmmu/tlb.h"
#include "tests/harness/test.h"

/* PTE bits as the manual draws them (Priv. 12.4.1, figure "Sv39 page table entry"). */
#define V 0x01u
#define R 0x02u
#define W 0x04u
#define X 0x08u
#define U 0x10u
#define G 0x20u
#define A 0x40u
#define D 0x80u
#define N ((uint64_t)1 << 63)

#define BASE 0x80000000u /* 1 MiB of RAM; the tables begin there */
#define PAGE 0x80040000u /* what gets mapped */

struct space {
    struct ram *ram;
    struct riscv_tables tables;
    struct riscv_walk walk;
    unsigned levels;
    uint64_t next_table;
};

static void space_open(struct space *space, enum riscv_satp_mode mode)
{
    struct error err;
    *space =
        (struct space){.ram = ram_create(), .levels = mode - SATP_SV39 + 3u, .next_table = BASE + PAGE_SIZE};
    struct ram_block *block = ram_block_create(space->ram, "ram", 1 * MIB, &err);
    CHECK(ram_map(space->ram, block, 0, gpa(BASE), 1 * MIB, RAM_MAPPED, NULL));
    space->tables = (struct riscv_tables){.ram = space->ram};
    space->walk = (struct riscv_walk){.memory = riscv_tables_memory(&space->tables),
                                      .satp = (uint64_t)mode << 60 | BASE >> PAGE_BITS,
                                      .svnapot = true,
                                      .update = true};
}

static void space_close(struct space *space)
{
    ram_destroy(space->ram);
}

static uint64_t pte_of(uint64_t pa, uint64_t bits)
{
    return pa >> 12 << 10 | bits;
}

static uint64_t entry_read(struct space *space, uint64_t at)
{
    uint64_t pte = 0;
    CHECK(ram_read(space->ram, gpa(at), &pte, 8));
    return pte;
}

/* Write an entry for va at a level (0: the smallest pages), with the tables above; returns where it is. */
static uint64_t put(struct space *space, uint64_t va, unsigned level, uint64_t pte)
{
    uint64_t table = BASE;
    for (unsigned i = space->levels - 1; i > level; i--) {
        uint64_t at = table + (va >> (12 + 9 * i) & 0x1ff) * 8, above = entry_read(space, at);
        if (!above) {
            above = pte_of(space->next_table, V);
            space->next_table += PAGE_SIZE;
            ram_write(space->ram, gpa(at), &above, 8);
        }
        table = above >> 10 << 12;
    }
    uint64_t at = table + (va >> (12 + 9 * level) & 0x1ff) * 8;
    CHECK(ram_write(space->ram, gpa(at), &pte, 8));
    return at;
}

static const enum riscv_satp_mode modes[] = {SATP_SV39, SATP_SV48, SATP_SV57};

static void bare(void)
{
    struct space space;
    space_open(&space, SATP_SV39);
    space.walk.satp = 0;
    struct walk_result result = riscv_walk(&space.walk, 0xdeadbeefcafe, WALK_FETCH);
    CHECK_EQ(result.status, WALK_OK);
    CHECK_EQ(result.pa, 0xdeadbeefcafe);
    CHECK_EQ(result.permission, TLB_READ | TLB_WRITE | TLB_FETCH);
    space.walk.satp = (uint64_t)11 << 60;
    CHECK_EQ(riscv_walk(&space.walk, 0, WALK_READ).status, WALK_RESERVED);
    space_close(&space);
}

/* Every page size of every mode, in both halves of the address space. */
static void sizes(void)
{
    for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
        struct space space;
        space_open(&space, modes[m]);
        unsigned va_bits = 12 + 9 * space.levels;
        for (unsigned level = 0; level < space.levels; level++) {
            for (unsigned high = 0; high < 2; high++) {
                test_context("mode %u, level %u, half %u", modes[m], level, high);
                uint64_t size = (uint64_t)4096 << (9 * level), pa = (uint64_t)1 << 55 | size;
                uint64_t va = high ? (uint64_t) - (int64_t)(size * (level + 2)) : size * (level + 3);
                if (level + 1 == space.levels)
                    va = high ? ~(uint64_t)0 << (va_bits - 1) : 0;
                put(&space, va, level, pte_of(pa, V | R | W | A | D));
                uint64_t inside = 0xfedcba9876543210 & (size - 1);
                struct walk_result result = riscv_walk(&space.walk, va + inside, WALK_READ);
                CHECK_EQ(result.status, WALK_OK);
                CHECK_EQ(result.pa, pa + inside);
                CHECK_EQ(result.page_bits, 12 + 9 * level);
                CHECK_EQ(result.level, level);
                CHECK_EQ(result.permission, TLB_READ | TLB_WRITE);
                CHECK_EQ(riscv_walk(&space.walk, va + size - 1, WALK_READ).pa, pa + size - 1);
            }
        }
        space_close(&space);
    }
    test_context(NULL);
}

static void canonical(void)
{
    for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
        struct space space;
        space_open(&space, modes[m]);
        unsigned va_bits = 12 + 9 * space.levels;
        uint64_t half = (uint64_t)1 << (va_bits - 1);
        const uint64_t bad[] = {half, ~half, (uint64_t)1 << 63, ~(uint64_t)0 ^ ((uint64_t)1 << 63),
                                half << 1};
        const uint64_t good[] = {0, half - 1, ~(half - 1), ~(uint64_t)0};
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
            CHECK_EQ(riscv_walk(&space.walk, bad[i], WALK_READ).status, WALK_NOT_CANONICAL);
        for (size_t i = 0; i < ARRAY_LEN(good); i++)
            CHECK_EQ(riscv_walk(&space.walk, good[i], WALK_READ).status, WALK_NOT_PRESENT);
        space_close(&space);
    }
}

/* Entries the manual calls invalid or reserved, at the level given. */
static void encodings(void)
{
    static const struct {
        uint64_t pte;
        unsigned level;
        bool pbmte, no_svnapot;
        enum walk_status status;
    } rows[] = {
        {0, 0, 0, 0, WALK_NOT_PRESENT},
        {R | W | X | A | D, 0, 0, 0, WALK_NOT_PRESENT}, /* V = 0: nothing else counts */
        {N | (uint64_t)0x7f << 54, 0, 0, 0, WALK_NOT_PRESENT},
        {V | W | A | D, 0, 0, 0, WALK_RESERVED}, /* W without R */
        {V | W | X | A | D, 0, 0, 0, WALK_RESERVED},
        {V | W, 1, 0, 0, WALK_RESERVED},
        {V | R | A | (uint64_t)1 << 54, 0, 0, 0, WALK_RESERVED}, /* bits 60 to 54 */
        {V | R | A | (uint64_t)1 << 57, 0, 0, 0, WALK_RESERVED},
        {V | R | A | (uint64_t)1 << 60, 0, 0, 0, WALK_RESERVED},
        {V | (uint64_t)1 << 54, 1, 0, 0, WALK_RESERVED},
        {V, 0, 0, 0, WALK_RESERVED},     /* a pointer where there is no level below */
        {V | D, 1, 0, 0, WALK_RESERVED}, /* D, A and U of a pointer */
        {V | A, 1, 0, 0, WALK_RESERVED},
        {V | U, 1, 0, 0, WALK_RESERVED},
        {V | N, 1, 0, 0, WALK_RESERVED},
        {V | (uint64_t)1 << 61, 1, 1, 0, WALK_RESERVED},
        {V | R | A | (uint64_t)0x300 | PAGE >> 2, 0, 0, 0, WALK_OK}, /* RSW is software's */
        {V | R | A | 0x200 << 10, 1, 0, 0, WALK_OK},
        {V | R | A | 0x201 << 10, 1, 0, 0, WALK_RESERVED}, /* a misaligned 2 MiB page */
        {V | R | A | 0x300 << 10, 1, 0, 0, WALK_RESERVED},
        {V | R | A | 0x200 << 10, 2, 0, 0, WALK_RESERVED}, /* a 1 GiB page aligned to 2 MiB */
        {V | R | A | 0x40000 << 10, 2, 0, 0, WALK_OK},
        {V | R | A | (uint64_t)1 << 61, 0, 0, 0, WALK_RESERVED}, /* PBMT without PBMTE */
        {V | R | A | (uint64_t)2 << 61, 0, 0, 0, WALK_RESERVED},
        {V | R | A | (uint64_t)1 << 61, 0, 1, 0, WALK_OK},
        {V | R | A | (uint64_t)2 << 61, 1, 1, 0, WALK_OK},
        {V | R | A | (uint64_t)3 << 61, 0, 1, 0, WALK_RESERVED},
        {V | R | A | N | 8 << 10, 0, 0, 0, WALK_OK},
        {V | R | A | N | 8 << 10, 0, 0, 1, WALK_RESERVED}, /* no Svnapot */
        {V | R | A | N | 0 << 10, 0, 0, 0, WALK_RESERVED}, /* ppn[3:0] other than 1000 */
        {V | R | A | N | 1 << 10, 0, 0, 0, WALK_RESERVED},
        {V | R | A | N | 4 << 10, 0, 0, 0, WALK_RESERVED},
        {V | R | A | N | 12 << 10, 0, 0, 0, WALK_RESERVED},
        {V | R | A | N | 16 << 10, 0, 0, 0, WALK_RESERVED},
        {V | R | A | N | 0x200 << 10, 1, 0, 0, WALK_RESERVED}, /* only in the last level */
    };
    for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            struct space space;
            space_open(&space, modes[m]);
            test_context("mode %u, row %zu", modes[m], i);
            space.walk.pbmte = rows[i].pbmte;
            space.walk.svnapot = !rows[i].no_svnapot;
            uint64_t at = put(&space, 0x1000, rows[i].level, rows[i].pte);
            struct walk_result result = riscv_walk(&space.walk, 0x1000, WALK_READ);
            CHECK_EQ(result.status, rows[i].status);
            CHECK_EQ(result.level, rows[i].level);
            CHECK_EQ(result.table, at);
            if (result.status == WALK_OK)
                CHECK_EQ(result.memory_type, rows[i].pte >> 61 & 3);
            space_close(&space);
        }
    }
    test_context(NULL);
}

static void napot_pages(void)
{
    struct space space;
    space_open(&space, SATP_SV39);
    for (unsigned i = 0; i < 16; i++) /* all sixteen entries hold the same */
        put(&space, 0x20000 + i * 4096, 0, N | V | R | A | (uint64_t)0x80058 << 10);
    for (uint64_t va = 0x20000; va < 0x30000; va += 0x777) {
        struct walk_result result = riscv_walk(&space.walk, va, WALK_READ);
        CHECK_EQ(result.status, WALK_OK);
        CHECK_EQ(result.pa, 0x80050000 + (va & 0xffff));
        CHECK_EQ(result.page_bits, 16);
    }
    space_close(&space);
}

/*
 * The rights of a page by R, W, X and U, privilege, SUM and MXR (Priv. 12.3.1 and 3.1.6.3), written out from
 * the text: a column each for U mode, S mode, S mode with SUM. A capital R: also or only with MXR.
 */
static const struct {
    uint8_t bits;
    const char *user, *supervisor, *sum;
} rights[] = {
    /* clang-format off */
    {R,             "",    "r",   "r"},
    {R | W,         "",    "rw",  "rw"},
    {X,             "",    "Rx",  "Rx"},
    {R | X,         "",    "rx",  "rx"},
    {R | W | X,     "",    "rwx", "rwx"},
    {U | R,         "r",   "",    "r"},
    {U | R | W,     "rw",  "",    "rw"},
    {U | X,         "Rx",  "",    "R"},
    {U | R | X,     "rx",  "",    "r"},
    {U | R | W | X, "rwx", "",    "rw"},
    /* clang-format on */
};

static void check_right(struct space *space, const char *text, char letter, enum walk_access access)
{
    bool allowed = strchr(text, letter) != NULL;
    if (access == WALK_READ)
        allowed |= space->walk.mxr && strchr(text, 'R') != NULL;
    struct walk_result result = riscv_walk(&space->walk, 0x1000, access);
    CHECK_EQ(result.status, allowed ? WALK_OK : WALK_PERMISSION);
    CHECK_EQ(result.permission >> access & 1, allowed);
    CHECK_EQ(result.pa, PAGE);
    CHECK_EQ(result.page_bits, 12);
}

static void permissions(void)
{
    struct space space;
    space_open(&space, SATP_SV39);
    for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
        put(&space, 0x1000, 0, pte_of(PAGE, rights[i].bits | V | A | D));
        for (unsigned mode = 0; mode < 8; mode++) {
            test_context("row %zu, mode %u", i, mode);
            space.walk.user = mode & 1;
            space.walk.sum = mode & 2;
            space.walk.mxr = mode & 4;
            const char *text = space.walk.user  ? rights[i].user
                               : space.walk.sum ? rights[i].sum
                                                : rights[i].supervisor;
            check_right(&space, text, 'r', WALK_READ);
            check_right(&space, text, 'w', WALK_WRITE);
            check_right(&space, text, 'x', WALK_FETCH);
        }
    }
    test_context(NULL);
    space_close(&space);
}

static void global_bits(void)
{
    struct space space;
    space_open(&space, SATP_SV48);
    put(&space, 0x1000, 0, pte_of(PAGE, V | R | A));
    CHECK(!riscv_walk(&space.walk, 0x1000, WALK_READ).global);
    put(&space, 0x2000, 0, pte_of(PAGE, V | R | A | G));
    CHECK(riscv_walk(&space.walk, 0x2000, WALK_READ).global);
    /* A global pointer makes all below it global. */
    uint64_t root = entry_read(&space, BASE) | G;
    ram_write(space.ram, gpa(BASE), &root, 8);
    CHECK(riscv_walk(&space.walk, 0x1000, WALK_READ).global);
    space_close(&space);
}

static void accessed_and_dirty(void)
{
    static const struct {
        uint8_t before;
        enum walk_access access;
        uint8_t after;      /* with Svadu */
        bool fault;         /* with Svade */
        uint8_t permission; /* when it succeeds */
    } rows[] = {
        {0, WALK_READ, A, true, TLB_READ},
        {0, WALK_WRITE, A | D, true, TLB_READ | TLB_WRITE},
        {A, WALK_READ, A, false, TLB_READ},
        {A, WALK_WRITE, A | D, true, TLB_READ | TLB_WRITE},
        {A | D, WALK_WRITE, A | D, false, TLB_READ | TLB_WRITE},
        {D, WALK_READ, A | D, true, TLB_READ | TLB_WRITE},
    };
    struct space space;
    space_open(&space, SATP_SV39);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_context("row %zu", i);
        uint64_t before = pte_of(PAGE, V | R | W | rows[i].before),
                 after = pte_of(PAGE, V | R | W | rows[i].after);
        uint64_t at = put(&space, 0x1000, 0, before);
        space.walk.adue = false;
        struct walk_result result = riscv_walk(&space.walk, 0x1000, rows[i].access);
        CHECK_EQ(result.status, rows[i].fault ? WALK_ACCESS_FLAG : WALK_OK);
        CHECK_EQ(result.pa, PAGE);
        CHECK_EQ(entry_read(&space, at), before);

        space.walk.adue = true;
        space.walk.update = false; /* a debugger looks without touching */
        CHECK_EQ(riscv_walk(&space.walk, 0x1000, rows[i].access).status, WALK_OK);
        CHECK_EQ(entry_read(&space, at), before);
        space.walk.update = true;
        result = riscv_walk(&space.walk, 0x1000, rows[i].access);
        CHECK_EQ(result.status, WALK_OK);
        CHECK_EQ(result.permission, rows[i].permission);
        CHECK_EQ(entry_read(&space, at), after);
    }
    /* A refused access sets nothing. */
    uint64_t at = put(&space, 0x1000, 0, pte_of(PAGE, V | R));
    CHECK_EQ(riscv_walk(&space.walk, 0x1000, WALK_WRITE).status, WALK_PERMISSION);
    CHECK_EQ(entry_read(&space, at), pte_of(PAGE, V | R));
    space_close(&space);
}

/* What PMP may say of the implicit accesses. */
struct gate {
    uint64_t refused; /* a page that is out of bounds */
    bool reads, writes;
    unsigned asked;
};

static bool gate_allows(void *opaque, uint64_t pa, unsigned size, enum ram_access access)
{
    struct gate *gate = opaque;
    gate->asked++;
    CHECK_EQ(size, 8);
    return (pa & PAGE_MASK) != gate->refused || !(access == RAM_READ ? gate->reads : gate->writes);
}

static void bus_errors(void)
{
    struct space space;
    struct gate gate = {.refused = 0};
    space_open(&space, SATP_SV39);
    space.tables.allowed = gate_allows;
    space.tables.opaque = &gate;
    space.walk.adue = true;
    uint64_t at = put(&space, 0x1000, 0, pte_of(PAGE, V | R | W));
    gate = (struct gate){.refused = BASE, .reads = true}; /* the root may not be read */
    struct walk_result result = riscv_walk(&space.walk, 0x1000, WALK_READ);
    CHECK_EQ(result.status, WALK_BUS);
    CHECK_EQ(result.table, BASE);
    CHECK_EQ(gate.asked, 1);
    gate = (struct gate){.refused = at & PAGE_MASK, .writes = true}; /* the last table may not be written */
    result = riscv_walk(&space.walk, 0x1000, WALK_READ);
    CHECK_EQ(result.status, WALK_BUS);
    CHECK_EQ(result.table, at);
    CHECK_EQ(gate.asked, 4);
    CHECK_EQ(entry_read(&space, at), pte_of(PAGE, V | R | W));
    gate = (struct gate){.refused = at & PAGE_MASK};
    CHECK_EQ(riscv_walk(&space.walk, 0x1000, WALK_READ).status, WALK_OK);

    /* Tables where there is no RAM: the pointer, and the root. */
    space.tables.allowed = NULL;
    put(&space, 0x40000000, 2, pte_of(0x10000000, V));
    result = riscv_walk(&space.walk, 0x40000000, WALK_FETCH);
    CHECK_EQ(result.status, WALK_BUS);
    CHECK_EQ(result.table, 0x10000000);
    put(&space, 0x80000000, 2, pte_of((((uint64_t)1 << 44) - 1) << 12, V));
    CHECK_EQ(riscv_walk(&space.walk, 0x80000000, WALK_FETCH).status, WALK_BUS);
    space.walk.satp = (uint64_t)SATP_SV39 << 60;
    CHECK_EQ(riscv_walk(&space.walk, 0, WALK_FETCH).status, WALK_BUS);
    space_close(&space);
}

/* Setting bits reports the write: a table can be in a tracked or decoded page. */
static void updates_are_writes(void)
{
    struct space space;
    space_open(&space, SATP_SV39);
    space.walk.adue = true;
    uint64_t at = put(&space, 0x1000, 0, pte_of(PAGE, V | R)), bits[4];
    struct ram_block *block = ram_block_find(space.ram, "ram");
    ram_dirty_track(space.ram, block, RAM_DIRTY_SNAPSHOT, true);
    riscv_walk(&space.walk, 0x1000, WALK_READ);
    CHECK(ram_dirty_harvest(space.ram, block, RAM_DIRTY_SNAPSHOT, 0, 1 * MIB, bits));
    CHECK_EQ(bits[0], (uint64_t)1 << ((at - BASE) >> PAGE_BITS));
    space_close(&space);
}

/* Two harts set bits in one entry while software counts in RSW with atomics: nothing gets lost. */
struct contest {
    struct space *space;
    bool stop;
    uint64_t wrong;
};

static void *walk_on(void *opaque)
{
    struct contest *contest = opaque;
    struct riscv_walk walk = contest->space->walk;
    for (unsigned i = 0; !__atomic_load_n(&contest->stop, __ATOMIC_RELAXED); i++) {
        struct walk_result result = riscv_walk(&walk, 0x1000, i & 1 ? WALK_WRITE : WALK_READ);
        if (result.status != WALK_OK || result.pa != PAGE)
            __atomic_fetch_add(&contest->wrong, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void atomic_updates(void)
{
    struct space space;
    struct error err;
    space_open(&space, SATP_SV39);
    space.walk.adue = true;
    uint64_t at = put(&space, 0x1000, 0, pte_of(PAGE, V | R | W));
    uint64_t *pte = ram_at(space.ram, gpa(at), 8, RAM_WRITE);
    struct contest contest = {.space = &space};
    struct host_thread workers[2];
    for (unsigned i = 0; i < 2; i++)
        CHECK(host_thread_create(&workers[i], "hart", walk_on, &contest, &err));
    for (unsigned i = 0; i < 100000; i++) {
        __atomic_fetch_xor(pte, (uint64_t)1 << 8, __ATOMIC_SEQ_CST);
        __atomic_fetch_and(pte, ~(uint64_t)(A | D), __ATOMIC_SEQ_CST);
    }
    uint64_t last = __atomic_load_n(pte, __ATOMIC_SEQ_CST);
    __atomic_store_n(&contest.stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++)
        host_thread_join(&workers[i]);
    CHECK_EQ(contest.wrong, 0);
    CHECK_EQ(last >> 8 & 1, 0); /* an even number of flips, each of them kept */
    space_close(&space);
}

struct lines {
    char text[8][128];
    unsigned count;
};

static void keep_line(void *opaque, const char *text)
{
    struct lines *lines = opaque;
    if (lines->count < ARRAY_LEN(lines->text))
        snprintf(lines->text[lines->count], sizeof(lines->text[0]), "%s", text);
    lines->count++;
}

static void dumps(void)
{
    struct space space;
    struct lines lines = {.count = 0};
    space_open(&space, SATP_SV39);
    space.walk.pbmte = true;
    put(&space, 0x1000, 0, pte_of(0x80001000, V | R | X | U | A));
    put(&space, 0x2000, 0, pte_of(0x80002000, V | R | X | U | A));
    put(&space, 0x3000, 0, pte_of(0x80003000, V | R | W | U | A | D));
    put(&space, 0x5000, 0, pte_of(0x80004000, V | R | W | U | A | D));
    for (unsigned i = 0; i < 16; i++)
        put(&space, 0x10000 + i * 4096, 0, N | V | R | A | (uint64_t)0x80058 << 10);
    put(&space, 0xffffffffc0000000, 2, pte_of(0x40000000, V | R | W | G | A | D) | (uint64_t)2 << 61);
    riscv_dump(&space.walk, keep_line, &lines);
    CHECK_EQ(lines.count, 5);
    CHECK_STR(lines.text[0], "0000000000001000-0000000000002fff 00000080001000 r-xu-a-");
    CHECK_STR(lines.text[1], "0000000000003000-0000000000003fff 00000080003000 rw-u-ad");
    CHECK_STR(lines.text[2], "0000000000005000-0000000000005fff 00000080004000 rw-u-ad");
    CHECK_STR(lines.text[3], "0000000000010000-000000000001ffff 00000080050000 r----a-");
    CHECK_STR(lines.text[4], "ffffffffc0000000-ffffffffffffffff 00000040000000 rw--gad io");

    /* A root that points at itself everywhere ends, too. */
    uint64_t self = pte_of(BASE, V);
    for (unsigned i = 0; i < 512; i++)
        ram_write(space.ram, gpa(BASE + i * 8), &self, 8);
    space.walk.satp = (uint64_t)SATP_SV57 << 60 | BASE >> PAGE_BITS;
    lines.count = 0;
    riscv_dump(&space.walk, keep_line, &lines);
    CHECK_EQ(lines.count, 1);
    space_close(&space);
}

static const struct test_case cases[] = {
    {"bare", bare},
    {"sizes", sizes},
    {"canonical", canonical},
    {"encodings", encodings},
    {"napot_pages", napot_pages},
    {"permissions", permissions},
    {"global_bits", global_bits},
    {"accessed_and_dirty", accessed_and_dirty},
    {"bus_errors", bus_errors},
    {"updates_are_writes", updates_are_writes},
    {"atomic_updates", atomic_updates},
    {"dumps", dumps},
};
TEST_SUITE(riscv_walk_test, "unit", cases);
