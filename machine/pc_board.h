/*
 * The inside of the PC, and of the minimal board (micro_x86.c), which has no chipset and fewer devices at the
 * same places: the memory map, and what the parts share: pc.c (the devices), pc_apic.c (interrupts between
 * devices and cores), pc_plan.c (what is started), pc_disks.c (disks), pc_boot.c, pc_linux.c, pc_multiboot.c,
 * pc_pvh.c and pc_start.c (putting it in place), pc_sleep.c (finding back to it), pc_acpi.c and pc_dsdt.c
 * (the tables), pc_fwcfg.c (what firmware is told).
 */
#pragma once

#include "cpu/x86_64/core.h"
#include "devices/display/display.h"
#include "devices/input/input.h"
#include "devices/irq/i8259.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/lapic.h"
#include "devices/misc/button.h"
#include "devices/misc/fw_cfg.h"
#include "devices/misc/i8237.h"
#include "devices/misc/ich9_lpc.h"
#include "devices/pci/pci_host_ecam.h"
#include "devices/pci/q35_host.h"
#include "devices/timer/cmos_rtc.h"
#include "devices/timer/hpet.h"
#include "devices/timer/i8254.h"
#include "machine/acpi/aml.h"
#include "machine/acpi/tables.h"
#include "machine/board_parts.h"
#include "machine/firmware.h"
#include "machine/loader/loader.h"
#include "machine/pc.h"

/* The memory map. RAM that does not fit below the first of these goes above 4 GiB. */
#define PC_RAM_LOW_MAX   0xb0000000ull /* when that is all there is */
#define PC_RAM_LOW_SPLIT 0x80000000ull /* else this much of it is low */
#define PC_ECAM          0xb0000000ull
#define PC_ECAM_SIZE     0x10000000ull
#define PC_PCI_LOW       0xc0000000ull
#define PC_PCI_LOW_SIZE  0x3ec00000ull
#define PC_IOAPIC        0xfec00000ull
#define PC_HPET          0xfed00000ull
#define PC_LAPIC         0xfee00000ull
#define PC_PCI_HIGH      0x8000000000ull
#define PC_PCI_HIGH_SIZE 0x4000000000ull
#define PC_RAM_MAX       (500 * GIB)

/* Below 1 MiB. */
#define PC_EBDA     0x0009fc00ull
#define PC_VIDEO    0x000a0000ull
#define PC_ROM      0x000c0000ull
#define PC_TABLES   0x000e0000ull /* ACPI's, for a kernel that is started without firmware */
#define PC_FACS     0x000e0040ull /* the first of them, behind the root pointer */
#define PC_SMBIOS   0x000f0000ull
#define PC_MP       0x000f2000ull /* processors and interrupts as they were told before ACPI */
#define PC_PIR      0x000f8000ull
#define PC_HIGH_RAM 0x00100000ull

/* Ports that are not fixed by the devices themselves. */
#define PC_COM1      0x3f8
#define PC_COM2      0x2f8
#define PC_UART_HZ   1843200
#define PC_FW_CFG    0x510
#define PC_PM_BASE   0x600
#define PC_PM_TIMER  0x608
#define PC_GPE0      0x620
#define PC_GPE0_SIZE 16
#define PC_SCI       9

/* Interrupts of the ISA bus. */
enum pc_irq {
    PC_IRQ_TIMER = 0,
    PC_IRQ_KEYBOARD = 1,
    PC_IRQ_COM2 = 3,
    PC_IRQ_COM1 = 4,
    PC_IRQ_FLOPPY = 6,
    PC_IRQ_RTC = 8,
    PC_IRQ_MOUSE = 12,
    PC_IRQ_FPU = 13,
    PC_IRQ_IDE = 14, /* and 15 */
};

#define PC_DMA_FLOPPY 2

#define PC_VGA_SLOT   1
#define PC_VGA_MEMORY (16 * MIB)

/* The first interrupt of PCI in the I/O APIC: PIRQA. */
#define PC_GSI_PIRQ 16

/* What is started and from which file, decided once, before anything is built. */
struct pc_plan {
    bool firmware;   /* at the top of the first 4 GiB; else the payload is started by this program */
    bool efi;        /* it is EDK2, which starts a kernel by itself */
    bool efi_code;   /* and its variables lie in flash below it */
    bool bios_linux; /* a BIOS is to start --kernel */
    bool demo;       /* the payload is the built-in guest */
    char firmware_path[FIRMWARE_PATH_MAX];
    char vars_path[FIRMWARE_PATH_MAX]; /* what the flash holds at first; empty: there is none */
    bool vars_kept;                    /* the guest's changes go to that file */
};

