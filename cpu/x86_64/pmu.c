#include "cpu/x86_64/pmu.h"

#include "base/bits.h"

#define WIDTH 48
#define MASK  (BIT(WIDTH) - 1)

#define EVENT_CYCLES  0x003cu
#define EVENT_RETIRED 0x00c0u
#define EVTSEL_USR    BIT(16)
#define EVTSEL_OS     BIT(17)
#define EVTSEL_INT    BIT(20)
#define EVTSEL_EN     BIT(22)
#define EVTSEL_INV    BIT(23)
#define EVTSEL_CMASK  24
#define EVTSEL_VALID  0xffffffffu

#define FIXED_VALID  0xbbbu
#define GLOBAL_VALID (0x700000000u | ((1u << X86_PMCS) - 1))
#define GLOBAL_FIXED 32 /* the first fixed counter's bit in the global registers */

/* The first of each kind of MSR. */
enum {
    MSR_PMC = 0x0c1,
    MSR_SELECT = 0x186,
    MSR_FIXED = 0x309,
    MSR_FIXED_CTRL = 0x38d,
    MSR_GLOBAL_STATUS = 0x38e,
    MSR_GLOBAL_CTRL = 0x38f,
    MSR_GLOBAL_OVF_CTRL = 0x390,
};

/* Here the fixed counters come behind the others. */
#define COUNTERS (X86_PMCS + X86_FIXED_PMCS)

static bool is_fixed(unsigned n)
{
    return n >= X86_PMCS;
}

static uint64_t global_bit(unsigned n)
{
    return is_fixed(n) ? BIT(GLOBAL_FIXED + n - X86_PMCS) : BIT(n);
}

static unsigned fixed_control(const struct x86_core *c, unsigned n)
{
    return c->s.fixed_ctr_ctrl >> (4 * (n - X86_PMCS)) & 0xf;
}

static uint64_t *counter(struct x86_core *c, unsigned n)
{
    return is_fixed(n) ? &c->s.fixed_pmc[n - X86_PMCS] : &c->s.pmc[n];
}

/* Every cycle has one event: a counter mask above 1 is never met, and so INV always. */
static bool cmask_passes(uint64_t select)
{
    unsigned cmask = select >> EVTSEL_CMASK & 0xff;
    return !cmask || (cmask > 1) == !!(select & EVTSEL_INV);
}

static bool counts(const struct x86_core *c, unsigned n)
{
    if (!(c->s.perf_global_ctrl & global_bit(n)))
        return false;
    if (is_fixed(n))
        return fixed_control(c, n) & 3;
    uint64_t select = c->s.perf_event_select[n];
    uint32_t event = select & 0xffff;
    return select & EVTSEL_EN && select & (EVTSEL_USR | EVTSEL_OS) && cmask_passes(select) &&
           (event == EVENT_CYCLES || event == EVENT_RETIRED);
}

static bool interrupts(const struct x86_core *c, unsigned n)
{
    return is_fixed(n) ? fixed_control(c, n) & 8 : c->s.perf_event_select[n] & EVTSEL_INT;
}

/* While one counts, its register holds what it lacks to the count of instructions. */
static void counters_shift(struct x86_core *c, uint64_t by)
{
    for (unsigned n = 0; n < COUNTERS; n++)
        *counter(c, n) += counts(c, n) ? by : 0;
}

uint64_t x86_pmu_check(struct x86_core *c)
{
    uint64_t next = UINT64_MAX;
    bool interrupt = false;
    for (unsigned n = 0; n < COUNTERS && c->s.perf_global_ctrl; n++) {
        uint64_t *held = counter(c, n);
        if (!counts(c, n))
            continue;
        if (*held + c->vcpu.icount > MASK) {
            *held -= MASK + 1;
            c->s.perf_global_status |= global_bit(n);
            interrupt |= interrupts(c, n);
        }
        uint64_t full = c->vcpu.icount + (MASK + 1 - (*held + c->vcpu.icount));
        next = full < next ? full : next;
    }
    if (interrupt && c->hooks.performance_interrupt)
        c->hooks.performance_interrupt(c->hooks.opaque);
    return next;
}

