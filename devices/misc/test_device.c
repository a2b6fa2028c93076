#include "devices/misc/test_device.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

#define PORTS 4

struct test_device {
    struct machine *machine;
    struct irq_line lines[TEST_DEVICE_LINE_COUNT];
    uint8_t ports[PORTS];
    uint8_t memory[TEST_DEVICE_MEMORY_SIZE];
};

/* Accesses are whole: the bus gives none that leaves its region. */
static uint64_t ports_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct test_device *device = opaque;
    return le_load(device->ports + offset, width);
}

static void ports_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct test_device *device = opaque;
    le_store(device->ports + offset, width, value);
}

static uint64_t memory_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct test_device *device = opaque;
    return le_load(device->memory + offset, width);
}

static void memory_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct test_device *device = opaque;
    le_store(device->memory + offset, width, value);
}

static uint64_t nothing_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return 0;
}

static void flush_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)opaque, (void)offset, (void)value, (void)width;
}

static void line_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct test_device *device = opaque;
    (void)width;
    irq_line_set(&device->lines[offset], value != 0);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct test_device, ports),
    STATE_ARRAY(struct test_device, memory),
};
static const struct state_table table = {"test-device", 1, fields, ARRAY_LEN(fields), NULL};

struct test_device *test_device_create(struct machine *machine,
                                       const struct irq_line lines[TEST_DEVICE_LINE_COUNT], struct error *err)
{
    struct test_device *device = machine_alloc(sizeof(*device));
    const struct bus_region ports = {.name = "test-ports",
                                     .base = TEST_DEVICE_PORTS,
                                     .size = PORTS,
                                     .max_width = 4,
                                     .read = ports_read,
                                     .write = ports_write,
                                     .opaque = device};
    const struct bus_region flush = {.name = "test-flush",
                                     .base = TEST_DEVICE_FLUSH,
                                     .size = PORTS,
                                     .max_width = 4,
                                     .read = nothing_read,
                                     .write = flush_write,
                                     .opaque = device};
    const struct bus_region wires = {.name = "test-lines",
                                     .base = TEST_DEVICE_LINES,
                                     .size = TEST_DEVICE_LINE_COUNT,
                                     .max_width = 4,
                                     .read = nothing_read,
                                     .write = line_write,
                                     .opaque = device};
    const struct bus_region memory = {.name = "test-memory",
                                      .base = TEST_DEVICE_MEMORY,
                                      .size = TEST_DEVICE_MEMORY_SIZE,
                                      .max_width = 8,
                                      .read = memory_read,
                                      .write = memory_write,
                                      .opaque = device};
    unsigned id;
    device->machine = machine;
    memcpy(device->lines, lines, sizeof(device->lines));
    machine_device_add(machine, "test-device", &table, device, free);
    bool ok = bus_add(machine->mem.pio, &ports, &id, err) && bus_add(machine->mem.pio, &flush, &id, err) &&
              bus_add(machine->mem.pio, &wires, &id, err) && bus_add(machine->mem.mmio, &memory, &id, err);
    return ok ? device : NULL;
}
