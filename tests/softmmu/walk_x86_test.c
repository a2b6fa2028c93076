/* x86 page-table walks: every way a translation can fail, with its error code (SDM vol. 3, 4.6 and 4.7), page
 * sizes, and what is set on the way. */
#include "base/bits.h"
#include "softmmu/tlb.h"
#include "softmmu/walkers/x86.h"
#include "tests/harness/test.h"

#define P   ((uint64_t)1 << 0)
#define W   ((uint64_t)1 << 1)
#define U   ((uint64_t)1 << 2)
#define PWT ((uint64_t)1 << 3)
#define PCD ((uint64_t)1 << 4)
#define A   ((uint64_t)1 << 5)
#define D   ((uint64_t)1 << 6)
#define PS  ((uint64_t)1 << 7)
#define G   ((uint64_t)1 << 8)
#define XD  ((uint64_t)1 << 63)

#define RAM_SIZE (1 * MIB)
#define ROOT     0x1000 /* tables of level n at 0x1000 * n */

static struct ram *ram;
static uint8_t *memory;
static struct x86_tables tables;

static void setup(void)
{
    struct error err = {0};
    ram = ram_create();
    struct ram_block *block = ram_block_create(ram, "ram", RAM_SIZE, &err);
    ram_map(ram, block, 0, gpa(0), RAM_SIZE, RAM_MAPPED, NULL);
    memory = ram_block_host(block);
    tables = (struct x86_tables){.ram = ram, .mask = ~(uint64_t)0};
}

static uint64_t entry(uint64_t at)
{
    return le64_load(memory + at);
}

/* A supervisor's walk in 4-level mode with everything on that doesn't forbid. */
static struct x86_walk walk4(void)
{
    return (struct x86_walk){.memory = x86_tables_memory(&tables),
                             .cr3 = ROOT,
                             .physical_bits = 40,
                             .paging = true,
                             .pae = true,
                             .long_mode = true,
                             .gigabyte = true,
                             .wp = true,
                             .nxe = true,
                             .pge = true,
                             .update = true};
}

/* Four levels for address 0x8040201000 (index 1 in each), with these entries' flags. */
#define VA4 ((uint64_t)0x8040201000)
static void map4(uint64_t pml4e, uint64_t pdpte, uint64_t pde, uint64_t pte)
{
    le64_store(memory + ROOT + 8, pml4e ? pml4e | 0x2000 : 0);
    le64_store(memory + 0x2008, pdpte & PS ? pdpte | 0x40000000 : pdpte ? pdpte | 0x3000 : 0);
    le64_store(memory + 0x3008, pde & PS ? pde | 0x600000 : pde ? pde | 0x4000 : 0);
    le64_store(memory + 0x4008, pte ? pte | 0x77000 : 0);
}

static void check_fault(const struct x86_walk *walk, uint64_t va, enum walk_access access, uint32_t error)
{
    struct x86_walk_result r = x86_walk(walk, va, access);
    CHECK(r.walk.status != WALK_OK);
    CHECK_EQ(r.error, error);
}

static void check_page(const struct x86_walk *walk, uint64_t va, enum walk_access access, uint64_t pa,
                       unsigned bits)
{
    struct x86_walk_result r = x86_walk(walk, va, access);
    CHECK_EQ(r.walk.status, WALK_OK);
    CHECK_EQ(r.walk.pa, pa);
    CHECK_EQ(r.walk.page_bits, bits);
}

static void not_present(void)
{
    setup();
    struct x86_walk walk = walk4(), user = walk;
    user.user = true;
    static const uint64_t flags = P | W | U;
    for (unsigned missing = 0; missing < 4; missing++) {
        test_context("level %u missing", missing);
        map4(missing == 0 ? 0 : flags, missing == 1 ? 0 : flags, missing == 2 ? 0 : flags,
             missing == 3 ? 0 : flags);
        check_fault(&walk, VA4, WALK_READ, 0);
        check_fault(&walk, VA4, WALK_WRITE, PF_W);
        check_fault(&walk, VA4, WALK_FETCH, PF_I);
        check_fault(&user, VA4, WALK_READ, PF_U);
        check_fault(&user, VA4, WALK_WRITE, PF_U | PF_W);
        check_fault(&user, VA4, WALK_FETCH, PF_U | PF_I);
    }
    /* Without NX and SMEP a fetch looks like a read. */
    walk.nxe = false;
    check_fault(&walk, VA4, WALK_FETCH, 0);
    walk.smep = true;
    check_fault(&walk, VA4, WALK_FETCH, PF_I);
    ram_destroy(ram);
}

