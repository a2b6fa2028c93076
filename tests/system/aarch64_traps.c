/*
 * Runs the cases of aarch64_traps.S, each from the same state, and prints for each
 *
 *   C name [ @vector esr elr spsr [far] ]... [ xN value ]... [ *address value ]... [ %page descriptor ]... =
 * pstate
 *
 * the exceptions it met, the registers, memory and descriptors it changed, and PSTATE at its end. A case that
 * needs what this processor hasn't (the name's part in front of a colon says it) is left out.
 */
#include "aarch64_bare.h"

struct trap_case {
    uint64_t code, pstate;
    char name[48];
};
extern const struct trap_case cases_begin[], cases_end[];
extern const uint32_t page_code[], page_code_end[];

#define XN            ((uint64_t)3 << 53)
#define GUARDED       ((uint64_t)1 << 50)
#define DBM           ((uint64_t)1 << 51)
#define NG            0x800ull
#define MEMORY(i)     ((uint64_t)(i) << 2)
#define FLAG          0x400ull
#define USER          0x40ull
#define RO            0x80ull
#define PAGE(n, bits) [n] = (PAGES_BASE + 0x1000 * (n)) | (bits) | 3

static const uint64_t descriptors[PAGES] = {
    PAGE(0, XN | FLAG | USER | MEMORY(7)),
    PAGE(1, XN | FLAG | MEMORY(7)),
    PAGE(2, XN | FLAG | RO | USER | MEMORY(7)),
    PAGE(3, XN | FLAG | RO | MEMORY(7)),
    PAGE(5, XN | FLAG | USER | MEMORY(1)),
    PAGE(6, XN | FLAG | USER | MEMORY(6)),
    PAGE(7, GUARDED | FLAG | RO | USER | MEMORY(7)),
    PAGE(8, XN | USER | MEMORY(7)),
    PAGE(9, XN | DBM | FLAG | RO | USER | MEMORY(7)),
    PAGE(10, (uint64_t)1 << 53 | FLAG | MEMORY(7)),
    [11] = 0x1000000000ull | XN | FLAG | USER | MEMORY(7) | 3,
    [12] = 0x20000000000ull | XN | FLAG | USER | MEMORY(7) | 3,
    PAGE(13, XN | FLAG | USER | MEMORY(7)),
    PAGE(14, XN | FLAG | USER | MEMORY(7)),
    PAGE(16, XN | FLAG | USER | MEMORY(7)),
    PAGE(17, FLAG | RO | USER | MEMORY(7)),
    [18] = 0x1000000000ull | FLAG | RO | USER | MEMORY(7) | 3,
    PAGE(19, FLAG | USER | MEMORY(7)),
    PAGE(20, XN | NG | FLAG | USER | MEMORY(7)),
};

static uint64_t page_word(unsigned n)
{
    unsigned page = n / 512, instruction = 2 * (n % 512);
    if ((page == 7 || page == 17) && instruction + 1 < (unsigned)(page_code_end - page_code))
        return page_code[instruction] | (uint64_t)page_code[instruction + 1] << 32;
    return (uint64_t)n * 0x0001000300050007ull + 0x8181000000000000ull;
}

/* With the MMU off, and so before bare_reset turns it on; descriptors alone say which pages have memory. */
static volatile uint64_t *const memory = (volatile uint64_t *)PAGES_BASE;

static int has_memory(unsigned page)
{
    return (descriptors[page] & 0xfffffffff000ull) == PAGES_BASE + 0x1000 * page;
}

static void mmu_off(void)
{
    write_register("sctlr_el1", SCTLR_DEFAULT & ~5ull);
    __asm__ volatile("isb\n tlbi vmalle1\n dsb sy\n isb" ::: "memory");
}

static void memory_fill(void)
{
    for (unsigned page = 0; page < PAGES; page++) {
        for (unsigned n = 512 * page; has_memory(page) && n < 512 * page + 512; n++) {
            memory[n] = page_word(n);
        }
    }
    __asm__ volatile("dsb sy\n ic iallu\n dsb sy\n isb" ::: "memory");
}

