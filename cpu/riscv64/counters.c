/*
 * Counters: mcycle, minstret and the 29 programmable ones. A counter that counts is a difference of a source
 * (retired instructions, or a number of events), so that counting costs nothing; the registers are settled
 * when something changes that decides about counting, and when run() returns.
 *
 * A cycle is a retired instruction: time passes in `time`, not here.
 */
#include "cpu/riscv64/counters.h"

#include "cpu/riscv64/hart.h"

#define SOURCE_NONE    255
#define SOURCE_RETIRED 254 /* else an enum riscv_event */

/* The selectors of mhpmevent. The board's device tree and SBI's hardware events use the same numbers; from
 * 0x100000 on they are this core's own. */
static uint8_t source_of_selector(uint64_t selector)
{
    switch (selector) {
    case RISCV_EVENT_CYCLES:
    case RISCV_EVENT_INSTRUCTIONS: return SOURCE_RETIRED;
    case RISCV_EVENT_DTLB_READ_MISS: return EVENT_LOAD_MISS;
    case RISCV_EVENT_DTLB_WRITE_MISS: return EVENT_STORE_MISS;
    case RISCV_EVENT_ITLB_READ_MISS: return EVENT_FETCH_MISS;
    case RISCV_EVENT_EXCEPTIONS: return EVENT_EXCEPTION;
    case RISCV_EVENT_INTERRUPTS: return EVENT_INTERRUPT;
    default: return SOURCE_NONE;
    }
}

static uint64_t *counter_register(struct riscv_core *c, unsigned n)
{
    switch (n) {
    case 0: return &c->s.mcycle;
    case 2: return &c->s.minstret;
    default: return &c->s.mhpmcounter[n - 3];
    }
}

/* The register that says in which modes counter n doesn't count. */
static uint64_t filter_of(const struct riscv_core *c, unsigned n)
{
    switch (n) {
    case 0: return c->s.mcyclecfg;
    case 2: return c->s.minstretcfg;
    default: return c->s.mhpmevent[n - 3];
    }
}

static uint8_t source_of(const struct riscv_core *c, unsigned n)
{
    return n < 3 ? SOURCE_RETIRED : source_of_selector(c->s.mhpmevent[n - 3] & HPMEVENT_SELECTOR);
}

static uint64_t source_value(const struct riscv_core *c, unsigned n, uint64_t icount)
{
    uint8_t source = source_of(c, n);
    return source == SOURCE_RETIRED ? icount : c->events[source];
}

/* Whether counter n counts in the present mode. */
static bool counts(const struct riscv_core *c, unsigned n)
{
    static const uint64_t inhibit[4] = {
        [PRIV_U] = HPMEVENT_UINH, [PRIV_S] = HPMEVENT_SINH, [PRIV_M] = HPMEVENT_MINH};
    return n != 1 && !(c->s.mcountinhibit >> n & 1) && !(filter_of(c, n) & inhibit[c->s.privilege]) &&
           source_of(c, n) != SOURCE_NONE;
}

/* A programmable counter wrapped: remember it, and ask for an interrupt unless one was asked for already
 * (Sscofpmf). */
static void overflow(struct riscv_core *c, unsigned n)
{
    if (n < 3 || !riscv_has(c, EXT_SSCOFPMF) || (c->s.mhpmevent[n - 3] & HPMEVENT_OF))
        return;
    c->s.mhpmevent[n - 3] |= HPMEVENT_OF;
    riscv_mip_change(c, BIT(INT_LCOF), 0);
    riscv_resync(c);
}

/* Move what was counted so far into the register. */
static void settle(struct riscv_core *c, unsigned n)
{
    uint64_t now = source_value(c, n, c->vcpu.icount), *value = counter_register(c, n);
    uint64_t before = *value;
    *value += now - c->counter_start[n];
    c->counter_start[n] = now;
    if (*value < before)
        overflow(c, n);
}

void riscv_counters_stop(struct riscv_core *c)
{
    for (uint32_t left = c->counting; left; left &= left - 1)
        settle(c, (unsigned)__builtin_ctz(left));
    c->counting = 0;
}

void riscv_counters_start(struct riscv_core *c)
{
    /* Most of the time nothing is selected, and privilege changes should be cheap. */
    uint32_t candidates = 5 | (c->hpm_selected & ~(uint32_t)7);
    for (uint32_t left = candidates; left; left &= left - 1) {
        unsigned n = (unsigned)__builtin_ctz(left);
        if (!counts(c, n))
            continue;
        c->counting |= (uint32_t)1 << n;
        c->counter_start[n] = source_value(c, n, c->vcpu.icount);
    }
}

uint64_t riscv_counter_get(struct riscv_core *c, unsigned n, uint64_t icount)
{
    uint64_t value = *counter_register(c, n);
    if (c->counting >> n & 1)
        value += source_value(c, n, icount) - c->counter_start[n];
    return value;
}

void riscv_counter_set(struct riscv_core *c, unsigned n, uint64_t value)
{
    *counter_register(c, n) = value;
    if (c->counting >> n & 1)
        c->counter_start[n] = source_value(c, n, c->vcpu.icount);
}

void riscv_counters_select(struct riscv_core *c)
{
    const uint64_t filters = HPMEVENT_MINH | HPMEVENT_SINH | HPMEVENT_UINH;
    c->hpm_selected = 0;
    c->counters_filtered = (c->s.mcyclecfg | c->s.minstretcfg) & filters;
    for (unsigned n = 3; n < RISCV_COUNTERS; n++) {
        if (source_of(c, n) != SOURCE_NONE)
            c->hpm_selected |= (uint32_t)1 << n;
        c->counters_filtered |= (c->s.mhpmevent[n - 3] & filters) != 0;
    }
}

uint64_t riscv_counters_check(struct riscv_core *c)
{
    uint64_t deadline = UINT64_MAX;
    for (uint32_t left = c->counting & ~(uint32_t)7; left; left &= left - 1) {
        unsigned n = (unsigned)__builtin_ctz(left);
        settle(c, n);
        uint64_t to_go = 0 - *counter_register(c, n); /* 0 stands for 2^64 */
        if (source_of(c, n) == SOURCE_RETIRED && to_go && to_go < deadline - c->vcpu.icount)
            deadline = c->vcpu.icount + to_go;
    }
    return deadline;
}

void riscv_event(struct riscv_core *c, enum riscv_event event)
{
    c->events[event]++;
    for (uint32_t left = c->counting & ~(uint32_t)7; left; left &= left - 1) {
        unsigned n = (unsigned)__builtin_ctz(left);
        if (source_of(c, n) == event)
            settle(c, n);
    }
}

uint32_t riscv_counters_overflowed(const struct riscv_core *c)
{
    uint32_t overflowed = 0;
    for (unsigned n = 3; n < RISCV_COUNTERS; n++) {
        if (c->s.mhpmevent[n - 3] & HPMEVENT_OF)
            overflowed |= (uint32_t)1 << n;
    }
    return overflowed;
}
