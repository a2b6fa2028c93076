#include "cpu/aarch64/pmu.h"

#include "base/bits.h"
#include "cpu/aarch64/sysreg.h"
#include "cpu/aarch64/timer.h"

#define CYCLES 31u /* the cycle counter's number in bit masks */

/* Architected event numbers (D13.11.2). */
enum event_number {
    EVENT_SW_INCR = 0x00,
    EVENT_L1D_TLB_REFILL = 0x05,
    EVENT_INST_RETIRED = 0x08,
    EVENT_EXC_TAKEN = 0x09,
    EVENT_CPU_CYCLES = 0x11,
    EVENT_MEM_ACCESS = 0x13,
    EVENT_CHAIN = 0x1e,
    EVENT_STALL_FRONTEND = 0x23,
    EVENT_STALL_BACKEND = 0x24,
    EVENT_STALL = 0x3c,
};

#define FILTER_P        BIT(31) /* not at EL1 */
#define FILTER_U        BIT(30) /* not at EL0 */
#define FILTER_WRITABLE (FILTER_P | FILTER_U)

/* Counted time is moved after many instructions only. */
static bool cycle_is_instruction(const struct aarch64_core *c)
{
    return !c->vcpu.clock || clock_is_counted(c->vcpu.clock);
}

/* A cycle is a nanosecond: a CPU of 1 GHz, whose cycles pass with the machine's time; or an instruction. */
static uint64_t cycles(const struct aarch64_core *c)
{
    return cycle_is_instruction(c) ? c->vcpu.icount : clock_now(c->vcpu.clock);
}

static uint32_t counters_there(const struct aarch64_core *c)
{
    return (uint32_t)1 << CYCLES | (((uint32_t)1 << c->model.event_counters) - 1);
}

static uint64_t filter_of(const struct aarch64_core *c, unsigned n)
{
    return n == CYCLES ? c->s.pmccfiltr_el0 : c->s.pmevtyper_el0[n];
}

static unsigned event_of(const struct aarch64_core *c, unsigned n)
{
    return n == CYCLES ? EVENT_CPU_CYCLES : (unsigned)(c->s.pmevtyper_el0[n] & 0xffff);
}

static uint64_t *register_of(struct aarch64_core *c, unsigned n)
{
    return n == CYCLES ? &c->s.pmccntr_el0 : &c->s.pmevcntr_el0[n];
}

/* What counter n counts, as a number that only grows; one that stays as it is for events that happen to a
 * counter by themselves, and for stalls, of which there are none. False: an event there is not. */
static bool source(const struct aarch64_core *c, unsigned n, uint64_t *value)
{
    switch (event_of(c, n)) {
    case EVENT_CPU_CYCLES: *value = cycles(c); return true;
    case EVENT_INST_RETIRED: *value = c->vcpu.icount; return true;
    case EVENT_EXC_TAKEN: *value = c->counting.events[PMU_EVENT_EXCEPTION]; return true;
    case EVENT_L1D_TLB_REFILL: *value = c->counting.events[PMU_EVENT_REFILL]; return true;
    case EVENT_MEM_ACCESS: *value = c->counting.events[PMU_EVENT_ACCESS]; return true;
    case EVENT_SW_INCR:
    case EVENT_CHAIN:
    case EVENT_STALL_FRONTEND:
    case EVENT_STALL_BACKEND:
    case EVENT_STALL: *value = 0; return true;
    default: return false;
    }
}

static bool counts(const struct aarch64_core *c, unsigned n)
{
    uint64_t off = aarch64_el(c) == 1 ? FILTER_P : FILTER_U, value;
    return (c->s.pmcntenset_el0 >> n & 1) && !(filter_of(c, n) & off) && source(c, n, &value);
}

/* Event counters have 32 bits, or 64 with FEAT_PMUv3p5; when they overflow depends on LP and LC. */
static unsigned width_of(const struct aarch64_core *c, unsigned n)
{
    if (n == CYCLES)
        return c->s.pmcr_el0 & PMCR_LC ? 64 : 32;
    return aarch64_has(c, FEAT_PMU_V5) && (c->s.pmcr_el0 & PMCR_LP) ? 64 : 32;
}

static void output_update(struct aarch64_core *c)
{
    /* D13.3.1: whether the counter is enabled makes no difference. */
    bool level = (c->s.pmcr_el0 & PMCR_E) && (c->s.pmovsset_el0 & c->s.pmintenset_el1);
    aarch64_output_set(c, AARCH64_OUT_PMU, level, false);
}

/* Arm ARM, IncrementEventCounter(): how often an even counter goes past 32 bits is an event for the next. */
static bool is_chained(const struct aarch64_core *c, unsigned n)
{
    unsigned next = n + 1;
    return n % 2 == 0 && next < c->model.event_counters && width_of(c, n) == 32 &&
           event_of(c, next) == EVENT_CHAIN && counts(c, next);
}

