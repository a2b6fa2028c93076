#include "devices/irq/i8259.h"

#include "tests/devices/machine_support.h"

static struct test_machine *test;
static struct test_irq intr;
static struct i8259 *pic;

static void write_all(uint16_t port, const uint8_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        test_out(test, (uint16_t)(port + (i > 0)), 1, values[i]);
}

/* As every PC's firmware does it: vectors 0x20 and 0x28, 8086 mode. */
static void start(uint8_t icw4)
{
    intr = (struct test_irq){0};
    test = test_machine_create(4096);
    pic = i8259_create(&test->machine, test_irq_line(&intr), NULL);
    CHECK(pic != NULL);
    write_all(0x20, (const uint8_t[]){0x11, 0x20, 0x04, icw4}, 4);
    write_all(0xa0, (const uint8_t[]){0x11, 0x28, 0x02, icw4}, 4);
}

static void raise(unsigned n, bool level)
{
    struct irq_line line = i8259_line(pic, n);
    irq_line_set(&line, level);
}

static uint8_t in_service(uint16_t port)
{
    test_out(test, port, 1, 0x0b);
    uint8_t isr = (uint8_t)test_in(test, port, 1);
    test_out(test, port, 1, 0x0a);
    return isr;
}

static void priorities(void)
{
    start(0x01);
    CHECK(!intr.level);
    raise(4, true);
    CHECK(intr.level);
    CHECK_EQ(i8259_acknowledge(pic), 0x24);
    CHECK(!intr.level);
    CHECK_EQ(in_service(0x20), 0x10);
    raise(6, true); /* lower: waits */
    CHECK(!intr.level);
    raise(1, true); /* higher: interrupts the service */
    CHECK(intr.level);
    CHECK_EQ(i8259_acknowledge(pic), 0x21);
    test_out(test, 0x20, 1, 0x20); /* ends the highest, 1 */
    CHECK_EQ(in_service(0x20), 0x10);
    test_out(test, 0x20, 1, 0x64); /* specific end of 4 */
    CHECK_EQ(in_service(0x20), 0);
    CHECK_EQ(i8259_acknowledge(pic), 0x26);
    test_machine_destroy(test);
}

static void cascade(void)
{
    start(0x01);
    raise(14, true);
    CHECK(intr.level);
    CHECK_EQ(i8259_acknowledge(pic), 0x2e);
    CHECK_EQ(in_service(0x20), 0x04);
    CHECK_EQ(in_service(0xa0), 0x40);
    raise(8, true); /* higher on the second chip, but the first one serves its cascade */
    CHECK(!intr.level);
    test_out(test, 0xa0, 1, 0x20);
    test_out(test, 0x20, 1, 0x20);
    CHECK(intr.level);
    CHECK_EQ(i8259_acknowledge(pic), 0x28);
    test_machine_destroy(test);
}

static void special_fully_nested(void)
{
    start(0x11);
    raise(14, true);
    CHECK_EQ(i8259_acknowledge(pic), 0x2e);
    raise(8, true);
    CHECK(intr.level);
    CHECK_EQ(i8259_acknowledge(pic), 0x28);
    test_machine_destroy(test);
}

static void masks(void)
{
    start(0x01);
    test_out(test, 0x21, 1, 0x02);
    CHECK_EQ(test_in(test, 0x21, 1), 0x02);
    raise(1, true);
    CHECK(!intr.level);
    CHECK_EQ(test_in(test, 0x20, 1), 0x02);
    test_out(test, 0x21, 1, 0);
    CHECK(intr.level);
    raise(1, false); /* gone before the acknowledge: spurious, and nothing in service */
    CHECK_EQ(i8259_acknowledge(pic), 0x27);
    CHECK_EQ(in_service(0x20), 0);
    /* Special mask mode: a masked service blocks nobody. */
    raise(1, true);
    CHECK_EQ(i8259_acknowledge(pic), 0x21);
    raise(5, true);
    CHECK(!intr.level);
    test_out(test, 0x21, 1, 0x02);
    test_out(test, 0x20, 1, 0x68);
    CHECK(intr.level);
    CHECK_EQ(i8259_acknowledge(pic), 0x25);
    test_machine_destroy(test);
}

static void edges_and_levels(void)
{
    start(0x03); /* automatic end of interrupt */
    raise(3, true);
    CHECK_EQ(i8259_acknowledge(pic), 0x23);
    CHECK_EQ(in_service(0x20), 0);
    CHECK(!intr.level); /* still high, but there was one edge */
    raise(3, false);
    raise(3, true);
    CHECK(intr.level);
    CHECK_EQ(i8259_acknowledge(pic), 0x23);
    test_out(test, 0x4d0, 1, 0xff);
    CHECK_EQ(test_in(test, 0x4d0, 1), 0xf8);
    test_out(test, 0x4d1, 1, 0xff);
    CHECK_EQ(test_in(test, 0x4d1, 1), 0xde);
    raise(5, true);
    CHECK_EQ(i8259_acknowledge(pic), 0x25);
    CHECK(intr.level); /* a level asks again */
    raise(5, false);
    CHECK(!intr.level);
    test_machine_destroy(test);
}

static void rotation(void)
{
    start(0x01);
    raise(0, true);
    raise(1, true);
    CHECK_EQ(i8259_acknowledge(pic), 0x20);
    test_out(test, 0x20, 1, 0xa0); /* end and rotate: 0 is now the lowest */
    raise(0, false);
    raise(0, true);
    CHECK_EQ(i8259_acknowledge(pic), 0x21);
    test_out(test, 0x20, 1, 0x20);
    test_out(test, 0x20, 1, 0xc7); /* 7 the lowest again */
    raise(1, false);
    raise(1, true);
    CHECK_EQ(i8259_acknowledge(pic), 0x20);
    test_machine_destroy(test);
}

static void poll(void)
{
    start(0x01);
    test_out(test, 0x20, 1, 0x0c);
    CHECK_EQ(test_in(test, 0x20, 1), 0);
    raise(6, true);
    test_out(test, 0x20, 1, 0x0c);
    CHECK_EQ(test_in(test, 0x20, 1), 0x86);
    CHECK_EQ(in_service(0x20), 0x40);
    test_machine_destroy(test);
}

static void state(void)
{
    start(0x01);
    raise(4, true);
    i8259_acknowledge(pic);
    raise(1, true);
    test_save_load(test);
    CHECK(intr.level);
    CHECK_EQ(in_service(0x20), 0x10);
    CHECK_EQ(i8259_acknowledge(pic), 0x21);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"priorities", priorities},
    {"cascade", cascade},
    {"special_fully_nested", special_fully_nested},
    {"masks", masks},
    {"rotation", rotation},
    {"edges_and_levels", edges_and_levels},
    {"poll", poll},
    {"state", state},
};
TEST_SUITE(i8259_test, "unit", cases);
