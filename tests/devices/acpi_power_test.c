/* The registers of a hardware-reduced platform, after ACPI 6.5, 4.8.3.6 and 4.8.3.7. */
#include "devices/misc/acpi_power.h"
#include "tests/devices/machine_support.h"

#define BASE 0x600

static void requests(void)
{
    struct test_machine *test = test_machine_create(MIB);
    CHECK(acpi_power_create(&test->machine, test->machine.mem.pio, BASE, NULL) != NULL);
    /* Without SLP_EN (bit 5), and with it but another type than that of _S5: nothing happens. */
    test_out(test, BASE, 1, ACPI_POWER_S5 << 2);
    test_out(test, BASE, 1, 1 << 5);
    test_out(test, BASE, 1, 1 << 5 | 3 << 2);
    test_out(test, BASE + 1, 1, 0x80); /* WAK_STS is cleared by a one */
    test_out(test, BASE + 2, 1, 0);
    test_out(test, BASE + 3, 1, 1);
    CHECK_EQ(test->requests, 0);
    CHECK_EQ(test_in(test, BASE + 1, 1), 0);
    test_out(test, BASE, 1, 1 << 5 | ACPI_POWER_S5 << 2);
    CHECK_EQ(test->requests, 1);
    CHECK_EQ(test->request, MACHINE_POWER_OFF);
    test_out(test, BASE + 2, 1, ACPI_POWER_RESET_VALUE);
    CHECK_EQ(test->requests, 2);
    CHECK_EQ(test->request, MACHINE_RESET);
    test_machine_destroy(test);
}

static const struct test_case cases[] = {{"requests", requests}};
TEST_SUITE(acpi_power_test, "unit", cases);
