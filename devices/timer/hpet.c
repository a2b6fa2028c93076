#include "devices/timer/hpet.h"

#include <stdlib.h>

#include "base/bits.h"

/* IA-PC HPET specification 1.0a, 2.3. Registers are 64 bits wide; the timers' begin at 0x100, 0x20 apart. */
enum {
    CAPABILITIES = 0x000,
    CONFIGURATION = 0x010,
    STATUS = 0x020,
    COUNTER = 0x0f0,
    TIMER_FIRST = 0x100,
    TIMER_CONFIGURATION = 0x00,
    TIMER_COMPARATOR = 0x08,
    TIMER_ROUTE = 0x10,
    TIMER_SIZE = 0x20,
};
#define SIZE 0x400

#define CAP_REVISION 0x01u
#define CAP_64BIT    0x2000u
#define CAP_LEGACY   0x8000u
#define CAP_VENDOR   0x80860000u

#define CONFIG_ENABLE 0x1u
#define CONFIG_LEGACY 0x2u

#define TIMER_LEVEL     0x0002u
#define TIMER_ENABLE    0x0004u
#define TIMER_PERIODIC  0x0008u
#define TIMER_PERIODIC1 0x0010u /* can be periodic */
#define TIMER_64BIT     0x0020u /* has 64 bits */
#define TIMER_SET       0x0040u /* the next write of the comparator sets it although it is periodic */
#define TIMER_32MODE    0x0100u
#define TIMER_MESSAGE   0x4000u
#define TIMER_MESSAGE1  0x8000u /* can send messages */
#define TIMER_WRITABLE                                                                                       \
    (TIMER_LEVEL | TIMER_ENABLE | TIMER_PERIODIC | TIMER_SET | TIMER_32MODE | TIMER_MESSAGE | 0x3e00u)

#define TICK_NS 10u

/* A periodic timer shorter than this would leave the host no time for anything else. */
#define PERIOD_MIN_NS 10000

/*
 * A comparator set this few ticks into the past fires at once. Hardware would miss it until the counter wraps
 * around; but there no guest takes a millisecond between reading the counter and setting the comparator.
 */
#define LATE_MAX 1000000

struct comparator {
    struct hpet *hpet;
    uint8_t index;
    uint32_t configuration; /* the bits software sets */
    uint64_t value, period, route;
    uint64_t deadline;
    struct clock_timer *timer;
};

struct hpet {
    struct machine *machine;
    struct hpet_config config;
    uint32_t reachable; /* pins that are connected */
    uint32_t configuration, status;
    uint64_t base, started; /* the counter when it was started or stopped, and when it was started */
    uint32_t driven;        /* pins held up by levels */
    bool outside[2];        /* levels of the 8254 and the clock chip */
    bool legacy_levels[2];
    struct comparator comparators[HPET_TIMERS];
};

static bool is_running(const struct hpet *hpet)
{
    return hpet->configuration & CONFIG_ENABLE;
}

static uint64_t counter(const struct hpet *hpet)
{
    return hpet->base + (is_running(hpet) ? (clock_now(hpet->machine->clock) - hpet->started) / TICK_NS : 0);
}

static uint64_t mask_of(const struct comparator *comparator)
{
    return comparator->configuration & TIMER_32MODE ? UINT32_MAX : UINT64_MAX;
}

static bool is_periodic(const struct comparator *comparator)
{
    return comparator->configuration & TIMER_PERIODIC;
}

/* 2.3.5 and table 2: whether a timer stands in for the 8254 (timer 0) or the clock chip (timer 1). */
static bool is_legacy(const struct comparator *comparator)
{
    return comparator->hpet->configuration & CONFIG_LEGACY && comparator->index < 2;
}

static unsigned pin_of(const struct comparator *comparator)
{
    return comparator->configuration >> 9 & 0x1f;
}

static bool level_active(const struct comparator *comparator)
{
    const uint32_t wanted = TIMER_LEVEL | TIMER_ENABLE;
    return (comparator->configuration & (wanted | TIMER_MESSAGE)) == wanted &&
           comparator->hpet->status >> comparator->index & 1;
}

