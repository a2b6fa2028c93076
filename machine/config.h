/*
 * A machine as its user asked for it: what the command line and the configuration file say, checked for form
 * but not yet against files. Boards and modes read it; strings stay the caller's.
 */
#pragma once

#include "cpu/cpu.h"
#include "devices/storage/block.h"
#include "machine/loader/source.h"

enum firmware_choice {
    FIRMWARE_AUTO,    /* OpenSBI where it is found, else the built-in one */
    FIRMWARE_BUILTIN, /* this program answers the kernel's firmware calls */
    FIRMWARE_NONE,    /* the kernel gets the bare machine */
    FIRMWARE_FILE,
};

/* How a device is reached: the first two are virtio's. */
enum device_transport {
    TRANSPORT_PCI,
    TRANSPORT_MMIO,
    TRANSPORT_AHCI,
    TRANSPORT_NVME,
    TRANSPORT_USB,
    TRANSPORT_FLOPPY, /* a diskette */
    TRANSPORT_IDE,
};

struct disk_config {
    struct block_config block;
    enum device_transport transport;
    bool slot_chosen; /* TRANSPORT_MMIO: it is in this slot */
    unsigned slot;
    bool cdrom; /* in a CD drive, where the board has such; else a disk that can't be written */
};

/* A device of a unikernel's manifest (mode hvt). */
enum hvt_resource_type {
    HVT_RESOURCE_BLOCK,
    HVT_RESOURCE_NET,
};

struct hvt_resource {
    enum hvt_resource_type type;
    const char *name;          /* in the manifest */
    struct block_config block; /* block: what is behind it */
    unsigned sector_size;      /* block: in bytes; 0: 512 */
    const char *net;           /* net: a specification of net_open */
    bool mac_chosen;           /* net: else one is made up */
    uint8_t mac[6];
};

/* A named port of the virtio console. */
struct port_config {
    const char *name;
    const char *end; /* specification of char_open */
};

/* What the guest draws its picture with. */
enum screen_kind {
    SCREEN_AUTO, /* VGA on a PC; elsewhere virtio where somebody looks, else none */
    SCREEN_NONE,
    SCREEN_VIRTIO, /* with a virtio keyboard and tablet */
    SCREEN_RAMFB,  /* likewise */
    SCREEN_VGA,
};

struct machine_config {
    enum guest_arch arch;
    const char *cpu_model; /* NULL: the default */
    unsigned cpus;
    uint64_t memory;
    unsigned gic_version; /* aarch64: 2, 3, or 0 for the board's choice */
    bool virtio_legacy;   /* aarch64, riscv64: virtio-mmio slots are of version 1 */
    enum screen_kind screen;
    const char *const
        *usb; /* devices by their names: "keyboard", "mouse", "tablet"; "none": not even a PC's */
    unsigned usb_count;
    bool screen_wanted;  /* somebody looks: a window, a screenshot */
    bool pointer_wanted; /* somebody points at what is seen: a window, VNC */

    const char *kernel, *initrd, *append, *dtb; /* NULL: none */
    enum firmware_choice firmware;
    const char *firmware_file, *firmware_vars; /* NULL: none */

    const struct disk_config *disks;
    unsigned disk_count;
    const char *const *nets; /* specifications of net_open, with a model */
    unsigned net_count;
    const char *const *serials; /* specifications of char_open: the first for the UART, others for consoles */
    unsigned serial_count;
    const struct port_config *ports;
    unsigned port_count;
    bool clipboard; /* with a port for an agent that shares it */

    const struct hvt_resource *hvt_resources;
    unsigned hvt_resource_count;
    const char *hvt_dumpcore; /* folder for the core of a guest that aborts; NULL: none is written */

    enum device_transport transport; /* of virtio devices that don't say it themselves */
    bool transport_chosen;           /* the user asked for it; else it is PCI */

    const char *debugcon; /* x86_64: specification of char_open for firmware's debug console; NULL: none */
    bool semihosting;     /* aarch64, riscv64: requests of test programs to their debugger are answered */
    bool debug_exit;      /* x86_64: the port through which a guest gives its exit status */
    bool test_device;     /* x86_64: devices/misc/test_device.h */

    const struct engine *engine;
    bool deterministic;
    bool paused;
    uint64_t timeout_ns; /* 0: none */
    load_progress progress;
};
