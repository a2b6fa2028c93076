#include "machine/machine_run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "machine/run_private.h"

static struct machine_run *run_of(struct machine *machine)
{
    return container_of(machine, struct machine_run, machine);
}

/* --- time --- */

/* The guest's earliest deadline changed. What it is now is asked again under a lock: two vCPUs may tell
 * theirs at the same time, and the later call need not be the later news. */
static void clock_rearm(void *opaque, uint64_t deadline)
{
    struct machine_run *run = opaque;
    struct clock *clock = run->machine.clock;
    host_mutex_lock(&run->private->clock_lock);
    deadline = clock_deadline(clock);
    if (deadline != CLOCK_NEVER) {
        uint64_t now = clock_now(clock), host_now = host_clock_ns();
        uint64_t left = deadline > now ? deadline - now : 0;
        host_timer_set(run->private->clock_timer,
                       left < UINT64_MAX - host_now ? host_now + left : UINT64_MAX);
    }
    host_mutex_unlock(&run->private->clock_lock);
}

static void clock_due(void *opaque)
{
    struct machine_run *run = opaque;
    /* A paused clock is armed again when it goes on. */
    if (run->private->state == MACHINE_RUNNING)
        clock_run(run->machine.clock);
}

static void timeout_due(void *opaque)
{
    machine_end(opaque, STATUS_TIMEOUT);
}

/* --- requests --- */

void machine_end(struct machine_run *run, int status)
{
    struct run_private *p = run->private;
    if (p->ended)
        return;
    p->status = status > STATUS_MAX || status < 0 ? STATUS_MAX : status;
    __atomic_store_n(&p->ended, true, __ATOMIC_RELEASE);
    run_stop_all(run);
    host_cond_broadcast(&p->resumed);
    host_loop_stop(run->machine.loop);
}

void run_fail(struct machine_run *run, const struct error *err)
{
    if (!run->private->ended)
        run->private->error = *err;
    machine_end(run, STATUS_HOST_ERROR);
}

/* A reset: everything by its state table, then the board's own part (boot or wake). The machine is paused. */
static bool machine_reset(struct machine_run *run, bool cold, bool (*start)(void *opaque, struct error *err),
                          struct error *err)
{
    for (unsigned i = 0; i < run->vcpu_count; i++)
        run->vcpus[i]->ops->reset(run->vcpus[i]);
    machine_devices_reset(&run->machine, cold);
    return start(run->private->board.opaque, err);
}

/* Whether a request is the end of the machine; else it has been done. */
static bool request_ends(struct machine_run *run, enum machine_request request)
{
    const struct machine_board *board = &run->private->board;
    struct error err;
    if (request == MACHINE_SUSPEND)
        return !board->sleep || !board->sleep(board->opaque);
    if (request != MACHINE_RESET && request != MACHINE_WAKE)
        return true;
    if (!machine_reset(run, false, request == MACHINE_WAKE ? board->wake : board->boot, &err))
        run_fail(run, &err);
    return false;
}

static void request_handle(void *opaque)
{
    struct machine_run *run = opaque;
    struct run_private *p = run->private;
    bool was_running = p->state == MACHINE_RUNNING;
    if (p->ended)
        return;
    machine_pause(run);
    p->request_pending = false;
    if (request_ends(run, p->request))
        machine_end(run, p->request_status);
    else if (was_running && !p->ended)
        machine_resume(run);
}

/* From a device or a firmware call: the vCPUs go on to park, and the loop's thread does the rest. */
static void machine_requested(struct machine *machine, enum machine_request request, int status)
{
    struct machine_run *run = run_of(machine);
    struct run_private *p = run->private;
    if (p->request_pending || p->ended)
        return;
    p->request_pending = true;
    p->request = request;
    p->request_status = request == MACHINE_EXIT ? status : 0;
    run_stop_all(run);
    host_loop_post(machine->loop, request_handle, run);
}

void machine_reset_request(struct machine_run *run)
{
    machine_requested(&run->machine, MACHINE_RESET, 0);
}

bool machine_power_button(struct machine_run *run)
{
    const struct machine_board *board = &run->private->board;
    if (board->power_button)
        board->power_button(board->opaque);
    return board->power_button;
}

/* --- life cycle --- */

bool run_state_set(struct machine_run *run, enum machine_state state)
{
    if (!machine_state_follows(run->private->state, state))
        return false;
    run->private->state = state;
    return true;
}

enum machine_state machine_run_state(const struct machine_run *run)
{
    return run->private->state;
}

static bool host_parts_create(struct machine_run *run, struct error *err)
{
    struct machine *machine = &run->machine;
    struct run_private *p = run->private;
    machine->loop = host_loop_create(&machine->lock, err);
    if (!machine->loop)
        return false;
    if (p->config.deterministic)
        host_loop_work_here(machine->loop);
    p->clock_timer = host_timer_create(machine->loop, clock_due, run, err);
    p->timeout = p->clock_timer ? host_timer_create(machine->loop, timeout_due, run, err) : NULL;
    return p->timeout != NULL;
}

