/*
 * The states a PC's first core starts in when there is no firmware: those of the Linux 64-bit protocol, of
 * PVH and of multiboot. Tables for the core go below 64 KiB.
 */
#pragma once

#include "machine/pc_board.h"

/* What is where below 1 MiB. */
#define PC_START_GDT      0x6000ull
#define PC_START_ZEROPAGE 0x7000ull
#define PC_START_INFO     0x8000ull /* of PVH or multiboot, and setup_data */
#define PC_START_PAGES    0x9000ull /* six pages: the first 4 GiB, each at its own address */
#define PC_START_CMDLINE  0x20000ull
#define PC_START_CMDMAX   0x10000ull

/* 64-bit mode with paging, flat segments, interrupts off; rsi as the Linux protocol wants it. */
void pc_start_long(struct pc_board *board, uint64_t entry, uint64_t rsi);

/* 32-bit protected mode without paging, flat segments, interrupts off. */
void pc_start_protected(struct pc_board *board, uint32_t entry, uint32_t eax, uint32_t ebx);

/* What firmware leaves behind in the processors: memory is cached. */
void pc_processors_prepare(struct pc_board *board);

/* And in the chipset: configuration space in memory, power management and interrupts
 * where the ACPI tables say, shadow RAM open. */
void pc_chipset_prepare(struct pc_board *board);
