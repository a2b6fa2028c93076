/*
 * A PC-like PCI bus for device tests: configuration by calls, BARs on the machine's own buses, the pins and
 * the messages recorded.
 */
#pragma once

#include "devices/pci/pci_bus.h"
#include "tests/devices/machine_support.h"

#define TEST_PCI_MMIO  ((uint64_t)0xe0000000) /* where test_pci_bar puts memory BARs */
#define TEST_PCI_PORTS 0xc000u

struct test_pci {
    struct test_machine *test;
    struct pci_bus *bus;
    struct test_irq pins[PCI_INTX_LINES];
    unsigned messages;
    struct msi_message last;
    uint64_t next_mmio, next_port;
};

void test_pci_start(struct test_pci *pci, struct test_machine *test);
/* After test_machine_destroy. */
void test_pci_finish(struct test_pci *pci);

uint32_t test_pci_get(struct test_pci *pci, int devfn, unsigned offset, unsigned width);
void test_pci_put(struct test_pci *pci, int devfn, unsigned offset, unsigned width, uint32_t value);

/* Size a BAR, give it a place, and return that; memory, ports and bus mastering are switched on. */
uint64_t test_pci_bar(struct test_pci *pci, int devfn, unsigned bar);

/* The offset of a capability; 0: none. */
unsigned test_pci_capability(struct test_pci *pci, int devfn, uint8_t id);

/* Whether any pin is up. */
bool test_pci_pin(const struct test_pci *pci);
