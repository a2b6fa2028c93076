/*
 * The legacy interface (Virtio PCI Card Specification 0.9.5; the sections named so in Virtual I/O
 * Device 1.2): what drivers from before version 1 see of a device, whatever the transport. There are 32
 * features and no FEATURES_OK, and a queue is one piece of memory of the size the device wants, told by its
 * page.
 */
#pragma once

#include "devices/virtio/virtio.h"

/* The number of a kind of device on PCI; 0: it has no legacy interface. */
uint16_t virtio_legacy_pci_id(enum virtio_type type);

/* The driver has used a register of this interface, which holds until it resets the device. */
void virtio_legacy_begin(struct virtio_device *device);

uint32_t virtio_legacy_features(const struct virtio_device *device);
void virtio_legacy_features_write(struct virtio_device *device, uint32_t value);

/* The page of the selected queue; 0: it is not in use. */
uint32_t virtio_legacy_page(struct virtio_device *device);
void virtio_legacy_page_write(struct virtio_device *device, uint32_t page);
