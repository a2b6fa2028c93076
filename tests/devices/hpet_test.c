/* Expected values are those of the IA-PC HPET specification 1.0a. */
#include "devices/timer/hpet.h"

#include <string.h>

#include "tests/devices/machine_support.h"

#define BASE   ((uint64_t)0xfed00000)
#define TICK   10u
#define CONFIG 0x10
#define STATUS 0x20
#define COUNT  0xf0

static struct test_machine *test;
static struct hpet *hpet;
static struct test_irq pins[HPET_PINS], irq0, irq8;
static struct msi_message last;
static unsigned messages;

static bool deliver(void *opaque, struct msi_message message)
{
    (void)opaque;
    last = message;
    messages++;
    return true;
}

static void start(void)
{
    struct hpet_config config = {.base = BASE, .msi = {deliver, NULL}};
    memset(pins, 0, sizeof(pins));
    irq0 = irq8 = (struct test_irq){0};
    messages = 0;
    test = test_machine_create(4096);
    config.pins[2] = test_irq_line(&pins[2]);
    for (unsigned i = 16; i < HPET_PINS; i++)
        config.pins[i] = test_irq_line(&pins[i]);
    config.irq0 = test_irq_line(&irq0);
    config.irq8 = test_irq_line(&irq8);
    hpet = hpet_create(&test->machine, &config, NULL);
    CHECK(hpet != NULL);
}

static uint64_t get(unsigned offset)
{
    return test_load(test, BASE + offset, 8);
}

static void put(unsigned offset, uint64_t value)
{
    test_store(test, BASE + offset, 8, value);
}

static void put32(unsigned offset, uint32_t value)
{
    test_store(test, BASE + offset, 4, value);
}

static unsigned timer(unsigned n, unsigned reg)
{
    return 0x100 + 0x20 * n + reg;
}

static void registers(void)
{
    start();
    uint64_t capabilities = get(0);
    CHECK_EQ(capabilities >> 32, 10000000); /* 10 ns */
    CHECK_EQ(capabilities >> 16 & 0xffff, 0x8086);
    CHECK_EQ(capabilities & 0xffff, 0xa201); /* legacy, 64 bits, three timers, revision 1 */
    CHECK_EQ(get(timer(1, 0)), (uint64_t)0xff0004 << 32 | 0x8030);
    CHECK_EQ(get(timer(1, 8)), UINT64_MAX);
    put(timer(1, 0), 0x2a00); /* pin 21 */
    CHECK_EQ(get(timer(1, 0)) & 0xffff, 0xaa30);
    put(timer(1, 0), 0x0a00); /* pin 5 is not there */
    CHECK_EQ(get(timer(1, 0)) & 0x3e00, 0x2a00);
    CHECK_EQ(get(timer(3, 0)), 0);
    test_machine_destroy(test);
}

static void counts(void)
{
    start();
    test_advance(test, 1000);
    CHECK_EQ(get(COUNT), 0);
    put(CONFIG, 1);
    test_advance(test, 1234 * TICK);
    CHECK_EQ(get(COUNT), 1234);
    put(CONFIG, 0);
    test_advance(test, 1000);
    CHECK_EQ(get(COUNT), 1234);
    put32(COUNT, 0xfffffff0);
    put32(COUNT + 4, 5);
    put(CONFIG, 1);
    test_advance(test, 0x20 * TICK);
    CHECK_EQ(get(COUNT), 0x600000010);
    CHECK_EQ(test_load(test, BASE + COUNT, 4), 0x10);
    CHECK_EQ(test_load(test, BASE + COUNT + 4, 4), 6);
    test_machine_destroy(test);
}

static void one_shot(void)
{
    start();
    put(CONFIG, 1);
    put(timer(2, 0), 0x2804); /* pin 20, edge */
    put(timer(2, 8), 5000);
    test_advance(test, 4999 * TICK);
    CHECK_EQ(pins[20].rises, 0);
    test_advance(test, TICK);
    CHECK_EQ(pins[20].rises, 1);
    CHECK(!pins[20].level);
    test_advance(test, 100000 * TICK);
    CHECK_EQ(pins[20].rises, 1);
    CHECK_EQ(get(STATUS), 0);
    put(timer(2, 8), get(COUNT) - 10); /* just missed */
    test_advance(test, 0);
    CHECK_EQ(pins[20].rises, 2);
    test_machine_destroy(test);
}

