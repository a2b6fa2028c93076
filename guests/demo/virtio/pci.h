/* Functions on PCI, as far as the demo needs them: found by their numbers, with a place for their memory. */
#pragma once

#include "guests/demo/demo.h"

#define PCI_BARS         0x10
#define PCI_CAPABILITIES 0x34

/* Platform: configuration space (`function` is 8 times the slot plus the function), and where memory of
 * functions may be put. */
uint32_t config_read(unsigned function, unsigned offset);
void config_write(unsigned function, unsigned offset, uint32_t value);
uint64_t pci_window(void);

/* The n-th function with these numbers on the first bus; -1: there is none. */
int pci_find(uint16_t vendor, uint16_t device, unsigned n);

/* Where a memory BAR is, given a place if it has none; the function answers from then on. */
uint64_t pci_bar(unsigned function, unsigned bar);
