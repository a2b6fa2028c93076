#include "host/loop.h"

#include <unistd.h>

#include "host/clock.h"
#include "host/memory.h"
#include "tests/harness/test.h"

struct world {
    struct host_mutex lock;
    struct host_loop *loop;
    int fd;
    uint64_t deadline, fired_at;
    unsigned posted, worked, done;
    unsigned steps;
};

static void world_make(struct world *w)
{
    *w = (struct world){.fd = -1};
    host_mutex_init(&w->lock);
    w->loop = host_loop_create(&w->lock, NULL);
}

static void world_free(struct world *w)
{
    host_loop_destroy(w->loop);
    host_mutex_destroy(&w->lock);
}

static void step_done(struct world *w, unsigned all)
{
    if (++w->steps == all)
        host_loop_stop(w->loop);
}

static void timer_fire(void *opaque)
{
    struct world *w = opaque;
    w->fired_at = host_clock_ns();
    step_done(w, 1);
}

static void timer(void)
{
    struct world w;
    world_make(&w);
    struct host_timer *t = host_timer_create(w.loop, timer_fire, &w, NULL);
    CHECK(t != NULL);
    w.deadline = host_clock_ns() + 300000;
    host_timer_set(t, w.deadline);
    host_loop_run(w.loop, true);
    CHECK(w.fired_at >= w.deadline);
    host_timer_destroy(t);
    world_free(&w);
}

static void posted(void *opaque)
{
    struct world *w = opaque;
    w->posted++;
    step_done(w, 2);
}

static void work(void *opaque)
{
    ((struct world *)opaque)->worked = 1;
}

static void work_done(void *opaque)
{
    struct world *w = opaque;
    w->done = w->worked;
    step_done(w, 2);
}

static void posts_and_work(void)
{
    struct world w;
    world_make(&w);
    host_loop_work(w.loop, work, work_done, &w);
    host_loop_post(w.loop, posted, &w);
    host_loop_run(w.loop, true);
    CHECK_EQ(w.posted, 1);
    CHECK_EQ(w.done, 1);
    world_free(&w);
}

static void readable(void *opaque, unsigned events)
{
    struct world *w = opaque;
    char byte = 0;
    CHECK_EQ(events, HOST_READABLE);
    CHECK_EQ(read(w->fd, &byte, 1), 1);
    CHECK_EQ(byte, 'x');
    step_done(w, 1);
}

static void watch(void)
{
    struct world w;
    world_make(&w);
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    w.fd = ends[0];
    struct host_watch *watch = host_watch_create(w.loop, ends[0], readable, &w, NULL);
    host_watch_set(watch, HOST_READABLE);
    CHECK_EQ(write(ends[1], "x", 1), 1);
    host_loop_run(w.loop, true);
    CHECK_EQ(w.steps, 1);
    host_watch_destroy(watch);
    world_free(&w);
    close(ends[0]);
    close(ends[1]);
}

static void memory_clone_and_discard(void)
{
    struct error err;
    int fd = host_memory_create("test", 2 * MIB, &err);
    CHECK(fd >= 0);
    char *a = host_memory_map(fd, 0, 2 * MIB, false, &err);
    a[0] = 'a';
    a[MIB] = 'b';
    char *clone = host_memory_map(fd, 0, 2 * MIB, true, &err);
    clone[0] = 'c';
    CHECK_EQ(a[0], 'a');
    CHECK_EQ(clone[MIB], 'b');
    host_memory_discard(fd, a, MIB, 4096);
    CHECK_EQ(a[MIB], 0);
    CHECK_EQ(a[0], 'a');
    host_memory_unmap(a, 2 * MIB);
    host_memory_unmap(clone, 2 * MIB);
    host_memory_close(fd);
}

static const struct test_case cases[] = {
    {"timer", timer},
    {"posts_and_work", posts_and_work},
    {"watch", watch},
    {"memory_clone_and_discard", memory_clone_and_discard},
};
TEST_SUITE(loop_test, "unit", cases);
