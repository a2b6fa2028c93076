#include "devices/machine.h"

#include <stdlib.h>

void *machine_alloc(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory)
        abort();
    return memory;
}

void machine_device_add(struct machine *machine, const char *name, const struct state_table *table,
                        void *object, void (*destroy)(void *object))
{
    struct machine_device *device = machine_alloc(sizeof(*device));
    *device = (struct machine_device){.name = name, .table = table, .object = object, .destroy = destroy};
    struct machine_device **end = &machine->devices;
    while (*end)
        end = &(*end)->next;
    *end = device;
    state_reset(table, object, true);
}

void machine_devices_reset(struct machine *machine, bool cold)
{
    for (struct machine_device *device = machine->devices; device; device = device->next)
        state_reset(device->table, device->object, cold);
}

void machine_devices_destroy(struct machine *machine)
{
    /* Last made, first destroyed: a device may use those made before it. */
    struct machine_device *reversed = NULL;
    while (machine->devices) {
        struct machine_device *device = machine->devices;
        machine->devices = device->next;
        device->next = reversed;
        reversed = device;
    }
    while (reversed) {
        struct machine_device *device = reversed;
        reversed = device->next;
        if (device->destroy)
            device->destroy(device->object);
        free(device);
    }
}
