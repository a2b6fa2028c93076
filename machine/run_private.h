/*
 * What the parts of run control share: machine_run.c (life cycle and requests), run_vcpu.c (the vCPU threads
 * and pausing), run_debug.c (stops for debugging tools), run_counted.c (the deterministic mode). All of it
 * under the machine lock.
 */
#pragma once

#include "machine/machine_run.h"

/* Exit statuses a user sees (README.md has the table). */
#define STATUS_HOST_ERROR 1
#define STATUS_TIMEOUT    124
#define STATUS_MAX        255

struct run_thread {
    struct host_thread thread;
    struct machine_run *run;
    struct vcpu *vcpu;
};

struct run_private {
    struct run_config config;
    struct machine_board board;

    struct host_timer *clock_timer; /* wakes the loop for the guest's earliest deadline */
    struct host_mutex clock_lock;
    struct host_timer *timeout;

    struct run_thread *threads; /* none in the deterministic mode */
    unsigned thread_count;      /* started */
    unsigned parked_count;
    struct host_cond parked;  /* parked_count grew */
    struct host_cond resumed; /* some `stop` was cleared, or `ended` was set */

    enum machine_state state;
    bool ended; /* also read without the lock: run_ended */
    int status;

    struct vcpu *stopped_by; /* came to a debug point; the debugger is told once all are parked */
    struct vcpu_exit stopped_exit;

    bool request_pending;
    enum machine_request request;
    int request_status;

    struct error error; /* what ended the machine when it was not the guest; kind ERROR_NONE otherwise */
};

static inline bool run_ended(const struct machine_run *run)
{
    return __atomic_load_n(&run->private->ended, __ATOMIC_ACQUIRE);
}

/* Change the state. False, and nothing is changed, when there is no such way. */
bool run_state_set(struct machine_run *run, enum machine_state state);

/* Start the vCPU threads, all of them parked. False and err, with those that started. */
bool run_threads_start(struct machine_run *run, struct error *err);
void run_threads_join(struct machine_run *run);

/* Fill in run->debug. */
void run_debug_init(struct machine_run *run);

/* Make every vCPU park soon; and let one go. */
void run_stop_all(struct machine_run *run);
void run_let_go(struct machine_run *run, struct vcpu *vcpu);

/* Wait until all are parked. */
void run_parked_wait(struct machine_run *run);

/* A vCPU came to a debug point or finished a step: stop everybody and tell the tools. On its thread, lock not
 * held. */
void run_stopped(struct machine_run *run, struct vcpu *vcpu, const struct vcpu_exit *exit);

/* Run the vCPU until it gives an exit, and deal with that. On its thread, lock not held. True: it halted. */
bool run_vcpu(struct machine_run *run, struct vcpu *vcpu);

/* End with an error of the host's or the board's. */
void run_fail(struct machine_run *run, const struct error *err);

/* The main loop of the deterministic mode, until the end. Lock not held. */
void run_counted(struct machine_run *run);
