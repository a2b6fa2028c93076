#include "devices/misc/debugcon.h"

#include <stdlib.h>

#define READ_BACK 0xe9 /* at any address: Bochs answered with its port's number */

struct debugcon {
    struct char_port *output;
};

static uint64_t debugcon_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return READ_BACK;
}

/* What the host can't take now is lost: a console that waited would change what it watches. */
static void debugcon_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct debugcon *console = opaque;
    uint8_t byte = (uint8_t)value;
    (void)offset, (void)width;
    char_write(console->output, &byte, 1);
}

static size_t receive(void *opaque, const uint8_t *bytes, size_t len)
{
    (void)opaque, (void)bytes;
    return len; /* there is no way in */
}

static const struct state_table table = {.name = "debugcon", .version = 1};

static void debugcon_destroy(void *object)
{
    struct debugcon *console = object;
    char_close(console->output);
    free(console);
}

struct debugcon *debugcon_create(struct machine *machine, struct char_port *output, struct error *err)
{
    static const struct {
        const char *name;
        uint16_t port;
    } places[] = {{"debugcon", DEBUGCON_FW}, {"debugcon-e9", DEBUGCON_BOCHS}};
    struct debugcon *console = machine_alloc(sizeof(*console));
    struct bus_region region = {.size = 1, .read = debugcon_read, .write = debugcon_write, .opaque = console};
    unsigned id;
    console->output = output;
    machine_device_add(machine, "debugcon", &table, console, debugcon_destroy);
    char_attach(output, &(struct char_handlers){.receive = receive, .opaque = console});
    for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
        region.name = places[i].name;
        region.base = places[i].port;
        if (!bus_add(machine->mem.pio, &region, &id, err))
            return NULL;
    }
    return console;
}
