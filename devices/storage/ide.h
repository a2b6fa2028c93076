/*
 * The IDE function of a PIIX4 (Intel 82371AB data sheet, chapter 4): two channels at the places they have had
 * since the PC AT, with two drives each and bus-master DMA. For systems that know of no AHCI.
 */
#pragma once

#include "devices/pci/pci_bus.h"
#include "devices/storage/ata.h"

#define IDE_CHANNELS 2
#define IDE_DRIVES   4

struct ide_config {
    struct pci_bus *bus;
    int devfn;
    struct irq_line irqs[IDE_CHANNELS];     /* ISA interrupts 14 and 15 */
    struct ata_device *devices[IDE_DRIVES]; /* primary master and slave, secondary ones; NULL: none */
};

struct ide;

/* NULL and err when the slot is taken. A channel's ports are there while its bit in IDETIM and the function's
 * ports are switched on, as firmware does. */
struct ide *ide_create(struct machine *machine, const struct ide_config *config, struct error *err);

/* The registers of configuration space in which a channel is switched on, 16 bits each. */
#define IDE_TIMING         0x40
#define IDE_TIMING_DECODED 0x8000u
