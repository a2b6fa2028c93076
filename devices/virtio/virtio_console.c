/* Virtual I/O Device 1.2, 5.3, without multiport: a receive queue, a transmit queue, and a size. */
#include "devices/virtio/virtio_console.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"

#define VIRTIO_CONSOLE_F_SIZE        0
#define VIRTIO_CONSOLE_F_EMERG_WRITE 2

#define QUEUE_SIZE     256u
#define QUEUE_RECEIVE  0
#define QUEUE_TRANSMIT 1

#define CONFIG_COLS        0
#define CONFIG_ROWS        2
#define CONFIG_MAX_PORTS   4
#define CONFIG_EMERG_WRITE 8
#define CONFIG_SIZE        12

struct virtio_console {
    struct virtio_device device;
    char table_name[sizeof(((struct virtio_device *)0)->name) + 8];
    struct char_port *port;
    uint16_t columns, rows;
    uint32_t transmitted; /* bytes of the first chain in the transmit queue that the port has taken */
};

/* Hand the rest of a chain to the port; false when the port takes no more now. */
static bool chain_transmit(struct virtio_console *console, const struct virtqueue_chain *chain)
{
    uint8_t bytes[1024];
    size_t len;
    while ((len = virtqueue_chain_read(chain, console->transmitted, bytes, sizeof(bytes)))) {
        size_t taken = char_write(console->port, bytes, len);
        console->transmitted += (uint32_t)taken;
        if (taken < len)
            return false;
    }
    console->transmitted = 0;
    return true;
}

static void transmit(struct virtio_console *console, struct virtqueue *queue)
{
    struct virtqueue_chain *chain;
    while ((chain = virtqueue_pop(queue))) {
        if (!chain_transmit(console, chain)) {
            /* Back into the ring, where a save finds it, until the port is writable again. */
            virtqueue_unpop(chain);
            break;
        }
        virtqueue_push(chain, 0);
    }
    virtqueue_notify(queue);
}

static void port_writable(void *opaque)
{
    struct virtio_console *console = opaque;
    virtio_queue_kick(&console->device, QUEUE_TRANSMIT);
}

static size_t port_receive(void *opaque, const uint8_t *bytes, size_t len)
{
    struct virtio_console *console = opaque;
    struct virtqueue *queue = &console->device.queues[QUEUE_RECEIVE];
    size_t taken = 0;
    struct virtqueue_chain *chain;
    while (taken < len && (chain = virtqueue_pop(queue))) {
        size_t stored = virtqueue_chain_write(chain, 0, bytes + taken, len - taken);
        virtqueue_push(chain, (uint32_t)stored);
        taken += stored;
    }
    virtqueue_notify(queue);
    return taken;
}

static void console_notify(struct virtio_device *device, struct virtqueue *queue)
{
    struct virtio_console *console = container_of(device, struct virtio_console, device);
    if (queue->index == QUEUE_TRANSMIT)
        transmit(console, queue);
    else
        char_receive_ready(console->port);
}

static void console_config_read(struct virtio_device *device, uint8_t *config)
{
    const struct virtio_console *console = container_of(device, struct virtio_console, device);
    le16_store(config + CONFIG_COLS, console->columns);
    le16_store(config + CONFIG_ROWS, console->rows);
    le32_store(config + CONFIG_MAX_PORTS, 1);
}

static void console_config_write(struct virtio_device *device, unsigned offset, unsigned width,
                                 uint64_t value)
{
    struct virtio_console *console = container_of(device, struct virtio_console, device);
    (void)width;
    /* 5.3.4: works at any time, before any set-up. */
    uint8_t byte = (uint8_t)value;
    if (offset == CONFIG_EMERG_WRITE)
        char_write(console->port, &byte, 1);
    else
        log_guest("%s: write to offset %u of the configuration, which is read-only", device->name, offset);
}

static const struct state_field console_fields[] = {STATE(struct virtio_console, transmitted)};

static const struct state_table console_table = {
    .name = "virtio-console",
    .version = 1,
    .fields = console_fields,
    .count = ARRAY_LEN(console_fields),
};

static void console_start(struct virtio_device *device)
{
    char_receive_ready(container_of(device, struct virtio_console, device)->port);
}

static void console_reset(struct virtio_device *device)
{
    state_reset(&console_table, container_of(device, struct virtio_console, device), false);
}

static void console_queue_stop(struct virtio_device *device, struct virtqueue *queue)
{
    if (queue->index == QUEUE_TRANSMIT)
        container_of(device, struct virtio_console, device)->transmitted = 0;
}

static void console_destroy(struct virtio_device *device)
{
    struct virtio_console *console = container_of(device, struct virtio_console, device);
    char_close(console->port);
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

struct virtio_device *virtio_console_create(struct machine *machine,
                                            const struct virtio_console_config *config)
{
    struct virtio_console *console = machine_alloc(sizeof(*console));
    console->port = config->port;
    console->columns = config->columns;
    console->rows = config->rows;
    uint64_t features = VIRTIO_BIT(VIRTIO_CONSOLE_F_EMERG_WRITE);
    if (config->columns && config->rows)
        features |= VIRTIO_BIT(VIRTIO_CONSOLE_F_SIZE);
    virtio_device_init(&console->device, machine, config->name, &console_class, features);
    virtio_queue_add(&console->device, QUEUE_SIZE);
    virtio_queue_add(&console->device, QUEUE_SIZE);
    snprintf(console->table_name, sizeof(console->table_name), "%s.console", console->device.name);
    machine_device_add(machine, console->table_name, &console_table, console, NULL);
    char_attach(console->port, &(struct char_handlers){
                                   .receive = port_receive,
                                   .writable = port_writable,
                                   .opaque = console,
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
}
