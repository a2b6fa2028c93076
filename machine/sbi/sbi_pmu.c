/*
 * Performance counters (SBI 2.0, chapter 11). Logical counters 0 and 2 to 31 are the hart's own of that
 * number (1 would be time, which is none); those after them count firmware events.
 */
#include "machine/sbi/sbi_private.h"

#define CSR_MCYCLE        0xb00
#define CSR_CYCLE         0xc00
#define CSR_MCOUNTINHIBIT 0x320
#define CSR_MHPMEVENT     0x320 /* + n, from 3 on */

#define COUNTER_CYCLE    0
#define COUNTER_TIME     1
#define COUNTER_INSTRET  2
#define COUNTER_HPM      3
#define COUNTER_FIRMWARE 32
#define COUNTER_COUNT    (COUNTER_FIRMWARE + SBI_FIRMWARE_COUNTERS)

/* Event identifiers: type in bits 16 to 19, code below. The core's selectors are the same numbers. */
#define EVENT_CPU_CYCLES    1
#define EVENT_INSTRUCTIONS  2
#define EVENT_TYPE_HARDWARE 0
#define EVENT_TYPE_CACHE    1
#define EVENT_TYPE_RAW      2
#define EVENT_TYPE_FIRMWARE 15

#define INFO_WIDTH_64 (63u << 12)
#define INFO_FIRMWARE ((uint64_t)1 << 63)

#define CONFIG_SKIP_MATCH  0x01u
#define CONFIG_CLEAR_VALUE 0x02u
#define CONFIG_AUTO_START  0x04u
#define CONFIG_SET_UINH    0x20u
#define CONFIG_SET_SINH    0x40u
#define CONFIG_SET_MINH    0x80u
#define START_SET_VALUE    0x01u
#define START_SNAPSHOT     0x02u
#define STOP_RESET         0x01u
#define STOP_SNAPSHOT      0x02u

static bool is_firmware(unsigned counter)
{
    return counter >= COUNTER_FIRMWARE;
}

static bool is_counter(uint64_t counter)
{
    return counter < COUNTER_COUNT && counter != COUNTER_TIME;
}

static struct sbi_result counter_info(uint64_t counter)
{
    if (!is_counter(counter))
        return sbi_fail(SBI_ERR_INVALID_PARAM);
    return sbi_return(is_firmware((unsigned)counter) ? INFO_FIRMWARE : (CSR_CYCLE + counter) | INFO_WIDTH_64);
}

/* --- one logical counter, whichever kind it is --- */

static bool counter_running(struct sbi_hart *hart, unsigned counter)
{
    if (!is_firmware(counter))
        return !(sbi_csr_get(hart->vcpu, CSR_MCOUNTINHIBIT) >> counter & 1);
    return hart->counters[counter - COUNTER_FIRMWARE].running;
}

static uint64_t firmware_value(struct sbi_hart *hart, unsigned counter)
{
    const struct sbi_counter *c = &hart->counters[counter - COUNTER_FIRMWARE];
    uint64_t events = __atomic_load_n(&hart->events[c->event], __ATOMIC_RELAXED);
    return c->running ? events - c->value : c->value;
}

static void counter_set(struct sbi_hart *hart, unsigned counter, uint64_t value)
{
    if (!is_firmware(counter)) {
        sbi_csr_set(hart->vcpu, CSR_MCYCLE + counter, value);
        return;
    }
    struct sbi_counter *c = &hart->counters[counter - COUNTER_FIRMWARE];
    c->value = c->running ? __atomic_load_n(&hart->events[c->event], __ATOMIC_RELAXED) - value : value;
}

static void counter_run(struct sbi_hart *hart, unsigned counter, bool run)
{
    if (is_firmware(counter)) {
        uint64_t value = firmware_value(hart, counter);
        hart->counters[counter - COUNTER_FIRMWARE].running = run;
        counter_set(hart, counter, value);
        return;
    }
    /* A counter that starts may overflow again. */
    if (run && counter >= COUNTER_HPM)
        sbi_csr_set(hart->vcpu, CSR_MHPMEVENT + counter,
                    sbi_csr_get(hart->vcpu, CSR_MHPMEVENT + counter) & ~HPMEVENT_OF);
    uint64_t inhibit = sbi_csr_get(hart->vcpu, CSR_MCOUNTINHIBIT), bit = (uint64_t)1 << counter;
    sbi_csr_set(hart->vcpu, CSR_MCOUNTINHIBIT, run ? inhibit & ~bit : inhibit | bit);
}

static void counter_release(struct sbi_hart *hart, unsigned counter)
{
    hart->counters_taken &= ~((uint64_t)1 << counter);
    if (!is_firmware(counter) && counter >= COUNTER_HPM)
        sbi_csr_set(hart->vcpu, CSR_MHPMEVENT + counter, 0);
}

/* --- the calls --- */

/* Whether (base, mask) names counters, and only those there are. */
static bool set_valid(uint64_t base, uint64_t mask)
{
    if (mask == 0)
        return false;
    for (unsigned i = 0; i < 64; i++) {
        if (mask >> i & 1 && (base >= COUNTER_COUNT || !is_counter(base + i)))
            return false;
    }
    return true;
}

/* The selector an event has in the hart's programmable counters; 0: none counts it. */
static uint64_t event_selector(uint64_t event, uint64_t data)
{
    switch (event) {
    case EVENT_CPU_CYCLES: return RISCV_EVENT_CYCLES;
    case EVENT_INSTRUCTIONS: return RISCV_EVENT_INSTRUCTIONS;
    case RISCV_EVENT_DTLB_READ_MISS:
    case RISCV_EVENT_DTLB_WRITE_MISS:
    case RISCV_EVENT_ITLB_READ_MISS: return event;
    case EVENT_TYPE_RAW << 16: return data & HPMEVENT_SELECTOR;
    default: return 0;
    }
}

