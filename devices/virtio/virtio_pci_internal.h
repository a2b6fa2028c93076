/* What the two interfaces of a virtio function on PCI share. */
#pragma once

#include "devices/virtio/virtio_pci.h"

struct virtio_pci {
    struct pci_function pci;
    struct virtio_device *device;
    char table_name[48];
    unsigned bar;     /* the memory BAR */
    unsigned vectors; /* MSI-X; 0: the pin is used */
    unsigned window;  /* where the PCI configuration access capability is */
};

/* A vector as it takes: one that can't be had is none. */
uint16_t virtio_pci_vector(const struct virtio_pci *vp, uint64_t vector);

/* The interrupt status, which reading clears. */
uint8_t virtio_pci_isr_take(struct virtio_pci *vp);

/* virtio_pci_legacy.c: the ports, as BAR 0. Constructor only. */
void virtio_pci_ports_add(struct virtio_pci *vp);
