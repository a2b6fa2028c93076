/* Timers, performance monitors, debug: breakpoints, watchpoints, software step; and how a debugger sees the
 * core. */
#include "tests/cpu/aarch64/a64_bare.h"

#define RAN_TO_END(bare) CHECK_EQ((bare)->s->pc, (bare)->end)

/* ---- timers; the clock is counted, at 1 GHz one count a nanosecond ---- */

static void tick(struct a64_bare *bare, uint64_t now)
{
    clock_advance(bare->clock, now);
    host_mutex_lock(&bare->lock);
    clock_run(bare->clock);
    host_mutex_unlock(&bare->lock);
}

static void counters(void)
{
    struct a64_bare *bare = a64_create(NULL);
    CHECK_EQ(a64_sysreg(bare, CNTFRQ_EL0), 1000000000);
    /* EL1 is the highest level there is, so that it may write this; it changes what is read, no more. */
    a64_sysreg_set(bare, CNTFRQ_EL0, 0x100000123);
    CHECK_EQ(a64_sysreg(bare, CNTFRQ_EL0), 0x123);
    tick(bare, 12345);
    CHECK_EQ(a64_sysreg(bare, CNTVCT_EL0), 12345);
    CHECK_EQ(a64_sysreg(bare, CNTPCT_EL0), 12345);
    CHECK_EQ(a64_sysreg(bare, A64_SYSREG(3, 3, 14, 0, 6)), 12345); /* CNTVCTSS_EL0 */
    a64_destroy(bare);
    /* Without a board's word: 62.5 MHz, or 1 GHz from Armv8.6 on. */
    bare = a64_create("neoverse-n1");
    struct aarch64_board board = {.lock = &bare->lock};
    aarch64_connect(bare->vcpu, &board);
    CHECK_EQ(aarch64_timer_hz(bare->vcpu), 62500000);
    tick(bare, 1600);
    CHECK_EQ(a64_sysreg(bare, CNTVCT_EL0), 100);
    A64_EXEC(bare, MRS(0, A64_SYSREG(3, 3, 14, 0, 6)));
    a64_check_exception(bare, A64_SYNC, EC_UNKNOWN, 0, A64_CODE);
    a64_destroy(bare);
}

static void timers(void)
{
    static const struct {
        uint32_t tval, ctl, cval;
        enum aarch64_output output;
    } timer[] = {{CNTP_TVAL_EL0, CNTP_CTL_EL0, CNTP_CVAL_EL0, AARCH64_OUT_TIMER_PHYSICAL},
                 {CNTV_TVAL_EL0, CNTV_CTL_EL0, CNTV_CVAL_EL0, AARCH64_OUT_TIMER_VIRTUAL}};
    for (unsigned n = 0; n < 2; n++) {
        struct a64_bare *bare = a64_create(NULL);
        test_context("timer %u", n);
        bool *output = &bare->outputs[timer[n].output];
        tick(bare, 1000);
        a64_sysreg_set(bare, timer[n].cval, 5000);
        CHECK_EQ(a64_sysreg(bare, timer[n].tval), 4000);
        a64_sysreg_set(bare, timer[n].ctl, 1);
        CHECK_EQ(a64_sysreg(bare, timer[n].ctl), 1);
        CHECK_EQ(clock_deadline(bare->clock), 5000);
        tick(bare, 4999);
        CHECK(!*output);
        tick(bare, 5000);
        CHECK(*output);
        CHECK_EQ(a64_sysreg(bare, timer[n].ctl), 5);
        CHECK_EQ(a64_sysreg(bare, timer[n].tval), 0);
        /* Masked: still met, no output. */
        a64_sysreg_set(bare, timer[n].ctl, 3);
        CHECK(!*output);
        CHECK_EQ(a64_sysreg(bare, timer[n].ctl), 7);
        a64_sysreg_set(bare, timer[n].ctl, 1);
        CHECK(*output);
        /* TVAL is signed and relative. */
        a64_sysreg_set(bare, timer[n].tval, 100);
        CHECK(!*output);
        CHECK_EQ(a64_sysreg(bare, timer[n].cval), 5100);
        a64_sysreg_set(bare, timer[n].tval, 0xffffffff);
        CHECK_EQ(a64_sysreg(bare, timer[n].cval), 4999);
        CHECK(*output);
        CHECK_EQ(a64_sysreg(bare, timer[n].tval), 0xffffffff);
        /* Who sees that it is met is interrupted, even if the board's timer is late. */
        a64_sysreg_set(bare, timer[n].cval, 6000);
        CHECK(!*output);
        clock_advance(bare->clock, 6000);
        CHECK(!*output);
        CHECK_EQ(a64_sysreg(bare, timer[n].ctl), 5);
        CHECK(*output);
        /* Off. */
        a64_sysreg_set(bare, timer[n].ctl, 0);
        CHECK(!*output);
        CHECK_EQ(a64_sysreg(bare, timer[n].ctl), 0);
        CHECK_EQ(clock_deadline(bare->clock), CLOCK_NEVER);
        /* A reset is off as well; a compare value at the end of time is never reached. */
        a64_sysreg_set(bare, timer[n].cval, ~(uint64_t)0);
        a64_sysreg_set(bare, timer[n].ctl, 1);
        CHECK(!*output);
        aarch64_ops.reset(bare->vcpu);
        CHECK_EQ(clock_deadline(bare->clock), CLOCK_NEVER);
        a64_destroy(bare);
    }
    test_context(NULL);
}

