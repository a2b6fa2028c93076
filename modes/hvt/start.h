/*
 * How a unikernel begins on each architecture: page tables, and the registers that the ABI promises. One file
 * an architecture.
 */
#pragma once

#include "machine/machine_run.h"
#include "modes/hvt/pages.h"

struct hvt_start {
    const struct hvt_image *image;
    uint8_t *memory; /* the guest's, from address 0 */
    uint64_t size;
};

/* Registers of a halted guest for a core dump: what Linux's elf_gregset_t of the architecture has. */
#define HVT_GREGS_MAX 34
struct hvt_gregs {
    unsigned count;
    unsigned prstatus_size; /* of the architecture's struct elf_prstatus */
    uint64_t regs[HVT_GREGS_MAX];
};

struct hvt_arch {
    const struct cpu_ops *ops;
    /* The core's environment calls come to the board: it says that there are none. */
    bool hypercalls;
    /* After the cores are made: what they are connected to. */
    void (*connect)(struct machine_run *run);
    /* After a reset: the tables, and the core at the entry point. */
    void (*start)(struct machine_run *run, const struct hvt_start *start);
    /* Cycles a second of what a guest reads time from. */
    uint64_t (*cycles)(struct vcpu *vcpu);
    /* No one answers firmware calls. NULL: the core has none that come here. */
    void (*call_refuse)(struct vcpu *vcpu);
    /* The registers now, or as a trap's cookie has them (NULL: none). */
    void (*gregs)(struct vcpu *vcpu, const uint8_t *cookie, struct hvt_gregs *gregs);
    /* Something may wake a halted core: it has a timer of its own. */
    bool wakes;
};

extern const struct hvt_arch hvt_x86_64, hvt_aarch64, hvt_riscv64;
