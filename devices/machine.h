/*
 * What a device sees of the machine it is in: buses, RAM, the clock, the event loop and the list of state
 * tables. The boards in machine/ build one of these and hand it to every constructor.
 */
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "base/irq_line.h"
#include "base/log.h"
#include "base/state.h"
#include "host/loop.h"
#include "host/thread.h"
#include "softmmu/physmem.h"

/* Why a machine stops, as a device or firmware call asks. */
enum machine_request {
    MACHINE_POWER_OFF,
    MACHINE_RESET,
    MACHINE_EXIT,    /* end the program with a status of the guest's own */
    MACHINE_SUSPEND, /* to RAM; a board that does not know how to ends instead */
    MACHINE_WAKE,    /* from there */
};

struct machine_device {
    const char *name; /* unique in the machine, e.g. "uart0" */
    const struct state_table *table;
    void *object;
    void (*destroy)(void *object); /* may be NULL */
    struct machine_device *next;
};

struct machine {
    struct host_mutex lock; /* the machine lock: every device handler and callback runs under it */
    struct host_loop *loop;
    struct clock *clock;
    struct physmem mem;
    struct machine_device *devices; /* in the order they were made */
    /* Ask the machine to stop, reset or exit; returns at once, takes effect when every vCPU has left its
     * block. */
    void (*request)(struct machine *machine, enum machine_request request, int status);
};

/*
 * Every constructor ends with this: the device gets its cold reset state, and the machine from then on
 * resets, saves, loads, shows and at last destroys it. The name and the table stay the caller's.
 */
void machine_device_add(struct machine *machine, const char *name, const struct state_table *table,
                        void *object, void (*destroy)(void *object));

/* Reset every device, in the order they were made. Machine lock held. */
void machine_devices_reset(struct machine *machine, bool cold);

/* Destroy every device, last made first. Machine lock not held, no vCPU running. */
void machine_devices_destroy(struct machine *machine);

/* Zeroed memory; ends the program when there is none, as the devices' own structures are small. */
void *machine_alloc(size_t size);
