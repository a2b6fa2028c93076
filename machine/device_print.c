#include "machine/device_print.h"

#include <stdio.h>
#include <string.h>

/* Long arrays (flash, buffers) are shown by their beginning. */
#define ELEMENTS_SHOWN 8
#define LINE_SIZE      256

static void field_print(const struct machine_device *device, const struct state_field *field,
                        void (*print)(void *opaque, const char *text), void *opaque)
{
    char line[LINE_SIZE];
    int len = snprintf(line, sizeof(line), "  %-24s", field->name);
    for (uint32_t i = 0; i < field->count && i < ELEMENTS_SHOWN; i++)
        len += snprintf(line + len, sizeof(line) - (size_t)len, " 0x%llx",
                        (unsigned long long)state_get(field, device->object, i));
    if (field->count > ELEMENTS_SHOWN)
        len += snprintf(line + len, sizeof(line) - (size_t)len, " ... (%u)", field->count);
    snprintf(line + len, sizeof(line) - (size_t)len, "\n");
    print(opaque, line);
}

void machine_devices_print(struct machine *machine, const char *name,
                           void (*print)(void *opaque, const char *text), void *opaque)
{
    bool found = !name;
    for (const struct machine_device *device = machine->devices; device; device = device->next) {
        char line[LINE_SIZE];
        if (name && strcmp(name, device->name) != 0)
            continue;
        found = true;
        snprintf(line, sizeof(line), "%-20s %s\n", device->name, device->table->name);
        print(opaque, line);
        for (size_t i = 0; name && i < device->table->count; i++)
            field_print(device, &device->table->fields[i], print, opaque);
    }
    if (!found)
        print(opaque, "there is no device of that name: info devices lists them\n");
}