static void wait_with_timeout(void)
{
    struct a64_bare *bare = a64_create(NULL);
    bare->s->x[6] = 2000;
    A64_EXEC(bare, 0xd5031026 /* wfit x6 */, NOP);
    CHECK_EQ(bare->exit.reason, EXIT_HALT);
    CHECK_EQ(clock_deadline(bare->clock), 2000);
    CHECK(!aarch64_ops.has_work(bare->vcpu));
    tick(bare, 2000);
    CHECK(aarch64_ops.has_work(bare->vcpu));
    vcpu_run(bare->vcpu, &bare->exit);
    RAN_TO_END(bare);
    /* Over already. */
    A64_EXEC(bare, 0xd5031026, NOP);
    RAN_TO_END(bare);
    /* A plain WFI is not ended by an old timeout. */
    A64_EXEC(bare, WFI, NOP);
    CHECK(!aarch64_ops.has_work(bare->vcpu));
    a64_destroy(bare);
}

/* D11.2.3: an event whenever a bit of the counter becomes 1 (or 0), which ends a WFE; one that came before
 * it, too. */
static void event_stream(void)
{
    struct a64_bare *bare = a64_create(NULL);
    tick(bare, 100);
    A64_EXEC(bare, WFE, NOP);
    CHECK_EQ(bare->exit.reason, EXIT_HALT);
    CHECK_EQ(clock_deadline(bare->clock), CLOCK_NEVER);
    bare->s->waiting = 0;
    a64_sysreg_set(bare, CNTKCTL_EL1, 1 << 2 | 9 << 4); /* bit 9 */
    A64_EXEC(bare, WFE, NOP);
    CHECK_EQ(bare->exit.reason, EXIT_HALT);
    CHECK_EQ(clock_deadline(bare->clock), 512);
    tick(bare, 512);
    CHECK(aarch64_ops.has_work(bare->vcpu));
    vcpu_run(bare->vcpu, &bare->exit);
    RAN_TO_END(bare);
    A64_EXEC(bare, WFE, NOP);
    tick(bare, 600);
    A64_EXEC(bare, WFE, NOP);
    CHECK_EQ(bare->exit.reason, EXIT_HALT);
    CHECK_EQ(clock_deadline(bare->clock), 1024 + 512);
    bare->s->waiting = 0;
    tick(bare, 1600);
    A64_EXEC(bare, WFE, NOP);
    RAN_TO_END(bare);
    /* The other direction; ECV's scale. */
    a64_sysreg_set(bare, CNTKCTL_EL1, 1 << 17 | 1 << 2 | 1 << 3 | 2 << 4); /* bit 10 */
    A64_EXEC(bare, WFE, NOP);
    CHECK_EQ(clock_deadline(bare->clock), 2048);
    bare->s->waiting = 0;
    /* WFET's timeout, when that is earlier. */
    bare->s->x[6] = 1900;
    A64_EXEC(bare, 0xd5031006 /* wfet x6 */, NOP);
    CHECK_EQ(clock_deadline(bare->clock), 1900);
    a64_destroy(bare);
}

/* With an armed monitor a store ends the wait, which can't be seen here: so the wait must end by itself. */
static void events_of_monitors(void)
{
    struct a64_bare *bare = a64_create(NULL);
    bare->s->x[1] = A64_DATA;
    bare->s->x[2] = 100;
    A64_EXEC(bare, LDXR_X(0, 1), WFE, SUB_I(2, 2, 1), 0xb5ffffa2 /* cbnz x2, -12 */, NOP);
    unsigned halts = 0;
    for (; bare->exit.reason == EXIT_HALT && halts < 200; halts++) {
        CHECK(clock_deadline(bare->clock) != CLOCK_NEVER);
        tick(bare, clock_deadline(bare->clock));
        CHECK(aarch64_ops.has_work(bare->vcpu));
        vcpu_run(bare->vcpu, &bare->exit);
    }
    RAN_TO_END(bare);
    CHECK(halts > 0 && halts < 100);
    a64_destroy(bare);
}

/* ---- performance monitors ---- */

static void instruction_counter(void)
{
    struct a64_bare *bare = a64_create(NULL);
    CHECK_EQ(a64_sysreg(bare, PMCR_EL0) >> 11 & 31, 6);
    a64_sysreg_set(bare, PMEVTYPER0_EL0, 0x08); /* INST_RETIRED */
    a64_sysreg_set(bare, PMCNTENSET_EL0, 1);
    a64_sysreg_set(bare, PMCR_EL0, 1);
    a64_sysreg_set(bare, PMEVCNTR0_EL0, 0);
    a64_sysreg_set(bare, PMCR_EL0, 0);
    /* E is written by the first instruction, and the counter read by the fifth. */
    bare->s->x[1] = 3; /* E and P */
    A64_EXEC(bare, MSR(PMCR_EL0, 1), NOP, NOP, NOP, MRS(2, PMEVCNTR0_EL0), NOP, MRS(3, PMEVCNTR0_EL0), NOP,
             NOP);
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[3] - bare->s->x[2], 2);
    CHECK(bare->s->x[2] >= 3 && bare->s->x[2] <= 4);
    /* Not at EL1. */
    a64_sysreg_set(bare, PMEVTYPER0_EL0, 0x08 | BIT(31));
    uint64_t before = a64_sysreg(bare, PMEVCNTR0_EL0);
    A64_EXEC(bare, NOP, NOP, NOP);
    CHECK_EQ(a64_sysreg(bare, PMEVCNTR0_EL0), before);
    a64_enter(bare, 0);
    A64_EXEC(bare, NOP, NOP, NOP);
    CHECK_EQ(a64_sysreg(bare, PMEVCNTR0_EL0), before + 3);
    a64_destroy(bare);
}

