#include "devices/timer/cmos_rtc.h"

#include <stdlib.h>

#include "base/bits.h"

/*
 * Nothing ticks here: the date is an offset to the machine clock, and the flags are brought up to date when
 * somebody looks at them. A timer is set for the next event only while an interrupt is enabled for it.
 */

enum {
    SECONDS,
    SECONDS_ALARM,
    MINUTES,
    MINUTES_ALARM,
    HOURS,
    HOURS_ALARM,
    WEEKDAY,
    DAY,
    MONTH,
    YEAR,
    REGISTER_A,
    REGISTER_B,
    REGISTER_C,
    REGISTER_D,
};

#define A_UIP     0x80u
#define A_DIVIDER 0x70u
#define A_RATE    0x0fu

#define B_SET     0x80u
#define B_PIE     0x40u
#define B_AIE     0x20u
#define B_UIE     0x10u
#define B_BINARY  0x04u
#define B_24HOURS 0x02u
#define B_ENABLES 0x78u /* the three above and the square wave */

/* Of register C; the enable bits of B are in the same places. */
#define C_IRQF 0x80u
#define C_PF   0x40u
#define C_AF   0x20u
#define C_UF   0x10u

#define D_VALID 0x80u

#define SECOND 1000000000u
#define DAY_S  86400u

/* The update of a 32.768 kHz chip takes 1984 us; the bit that announces it is set 244 us before. */
#define UPDATE_NS (1984000u + 244000u)

#define UNSEEN UINT64_MAX

struct date {
    unsigned second, minute, hour, day, month, year, weekday; /* day, month and weekday from 1 */
};

struct cmos_rtc {
    struct machine *machine;
    struct irq_line irq;
    struct clock_timer *timer;
    uint64_t epoch;
    uint8_t initial[CMOS_SIZE];

    uint8_t index, upper_index;
    uint8_t upper[CMOS_SIZE];   /* a second bank, of memory only */
    uint8_t changed[CMOS_SIZE]; /* how the memory, alarm included, differs from `initial` */
    uint64_t offset;            /* what software added to the date, in ns */
    uint8_t weekday_shift;      /* how far software's day of the week is off */
    uint8_t held[CMOS_SIZE];    /* date registers while updates are stopped */
    bool stopped;               /* by SET or by the divider: `held` is what they show */
    uint8_t a, c;
    uint8_t mode, enables;               /* of register B: what RESET leaves, and what it clears */
    uint64_t seen_seconds, seen_periods; /* up to where the flags are known, or UNSEEN */
};

static uint8_t memory_get(const struct cmos_rtc *rtc, unsigned index)
{
    return rtc->initial[index] ^ rtc->changed[index];
}

static void memory_set(struct cmos_rtc *rtc, unsigned index, uint8_t value)
{
    rtc->changed[index] = rtc->initial[index] ^ value;
}

/* Nanoseconds since 1970 as the chip has it. */
static uint64_t date_ns(const struct cmos_rtc *rtc)
{
    return rtc->epoch + rtc->offset + clock_now(rtc->machine->clock);
}

/* Days since 1970-01-01 of a date of the Gregorian calendar; months count from March of year 0 here. */
static uint64_t days_from_date(unsigned year, unsigned month, unsigned day)
{
    uint64_t y = year - (month <= 2);
    unsigned shifted = (month + 9) % 12;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * shifted + 2) / 5 + day - 1 - 719468;
}

static void date_from_days(struct date *date, uint64_t days)
{
    uint64_t since = days + 719468, era = since / 146097, of_era = since % 146097;
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = (unsigned)(of_era - (365 * year + year / 4 - year / 100));
    unsigned shifted = (5 * of_year + 2) / 153;
    date->day = of_year - (153 * shifted + 2) / 5 + 1;
    date->month = shifted < 10 ? shifted + 3 : shifted - 9;
    date->year = (unsigned)(era * 400 + year + (date->month <= 2));
    date->weekday = (unsigned)((days + 4) % 7) + 1; /* 1970-01-01 was a Thursday, the fifth */
}

