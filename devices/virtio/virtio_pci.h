/*
 * The PCI transport (Virtual I/O Device 1.2, 4.1): a memory BAR with the common, notify, ISR and device
 * configuration structures, the capabilities that point to them, and MSI-X where the board has a receiver for
 * messages. A transitional function has the ports of the legacy interface besides.
 */
#pragma once

#include "devices/pci/pci.h"
#include "devices/virtio/virtio.h"

struct virtio_pci_config {
    const char *name; /* "virtio-pci0" */
    struct pci_bus *bus;
    int devfn;         /* or PCI_DEVFN_ANY */
    bool transitional; /* where there is a legacy interface to the kind of device */
    struct virtio_device *device;
};

struct virtio_pci;

/* NULL and err when the slot is taken. The machine owns the result. */
struct virtio_pci *virtio_pci_create(struct machine *machine, const struct virtio_pci_config *config,
                                     struct error *err);
