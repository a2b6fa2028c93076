#include "base/clock.h"

#include <stdatomic.h>
#include <stdlib.h>

struct clock_timer {
    struct clock *clock;
    void (*fire)(void *opaque);
    void *opaque;
    uint64_t deadline;
    size_t place; /* in the heap, or NOT_SET */
};

#define NOT_SET SIZE_MAX

struct clock {
    struct clock_config config;
    /* Real time: now = host - offset while running, `stopped_at` otherwise. Counted time is in stopped_at
     * always. */
    _Atomic uint64_t offset;
    _Atomic uint64_t stopped_at;
    atomic_bool running;
    /* A spin lock: the critical sections are a few dozen instructions and base/ has no operating system. */
    atomic_flag busy;
    struct clock_timer **heap;
    size_t count, room;
    uint64_t told; /* the deadline last given to rearm */
    _Atomic uint64_t earliest;
};

static void clock_lock(struct clock *clock)
{
    while (atomic_flag_test_and_set_explicit(&clock->busy, memory_order_acquire))
        ;
}

static void clock_unlock(struct clock *clock)
{
    atomic_flag_clear_explicit(&clock->busy, memory_order_release);
}

static void *memory_or_abort(void *p)
{
    if (!p)
        abort();
    return p;
}

struct clock *clock_create(const struct clock_config *config)
{
    struct clock *clock = memory_or_abort(calloc(1, sizeof(*clock)));
    clock->config = *config;
    clock->told = CLOCK_NEVER;
    atomic_store(&clock->earliest, CLOCK_NEVER);
    atomic_flag_clear(&clock->busy);
    return clock;
}

void clock_destroy(struct clock *clock)
{
    if (!clock)
        return;
    free(clock->heap);
    free(clock);
}

bool clock_is_counted(const struct clock *clock)
{
    return !clock->config.host_now;
}

uint64_t clock_now(struct clock *clock)
{
    if (atomic_load_explicit(&clock->running, memory_order_acquire))
        return clock->config.host_now() - atomic_load_explicit(&clock->offset, memory_order_relaxed);
    return atomic_load_explicit(&clock->stopped_at, memory_order_relaxed);
}

void clock_pause(struct clock *clock)
{
    if (!clock->config.host_now || !atomic_load(&clock->running))
        return;
    atomic_store(&clock->stopped_at, clock_now(clock));
    atomic_store(&clock->running, false);
}

/* Tell the new earliest deadline, outside the lock, when it became earlier. */
static void deadline_tell(struct clock *clock, bool always)
{
    clock_lock(clock);
    uint64_t deadline = clock->count ? clock->heap[0]->deadline : CLOCK_NEVER;
    atomic_store_explicit(&clock->earliest, deadline, memory_order_release);
    bool tell = always ? deadline != CLOCK_NEVER : deadline < clock->told;
    if (tell || always)
        clock->told = deadline;
    clock_unlock(clock);
    if (tell && clock->config.rearm)
        clock->config.rearm(clock->config.opaque, deadline);
}

void clock_resume(struct clock *clock)
{
    if (!clock->config.host_now || atomic_load(&clock->running))
        return;
    atomic_store(&clock->offset, clock->config.host_now() - atomic_load(&clock->stopped_at));
    atomic_store(&clock->running, true);
    deadline_tell(clock, true);
}

void clock_set(struct clock *clock, uint64_t now)
{
    bool was_running = atomic_load(&clock->running);
    clock_pause(clock);
    atomic_store(&clock->stopped_at, now);
    if (was_running)
        clock_resume(clock);
}

void clock_advance(struct clock *clock, uint64_t now)
{
    if (!clock->config.host_now && now > atomic_load(&clock->stopped_at))
        atomic_store(&clock->stopped_at, now);
}

uint64_t clock_deadline(struct clock *clock)
{
    return atomic_load_explicit(&clock->earliest, memory_order_acquire);
}

static void place_set(struct clock *clock, size_t place, struct clock_timer *timer)
{
    clock->heap[place] = timer;
    timer->place = place;
}

static void heap_up(struct clock *clock, size_t place)
{
    struct clock_timer *timer = clock->heap[place];
    while (place > 0 && clock->heap[(place - 1) / 2]->deadline > timer->deadline) {
        place_set(clock, place, clock->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    place_set(clock, place, timer);
}

static void heap_down(struct clock *clock, size_t place)
{
    struct clock_timer *timer = clock->heap[place];
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= clock->count)
            break;
        if (child + 1 < clock->count && clock->heap[child + 1]->deadline < clock->heap[child]->deadline)
            child++;
        if (clock->heap[child]->deadline >= timer->deadline)
            break;
        place_set(clock, place, clock->heap[child]);
        place = child;
    }
    place_set(clock, place, timer);
}

static void heap_remove(struct clock *clock, struct clock_timer *timer)
{
    size_t place = timer->place;
    timer->place = NOT_SET;
    struct clock_timer *last = clock->heap[--clock->count];
    if (last == timer)
        return;
    place_set(clock, place, last);
    heap_up(clock, place);
    heap_down(clock, last->place);
}

static void heap_insert(struct clock *clock, struct clock_timer *timer)
{
    if (clock->count == clock->room) {
        clock->room = clock->room ? 2 * clock->room : 16;
        clock->heap = memory_or_abort(realloc(clock->heap, clock->room * sizeof(struct clock_timer *)));
    }
    place_set(clock, clock->count, timer);
    heap_up(clock, clock->count++);
}

void clock_run(struct clock *clock)
{
    uint64_t now = clock_now(clock);
    for (;;) {
        clock_lock(clock);
        struct clock_timer *timer = clock->count && clock->heap[0]->deadline <= now ? clock->heap[0] : NULL;
        if (timer) {
            heap_remove(clock, timer);
            timer->deadline = CLOCK_NEVER;
        }
        clock_unlock(clock);
        if (!timer)
            break;
        timer->fire(timer->opaque);
    }
    deadline_tell(clock, true);
}

struct clock_timer *clock_timer_create(struct clock *clock, void (*fire)(void *opaque), void *opaque)
{
    struct clock_timer *timer = memory_or_abort(calloc(1, sizeof(*timer)));
    *timer = (struct clock_timer){clock, fire, opaque, CLOCK_NEVER, NOT_SET};
    return timer;
}

void clock_timer_destroy(struct clock_timer *timer)
{
    if (!timer)
        return;
    clock_timer_set(timer, CLOCK_NEVER);
    free(timer);
}

void clock_timer_set(struct clock_timer *timer, uint64_t deadline)
{
    struct clock *clock = timer->clock;
    clock_lock(clock);
    if (timer->place != NOT_SET)
        heap_remove(clock, timer);
    timer->deadline = deadline;
    if (deadline != CLOCK_NEVER)
        heap_insert(clock, timer);
    clock_unlock(clock);
    deadline_tell(clock, false);
}