static struct date date_from_seconds(uint64_t seconds)
{
    struct date date;
    unsigned of_day = (unsigned)(seconds % DAY_S);
    date.second = of_day % 60;
    date.minute = of_day / 60 % 60;
    date.hour = of_day / 3600;
    date_from_days(&date, seconds / DAY_S);
    return date;
}

static uint8_t number_encode(const struct cmos_rtc *rtc, unsigned value)
{
    return (uint8_t)(rtc->mode & B_BINARY ? value : value / 10 % 10 << 4 | value % 10);
}

static unsigned number_decode(const struct cmos_rtc *rtc, uint8_t value)
{
    return rtc->mode & B_BINARY ? value : (value >> 4) * 10u + (value & 0xfu);
}

static uint8_t hour_encode(const struct cmos_rtc *rtc, unsigned hour)
{
    if (rtc->mode & B_24HOURS)
        return number_encode(rtc, hour);
    return number_encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? 0x80 : 0);
}

static unsigned hour_decode(const struct cmos_rtc *rtc, uint8_t value)
{
    if (rtc->mode & B_24HOURS)
        return number_decode(rtc, value);
    return number_decode(rtc, value & 0x7f) % 12 + (value & 0x80 ? 12 : 0);
}

/* The date registers as they are at a time. */
static void date_encode(const struct cmos_rtc *rtc, uint64_t seconds, uint8_t *to)
{
    struct date date = date_from_seconds(seconds);
    to[SECONDS] = number_encode(rtc, date.second);
    to[MINUTES] = number_encode(rtc, date.minute);
    to[HOURS] = hour_encode(rtc, date.hour);
    to[WEEKDAY] = number_encode(rtc, (date.weekday - 1 + rtc->weekday_shift) % 7 + 1);
    to[DAY] = number_encode(rtc, date.day);
    to[MONTH] = number_encode(rtc, date.month);
    to[YEAR] = number_encode(rtc, date.year % 100);
    to[CMOS_CENTURY] = number_encode(rtc, date.year / 100);
}

/* The time that date registers say. Impossible dates run over into the next unit, as in arithmetic. */
static uint64_t date_decode(const struct cmos_rtc *rtc, const uint8_t *from)
{
    unsigned month = number_decode(rtc, from[MONTH]), day = number_decode(rtc, from[DAY]);
    unsigned century = number_decode(rtc, from[CMOS_CENTURY]);
    unsigned year = century * 100 + number_decode(rtc, from[YEAR]);
    if (month < 1 || month > 12)
        month = 1;
    if (day < 1)
        day = 1;
    if (year < 1970) /* before the epoch this counts from: the century was not set */
        year = 2000 + year % 100;
    uint64_t days = days_from_date(year, month, day);
    return days * DAY_S + hour_decode(rtc, from[HOURS]) * 3600u + number_decode(rtc, from[MINUTES]) * 60u +
           number_decode(rtc, from[SECONDS]);
}

static bool is_date(unsigned index)
{
    return index == SECONDS || index == MINUTES || index == HOURS || (index >= WEEKDAY && index <= YEAR) ||
           index == CMOS_CENTURY;
}

/* Take the date from the registers; the part of a second that has passed stays. */
static void date_set(struct cmos_rtc *rtc, const uint8_t *from)
{
    uint64_t now = date_ns(rtc), seconds = date_decode(rtc, from);
    rtc->offset += (seconds - now / SECOND) * SECOND;
    unsigned weekday = number_decode(rtc, from[WEEKDAY]);
    rtc->weekday_shift = (uint8_t)((weekday + 6 + 7 - (date_from_seconds(seconds).weekday - 1)) % 7);
    rtc->seen_seconds = rtc->seen_periods = UNSEEN;
}

static bool divider_runs(const struct cmos_rtc *rtc)
{
    return (rtc->a & A_DIVIDER) < 0x60;
}

