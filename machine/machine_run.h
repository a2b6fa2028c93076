/*
 * Run control: the vCPUs of a machine and the event loop, from power-on to the exit status. Boards build the
 * machine inside one of these; a debugger stops, steps and resumes it through its `debug`.
 *
 * Threads. One a vCPU, and the main thread in the event loop. A vCPU whose `stop` is set is parked, or on its
 * way there: pausing sets it for all, kicks them and waits until they are parked. The wait gives the machine
 * lock up, so that a vCPU in the middle of a device access can finish it.
 *
 * A deterministic machine has no threads but the main one: it runs the vCPUs in turn, a slice each, between
 * two looks at the event loop, and guest time is what they counted.
 */
#pragma once

#include "cpu/cpu.h"
#include "debug/target.h"
#include "devices/char/char.h"
#include "devices/machine.h"
#include "machine/life_cycle.h"

/* The program's exit status for a guest that can't go on (README.md has the others). */
#define MACHINE_STATUS_DIED 4

/* What a board adds to run control. Machine lock not held for `hypercall` and `halted`, held
 * for `boot`, `sleep`, `wake` and `power_button`. */
struct machine_board {
    /* An environment call of a vCPU, on its thread (EXIT_HYPERCALL). */
    void (*hypercall)(void *opaque, struct vcpu *vcpu);
    /* A vCPU halted, on its thread, for a board where that may be for ever (it has nothing that interrupts).
     * NULL: it sleeps until something wakes it. */
    void (*halted)(void *opaque, struct vcpu *vcpu);
    /* Every device and core has been reset: put images in place and give the cores their start state. */
    bool (*boot)(void *opaque, struct error *err);
    /*
     * Suspend to RAM: make the cores wait for ever; devices stay as they are and ask for MACHINE_WAKE. wake
     * is boot for that: memory is as the guest left it, all else has been reset. sleep is NULL, or returns
     * false, where a suspended machine just ends.
     */
    bool (*sleep)(void *opaque);
    bool (*wake)(void *opaque, struct error *err);
    /* The devices are gone: free the rest. */
    void (*destroy)(void *opaque);
    /* Press the power button; NULL: there is none. */
    void (*power_button)(void *opaque);
    void *opaque;
};

struct machine_run {
    struct machine machine; /* first: what devices see; its request() comes back here */
    const struct engine *engine;
    unsigned vcpu_count;
    struct vcpu **vcpus;
    struct debug_points points;
    struct debug_target debug; /* for the debugging tools: stop, step, breakpoints */
    struct char_port *console; /* the board's serial port, or NULL: for the monitor's escape */
    struct display *display;   /* its screen, and its keys and pointer; NULL: it has none */
    struct input *input;
    struct clipboard *clipboard;     /* NULL: none is shared with the guest */
    struct semihosting *semihosting; /* NULL: none; with it, cores have cpu_config.semihosting */

    struct run_private *private; /* run control's own (run_private.h) */
};

struct run_config {
    bool deterministic;
    bool paused;         /* start stopped, for a debugger */
    uint64_t timeout_ns; /* of host time; 0: none */
};

/* A machine with buses but no memory, device or vCPU; all are added by a board. NULL and err. */
struct machine_run *machine_run_create(const struct run_config *config, struct error *err);

/* Demand-zero memory of the guest at an address. NULL and err. */
struct ram_block *machine_memory_map(struct machine_run *run, const char *name, uint64_t base, uint64_t size,
                                     enum ram_mapping_kind kind, struct error *err);

/* `count` vCPUs of a core, in its reset state, all with the same model; `config` gives the rest. False and
 * err. Called once, before the devices that send them interrupts. */
bool machine_vcpus_create(struct machine_run *run, const struct cpu_ops *ops, const struct engine *engine,
                          unsigned count, const struct cpu_config *config, struct error *err);

/* An interrupt input of a vCPU, for what injects interrupts: a controller, or a timer of the board. The
 * numbers are in the core's own header. */
struct irq_line machine_vcpu_line(struct machine_run *run, unsigned vcpu, unsigned number);

void machine_board_set(struct machine_run *run, const struct machine_board *board);

/* The end of a board's constructor: `run`, stopped and complete; or when it failed NULL, `run` being
 * destroyed. */
struct machine_run *machine_run_built(struct machine_run *run, bool ok);

enum machine_state machine_run_state(const struct machine_run *run);

/* Power on and run until the end, on the main thread; *status is the program's exit status. False and err
 * when the board can't boot, or an engine or the host failed. Once. */
bool machine_run(struct machine_run *run, int *status, struct error *err);

/* Everything: vCPUs, devices, RAM. After machine_run, or instead of it. NULL is allowed. */
void machine_run_destroy(struct machine_run *run);

/*
 * On the loop's thread with the machine lock held. Pausing returns when every vCPU is parked and its state
 * can be read and changed; a paused machine's clock stands still.
 */
void machine_pause(struct machine_run *run);
void machine_resume(struct machine_run *run);

/* What one does to a machine from outside, on the loop's thread or a device's with the machine lock held. A
 * reset happens soon; the power button asks the guest, and is false where the machine has none. */
void machine_reset_request(struct machine_run *run);
bool machine_power_button(struct machine_run *run);

/* End the program with this exit status, from any thread with the machine lock held: a signal, a monitor's
 * quit. The guest is not asked. */
void machine_end(struct machine_run *run, int status);
