/* A virtio entropy device (Virtual I/O Device 1.2, 5.4) fed by the host's random numbers. */
#pragma once

#include "devices/virtio/virtio.h"

/* The machine owns the device; hand it to a transport. */
struct virtio_device *virtio_rng_create(struct machine *machine, const char *name);
