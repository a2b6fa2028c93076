#include "devices/timer/i8254.h"

#include "tests/devices/machine_support.h"

static struct test_machine *test;
static struct test_irq irq;

static void start(void)
{
    irq = (struct test_irq){0};
    test = test_machine_create(4096);
    CHECK(i8254_create(&test->machine, test_irq_line(&irq), NULL) != NULL);
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
    return (ticks * 1000000000 + I8254_HZ - 1) / I8254_HZ + 1;
}

static void load(unsigned channel, uint8_t control, uint16_t count)
{
    test_out(test, 0x43, 1, control);
    test_out(test, (uint16_t)(0x40 + channel), 1, count & 0xff);
    test_out(test, (uint16_t)(0x40 + channel), 1, count >> 8);
}

static uint16_t count_now(unsigned channel)
{
    test_out(test, 0x43, 1, channel << 6);
    uint16_t low = (uint16_t)test_in(test, (uint16_t)(0x40 + channel), 1);
    return (uint16_t)(low | test_in(test, (uint16_t)(0x40 + channel), 1) << 8);
}

/* Mode 2, which operating systems use for their tick: an edge a period. */
static void rate_generator(void)
{
    start();
    load(0, 0x34, 11932); /* 100 Hz */
    unsigned before = irq.rises;
    test_advance(test, 1000000000);
    CHECK(irq.rises - before >= 99 && irq.rises - before <= 101);
    test_machine_destroy(test);
}

static void counts_down(void)
{
    start();
    load(0, 0x34, 1000);
    CHECK_EQ(count_now(0), 1000);
    test_advance(test, ticks_to_ns(300));
    CHECK_EQ(count_now(0), 700);
    test_advance(test, ticks_to_ns(700));
    CHECK(count_now(0) >= 998);
    /* One half only, in the other half's place. */
    test_out(test, 0x43, 1, 0x14);
    test_out(test, 0x40, 1, 200);
    test_advance(test, ticks_to_ns(50));
    CHECK_EQ(test_in(test, 0x40, 1), 150);
    test_machine_destroy(test);
}

static void decimal(void)
{
    start();
    load(0, 0x31, 0x1000); /* mode 0, BCD: one thousand */
    test_advance(test, ticks_to_ns(1));
    CHECK_EQ(count_now(0), 0x999);
    test_machine_destroy(test);
}

/* Channel 2 through port 0x61: how firmware and kernels measure short times. */
static void speaker_channel(void)
{
    start();
    test_out(test, 0x61, 1, 0);
    load(2, 0xb0, 2000); /* mode 0 */
    test_advance(test, ticks_to_ns(5000));
    CHECK_EQ(test_in(test, 0x61, 1) & 0x21, 0); /* the gate is closed: it doesn't count */
    test_out(test, 0x61, 1, 0xfe);
    CHECK_EQ(test_in(test, 0x61, 1) & 0xcf, 0x0e); /* bits 6 and 7 tell of errors, of which there are none */
    test_out(test, 0x61, 1, 1);
    test_advance(test, ticks_to_ns(1999) - 900);
    CHECK_EQ(test_in(test, 0x61, 1) & 0x21, 0x01);
    test_advance(test, ticks_to_ns(3));
    CHECK_EQ(test_in(test, 0x61, 1) & 0x21, 0x21);
    test_machine_destroy(test);
}

static void read_back(void)
{
    start();
    load(0, 0x34, 1000);
    test_advance(test, ticks_to_ns(10));
    test_out(test, 0x43, 1, 0xc2); /* count and status of channel 0 */
    test_advance(test, ticks_to_ns(10));
    /* status: output high, loaded, both halves, mode 2 */
    CHECK_EQ(test_in(test, 0x40, 1), 0xb4);
    CHECK_EQ(test_in(test, 0x40, 1) | test_in(test, 0x40, 1) << 8, 990);
    CHECK(count_now(0) <= 981);
    test_machine_destroy(test);
}

static void one_shot_strobe(void)
{
    start();
    load(0, 0x38, 100); /* mode 4 */
    CHECK(irq.level);
    unsigned before = irq.rises;
    test_advance(test, ticks_to_ns(500));
    CHECK_EQ(irq.rises, before + 1);
    test_advance(test, ticks_to_ns(100000));
    CHECK_EQ(irq.rises, before + 1);
    /* Nor is it lost when the count is looked at before the event loop comes to it, or a new one written. */
    load(0, 0x38, 100);
    clock_advance(test->machine.clock, clock_now(test->machine.clock) + ticks_to_ns(500));
    count_now(0);
    CHECK_EQ(irq.rises, before + 2);
    load(0, 0x38, 100);
    clock_advance(test->machine.clock, clock_now(test->machine.clock) + ticks_to_ns(500));
    load(0, 0x38, 100);
    CHECK_EQ(irq.rises, before + 3);
    test_advance(test, ticks_to_ns(500));
    CHECK_EQ(irq.rises, before + 4);
    test_machine_destroy(test);
}

static void state(void)
{
    start();
    load(0, 0x34, 1000);
    test_advance(test, ticks_to_ns(100));
    test_save_load(test);
    CHECK_EQ(count_now(0), 900);
    test_machine_destroy(test);
}

static void wild_accesses(void)
{
    start();
    for (int i = 0; i < 100000; i++) {
        uint16_t port = (uint16_t)(test_random() % 5 == 4 ? 0x61 : 0x40 + test_random() % 4);
        if (test_random() & 1)
            test_out(test, port, 1, test_random() & 0xff);
        else
            test_in(test, port, 1);
        if (test_random() % 16 == 0)
            test_advance(test, test_random() % 100000);
    }
    load(0, 0x34, 1000);
    CHECK_EQ(count_now(0), 1000);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"rate_generator", rate_generator},
    {"counts_down", counts_down},
    {"decimal", decimal},
    {"speaker_channel", speaker_channel},
    {"read_back", read_back},
    {"one_shot_strobe", one_shot_strobe},
    {"state", state},
    {"wild_accesses", wild_accesses},
};
TEST_SUITE(i8254_test, "unit", cases);
