/* The CPU interface of the GICv3: the ICC_*_EL1 system registers. Sections are those of IHI0069. */
#include "base/trace.h"
#include "devices/irq/gicv3_internal.h"

/* op0:op1:CRn:CRm:op2; all are op0 3, op1 0. */
#define ICC(crn, crm, op2) (3u << 14 | (crn) << 7 | (crm) << 3 | (op2))
enum {
    ICC_PMR_EL1 = ICC(4, 6, 0),
    ICC_IAR0_EL1 = ICC(12, 8, 0),
    ICC_EOIR0_EL1 = ICC(12, 8, 1),
    ICC_HPPIR0_EL1 = ICC(12, 8, 2),
    ICC_BPR0_EL1 = ICC(12, 8, 3),
    ICC_AP0R0_EL1 = ICC(12, 8, 4),
    ICC_AP1R0_EL1 = ICC(12, 9, 0),
    ICC_DIR_EL1 = ICC(12, 11, 1),
    ICC_RPR_EL1 = ICC(12, 11, 3),
    ICC_SGI1R_EL1 = ICC(12, 11, 5),
    ICC_ASGI1R_EL1 = ICC(12, 11, 6),
    ICC_SGI0R_EL1 = ICC(12, 11, 7),
    ICC_IAR1_EL1 = ICC(12, 12, 0),
    ICC_EOIR1_EL1 = ICC(12, 12, 1),
    ICC_HPPIR1_EL1 = ICC(12, 12, 2),
    ICC_BPR1_EL1 = ICC(12, 12, 3),
    ICC_CTLR_EL1 = ICC(12, 12, 4),
    ICC_SRE_EL1 = ICC(12, 12, 5),
    ICC_IGRPEN0_EL1 = ICC(12, 12, 6),
    ICC_IGRPEN1_EL1 = ICC(12, 12, 7),
};

#define CTLR_CBPR    (1u << 0)            /* Group 1 uses the binary point of Group 0 */
#define CTLR_EOIMODE (1u << 1)            /* EOIR drops the priority only */
#define CTLR_FIXED   (4u << 8 | 1u << 15) /* 5 bits of priority, 16 of interrupt number, Aff3 is there */
#define SRE_FIXED    7u                   /* the system registers are all there is */

#define BPR0_MIN 2 /* of 5 bits of priority */
#define BPR1_MIN 3

#define SGI1R_IRM ((uint64_t)1 << 40)

/* --- priorities --- */

/* 4.8.6: each bit of AP<g>R0 is a level of the 5 bits of group priority. */
uint8_t gicv3_running(const struct gicv3_cpu *cpu)
{
    uint32_t active = cpu->apr[0] | cpu->apr[1];
    return active ? (uint8_t)(__builtin_ctz(active) << 3) : GIC_PRIORITY_IDLE;
}

/* 4.8.2: the split counts from bit 1 for Group 0, and from bit 0 for Group 1. */
uint8_t gicv3_group_mask(const struct gicv3_cpu *cpu, unsigned group)
{
    unsigned subpriority_bits = group && !(cpu->icc_ctlr & CTLR_CBPR) ? cpu->bpr[1] : cpu->bpr[0] + 1;
    return (uint8_t)(0xff << subpriority_bits);
}

/* The group that ICC_RPR's priority belongs to; 2: nothing runs. */
static unsigned running_group(const struct gicv3_cpu *cpu)
{
    uint32_t active = cpu->apr[0] | cpu->apr[1];
    if (!active)
        return 2;
    return cpu->apr[0] & active & -active ? 0 : 1;
}

/* --- acknowledge and end of interrupt --- */

static uint32_t acknowledge(struct gicv3_cpu *cpu, unsigned group)
{
    struct gicv3_pending best = gicv3_best(cpu);
    if (best.group != group || !gicv3_would_take(cpu, best.priority, group))
        return GIC_SPURIOUS;
    cpu->apr[group] |= 1u << ((best.priority & gicv3_group_mask(cpu, group)) >> 3);
    if (best.intid >= GICV3_LPI_FIRST) {
        gicv3_lpi_set(cpu, best.intid, false);
        return best.intid;
    }
    gic_bank_acknowledge(gicv3_bank(cpu, best.intid), best.intid % 32);
    if (best.intid < GIC_PRIVATE)
        gicv3_cpu_update(cpu);
    else
        gicv3_spis_update(cpu->gic);
    return best.intid;
}

/* A group that the interface has not enabled is not forwarded to it. */
static uint32_t highest_pending(const struct gicv3_cpu *cpu, unsigned group)
{
    struct gicv3_pending best = gicv3_best(cpu);
    return best.group == group && cpu->igrpen[group] ? best.intid : GIC_SPURIOUS;
}

static void deactivate(struct gicv3_cpu *cpu, uint32_t intid)
{
    struct gic_bank *bank = gicv3_bank(cpu, intid);
    if (!bank) /* LPIs have no active state */
        return;
    bank->active &= ~(1u << intid % 32);
    if (intid >= GIC_PRIVATE)
        gicv3_spis_update(cpu->gic);
}

/* 4.1.1: the write drops the priority of what was acknowledged last, if that was of this group. */
static void end_of_interrupt(struct gicv3_cpu *cpu, uint64_t value, unsigned group)
{
    uint32_t intid = value & 0xffffff;
    if (intid >= GIC_INTERRUPTS_MAX && intid < GICV3_LPI_FIRST)
        return;
    if (running_group(cpu) != group) {
        log_guest("GIC: interrupt %u ends, and none of group %u runs", intid, group);
        return;
    }
    cpu->apr[group] &= cpu->apr[group] - 1;
    if (!(cpu->icc_ctlr & CTLR_EOIMODE))
        deactivate(cpu, intid);
    gicv3_cpu_update(cpu);
}