static void overflow(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_sysreg_set(bare, PMEVTYPER0_EL0, 0x08);
    a64_sysreg_set(bare, PMCNTENSET_EL0, 1);
    a64_sysreg_set(bare, PMINTENSET_EL1, 1);
    a64_sysreg_set(bare, PMEVCNTR0_EL0, 0xfffff000);
    bare->s->x[1] = 1;
    bare->s->x[2] = 0x2000;
    A64_EXEC(bare, MSR(PMCR_EL0, 1), SUB_I(2, 2, 1), 0xb5ffffe2 /* cbnz x2, the subtraction */);
    RAN_TO_END(bare);
    CHECK(bare->outputs[AARCH64_OUT_PMU]);
    CHECK_EQ(a64_sysreg(bare, PMOVSCLR_EL0), 1);
    a64_sysreg_set(bare, PMOVSCLR_EL0, 1);
    CHECK(!bare->outputs[AARCH64_OUT_PMU]);
    CHECK_EQ(a64_sysreg(bare, PMOVSCLR_EL0), 0);
    /* Set by software, and of a counter that is off (D13.3.1). */
    a64_sysreg_set(bare, A64_SYSREG(3, 3, 9, 12, 2), 1);
    a64_sysreg_set(bare, A64_SYSREG(3, 3, 9, 14, 3), 1);
    CHECK(bare->outputs[AARCH64_OUT_PMU]);
    a64_destroy(bare);
}

/* What begins to count with a return to EL0 interrupts there, too. */
static void overflow_at_el0(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_sysreg_set(bare, PMEVTYPER0_EL0, 0x08 | BIT(31));
    a64_sysreg_set(bare, PMCNTENSET_EL0, 1);
    a64_sysreg_set(bare, PMINTENSET_EL1, 1);
    a64_sysreg_set(bare, PMEVCNTR0_EL0, 0xfffff000);
    a64_sysreg_set(bare, ELR_EL1, A64_CODE + 0x2000);
    a64_sysreg_set(bare, SPSR_EL1, 0);
    bare->s->x[1] = 1;
    bare->s->x[2] = 0x2000;
    /* In other pages than the end, whose breakpoint would have every instruction looked at. */
    A64_PUT(bare, A64_CODE + 0x1000, MSR(PMCR_EL0, 1), ISB, NOP, NOP, ERET);
    A64_PUT(bare, A64_CODE + 0x2000, SUB_I(2, 2, 1), 0xb5ffffe2 /* cbnz x2, the subtraction */, B(-0x2004));
    A64_EXEC(bare, B(0x1000));
    RAN_TO_END(bare);
    CHECK(bare->outputs[AARCH64_OUT_PMU]);
    /* After 0x1000 of the 0x4000 instructions of the loop, not at its end. */
    CHECK(bare->vcpu->icount - bare->output_icount > 0x2f00);
    a64_destroy(bare);
}

#define PMCNTENCLR_EL0 A64_SYSREG(3, 3, 9, 12, 2)
#define PMSWINC_EL0    A64_SYSREG(3, 3, 9, 12, 4)
#define PMEVCNTR1_EL0  A64_SYSREG(3, 3, 14, 8, 1)
#define PMEVTYPER1_EL0 A64_SYSREG(3, 3, 14, 12, 1)

/* Loads and stores are accesses, what only looks like them and what is between is not. */
static void access_counter(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_sysreg_set(bare, PMEVTYPER0_EL0, 0x13); /* MEM_ACCESS */
    a64_sysreg_set(bare, PMCNTENSET_EL0, 1);
    bare->s->x[1] = PMCR_E;
    bare->s->x[2] = A64_DATA;
    /* In a page without breakpoints, where blocks are run. */
    A64_PUT(bare, A64_CODE + 0x1000, MSR(PMCR_EL0, 1), LDR_X(3, 2, 0), STR_X(3, 2, 8), NOP, ADD_I(4, 4, 1),
            LDXR_X(3, 2), STXR_X(4, 3, 2), LDADD_X(31, 31, 2), 0xf9800040 /* prfm pldl1keep, [x2] */,
            0xa9400043 /* ldp x3, x0, [x2] */, MSR(PMCR_EL0, 31), B(-0x1028));
    A64_EXEC(bare, B(0x1000));
    RAN_TO_END(bare);
    CHECK_EQ(a64_sysreg(bare, PMEVCNTR0_EL0), 6);
    /* Overflows are noticed while it counts, long before the loop is over. */
    a64_sysreg_set(bare, PMEVCNTR0_EL0, 0xfffffff0);
    a64_sysreg_set(bare, PMINTENSET_EL1, 1);
    bare->s->x[1] = PMCR_E;
    bare->s->x[5] = 200;
    A64_PUT(bare, A64_CODE + 0x1000, MSR(PMCR_EL0, 1), LDR_X(3, 2, 0), SUB_I(5, 5, 1),
            0xb5ffffc5 /* cbnz x5, the load */, B(-0x100c));
    A64_EXEC(bare, B(0x1000));
    RAN_TO_END(bare);
    CHECK(bare->outputs[AARCH64_OUT_PMU]);
    CHECK(bare->vcpu->icount - bare->output_icount > 3 * 180);
    CHECK_EQ(a64_sysreg(bare, PMEVCNTR0_EL0), 0x1000000b8 /* the width with FEAT_PMUv3p5 */);
    a64_destroy(bare);
}