static bool counter_suits(unsigned counter, uint64_t event, uint64_t selector)
{
    if (event >> 16 == EVENT_TYPE_FIRMWARE)
        return is_firmware(counter) && (event & 0xffff) < SBI_EVENTS;
    if (counter == COUNTER_CYCLE)
        return event == EVENT_CPU_CYCLES;
    if (counter == COUNTER_INSTRET)
        return event == EVENT_INSTRUCTIONS;
    return !is_firmware(counter) && selector;
}

/* A counter of the set that is free and can count the event; -1: none. */
static int counter_match(const struct sbi_hart *hart, uint64_t base, uint64_t mask, uint64_t event,
                         uint64_t selector)
{
    for (unsigned i = 0; i < 64; i++) {
        unsigned counter = (unsigned)base + i;
        if (mask >> i & 1 && !(hart->counters_taken >> counter & 1) &&
            counter_suits(counter, event, selector))
            return (int)counter;
    }
    return -1;
}

static void counter_configure(struct sbi_hart *hart, unsigned counter, uint64_t event, uint64_t selector,
                              uint64_t flags)
{
    hart->counters_taken |= (uint64_t)1 << counter;
    if (is_firmware(counter)) {
        hart->counters[counter - COUNTER_FIRMWARE].event = (uint8_t)event;
    } else if (counter >= COUNTER_HPM) {
        selector |= flags & CONFIG_SET_UINH ? HPMEVENT_UINH : 0;
        selector |= flags & CONFIG_SET_SINH ? HPMEVENT_SINH : 0;
        selector |= flags & CONFIG_SET_MINH ? HPMEVENT_MINH : 0;
        sbi_csr_set(hart->vcpu, CSR_MHPMEVENT + counter, selector);
    }
}

static struct sbi_result config_matching(struct sbi_args *call)
{
    struct sbi_hart *hart = call->hart;
    uint64_t base = call->a[0], mask = call->a[1], flags = call->a[2], event = call->a[3];
    int counter;
    if (!set_valid(base, mask))
        return sbi_fail(SBI_ERR_INVALID_PARAM);
    if (flags & CONFIG_SKIP_MATCH) {
        counter = (int)base + __builtin_ctzll(mask);
    } else {
        uint64_t selector = event_selector(event, call->a[4]);
        counter = counter_match(hart, base, mask, event, selector);
        if (counter < 0)
            return sbi_fail(SBI_ERR_NOT_SUPPORTED);
        counter_configure(hart, (unsigned)counter, event, selector, flags);
    }
    if (flags & CONFIG_CLEAR_VALUE)
        counter_set(hart, (unsigned)counter, 0);
    if (flags & CONFIG_AUTO_START)
        counter_run(hart, (unsigned)counter, true);
    return sbi_return((uint64_t)counter);
}

static struct sbi_result start_call(struct sbi_args *call)
{
    uint64_t base = call->a[0], mask = call->a[1];
    bool started = false;
    if (!set_valid(base, mask))
        return sbi_fail(SBI_ERR_INVALID_PARAM);
    if (call->a[2] & START_SNAPSHOT)
        return sbi_fail(SBI_ERR_NO_SHMEM);
    for (unsigned i = 0; i < 64; i++) {
        unsigned counter = (unsigned)base + i;
        if (!(mask >> i & 1))
            continue;
        if (call->a[2] & START_SET_VALUE)
            counter_set(call->hart, counter, call->a[3]);
        started |= counter_running(call->hart, counter);
        counter_run(call->hart, counter, true);
    }
    return started ? sbi_fail(SBI_ERR_ALREADY_STARTED) : sbi_return(0);
}

static struct sbi_result stop_call(struct sbi_args *call)
{
    uint64_t base = call->a[0], mask = call->a[1];
    bool stopped = false;
    if (!set_valid(base, mask))
        return sbi_fail(SBI_ERR_INVALID_PARAM);
    if (call->a[2] & STOP_SNAPSHOT)
        return sbi_fail(SBI_ERR_NO_SHMEM);
    for (unsigned i = 0; i < 64; i++) {
        unsigned counter = (unsigned)base + i;
        if (!(mask >> i & 1))
            continue;
        stopped |= !counter_running(call->hart, counter);
        counter_run(call->hart, counter, false);
        if (call->a[2] & STOP_RESET)
            counter_release(call->hart, counter);
    }
    return stopped ? sbi_fail(SBI_ERR_ALREADY_STOPPED) : sbi_return(0);
}

static struct sbi_result firmware_read(struct sbi_args *call)
{
    uint64_t counter = call->a[0];
    if (!is_counter(counter) || !is_firmware((unsigned)counter))
        return sbi_fail(SBI_ERR_INVALID_PARAM);
    return sbi_return(firmware_value(call->hart, (unsigned)counter));
}

struct sbi_result sbi_pmu(struct sbi_args *call)
{
    switch (call->function) {
    case 0: return sbi_return(COUNTER_COUNT);
    case 1: return counter_info(call->a[0]);
    case 2: return config_matching(call);
    case 3: return start_call(call);
    case 4: return stop_call(call);
    case 5: return firmware_read(call);
    case 6: return sbi_return(0); /* the upper half of a counter, on 32-bit harts only */
    default: return sbi_fail(SBI_ERR_NOT_SUPPORTED);
    }
}
