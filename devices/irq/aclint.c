#include "devices/irq/aclint.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/trace.h"

#define MTIMECMP_OFFSET 0x4000
#define MTIME_OFFSET    0xbff8
#define NS_PER_SECOND   1000000000u

/*
 * Reads take no lock: MTIME is asked for often, by all harts at once. So what they read is atomic and written
 * with the machine lock held.
 */
struct hart {
    struct aclint *aclint;
    struct aclint_hart lines;
    struct clock_timer *timer;
    _Atomic uint64_t mtimecmp;
    _Atomic uint32_t msip;
};

struct aclint {
    struct machine *machine;
    struct aclint_config config;
    struct state_table table;
    struct state_field fields[3];
    _Atomic uint64_t mtime_offset; /* MTIME - ticks of the machine clock */
    struct hart harts[];
};

uint64_t aclint_time(struct aclint *aclint)
{
    uint64_t ticks = clock_scale(clock_now(aclint->machine->clock), aclint->config.frequency, NS_PER_SECOND);
    return ticks + atomic_load_explicit(&aclint->mtime_offset, memory_order_relaxed);
}

/* The machine clock's time at which it counts `ticks`, rounded up: a timer must not fire early. */
static uint64_t ticks_to_ns(const struct aclint *aclint, uint64_t ticks)
{
    uint64_t frequency = aclint->config.frequency;
    unsigned __int128 ns = ((unsigned __int128)ticks * NS_PER_SECOND + frequency - 1) / frequency;
    return ns >= CLOCK_NEVER ? CLOCK_NEVER : (uint64_t)ns;
}

/* ACLINT 2.2: the timer interrupt is pending while MTIME >= MTIMECMP, both unsigned. */
static void timer_update(struct hart *hart)
{
    struct aclint *aclint = hart->aclint;
    uint64_t now = aclint_time(aclint), compare = atomic_load(&hart->mtimecmp);
    bool due = now >= compare;
    irq_line_set(&hart->lines.mtip, due);
    uint64_t offset = atomic_load(&aclint->mtime_offset), ticks = compare - offset;
    /* When the counter was set, the compare value may lie at the far side of the clock's end. */
    bool never = due || compare - now > UINT64_MAX - (now - offset);
    clock_timer_set(hart->timer, never ? CLOCK_NEVER : ticks_to_ns(aclint, ticks));
}

static void timer_fired(void *opaque)
{
    timer_update(opaque);
}

static void all_update(struct aclint *aclint)
{
    for (unsigned i = 0; i < aclint->config.harts; i++)
        timer_update(&aclint->harts[i]);
}

static uint32_t word_read(struct aclint *aclint, uint64_t offset)
{
    unsigned index = (unsigned)(offset < MTIMECMP_OFFSET ? offset / 4 : (offset - MTIMECMP_OFFSET) / 8);
    unsigned shift = offset & 4 ? 32 : 0;
    if ((offset & ~(uint64_t)7) == MTIME_OFFSET)
        return (uint32_t)(aclint_time(aclint) >> shift);
    if (index >= aclint->config.harts)
        return 0;
    if (offset < MTIMECMP_OFFSET)
        return atomic_load_explicit(&aclint->harts[index].msip, memory_order_relaxed);
    return (uint32_t)(atomic_load_explicit(&aclint->harts[index].mtimecmp, memory_order_relaxed) >> shift);
}

static uint64_t aclint_read(void *opaque, uint64_t offset, unsigned width)
{
    struct aclint *aclint = opaque;
    if (width == 4)
        return word_read(aclint, offset);
    if (offset == MTIME_OFFSET)
        return aclint_time(aclint);
    if (offset >= MTIMECMP_OFFSET && (offset - MTIMECMP_OFFSET) / 8 < aclint->config.harts)
        return atomic_load_explicit(&aclint->harts[(offset - MTIMECMP_OFFSET) / 8].mtimecmp,
                                    memory_order_relaxed);
    return word_read(aclint, offset) | (uint64_t)word_read(aclint, offset + 4) << 32;
}

static void msip_write(struct aclint *aclint, uint64_t index, uint64_t value)
{
    if (index >= aclint->config.harts)
        return;
    struct hart *hart = &aclint->harts[index];
    atomic_store_explicit(&hart->msip, value & 1, memory_order_relaxed);
    irq_line_set(&hart->lines.msip, value & 1);
}