/* MC146818 table 5: periods of the 32768 Hz clock; 0: none. */
static unsigned period_ticks(const struct cmos_rtc *rtc)
{
    unsigned rate = rtc->a & A_RATE;
    if (!rate || !divider_runs(rtc))
        return 0;
    return 1u << (rate <= 2 ? rate + 6 : rate - 1);
}

static uint64_t periods_now(const struct cmos_rtc *rtc)
{
    unsigned ticks = period_ticks(rtc);
    return ticks ? clock_scale(date_ns(rtc), 32768, SECOND) / ticks : 0;
}

/* An alarm register with both top bits set is met by any value. */
static bool alarm_part_matches(uint8_t alarm, uint8_t now)
{
    return (alarm & 0xc0) == 0xc0 || alarm == now;
}

/* The first second after `seconds` and up to `last` that meets the alarm; 0: none. A day has them all. */
static uint64_t alarm_next(const struct cmos_rtc *rtc, uint64_t seconds, uint64_t last)
{
    if (last > seconds + DAY_S)
        last = seconds + DAY_S;
    for (uint64_t i = seconds + 1; i <= last;) {
        unsigned of_day = (unsigned)(i % DAY_S);
        if (!alarm_part_matches(memory_get(rtc, HOURS_ALARM), hour_encode(rtc, of_day / 3600)))
            i += 3600 - of_day % 3600;
        else if (!alarm_part_matches(memory_get(rtc, MINUTES_ALARM), number_encode(rtc, of_day / 60 % 60)))
            i += 60 - of_day % 60;
        else if (!alarm_part_matches(memory_get(rtc, SECONDS_ALARM), number_encode(rtc, of_day % 60)))
            i++;
        else
            return i;
    }
    return 0;
}

/* Set the flags of everything that happened since the last look. */
static void flags_update(struct cmos_rtc *rtc)
{
    uint64_t periods = periods_now(rtc), seconds = date_ns(rtc) / SECOND;
    if (rtc->seen_periods != UNSEEN && periods != rtc->seen_periods)
        rtc->c |= C_PF;
    rtc->seen_periods = periods;
    if (!rtc->stopped && rtc->seen_seconds != UNSEEN && seconds > rtc->seen_seconds) {
        rtc->c |= C_UF;
        if (!(rtc->c & C_AF) && alarm_next(rtc, rtc->seen_seconds, seconds))
            rtc->c |= C_AF;
    }
    rtc->seen_seconds = seconds;
}

static uint64_t event_next(const struct cmos_rtc *rtc)
{
    uint64_t next = UINT64_MAX, seconds = date_ns(rtc) / SECOND, ticks = period_ticks(rtc);
    if (rtc->enables & B_PIE && ticks && !(rtc->c & C_PF))
        next = clock_scale((periods_now(rtc) + 1) * ticks, SECOND, 32768) + 1;
    if (rtc->stopped)
        return next;
    uint64_t other = UINT64_MAX;
    if (rtc->enables & B_UIE && !(rtc->c & C_UF))
        other = (seconds + 1) * SECOND;
    else if (rtc->enables & B_AIE && !(rtc->c & C_AF) && alarm_next(rtc, seconds, UINT64_MAX))
        other = alarm_next(rtc, seconds, UINT64_MAX) * SECOND;
    return other < next ? other : next;
}

static void update(struct cmos_rtc *rtc)
{
    flags_update(rtc);
    bool active = rtc->c & rtc->enables & (C_PF | C_AF | C_UF);
    rtc->c = (uint8_t)((rtc->c & ~C_IRQF) | (active ? C_IRQF : 0));
    irq_line_set(&rtc->irq, active);
    uint64_t next = event_next(rtc);
    clock_timer_set(rtc->timer, next == UINT64_MAX ? CLOCK_NEVER
                                                   : clock_now(rtc->machine->clock) + (next - date_ns(rtc)));
}

static void timer_fired(void *opaque)
{
    update(opaque);
}

static uint8_t a_read(const struct cmos_rtc *rtc)
{
    bool updating = !rtc->stopped && date_ns(rtc) % SECOND >= SECOND - UPDATE_NS;
    return rtc->a | (updating ? A_UIP : 0);
}

