#include "devices/misc/acpi_power.h"

#include <stdlib.h>

#include "base/bits.h"

/* Sleep control (table 4.27): the type, and a bit that is only written. */
#define CONTROL_TYPE_AT 2
#define CONTROL_ENABLE  (1u << 5)

struct acpi_power {
    struct machine *machine;
};

/* There is no sleep to wake from: the status is always clear, and the rest is only written. */
static uint64_t power_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return 0;
}

static void sleep_control_write(struct machine *machine, uint64_t value)
{
    uint64_t type = bits_get(value, CONTROL_TYPE_AT, 3);
    if (!(value & CONTROL_ENABLE))
        return;
    if (type == ACPI_POWER_S5)
        machine->request(machine, MACHINE_POWER_OFF, 0);
    else
        log_guest("ACPI: there is no sleep of type %u", (unsigned)type);
}

static void power_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    const struct acpi_power *power = opaque;
    (void)width;
    if (offset == ACPI_POWER_SLEEP_CONTROL)
        sleep_control_write(power->machine, value);
    else if (offset == ACPI_POWER_RESET && value == ACPI_POWER_RESET_VALUE)
        power->machine->request(power->machine, MACHINE_RESET, 0);
}

static const struct state_table table = {.name = "acpi-power", .version = 1};

struct acpi_power *acpi_power_create(struct machine *machine, struct bus *bus, uint64_t base,
                                     struct error *err)
{
    struct acpi_power *power = machine_alloc(sizeof(*power));
    struct bus_region region = {.name = "acpi-power",
                                .base = base,
                                .size = ACPI_POWER_SIZE,
                                .max_width = 1,
                                .read = power_read,
                                .write = power_write,
                                .opaque = power};
    unsigned id;
    power->machine = machine;
    machine_device_add(machine, "acpi-power", &table, power, free);
    return bus_add(bus, &region, &id, err) ? power : NULL;
}