static void user_and_write(void)
{
    setup();
    for (unsigned level = 0; level < 4; level++) {
        test_context("level %u", level);
        uint64_t f[4] = {P | W | U, P | W | U, P | W | U, P | W | U};
        struct x86_walk walk = walk4();
        /* A supervisor's page: U clear at any level. */
        f[level] = P | W;
        map4(f[0], f[1], f[2], f[3]);
        check_page(&walk, VA4 + 5, WALK_WRITE, 0x77005, 12);
        walk.user = true;
        check_fault(&walk, VA4, WALK_READ, PF_P | PF_U);
        check_fault(&walk, VA4, WALK_WRITE, PF_P | PF_U | PF_W);
        check_fault(&walk, VA4, WALK_FETCH, PF_P | PF_U | PF_I);
        /* A read-only page: W clear at any level. */
        f[level] = P | U;
        map4(f[0], f[1], f[2], f[3]);
        check_page(&walk, VA4, WALK_READ, 0x77000, 12);
        check_fault(&walk, VA4, WALK_WRITE, PF_P | PF_U | PF_W);
        walk.user = false;
        check_fault(&walk, VA4, WALK_WRITE, PF_P | PF_W);
        walk.wp = false;
        check_page(&walk, VA4, WALK_WRITE, 0x77000, 12);
        /* Not to be executed: XD at any level. */
        f[level] = P | W | U | XD;
        map4(f[0], f[1], f[2], f[3]);
        check_fault(&walk, VA4, WALK_FETCH, PF_P | PF_I);
        check_page(&walk, VA4, WALK_READ, 0x77000, 12);
    }
    ram_destroy(ram);
}

static void smep_and_smap(void)
{
    setup();
    struct x86_walk walk = walk4();
    map4(P | W | U, P | W | U, P | W | U, P | W | U);
    walk.smep = true;
    check_fault(&walk, VA4, WALK_FETCH, PF_P | PF_I);
    check_page(&walk, VA4, WALK_READ, 0x77000, 12);
    walk.smep = false;
    walk.smap = true;
    check_fault(&walk, VA4, WALK_READ, PF_P);
    check_fault(&walk, VA4, WALK_WRITE, PF_P | PF_W);
    check_page(&walk, VA4, WALK_FETCH, 0x77000, 12);
    walk.user = true;
    walk.smap = false;
    walk.smep = true;
    check_page(&walk, VA4, WALK_FETCH, 0x77000, 12);
    ram_destroy(ram);
}

static void protection_keys(void)
{
    setup();
    struct x86_walk walk = walk4();
    uint64_t key5 = (uint64_t)5 << 59;
    map4(P | W | U, P | W | U, P | W | U, P | W | U | key5);
    walk.pke = true;
    CHECK_EQ(x86_walk(&walk, VA4, WALK_READ).key, 5);
    walk.pkru = 1u << 10; /* AD */
    check_fault(&walk, VA4, WALK_READ, PF_P | PF_PK);
    check_fault(&walk, VA4, WALK_WRITE, PF_P | PF_PK | PF_W);
    check_page(&walk, VA4, WALK_FETCH, 0x77000, 12);
    walk.pkru = 2u << 10; /* WD */
    check_page(&walk, VA4, WALK_READ, 0x77000, 12);
    check_fault(&walk, VA4, WALK_WRITE, PF_P | PF_PK | PF_W);
    walk.wp = false; /* WD binds supervisors with CR0.WP only */
    check_page(&walk, VA4, WALK_WRITE, 0x77000, 12);
    walk.user = true;
    check_fault(&walk, VA4, WALK_WRITE, PF_P | PF_PK | PF_W | PF_U);
    /* Keys are for user pages. */
    walk.user = false;
    walk.pkru = ~0u;
    map4(P | W, P | W, P | W, P | W | key5);
    check_page(&walk, VA4, WALK_WRITE, 0x77000, 12);
    ram_destroy(ram);
}

