/* The generic timers (timer.c). */
#pragma once

#include "cpu/aarch64/pe.h"

/* Once, when the machine clock is known; and back. */
void aarch64_timers_create(struct aarch64_core *c);
void aarch64_timers_destroy(struct aarch64_core *c);

/* The timer registers have changed by a reset or a load: outputs and deadlines again. Machine lock held. */
void aarch64_timers_restored(struct aarch64_core *c);

/* Counts of CNTPCT_EL0 now. */
uint64_t aarch64_counter(const struct aarch64_core *c);

/* Wake the core when the virtual counter reaches this. False: it has. */
bool aarch64_wait_until(struct aarch64_core *c, uint64_t count);
bool aarch64_wait_over(struct aarch64_core *c);

/* When the event stream (CNTKCTL_EL1) has its first event behind a count; ~0 while it is off. */
uint64_t aarch64_stream_next(const struct aarch64_core *c, uint64_t count);

/* The counter in so many microseconds. */
uint64_t aarch64_counter_in(const struct aarch64_core *c, unsigned microseconds);

/* Set a level output; the machine lock is held or not. */
void aarch64_output_set(struct aarch64_core *c, enum aarch64_output output, bool level, bool locked);