static uint8_t c_read(struct cmos_rtc *rtc)
{
    update(rtc);
    uint8_t value = rtc->c;
    rtc->c = 0;
    update(rtc);
    return value;
}

static uint8_t register_read(struct cmos_rtc *rtc, unsigned index)
{
    uint8_t date[CMOS_SIZE];
    switch (index) {
    case REGISTER_A: return a_read(rtc);
    case REGISTER_B: return rtc->mode | rtc->enables;
    case REGISTER_C: return c_read(rtc);
    case REGISTER_D: return D_VALID;
    default: break;
    }
    if (!is_date(index))
        return memory_get(rtc, index);
    if (rtc->stopped)
        return rtc->held[index];
    date_encode(rtc, date_ns(rtc) / SECOND, date);
    return date[index];
}

/* Stop the date or let it go on, after a write of A or B. */
static void stopped_update(struct cmos_rtc *rtc, bool was_divided)
{
    bool stop = rtc->mode & B_SET || !divider_runs(rtc);
    if (divider_runs(rtc) && !was_divided) /* the first update comes half a second after */
        rtc->offset += SECOND / 2 - date_ns(rtc) % SECOND;
    if (stop && !rtc->stopped)
        date_encode(rtc, date_ns(rtc) / SECOND, rtc->held);
    else if (!stop && rtc->stopped)
        date_set(rtc, rtc->held);
    rtc->stopped = stop;
}

static void control_write(struct cmos_rtc *rtc, unsigned index, uint8_t value)
{
    bool divided = divider_runs(rtc);
    flags_update(rtc);
    if (index == REGISTER_A) {
        rtc->a = value & (A_DIVIDER | A_RATE);
        rtc->seen_periods = UNSEEN;
    } else {
        rtc->mode = value & ~B_ENABLES;
        rtc->enables = value & B_ENABLES & (value & B_SET ? ~B_UIE : 0xff);
    }
    stopped_update(rtc, divided);
}

static void date_write(struct cmos_rtc *rtc, unsigned index, uint8_t value)
{
    if (rtc->stopped) {
        rtc->held[index] = value;
        return;
    }
    uint8_t date[CMOS_SIZE];
    flags_update(rtc);
    date_encode(rtc, date_ns(rtc) / SECOND, date);
    date[index] = value;
    date_set(rtc, date);
}

static void register_write(struct cmos_rtc *rtc, unsigned index, uint8_t value)
{
    if (index == REGISTER_A || index == REGISTER_B) {
        control_write(rtc, index, value);
    } else if (is_date(index)) {
        date_write(rtc, index, value);
    } else if (index != REGISTER_C && index != REGISTER_D) {
        flags_update(rtc);
        memory_set(rtc, index, value);
    }
    update(rtc);
}

static uint64_t cmos_read(void *opaque, uint64_t offset, unsigned width)
{
    struct cmos_rtc *rtc = opaque;
    (void)width;
    switch (offset) {
    case 1: return register_read(rtc, rtc->index);
    case 3: return rtc->upper[rtc->upper_index];
    default: return 0xff; /* an index can't be read back */
    }
}

/* Bit 7 of the index masks NMI, of which a PC's board has none to mask here. */
static void cmos_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct cmos_rtc *rtc = opaque;
    (void)width;
    switch (offset) {
    case 0: rtc->index = value & (CMOS_SIZE - 1); break;
    case 1: register_write(rtc, rtc->index, (uint8_t)value); break;
    case 2: rtc->upper_index = value & (CMOS_SIZE - 1); break;
    default: rtc->upper[rtc->upper_index] = (uint8_t)value;
    }
}

/* As a PC's set-up leaves it behind: systems from before ACPI believe in the memory only with a right sum. */
static void sum_define(struct cmos_rtc *rtc)
{
    unsigned sum = 0;
    for (unsigned i = CMOS_SUMMED_FIRST; i <= CMOS_SUMMED_LAST; i++)
        sum += rtc->initial[i];
    be16_store(rtc->initial + CMOS_SUM, (uint16_t)sum);
}

