#include "devices/timer/goldfish_rtc.h"

#include <stdlib.h>

#include "base/bits.h"

/* Registers of 32 bits, as the Goldfish hardware description lists them. */
#define TIME_LOW        0x00 /* reading it keeps the high half for TIME_HIGH */
#define TIME_HIGH       0x04
#define ALARM_LOW       0x08 /* writing it arms the alarm, with the high half written before */
#define ALARM_HIGH      0x0c
#define IRQ_ENABLED     0x10
#define CLEAR_ALARM     0x14
#define ALARM_STATUS    0x18
#define CLEAR_INTERRUPT 0x1c

struct goldfish_rtc {
    struct machine *machine;
    struct goldfish_rtc_config config;
    struct clock_timer *timer;
    uint64_t offset; /* what the guest added to the date */
    uint64_t alarm;
    uint32_t time_high; /* kept by a read of TIME_LOW */
    uint8_t armed, pending, enabled;
};

static uint64_t date_now(const struct goldfish_rtc *rtc)
{
    return rtc->config.epoch + rtc->offset + clock_now(rtc->machine->clock);
}

static void irq_update(struct goldfish_rtc *rtc)
{
    irq_line_set(&rtc->config.irq, rtc->pending && rtc->enabled);
}

/* An alarm in the past is due at once. */
static void alarm_update(struct goldfish_rtc *rtc)
{
    uint64_t now = date_now(rtc), clock = clock_now(rtc->machine->clock);
    if (rtc->armed && rtc->alarm <= now) {
        rtc->armed = false;
        rtc->pending = true;
    }
    uint64_t ahead = rtc->alarm - now;
    bool reachable = rtc->armed && ahead < CLOCK_NEVER - clock;
    clock_timer_set(rtc->timer, reachable ? clock + ahead : CLOCK_NEVER);
    irq_update(rtc);
}

static void timer_fired(void *opaque)
{
    alarm_update(opaque);
}

static uint64_t rtc_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    struct goldfish_rtc *rtc = opaque;
    uint64_t now;
    switch (offset) {
    case TIME_LOW:
        now = date_now(rtc);
        rtc->time_high = (uint32_t)(now >> 32);
        return (uint32_t)now;
    case TIME_HIGH: return rtc->time_high;
    case ALARM_LOW: return (uint32_t)rtc->alarm;
    case ALARM_HIGH: return rtc->alarm >> 32;
    case IRQ_ENABLED: return rtc->enabled;
    case ALARM_STATUS: return rtc->armed;
    default: return 0;
    }
}

static void date_set(struct goldfish_rtc *rtc, unsigned shift, uint64_t half)
{
    uint64_t now = date_now(rtc);
    rtc->offset += bits_set(now, shift, 32, half) - now;
    alarm_update(rtc);
}

static void rtc_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    struct goldfish_rtc *rtc = opaque;
    switch (offset) {
    case TIME_LOW: date_set(rtc, 0, value); break;
    case TIME_HIGH: date_set(rtc, 32, value); break;
    case ALARM_LOW:
        rtc->alarm = bits_set(rtc->alarm, 0, 32, value);
        rtc->armed = true;
        break;
    case ALARM_HIGH: rtc->alarm = bits_set(rtc->alarm, 32, 32, value); break;
    case IRQ_ENABLED: rtc->enabled = value & 1; break;
    case CLEAR_ALARM: rtc->armed = false; break;
    case CLEAR_INTERRUPT: rtc->pending = false; break;
    default: log_guest("goldfish RTC: a write to %#llx is ignored", (unsigned long long)offset);
    }
    alarm_update(rtc);
}

static void rtc_restored(void *object)
{
    alarm_update(object);
}

static const struct state_field fields[] = {
    STATE(struct goldfish_rtc, offset, .keep = true), /* a battery holds the date */
    STATE(struct goldfish_rtc, alarm),
    STATE(struct goldfish_rtc, time_high),
    STATE(struct goldfish_rtc, armed),
    STATE(struct goldfish_rtc, pending),
    STATE(struct goldfish_rtc, enabled),
};

static const struct state_table table = {.name = "goldfish-rtc",
                                         .version = 1,
                                         .fields = fields,
                                         .count = ARRAY_LEN(fields),
                                         .restored = rtc_restored};

static void rtc_destroy(void *object)
{
    struct goldfish_rtc *rtc = object;
    clock_timer_destroy(rtc->timer);
    free(rtc);
}

struct goldfish_rtc *goldfish_rtc_create(struct machine *machine, const struct goldfish_rtc_config *config,
                                         struct error *err)
{
    struct goldfish_rtc *rtc = machine_alloc(sizeof(*rtc));
    rtc->machine = machine;
    rtc->config = *config;
    rtc->timer = clock_timer_create(machine->clock, timer_fired, rtc);
    machine_device_add(machine, "rtc", &table, rtc, rtc_destroy);
    struct bus_region region = {.name = "goldfish-rtc",
                                .base = config->base,
                                .size = GOLDFISH_RTC_SIZE,
                                .min_width = 4,
                                .max_width = 4,
                                .read = rtc_read,
                                .write = rtc_write,
                                .opaque = rtc};
    unsigned id;
    return bus_add(machine->mem.mmio, &region, &id, err) ? rtc : NULL;
}
