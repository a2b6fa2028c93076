/* The CPU interfaces of the GICv2. Sections are those of IHI0048B. */
#include "base/trace.h"
#include "devices/irq/gicv2_internal.h"

/* 4.4. */
#define GICC_CTLR       0x0000
#define GICC_PMR        0x0004
#define GICC_BPR        0x0008
#define GICC_IAR        0x000c
#define GICC_EOIR       0x0010
#define GICC_RPR        0x0014
#define GICC_HPPIR      0x0018
#define GICC_ABPR       0x001c
#define GICC_AIAR       0x0020
#define GICC_AEOIR      0x0024
#define GICC_AHPPIR     0x0028
#define GICC_APR0       0x00d0
#define GICC_NSAPR0     0x00e0
#define GICC_IIDR       0x00fc
#define GICC_DIR        0x1000
#define GICC_IIDR_VALUE 0x0202143b /* GIC-400 */

#define OTHER_GROUP 1022

#define BPR_MIN  2 /* of 5 bits of priority */
#define ABPR_MIN 3

/* --- priorities --- */

static uint8_t running(const struct gicv2_cpu *cpu)
{
    uint32_t active = cpu->apr[0] | cpu->apr[1];
    return active ? (uint8_t)(__builtin_ctz(active) << 3) : GIC_PRIORITY_IDLE;
}

/* 3.3.3: the split counts from bit 1 for Group 0, and for Group 1 from bit 0 of its own register. */
static uint8_t group_mask(const struct gicv2_cpu *cpu, unsigned group)
{
    unsigned subpriority_bits = group && !(cpu->ctlr & GICC_CTLR_CBPR) ? cpu->abpr : cpu->bpr + 1;
    return (uint8_t)(0xff << subpriority_bits);
}

static bool group_enabled(const struct gicv2_cpu *cpu, unsigned group)
{
    return cpu->ctlr & (group ? GICC_CTLR_GROUP1 : GICC_CTLR_GROUP0);
}

static bool would_take(const struct gicv2_cpu *cpu, struct gicv2_pending pending)
{
    return group_enabled(cpu, pending.group) && pending.priority < cpu->pmr &&
           (pending.priority & group_mask(cpu, pending.group)) < running(cpu);
}

/* 2.3.2: Group 0 may be signalled as FIQ; Group 1 is always an IRQ. */
void gicv2_signal(struct gicv2_cpu *cpu)
{
    bool taken = would_take(cpu, cpu->best);
    bool fiq = taken && !cpu->best.group && cpu->ctlr & GICC_CTLR_FIQEN, irq = taken && !fiq;
    if (irq != cpu->irq) {
        cpu->irq = irq;
        irq_line_set(&cpu->config.irq, irq);
    }
    if (fiq != cpu->fiq) {
        cpu->fiq = fiq;
        irq_line_set(&cpu->config.fiq, fiq);
    }
}

/* --- acknowledge and end of interrupt --- */

/* 4.4.4 and 4.4.11: what a register for `group` says about an interrupt of another one; 0: it has it. */
static uint32_t refusal(const struct gicv2_cpu *cpu, unsigned group)
{
    if (cpu->best.group == group || (group == 0 && cpu->ctlr & GICC_CTLR_ACKCTL))
        return 0;
    return group == 0 ? OTHER_GROUP : GIC_SPURIOUS;
}

/* An SGI's number comes with the CPU that sent it; each sender's is taken by itself. */
static uint32_t sgi_take(struct gicv2_cpu *cpu, unsigned sgi)
{
    unsigned source = cpu->sources[sgi] ? (unsigned)__builtin_ctz(cpu->sources[sgi]) : 0;
    cpu->sources[sgi] &= (uint8_t)(cpu->sources[sgi] - 1);
    if (cpu->sources[sgi])
        cpu->bank.latched |= 1u << sgi;
    return source << 10 | sgi;
}

static uint32_t acknowledge(struct gicv2 *gic, struct gicv2_cpu *cpu, unsigned group)
{
    struct gicv2_pending best = cpu->best;
    if (!would_take(cpu, best))
        return GIC_SPURIOUS;
    uint32_t value = refusal(cpu, group);
    if (value)
        return value;
    cpu->apr[best.group] |= 1u << ((best.priority & group_mask(cpu, best.group)) >> 3);
    gic_bank_acknowledge(gicv2_bank(gic, cpu, best.intid), best.intid % 32);
    value = best.intid < GIC_SGIS ? sgi_take(cpu, best.intid) : best.intid;
    gicv2_update(gic);
    if (trace_on(TRACE_IRQ))
        trace_line(TRACE_IRQ, (int)(cpu - gic->cpus), "gic acknowledges %u", best.intid);
    return value;
}