static void dir_write(struct gicv3_cpu *cpu, uint64_t value)
{
    if (!(cpu->icc_ctlr & CTLR_EOIMODE)) {
        log_guest("GIC: ICC_DIR_EL1 is written while EOIR deactivates");
        return;
    }
    deactivate(cpu, value & 0xffffff);
    gicv3_cpu_update(cpu);
}

/* --- software-generated interrupts --- */

/* 12.2.19: IRM is all CPUs but this one; otherwise a list of up to 16 with the same upper affinity. */
static bool is_target(const struct gicv3_cpu *from, const struct gicv3_cpu *cpu, uint64_t value)
{
    uint32_t affinity = cpu->config.affinity;
    if (value & SGI1R_IRM)
        return cpu != from;
    uint32_t upper =
        (uint32_t)((value >> 48 & 0xff) << 16 | (value >> 32 & 0xff) << 8 | (value >> 16 & 0xff));
    unsigned number = affinity & 0xff, first = (unsigned)(value >> 44 & 0xf) * 16;
    return affinity >> 8 == upper && number >= first && number < first + 16 && value >> (number - first) & 1;
}

static void sgi_write(struct gicv3_cpu *from, uint64_t value, unsigned group)
{
    struct gicv3 *gic = from->gic;
    for (unsigned i = 0; i < gic->config.cpus; i++) {
        if (is_target(from, &gic->cpus[i], value))
            gicv3_sgi_send(&gic->cpus[i], value >> 24 & 0xf, group);
    }
}

/* --- registers --- */

/* 12.2.5: with CBPR it shows what Group 0 has, in its own way of counting. */
static uint32_t bpr1_read(const struct gicv3_cpu *cpu)
{
    if (!(cpu->icc_ctlr & CTLR_CBPR))
        return cpu->bpr[1];
    return cpu->bpr[0] < 7 ? cpu->bpr[0] + 1 : 7;
}

bool gicv3_icc_read(void *opaque, uint32_t sysreg, uint64_t *value)
{
    struct gicv3_cpu *cpu = opaque;
    switch (sysreg) {
    case ICC_PMR_EL1: *value = cpu->pmr; return true;
    case ICC_IAR0_EL1: *value = acknowledge(cpu, 0); break;
    case ICC_IAR1_EL1: *value = acknowledge(cpu, 1); break;
    case ICC_HPPIR0_EL1: *value = highest_pending(cpu, 0); return true;
    case ICC_HPPIR1_EL1: *value = highest_pending(cpu, 1); return true;
    case ICC_BPR0_EL1: *value = cpu->bpr[0]; return true;
    case ICC_BPR1_EL1: *value = bpr1_read(cpu); return true;
    case ICC_AP0R0_EL1: *value = cpu->apr[0]; return true;
    case ICC_AP1R0_EL1: *value = cpu->apr[1]; return true;
    case ICC_RPR_EL1: *value = gicv3_running(cpu); return true;
    case ICC_CTLR_EL1: *value = cpu->icc_ctlr | CTLR_FIXED; return true;
    case ICC_SRE_EL1: *value = SRE_FIXED; return true;
    case ICC_IGRPEN0_EL1: *value = cpu->igrpen[0]; return true;
    case ICC_IGRPEN1_EL1: *value = cpu->igrpen[1]; return true;
    default: return false;
    }
    if (trace_on(TRACE_IRQ))
        trace_line(TRACE_IRQ, (int)(cpu - cpu->gic->cpus), "gic acknowledges %u", (unsigned)*value);
    return true;
}

static uint32_t at_least(uint64_t value, uint32_t least)
{
    return (value & 7) < least ? least : value & 7;
}

/* Registers that only decide what this CPU takes. */
static bool mask_write(struct gicv3_cpu *cpu, uint32_t sysreg, uint64_t value)
{
    switch (sysreg) {
    case ICC_PMR_EL1: cpu->pmr = value & GICV3_PRIORITY_MASK; return true;
    case ICC_BPR0_EL1: cpu->bpr[0] = at_least(value, BPR0_MIN); return true;
    case ICC_BPR1_EL1:
        if (!(cpu->icc_ctlr & CTLR_CBPR))
            cpu->bpr[1] = at_least(value, BPR1_MIN);
        return true;
    case ICC_AP0R0_EL1: cpu->apr[0] = (uint32_t)value; return true;
    case ICC_AP1R0_EL1: cpu->apr[1] = (uint32_t)value; return true;
    case ICC_CTLR_EL1: cpu->icc_ctlr = value & (CTLR_CBPR | CTLR_EOIMODE); return true;
    case ICC_IGRPEN0_EL1: cpu->igrpen[0] = value & 1; return true;
    case ICC_IGRPEN1_EL1: cpu->igrpen[1] = value & 1; return true;
    default: return false;
    }
}

bool gicv3_icc_write(void *opaque, uint32_t sysreg, uint64_t value)
{
    struct gicv3_cpu *cpu = opaque;
    if (mask_write(cpu, sysreg, value)) {
        gicv3_cpu_update(cpu);
        return true;
    }
    switch (sysreg) {
    case ICC_EOIR0_EL1: end_of_interrupt(cpu, value, 0); return true;
    case ICC_EOIR1_EL1: end_of_interrupt(cpu, value, 1); return true;
    case ICC_DIR_EL1: dir_write(cpu, value); return true;
    case ICC_SGI0R_EL1:
    case ICC_ASGI1R_EL1: sgi_write(cpu, value, 0); return true;
    case ICC_SGI1R_EL1: sgi_write(cpu, value, 1); return true;
    case ICC_SRE_EL1: return true;
    default: return false;
    }
}
