/*
 * The inside of the riscv64 "virt" board and of the minimal one (micro_riscv.c), which has fewer devices at
 * the same places: the memory map, and what the parts share: riscv_virt.c (the devices), riscv_virt_plan.c
 * (what is started), riscv_virt_boot.c (putting it in place), riscv_virt_fdt.c (the device tree). What other
 * boards have as well is in virt_board.h.
 */
#pragma once

#include "cpu/riscv64/core.h"
#include "devices/misc/htif.h"
#include "machine/riscv_virt.h"
#include "machine/sbi/sbi.h"
#include "machine/virt_board.h"

/* The memory map. */
#define RISCV_ROM          0x1000ull
#define RISCV_ROM_SIZE     0xf000ull
#define RISCV_FINISHER     0x100000ull
#define RISCV_RTC          0x101000ull
#define RISCV_CLINT        0x2000000ull
#define RISCV_CLINT_SIZE   0x10000ull
#define RISCV_PCI_IO       0x3000000ull
#define RISCV_PCI_IO_SIZE  0x10000ull
#define RISCV_PLIC         0xc000000ull
#define RISCV_PLIC_SIZE    0x600000ull
#define RISCV_UART         0x10000000ull
#define RISCV_UART_SIZE    0x100ull
#define RISCV_VIRTIO       0x10001000ull
#define RISCV_VIRTIO_SIZE  0x1000ull
#define RISCV_FW_CFG       0x10100000ull
#define RISCV_FLASH        0x20000000ull
#define RISCV_FLASH_SIZE   0x2000000ull
#define RISCV_ECAM         0x30000000ull
#define RISCV_ECAM_SIZE    0x10000000ull
#define RISCV_PCI_LOW      0x40000000ull
#define RISCV_PCI_LOW_SIZE 0x40000000ull
#define RISCV_RAM          0x80000000ull
/* The upper PCI window is this large, and at the first multiple of its size that is beyond RAM. */
#define RISCV_PCI_HIGH_SIZE 0x400000000ull

/* Sources of the PLIC. */
enum riscv_irq {
    RISCV_IRQ_VIRTIO = 1, /* and the seven after it */
    RISCV_IRQ_UART = 10,
    RISCV_IRQ_RTC = 11,
    RISCV_IRQ_PCI = 32, /* and the three after it */
    RISCV_IRQ_VIRTIO_MORE = 36,
    RISCV_IRQ_COUNT = 95,
};

#define RISCV_VIRTIO_SLOTS    8
#define RISCV_UART_CLOCK      3686400
#define RISCV_PLIC_PRIORITIES 7

/* A kernel that may lie anywhere comes this far behind the firmware at the start of RAM. */
#define RISCV_KERNEL_OFFSET (2 * MIB)

/* How the harts start. */
enum riscv_start {
    RISCV_START_SBI,      /* in S-mode, with the built-in SBI below */
    RISCV_START_FIRMWARE, /* in M-mode, in firmware at the start of RAM that then starts the payload */
    RISCV_START_BARE,     /* in M-mode, in the payload */
};

struct riscv_board {
    struct virt_board virt; /* first. A minimal one has no flash, date, finisher, CLINT and fw_cfg */
    enum riscv_start start;
    char firmware[FIRMWARE_PATH_MAX]; /* RISCV_START_FIRMWARE: its file */
    struct htif_config htif;          /* RISCV_START_BARE, where the program has it; else tohost is 0 */
    struct ram_block *rom;
    struct plic *plic;
    struct sbi *sbi; /* RISCV_START_SBI */
};

/* riscv_virt.c: a board with nothing on it, and what boards have on them. NULL or false, and err. */
struct riscv_board *riscv_board_create(const struct machine_config *config, bool minimal, struct error *err);
bool riscv_ram_add(struct riscv_board *board, struct error *err);
bool riscv_harts_add(struct riscv_board *board, struct error *err);
bool riscv_plic_add(struct riscv_board *board, struct error *err);
bool riscv_uart_add(struct riscv_board *board, struct error *err);
bool riscv_pci_add(struct riscv_board *board, struct error *err);
/* The built-in firmware. */
void riscv_sbi_add(struct riscv_board *board);

/* riscv_virt_plan.c: what it starts. False and err. */
bool riscv_plan_make(struct riscv_board *board, struct error *err);

/* riscv_virt_fdt.c: how it names interrupts, and the device tree of a struct riscv_board, which the caller
 * frees. NULL and err. */
extern const struct virt_interrupts riscv_fdt_interrupts;
void *riscv_fdt_make(void *board, const struct dt_chosen *chosen, struct error *err);

/* riscv_virt_boot.c: images into RAM, harts to their start (machine_board.boot). False and err. */
bool riscv_boot(struct riscv_board *board, struct error *err);