/* D13.4: an odd counter with the CHAIN event counts how often the one before it goes past 32 bits. */
static void chained_counters(void)
{
    struct a64_bare *bare = a64_create("neoverse-n1");
    CHECK_EQ(a64_sysreg(bare, PMCR_EL0) >> 16, 0x410c);
    a64_sysreg_set(bare, PMEVTYPER0_EL0, 0x00); /* SW_INCR */
    a64_sysreg_set(bare, PMEVTYPER1_EL0, 0x1e);
    a64_sysreg_set(bare, PMCNTENSET_EL0, 3);
    a64_sysreg_set(bare, PMCR_EL0, PMCR_E);
    a64_sysreg_set(bare, PMEVCNTR0_EL0, 0xffffffff);
    a64_sysreg_set(bare, PMSWINC_EL0, 3);
    CHECK_EQ(a64_sysreg(bare, PMEVCNTR0_EL0), 0);
    CHECK_EQ(a64_sysreg(bare, PMEVCNTR1_EL0), 1);
    CHECK_EQ(a64_sysreg(bare, PMOVSCLR_EL0), 1);
    /* The odd one may overflow as well. */
    a64_sysreg_set(bare, PMEVCNTR0_EL0, 0xffffffff);
    a64_sysreg_set(bare, PMEVCNTR1_EL0, 0xffffffff);
    a64_sysreg_set(bare, PMSWINC_EL0, 1);
    CHECK_EQ(a64_sysreg(bare, PMEVCNTR1_EL0), 0);
    CHECK_EQ(a64_sysreg(bare, PMOVSCLR_EL0), 3);
    /* Not when it is off, or filtered. */
    a64_sysreg_set(bare, PMEVCNTR0_EL0, 0xffffffff);
    a64_sysreg_set(bare, PMCNTENCLR_EL0, 2);
    a64_sysreg_set(bare, PMSWINC_EL0, 1);
    CHECK_EQ(a64_sysreg(bare, PMEVCNTR1_EL0), 0);
    a64_sysreg_set(bare, PMCNTENSET_EL0, 3);
    a64_sysreg_set(bare, PMEVTYPER1_EL0, 0x1e | BIT(31));
    a64_sysreg_set(bare, PMEVCNTR0_EL0, 0xffffffff);
    a64_sysreg_set(bare, PMSWINC_EL0, 1);
    CHECK_EQ(a64_sysreg(bare, PMEVCNTR0_EL0), 0);
    CHECK_EQ(a64_sysreg(bare, PMEVCNTR1_EL0), 0);
    /* Increments by software are filtered, too. */
    a64_sysreg_set(bare, PMEVTYPER0_EL0, BIT(31));
    a64_sysreg_set(bare, PMSWINC_EL0, 1);
    CHECK_EQ(a64_sysreg(bare, PMEVCNTR0_EL0), 0);
    a64_destroy(bare);
}

/* D13.12.3: what an implementation with FEAT_PMUv3p1 must count. */
static void required_events(void)
{
    struct a64_bare *bare = a64_create(NULL);
    uint64_t low = BIT(0x00) | BIT(0x08) | BIT(0x11), high = BIT(0x23 - 32) | BIT(0x24 - 32);
    CHECK_EQ(a64_sysreg(bare, A64_SYSREG(3, 3, 9, 12, 6)) & low, low);
    CHECK_EQ(a64_sysreg(bare, A64_SYSREG(3, 3, 9, 12, 7)) & high, high);
    a64_destroy(bare);
}

static void cycle_counter(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_sysreg_set(bare, PMCNTENSET_EL0, BIT(31));
    a64_sysreg_set(bare, PMCR_EL0, PMCR_E | PMCR_C | PMCR_LC);
    uint64_t before = a64_sysreg(bare, PMCCNTR_EL0);
    /* Where time is counted, every instruction takes a cycle. */
    A64_EXEC(bare, MRS(4, PMCCNTR_EL0), NOP, NOP, MRS(5, PMCCNTR_EL0), NOP);
    CHECK(bare->s->x[4] > before);
    CHECK_EQ(bare->s->x[5] - bare->s->x[4], 3);
    /* It stands still while the core doesn't run. */
    tick(bare, 5000);
    CHECK(a64_sysreg(bare, PMCCNTR_EL0) - bare->s->x[5] < 100);
    /* EL0 reads it with CR. */
    bare->s->pmuserenr_el0 = 4;
    a64_enter(bare, 0);
    A64_EXEC(bare, MRS(4, PMCCNTR_EL0), MSR(PMCCNTR_EL0, 4));
    CHECK_EQ(bare->s->pc, A64_VECTORS + A64_SYNC_EL0);
    CHECK_EQ(bare->s->elr_el1, A64_CODE + 4);
    a64_destroy(bare);
}

/* ---- debug ---- */

static void os_lock(void)
{
    struct a64_bare *bare = a64_create(NULL);
    CHECK_EQ(a64_sysreg(bare, OSLSR_EL1), 0xa); /* implemented, and locked by a reset */
    a64_sysreg_set(bare, OSLAR_EL1, 0);
    CHECK_EQ(a64_sysreg(bare, OSLSR_EL1), 8);
    a64_destroy(bare);
}

