/*
 * A PCI bus as its host bridge sees it: the functions on it, the address spaces their BARs are decoded in,
 * the four interrupt lines and the receiver of messages.
 */
#pragma once

#include "devices/pci/pci.h"

#define PCI_INTX_LINES 8

struct pci_bus_config {
    struct bus *memory; /* BARs go here by their PCI addresses; not owned */
    struct bus *io;
    bool io_from_zero; /* ports are dealt out from 0 on: nothing but functions has any */
    /* Whether a memory BAR at these PCI addresses is reachable, and the guest physical address of the first
     * byte: for BARs that are plain memory. NULL: all are, at the same address. */
    bool (*reach)(void *opaque, uint64_t address, uint64_t size, gpa_t *base);
    void *opaque;
    struct irq_line intx[PCI_INTX_LINES];
    /* Which of them a function's pin (1: INTA) is wired to. NULL: the swizzle over the first four, which
     * gives INTA of slot 0 the first, INTB or slot 1 the next. */
    unsigned (*route)(unsigned devfn, unsigned pin);
    struct msi_target msi; /* deliver == NULL: no receiver, so functions get no MSI capabilities */
};

struct pci_bus *pci_bus_create(const struct pci_bus_config *config);
void pci_bus_destroy(struct pci_bus *bus);

/* Configuration accesses of a guest; offset is a multiple of width (1, 2, 4). An absent function reads as
 * ones and ignores writes. Only bus 0 has functions. */
uint32_t pci_bus_config_read(struct pci_bus *bus, unsigned number, unsigned devfn, unsigned offset,
                             unsigned width);
void pci_bus_config_write(struct pci_bus *bus, unsigned number, unsigned devfn, unsigned offset,
                          unsigned width, uint32_t value);

/* For devices/pci: a function joins (false: the slot is taken or all are), leaves, drives a line, sends. */
bool pci_bus_join(struct pci_bus *bus, struct pci_function *pci, struct error *err);
void pci_bus_leave(struct pci_bus *bus, struct pci_function *pci);
void pci_bus_intx(struct pci_bus *bus, unsigned devfn, unsigned pin, bool level);
const struct pci_bus_config *pci_bus_config(const struct pci_bus *bus);
