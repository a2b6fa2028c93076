/* Expected values are those of the PL061 technical reference manual (DDI 0190). */
#include "devices/misc/button.h"
#include "devices/misc/pl061.h"
#include "tests/devices/machine_support.h"

#define BASE ((uint64_t)0x09030000)
#define DATA (0xff << 2)
#define DIR  0x400
#define IS   0x404
#define IBE  0x408
#define IEV  0x40c
#define IE   0x410
#define RIS  0x414
#define MIS  0x418
#define IC   0x41c
#define PIN  3
#define BIT  (1u << PIN)

static struct test_machine *test;
static struct pl061 *gpio;
static struct test_irq irq, outputs[PL061_PINS];

static void start(void)
{
    test = test_machine_create(MIB);
    struct pl061_config config = {.name = "gpio0", .base = BASE, .irq = test_irq_line(&irq)};
    irq = (struct test_irq){0};
    for (unsigned i = 0; i < PL061_PINS; i++) {
        outputs[i] = (struct test_irq){0};
        config.outputs[i] = test_irq_line(&outputs[i]);
    }
    gpio = pl061_create(&test->machine, &config, NULL);
    CHECK(gpio != NULL);
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

static void drive(unsigned pin, bool level)
{
    struct irq_line line = pl061_line(gpio, pin);
    irq_line_set(&line, level);
}

/* 3.3.1: the address masks, the direction decides. */
static void data(void)
{
    static const uint8_t id[8] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    start();
    drive(0, true);
    drive(5, true);
    CHECK_EQ(get(DATA), 0x21);
    CHECK_EQ(get(0x20 << 2), 0x20);
    CHECK_EQ(get(0), 0);
    put(DIR, 0x0f);
    CHECK_EQ(get(DATA), 0x20);
    put(DATA, 0xff);
    CHECK_EQ(get(DATA), 0x2f);
    CHECK(outputs[0].level && outputs[3].level && !outputs[4].level);
    put(0x05 << 2, 0);
    CHECK_EQ(get(DATA), 0x2a);
    CHECK(!outputs[0].level && outputs[1].level);
    /* By bytes, as Linux does. */
    test_store(test, BASE + DATA, 1, 0x0d);
    CHECK_EQ(test_load(test, BASE + DATA, 1), 0x2d);
    CHECK_EQ(test_load(test, BASE + DATA + 1, 1), 0);
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(get(0xfe0 + 4 * i), id[i]);
    finish();
}

static void edges(void)
{
    start();
    put(IEV, BIT); /* rising */
    drive(PIN, true);
    CHECK_EQ(get(RIS), BIT);
    CHECK_EQ(get(MIS), 0);
    CHECK(!irq.level);
    put(IE, BIT);
    CHECK(irq.level);
    CHECK_EQ(get(MIS), BIT);
    put(IC, BIT);
    CHECK(!irq.level);
    drive(PIN, false);
    CHECK(!irq.level);
    drive(PIN, true);
    CHECK(irq.level);
    drive(PIN, false);
    CHECK(irq.level); /* kept */
    put(IC, 0xff);
    put(IEV, 0); /* falling */
    drive(PIN, true);
    CHECK(!irq.level);
    drive(PIN, false);
    CHECK(irq.level);
    put(IC, 0xff);
    put(IBE, BIT); /* both */
    drive(PIN, true);
    CHECK(irq.level);
    put(IC, 0xff);
    drive(PIN, false);
    CHECK(irq.level);
    finish();
}

static void levels(void)
{
    start();
    put(IS, BIT);
    put(IEV, BIT);
    put(IE, BIT);
    CHECK(!irq.level);
    drive(PIN, true);
    CHECK(irq.level);
    put(IC, BIT); /* a level can't be cleared */
    CHECK(irq.level);
    drive(PIN, false);
    CHECK(!irq.level);
    put(IEV, 0);
    CHECK(irq.level);
    finish();
}

static void button(void)
{
    start();
    struct button *power = button_create(&test->machine, "power-button", pl061_line(gpio, PIN));
    put(IEV, BIT);
    put(IE, BIT);
    host_mutex_lock(&test->machine.lock);
    button_press(power);
    host_mutex_unlock(&test->machine.lock);
    CHECK(irq.level);
    CHECK_EQ(get(BIT << 2), BIT);
    test_save_load(test);
    CHECK_EQ(get(BIT << 2), BIT);
    test_advance(test, BUTTON_HELD_NS);
    CHECK_EQ(get(BIT << 2), 0);
    put(IC, BIT);
    CHECK(!irq.level);
    finish();
}

static const struct test_case cases[] = {
    {"data", data}, {"edges", edges}, {"levels", levels}, {"button", button}};

TEST_SUITE(pl061_test, "unit", cases);
