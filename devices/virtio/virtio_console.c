/* Virtual I/O Device 1.3, 5.3: what flows through the ports, and the configuration. */
#include "devices/virtio/virtio_console.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/virtio/virtio_console_internal.h"

#define QUEUE_SIZE         256u
#define CONTROL_QUEUE_SIZE 64u

#define CONFIG_COLS        0
#define CONFIG_ROWS        2
#define CONFIG_MAX_PORTS   4
#define CONFIG_EMERG_WRITE 8
#define CONFIG_SIZE        12

/* 5.3.2: port 0 has the first two queues, then come those of the control messages, then the other ports'. */
static struct virtqueue *port_queue(struct console_port *port, bool transmit)
{
    unsigned pair = port->number ? port->number + 1 : 0;
    return &port->console->device.queues[2 * pair + transmit];
}

static struct console_port *queue_port(struct virtio_console *console, const struct virtqueue *queue)
{
    unsigned pair = queue->index / 2;
    return &console->ports[pair ? pair - 1 : 0];
}

/* Without MULTIPORT there is port 0 only, and nobody says that it is open. */
static bool port_flows(const struct console_port *port)
{
    return console_has_ports(port->console) ? port->plugged : port->number == 0;
}

static bool port_listens(const struct console_port *port)
{
    return port_flows(port) && (port->guest_open || !console_has_ports(port->console));
}

/* Hand the rest of a chain to the host's end; false when it takes no more now. */
static bool chain_transmit(struct console_port *port, const struct virtqueue_chain *chain)
{
    uint8_t bytes[4096];
    size_t len;
    while ((len = virtqueue_chain_read(chain, port->transmitted, bytes, sizeof(bytes)))) {
        size_t taken = char_write(port->end, bytes, len);
        port->transmitted += (uint32_t)taken;
        if (taken < len)
            return false;
    }
    port->transmitted = 0;
    return true;
}

static void transmit(struct console_port *port, struct virtqueue *queue)
{
    struct virtqueue_chain *chain;
    while (port_flows(port) && (chain = virtqueue_pop(queue))) {
        if (!chain_transmit(port, chain)) {
            /* Back into the ring, where a save finds it, until the port is writable again. */
            virtqueue_unpop(chain);
            break;
        }
        virtqueue_push(chain, 0);
    }
    virtqueue_notify(queue);
}

void console_port_go_on(struct console_port *port)
{
    virtio_queue_kick(&port->console->device, port_queue(port, true)->index);
    if (port_listens(port))
        char_receive_ready(port->end);
}

/* --- what the host's end says --- */

static void end_writable(void *opaque)
{
    struct console_port *port = opaque;
    virtio_queue_kick(&port->console->device, port_queue(port, true)->index);
}

static size_t end_receive(void *opaque, const uint8_t *bytes, size_t len)
{
    struct console_port *port = opaque;
    struct virtqueue *queue = port_queue(port, false);
    size_t taken = 0;
    struct virtqueue_chain *chain;
    while (port_listens(port) && taken < len && (chain = virtqueue_pop(queue))) {
        size_t stored = virtqueue_chain_write(chain, 0, bytes + taken, len - taken);
        virtqueue_push(chain, (uint32_t)stored);
        taken += stored;
    }
    virtqueue_notify(queue);
    return taken;
}

static void end_connection_changed(void *opaque)
{
    struct console_port *port = opaque;
    if (port->told & TOLD_OPEN && !char_is_connected(port->end))
        port->bounced = 1;
    console_control_send(port->console);
}

/* --- what the driver says --- */

static void console_notify(struct virtio_device *device, struct virtqueue *queue)
{
    struct virtio_console *console = container_of(device, struct virtio_console, device);
    struct console_port *port = queue_port(console, queue);
    if (queue->index > 1 && !console_has_ports(console))
        log_guest("%s: queue %u is used without MULTIPORT", device->name, queue->index);
    else if (queue->index == QUEUE_CONTROL_RECEIVE)
        console_control_send(console);
    else if (queue->index == QUEUE_CONTROL_TRANSMIT)
        console_control_receive(console, queue);
    else if (queue->index % 2)
        transmit(port, queue);
    else if (port_listens(port))
        char_receive_ready(port->end);
}

static void console_config_read(struct virtio_device *device, uint8_t *config)
{
    const struct virtio_console *console = container_of(device, struct virtio_console, device);
    le16_store(config + CONFIG_COLS, console->columns);
    le16_store(config + CONFIG_ROWS, console->rows);
    le32_store(config + CONFIG_MAX_PORTS, console->port_count);
}

static void console_config_write(struct virtio_device *device, unsigned offset, unsigned width,
                                 uint64_t value)
{
    struct virtio_console *console = container_of(device, struct virtio_console, device);
    (void)width;
    /* 5.3.4: works at any time, before any set-up. */
    uint8_t byte = (uint8_t)value;
    if (offset == CONFIG_EMERG_WRITE)
        char_write(console->ports[0].end, &byte, 1);
    else
        log_guest("%s: write to offset %u of the configuration, which is read-only", device->name, offset);
}

/* --- life cycle --- */

