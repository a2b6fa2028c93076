/*
 * Instructions that wait: for an interrupt, for an event, for other cores to get on; and those that send events. A core that
 * waits leaves run() with EXIT_HALT, and goes on when has_work (core.c) finds what it waits for.
 */
#include "cpu/aarch64/exception.h"
#include "cpu/aarch64/interp.h"
#include "cpu/aarch64/timer.h"

/* Hosts have fewer processors than guests think: let another thread run. */
A64_HANDLER(yield)
{
    host_thread_yield();
    TAIL return a64_next(c, i, bank, pc);
}

bool aarch64_event(const struct aarch64_core *c)
{
    return __atomic_load_n(&c->s.event, __ATOMIC_SEQ_CST);
}

static void event_set(struct aarch64_core *c)
{
    __atomic_store_n(&c->s.event, 1, __ATOMIC_SEQ_CST);
}

A64_HANDLER(sevl)
{
    event_set(c);
    TAIL return a64_next(c, i, bank, pc);
}

static COLD void send_event(struct aarch64_core *c)
{
    event_set(c);
    for (unsigned n = 0; n < c->board.cpu_count; n++) {
        struct vcpu *other = c->board.cpus[n];
        if (other == &c->vcpu)
            continue;
        event_set(aarch64_core_of(other));
        vcpu_kick(other);
    }
}

A64_HANDLER(sev)
{
    send_event(c);
    TAIL return a64_next(c, i, bank, pc);
}

/* What becomes of an instruction that waits. */
enum waiting {
    WAIT_OVER,
    WAIT_SLEEPS, /* run() returns behind it */
    WAIT_TRAPS,  /* core->fault is set */
};

/* D17.2.37: ISS of a trapped WFI (TI 0), WFE (1), WFIT (2) or WFET (3), with the register of the last two. */
static enum waiting wait_trap(struct aarch64_core *c, const struct a64_insn *i, unsigned ti)
{
    uint32_t timeout = ti & 2 ? (uint32_t)i->rm << 5 | 1u << 2 : 0;
    c->fault = (struct aarch64_fault){.ec = EC_WFX, .iss = ISS_FP_TRAP | timeout | ti};
    return WAIT_TRAPS;
}

/* The event register, and what the event stream would have put there since. It is clear afterwards. */
static bool event_take(struct aarch64_core *c)
{
    uint64_t now = aarch64_counter(c);
    bool streamed = aarch64_stream_next(c, c->s.event_since) <= now;
    c->s.event_since = now;
    return __atomic_exchange_n(&c->s.event, 0, __ATOMIC_SEQ_CST) || streamed;
}

/* Sleep until `end` (~0: without end), or an event before that. */
static enum waiting sleep_until(struct aarch64_core *c, uint64_t end, enum aarch64_waiting how)
{
    if (end != ~(uint64_t)0 && !aarch64_wait_until(c, end))
        return WAIT_OVER;
    c->s.waiting = (uint8_t)how;
    return WAIT_SLEEPS;
}

/*
 * While an exclusive monitor is armed, what a core waits for is a store of another one to that place, which nobody
 * notices. So it first gives way a few times without sleeping (a WFE may end at any time), as most locks are soon free;
 * when it waits again at once it sleeps, but for WATCH_MICROSECONDS at most.
 */
#define WATCH_MICROSECONDS 50
#define WATCH_PATIENCE     16
#define WATCH_LOOP         256 /* instructions between two turns of a loop that waits */

static bool watch_patiently(struct aarch64_core *c)
{
    bool again = c->vcpu.icount - c->watching.icount < WATCH_LOOP;
    c->watching.icount = c->vcpu.icount;
    c->watching.turns = again ? c->watching.turns + 1 : 0;
    return c->watching.turns < WATCH_PATIENCE;
}

static enum waiting wait_event(struct aarch64_core *c, const struct a64_insn *i, unsigned ti)
{
    if (event_take(c))
        return WAIT_OVER;
    if (aarch64_el(c) == 0 && !(c->s.sctlr_el1 & SCTLR_nTWE))
        return wait_trap(c, i, ti);
    uint64_t end = aarch64_stream_next(c, c->s.event_since);
    if (ti == 3 && c->s.x[i->rm] < end)
        end = c->s.x[i->rm];
    if (c->s.monitor_address != ~(uint64_t)0) {
        uint64_t watch = aarch64_counter_in(c, WATCH_MICROSECONDS);
        if (watch_patiently(c)) {
            host_thread_yield();
            return WAIT_OVER;
        }
        end = end < watch ? end : watch;
    }
    return sleep_until(c, end, WAITING_EVENT);
}

static enum waiting wait_interrupt(struct aarch64_core *c, const struct a64_insn *i, unsigned ti)
{
    if (aarch64_lines(c))
        return WAIT_OVER;
    if (aarch64_el(c) == 0 && !(c->s.sctlr_el1 & SCTLR_nTWI))
        return wait_trap(c, i, ti);
    return sleep_until(c, ti == 2 ? c->s.x[i->rm] : ~(uint64_t)0, WAITING_INTERRUPT);
}

#define WAIT(name, function, ti)                                                                             \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        switch (function(c, i, ti)) {                                                                        \
        case WAIT_SLEEPS: TAIL return a64_leave_after(c, i, bank, pc);                                       \
        case WAIT_TRAPS: TAIL return a64_raise(c, i, bank, pc);                                              \
        default: TAIL return a64_next(c, i, bank, pc);                                                       \
        }                                                                                                    \
    }
WAIT(wfi, wait_interrupt, 0)
WAIT(wfe, wait_event, 1)
WAIT(wfit, wait_interrupt, 2)
WAIT(wfet, wait_event, 3)
