/*
 * A virtio graphics adapter for 2D (Virtual I/O Device 1.2, 5.7) with one screen: it shows what its driver
 * keeps in resources, which lie in memory of the device's own or, as blobs, in the guest's.
 */
#pragma once

#include "devices/display/display.h"
#include "devices/virtio/virtio.h"

/* What resources may take together when nothing else is said. */
#define VIRTIO_GPU_MEMORY (256 * MIB)

struct virtio_gpu_config {
    const char *name; /* "gpu0" */
    struct display *display;
    unsigned width, height; /* of the mode that is preferred until a window says otherwise; 0: 1280 by 800 */
    uint64_t memory;        /* 0: VIRTIO_GPU_MEMORY; else a multiple of 4 KiB */
};

/* The machine owns the device; hand it to a transport. NULL and err when the host has no memory for it. */
struct virtio_device *virtio_gpu_create(struct machine *machine, const struct virtio_gpu_config *config,
                                        struct error *err);
