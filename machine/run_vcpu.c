#include <stdio.h>

#include "machine/run_private.h"
#include "machine/semihosting/semihosting.h"

void run_stop_all(struct machine_run *run)
{
    for (unsigned i = 0; i < run->vcpu_count; i++) {
        __atomic_store_n(&run->vcpus[i]->stop, 1, __ATOMIC_RELEASE);
        vcpu_kick(run->vcpus[i]);
    }
}

static bool stopping(const struct vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->stop, __ATOMIC_ACQUIRE) != 0;
}

void run_parked_wait(struct machine_run *run)
{
    struct run_private *p = run->private;
    while (p->parked_count < p->thread_count)
        host_cond_wait(&p->parked, &run->machine.lock);
}

/* A step that ended in a halt or a call to the board is a step all the same. */
static void step_note(struct machine_run *run, struct vcpu *vcpu)
{
    struct vcpu_exit exit = {.reason = EXIT_DEBUG};
    exit.debug.address = vcpu->ops->pc_get(vcpu);
    exit.debug.access = WALK_FETCH;
    run_stopped(run, vcpu, &exit);
}

static void engine_failed(struct machine_run *run, struct vcpu *vcpu, const char *text)
{
    struct error err;
    error_set(&err, ERROR_HOST, "the engine %s failed on vCPU %u: %s", run->engine->name, vcpu->index, text);
    host_mutex_lock(&run->machine.lock);
    run_fail(run, &err);
    host_mutex_unlock(&run->machine.lock);
}

static void guest_died(struct machine_run *run, struct vcpu *vcpu)
{
    log_warn("vCPU %u can't go on at 0x%llx", vcpu->index, (unsigned long long)vcpu->ops->pc_get(vcpu));
    host_mutex_lock(&run->machine.lock);
    run->machine.request(&run->machine, MACHINE_EXIT, MACHINE_STATUS_DIED);
    host_mutex_unlock(&run->machine.lock);
}

bool run_vcpu(struct machine_run *run, struct vcpu *vcpu)
{
    struct vcpu_exit exit;
    vcpu_run(vcpu, &exit);
    vcpu_exit_count(vcpu, exit.reason);
    switch (exit.reason) {
    case EXIT_DEBUG: run_stopped(run, vcpu, &exit); return false;
    case EXIT_EXCEPTION:
    case EXIT_SHUTDOWN: guest_died(run, vcpu); return false;
    case EXIT_ERROR: engine_failed(run, vcpu, exit.text); return false;
    case EXIT_MMIO:
    case EXIT_PIO: engine_failed(run, vcpu, "it asked for a device access"); return false;
    case EXIT_REASON_COUNT: engine_failed(run, vcpu, "it gave no reason"); return false;
    case EXIT_HYPERCALL:
        vcpu_hold(vcpu);
        run->private->board.hypercall(run->private->board.opaque, vcpu);
        vcpu_release(vcpu);
        break;
    case EXIT_SEMIHOSTING:
        vcpu_hold(vcpu);
        semihosting_call(run->semihosting, vcpu);
        vcpu_release(vcpu);
        break;
    case EXIT_HALT:
        if (run->private->board.halted)
            run->private->board.halted(run->private->board.opaque, vcpu);
        break;
    case EXIT_INTERRUPT:
    case EXIT_KICKED: break;
    }
    if (vcpu->single_step && exit.reason != EXIT_KICKED && exit.reason != EXIT_INTERRUPT)
        step_note(run, vcpu);
    return exit.reason == EXIT_HALT;
}

static void *thread_main(void *opaque)
{
    struct run_thread *thread = opaque;
    struct machine_run *run = thread->run;
    struct run_private *p = run->private;
    struct vcpu *vcpu = thread->vcpu;
    host_mutex_lock(&run->machine.lock);
    for (;;) {
        p->parked_count++;
        host_cond_broadcast(&p->parked);
        while (stopping(vcpu) && !p->ended)
            host_cond_wait(&p->resumed, &run->machine.lock);
        p->parked_count--;
        if (p->ended)
            break;
        host_mutex_unlock(&run->machine.lock);
        while (!stopping(vcpu)) {
            if (run_vcpu(run, vcpu))
                vcpu_sleep(vcpu, UINT64_MAX);
        }
        host_mutex_lock(&run->machine.lock);
    }
    host_mutex_unlock(&run->machine.lock);
    return NULL;
}

bool run_threads_start(struct machine_run *run, struct error *err)
{
    struct run_private *p = run->private;
    p->threads = machine_alloc(run->vcpu_count * sizeof(*p->threads));
    for (unsigned i = 0; i < run->vcpu_count; i++) {
        struct run_thread *thread = &p->threads[i];
        char name[16];
        thread->run = run;
        thread->vcpu = run->vcpus[i];
        snprintf(name, sizeof(name), "vcpu%u", i);
        if (!host_thread_create(&thread->thread, name, thread_main, thread, err))
            return false;
        p->thread_count++;
    }
    return true;
}

void run_threads_join(struct machine_run *run)
{
    for (unsigned i = 0; i < run->private->thread_count; i++)
        host_thread_join(&run->private->threads[i].thread);
    run->private->thread_count = 0;
}

void run_let_go(struct machine_run *run, struct vcpu *vcpu)
{
    __atomic_store_n(&vcpu->stop, 0, __ATOMIC_RELEASE);
    host_cond_broadcast(&run->private->resumed);
}

void machine_pause(struct machine_run *run)
{
    if (!run_state_set(run, MACHINE_PAUSED))
        return;
    run_stop_all(run);
    run_parked_wait(run);
    clock_pause(run->machine.clock);
}

void machine_resume(struct machine_run *run)
{
    struct run_private *p = run->private;
    if (p->ended || !run_state_set(run, MACHINE_RUNNING))
        return;
    clock_resume(run->machine.clock);
    for (unsigned i = 0; i < run->vcpu_count; i++)
        run_let_go(run, run->vcpus[i]);
}
