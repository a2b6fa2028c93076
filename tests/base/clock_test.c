#include "base/clock.h"

#include "tests/harness/test.h"

static uint64_t host_time;

static uint64_t host_now(void)
{
    return host_time;
}

static uint64_t told;

static void rearm(void *opaque, uint64_t deadline)
{
    (void)opaque;
    told = deadline;
}

static void stops_and_goes(void)
{
    host_time = 1000;
    struct clock *clock = clock_create(&(struct clock_config){.host_now = host_now});
    CHECK_EQ(clock_now(clock), 0);
    clock_resume(clock);
    host_time = 1500;
    CHECK_EQ(clock_now(clock), 500);
    clock_pause(clock);
    host_time = 9000;
    CHECK_EQ(clock_now(clock), 500);
    clock_resume(clock);
    host_time = 9001;
    CHECK_EQ(clock_now(clock), 501);
    clock_set(clock, 70);
    host_time = 9011;
    CHECK_EQ(clock_now(clock), 80);
    clock_destroy(clock);
}

static unsigned order[8], fired;

static void fire(void *opaque)
{
    order[fired++ % 8] = *(unsigned *)opaque;
}

static void timers_in_order(void)
{
    struct clock *clock = clock_create(&(struct clock_config){.rearm = rearm});
    unsigned names[5] = {0, 1, 2, 3, 4};
    const uint64_t deadlines[5] = {50, 10, 40, 20, 30};
    struct clock_timer *timers[5];
    for (int i = 0; i < 5; i++) {
        timers[i] = clock_timer_create(clock, fire, &names[i]);
        clock_timer_set(timers[i], deadlines[i]);
    }
    CHECK_EQ(told, 10);
    CHECK_EQ(clock_deadline(clock), 10);
    clock_timer_set(timers[3], CLOCK_NEVER);
    fired = 0;
    clock_advance(clock, 9);
    clock_run(clock);
    CHECK_EQ(fired, 0);
    clock_advance(clock, 40);
    clock_run(clock);
    CHECK_EQ(fired, 3);
    CHECK_EQ(order[0], 1);
    CHECK_EQ(order[1], 4);
    CHECK_EQ(order[2], 2);
    CHECK_EQ(clock_deadline(clock), 50);
    CHECK_EQ(told, 50);
    clock_timer_set(timers[1], 45);
    CHECK_EQ(told, 45);
    for (int i = 0; i < 5; i++)
        clock_timer_destroy(timers[i]);
    CHECK_EQ(clock_deadline(clock), CLOCK_NEVER);
    clock_destroy(clock);
}

static void heap_against_a_list(void)
{
    struct clock *clock = clock_create(&(struct clock_config){0});
    enum { N = 40 };
    unsigned names[N];
    uint64_t deadlines[N];
    struct clock_timer *timers[N];
    for (unsigned i = 0; i < N; i++) {
        names[i] = i;
        deadlines[i] = CLOCK_NEVER;
        timers[i] = clock_timer_create(clock, fire, &names[i]);
    }
    for (int round = 0; round < 5000; round++) {
        unsigned which = (unsigned)(test_random() % N);
        deadlines[which] = test_random() % 4 ? clock_now(clock) + 1 + test_random() % 1000 : CLOCK_NEVER;
        clock_timer_set(timers[which], deadlines[which]);
        unsigned due = 0;
        uint64_t earliest = CLOCK_NEVER, now = clock_now(clock) + test_random() % 20;
        for (unsigned i = 0; i < N; i++) {
            if (deadlines[i] <= now) {
                due++;
                deadlines[i] = CLOCK_NEVER;
            }
            if (deadlines[i] < earliest)
                earliest = deadlines[i];
        }
        fired = 0;
        clock_advance(clock, now);
        clock_run(clock);
        if (!CHECK_EQ(fired, due) || !CHECK_EQ(clock_deadline(clock), earliest))
            break;
    }
    for (unsigned i = 0; i < N; i++)
        clock_timer_destroy(timers[i]);
    clock_destroy(clock);
}

static const struct test_case cases[] = {
    {"stops_and_goes", stops_and_goes},
    {"timers_in_order", timers_in_order},
    {"heap_against_a_list", heap_against_a_list},
};
TEST_SUITE(clock_test, "unit", cases);
