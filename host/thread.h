/*
 * Threads, locks and condition variables of the host. Nothing here fails but thread_create: running out of
 * memory for a lock ends the program.
 */
#pragma once

#include <pthread.h>

#include "base/error.h"

struct host_thread {
    pthread_t id;
};

struct host_mutex {
    pthread_mutex_t m;
};

/* Waits against the host's monotonic clock. */
struct host_cond {
    pthread_cond_t c;
};

bool host_thread_create(struct host_thread *thread, const char *name, void *(*run)(void *), void *opaque,
                        struct error *err);
/* The name of the calling thread for the host's tools; of the main thread, the program's. */
void host_thread_name_set(const char *name);
void host_thread_join(struct host_thread *thread);

/* Let another thread have the processor: what this one waits for may need it. */
void host_thread_yield(void);

void host_mutex_init(struct host_mutex *mutex);
void host_mutex_destroy(struct host_mutex *mutex);
void host_mutex_lock(struct host_mutex *mutex);
void host_mutex_unlock(struct host_mutex *mutex);

void host_cond_init(struct host_cond *cond);
void host_cond_destroy(struct host_cond *cond);
void host_cond_wait(struct host_cond *cond, struct host_mutex *mutex);

/* Wait until signalled or until host_clock_ns() reaches `deadline` (UINT64_MAX: for ever). False when it
 * timed out. */
bool host_cond_wait_until(struct host_cond *cond, struct host_mutex *mutex, uint64_t deadline);
void host_cond_signal(struct host_cond *cond);
void host_cond_broadcast(struct host_cond *cond);
