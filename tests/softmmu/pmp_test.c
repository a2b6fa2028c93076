#include "softmmu/walkers/pmp.h"

#include <string.h>

#include "softmmu/tlb.h"
#include "tests/harness/test.h"

#define TOR   (1u << PMP_A_SHIFT)
#define NA4   (2u << PMP_A_SHIFT)
#define NAPOT (3u << PMP_A_SHIFT)

struct setup {
    uint8_t cfg[PMP_ENTRIES];
    uint64_t addr[PMP_ENTRIES];
};

static struct pmp made(const struct setup *setup, uint64_t mseccfg)
{
    struct pmp pmp;
    pmp_update(&pmp, setup->cfg, setup->addr, mseccfg);
    return pmp;
}

/* pmpaddr of a naturally aligned region (Priv. 3.7.1.1, table of NAPOT range encoding). */
static uint64_t napot(uint64_t base, uint64_t size)
{
    return base >> 2 | (size / 8 - 1);
}

/* "rwx" in the manual's notation against the bits allowed at one address. */
static void check_rights(const struct pmp *pmp, uint64_t pa, bool machine, const char *rights)
{
    CHECK_EQ(pmp_check(pmp, pa, 4, WALK_READ, machine), strchr(rights, 'r') != NULL);
    CHECK_EQ(pmp_check(pmp, pa, 4, WALK_WRITE, machine), strchr(rights, 'w') != NULL);
    CHECK_EQ(pmp_check(pmp, pa, 4, WALK_FETCH, machine), strchr(rights, 'x') != NULL);
    uint8_t expected =
        (uint8_t)((strchr(rights, 'r') ? TLB_READ : 0) | (strchr(rights, 'w') ? TLB_WRITE : 0) |
                  (strchr(rights, 'x') ? TLB_FETCH : 0));
    uint8_t permission;
    CHECK(pmp_page(pmp, pa, machine, &permission));
    CHECK_EQ(permission, expected);
}

/*
 * The Smepmp specification's truth table (version 1.0, chapter 2.2), a row for each pmpcfg LRWX: what M mode
 * and what S and U modes may do, without mseccfg.MML and with it. Rows the base specification reserves
 * (W without R) have no right column without MML.
 */
static const struct {
    uint8_t lrwx;
    const char *machine, *lower, *machine_mml, *lower_mml;
} truth[] = {
    /* clang-format off */
    {0x0, "rwx", "",    "",   ""},
    {0x1, "rwx", "x",   "",   "x"},
    {0x2, NULL,  NULL,  "rw", "r"},
    {0x3, NULL,  NULL,  "rw", "rw"},
    {0x4, "rwx", "r",   "",   "r"},
    {0x5, "rwx", "rx",  "",   "rx"},
    {0x6, "rwx", "rw",  "",   "rw"},
    {0x7, "rwx", "rwx", "",   "rwx"},
    {0x8, "",    "",    "",   ""},
    {0x9, "x",   "x",   "x",  ""},
    {0xa, NULL,  NULL,  "x",  "x"},
    {0xb, NULL,  NULL,  "rx", "x"},
    {0xc, "r",   "r",   "r",  ""},
    {0xd, "rx",  "rx",  "rx", ""},
    {0xe, "rw",  "rw",  "rw", ""},
    {0xf, "rwx", "rwx", "r",  "r"},
    /* clang-format on */
};

static void truth_table(void)
{
    CHECK_EQ(ARRAY_LEN(truth), 16);
    for (size_t i = 0; i < ARRAY_LEN(truth); i++) {
        uint8_t lrwx = truth[i].lrwx;
        uint8_t cfg = (uint8_t)((lrwx & 8 ? PMP_L : 0) | (lrwx & 4 ? PMP_R : 0) | (lrwx & 2 ? PMP_W : 0) |
                                (lrwx & 1 ? PMP_X : 0) | NAPOT);
        struct setup setup = {.cfg = {cfg}, .addr = {napot(0x80000000, 0x10000)}};
        for (uint64_t mseccfg = 0; mseccfg < 8; mseccfg++) {
            test_context("LRWX %x, mseccfg %u", lrwx, (unsigned)mseccfg);
            struct pmp pmp = made(&setup, mseccfg);
            bool mml = mseccfg & MSECCFG_MML;
            if (mml || truth[i].machine) {
                check_rights(&pmp, 0x80001000, true, mml ? truth[i].machine_mml : truth[i].machine);
                check_rights(&pmp, 0x80001000, false, mml ? truth[i].lower_mml : truth[i].lower);
            }
            /* Beside the region. */
            check_rights(&pmp, 0x90000000, true, mseccfg & MSECCFG_MMWP ? "" : mml ? "rw" : "rwx");
            check_rights(&pmp, 0x90000000, false, "");
        }
    }
}

