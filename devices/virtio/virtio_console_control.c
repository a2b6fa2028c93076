/*
 * Control messages (5.3.6.2). What the driver should know follows from what it was told and what is true, so
 * nothing is queued: a driver that offers no buffers hears later, and costs nothing meanwhile.
 */
#include <string.h>

#include "base/bits.h"
#include "devices/virtio/virtio_console_internal.h"

/* struct virtio_console_control: id, event, value. */
#define CONTROL_ID    0
#define CONTROL_EVENT 4
#define CONTROL_VALUE 6
#define CONTROL_SIZE  8

enum control_event {
    DEVICE_READY = 0,
    PORT_ADD = 1,
    PORT_REMOVE = 2,
    PORT_READY = 3,
    CONSOLE_PORT = 4,
    RESIZE = 5,
    PORT_OPEN = 6,
    PORT_NAME = 7,
};

/* --- to the driver --- */

struct control_message {
    size_t len;
    uint8_t bytes[CONTROL_SIZE + VIRTIO_CONSOLE_NAME_MAX];
};

static bool message_make(struct control_message *message, const struct console_port *port,
                         enum control_event event, uint16_t value)
{
    le32_store(message->bytes + CONTROL_ID, port->number);
    le16_store(message->bytes + CONTROL_EVENT, (uint16_t)event);
    le16_store(message->bytes + CONTROL_VALUE, value);
    message->len = CONTROL_SIZE;
    return true;
}

static bool console_message(struct console_port *port, struct control_message *message)
{
    const struct virtio_console *console = port->console;
    if (!(port->told & TOLD_CONSOLE)) {
        port->told |= TOLD_CONSOLE;
        return message_make(message, port, CONSOLE_PORT, 1);
    }
    if (port->told & TOLD_SIZE || !console->columns || !console->rows)
        return false;
    port->told |= TOLD_SIZE;
    message_make(message, port, RESIZE, 0);
    le16_store(message->bytes + message->len, console->columns);
    le16_store(message->bytes + message->len + 2, console->rows);
    message->len += 4;
    return true;
}

static bool name_message(struct console_port *port, struct control_message *message)
{
    if (port->told & TOLD_NAME)
        return false;
    port->told |= TOLD_NAME;
    message_make(message, port, PORT_NAME, 1);
    size_t len = strnlen(port->name, VIRTIO_CONSOLE_NAME_MAX);
    memcpy(message->bytes + message->len, port->name, len); /* without a NUL */
    message->len += len;
    return true;
}

static bool open_message(struct console_port *port, struct control_message *message)
{
    bool open = char_is_connected(port->end), told = port->told & TOLD_OPEN;
    if (told && (!open || port->bounced)) {
        port->told &= ~TOLD_OPEN;
        port->bounced = 0;
        return message_make(message, port, PORT_OPEN, 0);
    }
    if (told || !open)
        return false;
    port->told |= TOLD_OPEN;
    return message_make(message, port, PORT_OPEN, 1);
}

/* What the driver is to hear next of a port, which changes with that; false: it knows everything. */
static bool message_next(struct console_port *port, struct control_message *message)
{
    if (port->removed) {
        port->told = port->bounced = port->removed = 0;
        return message_make(message, port, PORT_REMOVE, 0);
    }
    if (!port->plugged)
        return false;
    if (!(port->told & TOLD_ADD)) {
        port->told |= TOLD_ADD;
        return message_make(message, port, PORT_ADD, 0);
    }
    if (!port->ready)
        return false;
    bool more = port->name ? name_message(port, message) : console_message(port, message);
    return more || open_message(port, message);
}

/* Whether there was a message, and a buffer for it. */
static bool port_message_send(struct console_port *port, struct virtqueue *queue)
{
    struct control_message message;
    struct console_port told = *port;
    struct virtqueue_chain *chain = message_next(&told, &message) ? virtqueue_pop(queue) : NULL;
    if (!chain)
        return false;
    *port = told;
    size_t written = virtqueue_chain_write(chain, 0, message.bytes, message.len);
    if (written < message.len)
        log_guest("%s: a buffer of %zu bytes for a control message of %zu", port->console->device.name,
                  written, message.len);
    virtqueue_push(chain, (uint32_t)written);
    return true;
}

void console_control_send(struct virtio_console *console)
{
    struct virtqueue *queue = &console->device.queues[QUEUE_CONTROL_RECEIVE];
    if (!console_has_ports(console) || !console->driver_ready)
        return;
    for (unsigned i = 0; i < console->port_count; i++) {
        while (port_message_send(&console->ports[i], queue))
            continue;
    }
    virtqueue_notify(queue);
}

/* --- from the driver --- */

static void driver_ready(struct virtio_console *console, bool ready)
{
    if (!ready)
        log_guest("%s: the driver can't use the ports", console->device.name);
    console->driver_ready = ready;
}

static void port_ready(struct console_port *port, bool ready)
{
    if (!ready)
        log_guest("%s: the driver can't use port %u", port->console->device.name, port->number);
    port->ready = ready;
}

static void port_open(struct console_port *port, bool open)
{
    if (port->guest_open == open)
        return;
    port->guest_open = open;
    char_guest_open(port->end, open);
}

static void message_take(struct virtio_console *console, const uint8_t message[CONTROL_SIZE])
{
    uint32_t id = le32_load(message + CONTROL_ID);
    unsigned event = le16_load(message + CONTROL_EVENT);
    bool value = le16_load(message + CONTROL_VALUE);
    if (event == DEVICE_READY) { /* id is unused */
        driver_ready(console, value);
        return;
    }
    if (event != PORT_READY && event != PORT_OPEN) {
        log_guest("%s: control message %u from the driver", console->device.name, event);
        return;
    }
    struct console_port *port = id < console->port_count ? &console->ports[id] : NULL;
    if (!port || !(port->told & TOLD_ADD) || port->removed) {
        log_guest("%s: a message about port %u, which is not there", console->device.name, id);
        return;
    }
    if (event == PORT_READY)
        port_ready(port, value);
    else
        port_open(port, value);
    console_port_go_on(port);
}

void console_control_receive(struct virtio_console *console, struct virtqueue *queue)
{
    struct virtqueue_chain *chain;
    while ((chain = virtqueue_pop(queue))) {
        uint8_t message[CONTROL_SIZE];
        if (virtqueue_chain_read(chain, 0, message, sizeof(message)) == sizeof(message))
            message_take(console, message);
        else
            log_guest("%s: a control message of %u bytes", console->device.name, chain->out_len);
        virtqueue_push(chain, 0);
    }
    virtqueue_notify(queue);
    console_control_send(console);
}
