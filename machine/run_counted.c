#include "machine/run_private.h"

/*
 * Counted time: a vCPU does 100 million instructions a second of guest time, whatever the host does, and all
 * vCPUs count in parallel: a round in which each ran `slice` instructions is `slice` instructions long.
 */
#define NS_PER_INSN 10
#define SLICE_INSNS 10000
#define SLICE_NS    ((uint64_t)SLICE_INSNS * NS_PER_INSN)

/* A slice ends early where a timer is due, so that interrupts come when they should. */
static uint64_t slice_length(struct clock *clock)
{
    uint64_t now = clock_now(clock), deadline = clock_deadline(clock);
    if (deadline <= now)
        return NS_PER_INSN;
    return deadline - now < SLICE_NS ? deadline - now : SLICE_NS;
}

/* Run one vCPU for `insns` instructions, or until it halts or stops. True when it could do something. */
static bool slice_run(struct machine_run *run, struct vcpu *vcpu, uint64_t insns)
{
    uint64_t start = vcpu->icount;
    vcpu->slice_end = start + insns;
    while (!vcpu->stop && vcpu->icount < vcpu->slice_end) {
        if (run_vcpu(run, vcpu) && !vcpu->ops->has_work(vcpu))
            break;
    }
    return vcpu->icount != start || vcpu->slice_end != start + insns || vcpu->stop;
}

static void timers_run(struct machine_run *run, uint64_t now)
{
    host_mutex_lock(&run->machine.lock);
    clock_advance(run->machine.clock, now);
    clock_run(run->machine.clock);
    host_mutex_unlock(&run->machine.lock);
}

/* One slice of every vCPU that is not parked. True when any of them did something. */
static bool round_run(struct machine_run *run)
{
    struct clock *clock = run->machine.clock;
    uint64_t now = clock_now(clock), length = slice_length(clock);
    uint64_t insns = (length + NS_PER_INSN - 1) / NS_PER_INSN;
    bool busy = false;
    for (unsigned i = 0; i < run->vcpu_count; i++)
        busy |= slice_run(run, run->vcpus[i], insns);
    if (busy)
        timers_run(run, now + length);
    return busy;
}

static bool any_running(const struct machine_run *run)
{
    for (unsigned i = 0; i < run->vcpu_count; i++) {
        if (!run->vcpus[i]->stop)
            return true;
    }
    return false;
}

void run_counted(struct machine_run *run)
{
    struct clock *clock = run->machine.clock;
    while (!run_ended(run)) {
        bool running = any_running(run);
        if (running && round_run(run)) {
            host_loop_run(run->machine.loop, false);
        } else if (running && clock_deadline(clock) != CLOCK_NEVER) {
            /* Everybody waits: the next thing that happens, happens now. */
            timers_run(run, clock_deadline(clock));
            host_loop_run(run->machine.loop, false);
        } else {
            host_loop_run_once(run->machine.loop);
        }
    }
}