/* Debug exceptions on, at EL1 as well; the D mask is cleared by a64_enter. */
static struct a64_bare *debug_create(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_sysreg_set(bare, OSLAR_EL1, 0);
    a64_sysreg_set(bare, MDSCR_EL1, MDSCR_MDE | MDSCR_KDE);
    return bare;
}

static void breakpoints(void)
{
    struct a64_bare *bare = debug_create();
    a64_sysreg_set(bare, DBGBVR0_EL1, A64_CODE + 8);
    a64_sysreg_set(bare, DBGBCR0_EL1, 0x1e7); /* E, EL0 and EL1, BAS all */
    a64_enter(bare, 1);
    A64_EXEC(bare, NOP, NOP, NOP, NOP);
    a64_check_exception(bare, A64_SYNC, EC_BREAKPOINT_LOWER + 1, 0x22, A64_CODE + 8);
    a64_enter(bare, 0);
    A64_EXEC(bare, NOP, NOP, NOP, NOP);
    a64_check_exception(bare, A64_SYNC_EL0, EC_BREAKPOINT_LOWER, 0x22, A64_CODE + 8);
    a64_sysreg_set(bare, DBGBCR0_EL1, 0x1e5); /* EL0 only */
    a64_enter(bare, 1);
    A64_EXEC(bare, NOP, NOP, NOP, NOP);
    RAN_TO_END(bare);
    a64_sysreg_set(bare, DBGBCR0_EL1, 0x1e7);
    a64_enter(bare, 1);
    bare->s->pstate |= PSTATE_D;
    A64_EXEC(bare, NOP, NOP, NOP, NOP);
    RAN_TO_END(bare);
    /* A linked context match: only with its CONTEXTIDR_EL1. */
    a64_sysreg_set(bare, A64_SYSREG(2, 0, 0, 1, 4), 0x99);
    a64_sysreg_set(bare, A64_SYSREG(2, 0, 0, 1, 5), 0x3 << 20 | 0x1e7);
    a64_sysreg_set(bare, DBGBCR0_EL1, 1 << 20 | 1 << 16 | 0x1e7);
    a64_enter(bare, 1);
    A64_EXEC(bare, NOP, NOP, NOP, NOP);
    RAN_TO_END(bare);
    bare->s->contextidr_el1 = 0x99;
    A64_EXEC(bare, NOP, NOP, NOP, NOP);
    a64_check_exception(bare, A64_SYNC, EC_BREAKPOINT_LOWER + 1, 0x22, A64_CODE + 8);
    /* The first bit of BAS is the one for instructions of four bytes. */
    a64_sysreg_set(bare, DBGBCR0_EL1, 0x187);
    a64_enter(bare, 1);
    A64_EXEC(bare, NOP, NOP, NOP, NOP);
    RAN_TO_END(bare);
    a64_sysreg_set(bare, DBGBCR0_EL1, 0x1e7);
    /* Off with either lock. */
    a64_sysreg_set(bare, A64_SYSREG(2, 0, 1, 3, 4), 1);
    a64_enter(bare, 1);
    A64_EXEC(bare, NOP, NOP, NOP, NOP);
    RAN_TO_END(bare);
    a64_sysreg_set(bare, A64_SYSREG(2, 0, 1, 3, 4), 0);

    a64_sysreg_set(bare, OSLAR_EL1, 1);
    a64_enter(bare, 1);
    A64_EXEC(bare, NOP, NOP, NOP, NOP);
    RAN_TO_END(bare);
    a64_destroy(bare);
}

