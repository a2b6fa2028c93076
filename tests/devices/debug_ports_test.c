#include <string.h>

#include "devices/misc/debug_exit.h"
#include "devices/misc/debugcon.h"
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

static const struct test_case cases[] = {
    {"console", console},
    {"ends", ends},
};
TEST_SUITE(debug_ports_test, "unit", cases);