static void add(struct aarch64_core *c, unsigned n, uint64_t amount)
{
    uint64_t *value = register_of(c, n), before = *value;
    unsigned width = width_of(c, n);
    bool narrow = n != CYCLES && !aarch64_has(c, FEAT_PMU_V5);
    *value = narrow ? (uint32_t)(before + amount) : before + amount;
    unsigned __int128 sum = (unsigned __int128)(width == 64 ? before : (uint32_t)before) + amount;
    if (!(sum >> width))
        return;
    c->s.pmovsset_el0 |= BIT(n);
    if (is_chained(c, n))
        add(c, n + 1, (uint64_t)(sum >> 32));
    output_update(c);
}

/* Move what was counted so far into the register. */
static void settle(struct aarch64_core *c, unsigned n)
{
    uint64_t now = 0;
    source(c, n, &now);
    uint64_t amount = now - c->counting.start[n];
    c->counting.start[n] = now;
    if (amount)
        add(c, n, amount);
}

static void settle_all(struct aarch64_core *c)
{
    for (uint32_t left = c->counting.active; left; left &= left - 1)
        settle(c, (unsigned)__builtin_ctz(left));
}

void aarch64_pmu_stop(struct aarch64_core *c)
{
    settle_all(c);
    c->counting.active = 0;
    c->counting.accesses = false;
}

void aarch64_pmu_start(struct aarch64_core *c)
{
    if (likely(!(c->s.pmcr_el0 & PMCR_E)) || !c->running)
        return;
    for (uint32_t left = (uint32_t)c->s.pmcntenset_el0; left; left &= left - 1) {
        unsigned n = (unsigned)__builtin_ctz(left);
        if (!counts(c, n))
            continue;
        c->counting.active |= (uint32_t)1 << n;
        c->counting.accesses |= event_of(c, n) == EVENT_MEM_ACCESS;
        source(c, n, &c->counting.start[n]);
    }
    /* So that the outer loop asks when the next one overflows. */
    if (c->counting.active)
        __atomic_store_n(&c->vcpu.limit, 0, __ATOMIC_SEQ_CST);
}

uint64_t aarch64_pmu_check(struct aarch64_core *c)
{
    uint64_t deadline = UINT64_MAX;
    for (uint32_t left = c->counting.active; left; left &= left - 1) {
        unsigned n = (unsigned)__builtin_ctz(left);
        settle(c, n);
        unsigned event = event_of(c, n);
        if (event != EVENT_INST_RETIRED && event != EVENT_CPU_CYCLES && event != EVENT_MEM_ACCESS)
            continue;
        uint64_t value = *register_of(c, n);
        uint64_t to_go = width_of(c, n) == 64 ? 0 - value : (uint32_t)(0 - (uint32_t)value);
        /* Cycles pass with time, which can't be foreseen in instructions: ask every now and then. */
        if (event == EVENT_CPU_CYCLES && !cycle_is_instruction(c))
            to_go = to_go / 16 + 1000;
        if (to_go && to_go < deadline - c->vcpu.icount)
            deadline = c->vcpu.icount + to_go;
    }
    return deadline;
}

void aarch64_pmu_event(struct aarch64_core *c, enum aarch64_pmu_event event)
{
    c->counting.events[event]++;
}

/* ---- registers ---- */

enum pmu_number {
    NUMBER_PMCR = A64_SYSREG(3, 3, 9, 12, 0),
    NUMBER_CNTENSET = A64_SYSREG(3, 3, 9, 12, 1),
    NUMBER_CNTENCLR = A64_SYSREG(3, 3, 9, 12, 2),
    NUMBER_OVSCLR = A64_SYSREG(3, 3, 9, 12, 3),
    NUMBER_SWINC = A64_SYSREG(3, 3, 9, 12, 4),
    NUMBER_SELR = A64_SYSREG(3, 3, 9, 12, 5),
    NUMBER_CCNTR = A64_SYSREG(3, 3, 9, 13, 0),
    NUMBER_XEVTYPER = A64_SYSREG(3, 3, 9, 13, 1),
    NUMBER_XEVCNTR = A64_SYSREG(3, 3, 9, 13, 2),
    NUMBER_OVSSET = A64_SYSREG(3, 3, 9, 14, 3),
    NUMBER_INTENSET = A64_SYSREG(3, 0, 9, 14, 1),
    NUMBER_INTENCLR = A64_SYSREG(3, 0, 9, 14, 2),
    NUMBER_CCFILTR = A64_SYSREG(3, 3, 14, 15, 7),
};

/* The counter a register is about: the selected one, or the one its number says. */
static unsigned counter_of(const struct aarch64_core *c, const struct aarch64_sysreg *r)
{
    bool selected = r->number == NUMBER_XEVTYPER || r->number == NUMBER_XEVCNTR;
    return selected ? (unsigned)c->s.pmselr_el0 : r->number & 7;
}

static bool is_type(const struct aarch64_sysreg *r)
{
    return r->number == NUMBER_XEVTYPER || (r->number >> 3 & 15) == 12;
}

static uint64_t pmcr(const struct aarch64_core *c)
{
    return (uint64_t)c->model.pmu << 16 | (uint64_t)c->model.event_counters << 11 | c->s.pmcr_el0;
}