static void level(void)
{
    start();
    put(CONFIG, 1);
    put(timer(0, 0), 0x2806);
    put(timer(0, 8), 100);
    test_advance(test, 100 * TICK);
    CHECK(pins[20].level);
    CHECK_EQ(get(STATUS), 1);
    put(STATUS, 2);
    CHECK(pins[20].level);
    put(STATUS, 1);
    CHECK(!pins[20].level);
    CHECK_EQ(get(STATUS), 0);
    /* The status without the interrupt. */
    put(timer(0, 0), 0x2802);
    put(timer(0, 8), 200);
    test_advance(test, 100 * TICK);
    CHECK_EQ(get(STATUS), 1);
    CHECK(!pins[20].level);
    put(timer(0, 0), 0x2806);
    CHECK(pins[20].level);
    test_machine_destroy(test);
}

/* As 2.3.9.2.2 sets one up: the first value, then the period. */
static void periodic(void)
{
    start();
    put(CONFIG, 1);
    test_advance(test, 500 * TICK);
    put32(timer(0, 0), 0x414c | 0x8000); /* enabled, periodic, 32 bits, by message */
    put32(timer(0, 0x10), 0x4031);
    put32(timer(0, 0x14), 0xfee01000);
    put32(timer(0, 8), 2500);
    put32(timer(0, 8), 10000);
    test_advance(test, 2000 * TICK);
    CHECK_EQ(messages, 1);
    CHECK_EQ(last.address, 0xfee01000);
    CHECK_EQ(last.data, 0x4031);
    CHECK_EQ(get(timer(0, 8)), 12500);
    test_advance(test, 9999 * TICK);
    CHECK_EQ(messages, 1);
    test_advance(test, TICK);
    CHECK_EQ(messages, 2);
    test_advance(test, 100000 * TICK);
    CHECK_EQ(messages, 12);
    put32(timer(0, 8), 0); /* no period: no storm */
    test_advance(test, 100000000);
    CHECK(messages <= 13);
    test_machine_destroy(test);
}

static void narrow_wraps(void)
{
    start();
    put(COUNT, 0xfffffff0);
    put(CONFIG, 1);
    put(timer(0, 0), 0x2904); /* 32 bits */
    put(timer(0, 8), 0x10);
    test_advance(test, 0x1f * TICK);
    CHECK_EQ(pins[20].rises, 0);
    test_advance(test, TICK);
    CHECK_EQ(pins[20].rises, 1);
    test_machine_destroy(test);
}

static void legacy(void)
{
    start();
    struct irq_line pit = hpet_8254_line(hpet), rtc = hpet_clock_line(hpet);
    irq_line_pulse(&pit);
    irq_line_pulse(&rtc);
    CHECK_EQ(irq0.rises, 1);
    CHECK_EQ(irq8.rises, 1);
    put(CONFIG, 3);
    irq_line_pulse(&pit);
    irq_line_set(&rtc, true);
    CHECK_EQ(irq0.rises, 1);
    CHECK_EQ(irq8.rises, 1);
    put(timer(0, 0), 0x2804);
    put(timer(0, 8), 100);
    put(timer(1, 0), 0x2804);
    put(timer(1, 8), 200);
    put(timer(2, 0), 0x2804);
    put(timer(2, 8), 300);
    test_advance(test, 300 * TICK);
    CHECK_EQ(irq0.rises, 2);
    CHECK_EQ(irq8.rises, 2);
    CHECK_EQ(pins[20].rises, 1);
    put(CONFIG, 1); /* what came meanwhile shows */
    CHECK(irq8.level);
    test_machine_destroy(test);
}

static void state(void)
{
    start();
    put(CONFIG, 1);
    put(timer(2, 0), 0x2804);
    put(timer(2, 8), 5000);
    test_advance(test, 1000 * TICK);
    test_save_load(test);
    CHECK_EQ(get(COUNT), 1000);
    test_advance(test, 4000 * TICK);
    CHECK_EQ(pins[20].rises, 1);
    test_reset(test);
    CHECK_EQ(get(COUNT), 0);
    CHECK_EQ(get(CONFIG), 0);
    test_machine_destroy(test);
}

static void wild_accesses(void)
{
    start();
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t offset = test_random() % 0x170;
        if (test_random() & 1)
            test_store(test, BASE + offset, 1u << test_random() % 4, test_random() >> test_random() % 64);
        else
            test_load(test, BASE + offset, 1u << test_random() % 4);
        if (test_random() % 8 == 0)
            test_advance(test, test_random() % 100000);
    }
    CHECK_EQ(get(0) >> 32, 10000000);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"registers", registers}, {"counts", counts},     {"one_shot", one_shot},
    {"level", level},         {"periodic", periodic}, {"narrow_wraps", narrow_wraps},
    {"legacy", legacy},       {"state", state},       {"wild_accesses", wild_accesses},
};
TEST_SUITE(hpet_test, "unit", cases);
