#include "devices/misc/test_finisher.h"
#include "tests/devices/machine_support.h"

#define BASE 0x100000

static void requests(void)
{
    static const struct {
        uint32_t value;
        unsigned width;
        enum machine_request request;
        int status;
    } rows[] = {
        {0x5555, 4, MACHINE_POWER_OFF, 0},    {0x5555, 2, MACHINE_POWER_OFF, 0},
        {0x00075555, 4, MACHINE_EXIT, 7},     {0x002a3333, 4, MACHINE_EXIT, 42},
        {0xffff3333, 4, MACHINE_EXIT, 65535}, {0x3333, 4, MACHINE_EXIT, 1},
        {0x7777, 4, MACHINE_RESET, 0},
    };
    struct test_machine *test = test_machine_create(MIB);
    CHECK(test_finisher_create(&test->machine, &(struct test_finisher_config){.base = BASE}, NULL) != NULL);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        test_context("%#x", rows[i].value);
        test_store(test, BASE, rows[i].width, rows[i].value);
        CHECK_EQ(test->requests, i + 1);
        CHECK_EQ(test->request, rows[i].request);
        CHECK_EQ(test->status, rows[i].status);
    }
    test_context(NULL);
    /* Anything else means nothing. */
    test->requests = 0;
    test_store(test, BASE, 4, 0);
    test_store(test, BASE, 4, 0x5556);
    test_store(test, BASE, 1, 0x55);
    test_store(test, BASE + 4, 4, 0x5555);
    CHECK_EQ(test_load(test, BASE, 4), 0);
    CHECK_EQ(test->requests, 0);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {{"requests", requests}};
TEST_SUITE(test_finisher_test, "unit", cases);
