/* Traps: where they go, what they leave in the registers, which interrupt is first, and the way back. */
#include "base/trace.h"
#include "cpu/riscv64/hart.h"
#include "cpu/riscv64/mmu.h"

static const char *const exception_names[16] = {
    [EXC_FETCH_MISALIGNED] = "instruction address misaligned",
    [EXC_FETCH_ACCESS] = "instruction access fault",
    [EXC_ILLEGAL] = "illegal instruction",
    [EXC_BREAKPOINT] = "breakpoint",
    [EXC_LOAD_MISALIGNED] = "load address misaligned",
    [EXC_LOAD_ACCESS] = "load access fault",
    [EXC_STORE_MISALIGNED] = "store address misaligned",
    [EXC_STORE_ACCESS] = "store access fault",
    [EXC_ECALL_U] = "ecall from U",
    [EXC_ECALL_S] = "ecall from S",
    [EXC_ECALL_M] = "ecall from M",
    [EXC_FETCH_PAGE] = "instruction page fault",
    [EXC_LOAD_PAGE] = "load page fault",
    [EXC_STORE_PAGE] = "store page fault",
};

static const char *const interrupt_names[16] = {
    [INT_SSI] = "supervisor software interrupt", [INT_MSI] = "machine software interrupt",
    [INT_STI] = "supervisor timer interrupt",    [INT_MTI] = "machine timer interrupt",
    [INT_SEI] = "supervisor external interrupt", [INT_MEI] = "machine external interrupt",
    [INT_LCOF] = "counter overflow interrupt",
};

/* Directly, or by cause for interrupts when the mode says vectored (Priv. 3.1.7). */
static uint64_t vector(uint64_t tvec, uint64_t cause)
{
    uint64_t base = tvec & ~(uint64_t)3;
    bool vectored = (tvec & 3) == 1 && (cause & CAUSE_INTERRUPT);
    return vectored ? base + 4 * (cause & ~CAUSE_INTERRUPT) : base;
}

void riscv_privilege_set(struct riscv_core *c, enum riscv_privilege privilege)
{
    if (c->s.privilege == privilege)
        return;
    bool filtered = c->counters_filtered && c->running;
    if (filtered)
        riscv_counters_stop(c);
    c->s.privilege = privilege;
    if (filtered)
        riscv_counters_start(c);
    riscv_resync(c);
}

static void enter_supervisor(struct riscv_core *c, uint64_t cause, uint64_t tval)
{
    struct riscv_state *s = &c->s;
    s->scause = cause;
    s->sepc = s->pc;
    s->stval = tval;
    uint64_t status = s->mstatus & ~(MSTATUS_SPIE | MSTATUS_SIE | MSTATUS_SPP);
    if (s->mstatus & MSTATUS_SIE)
        status |= MSTATUS_SPIE;
    if (s->privilege == PRIV_S)
        status |= MSTATUS_SPP;
    s->mstatus = status;
    s->pc = vector(s->stvec, cause);
    riscv_privilege_set(c, PRIV_S);
}

static void enter_machine(struct riscv_core *c, uint64_t cause, uint64_t tval)
{
    struct riscv_state *s = &c->s;
    s->mcause = cause;
    s->mepc = s->pc;
    s->mtval = tval;
    uint64_t status = s->mstatus & ~(MSTATUS_MPIE | MSTATUS_MIE | MSTATUS_MPP);
    if (s->mstatus & MSTATUS_MIE)
        status |= MSTATUS_MPIE;
    s->mstatus = status | (uint64_t)s->privilege << MSTATUS_MPP_SHIFT;
    s->pc = vector(s->mtvec, cause);
    riscv_privilege_set(c, PRIV_M);
}

void riscv_trap(struct riscv_core *c, uint64_t cause, uint64_t tval)
{
    bool interrupt = cause & CAUSE_INTERRUPT;
    uint64_t code = cause & ~CAUSE_INTERRUPT;
    if (trace_on(TRACE_EXC)) {
        const char *name = (interrupt ? interrupt_names : exception_names)[code & 15];
        trace_line(TRACE_EXC, (int)c->vcpu.index, "%s (%llu), pc %#llx, tval %#llx, from %c", name,
                   (unsigned long long)code, (unsigned long long)c->s.pc, (unsigned long long)tval,
                   "US?M"[c->s.privilege]);
    }
    vcpu_exit_count(&c->vcpu, interrupt ? EXIT_INTERRUPT : EXIT_EXCEPTION);
    riscv_event(c, interrupt ? EVENT_INTERRUPT : EVENT_EXCEPTION);
    if (!interrupt)
        vcpu_slice_shorten(&c->vcpu);
    uint64_t delegated = interrupt ? c->s.mideleg : c->s.medeleg;
    if (c->s.privilege != PRIV_M && (delegated >> code & 1))
        enter_supervisor(c, cause, tval);
    else
        enter_machine(c, cause, tval);
    riscv_resync(c); /* MPP and MPRV count for data */
}