SYSREG_READER(aarch64_read_pmu)
{
    switch (r->number) {
    case NUMBER_PMCR: return pmcr(c);
    case NUMBER_CNTENSET:
    case NUMBER_CNTENCLR: return c->s.pmcntenset_el0;
    case NUMBER_OVSCLR:
    case NUMBER_OVSSET: settle_all(c); return c->s.pmovsset_el0;
    case NUMBER_INTENSET:
    case NUMBER_INTENCLR: return c->s.pmintenset_el1;
    case NUMBER_SELR: return c->s.pmselr_el0;
    case NUMBER_CCFILTR: return c->s.pmccfiltr_el0;
    default: break;
    }
    unsigned n = r->number == NUMBER_CCNTR ? CYCLES : counter_of(c, r);
    if (!(counters_there(c) >> n & 1) || (n == CYCLES && r->number == NUMBER_XEVCNTR))
        return 0;
    if (is_type(r))
        return n == CYCLES ? c->s.pmccfiltr_el0 : c->s.pmevtyper_el0[n];
    settle_all(c);
    return *register_of(c, n);
}

static void write_control(struct aarch64_core *c, uint64_t value)
{
    uint64_t writable = PMCR_E | PMCR_D | PMCR_X | PMCR_DP | PMCR_LC;
    if (aarch64_has(c, FEAT_PMU_V5))
        writable |= PMCR_LP;
    c->s.pmcr_el0 = value & writable;
    if (value & PMCR_P)
        memset(c->s.pmevcntr_el0, 0, sizeof(c->s.pmevcntr_el0));
    if (value & PMCR_C)
        c->s.pmccntr_el0 = 0;
}

static void write_counter(struct aarch64_core *c, const struct aarch64_sysreg *r, uint64_t value)
{
    unsigned n = counter_of(c, r);
    if (!(counters_there(c) >> n & 1) || (n == CYCLES && r->number == NUMBER_XEVCNTR))
        return;
    if (!is_type(r))
        c->s.pmevcntr_el0[n] = aarch64_has(c, FEAT_PMU_V5) ? value : (uint32_t)value;
    else if (n == CYCLES)
        c->s.pmccfiltr_el0 = value & FILTER_WRITABLE;
    else
        c->s.pmevtyper_el0[n] = value & (FILTER_WRITABLE | (aarch64_has(c, FEAT_PMU_V1) ? 0xffff : 0x3ff));
}

static void software_increment(struct aarch64_core *c, uint64_t value)
{
    for (unsigned n = 0; n < c->model.event_counters; n++) {
        if ((value >> n & 1) && event_of(c, n) == EVENT_SW_INCR && counts(c, n) && (c->s.pmcr_el0 & PMCR_E))
            add(c, n, 1);
    }
}

SYSREG_WRITER(aarch64_write_pmu)
{
    uint32_t there = counters_there(c);
    aarch64_pmu_stop(c);
    switch (r->number) {
    case NUMBER_PMCR: write_control(c, value); break;
    case NUMBER_CNTENSET: c->s.pmcntenset_el0 |= value & there; break;
    case NUMBER_CNTENCLR: c->s.pmcntenset_el0 &= ~value; break;
    case NUMBER_OVSSET: c->s.pmovsset_el0 |= value & there; break;
    case NUMBER_OVSCLR: c->s.pmovsset_el0 &= ~value; break;
    case NUMBER_INTENSET: c->s.pmintenset_el1 |= value & there; break;
    case NUMBER_INTENCLR: c->s.pmintenset_el1 &= ~value; break;
    case NUMBER_SELR: c->s.pmselr_el0 = value & 31; break;
    case NUMBER_SWINC: software_increment(c, value); break;
    case NUMBER_CCNTR: c->s.pmccntr_el0 = value; break;
    case NUMBER_CCFILTR: c->s.pmccfiltr_el0 = value & FILTER_WRITABLE; break;
    default: write_counter(c, r, value); break;
    }
    output_update(c);
    aarch64_pmu_start(c);
    /* Blocks are other ones if they are to count. */
    aarch64_resync(c);
    __atomic_store_n(&c->vcpu.limit, 0, __ATOMIC_SEQ_CST);
    return true;
}

SYSREG_READER(aarch64_read_pmceid)
{
    uint64_t low = BIT(EVENT_SW_INCR) | BIT(EVENT_L1D_TLB_REFILL) | BIT(EVENT_INST_RETIRED) |
                   BIT(EVENT_EXC_TAKEN) | BIT(EVENT_CPU_CYCLES) | BIT(EVENT_MEM_ACCESS) | BIT(EVENT_CHAIN);
    uint64_t high = 0;
    if (aarch64_has(c, FEAT_PMU_V1))
        high |= BIT(EVENT_STALL_FRONTEND - 32) | BIT(EVENT_STALL_BACKEND - 32);
    if (aarch64_has(c, FEAT_PMU_V4))
        high |= BIT(EVENT_STALL - 32);
    return (r->number & 7) == 6 ? low : high;
}