static void counters_stop(struct x86_core *c)
{
    x86_pmu_check(c);
    counters_shift(c, c->vcpu.icount);
}

static void counters_start(struct x86_core *c)
{
    counters_shift(c, 0 - c->vcpu.icount);
    vcpu_limit_lower(&c->vcpu, x86_pmu_check(c));
}

static uint64_t counter_read(const struct x86_core *c, unsigned n)
{
    uint64_t held = is_fixed(n) ? c->s.fixed_pmc[n - X86_PMCS] : c->s.pmc[n];
    return (held + (counts(c, n) ? c->vcpu.icount : 0)) & MASK;
}

/* Which counter an MSR is; COUNTERS: none. */
static unsigned counter_of(uint32_t number)
{
    if (number >= MSR_PMC && number < MSR_PMC + X86_PMCS)
        return number - MSR_PMC;
    if (number >= MSR_FIXED && number < MSR_FIXED + X86_FIXED_PMCS)
        return number - MSR_FIXED + X86_PMCS;
    return COUNTERS;
}

bool x86_pmu_read(struct x86_core *c, uint32_t number, uint64_t *value)
{
    if (counter_of(number) < COUNTERS) {
        *value = counter_read(c, counter_of(number));
        return true;
    }
    switch (number) {
    case MSR_FIXED_CTRL: *value = c->s.fixed_ctr_ctrl; break;
    case MSR_GLOBAL_STATUS: *value = c->s.perf_global_status; break;
    case MSR_GLOBAL_CTRL: *value = c->s.perf_global_ctrl; break;
    case MSR_GLOBAL_OVF_CTRL: *value = 0; break;
    default: *value = c->s.perf_event_select[number - MSR_SELECT];
    }
    return true;
}

/* Of the programmable counters the low half is written, and extends its sign (20.2.8). */
static uint64_t counter_written(unsigned n, uint64_t value)
{
    return (is_fixed(n) ? value : (uint64_t)(int64_t)(int32_t)value) & MASK;
}

static uint64_t valid_bits(uint32_t number)
{
    switch (number) {
    case MSR_FIXED_CTRL: return FIXED_VALID;
    case MSR_GLOBAL_CTRL: return GLOBAL_VALID;
    case MSR_GLOBAL_OVF_CTRL: return ~(uint64_t)0;
    default: return counter_of(number) < COUNTERS ? ~(uint64_t)0 : EVTSEL_VALID;
    }
}

bool x86_pmu_write(struct x86_core *c, uint32_t number, uint64_t value)
{
    unsigned n = counter_of(number);
    if (value & ~valid_bits(number))
        return false;
    counters_stop(c);
    if (n < COUNTERS)
        *counter(c, n) = counter_written(n, value);
    else if (number == MSR_FIXED_CTRL)
        c->s.fixed_ctr_ctrl = value;
    else if (number == MSR_GLOBAL_CTRL)
        c->s.perf_global_ctrl = value;
    else if (number == MSR_GLOBAL_OVF_CTRL)
        c->s.perf_global_status &= ~value;
    else
        c->s.perf_event_select[number - MSR_SELECT] = value;
    counters_start(c);
    return true;
}

bool x86_pmu_rdpmc(const struct x86_core *c, uint32_t number, uint64_t *value)
{
    bool fixed = number >> 30 & 1;
    unsigned n = number & 0x3fffffff;
    if (!x86_has(c, FEAT_PMU) || number >> 31 || n >= (fixed ? X86_FIXED_PMCS : X86_PMCS))
        return false;
    *value = counter_read(c, fixed ? n + X86_PMCS : n);
    return true;
}
