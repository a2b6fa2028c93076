/*
 * A start without firmware: what a kernel is told, and the states the first core starts in, of the Linux
 * 64-bit protocol, of PVH and of multiboot. What the core and the kernel read at first lies below 256 KiB.
 */
#pragma once

#include "machine/loader/multiboot.h"
#include "machine/pc_board.h"

/* What is where below 1 MiB. */
#define PC_START_GDT      0x6000ull
#define PC_START_ZEROPAGE 0x7000ull
#define PC_START_INFO     0x8000ull /* of PVH or multiboot, and setup_data: one page */
#define PC_START_PAGES    0x9000ull /* six pages: the first 4 GiB, each at its own address */
#define PC_START_CMDLINE  0x20000ull
#define PC_START_CMDMAX   0x10000ull
#define PC_START_END      (PC_START_CMDLINE + PC_START_CMDMAX)

/* The screen's memory, and its size for those who don't say which they would like. */
#define PC_SCREEN        0xfd000000ull
#define PC_SCREEN_WIDTH  1024
#define PC_SCREEN_HEIGHT 768

/* --- pc_boot.c --- */

/* --append behind `first`, of at most `most` characters together. False and err. */
bool pc_command_line_put(struct pc_board *board, const char *first, uint64_t most, struct error *err);

/* The initrd, where there is one, below `end` and not over the kernel; without one *initrd is empty. False
 * and err.
 */
bool pc_initrd_put(struct pc_board *board, const struct load_target *target, const struct loaded *kernel,
                   uint64_t end, struct loaded *initrd, struct error *err);

/* --- the protocols; false and err --- */

/* pc_linux.c: a bzImage, from loading it to the core's state. */
bool pc_linux_boot(struct pc_board *board, struct source *source, struct error *err);

/* pc_multiboot.c: a kernel that has been loaded. */
bool pc_multiboot_boot(struct pc_board *board, const struct multiboot_header *header,
                       const struct load_target *target, const struct loaded *kernel, struct error *err);

/* pc_pvh.c: command line, initrd and memory map as PVH's start info, at PC_START_INFO. A kernel has its entry
 * for this in a note. */
#define PC_PVH_NOTE_NAME  "Xen"
#define PC_PVH_NOTE_ENTRY 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
bool pc_pvh_info_put(struct pc_board *board, const struct load_target *target, const struct loaded *kernel,
                     struct error *err);

/* --- pc_start.c --- */

/* 64-bit mode with paging, flat segments, interrupts off; rsi as the Linux protocol wants it, rbx for others.
 */
void pc_start_long(struct pc_board *board, uint64_t entry, uint64_t rsi, uint64_t rbx);

/* 32-bit protected mode without paging, flat segments, interrupts off. */
void pc_start_protected(struct pc_board *board, uint32_t entry, uint32_t eax, uint32_t ebx);

/* What firmware leaves behind in the processors: memory is cached. */
void pc_processors_prepare(struct pc_board *board);

/* And in the chipset: configuration space in memory, power management and interrupts where the ACPI tables
 * say, shadow RAM open, the first processor listening to the 8259 pair, which lets nothing through. */
void pc_chipset_prepare(struct pc_board *board);

/* Where interrupts of PCI go when an operating system uses the 8259 pair: PIRQA (0) to PIRQH, and all of
 * these as bits. */
unsigned pc_pirq_interrupt(unsigned pirq);
#define PC_PIRQ_CHOICE 0x0c00u

/* For kernels that start where a boot loader on a BIOS would start them: the old timer ticks, and its
 * interrupts and those of keyboard and mouse are open. Where the board has an 8259 pair. */
void pc_bios_interrupts_set(struct pc_board *board);

/* A linear frame buffer at PC_SCREEN, of 32 bits a pixel, in rows without gaps. False: the machine has no
 * VGA. */
bool pc_screen_set(struct pc_board *board, unsigned width, unsigned height);

/* --- pc_pci.c --- */

/* Addresses below 4 GiB for all BARs that fit, interrupt lines, and decoding of memory and ports: what
 * systems that start on firmware rely on. */
void pc_pci_prepare(struct pc_board *board);

/* The pins that a slot's functions have, as bits from 1 (INTA) on; `devfn` is of its first function. */
unsigned pc_pci_pins(const struct pc_board *board, unsigned devfn);

/* --- pc_legacy.c --- */

/* The tables of before ACPI, at PC_MP and PC_PIR. */
void pc_legacy_tables_place(struct pc_board *board);