struct pc_board {
    struct machine_run *run;
    const struct machine_config *config;
    struct board_parts parts;
    struct pc_plan plan;
    uint64_t below_4g, above_4g;
    struct bus *ports;
    struct ram_block *ram, *rom; /* rom: the end of the firmware, for below 1 MiB; NULL */

    struct lapic *lapic;
    struct ioapic *ioapic;
    struct i8259 *pic;
    struct ich9_lpc *lpc;
    struct q35_host *host;
    struct hpet *hpet;
    struct i8254 *pit;
    struct cmos_rtc *cmos;
    struct i8237 *dma;
    struct input *input;
    struct display *display;
    struct vga *vga; /* NULL: another screen, or none */
    struct fw_cfg *fw_cfg;
    bool floppies;                           /* there are drives */
    struct pc_cpu *cpus;                     /* pc_apic.c's */
    bool kernel_unpacked;                    /* by this program, not by itself */
    struct button *power_button;             /* the minimal board's */
    void (*prepare)(struct pc_board *board); /* what firmware leaves behind, when there is none */
    size_t (*acpi_make)(struct acpi_tables *tables,
                        const struct pc_board *board); /* returns the DSDT's offset */
};

/* pc.c: a board with nothing on it; its memory, which is not mapped yet. NULL or false, and err. */
struct pc_board *pc_board_create(const struct machine_config *config, struct error *err);
bool pc_ram_create(struct pc_board *board, struct error *err);

/* pc_plan.c: fill in board->plan. False and err. */
bool pc_plan_make(struct pc_board *board, struct error *err);

/* pc_firmware.c: the firmware's file as ROM, with flash for its variables; the VGA's BIOS, *rom being NULL
 * where none is found. False and err. */
bool pc_firmware_add(struct pc_board *board, struct error *err);
bool pc_vga_rom_make(struct pc_board *board, struct ram_block **rom, struct error *err);

/* pc_apic.c: the local APICs with the cores connected to them, and the I/O APIC. False and err. */
bool pc_apic_add(struct pc_board *board, struct error *err);
/* Port F0h, by which a handler of IRQ 13 lets the x87 go on. The LPC bridge is there. */
bool pc_coprocessor_add(struct pc_board *board, struct error *err);
/* The line between the 8259 pair and the processors. */
struct irq_line pc_intr_line(struct pc_board *board);
/* PIRQA (0) to PIRQH, from before the LPC bridge is there. */
struct irq_line pc_pirq_line(struct pc_board *board, unsigned n);
struct irq_line pc_smi_line(struct pc_board *board);
struct irq_line pc_a20_line(struct pc_board *board);

/* pc_disks.c: the AHCI controller with the disks that go there; where disks ask for it, the IDE controller;
 * an NVMe controller for each of its disks. False and err. */
bool pc_ahci_add(struct pc_board *board, struct error *err);
bool pc_ide_add(struct pc_board *board, struct error *err);
#define PC_IDE_SLOT     31
#define PC_IDE_FUNCTION 1
bool pc_nvme_add(struct pc_board *board, struct error *err);
/* Where there are diskettes: their controller, and what CMOS says of the drives. */
bool pc_floppy_add(struct pc_board *board, struct error *err);

/* pc_fwcfg.c: what firmware asks for. False and err. */
bool pc_fw_cfg_add(struct pc_board *board, struct error *err);

/* pc_bios_linux.c: the kernel, for a BIOS to start. False and err. */
#define PC_BIOS_KEEPS (2 * MIB) /* of memory, at most */
bool pc_bios_linux_add(struct pc_board *board, struct error *err);

/* The memory map as E820 (and PVH) tell it; as many as it returns. */
#define PC_E820_MAX 12
enum pc_e820_type {
    PC_E820_RAM = 1,
    PC_E820_RESERVED = 2,
    PC_E820_ACPI = 3,
};
struct pc_e820 {
    uint64_t base, size;
    enum pc_e820_type type;
};
unsigned pc_e820_make(const struct pc_board *board, struct pc_e820 map[static PC_E820_MAX]);

/* pc_acpi.c: all tables; returns the DSDT's offset; two of them. pc_dsdt.c: that one. */
size_t pc_acpi_make(struct acpi_tables *tables, const struct pc_board *board);
void pc_madt_make(struct acpi_tables *tables, const struct pc_board *board);
void pc_dsdt_make(struct aml *aml, const struct pc_board *board);

/* pc_boot.c: the machine has been reset: images into RAM, the first core to its start. False and err. */
bool pc_boot(struct pc_board *board, struct error *err);
/* pc_sleep.c: suspend to RAM, false: there is firmware, whose part it would be; and the start after that. */
bool pc_sleep(struct pc_board *board);
bool pc_wake(struct pc_board *board, struct error *err);
/* The PC's board->prepare: the chipset, the SMBIOS tables. */
void pc_prepare(struct pc_board *board);
