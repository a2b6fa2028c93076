/*
 * The inside of the riscv64 "virt" board and of the minimal one (micro_riscv.c), which has fewer devices at
 * the same places: the memory map, and what the parts share: riscv_virt.c (the devices), riscv_virt_plan.c
 * (what is started), riscv_virt_boot.c (putting it in place), riscv_virt_fdt.c (the device tree).
 */
#pragma once

#include "cpu/riscv64/core.h"
#include "devices/pci/pci_host_ecam.h"
#include "machine/board_parts.h"
#include "machine/fdt.h"
#include "machine/firmware.h"
#include "machine/loader/loader.h"
#include "machine/riscv_virt.h"
#include "machine/sbi/sbi.h"

/* The memory map. */
#define VIRT_ROM          0x1000ull
#define VIRT_ROM_SIZE     0xf000ull
#define VIRT_FINISHER     0x100000ull
#define VIRT_RTC          0x101000ull
#define VIRT_CLINT        0x2000000ull
#define VIRT_CLINT_SIZE   0x10000ull
#define VIRT_PCI_IO       0x3000000ull
#define VIRT_PCI_IO_SIZE  0x10000ull
#define VIRT_PLIC         0xc000000ull
#define VIRT_PLIC_SIZE    0x600000ull
#define VIRT_UART         0x10000000ull
#define VIRT_UART_SIZE    0x100ull
#define VIRT_VIRTIO       0x10001000ull
#define VIRT_VIRTIO_SIZE  0x1000ull
#define VIRT_FW_CFG       0x10100000ull
#define VIRT_FW_CFG_SIZE  0x18ull
#define VIRT_FLASH        0x20000000ull
#define VIRT_FLASH_SIZE   0x2000000ull
#define VIRT_ECAM         0x30000000ull
#define VIRT_ECAM_SIZE    0x10000000ull
#define VIRT_PCI_LOW      0x40000000ull
#define VIRT_PCI_LOW_SIZE 0x40000000ull
#define VIRT_RAM          0x80000000ull
/* The upper PCI window is this large, and at the first multiple of its size that is beyond RAM. */
#define VIRT_PCI_HIGH_SIZE 0x400000000ull

/* Sources of the PLIC. */
enum virt_irq {
    VIRT_IRQ_VIRTIO = 1, /* and the seven after it */
    VIRT_IRQ_UART = 10,
    VIRT_IRQ_RTC = 11,
    VIRT_IRQ_PCI = 32, /* and the three after it */
    VIRT_IRQ_VIRTIO_MORE = 36,
    VIRT_IRQ_COUNT = 95,
};

#define VIRT_VIRTIO_SLOTS    8
#define VIRT_FLASH_BANKS     2
#define VIRT_FLASH_BLOCK     (256 * KIB)
#define VIRT_UART_CLOCK      3686400
#define VIRT_PLIC_PRIORITIES 7

/* A kernel that may lie anywhere comes this far behind the firmware at the start of RAM. */
#define VIRT_KERNEL_OFFSET (2 * MIB)

/* How the harts start. */
enum virt_start {
    VIRT_START_SBI,      /* in S-mode, with the built-in SBI below */
    VIRT_START_FIRMWARE, /* in M-mode, in firmware at the start of RAM that then starts the payload */
    VIRT_START_BARE,     /* in M-mode, in the payload */
};

/* What is started and from which files, decided once, before anything is built. */
struct virt_plan {
    enum virt_start start;
    char firmware[FIRMWARE_PATH_MAX]; /* VIRT_START_FIRMWARE: its file */
    bool flash;                       /* the payload is in the first flash bank */
    char flash_code[FIRMWARE_PATH_MAX], flash_vars[FIRMWARE_PATH_MAX]; /* "": an empty bank */
    bool flash_vars_kept; /* the user's own: what the guest writes is kept */
    bool demo;            /* the payload is the built-in demo guest */
};

struct virt_board {
    struct machine_run *run;
    const struct machine_config *config;
    struct board_parts parts;
    struct virt_plan plan;
    bool minimal; /* no flash, date, finisher, CLINT and fw_cfg */
    struct ram_block *rom;
    struct plic *plic;
    struct pci_host_ecam *pci;
    struct fw_cfg *fw_cfg;
    uint64_t pci_high;
    struct sbi *sbi; /* VIRT_START_SBI */
};

/* The source of a virtio-mmio slot: the first are where they are elsewhere, the minimal board has more. */
static inline unsigned virt_slot_irq(unsigned slot)
{
    return slot < VIRT_VIRTIO_SLOTS ? VIRT_IRQ_VIRTIO + slot
                                    : VIRT_IRQ_VIRTIO_MORE + slot - VIRT_VIRTIO_SLOTS;
}

/* riscv_virt.c: a board with nothing on it, and what boards have on them. NULL or false, and err. */
struct virt_board *virt_board_create(const struct machine_config *config, bool minimal, struct error *err);
bool virt_ram_add(struct virt_board *board, struct error *err);
bool virt_harts_add(struct virt_board *board, struct error *err);
bool virt_plic_add(struct virt_board *board, struct error *err);
bool virt_uart_add(struct virt_board *board, struct error *err);
bool virt_pci_add(struct virt_board *board, struct error *err);
/* The virtio-mmio slots of board->parts. */
bool virt_slots_add(struct virt_board *board, struct error *err);
/* The built-in firmware. */
void virt_sbi_add(struct virt_board *board);

/* riscv_virt_plan.c: fill in board->plan. False and err. */
bool virt_plan_make(struct virt_board *board, struct error *err);

/* riscv_virt_fdt.c: the board's device tree, which the caller frees. NULL and err. */
void *virt_fdt_make(const struct virt_board *board, const struct dt_chosen *chosen, struct error *err);

/* riscv_virt_boot.c: images into RAM, harts to their start (machine_board.boot). False and err. */
bool virt_boot(struct virt_board *board, struct error *err);
