/*
 * The Goldfish real-time clock: nanoseconds since 1970 and an alarm. It runs on the machine clock, from the
 * date it is given.
 */
#pragma once

#include "devices/machine.h"

#define GOLDFISH_RTC_SIZE 0x1000

struct goldfish_rtc_config {
    uint64_t base;
    uint64_t epoch; /* the date, in nanoseconds since 1970-01-01 UTC, at machine time 0 */
    struct irq_line irq;
};

struct goldfish_rtc;

/* NULL and err when its place overlaps another device. */
struct goldfish_rtc *goldfish_rtc_create(struct machine *machine, const struct goldfish_rtc_config *config,
                                         struct error *err);
