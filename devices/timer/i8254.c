#include "devices/timer/i8254.h"

#include <stdlib.h>

#include "base/bits.h"

/*
 * Nothing counts here: a channel remembers when its count was loaded, and what it would show now follows from
 * the machine clock. A timer is set for channel 0's next change of output only.
 */

enum access {
    ACCESS_LOW = 1,
    ACCESS_HIGH = 2,
    ACCESS_BOTH = 3,
};

struct channel {
    uint8_t mode; /* 0 to 5 */
    uint8_t access;
    bool bcd;
    bool gate;
    bool loaded;     /* a count was written since the mode was set */
    bool triggered;  /* modes 1 and 5: the gate has risen since */
    bool write_high; /* of a count written in two halves, the low one has come */
    bool read_high;
    uint8_t low;         /* the half that came first */
    uint32_t reload;     /* 1 to 0x10000 (10000 in BCD) */
    uint64_t start;      /* tick of the load or trigger */
    uint32_t stopped_at; /* elapsed ticks when the gate stopped the count */
    bool count_latched, status_latched;
    uint16_t latch;
    uint8_t status;
};

struct i8254 {
    struct machine *machine;
    struct irq_line irq;
    struct clock_timer *timer;
    struct channel channels[3];
    uint64_t deadline; /* the timer's */
    uint8_t port_b; /* the bits software sets: gate of channel 2, speaker, and two that switch off errors */
};

static uint64_t ticks_now(const struct i8254 *pit)
{
    return clock_scale(clock_now(pit->machine->clock), I8254_HZ, 1000000000);
}

/* Modes 1 and 5 are started by the gate and not stopped by it; modes 2 and 3 begin anew when it rises. */
static bool gate_triggers(const struct channel *channel)
{
    return channel->mode == 1 || channel->mode == 5;
}

static bool is_counting(const struct channel *channel)
{
    return channel->loaded && (gate_triggers(channel) ? channel->triggered : channel->gate);
}

static uint64_t elapsed(const struct i8254 *pit, const struct channel *channel)
{
    return is_counting(channel) ? ticks_now(pit) - channel->start : channel->stopped_at;
}

static bool output_at(const struct channel *channel, uint64_t ticks)
{
    if (!channel->loaded)
        return channel->mode != 0;
    switch (channel->mode) {
    case 0: return ticks >= channel->reload;
    case 1: return !channel->triggered || ticks >= channel->reload;
    case 2: return !channel->gate || ticks % channel->reload != channel->reload - 1;
    case 3: return !channel->gate || ticks % channel->reload < (channel->reload + 1) / 2;
    case 4: return ticks != channel->reload;
    default: return !channel->triggered || ticks != channel->reload;
    }
}

/* Elapsed ticks at the next change of output, or UINT64_MAX. */
static uint64_t change_after(const struct channel *channel, uint64_t ticks)
{
    uint64_t period = channel->reload, base;
    if (!is_counting(channel))
        return UINT64_MAX;
    switch (channel->mode) {
    case 2:
        base = ticks - ticks % period;
        return ticks - base < period - 1 ? base + period - 1 : base + period;
    case 3:
        base = ticks - ticks % period;
        return ticks - base < (period + 1) / 2 ? base + (period + 1) / 2 : base + period;
    case 4:
    case 5: return ticks < period ? period : ticks == period ? period + 1 : UINT64_MAX;
    default: return ticks < period ? period : UINT64_MAX;
    }
}

/* What the counter shows. */
static uint16_t count_at(const struct channel *channel, uint64_t ticks)
{
    uint32_t span = channel->bcd ? 10000 : 0x10000;
    uint32_t count;
    switch (channel->mode) {
    case 2: count = (uint32_t)(channel->reload - ticks % channel->reload); break;
    case 3: {
        /* It counts by two, through the period twice. */
        uint32_t phase = (uint32_t)(2 * ticks % channel->reload) & ~1u;
        count = channel->reload - phase;
        break;
    }
    default: count = (uint32_t)((channel->reload + span - ticks % span) % span); break;
    }
    count %= span;
    if (!channel->bcd)
        return (uint16_t)count;
    return (uint16_t)(count % 10 | count / 10 % 10 << 4 | count / 100 % 10 << 8 | count / 1000 << 12);
}