static void address_matching(void)
{
    static const struct {
        uint8_t mode;
        uint64_t below, addr; /* pmpaddr0 (off), pmpaddr1 */
        uint64_t first, last; /* the bytes matched; first > last: none */
    } rows[] = {
        {NA4, 0, 0x80000000 >> 2, 0x80000000, 0x80000003},
        {NAPOT, 0, 0x80000000 >> 2, 0x80000000, 0x80000007}, /* yyyy...yyy0: 8 bytes */
        {NAPOT, 0, 0x80000000 >> 2 | 1, 0x80000000, 0x8000000f},
        {NAPOT, 0, 0x80000000 >> 2 | 0x1ff, 0x80000000, 0x80000fff},
        {NAPOT, 0, PMP_ADDR_MASK, 0, ~(uint64_t)0 >> 8},
        {NAPOT, 0, PMP_ADDR_MASK >> 1, 0, ~(uint64_t)0 >> 8},
        {TOR, 0x1000 >> 2, 0x1008 >> 2, 0x1000, 0x1007},
        {TOR, 0, 0x1004 >> 2, 0, 0x1003},
        {TOR, 0x1004 >> 2, 0x1004 >> 2, 1, 0},
        {TOR, 0x2000 >> 2, 0x1000 >> 2, 1, 0},
        {0, 0, 0x80000000 >> 2, 1, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_context("row %zu", i);
        struct setup setup = {.cfg = {0, (uint8_t)(rows[i].mode | PMP_R)},
                              .addr = {rows[i].below, rows[i].addr}};
        struct pmp pmp = made(&setup, 0);
        if (rows[i].first > rows[i].last) {
            CHECK(!pmp_check(&pmp, 0x1004, 4, WALK_READ, false));
            CHECK(!pmp_check(&pmp, 0x80000000, 4, WALK_READ, false));
            continue;
        }
        CHECK(pmp_check(&pmp, rows[i].first, 1, WALK_READ, false));
        CHECK(pmp_check(&pmp, rows[i].last, 1, WALK_READ, false));
        CHECK(pmp_check(&pmp, rows[i].first, rows[i].last - rows[i].first + 1, WALK_READ, false));
        CHECK(!pmp_check(&pmp, rows[i].first, 4, WALK_WRITE, false));
        if (rows[i].last < ~(uint64_t)0 >> 8) {
            CHECK(!pmp_check(&pmp, rows[i].last + 1, 1, WALK_READ, false));
            CHECK(!pmp_check(&pmp, rows[i].last, 2, WALK_READ, false)); /* half in it */
        }
        if (rows[i].first)
            CHECK(!pmp_check(&pmp, rows[i].first - 1, 1, WALK_READ, false));
    }
    /* The first entry in TOR mode begins at 0. */
    struct setup setup = {.cfg = {TOR | PMP_X}, .addr = {0x1000 >> 2}};
    struct pmp pmp = made(&setup, 0);
    CHECK(pmp_check(&pmp, 0, 0x1000, WALK_FETCH, false));
    CHECK(!pmp_check(&pmp, 0x1000, 2, WALK_FETCH, false));
}

static void priority_and_partial_matches(void)
{
    /* Entry 0 takes 8 bytes out of entry 3's page; entry 5 would allow all. */
    struct setup setup = {.cfg = {NAPOT, 0, 0, NAPOT | PMP_R, 0, NAPOT | PMP_R | PMP_W | PMP_X},
                          .addr = {napot(0x1010, 8), 0, 0, napot(0x1000, 0x1000), 0, PMP_ADDR_MASK}};
    struct pmp pmp = made(&setup, 0);
    CHECK(pmp_check(&pmp, 0x1008, 8, WALK_READ, false));
    CHECK(!pmp_check(&pmp, 0x1010, 8, WALK_READ, false));
    CHECK(!pmp_check(&pmp, 0x100c, 8, WALK_READ, false)); /* reaches into entry 0 */
    CHECK(pmp_check(&pmp, 0x1018, 8, WALK_READ, false));
    CHECK(!pmp_check(&pmp, 0x1018, 8, WALK_WRITE, false)); /* entry 3 decides, not 5 */
    CHECK(!pmp_check(&pmp, 0xffc, 8, WALK_READ, false));   /* half in entry 3: fails though both allow it */
    CHECK(pmp_check(&pmp, 0x2000, 8, WALK_WRITE, false));
    CHECK(pmp_check(&pmp, 0x1010, 8, WALK_WRITE, true));       /* not locked: nothing to M mode */
    CHECK(!pmp_check(&pmp, 0x100c, 8, WALK_READ, true));       /* but a partial match fails in every mode */
    CHECK(!pmp_check(&pmp, ~(uint64_t)0, 2, WALK_READ, true)); /* wraps */

    uint8_t permission = 0xff;
    CHECK(!pmp_page(&pmp, 0x1abc, false, &permission));
    CHECK_EQ(permission, 0);
    CHECK(pmp_page(&pmp, 0x2000, false, &permission));
    CHECK_EQ(permission, TLB_READ | TLB_WRITE | TLB_FETCH);
    setup.cfg[0] = 0;
    pmp = made(&setup, 0);
    CHECK(pmp_page(&pmp, 0x1abc, false, &permission));
    CHECK_EQ(permission, TLB_READ);
}

/* pmp_page against pmp_check for every word, on random registers. */
static void page_agrees_with_accesses(void)
{
    for (unsigned round = 0; round < 3000; round++) {
        struct setup setup;
        for (unsigned i = 0; i < PMP_ENTRIES; i++) {
            setup.cfg[i] = test_random() & PMP_CFG_MASK & (i & 1 ? 0xff : 0x87);
            setup.addr[i] = (test_random() & 0x3fff) >> (test_random() % 12);
            if (test_random() & 1)
                setup.addr[i] |= 0x3ff;
        }
        bool machine = test_random() & 1, uniform = true;
        struct pmp pmp = made(&setup, test_random() & 3);
        uint8_t permission, first = 0;
        for (unsigned offset = 0; offset < 4096; offset += 4) {
            uint8_t here = 0;
            for (enum walk_access access = WALK_READ; access <= WALK_FETCH; access++)
                here |= (uint8_t)(pmp_check(&pmp, 0x1000 + offset, 4, access, machine) << access);
            first = offset ? first : here;
            uniform &= here == first;
        }
        bool whole = pmp_page(&pmp, 0x1000, machine, &permission);
        if (whole)
            CHECK(uniform && permission == first);
        if (!whole)
            CHECK_EQ(permission, 0);
    }
}

static void configuration_writes(void)
{
    const uint8_t rwx = PMP_R | PMP_W | PMP_X;
    CHECK_EQ(pmp_cfg_after_write(0, 0xff, 0), PMP_CFG_MASK); /* bits 5 and 6 read as zero */
    CHECK_EQ(pmp_cfg_after_write(PMP_L | PMP_R, rwx, 0), PMP_L | PMP_R);
    CHECK_EQ(pmp_cfg_after_write(PMP_L | PMP_R, rwx, MSECCFG_RLB), rwx);
    uint8_t value = pmp_cfg_after_write(PMP_R, NA4 | PMP_W, 0); /* reserved without MML */
    CHECK((value & (PMP_R | PMP_W)) != PMP_W);
    CHECK_EQ(pmp_cfg_after_write(PMP_R, NA4 | PMP_W, MSECCFG_MML), NA4 | PMP_W);

    /* With MML and without RLB: a rule that lets M mode execute is not added. */
    for (unsigned bits = 0; bits < 8; bits++) {
        bool refused = bits == PMP_X || bits == (PMP_X | PMP_R) || bits == PMP_W || bits == (PMP_W | PMP_X);
        test_context("XWR %u", bits);
        value = (uint8_t)(PMP_L | NAPOT | bits);
        CHECK_EQ(pmp_cfg_after_write(NA4 | PMP_R, value, MSECCFG_MML), refused ? NA4 | PMP_R : value);
        CHECK_EQ(pmp_cfg_after_write(NA4 | PMP_R, value, MSECCFG_MML | MSECCFG_RLB), value);
        CHECK_EQ(pmp_cfg_after_write(0, (uint8_t)(NAPOT | bits), MSECCFG_MML), NAPOT | bits);
    }
    test_context(NULL);

    const uint8_t cfg[PMP_ENTRIES] = {0, PMP_L | NAPOT, 0, PMP_L | TOR};
    CHECK(pmp_addr_writable(cfg, 0, 0));
    CHECK(!pmp_addr_writable(cfg, 1, 0));
    CHECK(!pmp_addr_writable(cfg, 2, 0)); /* the lower end of a locked TOR entry */
    CHECK(!pmp_addr_writable(cfg, 3, 0));
    CHECK(pmp_addr_writable(cfg, 15, 0));
    CHECK(pmp_addr_writable(cfg, 2, MSECCFG_RLB));

    const uint8_t unlocked[PMP_ENTRIES] = {0};
    CHECK_EQ(pmp_mseccfg_after_write(0, 7, unlocked), 7);
    CHECK_EQ(pmp_mseccfg_after_write(0, 7, cfg), 3); /* RLB can't be set once an entry is locked */
    CHECK_EQ(pmp_mseccfg_after_write(7, 7, cfg), 7);
    CHECK_EQ(pmp_mseccfg_after_write(7, 0, cfg), 3); /* MML and MMWP are sticky */
}

static const struct test_case cases[] = {
    {"truth_table", truth_table},
    {"address_matching", address_matching},
    {"priority_and_partial_matches", priority_and_partial_matches},
    {"page_agrees_with_accesses", page_agrees_with_accesses},
    {"configuration_writes", configuration_writes},
};
TEST_SUITE(pmp_test, "unit", cases);
