/*
 * Stage 1 translation: each case brings the registers, the descriptors on the way of one address, and an
 * access. While the half of the address space that it is about is set up so, everything else is done from the
 * other one. Prints for each case
 *
 *   T number [ @vector esr elr spsr [far] ]... [ xN value ]... [ *address value ]... = pstate
 */
#include "aarch64_bare.h"

struct translation_case {
    uint64_t upper, tcr, ttbr, sctlr, pstate, operation, va, writes;
    struct {
        uint64_t address, value;
    } write[8];
};
extern const struct translation_case cases_begin[], cases_end[];
extern const struct {
    const char *code;
    uint64_t level;
} operations[];
void at_alias(void (*function)(void *argument), void *argument, uint64_t offset);
int main(void);

#define UPPER  0xffffff8000000000ull
#define TARGET 0x40700000ull /* 64 KiB */

/* SVC #0x77, SVC #0xffff: a fetch from any eight aligned bytes is reported, and ends. */
#define TARGET_WORD 0xd41fffe1d4000ee1ull

static volatile uint64_t *const target = (volatile uint64_t *)TARGET;

struct run {
    const struct translation_case *what;
    uint64_t x[32], default_ttbr;
};
static struct run run;

static void registers_set(int upper, uint64_t tcr, uint64_t ttbr, uint64_t sctlr)
{
    write_register("tcr_el1", tcr);
    if (upper)
        write_register("ttbr1_el1", ttbr);
    else
        write_register("ttbr0_el1", ttbr);
    write_register("sctlr_el1", sctlr);
    __asm__ volatile("dsb sy\n isb\n tlbi vmalle1\n dsb sy\n isb" ::: "memory");
}

/* At an alias in the half that is not the case's. */
static void run_there(void *argument)
{
    struct run *r = argument;
    uint64_t alias = (uint64_t)r & UPPER;
    const struct translation_case *what = (const void *)((uint64_t)r->what + alias);
    int upper = (int)what->upper;
    write_register("vbar_el1", bare_vectors);
    registers_set(upper, what->tcr, what->ttbr, what->sctlr);
    bare_run((const char *)((uint64_t)operations[what->operation].code + alias), r->x);
    registers_set(upper, TCR_DEFAULT, r->default_ttbr, SCTLR_DEFAULT);
}

static void report(uint64_t number)
{
    putc('T');
    put(number);
    put_exceptions(0);
    for (unsigned n = 1; n < 4; n++) {
        if (run.x[n] == 0x0101010101010101ull * n)
            continue;
        puts(" x");
        putc((char)('0' + n));
        put(run.x[n]);
    }
    for (unsigned n = 0; n < run.what->writes; n++) {
        uint64_t now = *(volatile uint64_t *)run.what->write[n].address;
        if (now == run.what->write[n].value)
            continue;
        puts(" *");
        put(run.what->write[n].address);
        put(now);
    }
    unsigned first = run.what->va / 8 % 0x2000 & ~7u;
    for (unsigned n = first; n < first + 16; n++) {
        if (target[n % 0x2000] == TARGET_WORD)
            continue;
        puts(" *");
        put(8 * n);
        put(target[n % 0x2000]);
        target[n % 0x2000] = TARGET_WORD;
    }
    puts(" =");
    put(bare_pstate & ~0xc00ull);
    putc('\n');
}

int main(void)
{
    for (unsigned n = 0; n < 0x2000; n++)
        target[n] = TARGET_WORD;
    bare_reset(0, 0);
    run.default_ttbr = read_register("ttbr0_el1");
    for (const struct translation_case *c = cases_begin; c < cases_end; c++) {
        run.what = c;
        for (unsigned n = 0; n < 32; n++)
            run.x[n] = 0x0101010101010101ull * n;
        run.x[0] = c->va;
        for (unsigned n = 0; n < c->writes; n++)
            *(volatile uint64_t *)c->write[n].address = c->write[n].value;
        bare_pstate = c->pstate | (operations[c->operation].level ? 0x3c5 : 0x3c0);
        __asm__ volatile("dsb sy\n ic iallu\n dsb sy\n isb" ::: "memory");
        at_alias(run_there, &run, c->upper ? 0 : UPPER);
        report((uint64_t)(c - cases_begin));
        for (unsigned n = 0; n < c->writes; n++)
            *(volatile uint64_t *)c->write[n].address = 0;
    }
    return 0;
}