static void watchpoints(void)
{
    struct a64_bare *bare = debug_create();
    a64_mmu_on(bare);
    a64_sysreg_set(bare, DBGWVR0_EL1, A64_DATA + 8);
    a64_sysreg_set(bare, DBGWCR0_EL1, 0x0f << 5 | 2 << 3 | 3 << 1 | 1); /* bytes 0 to 3, stores */
    bare->s->x[1] = A64_DATA;
    a64_enter(bare, 1);
    A64_EXEC(bare, LDR_X(0, 1, 8), STR_X(0, 1, 0), 0xb9000c20 /* str w0, [x1, #12] */, STR_X(0, 1, 8));
    a64_check_exception(bare, A64_SYNC, EC_WATCHPOINT_LOWER + 1, 0x22 | 1 << 6, A64_CODE + 12);
    CHECK_EQ(bare->s->far_el1, A64_DATA + 8);
    /* An access that begins before and reaches it. */
    bare->s->x[1] = A64_DATA + 3;
    a64_enter(bare, 0);
    A64_EXEC(bare, STR_X(0, 1, 0));
    a64_check_exception(bare, A64_SYNC_EL0, EC_WATCHPOINT_LOWER, 0x22 | 1 << 6, A64_CODE);
    /* A range by MASK, of loads. */
    a64_sysreg_set(bare, DBGWVR0_EL1, A64_DATA + 0x100);
    a64_sysreg_set(bare, DBGWCR0_EL1, 8 << 24 | 0xff << 5 | 1 << 3 | 3 << 1 | 1);
    bare->s->x[1] = A64_DATA;
    a64_enter(bare, 1);
    A64_EXEC(bare, STR_X(0, 1, 0x100), LDR_X(0, 1, 0xf8), LDR_X(0, 1, 0x200), LDR_X(0, 1, 0x1f8));
    a64_check_exception(bare, A64_SYNC, EC_WATCHPOINT_LOWER + 1, 0x22, A64_CODE + 12);
    /* FAR: the first address that is watched, not where the access begins. */
    bare->s->x[1] = A64_DATA + 0xfc;
    a64_enter(bare, 1);
    A64_EXEC(bare, LDR_X(0, 1, 0));
    CHECK_EQ(bare->s->far_el1, A64_DATA + 0x100);
    /* PAC 1, EL1 only: LDTR is an access of EL0. */
    a64_sysreg_set(bare, DBGWCR0_EL1, 8 << 24 | 0xff << 5 | 3 << 3 | 1 << 1 | 1);
    bare->s->x[1] = A64_DATA + 0x140;
    a64_enter(bare, 1);
    A64_EXEC(bare, LDTR_X(0, 1), LDR_X(0, 1, 0));
    a64_check_exception(bare, A64_SYNC, EC_WATCHPOINT_LOWER + 1, 0x22, A64_CODE + 4);
    /* WT: only in the context it is linked to. */
    a64_sysreg_set(bare, A64_SYSREG(2, 0, 0, 5, 4), 0x99);
    a64_sysreg_set(bare, A64_SYSREG(2, 0, 0, 5, 5), 0x3 << 20 | 0x1e7);
    a64_sysreg_set(bare, DBGWCR0_EL1, 8 << 24 | 1 << 20 | 5 << 16 | 0xff << 5 | 1 << 3 | 3 << 1 | 1);
    a64_enter(bare, 1);
    A64_EXEC(bare, LDR_X(0, 1, 0));
    RAN_TO_END(bare);
    bare->s->contextidr_el1 = 0x99;
    A64_EXEC(bare, LDR_X(0, 1, 0));
    CHECK_EQ(bare->s->esr_el1 >> 26, EC_WATCHPOINT_LOWER + 1);
    /* A store-exclusive reads nothing. */
    a64_sysreg_set(bare, DBGWCR0_EL1, 0);
    a64_enter(bare, 1);
    A64_EXEC(bare, LDXR_X(0, 1), SVC(0));
    a64_sysreg_set(bare, DBGWCR0_EL1, 8 << 24 | 0xff << 5 | 1 << 3 | 3 << 1 | 1);
    a64_enter(bare, 1);
    A64_EXEC(bare, STXR_X(2, 0, 1));
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[2], 0);
    /* Atomics do both. */
    bare->s->x[1] = A64_DATA + 0x140;
    a64_enter(bare, 1);
    A64_EXEC(bare, LDADD_X(2, 0, 1));
    CHECK_EQ(bare->s->esr_el1 >> 26, EC_WATCHPOINT_LOWER + 1);
    a64_sysreg_set(bare, DBGWCR0_EL1, 0);
    a64_enter(bare, 1);
    A64_EXEC(bare, LDADD_X(2, 0, 1));
    RAN_TO_END(bare);
    a64_destroy(bare);
}

/* D2.12: from EL1 with SPSR.SS set, one instruction of EL0, then the exception. */
static void software_step(void)
{
    struct a64_bare *bare = debug_create();
    a64_sysreg_set(bare, MDSCR_EL1, MDSCR_SS);
    a64_enter(bare, 1);
    bare->s->pstate |= PSTATE_D;
    bare->s->spsr_el1 = PSTATE_SS | PSTATE_EL0T;
    bare->s->elr_el1 = A64_CODE + 0x100;
    A64_PUT(bare, A64_CODE + 0x100, ADD_I(1, 1, 1), ADD_I(1, 1, 1), SVC(3), LDXR_X(0, 2));
    bare->s->x[1] = 0;
    bare->s->x[2] = A64_DATA;
    A64_EXEC(bare, ERET);
    a64_check_exception(bare, A64_SYNC_EL0, EC_STEP_LOWER, 1 << 24 | 0x22, A64_CODE + 0x104);
    CHECK_EQ(bare->s->x[1], 1);
    CHECK_EQ(bare->s->spsr_el1 & PSTATE_SS, 0);
    /* SS clear: the exception comes before the instruction, and after none that was stepped: ISV is 0. */
    bare->s->spsr_el1 = PSTATE_EL0T;
    A64_EXEC(bare, ERET);
    a64_check_exception(bare, A64_SYNC_EL0, EC_STEP_LOWER, 0x22, A64_CODE + 0x104);
    CHECK_EQ(bare->s->x[1], 1);
    /* A system call is taken, with SS clear in its SPSR: the step's exception comes after the return. */
    bare->s->spsr_el1 = PSTATE_SS | PSTATE_EL0T;
    bare->s->elr_el1 = A64_CODE + 0x108;
    A64_EXEC(bare, ERET);
    a64_check_exception(bare, A64_SYNC_EL0, EC_SVC, 3, A64_CODE + 0x10c);
    CHECK_EQ(bare->s->spsr_el1 & PSTATE_SS, 0);
    /* EX: a load-exclusive was stepped. */
    bare->s->spsr_el1 = PSTATE_SS | PSTATE_EL0T;
    A64_EXEC(bare, ERET);
    a64_check_exception(bare, A64_SYNC_EL0, EC_STEP_LOWER, 1 << 24 | 1 << 6 | 0x22, A64_CODE + 0x110);
    a64_destroy(bare);
}

/* ---- the debugger ---- */