/* 4.4.6: an SGI's sender is told too. */
static uint32_t highest_pending(const struct gicv2_cpu *cpu, unsigned group)
{
    unsigned intid = cpu->best.intid;
    uint32_t value = refusal(cpu, group);
    if (intid == GIC_SPURIOUS || !group_enabled(cpu, cpu->best.group))
        return GIC_SPURIOUS;
    if (value)
        return value;
    if (intid < GIC_SGIS && cpu->sources[intid])
        intid |= (unsigned)__builtin_ctz(cpu->sources[intid]) << 10;
    return intid;
}

static void deactivate(struct gicv2 *gic, struct gicv2_cpu *cpu, uint32_t value)
{
    unsigned intid = value & 0x3ff;
    struct gic_bank *bank = gicv2_bank(gic, cpu, intid);
    if (bank)
        bank->active &= ~(1u << intid % 32);
}

/* 3.2.1: the priority drops to what ran before. */
static void end_of_interrupt(struct gicv2 *gic, struct gicv2_cpu *cpu, uint32_t value)
{
    uint32_t active = cpu->apr[0] | cpu->apr[1];
    if ((value & 0x3ff) >= GIC_INTERRUPTS_MAX)
        return;
    if (!active) {
        log_guest("GIC: interrupt %u ends, and none runs", value & 0x3ff);
        return;
    }
    cpu->apr[cpu->apr[0] & active & -active ? 0 : 1] &= ~(active & -active);
    if (!(cpu->ctlr & GICC_CTLR_EOIMODE))
        deactivate(gic, cpu, value);
}

/* --- registers --- */

static uint64_t cpuif_read(void *opaque, uint64_t offset, unsigned width)
{
    struct gicv2 *gic = opaque;
    struct gicv2_cpu *cpu = gicv2_accessor(gic);
    (void)width;
    switch (offset) {
    case GICC_CTLR: return cpu->ctlr;
    case GICC_PMR: return cpu->pmr;
    case GICC_BPR: return cpu->bpr;
    case GICC_IAR: return acknowledge(gic, cpu, 0);
    case GICC_RPR: return running(cpu);
    case GICC_HPPIR: return highest_pending(cpu, 0);
    case GICC_ABPR: return cpu->abpr;
    case GICC_AIAR: return acknowledge(gic, cpu, 1);
    case GICC_AHPPIR: return highest_pending(cpu, 1);
    case GICC_APR0: return cpu->apr[0];
    case GICC_NSAPR0: return cpu->apr[1];
    case GICC_IIDR: return GICC_IIDR_VALUE;
    default: return 0;
    }
}

static uint32_t at_least(uint32_t value, uint32_t least)
{
    return (value & 7) < least ? least : value & 7;
}

static void dir_write(struct gicv2 *gic, struct gicv2_cpu *cpu, uint32_t value)
{
    if (cpu->ctlr & GICC_CTLR_EOIMODE)
        deactivate(gic, cpu, value);
    else
        log_guest("GIC: GICC_DIR is written while GICC_EOIR deactivates");
}

static void cpuif_write(void *opaque, uint64_t offset, uint64_t wide, unsigned width)
{
    struct gicv2 *gic = opaque;
    struct gicv2_cpu *cpu = gicv2_accessor(gic);
    uint32_t value = (uint32_t)wide;
    (void)width;
    switch (offset) {
    case GICC_CTLR: cpu->ctlr = value & GICC_CTLR_MASK; break;
    case GICC_PMR: cpu->pmr = value & GICV2_PRIORITY_MASK; break;
    case GICC_BPR: cpu->bpr = at_least(value, BPR_MIN); break;
    case GICC_ABPR: cpu->abpr = at_least(value, ABPR_MIN); break;
    case GICC_EOIR:
    case GICC_AEOIR: end_of_interrupt(gic, cpu, value); break;
    case GICC_APR0: cpu->apr[0] = value; break;
    case GICC_NSAPR0: cpu->apr[1] = value; break;
    case GICC_DIR: dir_write(gic, cpu, value); break;
    default: break;
    }
    gicv2_update(gic);
}

bool gicv2_cpuif_add(struct gicv2 *gic, struct machine *machine, struct error *err)
{
    struct bus_region region = {.name = "gic-cpu",
                                .base = gic->config.cpu_base,
                                .size = gic->config.cpu_size ? gic->config.cpu_size : GICV2_CPU_SIZE,
                                .min_width = 4,
                                .max_width = 4,
                                .read = cpuif_read,
                                .write = cpuif_write,
                                .opaque = gic};
    unsigned id;
    return bus_add(machine->mem.mmio, &region, &id, err);
}
