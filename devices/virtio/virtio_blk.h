/* A virtio disk (Virtual I/O Device 1.2, 5.2) over a block backend. */
#pragma once

#include "devices/storage/block.h"
#include "devices/virtio/virtio.h"

struct virtio_blk_config {
    const char *name;    /* "disk0" */
    struct block *block; /* stays the caller's; outlives the device */
    unsigned queues;     /* 0: one */
    const char *serial;  /* up to 20 bytes; NULL: none */
};

/* The machine owns the device; hand it to a transport. */
struct virtio_device *virtio_blk_create(struct machine *machine, const struct virtio_blk_config *config);