/* Bring the lines in line with the levels, and with what comes from outside. */
static void lines_update(struct hpet *hpet)
{
    uint32_t wanted = 0;
    bool legacy[2] = {false, false}, replaced = hpet->configuration & CONFIG_LEGACY;
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        const struct comparator *comparator = &hpet->comparators[i];
        if (!level_active(comparator))
            continue;
        if (is_legacy(comparator))
            legacy[i] = true;
        else if (pin_of(comparator) < HPET_PINS)
            wanted |= (uint32_t)1 << pin_of(comparator);
    }
    for (uint32_t changed = wanted ^ hpet->driven; changed; changed &= changed - 1) {
        unsigned pin = (unsigned)__builtin_ctz(changed);
        irq_line_set(&hpet->config.pins[pin], wanted >> pin & 1);
    }
    hpet->driven = wanted;
    for (unsigned i = 0; i < 2; i++) {
        bool level = replaced ? legacy[i] : hpet->outside[i];
        if (level != hpet->legacy_levels[i])
            irq_line_set(i ? &hpet->config.irq8 : &hpet->config.irq0, level);
        hpet->legacy_levels[i] = level;
    }
}

static void comparator_interrupt(struct comparator *comparator)
{
    struct hpet *hpet = comparator->hpet;
    uint32_t configuration = comparator->configuration;
    if (configuration & TIMER_LEVEL)
        hpet->status |= 1u << comparator->index;
    if (!(configuration & TIMER_ENABLE))
        return;
    if (configuration & TIMER_MESSAGE)
        hpet->config.msi.deliver(
            hpet->config.msi.opaque,
            (struct msi_message){.address = comparator->route >> 32, .data = (uint32_t)comparator->route});
    else if (configuration & TIMER_LEVEL)
        lines_update(hpet);
    else if (is_legacy(comparator))
        irq_line_pulse(comparator->index ? &hpet->config.irq8 : &hpet->config.irq0);
    else if (pin_of(comparator) < HPET_PINS)
        irq_line_pulse(&hpet->config.pins[pin_of(comparator)]);
}

/* Set the clock timer for `ticks` from now; 0 is at once. */
static void deadline_set(struct comparator *comparator, uint64_t ticks)
{
    const struct hpet *hpet = comparator->hpet;
    uint64_t from = hpet->started + (counter(hpet) - hpet->base) * TICK_NS;
    bool reachable = is_running(hpet) && ticks < (CLOCK_NEVER - from) / TICK_NS;
    comparator->deadline = reachable ? from + ticks * TICK_NS : CLOCK_NEVER;
    clock_timer_set(comparator->timer, comparator->deadline);
}

static uint64_t ticks_ahead(const struct comparator *comparator)
{
    uint64_t ahead = (comparator->value - counter(comparator->hpet)) & mask_of(comparator);
    return ahead ? ahead : mask_of(comparator);
}

/* A comparator was given a value: it may be reached already. */
static void value_arm(struct comparator *comparator)
{
    uint64_t behind = (counter(comparator->hpet) - comparator->value) & mask_of(comparator);
    deadline_set(comparator, behind < LATE_MAX ? 0 : ticks_ahead(comparator));
}

static void timer_fired(void *opaque)
{
    struct comparator *comparator = opaque;
    const struct hpet *hpet = comparator->hpet;
    uint64_t mask = mask_of(comparator);
    if (is_periodic(comparator) && comparator->period) {
        uint64_t behind = (counter(hpet) - comparator->value) & mask;
        uint64_t step = (behind / comparator->period + 1) * comparator->period;
        comparator->value = (comparator->value + step) & mask;
        uint64_t ahead = ticks_ahead(comparator);
        deadline_set(comparator, ahead < PERIOD_MIN_NS / TICK_NS ? PERIOD_MIN_NS / TICK_NS : ahead);
    } else {
        deadline_set(comparator, ticks_ahead(comparator));
    }
    comparator_interrupt(comparator);
}

