/*
 * The event loop of the main thread (libuv). Devices get their sockets, files and host timers from here;
 * every callback runs on the loop's thread with the loop's lock held, which is the machine lock.
 */
#pragma once

#include "base/error.h"
#include "host/thread.h"

struct host_loop;
struct host_watch;
struct host_timer;

/* The loop takes `lock` around every callback. NULL and err on failure. */
struct host_loop *host_loop_create(struct host_mutex *lock, struct error *err);
void host_loop_destroy(struct host_loop *loop);

/* Run callbacks until host_loop_stop; with wait == false, run what is ready and return. Lock not held. */
void host_loop_run(struct host_loop *loop, bool wait);

/* Wait until something is ready, run it and return. Lock not held. */
void host_loop_run_once(struct host_loop *loop);

/* Make host_loop_run return. Any thread. */
void host_loop_stop(struct host_loop *loop);

/* Run fn(opaque) on the loop's thread soon, with the lock. Any thread, with or without the lock; in order. */
void host_loop_post(struct host_loop *loop, void (*fn)(void *opaque), void *opaque);

/* Watch a file descriptor. `events` is a set of HOST_READABLE and HOST_WRITABLE; 0 pauses. The fd stays the
 * caller's. */
#define HOST_READABLE 1u
#define HOST_WRITABLE 2u
struct host_watch *host_watch_create(struct host_loop *loop, int fd,
                                     void (*ready)(void *opaque, unsigned events), void *opaque,
                                     struct error *err);
void host_watch_set(struct host_watch *watch, unsigned events);
void host_watch_destroy(struct host_watch *watch);

/* A host timer with nanosecond deadlines in host_clock_ns() time; UINT64_MAX cancels. host_timer_set: any
 * thread. */
struct host_timer *host_timer_create(struct host_loop *loop, void (*fire)(void *opaque), void *opaque,
                                     struct error *err);
void host_timer_set(struct host_timer *timer, uint64_t deadline);
void host_timer_destroy(struct host_timer *timer);

/* Run work(opaque) on a worker thread without the lock, then done(opaque) on the loop's thread with it. */
void host_loop_work(struct host_loop *loop, void (*work)(void *opaque), void (*done)(void *opaque),
                    void *opaque);

/* Have work done on the loop's thread, in the order it was handed over: for runs that must be repeatable. */
void host_loop_work_here(struct host_loop *loop);
