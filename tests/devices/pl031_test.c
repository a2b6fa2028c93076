/* Expected values are those of the PL031 technical reference manual (DDI 0224). */
#include "devices/timer/pl031.h"
#include "tests/devices/machine_support.h"

#define BASE   ((uint64_t)0x09010000)
#define DR     0x00
#define MR     0x04
#define LR     0x08
#define CR     0x0c
#define IMSC   0x10
#define RIS    0x14
#define MIS    0x18
#define ICR    0x1c
#define SECOND 1000000000ull
#define EPOCH  1700000000u

static struct test_machine *test;
static struct test_irq irq;

static void start(void)
{
    test = test_machine_create(MIB);
    irq = (struct test_irq){0};
    struct pl031_config config = {
        .base = BASE, .epoch = EPOCH * SECOND + SECOND / 4, .irq = test_irq_line(&irq)};
    CHECK(pl031_create(&test->machine, &config, NULL) != NULL);
}

static void finish(void)
{
    test_machine_destroy(test);
}

static uint32_t get(uint64_t offset)
{
    return (uint32_t)test_load(test, BASE + offset, 4);
}

static void put(uint64_t offset, uint32_t value)
{
    test_store(test, BASE + offset, 4, value);
}

static void date(void)
{
    static const uint8_t id[8] = {0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    start();
    CHECK_EQ(get(DR), EPOCH);
    CHECK_EQ(get(CR), 1);
    test_advance(test, SECOND / 2);
    CHECK_EQ(get(DR), EPOCH);
    test_advance(test, SECOND / 4);
    CHECK_EQ(get(DR), EPOCH + 1);
    put(LR, 1000);
    CHECK_EQ(get(DR), 1000);
    CHECK_EQ(get(LR), 1000);
    test_advance(test, 5 * SECOND);
    CHECK_EQ(get(DR), 1005);
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(get(0xfe0 + 4 * i), id[i]);
    /* A reset keeps the date. */
    test_reset(test);
    CHECK_EQ(get(DR), 1005);
    finish();
}

static void alarm_comes(void)
{
    start();
    put(IMSC, 1);
    put(MR, EPOCH + 10);
    test_advance(test, 9 * SECOND + SECOND / 2);
    CHECK(!irq.level);
    CHECK_EQ(get(RIS), 0);
    test_advance(test, SECOND / 4);
    CHECK(irq.level);
    CHECK_EQ(get(DR), EPOCH + 10);
    CHECK_EQ(get(RIS), 1);
    CHECK_EQ(get(MIS), 1);
    put(IMSC, 0);
    CHECK(!irq.level);
    CHECK_EQ(get(MIS), 0);
    put(IMSC, 1);
    CHECK(irq.level);
    put(ICR, 1);
    CHECK(!irq.level);
    test_advance(test, 100 * SECOND);
    CHECK_EQ(get(RIS), 0);
    finish();
}

/* The counter has 32 bits: an alarm behind it is far ahead. */
static void alarm_behind(void)
{
    start();
    put(IMSC, 1);
    put(MR, EPOCH - 1);
    test_advance(test, 1000 * SECOND);
    CHECK(!irq.level);
    put(LR, EPOCH - 3);
    test_advance(test, 2 * SECOND);
    CHECK(irq.level);
    put(ICR, 1);
    put(LR, 0xffffffff);
    put(MR, 1);
    test_advance(test, SECOND);
    CHECK(!irq.level);
    test_advance(test, SECOND);
    CHECK(irq.level);
    put(ICR, 1);
    /* Equal at once. */
    put(MR, get(DR));
    CHECK(irq.level);
    finish();
}

static void save_and_load(void)
{
    start();
    put(IMSC, 1);
    put(LR, 500);
    put(MR, 510);
    test_save_load(test);
    CHECK_EQ(get(DR), 500);
    test_advance(test, 10 * SECOND);
    CHECK(irq.level);
    finish();
}

static const struct test_case cases[] = {{"date", date},
                                         {"alarm_comes", alarm_comes},
                                         {"alarm_behind", alarm_behind},
                                         {"save_and_load", save_and_load}};

TEST_SUITE(pl031_test, "unit", cases);