static void debugger_steps(void)
{
    struct a64_bare *bare = a64_create(NULL);
    A64_PUT(bare, A64_CODE, ADD_I(1, 1, 1), B(8), NOP, ADD_I(1, 1, 1));
    bare->vcpu->single_step = true;
    static const uint32_t places[] = {4, 12, 16};
    a64_run(bare, A64_CODE);
    for (unsigned n = 0; n < 3; n++) {
        CHECK_EQ(bare->exit.reason, EXIT_DEBUG);
        CHECK_EQ(bare->s->pc, A64_CODE + places[n]);
        vcpu_run(bare->vcpu, &bare->exit);
    }
    CHECK_EQ(bare->s->x[1], 2);
    a64_destroy(bare);
}

static void debugger_watches(void)
{
    struct a64_bare *bare = a64_create(NULL);
    a64_mmu_on(bare);
    bare->s->x[1] = A64_DATA;
    bare->s->x[0] = 5;
    bare->debug.any_watch = true;
    bare->debug.points[20].address = A64_DATA + 4;
    A64_PUT(bare, A64_CODE, STR_X(0, 1, 8), STR_X(0, 1, 0), NOP);
    bare->end = A64_CODE + 12;
    /* points_set of the harness fills the first ones: one more behind them. */
    a64_run(bare, A64_CODE);
    bare->debug.points[bare->debug.count].address = A64_DATA + 4;
    bare->debug.points[bare->debug.count].len = 1;
    bare->debug.points[bare->debug.count++].access = WALK_WRITE;
    a64_store(bare, A64_DATA, 0);
    aarch64_ops.code_drop_all(bare->vcpu);
    aarch64_ops.pc_set(bare->vcpu, A64_CODE);
    vcpu_run(bare->vcpu, &bare->exit);
    CHECK_EQ(bare->exit.reason, EXIT_DEBUG);
    CHECK(bare->exit.debug.watchpoint);
    CHECK_EQ(bare->s->pc, A64_CODE + 4);
    CHECK_EQ(a64_load(bare, A64_DATA), 0);
    /* It goes on from there. */
    vcpu_run(bare->vcpu, &bare->exit);
    RAN_TO_END(bare);
    CHECK_EQ(a64_load(bare, A64_DATA), 5);
    a64_destroy(bare);
}

