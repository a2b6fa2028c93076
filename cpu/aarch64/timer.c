#include "cpu/aarch64/timer.h"

#include "base/bits.h"
#include "cpu/aarch64/sysreg.h"

#define NANOSECONDS 1000000000u

static void lock(struct aarch64_core *c)
{
    if (c->board.lock)
        host_mutex_lock(c->board.lock);
}

static void unlock(struct aarch64_core *c)
{
    if (c->board.lock)
        host_mutex_unlock(c->board.lock);
}

uint32_t aarch64_timer_hz(struct vcpu *vcpu)
{
    const struct aarch64_core *c = aarch64_core_of(vcpu);
    if (c->board.timer_hz)
        return c->board.timer_hz;
    /* Armv8.6 fixes the frequency at 1 GHz; before, boards of this kind have 62.5 MHz. */
    return aarch64_has(c, FEAT_ECV) ? NANOSECONDS : NANOSECONDS / 16;
}

static uint64_t hz(const struct aarch64_core *c)
{
    return c->timer_hz;
}

uint64_t aarch64_counter(const struct aarch64_core *c)
{
    return c->vcpu.clock ? clock_scale(clock_now(c->vcpu.clock), hz(c), NANOSECONDS) : 0;
}

/* The time at which the counter reaches `count`. */
static uint64_t time_of(const struct aarch64_core *c, uint64_t count)
{
    unsigned __int128 ns = ((unsigned __int128)count * NANOSECONDS + hz(c) - 1) / hz(c);
    return ns >= CLOCK_NEVER ? CLOCK_NEVER : (uint64_t)ns;
}

void aarch64_output_set(struct aarch64_core *c, enum aarch64_output output, bool level, bool locked)
{
    if (!locked)
        lock(c);
    if ((c->outputs >> output & 1) != level) {
        c->outputs ^= (uint32_t)1 << output;
        irq_line_set(&c->board.outputs[output], level);
    }
    if (!locked)
        unlock(c);
}

/* ---- the two timers: the virtual counter has no offset without EL2 ---- */

static uint64_t *control_of(struct aarch64_core *c, enum aarch64_timer timer)
{
    return timer == TIMER_PHYSICAL ? &c->s.cntp_ctl_el0 : &c->s.cntv_ctl_el0;
}

static uint64_t *compare_of(struct aarch64_core *c, enum aarch64_timer timer)
{
    return timer == TIMER_PHYSICAL ? &c->s.cntp_cval_el0 : &c->s.cntv_cval_el0;
}

/* D11.2.4: the condition is met when the counter has reached the compare value. */
static bool met(struct aarch64_core *c, enum aarch64_timer timer)
{
    return (*control_of(c, timer) & CNT_ENABLE) && aarch64_counter(c) >= *compare_of(c, timer);
}

/* Output and deadline by the registers. Machine lock held. */
static void update(struct aarch64_core *c, enum aarch64_timer timer)
{
    uint64_t control = *control_of(c, timer), deadline = CLOCK_NEVER;
    bool is_met = met(c, timer);
    if ((control & CNT_ENABLE) && !(control & CNT_IMASK) && !is_met)
        deadline = time_of(c, *compare_of(c, timer));
    if (c->timers[timer])
        clock_timer_set(c->timers[timer], deadline);
    aarch64_output_set(c, timer == TIMER_PHYSICAL ? AARCH64_OUT_TIMER_PHYSICAL : AARCH64_OUT_TIMER_VIRTUAL,
                       is_met && !(control & CNT_IMASK), true);
}

static void fire_physical(void *opaque)
{
    update(opaque, TIMER_PHYSICAL);
}

static void fire_virtual(void *opaque)
{
    update(opaque, TIMER_VIRTUAL);
}

static void fire_wait(void *opaque)
{
    struct aarch64_core *c = opaque;
    vcpu_kick(&c->vcpu);
}

