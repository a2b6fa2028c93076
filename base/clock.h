/*
 * The machine clock: guest time in nanoseconds, which every timer device and CPU counter reads, and the
 * timers that run on it. Real time (host monotonic, stopped while the machine is paused) or time counted in
 * guest instructions.
 */
#pragma once

#include "base/types.h"

struct clock;
struct clock_timer;

#define CLOCK_NEVER (~(uint64_t)0)

struct clock_config {
    uint64_t (*host_now)(
        void); /* host monotonic nanoseconds; NULL: counted time, moved by clock_advance only */
    /*
     * Called whenever the earliest deadline becomes earlier than the one last told, from any thread and with
     * no lock held: whoever sleeps must wake by then and call clock_run. May be NULL.
     */
    void (*rearm)(void *opaque, uint64_t deadline);
    void *opaque;
};

struct clock *clock_create(const struct clock_config *config);
void clock_destroy(struct clock *clock);

/* Whether time is counted: between two calls of clock_advance it stands still. */
bool clock_is_counted(const struct clock *clock);

/* Guest time now. Any thread, no lock. Never goes back. */
uint64_t clock_now(struct clock *clock);

/* Stop and resume real time; a clock starts stopped at 0. Counted clocks ignore both. */
void clock_pause(struct clock *clock);
void clock_resume(struct clock *clock);

/* Set the time (loading a snapshot), or move counted time forward to `now`. */
void clock_set(struct clock *clock, uint64_t now);
void clock_advance(struct clock *clock, uint64_t now);

/* The earliest deadline in guest time, or CLOCK_NEVER. Any thread. */
uint64_t clock_deadline(struct clock *clock);

/* Fire every timer that is due, in order of deadline. The machine lock is held; callbacks may set timers. */
void clock_run(struct clock *clock);

/* A timer, at first not set. `fire` runs with the machine lock held. NULL never (memory exhaustion aborts).
 */
struct clock_timer *clock_timer_create(struct clock *clock, void (*fire)(void *opaque), void *opaque);
void clock_timer_destroy(struct clock_timer *timer);

/* Set the deadline (guest time; CLOCK_NEVER cancels). Any thread, with or without the machine lock. */
void clock_timer_set(struct clock_timer *timer, uint64_t deadline);

/* v * mul / div without overflow of the product: for turning nanoseconds into ticks and back. */
static inline uint64_t clock_scale(uint64_t v, uint64_t mul, uint64_t div)
{
    return (uint64_t)((unsigned __int128)v * mul / div);
}
