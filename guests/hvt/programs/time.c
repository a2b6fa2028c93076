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

static uint64_t ns_of(const struct boot_info *info, uint64_t cycles)
{
    return cycles * 1000 / (info->cycles_per_second / 1000000);
}

/* The clock's interval lies between the counter's that is inside it and the one around it, to a hundredth. */
static void wait_and_compare(const struct boot_info *info)
{
    uint64_t outer = cycles_now(), wall = wall_now(), inner = cycles_now();
    poll(50 * MS);
    inner = ns_of(info, cycles_now() - inner);
    wall = wall_now() - wall;
    outer = ns_of(info, cycles_now() - outer);
    check(inner >= 50 * MS - MS / 2, "the counter went on for 50 ms at least");
    check(wall >= 49 * MS, "the clock went on for 50 ms at least");
    check(outer < 10000 * MS, "but not for 10 seconds");
    bool alike = wall + wall / 100 >= inner && wall <= outer + outer / 100;
    check(alike, "both went on alike");
    if (!alike) {
        print_number(inner);
        print(" to ");
        print_number(outer);
        print(" ns by the counter, ");
        print_number(wall);
        print(" by the clock\n");
    }
}

int guest_main(const struct boot_info *info)
{
    uint64_t wall = wall_now(), cycles = cycles_now();
    check(wall > 1577836800ull * 1000 * MS - 1, "it is after 2019");
    poll(0);
    check(wall_now() - wall < 5000 * MS, "waiting for nothing takes no time");
    wait_and_compare(info);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t next = cycles_now();
        check(next >= cycles, "the counter does not go back");
        cycles = next;
    }
    return check_status();
}