static void reserved_bits(void)
{
    setup();
    struct x86_walk walk = walk4();
    uint64_t beyond = (uint64_t)1 << 40;
    for (unsigned level = 0; level < 4; level++) {
        test_context("level %u", level);
        uint64_t f[4] = {P | W | U, P | W | U, P | W | U, P | W | U};
        f[level] |= beyond;
        map4(f[0], f[1], f[2], f[3]);
        check_fault(&walk, VA4, WALK_READ, PF_P | PF_RSVD);
        if (level == 3) {
            walk.physical_bits = 41;
            check_page(&walk, VA4, WALK_READ, beyond | 0x77000, 12);
            walk.physical_bits = 40;
        }
        f[level] = P | W | U | XD;
        map4(f[0], f[1], f[2], f[3]);
        walk.nxe = false;
        check_fault(&walk, VA4, WALK_READ, PF_P | PF_RSVD);
        walk.nxe = true;
    }
    map4(P | W | U | PS, P | W | U, P | W | U, P | W | U);
    check_fault(&walk, VA4, WALK_READ, PF_P | PF_RSVD);
    /* Large pages: bits between the PAT bit and the page's address. */
    map4(P | W | U, P | W | U | PS | (uint64_t)1 << 13, 0, 0);
    check_fault(&walk, VA4, WALK_READ, PF_P | PF_RSVD);
    map4(P | W | U, P | W | U, P | W | U | PS | (uint64_t)1 << 20, 0);
    check_fault(&walk, VA4, WALK_WRITE, PF_P | PF_RSVD | PF_W);
    map4(P | W | U, P | W | U | PS, 0, 0);
    walk.gigabyte = false;
    check_fault(&walk, VA4, WALK_READ, PF_P | PF_RSVD);
    ram_destroy(ram);
}

static void large_pages(void)
{
    setup();
    struct x86_walk walk = walk4();
    map4(P | W | U, P | W | U | PS | (uint64_t)1 << 12 | PCD, 0, 0);
    check_page(&walk, VA4, WALK_READ, 0x40000000 + (VA4 & 0x3fffffff), 30);
    CHECK_EQ(x86_walk(&walk, VA4, WALK_READ).walk.memory_type, 6); /* PAT and PCD */
    map4(P | W | U, P | W | U, P | W | U | PS | PWT | G, 0);
    check_page(&walk, VA4, WALK_READ, 0x600000 + (VA4 & 0x1fffff), 21);
    struct x86_walk_result r = x86_walk(&walk, VA4, WALK_READ);
    CHECK_EQ(r.walk.memory_type, 1);
    CHECK(r.walk.global);
    walk.pge = false;
    CHECK(!x86_walk(&walk, VA4, WALK_READ).walk.global);
    ram_destroy(ram);
}

static void accessed_and_dirty(void)
{
    setup();
    struct x86_walk walk = walk4();
    map4(P | W | U, P | W | U, P | W | U, P | W | U);
    walk.update = false;
    check_page(&walk, VA4, WALK_WRITE, 0x77000, 12);
    CHECK(!(entry(0x4008) & A));
    walk.update = true;
    struct x86_walk_result r = x86_walk(&walk, VA4, WALK_READ);
    CHECK_EQ(r.walk.permission & TLB_WRITE, 0); /* a write must come back for D */
    CHECK(entry(ROOT + 8) & A);
    CHECK(entry(0x2008) & A);
    CHECK(entry(0x3008) & A);
    CHECK_EQ(entry(0x4008) & (A | D), A);
    r = x86_walk(&walk, VA4, WALK_WRITE);
    CHECK(r.walk.permission & TLB_WRITE);
    CHECK_EQ(entry(0x4008) & (A | D), A | D);
    CHECK_EQ(entry(0x3008) & D, 0);
    /* A refused access sets nothing in the last entry. */
    map4(P | W | U, P | W | U, P | W | U, P | U);
    check_fault(&walk, VA4, WALK_WRITE, PF_P | PF_W);
    CHECK_EQ(entry(0x4008) & (A | D), 0);
    ram_destroy(ram);
}

static void five_levels(void)
{
    setup();
    struct x86_walk walk = walk4();
    walk.la57 = true;
    walk.cr3 = 0x5000;
    uint64_t va = ((uint64_t)1 << 48) | VA4;
    le64_store(memory + 0x5008, P | W | U | ROOT);
    map4(P | W | U, P | W | U, P | W | U, P | W | U);
    check_page(&walk, va, WALK_READ, 0x77000, 12);
    CHECK(entry(0x5008) & A);
    le64_store(memory + 0x5008, P | W | U | PS | ROOT);
    check_fault(&walk, va, WALK_READ, PF_P | PF_RSVD);
    ram_destroy(ram);
}