static void output_update(struct i8254 *pit)
{
    const struct channel *channel = &pit->channels[0];
    uint64_t now = elapsed(pit, channel), change = change_after(channel, now);
    irq_line_set(&pit->irq, output_at(channel, now));
    pit->deadline = CLOCK_NEVER;
    if (change != UINT64_MAX) /* rounded up: not before the tick is there */
        pit->deadline = clock_scale(channel->start + change, 1000000000, I8254_HZ) + 1;
    clock_timer_set(pit->timer, pit->deadline);
}

/* A strobe lasts one tick, less than a timer of the host may be late: the line goes low here in any case, so
 * that its end is seen as an edge. */
static void timer_fired(void *opaque)
{
    struct i8254 *pit = opaque;
    uint8_t mode = pit->channels[0].mode;
    if (mode == 2 || mode >= 4)
        irq_line_set(&pit->irq, false);
    output_update(pit);
}

static void count_load(struct i8254 *pit, struct channel *channel, uint16_t value)
{
    uint32_t count = value;
    if (channel->bcd)
        count = (value & 15u) + (value >> 4 & 15u) * 10 + (value >> 8 & 15u) * 100 + (value >> 12) * 1000u;
    channel->reload = count ? count : channel->bcd ? 10000 : 0x10000;
    /* In modes 2 and 3 a new count is taken at the end of the period; software can't tell, so at once. */
    channel->loaded = true;
    channel->triggered = false;
    channel->stopped_at = 0;
    channel->start = ticks_now(pit);
}

static void count_write(struct i8254 *pit, struct channel *channel, uint8_t value)
{
    if (channel->access == ACCESS_LOW) {
        count_load(pit, channel, value);
    } else if (channel->access == ACCESS_HIGH) {
        count_load(pit, channel, (uint16_t)(value << 8));
    } else if (!channel->write_high) {
        channel->low = value;
        channel->write_high = true;
        if (channel->mode == 0) /* the first half stops the count */
            channel->loaded = false;
    } else {
        channel->write_high = false;
        count_load(pit, channel, (uint16_t)(channel->low | value << 8));
    }
}

static uint8_t count_read(struct i8254 *pit, struct channel *channel)
{
    if (channel->status_latched) {
        channel->status_latched = false;
        return channel->status;
    }
    uint16_t count = channel->count_latched ? channel->latch : count_at(channel, elapsed(pit, channel));
    bool high = channel->access == ACCESS_HIGH || (channel->access == ACCESS_BOTH && channel->read_high);
    if (channel->access == ACCESS_BOTH)
        channel->read_high = !channel->read_high;
    if (!channel->read_high)
        channel->count_latched = false;
    return (uint8_t)(high ? count >> 8 : count);
}

static void count_latch(struct i8254 *pit, struct channel *channel)
{
    if (channel->count_latched)
        return;
    channel->latch = count_at(channel, elapsed(pit, channel));
    channel->count_latched = true;
}

static void status_latch(struct i8254 *pit, struct channel *channel)
{
    if (channel->status_latched)
        return;
    channel->status = (uint8_t)(output_at(channel, elapsed(pit, channel)) << 7 | !channel->loaded << 6 |
                                channel->access << 4 | channel->mode << 1 | channel->bcd);
    channel->status_latched = true;
}

static void control_write(struct i8254 *pit, uint8_t value)
{
    unsigned select = value >> 6, access = value >> 4 & 3;
    if (select ==
        3) { /* read-back: bits 5 and 4 low ask for count and status of the channels in bits 3 to 1 */
        for (unsigned i = 0; i < 3; i++) {
            if (!(value & 2 << i))
                continue;
            if (!(value & 0x20))
                count_latch(pit, &pit->channels[i]);
            if (!(value & 0x10))
                status_latch(pit, &pit->channels[i]);
        }
        return;
    }
    struct channel *channel = &pit->channels[select];
    if (access == 0) {
        count_latch(pit, channel);
        return;
    }
    unsigned mode = value >> 1 & 7;
    *channel = (struct channel){.mode = (uint8_t)(mode > 5 ? mode - 4 : mode),
                                .access = (uint8_t)access,
                                .bcd = value & 1,
                                .gate = channel->gate,
                                .reload = 0x10000};
}

static uint64_t pit_read(void *opaque, uint64_t offset, unsigned width)
{
    struct i8254 *pit = opaque;
    (void)width;
    return offset == 3 ? 0xff : count_read(pit, &pit->channels[offset]);
}

