/*
 * Which words are instructions: runs each word of a list (the file WORDS) at EL0 and EL1, those of another
 * (USER_WORDS) at EL0 only, and prints a character for each:
 * '.' no exception, 'u' undefined, others are the exception's class. Registers are addresses that nothing
 * translates, and around the word is nothing but SVC #0xffff, which ends; so whatever it does has no
 * consequences.
 */
#include "aarch64_bare.h"

extern const uint32_t words_begin[], words_end[], user_words_end[];
int main(void);

#define UPPER   0xffffff8000000000ull
#define POINTER 0x5a5a5a5a5a5a5a50ull
#define SLOT    512 /* in words */
#define CODE    (PAGES_BASE + 0x1000)
#define ENDS    0xd41fffe1u

static uint64_t high1[512] __attribute__((aligned(4096))), high2[512] __attribute__((aligned(4096)));
static volatile uint32_t *const code = (volatile uint32_t *)CODE;

/* A page alone in the upper half, for both levels to execute; written where it is in the lower one. */
static void page_make(unsigned level)
{
    static uint64_t descriptors[2];
    uint64_t common = CODE | 0x400 | 7 << 2 | 3;
    descriptors[1] = common | (uint64_t)3 << 53;
    bare_reset(descriptors, 2);
    static uint64_t high3[512] __attribute__((aligned(4096)));
    high1[1] = (uint64_t)high2 | 3;
    high2[PAGE_BLOCK] = (uint64_t)high3 | 3;
    high3[1] = common | 0xc0;
    write_register("ttbr1_el1", high1);
    /* FP for both; nothing that EL0 may wait for. */
    uint64_t waits = (uint64_t)5 << 16;
    write_register("sctlr_el1", SCTLR_DEFAULT & ~waits);
    bare_pstate = level ? 0x3c5 : 0x3c0;
    __asm__ volatile("dsb sy\n tlbi vmalle1\n dsb sy\n isb" ::: "memory");
    for (unsigned n = 0; n < 1024; n++)
        code[n] = ENDS;
    __asm__ volatile("dsb sy\n ic iallu\n dsb sy\n isb" ::: "memory");
}

static void word_run(uint32_t word)
{
    uint64_t x[32];
    for (unsigned n = 0; n < 32; n++)
        x[n] = POINTER;
    x[30] = UPPER + CODE;
    code[SLOT] = word;
    __asm__ volatile("dc cvau, %0\n dsb sy\n ic ivau, %0\n dsb sy\n isb" ::"r"(code + SLOT) : "memory");
    uint64_t pstate = bare_pstate;
    bare_run((const void *)(UPPER + CODE + 4 * SLOT), x);
    bare_pstate = pstate;
    uint64_t ec = bare_log.entries[0].esr >> 26;
    putc(!bare_log.count ? '.' : ec == 0 ? 'u' : (char)('@' + ec));
    bare_log.count = 0;
}

int main(void)
{
    for (unsigned level = 0; level < 2; level++) {
        page_make(level);
        const uint32_t *end = level ? words_end : user_words_end;
        for (const uint32_t *word = words_begin; word < end; word++) {
            word_run(*word);
            if ((word - words_begin) % 64 == 63)
                putc('\n');
        }
        putc('\n');
    }
    return 0;
}
