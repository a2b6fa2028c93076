#include <string.h>

#include "devices/misc/debug_exit.h"
#include "devices/misc/debugcon.h"
#include "devices/misc/test_device.h"
#include "tests/devices/machine_support.h"

static void console(void)
{
    struct test_machine *test = test_machine_create(4096);
    struct char_port *port = char_memory_create();
    CHECK(debugcon_create(&test->machine, port, NULL) != NULL);
    CHECK_EQ(test_in(test, 0x402, 1), 0xe9); /* how SeaBIOS and EDK2 find it */
    CHECK_EQ(test_in(test, 0xe9, 1), 0xe9);
    for (const char *p = "hello"; *p; p++) {
        test_out(test, 0x402, 1, (uint8_t)*p);
        test_out(test, 0xe9, 1, (uint8_t)*p);
    }
    size_t len;
    const uint8_t *output = char_memory_output(port, &len);
    CHECK_EQ(len, 10);
    CHECK_MEM(output, "hheelllloo", 10);
    test_machine_destroy(test);
}

static void ends(void)
{
    struct test_machine *test = test_machine_create(4096);
    struct error err = {0};
    CHECK(debug_exit_create(&test->machine, "debug-exit", DEBUG_EXIT_PORT, NULL) != NULL);
    CHECK(debug_exit_create(&test->machine, "debug-exit-f4", DEBUG_EXIT_PORT_OLD, NULL) != NULL);
    test_out(test, 0x501, 1, 0x31);
    CHECK_EQ(test->requests, 1);
    CHECK_EQ(test->request, MACHINE_EXIT);
    CHECK_EQ(test->status, 0x63);
    test_out(test, 0xf4, 4, 0);
    CHECK_EQ(test->status, 1);
    test_out(test, 0xf4, 4, 0x80000010);
    CHECK_EQ((uint32_t)test->status, 0x21);
    CHECK(debug_exit_create(&test->machine, "another", DEBUG_EXIT_PORT + 1, &err) == NULL);
    CHECK(strstr(err.text, "overlap") != NULL);
    test_machine_destroy(test);
}

static uint32_t levels;

static void level_note(void *opaque, unsigned number, bool level)
{
    (void)opaque;
    levels = level ? levels | 1u << number : levels & ~(1u << number);
}

static void tests_itself(void)
{
    struct test_machine *test = test_machine_create(4096);
    struct irq_line lines[TEST_DEVICE_LINE_COUNT];
    for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
        lines[i] = (struct irq_line){level_note, NULL, i};
    CHECK(test_device_create(&test->machine, lines, NULL) != NULL);
    test_out(test, 0xe0, 4, 0x12345678);
    test_out(test, 0xe1, 1, 0xab);
    CHECK_EQ(test_in(test, 0xe0, 4), 0x1234ab78);
    CHECK_EQ(test_in(test, 0xe2, 2), 0x1234);
    test_out(test, 0xe4, 4, 0x1000);
    levels = 0;
    test_out(test, 0x200e, 1, 1);
    test_out(test, 0x2017, 1, 1);
    CHECK_EQ(levels, 0x804000);
    test_out(test, 0x200e, 1, 0);
    CHECK_EQ(levels, 0x800000);
    uint64_t value = 0;
    CHECK(bus_write(test->machine.mem.mmio, 0xff00fff8, 0x1122334455667788, 8));
    CHECK(bus_read(test->machine.mem.mmio, 0xff00fffa, 2, &value));
    CHECK_EQ(value, 0x5566);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {
    {"console", console},
    {"ends", ends},
    {"tests_itself", tests_itself},
};
TEST_SUITE(debug_ports_test, "unit", cases);