static uint64_t comparator_capabilities(const struct comparator *comparator)
{
    const struct hpet *hpet = comparator->hpet;
    return (uint64_t)hpet->reachable << 32 | TIMER_PERIODIC1 | TIMER_64BIT |
           (hpet->config.msi.deliver ? TIMER_MESSAGE1 : 0);
}

/* 2.3.8: bits of what is not there, and pins that can't be reached, don't take. */
static void comparator_configure(struct comparator *comparator, uint32_t value)
{
    const struct hpet *hpet = comparator->hpet;
    uint32_t mode = (value ^ comparator->configuration) & (TIMER_PERIODIC | TIMER_32MODE);
    value &= TIMER_WRITABLE;
    if (!hpet->config.msi.deliver)
        value &= ~TIMER_MESSAGE;
    if (!((uint64_t)hpet->reachable >> bits_get(value, 9, 5) & 1))
        value = (uint32_t)bits_set(value, 9, 5, pin_of(comparator));
    comparator->configuration = value;
    if (value & TIMER_32MODE) {
        comparator->value = (uint32_t)comparator->value;
        comparator->period = (uint32_t)comparator->period;
    }
    if (mode)
        deadline_set(comparator, ticks_ahead(comparator));
}

/*
 * 2.3.9.2.2: of a periodic timer a write sets the period, and the value at which it fires next only when
 * TIMER_SET says so. `shift` and `bits` are the part that is written.
 */
static void comparator_write(struct comparator *comparator, unsigned shift, unsigned bits, uint64_t written)
{
    bool periodic = is_periodic(comparator);
    uint64_t mask = mask_of(comparator);
    if (periodic)
        comparator->period = bits_set(comparator->period, shift, bits, written) & mask;
    if (!periodic || comparator->configuration & TIMER_SET) {
        comparator->value = bits_set(comparator->value, shift, bits, written) & mask;
        value_arm(comparator);
    }
    comparator->configuration &= ~TIMER_SET;
}

static void all_arm(struct hpet *hpet)
{
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        deadline_set(&hpet->comparators[i], ticks_ahead(&hpet->comparators[i]));
}

static void configure(struct hpet *hpet, uint32_t value)
{
    uint64_t now = counter(hpet);
    hpet->configuration = value & (CONFIG_ENABLE | CONFIG_LEGACY);
    hpet->base = now;
    hpet->started = clock_now(hpet->machine->clock);
    all_arm(hpet);
    lines_update(hpet);
}

static void counter_write(struct hpet *hpet, uint64_t value)
{
    hpet->base = value;
    hpet->started = clock_now(hpet->machine->clock);
    all_arm(hpet);
}

static struct comparator *comparator_at(struct hpet *hpet, uint64_t offset)
{
    uint64_t index = (offset - TIMER_FIRST) / TIMER_SIZE;
    return offset >= TIMER_FIRST && index < HPET_TIMERS ? &hpet->comparators[index] : NULL;
}

static uint64_t register_read(struct hpet *hpet, uint64_t offset)
{
    const struct comparator *comparator = comparator_at(hpet, offset);
    if (comparator) {
        switch (offset % TIMER_SIZE) {
        case TIMER_CONFIGURATION: return comparator_capabilities(comparator) | comparator->configuration;
        case TIMER_COMPARATOR: return comparator->value;
        case TIMER_ROUTE: return comparator->route;
        default: return 0;
        }
    }
    switch (offset) {
    case CAPABILITIES:
        return (uint64_t)HPET_PERIOD_FS << 32 | CAP_VENDOR | CAP_LEGACY | CAP_64BIT | (HPET_TIMERS - 1) << 8 |
               CAP_REVISION;
    case CONFIGURATION: return hpet->configuration;
    case STATUS: return hpet->status;
    case COUNTER: return counter(hpet);
    default: return 0;
    }
}