void cmos_rtc_define(struct cmos_rtc *rtc, uint8_t index, uint8_t value)
{
    rtc->initial[index % CMOS_SIZE] = value;
    sum_define(rtc);
}

static void word_define(struct cmos_rtc *rtc, uint8_t index, uint64_t value, unsigned bytes)
{
    uint64_t most = bits_get(UINT64_MAX, 0, 8 * bytes);
    le_store(rtc->initial + index, bytes, value > most ? most : value);
}

static void memory_define(struct cmos_rtc *rtc, const struct cmos_rtc_config *config)
{
    uint64_t below = config->memory_below_4g;
    word_define(rtc, CMOS_BASE_MEMORY, below < 640 * KIB ? below / KIB : 640, 2);
    word_define(rtc, CMOS_EXTENDED_MEMORY, below < MIB ? 0 : (below - MIB) / KIB, 2);
    word_define(rtc, 0x30, below < MIB ? 0 : (below - MIB) / KIB, 2);
    word_define(rtc, CMOS_MEMORY_ABOVE_16M, below < 16 * MIB ? 0 : (below - 16 * MIB) / (64 * KIB), 2);
    word_define(rtc, CMOS_MEMORY_ABOVE_4G, config->memory_above_4g / (64 * KIB), 3);
    word_define(rtc, CMOS_OTHER_PROCESSORS, config->processors ? config->processors - 1 : 0, 1);
    rtc->initial[CMOS_EQUIPMENT] = CMOS_EQUIPMENT_USUAL;
    sum_define(rtc);
}

static void restored(void *object)
{
    struct cmos_rtc *rtc = object;
    rtc->index &= CMOS_SIZE - 1;
    rtc->upper_index &= CMOS_SIZE - 1;
    rtc->weekday_shift %= 7;
    update(rtc);
}

/* The battery keeps the chip; RESET clears the flags and the enables. */
static const struct state_field fields[] = {
    STATE(struct cmos_rtc, index),
    STATE(struct cmos_rtc, upper_index),
    STATE_ARRAY(struct cmos_rtc, upper, .keep = true),
    STATE_ARRAY(struct cmos_rtc, changed, .keep = true),
    STATE(struct cmos_rtc, offset, .keep = true),
    STATE(struct cmos_rtc, weekday_shift, .keep = true),
    STATE_ARRAY(struct cmos_rtc, held, .keep = true),
    STATE(struct cmos_rtc, stopped, .keep = true),
    STATE(struct cmos_rtc, a, .keep = true, .reset = 0x26),
    STATE(struct cmos_rtc, mode, .keep = true, .reset = B_24HOURS),
    STATE(struct cmos_rtc, enables),
    STATE(struct cmos_rtc, c),
    STATE(struct cmos_rtc, seen_seconds, .reset = UNSEEN),
    STATE(struct cmos_rtc, seen_periods, .reset = UNSEEN),
};
static const struct state_table table = {"cmos-rtc", 1, fields, ARRAY_LEN(fields), restored};

static void cmos_destroy(void *object)
{
    struct cmos_rtc *rtc = object;
    clock_timer_destroy(rtc->timer);
    free(rtc);
}

struct cmos_rtc *cmos_rtc_create(struct machine *machine, const struct cmos_rtc_config *config,
                                 struct error *err)
{
    struct cmos_rtc *rtc = machine_alloc(sizeof(*rtc));
    struct bus_region ports = {.name = "cmos-rtc",
                               .base = 0x70,
                               .size = 4,
                               .max_width = 1,
                               .read = cmos_read,
                               .write = cmos_write,
                               .opaque = rtc};
    unsigned id;
    rtc->machine = machine;
    rtc->irq = config->irq;
    rtc->epoch = config->epoch;
    rtc->timer = clock_timer_create(machine->clock, timer_fired, rtc);
    memory_define(rtc, config);
    machine_device_add(machine, "cmos-rtc", &table, rtc, cmos_destroy);
    return bus_add(machine->mem.pio, &ports, &id, err) ? rtc : NULL;
}
