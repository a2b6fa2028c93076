/* A virtio console with one port (Virtual I/O Device 1.2, 5.3). */
#pragma once

#include "devices/char/char.h"
#include "devices/virtio/virtio.h"

struct virtio_console_config {
    const char *name;       /* "console0" */
    struct char_port *port; /* the device's from now on */
    uint16_t columns, rows; /* 0: not known */
};

/* The machine owns the device; hand it to a transport. */
struct virtio_device *virtio_console_create(struct machine *machine,
                                            const struct virtio_console_config *config);

/* The host's terminal has a new size. */
void virtio_console_resize(struct virtio_device *device, uint16_t columns, uint16_t rows);
