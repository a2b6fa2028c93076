/* The inside of the minimal x86-64 board: what it has beyond, and elsewhere than, a PC (machine/pc_board.h).
 */
#pragma once

#include "machine/pc_board.h"

#define MICRO_POWER 0x600 /* ports of the sleep and reset registers */

/* In a machine without PCI, where its window would be. */
#define MICRO_VIRTIO      0xfeb00000ull
#define MICRO_VIRTIO_SIZE 0x200

/* Pins of the I/O APIC: the serial port has the one of a PC, PCI the four from PC_GSI_PIRQ. */
#define MICRO_PIN_BUTTON 3
#define MICRO_PIN_VIRTIO 5
#define MICRO_SLOTS      (IOAPIC_PINS - MICRO_PIN_VIRTIO)

/* micro_x86_acpi.c: all tables; returns the DSDT's offset. */
size_t micro_x86_acpi_make(struct acpi_tables *tables, const struct pc_board *board);
