/* The redistributors of the GICv3: private interrupts, sleep, and where the LPI tables are. Sections are
 * those of IHI0069. */
#include "base/bits.h"
#include "base/trace.h"
#include "devices/irq/gicv3_internal.h"

/* 12.10: RD_base; 12.11: SGI_base, in the next page of 64 KiB, laid out as the distributor. */
#define GICR_CTLR      0x0000
#define GICR_IIDR      0x0004
#define GICR_TYPER     0x0008
#define GICR_WAKER     0x0014
#define GICR_PROPBASER 0x0070
#define GICR_PENDBASER 0x0078
#define GICR_IDREGS    0xffd0
#define SGI_BASE       0x10000

#define GICR_IIDR_VALUE 0x0000043b
#define GICR_PART       0x93

#define GICR_CTLR_CES (1u << 1) /* EnableLPIs can be cleared again */

#define GICR_TYPER_PLPIS (1u << 0)
#define GICR_TYPER_LAST  (1u << 4)

#define PROPBASER_MASK 0x070fffffffffff9full
#define PENDBASER_MASK 0x070fffffffff0f80ull /* PTZ reads as zero: the table is looked at anyway */

static uint64_t typer(const struct gicv3_cpu *cpu)
{
    uint64_t number = (uint64_t)(cpu - cpu->gic->cpus);
    return (uint64_t)cpu->config.affinity << 32 | number << 8 | (cpu->last ? GICR_TYPER_LAST : 0) |
           (cpu->gic->config.lpis ? GICR_TYPER_PLPIS : 0);
}

static bool is_private_bank(uint64_t offset)
{
    return offset >= SGI_BASE && gic_bank_of(offset - SGI_BASE) == 0;
}

static uint32_t word_read(const struct gicv3_cpu *cpu, uint64_t offset)
{
    unsigned shift = offset & 4 ? 32 : 0;
    if (is_private_bank(offset))
        return gic_bank_read(&cpu->bank, &cpu->gic->private, offset - SGI_BASE);
    switch (offset) {
    case GICR_CTLR: return cpu->ctlr | (cpu->gic->config.lpis ? GICR_CTLR_CES : 0);
    case GICR_IIDR: return GICR_IIDR_VALUE;
    case GICR_TYPER:
    case GICR_TYPER + 4: return (uint32_t)(typer(cpu) >> shift);
    case GICR_WAKER: return cpu->waker;
    case GICR_PROPBASER:
    case GICR_PROPBASER + 4: return (uint32_t)(cpu->propbaser >> shift);
    case GICR_PENDBASER:
    case GICR_PENDBASER + 4: return (uint32_t)(cpu->pendbaser >> shift);
    default: return gic_identification(offset, GICR_IDREGS, GICR_PART, 3);
    }
}

static void ctlr_write(struct gicv3_cpu *cpu, uint32_t value)
{
    uint32_t old = cpu->ctlr;
    cpu->ctlr = cpu->gic->config.lpis ? value & GICR_CTLR_ENABLE_LPIS : 0;
    if (cpu->ctlr != old)
        gicv3_lpi_refresh(cpu);
}

/* 12.11.28: ChildrenAsleep follows ProcessorSleep; there is nothing to wait for. */
static void waker_write(struct gicv3_cpu *cpu, uint32_t value)
{
    cpu->waker = value & GICR_WAKER_SLEEP ? GICR_WAKER_SLEEP | GICR_WAKER_CHILDREN_ASLEEP : 0;
}

/* Where the tables are can only be changed while nothing uses them. */
static void base_write(const struct gicv3_cpu *cpu, uint64_t *base, unsigned shift, uint32_t value,
                       uint64_t mask)
{
    if (!cpu->gic->config.lpis)
        return;
    if (cpu->ctlr & GICR_CTLR_ENABLE_LPIS) {
        log_guest("GIC: an LPI table is moved while LPIs are enabled: ignored");
        return;
    }
    *base = bits_set(*base, shift, 32, value) & mask;
}

static void word_write(struct gicv3_cpu *cpu, uint64_t offset, uint32_t value)
{
    unsigned shift = offset & 4 ? 32 : 0;
    if (is_private_bank(offset)) {
        gic_bank_write(&cpu->bank, &cpu->gic->private, offset - SGI_BASE, value);
        return;
    }
    switch (offset) {
    case GICR_CTLR: ctlr_write(cpu, value); break;
    case GICR_WAKER: waker_write(cpu, value); break;
    case GICR_PROPBASER:
    case GICR_PROPBASER + 4: base_write(cpu, &cpu->propbaser, shift, value, PROPBASER_MASK); break;
    case GICR_PENDBASER:
    case GICR_PENDBASER + 4: base_write(cpu, &cpu->pendbaser, shift, value, PENDBASER_MASK); break;
    default: break;
    }
}

static struct gicv3_cpu *cpu_at(const struct gicv3_redists *region, uint64_t offset)
{
    return &region->gic->cpus[region->first + offset / GICV3_REDIST_SIZE];
}

static uint64_t redist_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct gicv3_cpu *cpu = cpu_at(opaque, offset);
    uint64_t reg = offset % GICV3_REDIST_SIZE;
    uint64_t value = word_read(cpu, reg & ~(uint64_t)3);
    if (width == 8)
        value |= (uint64_t)word_read(cpu, reg + 4) << 32;
    return bits_get(value >> reg % 4 * 8, 0, width * 8);
}

static void redist_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct gicv3_cpu *cpu = cpu_at(opaque, offset);
    uint64_t reg = offset % GICV3_REDIST_SIZE;
    if (width < 4) {
        if (!is_private_bank(reg) || !gic_is_priority(reg - SGI_BASE) || width != 1) {
            log_guest("GIC: a write of %u bytes at %#llx is ignored", width, (unsigned long long)offset);
            return;
        }
        gic_bank_priority_write(&cpu->bank, &cpu->gic->private, reg - SGI_BASE, (uint8_t)value);
    } else {
        word_write(cpu, reg, (uint32_t)value);
        if (width == 8)
            word_write(cpu, reg + 4, (uint32_t)(value >> 32));
    }
    /* A CPU that falls asleep or wakes changes what the others may get. */
    if (reg == GICR_WAKER)
        gicv3_spis_update(cpu->gic);
    else
        gicv3_cpu_update(cpu);
}

bool gicv3_redist_regions_add(struct gicv3 *gic, struct error *err)
{
    unsigned first = 0;
    for (unsigned i = 0; i < GICV3_REGIONS_MAX && gic->config.regions[i].count; i++) {
        const struct gicv3_region *config = &gic->config.regions[i];
        gic->regions[i] = (struct gicv3_redists){gic, first};
        struct bus_region region = {.name = "gic-redist",
                                    .base = config->base,
                                    .size = (uint64_t)config->count * GICV3_REDIST_SIZE,
                                    .min_width = 1,
                                    .max_width = 8,
                                    .read = redist_read,
                                    .write = redist_write,
                                    .opaque = &gic->regions[i]};
        unsigned id;
        if (!bus_add(gic->machine->mem.mmio, &region, &id, err))
            return false;
        first += config->count;
    }
    return true;
}

void gicv3_sgi_send(struct gicv3_cpu *to, unsigned intid, unsigned group)
{
    uint32_t bit = 1u << intid;
    if ((to->bank.group & bit ? 1 : 0) != group)
        return;
    if (trace_on(TRACE_IRQ))
        trace_line(TRACE_IRQ, (int)(to - to->gic->cpus), "gic interrupt %u sent", intid);
    to->bank.latched |= bit;
    gicv3_cpu_update(to);
}
