/* What the console's two files share: the ports, and the control messages about them. */
#pragma once

#include "devices/virtio/virtio_console.h"

#define VIRTIO_CONSOLE_F_SIZE        0
#define VIRTIO_CONSOLE_F_MULTIPORT   1
#define VIRTIO_CONSOLE_F_EMERG_WRITE 2

#define QUEUE_CONTROL_RECEIVE  2
#define QUEUE_CONTROL_TRANSMIT 3

/* What the driver has been told of a port. */
#define TOLD_ADD     0x01
#define TOLD_CONSOLE 0x02
#define TOLD_SIZE    0x04
#define TOLD_NAME    0x08
#define TOLD_OPEN    0x10 /* that the host's end is open */

struct console_port {
    struct virtio_console *console;
    unsigned number;
    const char *name; /* NULL: port 0 */
    struct char_port *end;
    bool plugged;

    /* What the state table saves. */
    uint8_t told;
    uint8_t ready;        /* the driver has set it up */
    uint8_t guest_open;   /* a program in the guest has opened it */
    uint8_t bounced;      /* the host's end was closed since the driver was told that it is open */
    uint8_t removed;      /* it was taken out, and the driver was not told yet */
    uint32_t transmitted; /* bytes of the first chain in the transmit queue that the end has taken */
};

struct virtio_console {
    struct virtio_device device;
    char table_name[sizeof(((struct virtio_device *)0)->name) + 8];
    uint16_t columns, rows;
    unsigned port_count; /* with port 0 */
    struct console_port ports[VIRTIO_CONSOLE_PORTS_MAX];
    uint8_t driver_ready; /* to hear of ports */
};

/* The driver negotiated ports. */
static inline bool console_has_ports(const struct virtio_console *console)
{
    return virtio_has(&console->device, VIRTIO_CONSOLE_F_MULTIPORT);
}

/* virtio_console.c: what flows may have changed: look at both queues of the port. */
void console_port_go_on(struct console_port *port);

/* virtio_console_control.c: the driver's messages; and ours, as far as there are buffers for them. */
void console_control_receive(struct virtio_console *console, struct virtqueue *queue);
void console_control_send(struct virtio_console *console);
