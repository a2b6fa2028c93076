/*
 * The generic PCIe host bridge: configuration space as memory (ECAM, 4 KiB a function), and windows of guest
 * physical space that lead to the PCI memory and I/O spaces. An access in a window that no BAR answers reads
 * as ones, as an unsupported request does on the boards this follows.
 */
#pragma once

#include "devices/pci/pci_bus.h"

struct pci_host_window {
    uint64_t base; /* guest physical; size 0: not there */
    uint64_t size;
    uint64_t address; /* the PCI address of the first byte */
};

#define PCI_HOST_MEMORY_WINDOWS 2

struct pci_host_ecam_config {
    const char *name;
    uint64_t ecam_base, ecam_size;                          /* a multiple of 1 MiB, one for each bus number */
    struct pci_host_window memory[PCI_HOST_MEMORY_WINDOWS]; /* below 4 GiB, and above */
    struct pci_host_window io;
    struct irq_line intx[4]; /* the swizzle gives INTA of slot 0 the first, INTB or slot 1 the next */
    struct msi_target msi;   /* deliver == NULL: the board has no receiver for messages */
};

struct pci_host_ecam;

/* The bridge with its own function at 00:00.0. NULL and err when its places overlap others. */
struct pci_host_ecam *pci_host_ecam_create(struct machine *machine, const struct pci_host_ecam_config *config,
                                           struct error *err);

/* The bus that functions join; the bridge owns it. */
struct pci_bus *pci_host_ecam_bus(struct pci_host_ecam *host);