void riscv_trap_return(struct riscv_core *c, enum riscv_privilege from)
{
    struct riscv_state *s = &c->s;
    enum riscv_privilege to;
    uint64_t status = s->mstatus;
    if (from == PRIV_M) {
        to = (enum riscv_privilege)(status >> MSTATUS_MPP_SHIFT & 3);
        status &= ~(MSTATUS_MIE | MSTATUS_MPP);
        status |= (status & MSTATUS_MPIE ? MSTATUS_MIE : 0) | MSTATUS_MPIE;
        s->pc = s->mepc;
    } else {
        to = status & MSTATUS_SPP ? PRIV_S : PRIV_U;
        status &= ~(MSTATUS_SIE | MSTATUS_SPP);
        status |= (status & MSTATUS_SPIE ? MSTATUS_SIE : 0) | MSTATUS_SPIE;
        s->pc = s->sepc;
    }
    if (to != PRIV_M)
        status &= ~MSTATUS_MPRV;
    s->mstatus = status;
    riscv_privilege_set(c, to);
    riscv_resync(c);
    if (trace_on(TRACE_EXC))
        trace_line(TRACE_EXC, (int)c->vcpu.index, "%cret to %c, pc %#llx", from == PRIV_M ? 'm' : 's',
                   "US?M"[to], (unsigned long long)s -> pc);
}

/* ---- interrupts ---- */

/* Whether mip.STIP is the comparison of `time` with stimecmp: by Sstc, or because the board's SBI uses it so.
 */
static bool compares(const struct riscv_core *c)
{
    return c->hypercalls || (c->s.menvcfg & ENVCFG_STCE);
}

bool riscv_timer_look(struct riscv_core *c)
{
    bool due = compares(c) && riscv_time(c->vcpu.clock) >= __atomic_load_n(&c->s.stimecmp, __ATOMIC_SEQ_CST);
    if (due)
        __atomic_store_n(&c->timer_due, 1, __ATOMIC_SEQ_CST);
    return due;
}

/*
 * Whether stimecmp has been reached. The clock is only read when its timer has said so: that may have been
 * for a deadline that has moved since. Clearing comes before looking, so that a timer that fires now isn't
 * forgotten.
 */
static bool timer_pending(struct riscv_core *c)
{
    if (!__atomic_load_n(&c->timer_due, __ATOMIC_SEQ_CST))
        return false;
    __atomic_store_n(&c->timer_due, 0, __ATOMIC_SEQ_CST);
    return riscv_timer_look(c);
}

uint64_t riscv_mip(struct riscv_core *c)
{
    static const uint8_t line_bits[RISCV_LINES] = {
        [RISCV_LINE_MSI] = INT_MSI, [RISCV_LINE_MTI] = INT_MTI, [RISCV_LINE_MEI] = INT_MEI,
        [RISCV_LINE_SEI] = INT_SEI, [RISCV_LINE_STI] = INT_STI,
    };
    uint64_t mip = __atomic_load_n(&c->s.mip, __ATOMIC_SEQ_CST);
    uint32_t lines = __atomic_load_n(&c->lines, __ATOMIC_SEQ_CST);
    for (unsigned line = 0; line < RISCV_LINES; line++) {
        if (lines >> line & 1)
            mip |= BIT(line_bits[line]);
    }
    if (compares(c)) {
        /* Then the bit is that and nothing else. */
        mip &= ~BIT(INT_STI);
        if (timer_pending(c))
            mip |= BIT(INT_STI);
    }
    return mip;
}

void riscv_mip_change(struct riscv_core *c, uint64_t set, uint64_t clear)
{
    __atomic_fetch_or(&c->s.mip, set, __ATOMIC_SEQ_CST);
    __atomic_fetch_and(&c->s.mip, ~clear, __ATOMIC_SEQ_CST);
}

/* The first of these interrupts (Priv. 3.1.9): external, software, timer; machine before supervisor; counter
 * overflow last. */
static unsigned first_of(uint64_t pending)
{
    static const uint8_t order[] = {INT_MEI, INT_MSI, INT_MTI, INT_SEI, INT_SSI, INT_STI};
    for (unsigned n = 0; n < ARRAY_LEN(order); n++) {
        if (pending >> order[n] & 1)
            return order[n];
    }
    return INT_LCOF;
}

bool riscv_interrupt(struct riscv_core *c)
{
    const struct riscv_state *s = &c->s;
    uint64_t pending = riscv_mip(c) & s->mie;
    if (!pending)
        return false;
    bool machine = s->privilege != PRIV_M || (s->mstatus & MSTATUS_MIE);
    bool supervisor = s->privilege == PRIV_U || (s->privilege == PRIV_S && (s->mstatus & MSTATUS_SIE));
    uint64_t takeable = machine ? pending & ~s->mideleg : 0;
    if (!takeable && supervisor)
        takeable = pending & s->mideleg;
    if (!takeable)
        return false;
    riscv_trap(c, CAUSE_INTERRUPT | first_of(takeable), 0);
    return true;
}

void riscv_timer_arm(struct riscv_core *c)
{
    uint64_t deadline = CLOCK_NEVER, ticks = __atomic_load_n(&c->s.stimecmp, __ATOMIC_RELAXED);
    const uint64_t tick = 1000000000u / RISCV_TIMEBASE_HZ;
    if (compares(c) && ticks <= (CLOCK_NEVER - 1) / tick)
        deadline = ticks * tick;
    if (c->timer)
        clock_timer_set(c->timer, deadline);
    riscv_timer_look(c);
    riscv_resync(c);
}

uint64_t riscv_time(struct clock *clock)
{
    return clock ? clock_now(clock) / (1000000000u / RISCV_TIMEBASE_HZ) : 0;
}
