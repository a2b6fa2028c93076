/*
 * What boards have in common: memory that lives as long as they do, and what a user asks for on any of them:
 * serial ports, disks, network cards and consoles, as virtio devices on PCI or in virtio-mmio slots.
 */
#pragma once

#include "devices/char/char.h"
#include "devices/display/display.h"
#include "devices/input/input.h"
#include "devices/misc/fw_cfg.h"
#include "devices/pci/pci_host_ecam.h"
#include "devices/virtio/virtio.h"
#include "machine/config.h"
#include "machine/machine_run.h"

#define BOARD_SLOTS_MAX 32

struct board_memory;

struct board_parts {
    struct machine_run *run;
    const struct machine_config *config;
    struct pci_bus *pci;                          /* where devices go; set by the board when it has one */
    struct virtio_device *slots[BOARD_SLOTS_MAX]; /* what is in each virtio-mmio slot, or NULL */
    unsigned slot_count, slots_used;
    bool transitional;       /* virtio functions on PCI have the ports of the legacy interface */
    bool pc_disks;           /* the board adds the disks that only a PC has: AHCI, IDE, NVMe, floppies */
    unsigned first_console;  /* the first --serial that becomes a virtio console; those before it are the
                                board's own ports */
    struct display *display; /* of board_screen_add; NULL: none */
    bool lacks_tablet;       /* the board's screen is another, with a pointer that is relative */
    struct input *input;
    struct clipboard *clipboard;
    struct block **disks;
    struct net_port **nets;
    struct board_memory *memory;
};

/* A machine that runs as the configuration says, with nothing in it. NULL and err. */
struct machine_run *board_run_create(const struct machine_config *config, struct error *err);

/* Memory and texts that are freed with the parts. */
void *board_alloc(struct board_parts *parts, size_t size);
const char *board_name(struct board_parts *parts, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The port of the n-th --serial; NULL without an error when it was asked that there be none. */
bool board_serial_open(struct board_parts *parts, unsigned n, struct char_port **port, struct error *err);

/* The same with the first one, which is the machine's console, for the board's own port. */
bool board_console_open(struct board_parts *parts, struct char_port **port, struct error *err);

/* The date at machine time 0 in nanoseconds since 1970: now, or always the same on a deterministic machine.
 */
uint64_t board_epoch(const struct board_parts *parts);

/* The kernel, initrd and command line as items, for firmware that starts them. False and err. */
bool board_fw_cfg_kernel(struct board_parts *parts, struct fw_cfg *fw_cfg, struct error *err);

/* Every disk, network card, further serial port (as a console) and a source of random numbers. The slots are
 * filled, but made by the board, afterwards. False and err. */
bool board_virtio_add(struct board_parts *parts, struct error *err);

/* board_buses.c: a PCIe host bridge, which gets its name here: parts->pci. False and err. */
bool board_pci_add(struct board_parts *parts, struct pci_host_ecam_config *config, struct error *err);

/* Where the virtio-mmio slots are: `count` at the most, `size` bytes each, one after the other. */
struct board_slots {
    uint64_t base, size;
    unsigned count;
    struct irq_line (*irq)(void *opaque, unsigned slot);
    void *opaque;
};

/* board_buses.c: the transports of the first parts->slot_count slots. After what may be put in them. False
 * and err. */
bool board_slots_add(struct board_parts *parts, const struct board_slots *slots, struct error *err);

/* board_buses.c: all devices of a minimal board: on PCI when it has that by now, else in as many slots as are
 * needed. False and err. */
bool board_minimal_devices_add(struct board_parts *parts, const struct board_slots *slots, struct error *err);

/*
 * The screen that was asked for, with a keyboard and a tablet where the board has none: the machine's display
 * and input. Of the kinds there are virtio's and, for a board that gives its fw_cfg, a frame buffer in RAM;
 * other kinds are the board's own business. After board_virtio_add. False and err.
 */
bool board_screen_add(struct board_parts *parts, struct fw_cfg *fw_cfg, struct error *err);

/* board_usb.c: what --usb and disks with TRANSPORT_USB ask for, and a tablet where somebody may point at a
 * screen that lacks one; with a controller, if there is any of that. After the screen. False and err. */
bool board_usb_add(struct board_parts *parts, struct error *err);

/* When the devices are gone: close what they stood on, free the memory. */
void board_parts_free(struct board_parts *parts);
