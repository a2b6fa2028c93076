/*
 * The performance monitors: a cycle counter and the model's event counters. A counter that counts is a
 * difference of a source, so that counting costs nothing; the registers are brought up to date when something
 * changes that decides about counting, and when run() returns.
 */
#pragma once

#include "cpu/aarch64/pe.h"

enum aarch64_pmu_event {
    PMU_EVENT_EXCEPTION,
    PMU_EVENT_REFILL, /* walks for data */
    PMU_EVENT_ACCESS, /* loads and stores; only while c->counting.accesses: blocks have MODE_COUNTED then */
};

/* Bring the registers up to date and stop; count on. Counting is off while the core doesn't run. Who starts
 * it sees to a resync. */
void aarch64_pmu_stop(struct aarch64_core *c);
void aarch64_pmu_start(struct aarch64_core *c);

/* Notice overflows up to now; returns the instruction count at which to ask again. */
uint64_t aarch64_pmu_check(struct aarch64_core *c);

/* Something happened that a counter may be counting. */
void aarch64_pmu_event(struct aarch64_core *c, enum aarch64_pmu_event event);
