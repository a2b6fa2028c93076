/*
 * The ICH9's LPC bridge (00:1f.0), which holds a PC together: routing of PCI and ISA interrupts to the 8259
 * pair and the I/O APIC, ACPI power management with its timer, the SMI command ports, port 0x92 and the gate
 * of address line 20, and the chipset's configuration registers.
 */
#pragma once

#include "devices/machine.h"
#include "devices/pci/pci_bus.h"

#define ICH9_PIRQS 8
#define ICH9_GSIS  24

/* What software writes to port 0xb2 to switch ACPI on and off: the FADT says the same. */
#define ICH9_ACPI_ENABLE  0x02
#define ICH9_ACPI_DISABLE 0x03

/* The register that routes PIRQA (0) to PIRQH to the 8259 pair. */
unsigned ich9_pirq_register(unsigned n);

struct ich9_lpc_config {
    struct pci_bus *bus;
    struct irq_line pic[16];           /* inputs of the 8259 pair */
    struct irq_line ioapic[ICH9_GSIS]; /* pins of the I/O APIC */
    struct irq_line smi;               /* pulsed for each system-management interrupt */
    struct irq_line a20;               /* up: address line 20 works; it is up after a reset */
};

struct ich9_lpc;

/* Ports 0x92, 0xb2 and 0xb3; the rest is where software puts it. NULL and err on overlap. */
struct ich9_lpc *ich9_lpc_create(struct machine *machine, const struct ich9_lpc_config *config,
                                 struct error *err);

/* ISA interrupt n: the 8259's input n, and pin n of the I/O APIC but for 0, which is on pin 2. */
struct irq_line ich9_isa_line(struct ich9_lpc *lpc, unsigned n);
/* PIRQA (0) to PIRQH: pins 16 to 23, and the ISA interrupt that software routes it to. */
struct irq_line ich9_pirq_line(struct ich9_lpc *lpc, unsigned n);
/* A pin of the I/O APIC for others than these (the HPET). */
struct irq_line ich9_gsi_line(struct ich9_lpc *lpc, unsigned n);
/* The keyboard controller's gate of address line 20. */
struct irq_line ich9_a20_line(struct ich9_lpc *lpc);
/* The clock asks for its interrupt: the power management takes note of each rise. */
struct irq_line ich9_rtc_line(struct ich9_lpc *lpc);
/* General-purpose event n, 0 to 63: each rise is one. */
struct irq_line ich9_gpe_line(struct ich9_lpc *lpc, unsigned n);

/* Somebody pressed the power button. Machine lock held. */
void ich9_power_button(struct ich9_lpc *lpc);

/* After MACHINE_SUSPEND: ask for MACHINE_WAKE at the power button, and when the clock asks for its interrupt
 * and may wake (RTC_EN). And after that reset: PM1_STS tells what woke it. Machine lock held. */
void ich9_sleep(struct ich9_lpc *lpc);
void ich9_wake(struct ich9_lpc *lpc);