static void registers(void)
{
    struct a64_bare *bare = a64_create(NULL);
    size_t count;
    const struct debug_register *table = aarch64_ops.registers(bare->vcpu, &count);
    CHECK(count > 150);
    bool seen = false;
    for (size_t n = 0; n < count; n++) {
        uint8_t bytes[16];
        CHECK(aarch64_ops.register_get(bare->vcpu, table[n].number, bytes));
        for (size_t m = 0; m < n; m++)
            CHECK(table[m].number != table[n].number);
        if (strcmp(table[n].name, "VBAR_EL1") == 0) {
            seen = true;
            CHECK_EQ(le64_load(bytes), A64_VECTORS);
        }
    }
    CHECK(seen);
    uint8_t value[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, back[16];
    CHECK(aarch64_ops.register_set(bare->vcpu, 34 + 7, value));
    CHECK(aarch64_ops.register_get(bare->vcpu, 34 + 7, back));
    CHECK_MEM(back, value, 16);
    CHECK_EQ(bare->s->v[7].h[0], 0x201);
    /* No mode that isn't there. */
    le32_store(value, 0x6000000c);
    CHECK(aarch64_ops.register_set(bare->vcpu, 33, value));
    CHECK(aarch64_ops.register_get(bare->vcpu, 33, back));
    CHECK_EQ(le32_load(back), 0x60000005);
    CHECK(!aarch64_ops.register_get(bare->vcpu, 5000, back));
    a64_destroy(bare);
}

/* Save, spoil, load: everything is as before, and what decides about more than a value is legal whatever was
 * saved. */
static void save_and_load(void)
{
    struct a64_bare *bare = a64_create(NULL);
    void *object;
    const struct state_table *table = aarch64_ops.state(bare->vcpu, &object);
    uint8_t save[8192];
    size_t size = state_save_size(table);
    CHECK(size < sizeof(save));
    a64_mmu_on(bare);
    bare->s->x[1] = A64_DATA;
    bare->s->v[3].d[1] = 0x33;
    state_save(table, object, save);
    aarch64_ops.reset(bare->vcpu);
    CHECK_EQ(bare->s->sctlr_el1 & SCTLR_M, 0);
    CHECK(state_load(table, object, save, size));
    CHECK_EQ(bare->s->v[3].d[1], 0x33);
    bare->s->x[2] = 9;
    A64_EXEC(bare, STR_X(2, 1, 0));
    RAN_TO_END(bare);
    for (unsigned round = 0; round < 200; round++) {
        for (size_t n = 0; n < table->count; n++) {
            for (uint32_t i = 0; i < table->fields[n].count; i++)
                state_set(&table->fields[n], object, i, test_random());
        }
        table->restored(object);
        bare->vcpu->slice_end = bare->vcpu->icount + 100;
        bare->s->vbar_el1 = A64_VECTORS;
        vcpu_run(bare->vcpu, &bare->exit);
        CHECK_EQ(bare->s->x[REG_ZERO], 0);
    }
    a64_destroy(bare);
}

/* Exactly as many instructions as asked for. */
static void slices(void)
{
    struct a64_bare *bare = a64_create(NULL);
    A64_PUT(bare, A64_CODE, ADD_I(1, 1, 1), ADD_I(1, 1, 1), ADD_I(1, 1, 1), B(-12));
    bare->end = A64_CODE + 0x1000;
    for (unsigned n = 1; n < 60; n++) {
        bare->s->x[1] = 0;
        bare->vcpu->icount = 1000;
        bare->vcpu->slice_end = 1000 + n;
        bare->debug.any_break = false;
        aarch64_ops.code_drop_all(bare->vcpu);
        aarch64_ops.pc_set(bare->vcpu, A64_CODE);
        vcpu_run(bare->vcpu, &bare->exit);
        CHECK_EQ(bare->exit.reason, EXIT_KICKED);
        CHECK_EQ(bare->vcpu->icount, 1000 + n);
        CHECK_EQ(bare->s->x[1], n - n / 4);
        CHECK_EQ(bare->s->pc, A64_CODE + n % 4 * 4);
    }
    a64_destroy(bare);
}

#define CBZ(t, o)    (0xb4000000u | ((uint32_t)(o) >> 2 & 0x7ffff) << 5 | (t))
#define CBNZ(t, o)   (0xb5000000u | ((uint32_t)(o) >> 2 & 0x7ffff) << 5 | (t))
#define TBZ(t, b, o) (0x36000000u | (uint32_t)(b) << 19 | ((uint32_t)(o) >> 2 & 0x3fff) << 5 | (t))
#define BL(o)        (0x94000000u | ((uint32_t)(o) >> 2 & 0x3ffffff))

#define WINDING (A64_CODE + 0x30) /* from the fifth instruction on in another cache line */

/* A loop with branches that are taken never, always and at times, and calls that don't always return to where
 * they came from; and what one of its instructions does. */
static const uint32_t winding_code[] = {
    ADD_I(1, 1, 1), TBZ(1, 0, 8),   ADD_I(2, 2, 1),   CBZ(9, 8),    ADD_I(4, 4, 1),
    BL(20),         ADD_I(5, 5, 1), ADD_I(6, 6, 1),   CBNZ(9, -32), UDF,
    ADD_I(3, 3, 1), TBZ(3, 1, 8),   ADD_I(30, 30, 4), RET,
};

struct winding {
    uint64_t x[31], pc;
};

static void winding_step(struct winding *w)
{
    static const uint8_t added[] = {1, 0, 2, 0, 4, 0, 5, 6, 0, 0, 3};
    unsigned at = (unsigned)(w->pc - WINDING) / 4;
    w->pc += 4;
    switch (at) {
    case 1: w->pc += w->x[1] & 1 ? 0 : 4; break;
    case 3: break;
    case 5:
        w->x[30] = w->pc;
        w->pc = WINDING + 40;
        break;
    case 8: w->pc = WINDING; break;
    case 11: w->pc += w->x[3] & 2 ? 0 : 4; break;
    case 12: w->x[30] += 4; break;
    case 13: w->pc = w->x[30]; break;
    default: w->x[added[at]]++; break;
    }
}

/* Likewise where blocks grow, and are left in the middle; as they are first made, and known. */
static void winding_slices(void)
{
    struct a64_bare *bare = a64_create(NULL);
    for (unsigned n = 0; n < ARRAY_LEN(winding_code); n++)
        A64_PUT(bare, WINDING + 4 * n, winding_code[n]);
    bare->end = A64_CODE + 0x1000;
    for (unsigned n = 1; n < 400; n++) {
        struct winding w = {.x = {[9] = 1}, .pc = WINDING};
        for (unsigned step = 0; step < n / 2; step++)
            winding_step(&w);
        memset(bare->s->x, 0, sizeof(bare->s->x));
        bare->s->x[9] = 1;
        bare->vcpu->icount = 0;
        bare->vcpu->slice_end = n / 2;
        bare->debug.any_break = false;
        if (n % 2)
            aarch64_ops.code_drop_all(bare->vcpu);
        aarch64_ops.pc_set(bare->vcpu, WINDING);
        vcpu_run(bare->vcpu, &bare->exit);
        CHECK_EQ(bare->vcpu->icount, n / 2);
        CHECK_EQ(bare->s->pc, w.pc);
        CHECK(memcmp(bare->s->x, w.x, sizeof(w.x)) == 0);
    }
    /* The block goes when what it has grown by is written to. */
    bare->s->x[4] = 0;
    bare->vcpu->icount = 0;
    bare->vcpu->slice_end = 5;
    A64_PUT(bare, WINDING + 16, ADD_I(4, 4, 7));
    aarch64_ops.pc_set(bare->vcpu, WINDING);
    vcpu_run(bare->vcpu, &bare->exit);
    CHECK_EQ(bare->s->x[4], 7);
    a64_destroy(bare);
}

static const struct test_case cases[] = {
    {"counters", counters},
    {"timers", timers},
    {"wait_with_timeout", wait_with_timeout},
    {"event_stream", event_stream},
    {"events_of_monitors", events_of_monitors},
    {"instruction_counter", instruction_counter},
    {"overflow", overflow},
    {"overflow_at_el0", overflow_at_el0},
    {"access_counter", access_counter},
    {"chained_counters", chained_counters},
    {"required_events", required_events},
    {"cycle_counter", cycle_counter},
    {"os_lock", os_lock},
    {"breakpoints", breakpoints},
    {"watchpoints", watchpoints},
    {"software_step", software_step},
    {"debugger_steps", debugger_steps},
    {"debugger_watches", debugger_watches},
    {"registers", registers},
    {"save_and_load", save_and_load},
    {"slices", slices},
    {"winding_slices", winding_slices},
};
TEST_SUITE(a64_system_test, "unit", cases);
