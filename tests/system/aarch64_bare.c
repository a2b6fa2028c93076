#include "aarch64_bare.h"

#define UART 0x09000000ull

uint64_t pages[512] __attribute__((aligned(4096)));
static uint64_t level1[512] __attribute__((aligned(4096))), level2[512] __attribute__((aligned(4096)));
static uint64_t uart_base = UART;

void putc(char c)
{
    volatile uint32_t *uart = (volatile uint32_t *)(uart_base | ((uint64_t)putc & ~0x7fffffffffull));
    while (uart[6] & 0x20)
        ;
    uart[0] = (uint8_t)c;
}

void puts(const char *s)
{
    while (*s)
        putc(*s++);
}

void put(uint64_t value)
{
    int shift = 60;
    while (shift && !(value >> shift))
        shift -= 4;
    putc(' ');
    for (; shift >= 0; shift -= 4)
        putc("0123456789abcdef"[value >> shift & 15]);
}

/* Classes that say an address. */
static int has_far(const struct bare_exception *e)
{
    uint64_t ec = e->esr >> 26;
    return !(e->vector & 3) &&
           (ec == 0x22 || (ec & 0x3e) == 0x20 || (ec & 0x3e) == 0x24 || (ec & 0x3e) == 0x34);
}

/*
 * For most instructions' exceptions it is the implementation's choice whether SPSR.BTYPE is 0; not for aborts
 * of the fetch, debug exceptions, illegal states, BRK, BTI and interrupts.
 */
static uint64_t spsr_shown(const struct bare_exception *e)
{
    static const uint8_t classes[] = {0x0d, 0x0e, 0x20, 0x21, 0x22, 0x30, 0x31, 0x32, 0x33, 0x3c};
    for (unsigned n = 0; n < sizeof(classes); n++) {
        if ((e->vector & 3) || e->esr >> 26 == classes[n])
            return e->spsr;
    }
    return e->spsr & ~0xc00ull;
}

void put_exceptions(uint64_t base)
{
    for (uint64_t n = 0; n < bare_log.count; n++) {
        const struct bare_exception *e = &bare_log.entries[n];
        puts(" @");
        put(e->vector);
        put(e->esr);
        put(e->elr - base < 0x10000 ? e->elr - base : e->elr);
        put(spsr_shown(e));
        if (has_far(e))
            put(e->far);
    }
    bare_log.count = 0;
}

/* The address a table has in memory: the lower alias, which is flat. */
static uint64_t physical(const void *p)
{
    return (uint64_t)p & 0x7fffffffffull;
}

enum descriptor {
    VALID = 1,
    TABLE = 3,
    NORMAL = 7 << 2, /* index of MAIR_EL1 */
    USER = 1 << 6,
    READ_ONLY = 1 << 7,
    INNER = 3 << 8,
    FLAG = 1 << 10,
};
#define EXECUTE_NEVER ((uint64_t)3 << 53)

static void map_make(void)
{
    const uint64_t data =
        EXECUTE_NEVER | FLAG | NORMAL | VALID; /* not shareable: DS has address bits there */
    level1[0] = EXECUTE_NEVER | FLAG | VALID;  /* Device-nGnRnE */
    level1[1] = physical(level2) | TABLE;
    level2[CODE_BLOCK] = (RAM + CODE_BLOCK * BLOCK) | FLAG | NORMAL | READ_ONLY | USER | VALID;
    level2[DATA_BLOCK] = (RAM + DATA_BLOCK * BLOCK) | data;
    level2[PAGE_BLOCK] = physical(pages) | TABLE;
    level2[WORK_BLOCK] = (RAM + WORK_BLOCK * BLOCK) | data;
}

static int has_feature(const char *which, unsigned shift)
{
    uint64_t value = which[0] == 'p' ? read_register("id_aa64dfr0_el1") : read_register("id_aa64isar1_el1");
    return value >> shift & 15;
}

#define BREAKPOINT_RESET(n)                                                                                  \
    __asm__ volatile("msr dbgbcr" #n "_el1, xzr\n msr dbgbvr" #n "_el1, xzr" ::: "memory")
#define WATCHPOINT_RESET(n)                                                                                  \
    __asm__ volatile("msr dbgwcr" #n "_el1, xzr\n msr dbgwvr" #n "_el1, xzr" ::: "memory")

static void debug_reset(void)
{
    write_register("mdscr_el1", 0);
    write_register("oslar_el1", 0);
    BREAKPOINT_RESET(0);
    BREAKPOINT_RESET(1);
    BREAKPOINT_RESET(4);
    BREAKPOINT_RESET(5);
    WATCHPOINT_RESET(0);
    WATCHPOINT_RESET(1);
    WATCHPOINT_RESET(2);
    WATCHPOINT_RESET(3);
}

static void counters_reset(void)
{
    write_register("cntkctl_el1", 0);
    write_register("cntp_ctl_el0", 0);
    write_register("cntv_ctl_el0", 0);
    write_register("cntp_cval_el0", 0);
    write_register("cntv_cval_el0", 0);
    if (!has_feature("pmu", 8))
        return;
    write_register("pmcr_el0", 0x46);
    write_register("pmcntenclr_el0", 0xffffffff);
    write_register("pmintenclr_el1", 0xffffffff);
    write_register("pmovsclr_el0", 0xffffffff);
    write_register("pmuserenr_el0", 0);
    write_register("pmselr_el0", 0);
    write_register("pmccfiltr_el0", 0);
}

void bare_reset(const uint64_t *descriptors, unsigned count)
{
    map_make();
    for (unsigned n = 0; n < 512; n++)
        pages[n] = n < count ? descriptors[n] : 0;
    debug_reset();
    counters_reset();
    write_register("mair_el1", MAIR_DEFAULT);
    write_register("tcr_el1", TCR_DEFAULT);
    write_register("ttbr0_el1", physical(level1));
    write_register("ttbr1_el1", physical(level1));
    write_register("cpacr_el1", 3 << 20);
    write_register("contextidr_el1", 0);
    write_register("vbar_el1", bare_vectors);
    __asm__ volatile("dsb sy\n tlbi vmalle1\n dsb sy\n isb" ::: "memory");
    write_register("sctlr_el1", SCTLR_DEFAULT);
    __asm__ volatile("isb" ::: "memory");
}

/* GICv3: this processor's private interrupts 16 to 31 to group 1, enabled, and let through. */
void bare_gic(void)
{
    volatile uint32_t *distributor = (volatile uint32_t *)0x08000000,
                      *private = (volatile uint32_t *)0x080b0000;
    volatile uint32_t *redistributor = (volatile uint32_t *)0x080a0000;
    distributor[0] = 0x12;
    redistributor[5] = 0;
    private[0x80 / 4] = 0xffffffff;
    private[0x100 / 4] = 0xffff0000;
    write_register("S3_0_C12_C12_5", 7); /* ICC_SRE_EL1 */
    __asm__ volatile("isb");
    write_register("S3_0_C4_C6_0", 0xff); /* ICC_PMR_EL1 */
    write_register("S3_0_C12_C12_7", 1);  /* ICC_IGRPEN1_EL1 */
    __asm__ volatile("isb");
}
