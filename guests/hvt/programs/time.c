/* The date, the counter and its rate, and that waiting takes as long as was asked for. */
#include "guests/hvt/hvt.h"

MANIFEST(0);

#define MS 1000000ull

static void poll(uint64_t timeout_ns)
{
    struct call_poll call = {timeout_ns, ~0ull, -1};
    hypercall(CALL_POLL, &call);
    check(call.ready == 0 && call.count == 0, "nothing is ready");
}

int guest_main(const struct boot_info *info)
{
    uint64_t wall = wall_now(), cycles = cycles_now();
    check(wall > 1577836800ull * 1000 * MS - 1, "it is after 2019");
    poll(0);
    check(wall_now() - wall < 1000 * MS, "waiting for nothing takes no time");
    wall = wall_now();
    cycles = cycles_now();
    poll(50 * MS);
    uint64_t ns = (cycles_now() - cycles) * 1000 / (info->cycles_per_second / 1000000);
    uint64_t wall_ns = wall_now() - wall;
    check(ns >= 50 * MS, "the counter went on for 50 ms at least");
    check(wall_ns >= 49 * MS, "the clock went on for 50 ms at least");
    check(ns < 2000 * MS && wall_ns < 2000 * MS, "but not for 2 seconds");
    check(ns > wall_ns ? ns - wall_ns < 500 * MS : wall_ns - ns < 500 * MS, "both went on alike");
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t next = cycles_now();
        check(next >= cycles, "the counter does not go back");
        cycles = next;
    }
    return check_status();
}