static void pae(void)
{
    setup();
    struct x86_walk walk = walk4();
    walk.long_mode = false;
    walk.pdpte[1] = 0x3000 | P;
    uint64_t va = 0x40201000;
    map4(0, 0, P | W | U, P | W | U);
    check_page(&walk, va, WALK_WRITE, 0x77000, 12);
    check_fault(&walk, 0x80201000, WALK_READ, 0);
    /* Bits 52 to 62 are reserved here. */
    map4(0, 0, P | W | U, P | W | U | (uint64_t)1 << 59);
    check_fault(&walk, va, WALK_READ, PF_P | PF_RSVD);
    map4(0, 0, P | W | U | PS, 0);
    check_page(&walk, va, WALK_READ, 0x601000, 21);
    CHECK(x86_pdpte_valid(0x3000 | P | PWT | PCD, 40));
    CHECK(x86_pdpte_valid(~P, 40));
    CHECK(!x86_pdpte_valid(0x3000 | P | W, 40));
    CHECK(!x86_pdpte_valid(0x3000 | P | (uint64_t)1 << 40, 40));
    CHECK(!x86_pdpte_valid(0x3000 | P | (uint64_t)1 << 8, 40));
    ram_destroy(ram);
}

static void two_levels(void)
{
    setup();
    struct x86_walk walk = walk4();
    walk.long_mode = walk.pae = walk.nxe = false;
    walk.pse = walk.pse36 = true;
    uint64_t va = 0x00401abc; /* index 1 in each */
    le32_store(memory + ROOT + 4, 0x2000 | P | W | U);
    le32_store(memory + 0x2004, 0x77000 | P | W);
    check_page(&walk, va, WALK_WRITE, 0x77abc, 12);
    CHECK_EQ(le32_load(memory + 0x2004) & (A | D), A | D);
    walk.user = true;
    check_fault(&walk, va, WALK_READ, PF_P | PF_U);
    walk.user = false;
    /* 4 MiB with PSE-36: bits 13 to 20 are address bits 32 to 39. */
    le32_store(memory + ROOT + 4, 0x00c00000 | 0x5 << 13 | PS | P | W | U);
    check_page(&walk, va, WALK_READ, 0x500c01abc, 22);
    le32_store(memory + ROOT + 4, 0x00c00000 | 1 << 21 | PS | P | W | U);
    check_fault(&walk, va, WALK_READ, PF_P | PF_RSVD);
    walk.physical_bits = 36;
    le32_store(memory + ROOT + 4, 0x00c00000 | 1 << 17 | PS | P | W | U);
    check_fault(&walk, va, WALK_READ, PF_P | PF_RSVD);
    /* Without CR4.PSE the bit means nothing. */
    walk.pse = false;
    le32_store(memory + ROOT + 4, 0x2000 | PS | P | W | U);
    check_page(&walk, va, WALK_READ, 0x77abc, 12);
    ram_destroy(ram);
}

static void outside_memory(void)
{
    setup();
    struct x86_walk walk = walk4();
    walk.cr3 = 64 * MIB;
    check_fault(&walk, VA4, WALK_READ, PF_P | PF_RSVD);
    walk.paging = false;
    check_page(&walk, 0x12345, WALK_WRITE, 0x12345, 12);
    /* A20: tables are read through it as well. */
    walk = walk4();
    walk.cr3 = ROOT | 0x100000;
    tables.mask = ~(uint64_t)0x100000;
    map4(P | W | U, P | W | U, P | W | U, P | W | U);
    check_page(&walk, VA4, WALK_READ, 0x77000, 12);
    ram_destroy(ram);
}

static const struct test_case cases[] = {
    {"not_present", not_present},
    {"user_and_write", user_and_write},
    {"smep_and_smap", smep_and_smap},
    {"protection_keys", protection_keys},
    {"reserved_bits", reserved_bits},
    {"large_pages", large_pages},
    {"accessed_and_dirty", accessed_and_dirty},
    {"five_levels", five_levels},
    {"pae", pae},
    {"two_levels", two_levels},
    {"outside_memory", outside_memory},
};
TEST_SUITE(walk_x86_test, "unit", cases);
