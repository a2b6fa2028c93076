/*
 * What the "virt" boards of aarch64 and riscv64 share, and the minimal boards made of their parts: devices
 * that differ in nothing but their places and interrupts, the choice of what is started, and device-tree
 * nodes. A board's own struct begins with a virt_board.
 */
#pragma once

#include "machine/board_boot.h"
#include "machine/board_parts.h"
#include "machine/fdt.h"
#include "machine/firmware.h"
#include "machine/loader/detect.h"

#define VIRT_FLASH_BANKS 2
#define VIRT_FLASH_BLOCK (256 * KIB)

struct virt_board;

struct virt_range {
    uint64_t base, size;
};

/* How a device tree names the interrupts of the controller that devices are wired to. */
#define VIRT_IRQ_CELLS_MAX 3
enum virt_trigger {
    VIRT_EDGE,
    VIRT_LEVEL,
};
struct virt_interrupts {
    uint32_t controller; /* its phandle */
    bool inherited;      /* the root node names it, so that devices need not */
    unsigned unit_cells; /* its #address-cells and #interrupt-cells */
    unsigned cells;
    void (*encode)(uint32_t cells[static VIRT_IRQ_CELLS_MAX], unsigned irq, enum virt_trigger trigger);
};

/* What one kind of board is. */
struct virt_kind {
    uint64_t ram, uart, fw_cfg;
    struct virt_range flash; /* the first bank; the second is behind it */
    struct virt_range slot;  /* the first virtio-mmio slot; the others are behind it */
    struct virt_range ecam, pci_io, pci_low;
    unsigned pci_irq; /* of INTA; the others are the next ones */

    struct irq_line (*irq_line)(const struct virt_board *board, unsigned irq);
    unsigned (*slot_irq)(unsigned slot);
    const struct virt_interrupts *interrupts;
    bool slots_coherent; /* the slots' nodes say so */
    void *(*tree_make)(void *board, const struct dt_chosen *chosen, struct error *err);

    enum guest_arch arch;
    enum firmware_kind efi, efi_vars; /* for the flash, and which package has them */
    const char *efi_package;
    const unsigned char *demo;
    const size_t *demo_size;
};

/* What is in the flash or started by itself, decided once, before anything is built. */
struct virt_plan {
    bool flash; /* firmware is in the first flash bank, and starts the payload */
    char flash_code[FIRMWARE_PATH_MAX], flash_vars[FIRMWARE_PATH_MAX]; /* "": an empty bank */
    bool flash_vars_kept; /* the user's own: what the guest writes is kept */
    bool demo;            /* the payload is the built-in demo guest */
};

struct virt_board {
    const struct virt_kind *kind;
    struct machine_run *run;
    const struct machine_config *config;
    bool minimal; /* not a full board, but one of mode virtio */
    struct board_parts parts;
    struct virt_plan plan;
    struct virt_range pci_high; /* set before virt_pci_add */
    struct fw_cfg *fw_cfg;
};

/* --- virt_board.c: building; false or NULL, and err --- */

/* A board of `size` bytes with nothing on it, which hooks->opaque is set to. `config` outlives it. */
void *virt_board_create(size_t size, const struct virt_kind *kind, const struct machine_config *config,
                        bool minimal, struct machine_board *hooks, struct error *err);
/* When the devices are gone: the parts, and the board itself. */
void virt_board_free(struct virt_board *board);

/* When the cores are there: what they ask of a debugger, if that was asked for. */
void virt_semihosting_add(struct virt_board *board);
bool virt_flash_add(struct virt_board *board, struct error *err);
bool virt_fw_cfg_add(struct virt_board *board, struct error *err);
bool virt_pci_add(struct virt_board *board, struct msi_target messages, struct error *err);
/* Everything a user asked for, and the virtio-mmio slots: `count`, on a minimal board at the most. */
bool virt_devices_add(struct virt_board *board, unsigned count, struct error *err);

/* --- virt_plan.c: what is started; false and err --- */

/* Firmware for the flash from this file. */
bool virt_plan_flash(struct virt_plan *plan, const char *path, struct error *err);
/* When the firmware is chosen, or there is none: the payload, and the variables for firmware in the flash. */
bool virt_plan_payload(struct virt_board *board, struct error *err);

struct board_boot virt_boot_begin(struct virt_board *board);
/* The payload, if there is one, into RAM; at `base` when it may lie anywhere. */
bool virt_payload_load(const struct virt_board *board, struct board_boot *boot, uint64_t base,
                       struct error *err);

/* --- virt_fdt.c: nodes of a device tree --- */

void virt_tree_begin(struct dt *dt, const char *compatible, const char *model);
/* /chosen, left open for what a board adds. `console` is the path of the serial port's node. */
void virt_chosen_begin(struct dt *dt, const struct dt_chosen *chosen, const char *console);
void virt_aliases_node(struct dt *dt, const char *console);
void virt_memory_node(struct dt *dt, const struct virt_board *board);
/* A cluster of cores, whose phandles begin with `first`. */
void virt_cluster_node(struct dt *dt, unsigned cores, uint32_t first, uint32_t step);

/* What interrupt the open node has. */
void virt_interrupt(struct dt *dt, const struct virt_board *board, unsigned irq, enum virt_trigger trigger);
void virt_flash_node(struct dt *dt, const struct virt_board *board);
void virt_fw_cfg_node(struct dt *dt, const struct virt_board *board);
void virt_slot_nodes(struct dt *dt, const struct virt_board *board);
/* The PCI host bridge, left open for what a board adds. */
void virt_pci_begin(struct dt *dt, const struct virt_board *board, const char *name, uint64_t unit);
