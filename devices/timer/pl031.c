/* Section numbers are those of the PL031 technical reference manual (DDI 0224). */
#include "devices/timer/pl031.h"

#include <stdlib.h>

/* 3.2: registers. */
#define RTCDR     0x000 /* the time */
#define RTCMR     0x004 /* the alarm */
#define RTCLR     0x008 /* sets the time */
#define RTCCR     0x00c
#define RTCIMSC   0x010
#define RTCRIS    0x014
#define RTCMIS    0x018
#define RTCICR    0x01c
#define RTCPERIPH 0xfe0 /* identification, a byte in each word up to the end */

#define NS_PER_SECOND 1000000000ull

struct pl031 {
    struct machine *machine;
    struct pl031_config config;
    struct clock_timer *timer;
    uint32_t offset; /* what the guest added to the seconds */
    uint32_t match, load;
    uint8_t armed; /* the alarm is still to come */
    uint8_t enabled, pending;
};

static uint64_t date_ns(const struct pl031 *rtc)
{
    return rtc->config.epoch + clock_now(rtc->machine->clock);
}

static uint32_t seconds(const struct pl031 *rtc)
{
    return (uint32_t)(date_ns(rtc) / NS_PER_SECOND) + rtc->offset;
}

/* 2.2.3: the interrupt comes when the counter, of 32 bits, equals the match register. */
static void alarm_update(struct pl031 *rtc)
{
    uint64_t ahead = rtc->match - seconds(rtc), now = clock_now(rtc->machine->clock);
    if (rtc->armed && ahead == 0) {
        rtc->armed = false;
        rtc->pending = true;
    }
    uint64_t left = ahead * NS_PER_SECOND - date_ns(rtc) % NS_PER_SECOND;
    clock_timer_set(rtc->timer, rtc->armed ? now + left : CLOCK_NEVER);
    irq_line_set(&rtc->config.irq, rtc->pending && rtc->enabled);
}

static void timer_fired(void *opaque)
{
    alarm_update(opaque);
}

static uint32_t identification(uint64_t offset)
{
    /* Revision 1, as on other boards of this kind. */
    static const uint8_t bytes[8] = {0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    return offset >= RTCPERIPH && offset < PL031_SIZE ? bytes[(offset - RTCPERIPH) / 4] : 0;
}

static uint64_t rtc_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct pl031 *rtc = opaque;
    (void)width;
    switch (offset) {
    case RTCDR: return seconds(rtc);
    case RTCMR: return rtc->match;
    case RTCLR: return rtc->load;
    case RTCCR: return 1; /* it always runs */
    case RTCIMSC: return rtc->enabled;
    case RTCRIS: return rtc->pending;
    case RTCMIS: return rtc->pending && rtc->enabled;
    default: return identification(offset);
    }
}

static void time_set(struct pl031 *rtc, uint32_t value)
{
    rtc->load = value;
    rtc->offset += value - seconds(rtc);
    rtc->armed = true;
}

static void rtc_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct pl031 *rtc = opaque;
    (void)width;
    switch (offset) {
    case RTCMR:
        rtc->match = (uint32_t)value;
        rtc->armed = true;
        break;
    case RTCLR: time_set(rtc, (uint32_t)value); break;
    case RTCIMSC: rtc->enabled = value & 1; break;
    case RTCICR: rtc->pending &= ~value & 1; break;
    default: break;
    }
    alarm_update(rtc);
}

static void rtc_restored(void *object)
{
    alarm_update(object);
}

static const struct state_field fields[] = {
    STATE(struct pl031, offset, .keep = true), /* a battery holds the date */
    STATE(struct pl031, match),
    STATE(struct pl031, load),
    STATE(struct pl031, armed),
    STATE(struct pl031, enabled),
    STATE(struct pl031, pending),
};

static const struct state_table table = {
    .name = "pl031", .version = 1, .fields = fields, .count = ARRAY_LEN(fields), .restored = rtc_restored};

static void rtc_destroy(void *object)
{
    struct pl031 *rtc = object;
    clock_timer_destroy(rtc->timer);
    free(rtc);
}

struct pl031 *pl031_create(struct machine *machine, const struct pl031_config *config, struct error *err)
{
    struct pl031 *rtc = machine_alloc(sizeof(*rtc));
    rtc->machine = machine;
    rtc->config = *config;
    rtc->timer = clock_timer_create(machine->clock, timer_fired, rtc);
    machine_device_add(machine, "rtc", &table, rtc, rtc_destroy);
    struct bus_region region = {.name = "pl031",
                                .base = config->base,
                                .size = PL031_SIZE,
                                .min_width = 4,
                                .max_width = 4,
                                .read = rtc_read,
                                .write = rtc_write,
                                .opaque = rtc};
    unsigned id;
    return bus_add(machine->mem.mmio, &region, &id, err) ? rtc : NULL;
}