static void pit_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct i8254 *pit = opaque;
    (void)width;
    /* An end of the count that the event loop has not come to was before this, and interrupts. */
    if (clock_now(pit->machine->clock) >= pit->deadline)
        timer_fired(pit);
    if (offset == 3)
        control_write(pit, (uint8_t)value);
    else
        count_write(pit, &pit->channels[offset], (uint8_t)value);
    output_update(pit);
}

void i8254_bios_set(struct i8254 *pit)
{
    control_write(pit, 0x34); /* channel 0, both halves, mode 2 */
    count_load(pit, &pit->channels[0], 0);
    output_update(pit);
}

static void gate_set(struct i8254 *pit, struct channel *channel, bool gate)
{
    if (gate == channel->gate)
        return;
    uint64_t ticks = elapsed(pit, channel);
    channel->gate = gate;
    if (gate && gate_triggers(channel)) {
        channel->triggered = true;
        channel->start = ticks_now(pit);
    } else if (!gate_triggers(channel)) {
        bool anew = channel->mode == 2 || channel->mode == 3;
        channel->stopped_at = (uint32_t)(anew ? 0 : ticks);
        channel->start = ticks_now(pit) - channel->stopped_at;
    }
}

/* Port 0x61 (ICH9, 13.7.1): bits 0 to 3 are software's; bit 4 changes with each memory refresh, every 15 us;
 * bit 5 is channel 2. */
static uint64_t port_b_read(void *opaque, uint64_t offset, unsigned width)
{
    struct i8254 *pit = opaque;
    const struct channel *channel = &pit->channels[2];
    (void)offset, (void)width;
    bool refresh = clock_now(pit->machine->clock) / 15085 & 1;
    return pit->port_b | (uint64_t)refresh << 4 | (uint64_t)output_at(channel, elapsed(pit, channel)) << 5;
}

static void port_b_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct i8254 *pit = opaque;
    (void)offset, (void)width;
    pit->port_b = value & 0xf;
    gate_set(pit, &pit->channels[2], value & 1);
}

static void restored(void *object)
{
    struct i8254 *pit = object;
    pit->channels[0].gate = pit->channels[1].gate = true; /* wired */
    output_update(pit);
}

static const struct state_field fields[] = {
    STATE_EACH(struct i8254, channels, mode, .reset = 3),
    STATE_EACH(struct i8254, channels, access, .reset = ACCESS_BOTH),
    STATE_EACH(struct i8254, channels, bcd),
    STATE_EACH(struct i8254, channels, gate),
    STATE_EACH(struct i8254, channels, loaded),
    STATE_EACH(struct i8254, channels, triggered),
    STATE_EACH(struct i8254, channels, write_high),
    STATE_EACH(struct i8254, channels, read_high),
    STATE_EACH(struct i8254, channels, low),
    STATE_EACH(struct i8254, channels, reload, .reset = 0x10000),
    STATE_EACH(struct i8254, channels, start),
    STATE_EACH(struct i8254, channels, stopped_at),
    STATE_EACH(struct i8254, channels, count_latched),
    STATE_EACH(struct i8254, channels, status_latched),
    STATE_EACH(struct i8254, channels, latch),
    STATE_EACH(struct i8254, channels, status),
    STATE(struct i8254, port_b),
};
static const struct state_table table = {"i8254", 1, fields, ARRAY_LEN(fields), restored};

static void i8254_destroy(void *object)
{
    struct i8254 *pit = object;
    clock_timer_destroy(pit->timer);
    free(pit);
}

struct i8254 *i8254_create(struct machine *machine, struct irq_line irq, struct error *err)
{
    struct i8254 *pit = machine_alloc(sizeof(*pit));
    struct bus_region ports = {.name = "i8254",
                               .base = 0x40,
                               .size = 4,
                               .max_width = 1,
                               .read = pit_read,
                               .write = pit_write,
                               .opaque = pit};
    struct bus_region port_b = {.name = "port-b",
                                .base = 0x61,
                                .size = 1,
                                .max_width = 1,
                                .read = port_b_read,
                                .write = port_b_write,
                                .opaque = pit};
    unsigned id;
    pit->machine = machine;
    pit->irq = irq;
    pit->timer = clock_timer_create(machine->clock, timer_fired, pit);
    machine_device_add(machine, "i8254", &table, pit, i8254_destroy);
    return bus_add(machine->mem.pio, &ports, &id, err) && bus_add(machine->mem.pio, &port_b, &id, err) ? pit
                                                                                                       : NULL;
}
