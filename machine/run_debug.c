/* The view of the machine that the debugging tools have (debug/target.h). */
#include "machine/run_private.h"

static struct machine_run *run_of(struct debug_target *target)
{
    return container_of(target, struct machine_run, debug);
}

/* On the loop's thread: everybody has been told to stop. */
static void stopped_report(void *opaque)
{
    struct machine_run *run = opaque;
    struct run_private *p = run->private;
    struct vcpu *vcpu = p->stopped_by;
    if (!vcpu || p->ended)
        return;
    bool stepped = vcpu->single_step;
    machine_pause(run);
    p->stopped_by = NULL;
    for (unsigned i = 0; i < run->vcpu_count; i++)
        run->vcpus[i]->single_step = false;
    if (run->debug.stopped)
        run->debug.stopped(run->debug.opaque, vcpu->index, &p->stopped_exit);
    else if (!stepped) /* a point of a tool that has gone meanwhile */
        machine_resume(run);
}

void run_stopped(struct machine_run *run, struct vcpu *vcpu, const struct vcpu_exit *exit)
{
    struct run_private *p = run->private;
    host_mutex_lock(&run->machine.lock);
    /* One report at a time: who comes second is still at its point when the machine goes on. */
    if (!p->stopped_by) {
        p->stopped_by = vcpu;
        p->stopped_exit = *exit;
        host_loop_post(run->machine.loop, stopped_report, run);
    }
    run_stop_all(run);
    host_mutex_unlock(&run->machine.lock);
}

static void target_pause(struct debug_target *target)
{
    machine_pause(run_of(target));
}

static void target_resume(struct debug_target *target, const enum debug_action *actions)
{
    struct machine_run *run = run_of(target);
    if (run->private->ended || !run_state_set(run, MACHINE_RUNNING))
        return;
    clock_resume(run->machine.clock);
    for (unsigned i = 0; i < run->vcpu_count; i++) {
        run->vcpus[i]->single_step = actions[i] == DEBUG_STEP;
        if (actions[i] != DEBUG_STAY)
            run_let_go(run, run->vcpus[i]);
    }
}

static void target_points_changed(struct debug_target *target)
{
    struct machine_run *run = run_of(target);
    for (unsigned i = 0; i < run->vcpu_count; i++) {
        tlb_flush_all(run->vcpus[i]->tlb);
        run->vcpus[i]->ops->code_drop_all(run->vcpus[i]);
    }
}

static bool target_is_stopped(struct debug_target *target)
{
    return machine_run_state(run_of(target)) != MACHINE_RUNNING;
}

static void target_reset(struct debug_target *target)
{
    machine_reset_request(run_of(target));
}

static void target_quit(struct debug_target *target)
{
    machine_end(run_of(target), 0);
}

static bool target_power_button(struct debug_target *target)
{
    return machine_power_button(run_of(target));
}

void run_debug_init(struct machine_run *run)
{
    run->debug = (struct debug_target){
        .vcpus = run->vcpus,
        .count = run->vcpu_count,
        .mem = &run->machine.mem,
        .points = &run->points,
        .pause = target_pause,
        .resume = target_resume,
        .points_changed = target_points_changed,
        .is_stopped = target_is_stopped,
        .reset = target_reset,
        .quit = target_quit,
        .power_button = target_power_button,
    };
}
