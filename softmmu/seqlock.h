/*
 * A sequence counter for tables that are read all the time and changed hardly ever: readers take no lock,
 * notice that a change happened meanwhile, and read again. Writers exclude each other by a lock of their own.
 *
 * What is read between begin and retry may be torn: use it only when retry said false, and never follow a
 * pointer or an index out of it that could be freed or out of bounds.
 */
#pragma once

#include "base/types.h"

struct seqlock {
    uint32_t sequence; /* odd while a change is being made */
};

static inline uint32_t seqlock_read_begin(const struct seqlock *lock)
{
    uint32_t start;
    do
        start = __atomic_load_n(&lock->sequence, __ATOMIC_ACQUIRE);
    while (unlikely(start & 1));
    return start;
}

/* True when the data changed since `start` was taken: begin again. */
static inline bool seqlock_read_retry(const struct seqlock *lock, uint32_t start)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return unlikely(__atomic_load_n(&lock->sequence, __ATOMIC_RELAXED) != start);
}

static inline void seqlock_write_begin(struct seqlock *lock)
{
    __atomic_store_n(&lock->sequence, lock->sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void seqlock_write_end(struct seqlock *lock)
{
    __atomic_store_n(&lock->sequence, lock->sequence + 1, __ATOMIC_RELEASE);
}
