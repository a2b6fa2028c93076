/*
 * The MMIO transport (Virtual I/O Device 1.2, 4.2), version 2, or the legacy one, 1. A board makes a slot for
 * every address its device tree names; a slot with nothing in it reads DeviceID 0.
 */
#pragma once

#include "devices/virtio/virtio.h"

struct virtio_mmio_config {
    const char *name; /* "virtio-mmio0" */
    gpa_t base;
    uint64_t size; /* 0: 0x200, the registers and 256 bytes of configuration */
    struct irq_line irq;
    bool legacy;                  /* version 1 */
    struct virtio_device *device; /* NULL: an empty slot */
};

struct virtio_mmio;

/* NULL and err when the bus refuses the region. The machine owns the result. */
struct virtio_mmio *virtio_mmio_create(struct machine *machine, const struct virtio_mmio_config *config,
                                       struct error *err);