void aarch64_timers_create(struct aarch64_core *c)
{
    if (!c->vcpu.clock)
        return;
    c->timers[TIMER_PHYSICAL] = clock_timer_create(c->vcpu.clock, fire_physical, c);
    c->timers[TIMER_VIRTUAL] = clock_timer_create(c->vcpu.clock, fire_virtual, c);
    c->wait_timer = clock_timer_create(c->vcpu.clock, fire_wait, c);
}

void aarch64_timers_destroy(struct aarch64_core *c)
{
    for (unsigned timer = 0; timer < AARCH64_TIMERS; timer++) {
        if (c->timers[timer])
            clock_timer_destroy(c->timers[timer]);
    }
    if (c->wait_timer)
        clock_timer_destroy(c->wait_timer);
}

void aarch64_timers_restored(struct aarch64_core *c)
{
    update(c, TIMER_PHYSICAL);
    update(c, TIMER_VIRTUAL);
}

/* ---- waiting ---- */

uint64_t aarch64_counter_in(const struct aarch64_core *c, unsigned microseconds)
{
    return aarch64_counter(c) + hz(c) / 1000000 * microseconds;
}

/* D11.2.3: an event is a transition of a bit of the counter. With FEAT_ECV the bits go on from 8. */
uint64_t aarch64_stream_next(const struct aarch64_core *c, uint64_t count)
{
    uint64_t control = c->s.cntkctl_el1;
    if (!(control & CNTKCTL_EVNTEN))
        return ~(uint64_t)0;
    unsigned bit = (unsigned)bits_get(control, CNTKCTL_EVNTI_SHIFT, 4);
    if ((control & CNTKCTL_EVNTIS) && aarch64_has(c, FEAT_ECV))
        bit += 8;
    uint64_t period = BIT(bit + 1), phase = control & CNTKCTL_EVNTDIR ? 0 : BIT(bit);
    return count + period - ((count - phase) & (period - 1));
}

bool aarch64_wait_over(struct aarch64_core *c)
{
    return c->s.wait_end && aarch64_counter(c) >= c->s.wait_end;
}

bool aarch64_wait_until(struct aarch64_core *c, uint64_t count)
{
    if (aarch64_counter(c) >= count)
        return false;
    c->s.wait_end = count;
    if (c->wait_timer)
        clock_timer_set(c->wait_timer, time_of(c, count));
    return true;
}

/* ---- registers: op2 is TVAL, CTL, CVAL; CRm 2 the physical timer, 3 the virtual one ---- */

SYSREG_READER(aarch64_read_counter)
{
    (void)r;
    return aarch64_counter(c);
}

static enum aarch64_timer timer_of(const struct aarch64_sysreg *r)
{
    return (r->number >> 3 & 15) == 2 ? TIMER_PHYSICAL : TIMER_VIRTUAL;
}

/* Who sees the condition met by polling may expect the interrupt, which the host's timer can be late to give.
 */
static uint64_t control_read(struct aarch64_core *c, enum aarch64_timer timer)
{
    uint64_t control = *control_of(c, timer);
    if (!met(c, timer))
        return control;
    if (!(control & CNT_IMASK)) {
        lock(c);
        update(c, timer);
        unlock(c);
    }
    return control | CNT_ISTATUS;
}

SYSREG_READER(aarch64_read_timer)
{
    enum aarch64_timer timer = timer_of(r);
    switch (r->number & 7) {
    case 0: return (uint32_t)(*compare_of(c, timer) - aarch64_counter(c));
    case 1: return control_read(c, timer);
    default: return *compare_of(c, timer);
    }
}

SYSREG_WRITER(aarch64_write_timer)
{
    enum aarch64_timer timer = timer_of(r);
    lock(c);
    switch (r->number & 7) {
    case 0: *compare_of(c, timer) = aarch64_counter(c) + (uint64_t)sign_extend(value, 32); break;
    case 1: *control_of(c, timer) = value & (CNT_ENABLE | CNT_IMASK); break;
    default: *compare_of(c, timer) = value; break;
    }
    update(c, timer);
    unlock(c);
    aarch64_resync(c);
    return true;
}
