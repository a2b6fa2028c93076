#include "devices/timer/goldfish_rtc.h"
#include "tests/devices/machine_support.h"

#define BASE   0x101000
#define EPOCH  ((uint64_t)1750000000 * 1000000000)
#define SECOND ((uint64_t)1000000000)

enum {
    TIME_LOW = 0x00,
    TIME_HIGH = 0x04,
    ALARM_LOW = 0x08,
    ALARM_HIGH = 0x0c,
    IRQ_ENABLED = 0x10,
    CLEAR_ALARM = 0x14,
    ALARM_STATUS = 0x18,
    CLEAR_INTERRUPT = 0x1c,
};

static struct test_machine *test;
static struct test_irq irq;

static void start(void)
{
    test = test_machine_create(MIB);
    irq = (struct test_irq){0};
    CHECK(goldfish_rtc_create(
              &test->machine,
              &(struct goldfish_rtc_config){.base = BASE, .epoch = EPOCH, .irq = test_irq_line(&irq)},
              NULL) != NULL);
}

static uint32_t get(unsigned reg)
{
    return (uint32_t)test_load(test, BASE + reg, 4);
}

static void put(unsigned reg, uint32_t value)
{
    test_store(test, BASE + reg, 4, value);
}

static uint64_t date(void)
{
    uint64_t low = get(TIME_LOW);
    return low | (uint64_t)get(TIME_HIGH) << 32;
}

/* In the order drivers use: the high half first. */
static void put64(unsigned low, uint64_t value)
{
    put(low + 4, (uint32_t)(value >> 32));
    put(low, (uint32_t)value);
}

static void dates(void)
{
    start();
    CHECK_EQ(date(), EPOCH);
    test_advance(test, 5 * SECOND);
    CHECK_EQ(date(), EPOCH + 5 * SECOND);
    /* The high half is that of the last read of the low one. */
    uint64_t low = get(TIME_LOW), high = (EPOCH + 5 * SECOND) >> 32;
    test_advance(test, 10 * SECOND);
    CHECK_EQ(low | (uint64_t)get(TIME_HIGH) << 32, EPOCH + 5 * SECOND);
    CHECK_EQ(get(TIME_HIGH), high);
    put64(TIME_LOW, 123 * SECOND);
    test_advance(test, SECOND);
    CHECK_EQ(date(), 124 * SECOND);
    /* A battery holds it through a reset. */
    test_reset(test);
    CHECK_EQ(date(), 124 * SECOND);
    test_machine_destroy(test);
}

static void alarm_rings(void)
{
    start();
    put(IRQ_ENABLED, 1);
    put64(ALARM_LOW, EPOCH + 3 * SECOND);
    CHECK_EQ(get(ALARM_STATUS), 1);
    CHECK_EQ(get(ALARM_LOW) | (uint64_t)get(ALARM_HIGH) << 32, EPOCH + 3 * SECOND);
    test_advance(test, 3 * SECOND - 1);
    CHECK(!irq.level);
    test_save_load(test);
    test_advance(test, 1);
    CHECK(irq.level);
    CHECK_EQ(get(ALARM_STATUS), 0);
    put(IRQ_ENABLED, 0);
    CHECK(!irq.level);
    put(IRQ_ENABLED, 1);
    CHECK(irq.level);
    put(CLEAR_INTERRUPT, 1);
    CHECK(!irq.level);
    test_machine_destroy(test);
}

static void alarm_changes(void)
{
    start();
    put(IRQ_ENABLED, 1);
    /* Cleared before it rings. */
    put64(ALARM_LOW, EPOCH + SECOND);
    put(CLEAR_ALARM, 1);
    CHECK_EQ(get(ALARM_STATUS), 0);
    test_advance(test, 2 * SECOND);
    CHECK(!irq.level);
    /* In the past: at once. */
    put64(ALARM_LOW, EPOCH);
    CHECK(irq.level);
    put(CLEAR_INTERRUPT, 1);
    /* Setting the clock past it rings it. */
    put64(ALARM_LOW, EPOCH + 1000 * SECOND);
    CHECK(!irq.level);
    put64(TIME_LOW, EPOCH + 1001 * SECOND);
    CHECK(irq.level);
    /* The far end of time is never reached and overflows nothing. */
    put(CLEAR_INTERRUPT, 1);
    put64(ALARM_LOW, UINT64_MAX);
    test_advance(test, 1000 * SECOND);
    CHECK(!irq.level);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"dates", dates}, {"alarm_rings", alarm_rings}, {"alarm_changes", alarm_changes}};
TEST_SUITE(goldfish_rtc_test, "unit", cases);
