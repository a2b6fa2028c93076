/*
 * What the debugging tools (GDB stub, monitor) see of a machine, and how they stop it and let it go. The
 * machine fills one of these; everything is called on the event loop's thread with the machine lock held.
 */
#pragma once

#include "cpu/cpu.h"

/* The most vCPUs a machine has: tools keep one action for each on their stack. */
#define DEBUG_VCPUS_MAX 512

enum debug_action {
    DEBUG_STAY,     /* keep stopped */
    DEBUG_CONTINUE, /* run */
    DEBUG_STEP,     /* run one instruction, then stop everything */
};

struct debug_target {
    struct vcpu **vcpus;
    unsigned count;
    const struct physmem *mem;
    struct debug_points *points; /* changed only while stopped; points_changed afterwards */

    /* Stop every vCPU; when all have left their blocks, debug_stopped of the listener is called (soon, not at
     * once). */
    void (*pause)(struct debug_target *target);
    /* Let vCPUs go, one action each. */
    void (*resume)(struct debug_target *target, const enum debug_action *actions);
    /* The breakpoints or watchpoints are others now: cores drop what was decoded and translated with the old
     * ones. */
    void (*points_changed)(struct debug_target *target);
    bool (*is_stopped)(struct debug_target *target);
    void (*reset)(struct debug_target *target);
    void (*quit)(struct debug_target *target);
    /* Press the power button, which asks the guest to shut down. False: the machine has none. */
    bool (*power_button)(struct debug_target *target);

    /*
     * Set by a tool. The machine calls `stopped` when a debug exit of `vcpu` stopped every vCPU (not after
     * pause), and `ended` when the machine ended with `status`. May be NULL.
     */
    void (*stopped)(void *opaque, unsigned vcpu, const struct vcpu_exit *exit);
    void (*ended)(void *opaque, int status);
    void *opaque;
};

/* Guest memory by the virtual addresses of one vCPU, RAM only: device registers have side effects. */
bool debug_memory_read(struct debug_target *target, struct vcpu *vcpu, gva_t va, void *to, size_t len);
bool debug_memory_write(struct debug_target *target, struct vcpu *vcpu, gva_t va, const void *from,
                        size_t len);

/* Add or remove a point; false: the table is full, or there is no such point. */
bool debug_point_add(struct debug_target *target, uint64_t address, uint64_t len, enum walk_access access);
bool debug_point_remove(struct debug_target *target, uint64_t address, uint64_t len, enum walk_access access);