static const struct state_field console_fields[] = {
    STATE(struct virtio_console, driver_ready),
    STATE_EACH(struct virtio_console, ports, told),
    STATE_EACH(struct virtio_console, ports, ready),
    STATE_EACH(struct virtio_console, ports, guest_open),
    STATE_EACH(struct virtio_console, ports, bounced),
    STATE_EACH(struct virtio_console, ports, removed),
    STATE_EACH(struct virtio_console, ports, transmitted),
};

static void console_restored(void *object)
{
    struct virtio_console *console = object;
    for (unsigned i = 0; i < console->port_count; i++)
        char_guest_open(console->ports[i].end, console->ports[i].guest_open);
}

static const struct state_table console_table = {
    .name = "virtio-console",
    .version = 1,
    .fields = console_fields,
    .count = ARRAY_LEN(console_fields),
    .restored = console_restored,
};

static void console_start(struct virtio_device *device)
{
    struct virtio_console *console = container_of(device, struct virtio_console, device);
    if (port_listens(&console->ports[0]))
        char_receive_ready(console->ports[0].end);
}

static void console_reset(struct virtio_device *device)
{
    state_reset(&console_table, container_of(device, struct virtio_console, device), false);
}

static void console_queue_stop(struct virtio_device *device, struct virtqueue *queue)
{
    struct virtio_console *console = container_of(device, struct virtio_console, device);
    if (queue->index % 2 && queue->index != QUEUE_CONTROL_TRANSMIT)
        queue_port(console, queue)->transmitted = 0;
}

static void console_destroy(struct virtio_device *device)
{
    struct virtio_console *console = container_of(device, struct virtio_console, device);
    for (unsigned i = 0; i < console->port_count; i++)
        char_close(console->ports[i].end);
    free(console);
}

static const struct virtio_class console_class = {
    .name = "virtio-console",
    .type = VIRTIO_TYPE_CONSOLE,
    .pci_class = 0x078000, /* communication controller, other */
    .config_size = CONFIG_SIZE,
    .config_read = console_config_read,
    .config_write = console_config_write,
    .start = console_start,
    .reset = console_reset,
    .queue_stop = console_queue_stop,
    .notify = console_notify,
    .destroy = console_destroy,
};

static void port_add(struct virtio_console *console, const char *name, struct char_port *end, bool plugged)
{
    struct console_port *port = &console->ports[console->port_count];
    *port = (struct console_port){
        .console = console, .number = console->port_count++, .name = name, .end = end, .plugged = plugged};
    virtio_queue_add(&console->device, QUEUE_SIZE);
    virtio_queue_add(&console->device, QUEUE_SIZE);
}

static void ports_add(struct virtio_console *console, const struct virtio_console_config *config)
{
    assert(config->port_count < VIRTIO_CONSOLE_PORTS_MAX);
    port_add(console, NULL, config->port, !config->ports_only);
    if (config->port_count) {
        virtio_queue_add(&console->device, CONTROL_QUEUE_SIZE);
        virtio_queue_add(&console->device, CONTROL_QUEUE_SIZE);
    }
    for (unsigned i = 0; i < config->port_count; i++)
        port_add(console, config->ports[i].name, config->ports[i].end, true);
}

struct virtio_device *virtio_console_create(struct machine *machine,
                                            const struct virtio_console_config *config)
{
    struct virtio_console *console = machine_alloc(sizeof(*console));
    console->columns = config->columns;
    console->rows = config->rows;
    uint64_t features = VIRTIO_BIT(VIRTIO_CONSOLE_F_EMERG_WRITE);
    if (config->columns && config->rows)
        features |= VIRTIO_BIT(VIRTIO_CONSOLE_F_SIZE);
    if (config->port_count)
        features |= VIRTIO_BIT(VIRTIO_CONSOLE_F_MULTIPORT);
    virtio_device_init(&console->device, machine, config->name, &console_class, features);
    ports_add(console, config);
    snprintf(console->table_name, sizeof(console->table_name), "%s.console", console->device.name);
    machine_device_add(machine, console->table_name, &console_table, console, NULL);
    for (unsigned i = 0; i < console->port_count; i++)
        char_attach(console->ports[i].end, &(struct char_handlers){
                                               .receive = end_receive,
                                               .writable = end_writable,
                                               .connection_changed = end_connection_changed,
                                               .opaque = &console->ports[i],
                                           });
    return &console->device;
}

void virtio_console_resize(struct virtio_device *device, uint16_t columns, uint16_t rows)
{
    struct virtio_console *console = container_of(device, struct virtio_console, device);
    console->columns = columns;
    console->rows = rows;
    if (virtio_has(device, VIRTIO_CONSOLE_F_SIZE))
        virtio_config_changed(device);
    console->ports[0].told &= (uint8_t)~TOLD_SIZE;
    console_control_send(console);
}

void virtio_console_plug(struct virtio_device *device, unsigned number, bool in)
{
    struct virtio_console *console = container_of(device, struct virtio_console, device);
    struct console_port *port = &console->ports[number];
    assert(number < console->port_count);
    if (port->plugged && !in) {
        port->removed |= (port->told & TOLD_ADD) != 0;
        port->ready = port->guest_open = 0;
        char_guest_open(port->end, false);
    }
    port->plugged = in;
    console_control_send(console);
}
