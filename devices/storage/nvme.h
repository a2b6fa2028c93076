/*
 * An NVMe 1.4 controller with one namespace: a disk of 512-byte blocks behind an admin queue and sixteen
 * pairs of I/O queues, with data by PRP lists and interrupts by MSI-X or the pin.
 */
#pragma once

#include "devices/pci/pci_bus.h"
#include "devices/storage/block.h"

struct nvme_config {
    const char *name; /* unique in the machine; kept */
    struct pci_bus *bus;
    int devfn;
    struct block *block; /* taken, also on failure */
    const char *serial;  /* NULL: the image's name */
};

struct nvme;

/* NULL and err when the slot is taken. */
struct nvme *nvme_create(struct machine *machine, const struct nvme_config *config, struct error *err);