static void aclint_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct aclint *aclint = opaque;
    unsigned shift = offset & 4 ? 32 : 0;
    uint64_t index = (offset - MTIMECMP_OFFSET) / 8;
    host_mutex_lock(&aclint->machine->lock);
    if (offset < MTIMECMP_OFFSET) {
        msip_write(aclint, offset / 4, value);
        if (width == 8)
            msip_write(aclint, offset / 4 + 1, value >> 32);
    } else if ((offset & ~(uint64_t)7) == MTIME_OFFSET) {
        uint64_t now = aclint_time(aclint);
        uint64_t wanted = bits_set(now, shift, width * 8, value);
        atomic_fetch_add(&aclint->mtime_offset, wanted - now);
        all_update(aclint);
    } else if (index < aclint->config.harts) {
        struct hart *hart = &aclint->harts[index];
        uint64_t old = atomic_load_explicit(&hart->mtimecmp, memory_order_relaxed);
        atomic_store_explicit(&hart->mtimecmp, bits_set(old, shift, width * 8, value), memory_order_relaxed);
        timer_update(hart);
    } else {
        log_guest("ACLINT: a write to %#llx, where no hart has a register", (unsigned long long)offset);
    }
    host_mutex_unlock(&aclint->machine->lock);
}

/* ACLINT 4.2: SETSSIP reads as zero; writing one to bit 0 makes an edge. */
static uint64_t sswi_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return 0;
}

static void sswi_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    struct aclint *aclint = opaque;
    if (value & 1 && offset / 4 < aclint->config.harts)
        irq_line_pulse(&aclint->harts[offset / 4].lines.ssip);
}

static void aclint_restored(void *object)
{
    struct aclint *aclint = object;
    for (unsigned i = 0; i < aclint->config.harts; i++)
        irq_line_set(&aclint->harts[i].lines.msip, atomic_load(&aclint->harts[i].msip));
    all_update(aclint);
}

/* The number of harts is known only now, so each has its own table. MTIMECMP is undefined after a reset; the
 * largest value keeps the interrupt away until software sets it. */
static void table_make(struct aclint *aclint)
{
    aclint->fields[0] = (struct state_field)STATE(struct aclint, mtime_offset);
    aclint->fields[1] = (struct state_field){.name = "mtimecmp",
                                             .offset = offsetof(struct aclint, harts[0].mtimecmp),
                                             .stride = sizeof(struct hart),
                                             .count = aclint->config.harts,
                                             .width = 8,
                                             .reset = UINT64_MAX};
    aclint->fields[2] = (struct state_field){.name = "msip",
                                             .offset = offsetof(struct aclint, harts[0].msip),
                                             .stride = sizeof(struct hart),
                                             .count = aclint->config.harts,
                                             .width = 4};
    aclint->table = (struct state_table){.name = "aclint",
                                         .version = 1,
                                         .fields = aclint->fields,
                                         .count = ARRAY_LEN(aclint->fields),
                                         .restored = aclint_restored};
}

static bool regions_add(struct aclint *aclint, struct error *err)
{
    const struct aclint_config *config = &aclint->config;
    struct bus *bus = aclint->machine->mem.mmio;
    unsigned id;
    struct bus_region clint = {.name = "clint",
                               .base = config->base,
                               .size = ACLINT_SIZE,
                               .min_width = 4,
                               .max_width = 8,
                               .unlocked = true,
                               .read = aclint_read,
                               .write = aclint_write,
                               .opaque = aclint};
    struct bus_region sswi = {.name = "aclint-sswi",
                              .base = config->sswi_base,
                              .size = ACLINT_SSWI_SIZE,
                              .min_width = 4,
                              .max_width = 4,
                              .read = sswi_read,
                              .write = sswi_write,
                              .opaque = aclint};
    return bus_add(bus, &clint, &id, err) && (!config->sswi_base || bus_add(bus, &sswi, &id, err));
}

static void aclint_destroy(void *object)
{
    struct aclint *aclint = object;
    for (unsigned i = 0; i < aclint->config.harts; i++)
        clock_timer_destroy(aclint->harts[i].timer);
    free(aclint);
}

struct aclint *aclint_create(struct machine *machine, const struct aclint_config *config, struct error *err)
{
    assert(config->harts >= 1 && config->harts <= ACLINT_HARTS_MAX && config->frequency);
    struct aclint *aclint = machine_alloc(sizeof(*aclint) + config->harts * sizeof(aclint->harts[0]));
    aclint->machine = machine;
    aclint->config = *config;
    aclint->config.lines = NULL;
    for (unsigned i = 0; i < config->harts; i++) {
        struct hart *hart = &aclint->harts[i];
        hart->aclint = aclint;
        hart->lines = config->lines[i];
        hart->timer = clock_timer_create(machine->clock, timer_fired, hart);
    }
    table_make(aclint);
    machine_device_add(machine, "aclint", &aclint->table, aclint, aclint_destroy);
    return regions_add(aclint, err) ? aclint : NULL;
}
