/* A port for tests: output is kept, input is what the test gives. */
#include <stdlib.h>
#include <string.h>

#include "devices/char/char.h"

struct buffer {
    uint8_t *bytes;
    size_t len, room;
};

struct char_memory {
    struct char_port port;
    struct buffer output, input;
    size_t output_room; /* what the port still takes */
    bool refused;
};

static struct char_memory *memory_of(struct char_port *port)
{
    return container_of(port, struct char_memory, port);
}

static void buffer_append(struct buffer *buffer, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    if (buffer->len + len > buffer->room) {
        buffer->room = 2 * (buffer->len + len);
        buffer->bytes = realloc(buffer->bytes, buffer->room);
        if (!buffer->bytes)
            abort();
    }
    memcpy(buffer->bytes + buffer->len, bytes, len);
    buffer->len += len;
}

static size_t memory_write(struct char_port *port, const uint8_t *bytes, size_t len)
{
    struct char_memory *memory = memory_of(port);
    size_t taken = len < memory->output_room ? len : memory->output_room;
    memory->refused = taken < len;
    memory->output_room -= memory->output_room == SIZE_MAX ? 0 : taken;
    buffer_append(&memory->output, bytes, taken);
    return taken;
}

static void memory_receive_ready(struct char_port *port)
{
    struct char_memory *memory = memory_of(port);
    const struct char_handlers *handlers = &port->handlers;
    if (!memory->input.len || !handlers->receive)
        return;
    /* The device may ask for more from inside its handler: meanwhile there is none. */
    size_t len = memory->input.len;
    memory->input.len = 0;
    size_t taken = handlers->receive(handlers->opaque, memory->input.bytes, len);
    memmove(memory->input.bytes, memory->input.bytes + taken, len - taken);
    memory->input.len = len - taken;
}

static void memory_close(struct char_port *port)
{
    struct char_memory *memory = memory_of(port);
    free(memory->output.bytes);
    free(memory->input.bytes);
    free(memory);
}

static const struct char_ops memory_ops = {
    .write = memory_write, .receive_ready = memory_receive_ready, .close = memory_close};

struct char_port *char_memory_create(void)
{
    struct char_memory *memory = machine_alloc(sizeof(*memory));
    memory->port.ops = &memory_ops;
    memory->output_room = SIZE_MAX;
    return &memory->port;
}

const uint8_t *char_memory_output(struct char_port *port, size_t *len)
{
    struct char_memory *memory = memory_of(port);
    *len = memory->output.len;
    return memory->output.bytes;
}

void char_memory_input(struct char_port *port, const void *bytes, size_t len)
{
    buffer_append(&memory_of(port)->input, bytes, len);
    memory_receive_ready(port);
}

void char_memory_break(struct char_port *port)
{
    if (port->handlers.break_received)
        port->handlers.break_received(port->handlers.opaque);
}

void char_memory_room_set(struct char_port *port, size_t room)
{
    struct char_memory *memory = memory_of(port);
    memory->output_room = room;
    if (!memory->refused || !room || !port->handlers.writable)
        return;
    memory->refused = false;
    port->handlers.writable(port->handlers.opaque);
}
