/* A virtio network card (Virtual I/O Device 1.2, 5.1) over a network backend. */
#pragma once

#include "devices/net/net.h"
#include "devices/virtio/virtio.h"

struct virtio_net_config {
    const char *name;      /* "net0" */
    struct net_port *port; /* stays the caller's, closed after the device is gone; NULL: cable unplugged */
    uint8_t mac[6];
    unsigned queue_pairs; /* 0: one */
};

/* The machine owns the device; hand it to a transport. */
struct virtio_device *virtio_net_create(struct machine *machine, const struct virtio_net_config *config);

/* Plug the cable in or pull it out, as the driver sees it. */
void virtio_net_link_set(struct virtio_device *device, bool up);