static void memory_report(void)
{
    unsigned shown = 0;
    uint64_t hash = 0;
    for (unsigned page = 0; page < PAGES; page++) {
        for (unsigned n = 512 * page; has_memory(page) && n < 512 * page + 512; n++) {
            uint64_t value = memory[n];
            if (value == page_word(n))
                continue;
            memory[n] = page_word(n);
            hash = (hash ^ value ^ (uint64_t)n << 40) * 0x9e3779b97f4a7c15ull;
            if (shown++ >= 6)
                continue;
            puts(" *");
            put(8 * n);
            put(value);
        }
    }
    if (shown > 6) {
        puts(" *");
        put(shown);
        put(hash);
    }
}

static void run(const struct trap_case *which)
{
    uint64_t x[32];
    for (unsigned n = 0; n < 32; n++)
        x[n] = 0x0101010101010101ull * n;
    x[20] = PAGES_BASE;
    x[31] = PAGES_BASE + 0xe800;
    bare_gic();
    bare_reset(descriptors, PAGES);
    bare_pstate = which->pstate;
    bare_run((const void *)which->code, x);
    mmu_off();
    puts("C ");
    puts(which->name);
    put_exceptions(which->code);
    for (unsigned n = 0; n < 32; n++) {
        uint64_t before = n == 20 ? PAGES_BASE : n == 31 ? PAGES_BASE + 0xe800 : 0x0101010101010101ull * n;
        if (x[n] == before)
            continue;
        puts(" x");
        putc((char)('0' + n / 10));
        putc((char)('0' + n % 10));
        put(x[n]);
    }
    memory_report();
    for (unsigned n = 0; n < PAGES; n++) {
        if (pages[n] == descriptors[n])
            continue;
        puts(" %");
        put(n);
        put(pages[n]);
    }
    puts(" =");
    put(bare_pstate & ~0xc00ull);
    putc('\n');
}

/* Features that names ask for: a field of an ID register that is at least so much. */
static int has(const char *name)
{
    static const struct {
        char name[8];
        uint8_t which, shift, least;
    } features[] = {
        {"lse", 0, 20, 2}, {"mops", 2, 16, 1}, {"bti", 4, 0, 1},   {"lrcpc2", 1, 20, 2}, {"lrcpc", 1, 20, 1},
        {"pan", 6, 20, 1}, {"uao", 7, 4, 1},   {"ssbs", 4, 4, 2},  {"dit", 3, 48, 1},    {"pauth", 1, 4, 1},
        {"dpb2", 1, 0, 2}, {"dpb", 1, 0, 1},   {"wfxt", 2, 0, 2},  {"ecv", 5, 60, 1},    {"tlbr", 0, 56, 2},
        {"res", 1, 40, 1}, {"dbm", 6, 0, 2},   {"epan", 6, 20, 3}, {"rng", 0, 60, 1},
    };
    const uint64_t ids[] = {
        read_register("id_aa64isar0_el1"), read_register("id_aa64isar1_el1"),
        read_register("S3_0_C0_C6_2"),     read_register("id_aa64pfr0_el1"),
        read_register("id_aa64pfr1_el1"),  read_register("id_aa64mmfr0_el1"),
        read_register("id_aa64mmfr1_el1"), read_register("S3_0_C0_C7_2"),
    };
    for (unsigned n = 0; n < sizeof(features) / sizeof(features[0]); n++) {
        unsigned at = 0;
        while (features[n].name[at] && features[n].name[at] == name[at])
            at++;
        if (!features[n].name[at] && name[at] == ':')
            return (ids[features[n].which] >> features[n].shift & 15) >= features[n].least;
    }
    return 1;
}

int main(void);
int main(void)
{
    memory_fill();
    for (const struct trap_case *which = cases_begin; which < cases_end; which++) {
        if (!has(which->name))
            continue;
        run(which);
    }
    return 0;
}