struct machine_run *machine_run_create(const struct run_config *config, struct error *err)
{
    struct machine_run *run = machine_alloc(sizeof(*run));
    struct run_private *p = run->private = machine_alloc(sizeof(*p));
    struct machine *machine = &run->machine;
    p->config = *config;
    host_mutex_init(&machine->lock);
    host_mutex_init(&p->clock_lock);
    host_cond_init(&p->parked);
    host_cond_init(&p->resumed);
    machine->request = machine_requested;
    machine->mem.ram = ram_create();
    machine->mem.mmio = bus_create("mmio", &machine->lock);
    struct clock_config clock = {.host_now = host_clock_ns, .rearm = clock_rearm, .opaque = run};
    if (config->deterministic)
        clock = (struct clock_config){0};
    machine->clock = clock_create(&clock);
    if (host_parts_create(run, err))
        return run;
    machine_run_destroy(run);
    return NULL;
}

struct ram_block *machine_memory_map(struct machine_run *run, const char *name, uint64_t base, uint64_t size,
                                     enum ram_mapping_kind kind, struct error *err)
{
    struct ram *ram = run->machine.mem.ram;
    struct ram_block *block = ram_block_create(ram, name, size, err);
    if (!block || ram_map(ram, block, 0, gpa(base), size, kind, NULL))
        return block;
    error_set(err, ERROR_HOST, "%s has no room at 0x%llx", name, (unsigned long long)base);
    return NULL;
}

bool machine_vcpus_create(struct machine_run *run, const struct cpu_ops *ops, const struct engine *engine,
                          unsigned count, const struct cpu_config *config, struct error *err)
{
    run->engine = engine;
    run->vcpus = machine_alloc(count * sizeof(struct vcpu *));
    for (unsigned i = 0; i < count; i++) {
        struct cpu_config one = *config;
        one.index = i;
        one.count = count;
        one.mem = &run->machine.mem;
        one.clock = run->machine.clock;
        one.debug = &run->points;
        struct vcpu *vcpu = ops->create(&one, err);
        if (!vcpu)
            return false;
        run->vcpus[run->vcpu_count++] = vcpu;
        vcpu->engine = engine;
        vcpu->slice_end = UINT64_MAX;
        vcpu->stop = 1;
        if (!engine->vcpu_init(vcpu, err))
            return false;
    }
    run_debug_init(run);
    return true;
}

static void vcpu_line_set(void *opaque, unsigned number, bool level)
{
    struct vcpu *vcpu = opaque;
    vcpu->ops->irq_set(vcpu, number, level);
}

struct irq_line machine_vcpu_line(struct machine_run *run, unsigned vcpu, unsigned number)
{
    return (struct irq_line){vcpu_line_set, run->vcpus[vcpu], number};
}

void machine_board_set(struct machine_run *run, const struct machine_board *board)
{
    run->private->board = *board;
}

struct machine_run *machine_run_built(struct machine_run *run, bool ok)
{
    if (ok && run_state_set(run, MACHINE_STOPPED))
        return run;
    machine_run_destroy(run);
    return NULL;
}

static bool machine_start(struct machine_run *run, struct error *err)
{
    struct run_private *p = run->private;
    if (!machine_reset(run, true, p->board.boot, err))
        return false;
    if (!p->config.deterministic && !run_threads_start(run, err))
        return false;
    if (p->config.timeout_ns)
        host_timer_set(p->timeout, host_clock_ns() + p->config.timeout_ns);
    if (p->config.paused)
        run_state_set(run, MACHINE_PAUSED);
    else
        machine_resume(run);
    return true;
}

bool machine_run(struct machine_run *run, int *status, struct error *err)
{
    struct run_private *p = run->private;
    assert(p->state == MACHINE_STOPPED);
    host_mutex_lock(&run->machine.lock);
    bool started = machine_start(run, err);
    host_mutex_unlock(&run->machine.lock);
    if (!started)
        return false;
    if (p->config.deterministic)
        run_counted(run);
    while (!run_ended(run))
        host_loop_run(run->machine.loop, true);
    run_threads_join(run);
    run_state_set(run, MACHINE_STOPPED);
    if (run->debug.ended)
        run->debug.ended(run->debug.opaque, p->status);
    *status = p->status;
    if (p->error.kind != ERROR_NONE && err)
        *err = p->error;
    return p->error.kind == ERROR_NONE;
}

static void threads_end(struct machine_run *run)
{
    host_mutex_lock(&run->machine.lock);
    machine_end(run, 0);
    host_mutex_unlock(&run->machine.lock);
    run_threads_join(run);
}

void machine_run_destroy(struct machine_run *run)
{
    if (!run)
        return;
    struct machine *machine = &run->machine;
    struct run_private *p = run->private;
    if (p->thread_count)
        threads_end(run);
    run_state_set(run, MACHINE_DESTROYING);
    machine_devices_destroy(machine);
    if (p->board.destroy)
        p->board.destroy(p->board.opaque);
    for (unsigned i = 0; i < run->vcpu_count; i++) {
        if (run->engine->vcpu_fini)
            run->engine->vcpu_fini(run->vcpus[i]);
        run->vcpus[i]->ops->destroy(run->vcpus[i]);
    }
    free(run->vcpus);
    host_timer_destroy(p->clock_timer);
    host_timer_destroy(p->timeout);
    clock_destroy(machine->clock);
    host_loop_destroy(machine->loop);
    bus_destroy(machine->mem.mmio);
    ram_destroy(machine->mem.ram);
    host_cond_destroy(&p->parked);
    host_cond_destroy(&p->resumed);
    host_mutex_destroy(&p->clock_lock);
    host_mutex_destroy(&machine->lock);
    free(p->threads);
    free(p);
    free(run);
}
