/*
 * An Arm PrimeCell PL031 real-time clock: seconds, and an alarm at one of them. It runs on the machine clock,
 * from the date it is given.
 */
#pragma once

#include "devices/machine.h"

#define PL031_SIZE 0x1000

struct pl031_config {
    uint64_t base;
    uint64_t epoch; /* the date, in nanoseconds since 1970-01-01 UTC, at machine time 0 */
    struct irq_line irq;
};

struct pl031;

/* NULL and err when its place overlaps another device. */
struct pl031 *pl031_create(struct machine *machine, const struct pl031_config *config, struct error *err);
