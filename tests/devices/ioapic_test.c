/* Expected values are those of the 82093AA data sheet and the ICH9's (13.5). */
#include "devices/irq/ioapic.h"

#include "tests/devices/machine_support.h"

#define BASE ((uint64_t)0xfec00000)

static struct test_machine *test;
static struct ioapic *ioapic;
static struct msi_message last;
static unsigned sent;

static bool deliver(void *opaque, struct msi_message message)
{
    (void)opaque;
    last = message;
    sent++;
    return true;
}

static void start(void)
{
    sent = 0;
    test = test_machine_create(4096);
    ioapic =
        ioapic_create(&test->machine, &(struct ioapic_config){.base = BASE, .msi = {deliver, NULL}}, NULL);
    CHECK(ioapic != NULL);
}

static uint32_t get(unsigned reg)
{
    test_store(test, BASE, 4, reg);
    return (uint32_t)test_load(test, BASE + 0x10, 4);
}

static void put(unsigned reg, uint32_t value)
{
    test_store(test, BASE, 4, reg);
    test_store(test, BASE + 0x10, 4, value);
}

static void entry(unsigned pin, uint32_t high, uint32_t low)
{
    put(0x11 + 2 * pin, high);
    put(0x10 + 2 * pin, low);
}

static void line(unsigned pin, bool level)
{
    struct irq_line value = ioapic_line(ioapic, pin);
    irq_line_set(&value, level);
}

static void registers(void)
{
    start();
    CHECK_EQ(get(1), 0x170020);
    CHECK_EQ(get(0), 0);
    put(0, 0xff000000);
    CHECK_EQ(get(0), 0x0f000000);
    CHECK_EQ(get(2), 0x0f000000);
    CHECK_EQ(get(0x10), 0x10000);
    CHECK_EQ(get(0x3f), 0);
    entry(23, 0xffffffff, 0xffffffff);
    CHECK_EQ(get(0x3e), 0x1afff); /* without the two status bits */
    CHECK_EQ(get(0x3f), 0xff000000);
    CHECK_EQ(get(0x40), 0);
    put(0x40, 0xffffffff);
    CHECK_EQ(test_load(test, BASE, 1), 0x40);
    test_machine_destroy(test);
}

static void edge(void)
{
    start();
    line(4, true);
    CHECK_EQ(sent, 0); /* masked: lost */
    entry(4, 3u << 24, 0x0931);
    CHECK_EQ(sent, 0);
    line(4, true);
    CHECK_EQ(sent, 0); /* not an edge */
    line(4, false);
    line(4, true);
    CHECK_EQ(sent, 1);
    CHECK_EQ(last.address, 0xfee03004);
    CHECK_EQ(last.data, 0x131); /* lowest priority, vector 0x31 */
    test_store(test, BASE + 0x40, 4, 0x31);
    CHECK_EQ(sent, 1);
    test_machine_destroy(test);
}

static void level(void)
{
    start();
    entry(10, 0, 0xa055);
    line(10, true);
    CHECK_EQ(sent, 1);
    CHECK_EQ(last.address, 0xfee00000);
    CHECK_EQ(last.data, 0xc055);
    CHECK_EQ(get(0x24), 0xe055); /* remote IRR */
    line(10, false);
    line(10, true);
    CHECK_EQ(sent, 1);
    ioapic_eoi(ioapic, 0x54);
    CHECK_EQ(sent, 1);
    ioapic_eoi(ioapic, 0x55); /* still up: again */
    CHECK_EQ(sent, 2);
    line(10, false);
    test_store(test, BASE + 0x40, 4, 0x55);
    CHECK_EQ(sent, 2);
    CHECK_EQ(get(0x24), 0xa055);
    /* Masked, a level waits. */
    entry(10, 0, 0x1a055);
    line(10, true);
    CHECK_EQ(sent, 2);
    entry(10, 0, 0xa055);
    CHECK_EQ(sent, 3);
    /* Made an edge and a level again: remote IRR is gone. */
    entry(10, 0, 0x12055);
    CHECK_EQ(get(0x24), 0x12055);
    entry(10, 0, 0xa055);
    CHECK_EQ(sent, 4);
    test_machine_destroy(test);
}

static void special_modes(void)
{
    start();
    entry(1, 0, 0x8400); /* NMI is an edge even where it says level */
    line(1, true);
    CHECK_EQ(sent, 1);
    CHECK_EQ(last.data, 0x400);
    CHECK_EQ(get(0x12), 0x8400);
    entry(0, 0, 0x0700);
    line(0, true);
    CHECK_EQ(last.data, 0x700);
    test_machine_destroy(test);
}

static void state(void)
{
    start();
    entry(10, 0, 0xa055);
    line(10, true);
    test_save_load(test);
    CHECK_EQ(sent, 1);
    ioapic_eoi(ioapic, 0x55);
    CHECK_EQ(sent, 2);
    test_reset(test);
    CHECK_EQ(get(0x24), 0x10000);
    test_machine_destroy(test);
}

static void wild_accesses(void)
{
    start();
    for (unsigned i = 0; i < 200000; i++) {
        switch (test_random() % 4) {
        case 0: test_store(test, BASE + test_random() % 0x50, 1u << test_random() % 4, test_random()); break;
        case 1: test_load(test, BASE + test_random() % 0x50, 1u << test_random() % 4); break;
        case 2: put((unsigned)test_random() % 0x42, (uint32_t)test_random()); break;
        default: line(test_random() % IOAPIC_PINS, test_random() & 1);
        }
    }
    CHECK_EQ(get(1), 0x170020);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"registers", registers},         {"edge", edge},   {"level", level},
    {"special_modes", special_modes}, {"state", state}, {"wild_accesses", wild_accesses},
};
TEST_SUITE(ioapic_test, "unit", cases);
