/*
 * A virtio console (Virtual I/O Device 1.3, 5.3): port 0 is the console, and with VIRTIO_CONSOLE_F_MULTIPORT
 * further ports have names by which programs in the guest find them.
 */
#pragma once

#include "devices/char/char.h"
#include "devices/virtio/virtio.h"

/* Each takes two of the device's queues. */
#define VIRTIO_CONSOLE_PORTS_MAX (VIRTIO_QUEUES_MAX / 2 - 1) /* with port 0 */
#define VIRTIO_CONSOLE_NAME_MAX  127

struct virtio_console_port {
    const char *name;      /* UTF-8, VIRTIO_CONSOLE_NAME_MAX bytes at most; outlives the device */
    struct char_port *end; /* the device's from now on */
};

struct virtio_console_config {
    const char *name;                        /* "console0" */
    struct char_port *port;                  /* of port 0; the device's from now on */
    uint16_t columns, rows;                  /* 0: not known */
    const struct virtio_console_port *ports; /* 1 and further; copied */
    unsigned port_count;                     /* less than VIRTIO_CONSOLE_PORTS_MAX; 0: no MULTIPORT */
    bool ports_only;                         /* a driver that knows ports is told of no port 0 */
};

/* The machine owns the device; hand it to a transport. */
struct virtio_device *virtio_console_create(struct machine *machine,
                                            const struct virtio_console_config *config);

/* The host's terminal, which port 0 is, has a new size. */
void virtio_console_resize(struct virtio_device *device, uint16_t columns, uint16_t rows);

/* Put a port in or take it out, as with a plug; all are in at first. Its host end stays. */
void virtio_console_plug(struct virtio_device *device, unsigned port, bool in);
