/*
 * The ICH9's AHCI controller (00:1f.2): six SATA ports with native queuing, each with a hard disk, a CD drive
 * or nothing.
 */
#pragma once

#include "devices/pci/pci_bus.h"
#include "devices/storage/ata.h"

#define AHCI_PORTS 6

struct ahci_config {
    struct pci_bus *bus;
    int devfn;                              /* 00:1f.2 on a Q35 board, or PCI_DEVFN_ANY */
    struct ata_device *devices[AHCI_PORTS]; /* NULL: nothing is plugged in */
};

struct ahci;

/* NULL and err when the slot is taken. */
struct ahci *ahci_create(struct machine *machine, const struct ahci_config *config, struct error *err);
