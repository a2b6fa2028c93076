#include "devices/misc/test_finisher.h"

#include <stdlib.h>

struct test_finisher {
    struct machine *machine;
};

static uint64_t finisher_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return 0;
}

static void finisher_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    struct test_finisher *finisher = opaque;
    struct machine *machine = finisher->machine;
    int code = (int)(value >> 16 & 0xffff);
    if (offset != 0)
        return;
    switch (value & 0xffff) {
    case TEST_FINISHER_PASS: machine->request(machine, code ? MACHINE_EXIT : MACHINE_POWER_OFF, code); break;
    case TEST_FINISHER_FAIL: machine->request(machine, MACHINE_EXIT, code ? code : 1); break;
    case TEST_FINISHER_RESET: machine->request(machine, MACHINE_RESET, 0); break;
    default: log_guest("test finisher: %#llx means nothing", (unsigned long long)value);
    }
}

static const struct state_table table = {.name = "test-finisher", .version = 1};

struct test_finisher *test_finisher_create(struct machine *machine, const struct test_finisher_config *config,
                                           struct error *err)
{
    struct test_finisher *finisher = machine_alloc(sizeof(*finisher));
    finisher->machine = machine;
    machine_device_add(machine, "test-finisher", &table, finisher, free);
    struct bus_region region = {.name = "test-finisher",
                                .base = config->base,
                                .size = TEST_FINISHER_SIZE,
                                .min_width = 2,
                                .max_width = 4,
                                .read = finisher_read,
                                .write = finisher_write,
                                .opaque = finisher};
    unsigned id;
    return bus_add(machine->mem.mmio, &region, &id, err) ? finisher : NULL;
}
