#include "devices/misc/debug_exit.h"

#include <stdlib.h>

#define PORTS 4

struct debug_exit {
    struct machine *machine;
};

static uint64_t exit_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return 0;
}

static void exit_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct debug_exit *device = opaque;
    (void)offset, (void)width;
    device->machine->request(device->machine, MACHINE_EXIT, (int)((uint32_t)value << 1 | 1));
}

static const struct state_table table = {.name = "debug-exit", .version = 1};

struct debug_exit *debug_exit_create(struct machine *machine, const char *name, uint16_t port,
                                     struct error *err)
{
    struct debug_exit *device = machine_alloc(sizeof(*device));
    struct bus_region region = {.name = name,
                                .base = port,
                                .size = PORTS,
                                .max_width = 4,
                                .read = exit_read,
                                .write = exit_write,
                                .opaque = device};
    unsigned id;
    device->machine = machine;
    machine_device_add(machine, name, &table, device, free);
    return bus_add(machine->mem.pio, &region, &id, err) ? device : NULL;
}
