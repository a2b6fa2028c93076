/*
 * The I/O APIC: 24 pins, each with a redirection entry that says which interrupt message its activity
 * becomes. It sends messages as PCI functions do, so that it knows nothing of the local APICs.
 */
#pragma once

#include "devices/machine.h"
#include "devices/pci/pci.h"

#define IOAPIC_PINS 24

struct ioapic;

struct ioapic_config {
    uint64_t base;
    struct msi_target msi;
};

/* NULL and err when its page overlaps another device. */
struct ioapic *ioapic_create(struct machine *machine, const struct ioapic_config *config, struct error *err);

/* Pin 0 to 23. A line that is up is an active one, whatever polarity software gives the pin. */
struct irq_line ioapic_line(struct ioapic *ioapic, unsigned pin);

/* A processor has ended the service of a level-triggered vector. Machine lock held. */
void ioapic_eoi(void *ioapic, uint8_t vector);
