/*
 * Performance counters (SBI 2.0, chapter 11). Logical counters 0 and 2 are cycle and instret (1 would be
 * time, which is none); after them come a few that count firmware events.
 */
#include "machine/sbi/sbi_private.h"

#define CSR_MCYCLE        0xb00
#define CSR_CYCLE         0xc00
#define CSR_MCOUNTINHIBIT 0x320

#define COUNTER_CYCLE    0
#define COUNTER_INSTRET  2
#define COUNTER_HARDWARE 3 /* hardware counters are below */
#define COUNTER_COUNT    (COUNTER_HARDWARE + SBI_FIRMWARE_COUNTERS)

/* Event identifiers: type in bits 16 to 19, code below. */
#define EVENT_CPU_CYCLES    1
#define EVENT_INSTRUCTIONS  2
#define EVENT_TYPE_HARDWARE 0
#define EVENT_TYPE_FIRMWARE 15

#define INFO_WIDTH_64 (63u << 12)
#define INFO_FIRMWARE ((uint64_t)1 << 63)

#define CONFIG_SKIP_MATCH  0x1u
#define CONFIG_CLEAR_VALUE 0x2u
#define CONFIG_AUTO_START  0x4u
#define START_SET_VALUE    0x1u
#define STOP_RESET         0x1u

static bool is_hardware(uint64_t counter)
{
    return counter == COUNTER_CYCLE || counter == COUNTER_INSTRET;
}

static bool is_counter(uint64_t counter)
{
    return is_hardware(counter) || (counter >= COUNTER_HARDWARE && counter < COUNTER_COUNT);
}

static struct sbi_result counter_info(uint64_t counter)
{
    if (!is_counter(counter))
        return sbi_fail(SBI_ERR_INVALID_PARAM);
    return sbi_return(is_hardware(counter) ? (CSR_CYCLE + counter) | INFO_WIDTH_64 : INFO_FIRMWARE);
}

/* One logical counter, whichever kind it is. */
static bool counter_running(struct sbi_hart *hart, unsigned counter)
{
    if (is_hardware(counter))
        return !(sbi_csr_get(hart->vcpu, CSR_MCOUNTINHIBIT) >> counter & 1);
    return hart->counters[counter - COUNTER_HARDWARE].running;
}

static uint64_t firmware_value(struct sbi_hart *hart, unsigned counter)
{
    unsigned i = counter - COUNTER_HARDWARE;
    uint64_t value = hart->counters[i].value;
    uint64_t events = __atomic_load_n(&hart->events[hart->counters[i].event], __ATOMIC_RELAXED);
    return hart->counters[i].running ? events - value : value;
}

static void counter_set(struct sbi_hart *hart, unsigned counter, uint64_t value)
{
    unsigned i = counter - COUNTER_HARDWARE;
    if (is_hardware(counter))
        sbi_csr_set(hart->vcpu, CSR_MCYCLE + counter, value);
    else if (hart->counters[i].running)
        hart->counters[i].value =
            __atomic_load_n(&hart->events[hart->counters[i].event], __ATOMIC_RELAXED) - value;
    else
        hart->counters[i].value = value;
}

static void counter_run(struct sbi_hart *hart, unsigned counter, bool run)
{
    if (is_hardware(counter)) {
        uint64_t inhibit = sbi_csr_get(hart->vcpu, CSR_MCOUNTINHIBIT), bit = (uint64_t)1 << counter;
        sbi_csr_set(hart->vcpu, CSR_MCOUNTINHIBIT, run ? inhibit & ~bit : inhibit | bit);
        return;
    }
    uint64_t value = firmware_value(hart, counter);
    hart->counters[counter - COUNTER_HARDWARE].running = run;
    counter_set(hart, counter, value);
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

/* A free counter of the set that can count the event; -1: none. */
static int counter_match(struct sbi_hart *hart, uint64_t base, uint64_t mask, uint64_t event)
{
    unsigned type = event >> 16 & 0xf, code = event & 0xffff;
    for (unsigned i = 0; i < 64; i++) {
        unsigned counter = (unsigned)base + i;
        if (!(mask >> i & 1))
            continue;
        if (type == EVENT_TYPE_HARDWARE && ((code == EVENT_CPU_CYCLES && counter == COUNTER_CYCLE) ||
                                            (code == EVENT_INSTRUCTIONS && counter == COUNTER_INSTRET)))
            return (int)counter;
        if (type == EVENT_TYPE_FIRMWARE && counter >= COUNTER_HARDWARE &&
            !hart->counters[counter - COUNTER_HARDWARE].taken)
            return (int)counter;
    }
    return -1;
}

static bool event_known(uint64_t event)
{
    unsigned type = event >> 16 & 0xf, code = event & 0xffff;
    if (event >> 20)
        return false;
    return type == EVENT_TYPE_FIRMWARE
               ? code < SBI_EVENTS
               : type == EVENT_TYPE_HARDWARE && (code == EVENT_CPU_CYCLES || code == EVENT_INSTRUCTIONS);
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
        counter = event_known(event) ? counter_match(hart, base, mask, event) : -1;
        if (counter < 0)
            return sbi_fail(SBI_ERR_NOT_SUPPORTED);
    }
    if (!is_hardware((unsigned)counter) && !(flags & CONFIG_SKIP_MATCH)) {
        hart->counters[counter - COUNTER_HARDWARE].taken = true;
        hart->counters[counter - COUNTER_HARDWARE].event = (uint8_t)event;
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
    for (unsigned i = 0; i < 64; i++) {
        unsigned counter = (unsigned)base + i;
        if (!(mask >> i & 1))
            continue;
        stopped |= !counter_running(call->hart, counter);
        counter_run(call->hart, counter, false);
        if (call->a[2] & STOP_RESET && !is_hardware(counter))
            call->hart->counters[counter - COUNTER_HARDWARE].taken = false;
    }
    return stopped ? sbi_fail(SBI_ERR_ALREADY_STOPPED) : sbi_return(0);
}

static struct sbi_result firmware_read(struct sbi_args *call)
{
    uint64_t counter = call->a[0];
    if (!is_counter(counter) || is_hardware(counter))
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