static uint64_t hpet_read(void *opaque, uint64_t offset, unsigned width)
{
    uint64_t value = register_read(opaque, offset & ~(uint64_t)7);
    return width == 8 ? value : (uint32_t)(value >> 8 * (offset & 4));
}

static void timer_write(struct comparator *comparator, uint64_t offset, unsigned width, uint64_t value)
{
    unsigned shift = 8 * (offset & 4);
    switch (offset % TIMER_SIZE & ~(uint64_t)7) {
    case TIMER_CONFIGURATION:
        if (!shift)
            comparator_configure(comparator, (uint32_t)value);
        lines_update(comparator->hpet);
        break;
    case TIMER_COMPARATOR: comparator_write(comparator, shift, 8 * width, value); break;
    case TIMER_ROUTE: comparator->route = bits_set(comparator->route, shift, 8 * width, value); break;
    default: break;
    }
}

static void hpet_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct hpet *hpet = opaque;
    struct comparator *comparator = comparator_at(hpet, offset);
    if (comparator) {
        timer_write(comparator, offset, width, value);
        return;
    }
    switch (offset) {
    case CONFIGURATION: configure(hpet, (uint32_t)value); break;
    case STATUS:
        hpet->status &= ~(uint32_t)value;
        lines_update(hpet);
        break;
    case COUNTER:
    case COUNTER + 4: counter_write(hpet, bits_set(counter(hpet), 8 * (offset & 4), 8 * width, value)); break;
    default: break;
    }
}

static void outside_set(void *opaque, unsigned number, bool level)
{
    struct hpet *hpet = opaque;
    hpet->outside[number] = level;
    lines_update(hpet);
}

struct irq_line hpet_8254_line(struct hpet *hpet)
{
    return (struct irq_line){outside_set, hpet, 0};
}

struct irq_line hpet_clock_line(struct hpet *hpet)
{
    return (struct irq_line){outside_set, hpet, 1};
}

static void restored(void *object)
{
    struct hpet *hpet = object;
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        clock_timer_set(hpet->comparators[i].timer, hpet->comparators[i].deadline);
    lines_update(hpet);
}

static const struct state_field fields[] = {
    STATE(struct hpet, configuration),
    STATE(struct hpet, status),
    STATE(struct hpet, base),
    STATE(struct hpet, started),
    STATE_ARRAY(struct hpet, outside, .keep = true),
    STATE_EACH(struct hpet, comparators, configuration),
    STATE_EACH(struct hpet, comparators, value, .reset = UINT64_MAX),
    STATE_EACH(struct hpet, comparators, period),
    STATE_EACH(struct hpet, comparators, route),
    STATE_EACH(struct hpet, comparators, deadline, .reset = CLOCK_NEVER),
};
static const struct state_table table = {"hpet", 1, fields, ARRAY_LEN(fields), restored};

static void hpet_destroy(void *object)
{
    struct hpet *hpet = object;
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        clock_timer_destroy(hpet->comparators[i].timer);
    free(hpet);
}

struct hpet *hpet_create(struct machine *machine, const struct hpet_config *config, struct error *err)
{
    struct hpet *hpet = machine_alloc(sizeof(*hpet));
    struct bus_region region = {.name = "hpet",
                                .base = config->base,
                                .size = SIZE,
                                .min_width = 4,
                                .read = hpet_read,
                                .write = hpet_write,
                                .opaque = hpet};
    unsigned id;
    hpet->machine = machine;
    hpet->config = *config;
    for (unsigned i = 0; i < HPET_PINS; i++)
        hpet->reachable |= (uint32_t)(config->pins[i].set != NULL) << i;
    for (uint8_t i = 0; i < HPET_TIMERS; i++) {
        hpet->comparators[i].hpet = hpet;
        hpet->comparators[i].index = i;
        hpet->comparators[i].timer = clock_timer_create(machine->clock, timer_fired, &hpet->comparators[i]);
    }
    machine_device_add(machine, "hpet", &table, hpet, hpet_destroy);
    return bus_add(machine->mem.mmio, &region, &id, err) ? hpet : NULL;
}
