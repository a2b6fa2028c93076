/*
 * The local APIC's timer (SDM 3, 11.5.4). Nothing counts: the count follows from the time the initial count
 * was written, and a clock timer is set for the next time it reaches zero.
 */
#include "devices/irq/lapic_internal.h"

#define NS_PER_SECOND 1000000000u

/* A periodic timer shorter than this would leave the host no time for anything else. */
#define PERIOD_MIN_NS 10000

/* Bits 3, 1 and 0 of the divide register: 0 is 2, 6 is 128, 7 is 1. */
static unsigned divide_shift(const struct lapic_cpu *cpu)
{
    return (((cpu->divide & 3) | (cpu->divide >> 1 & 4)) + 1) & 7;
}

static uint64_t count_to_ns(const struct lapic_cpu *cpu, uint64_t count)
{
    uint64_t ticks = count << divide_shift(cpu), hz = cpu->lapic->timer_hz;
    uint64_t ns = clock_scale(ticks, NS_PER_SECOND, hz);
    return ns + (clock_scale(ns, hz, NS_PER_SECOND) < ticks); /* not before the tick is there */
}

static uint64_t counted(const struct lapic_cpu *cpu)
{
    uint64_t ns = clock_now(cpu->lapic->machine->clock) - cpu->timer_start;
    return clock_scale(ns, cpu->lapic->timer_hz, NS_PER_SECOND) >> divide_shift(cpu);
}

static bool is_periodic(const struct lapic_cpu *cpu)
{
    return cpu->lvt[LVT_TIMER] & LVT_PERIODIC;
}

static bool is_tsc_deadline(const struct lapic_cpu *cpu)
{
    return cpu->lvt[LVT_TIMER] & LVT_TSC_DEADLINE;
}

uint32_t lapic_timer_count(const struct lapic_cpu *cpu)
{
    uint64_t n = counted(cpu);
    if (!cpu->initial_count || cpu->timer_ended || is_tsc_deadline(cpu))
        return 0;
    if (is_periodic(cpu))
        return (uint32_t)(cpu->initial_count - n % cpu->initial_count);
    return n >= cpu->initial_count ? 0 : (uint32_t)(cpu->initial_count - n);
}

static uint64_t deadline(const struct lapic_cpu *cpu)
{
    const struct lapic_processors *processors = &cpu->lapic->processors;
    if (is_tsc_deadline(cpu))
        return cpu->tsc_deadline ? processors->tsc_time(processors->opaque, cpu->index, cpu->tsc_deadline)
                                 : CLOCK_NEVER;
    uint64_t n = counted(cpu), initial = cpu->initial_count;
    if (!initial || cpu->timer_ended || (!is_periodic(cpu) && n >= initial))
        return CLOCK_NEVER;
    uint64_t next = cpu->timer_start + count_to_ns(cpu, n - n % initial + initial);
    uint64_t soon = clock_now(cpu->lapic->machine->clock) + PERIOD_MIN_NS;
    return n >= initial && next < soon ? soon : next;
}

static void timer_arm(struct lapic_cpu *cpu)
{
    cpu->timer_deadline = deadline(cpu);
    clock_timer_set(cpu->timer, cpu->timer_deadline);
}

void lapic_timer_fired(void *opaque)
{
    struct lapic_cpu *cpu = opaque;
    if (is_tsc_deadline(cpu))
        cpu->tsc_deadline = 0;
    timer_arm(cpu);
    lapic_local_deliver(cpu, LVT_TIMER);
}

/* Between one-shot and periodic mode: the count goes on from where it is, and one that has ended begins again
 * only when the initial count is written. */
static void periods_forget(struct lapic_cpu *cpu)
{
    uint64_t n = counted(cpu);
    if (!cpu->initial_count || n < cpu->initial_count)
        return;
    if (is_periodic(cpu))
        cpu->timer_start += count_to_ns(cpu, n - n % cpu->initial_count);
    else
        cpu->timer_ended = true;
}

/* SDM 11.5.4.1: a change from or to TSC-deadline mode disarms the timer. */
void lapic_timer_lvt_write(struct lapic_cpu *cpu, uint32_t value)
{
    if ((value ^ cpu->lvt[LVT_TIMER]) & LVT_PERIODIC)
        periods_forget(cpu);
    if ((value ^ cpu->lvt[LVT_TIMER]) & LVT_TSC_DEADLINE) {
        cpu->initial_count = 0;
        cpu->tsc_deadline = 0;
    }
    bool same_mode = !((value ^ cpu->lvt[LVT_TIMER]) & (LVT_TSC_DEADLINE | LVT_PERIODIC));
    cpu->lvt[LVT_TIMER] = value;
    if (!same_mode)
        timer_arm(cpu);
}

void lapic_timer_count_write(struct lapic_cpu *cpu, uint32_t value)
{
    if (is_tsc_deadline(cpu))
        return;
    cpu->initial_count = value;
    cpu->timer_ended = false;
    cpu->timer_start = clock_now(cpu->lapic->machine->clock);
    timer_arm(cpu);
}

/* The count goes on from where it is at the new rate. */
void lapic_timer_divide_write(struct lapic_cpu *cpu, uint32_t value)
{
    uint32_t count = lapic_timer_count(cpu);
    cpu->divide = value;
    if (count)
        cpu->timer_start =
            clock_now(cpu->lapic->machine->clock) - count_to_ns(cpu, cpu->initial_count - count);
    timer_arm(cpu);
}

uint64_t lapic_tsc_deadline_get(const struct lapic_cpu *cpu)
{
    return cpu->tsc_deadline;
}

void lapic_tsc_deadline_set(struct lapic_cpu *cpu, uint64_t value)
{
    if (!is_tsc_deadline(cpu))
        return;
    cpu->tsc_deadline = value;
    timer_arm(cpu);
    /* What is due is due before the next instruction, not when the event loop comes to it. */
    if (cpu->timer_deadline <= clock_now(cpu->lapic->machine->clock))
        lapic_timer_fired(cpu);
}
