/*
 * What a guest is shown: the one interface of all modes. A mode is a table: what it can show, and how it
 * turns what the user asked for into a machine; a VM is a machine in a mode, with an identifier and a life
 * cycle.
 *
 * Where the parts of the interface are. Init and capabilities: `struct mode`. Creating, running and
 * destroying a VM: below. What a mode's `create` builds a machine from (machine/machine_run.h): memory
 * (machine_memory_map), vCPUs (machine_vcpus_create), interrupts (machine_vcpu_line), and what it does when a
 * vCPU leaves its guest (struct machine_board); why it left is one of enum exit_reason (cpu/cpu.h).
 */
#pragma once

#include "machine/config.h"
#include "machine/loader/detect.h"
#include "machine/machine_run.h"

/* What can be shown to a guest. What is false or not in a mask is refused when it is asked for. */
struct mode_capabilities {
    unsigned arches; /* bit n: enum guest_arch n */
    unsigned disks;  /* bit n: a disk may be behind enum device_transport n */
    unsigned cpus_max;
    bool kernel_needed; /* it starts programs only; else also disks, CDs and firmware of the user's */
    bool cdroms;
    bool initrd;           /* programs have an initial file system */
    bool device_tree;      /* the user's own instead of the board's */
    bool firmware;         /* others' firmware */
    bool transport_chosen; /* virtio devices come over PCI or over MMIO, as asked */
    unsigned screens;      /* bit n: enum screen_kind n; there may be none in every mode */
    bool board_variants;   /* --machine gic-version= */
    bool debug_ports;      /* --debug-exit, --debugcon, --test-device */
    bool usb;              /* --usb */
    bool nets;             /* network cards: --net */
    bool consoles;         /* virtio consoles: a --serial beyond the first, --port, the clipboard's */
    bool manifest;         /* the devices of a unikernel's manifest, and its core: --hvt-... */
};
#define MODE_EVERY_ARCH ((1u << GUEST_ARCH_COUNT) - 1)

struct mode {
    const char *name;
    struct mode_capabilities can;
    /* Init: whether this mode can show what is asked for, beyond its capabilities; NULL: they say it all.
     * False and err. */
    bool (*init)(const struct machine_config *config, struct error *err);
    /* The machine, for machine_run; `config` outlives it. NULL and err. */
    struct machine_run *(*create)(const struct machine_config *config, struct error *err);
};

extern const struct mode type1_mode, virtio_mode, hvt_mode;

/*
 * A mode by its name. "auto" is what suits the image and the configuration: a unikernel with a Solo5 note
 * gets hvt, virtio devices by a chosen transport get virtio, everything else type1. NULL and err
 * (ERROR_USAGE).
 */
const struct mode *mode_find(const char *name, const struct machine_config *config,
                             const struct image_info *image, struct error *err);

/* Whether the mode's capabilities and its init allow the configuration. False and a sentence on what is not
 * part of the mode. */
bool mode_check(const struct mode *mode, const struct machine_config *config, struct error *err);

/* --- VMs --- */

struct vm {
    unsigned id; /* unique in this process, from 1 */
    const char *name;
    const struct mode *mode;
    struct machine_run *run;
};

/* A VM, stopped. `config` and the name outlive it; NULL: its name is its id. NULL and err. */
struct vm *vm_create(const struct mode *mode, const struct machine_config *config, const char *name,
                     struct error *err);

/* Any state but creating, which vm_create ends. NULL is allowed. */
void vm_destroy(struct vm *vm);

/* As the monitor shows it. */
enum machine_state vm_state(const struct vm *vm);
