/* The distributor of the GICv3 and what ties its parts together. Sections are those of IHI0069. */
#include <assert.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/trace.h"
#include "devices/irq/gicv3_internal.h"

/* 12.9: the distributor's page; what every version has is in gic_bank.c. */
#define GICD_CTLR     0x0000
#define GICD_TYPER    0x0004
#define GICD_IIDR     0x0008
#define GICD_IROUTER  0x6000 /* 8 bytes an interrupt, from the first shared one on */
#define GICD_IROUTERE 0x8000
#define GICD_IDREGS   0xffd0

#define GICD_IIDR_VALUE 0x0000043b /* Arm */
#define GICD_PART       0x92

#define GICD_TYPER_LPIS    (1u << 17)
#define GICD_TYPER_ID_BITS ((GICV3_ID_BITS - 1) << 19)
#define GICD_TYPER_A3V     (1u << 24)

#define ROUTE_MASK (GICD_IROUTER_ANY | 0xff00ffffffull)

/* --- what waits for whom --- */

static uint32_t groups_enabled(const struct gicv3 *gic, const struct gic_bank *bank)
{
    return (gic->ctlr & GICD_CTLR_GROUP1 ? bank->group : 0) |
           (gic->ctlr & GICD_CTLR_GROUP0 ? ~bank->group : 0);
}

/* 4.1.2: an interrupt that is active and pending is not signalled again before it was deactivated. */
static uint32_t candidates(const struct gicv3 *gic, const struct gic_bank *bank)
{
    return gic_bank_pending(bank) & bank->enable & ~bank->active & groups_enabled(gic, bank);
}

static void better(struct gicv3_pending *best, struct gicv3_pending other)
{
    if (other.priority < best->priority)
        *best = other;
}

struct gicv3_pending gicv3_best(const struct gicv3_cpu *cpu)
{
    const struct gic_bank *bank = &cpu->bank;
    struct gicv3_pending best = GICV3_NOTHING;
    uint8_t priority = GIC_PRIORITY_IDLE;
    /* 11.1: a redistributor whose CPU sleeps forwards nothing. */
    if (cpu->waker & GICR_WAKER_SLEEP)
        return best;
    unsigned n = gic_bank_best(bank, candidates(cpu->gic, bank), &priority);
    if (n < GIC_PRIVATE)
        best = (struct gicv3_pending){n, priority, bank->group >> n & 1};
    better(&best, cpu->spi);
    if (cpu->gic->ctlr & GICD_CTLR_GROUP1)
        better(&best, cpu->lpi);
    return best;
}

bool gicv3_would_take(const struct gicv3_cpu *cpu, uint8_t priority, unsigned group)
{
    return cpu->igrpen[group] && priority < cpu->pmr &&
           (priority & gicv3_group_mask(cpu, group)) < gicv3_running(cpu);
}

/* 4.7.1: Group 0 is signalled as FIQ, and without security states Group 1 as IRQ. */
static void outputs_update(struct gicv3_cpu *cpu)
{
    struct gicv3_pending best = gicv3_best(cpu);
    bool taken = gicv3_would_take(cpu, best.priority, best.group);
    bool irq = taken && best.group == 1, fiq = taken && best.group == 0;
    if (irq != cpu->irq) {
        cpu->irq = irq;
        irq_line_set(&cpu->config.irq, irq);
    }
    if (fiq != cpu->fiq) {
        cpu->fiq = fiq;
        irq_line_set(&cpu->config.fiq, fiq);
    }
}

/* 3.3.2, 1 of N: a CPU that is awake and takes the group; one that would take the interrupt at once, if there
 * is one. */
static unsigned any_cpu(const struct gicv3 *gic, uint8_t priority, unsigned group)
{
    unsigned found = GICV3_CPU_NONE;
    for (unsigned i = 0; i < gic->config.cpus; i++) {
        const struct gicv3_cpu *cpu = &gic->cpus[i];
        if (cpu->waker & GICR_WAKER_SLEEP || !cpu->igrpen[group])
            continue;
        if (gicv3_would_take(cpu, priority, group))
            return i;
        if (found == GICV3_CPU_NONE)
            found = i;
    }
    return found;
}

/* Offer a shared interrupt to the CPU it is routed to. */
static void spi_offer(struct gicv3 *gic, uint32_t intid)
{
    const struct gic_bank *bank = &gic->bank[intid / 32];
    struct gicv3_pending spi = {intid, gic_bank_priority(bank, intid % 32), bank->group >> intid % 32 & 1};
    unsigned target = gic->target[intid];
    if (gic->route[intid] & GICD_IROUTER_ANY) {
        gic->any_pending = true;
        target = any_cpu(gic, spi.priority, spi.group);
    }
    if (target != GICV3_CPU_NONE)
        better(&gic->cpus[target].spi, spi);
}

void gicv3_spis_update(struct gicv3 *gic)
{
    gic->any_pending = false;
    for (unsigned i = 0; i < gic->config.cpus; i++)
        gic->cpus[i].spi = GICV3_NOTHING;
    for (unsigned i = 1; i < gic->banks; i++) {
        for (uint32_t bits = candidates(gic, &gic->bank[i]); bits; bits &= bits - 1)
            spi_offer(gic, i * 32 + (unsigned)__builtin_ctz(bits));
    }
    for (unsigned i = 0; i < gic->config.cpus; i++)
        outputs_update(&gic->cpus[i]);
}

void gicv3_cpu_update(struct gicv3_cpu *cpu)
{
    /* What one CPU takes or masks decides where an interrupt for any CPU goes. */
    if (cpu->gic->any_pending)
        gicv3_spis_update(cpu->gic);
    else
        outputs_update(cpu);
}

unsigned gicv3_cpu_find(const struct gicv3 *gic, uint32_t affinity)
{
    for (unsigned i = 0; i < gic->config.cpus; i++) {
        if (gic->cpus[i].config.affinity == affinity)
            return i;
    }
    return GICV3_CPU_NONE;
}

struct gic_bank *gicv3_bank(struct gicv3_cpu *cpu, uint32_t intid)
{
    if (intid < GIC_PRIVATE)
        return &cpu->bank;
    return intid < cpu->gic->banks * 32 && intid < GIC_INTERRUPTS_MAX ? &cpu->gic->bank[intid / 32] : NULL;
}

/* --- inputs --- */

static void spi_set(void *opaque, unsigned intid, bool level)
{
    struct gicv3 *gic = opaque;
    if (trace_on(TRACE_IRQ))
        trace_line(TRACE_IRQ, -1, "gic interrupt %u %s", intid, level ? "up" : "down");
    gic_bank_input(&gic->bank[intid / 32], intid % 32, level);
    gicv3_spis_update(gic);
}

struct irq_line gicv3_spi_line(struct gicv3 *gic, unsigned n)
{
    assert(n < gic->config.spis);
    return (struct irq_line){.set = spi_set, .opaque = gic, .number = GIC_PRIVATE + n};
}

static void ppi_set(void *opaque, unsigned intid, bool level)
{
    struct gicv3_cpu *cpu = opaque;
    if (trace_on(TRACE_IRQ))
        trace_line(TRACE_IRQ, (int)(cpu - cpu->gic->cpus), "gic interrupt %u %s", intid,
                   level ? "up" : "down");
    gic_bank_input(&cpu->bank, intid, level);
    gicv3_cpu_update(cpu);
}

struct irq_line gicv3_ppi_line(struct gicv3 *gic, unsigned cpu, unsigned n)
{
    assert(cpu < gic->config.cpus && n < GIC_PRIVATE - GIC_SGIS);
    return (struct irq_line){.set = ppi_set, .opaque = &gic->cpus[cpu], .number = GIC_SGIS + n};
}

/* --- registers --- */

static bool is_route(const struct gicv3 *gic, uint64_t offset)
{
    return offset >= GICD_IROUTER + 8 * GIC_PRIVATE && offset < GICD_IROUTER + 8 * GIC_INTERRUPTS_MAX &&
           (offset - GICD_IROUTER) / 8 < gic->banks * 32;
}

static bool is_shared_bank(const struct gicv3 *gic, uint64_t offset)
{
    unsigned bank = gic_bank_of(offset);
    /* With affinity routing the private interrupts are the redistributors'. */
    return bank > 0 && bank < gic->banks;
}

static uint32_t typer(const struct gicv3 *gic)
{
    return (gic->banks - 1) | (gic->config.lpis ? GICD_TYPER_LPIS : 0) | GICD_TYPER_ID_BITS | GICD_TYPER_A3V;
}

static uint32_t word_read(const struct gicv3 *gic, uint64_t offset)
{
    if (is_shared_bank(gic, offset))
        return gic_bank_read(&gic->bank[gic_bank_of(offset)], &gic->shared, offset);
    if (is_route(gic, offset))
        return (uint32_t)(gic->route[(offset - GICD_IROUTER) / 8] >> offset % 8 * 8);
    switch (offset) {
    case GICD_CTLR: return gic->ctlr | GICD_CTLR_ARE | GICD_CTLR_DS;
    case GICD_TYPER: return typer(gic);
    case GICD_IIDR: return GICD_IIDR_VALUE;
    default: return gic_identification(offset, GICD_IDREGS, GICD_PART, 3);
    }
}

static void route_write(struct gicv3 *gic, unsigned intid, unsigned shift, uint32_t value)
{
    uint64_t route = bits_set(gic->route[intid], shift, 32, value) & ROUTE_MASK;
    gic->route[intid] = route;
    gic->target[intid] = (uint16_t)gicv3_cpu_find(gic, (uint32_t)((route & 0xffffff) | (route >> 32 << 24)));
}

static void word_write(struct gicv3 *gic, uint64_t offset, uint32_t value)
{
    if (is_shared_bank(gic, offset))
        gic_bank_write(&gic->bank[gic_bank_of(offset)], &gic->shared, offset, value);
    else if (is_route(gic, offset))
        route_write(gic, (unsigned)(offset - GICD_IROUTER) / 8, offset % 8 * 8, value);
    else if (offset == GICD_CTLR)
        gic->ctlr = value & (GICD_CTLR_GROUP0 | GICD_CTLR_GROUP1);
}

static uint64_t dist_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct gicv3 *gic = opaque;
    uint64_t value = word_read(gic, offset & ~(uint64_t)3);
    if (width == 8)
        value |= (uint64_t)word_read(gic, offset + 4) << 32;
    return bits_get(value >> offset % 4 * 8, 0, width * 8);
}

static void dist_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct gicv3 *gic = opaque;
    if (width < 4) {
        /* 12.1.3: only priorities are accessible as bytes. */
        if (!gic_is_priority(offset) || !is_shared_bank(gic, offset) || width != 1) {
            log_guest("GIC: a write of %u bytes at %#llx is ignored", width, (unsigned long long)offset);
            return;
        }
        gic_bank_priority_write(&gic->bank[gic_bank_of(offset)], &gic->shared, offset, (uint8_t)value);
    } else {
        word_write(gic, offset, (uint32_t)value);
        if (width == 8)
            word_write(gic, offset + 4, (uint32_t)(value >> 32));
    }
    gicv3_spis_update(gic);
}

/* --- state --- */

/* Values that index or that the rules fix, from a save that is only a file; then all that is derived. */
static void gic_restored(void *object)
{
    struct gicv3 *gic = object;
    for (unsigned i = 1; i < gic->banks; i++)
        gic_bank_settle(&gic->bank[i], &gic->shared);
    for (unsigned i = GIC_PRIVATE; i < GIC_INTERRUPTS_MAX; i++)
        route_write(gic, i, 0, (uint32_t)gic->route[i]);
    for (unsigned i = 0; i < gic->config.cpus; i++) {
        struct gicv3_cpu *cpu = &gic->cpus[i];
        gic_bank_settle(&cpu->bank, &gic->private);
        cpu->bpr[0] &= 7;
        cpu->bpr[1] &= 7;
        gicv3_lpi_refresh(cpu);
        cpu->irq = cpu->fiq = false;
        irq_line_set(&cpu->config.irq, false);
        irq_line_set(&cpu->config.fiq, false);
    }
    gicv3_spis_update(gic);
}

/* 8.15: after a reset everything is masked, and the binary points are the smallest that make a difference. */
static void table_make(struct gicv3 *gic)
{
    const struct state_field dist[] = {STATE(struct gicv3, ctlr), STATE_ARRAY(struct gicv3, route)};
#define CPU_FIELD(member, ...)                                                                               \
    {.name = #member,                                                                                        \
     .offset = offsetof(struct gicv3, cpus[0].member),                                                       \
     .stride = sizeof(struct gicv3_cpu),                                                                     \
     .count = gic->config.cpus,                                                                              \
     .width = sizeof(((struct gicv3_cpu *)0)->member),                                                       \
     __VA_ARGS__}
    uint32_t waker = gic->config.awake ? 0 : GICR_WAKER_SLEEP | GICR_WAKER_CHILDREN_ASLEEP;
    const struct state_field cpu[] = {
        CPU_FIELD(ctlr),
        CPU_FIELD(waker, .reset = waker),
        CPU_FIELD(propbaser),
        CPU_FIELD(pendbaser),
        CPU_FIELD(icc_ctlr),
        CPU_FIELD(pmr),
        CPU_FIELD(bpr[0], .reset = 2),
        CPU_FIELD(bpr[1], .reset = 3),
        CPU_FIELD(apr[0]),
        CPU_FIELD(apr[1]),
        CPU_FIELD(igrpen[0]),
        CPU_FIELD(igrpen[1]),
    };
#undef CPU_FIELD
    size_t count = ARRAY_LEN(dist) + ARRAY_LEN(cpu) + 2 * GIC_BANK_FIELDS;
    struct state_field *field = gic->fields = machine_alloc(count * sizeof(*field));
    memcpy(field, dist, sizeof(dist));
    field += ARRAY_LEN(dist);
    gic_bank_fields(field, offsetof(struct gicv3, bank[1]), sizeof(struct gic_bank), gic->banks - 1);
    field += GIC_BANK_FIELDS;
    memcpy(field, cpu, sizeof(cpu));
    field += ARRAY_LEN(cpu);
    gic_bank_fields(field, offsetof(struct gicv3, cpus[0].bank), sizeof(struct gicv3_cpu), gic->config.cpus);
    gic->table = (struct state_table){
        .name = "gicv3", .version = 1, .fields = gic->fields, .count = count, .restored = gic_restored};
}

static void gic_destroy(void *object)
{
    struct gicv3 *gic = object;
    free(gic->fields);
    free(gic);
}

static void rules_make(struct gicv3 *gic)
{
    gic->shared = (struct gic_bank_rules){.present = ~0u, .priority_mask = GICV3_PRIORITY_MASK};
    gic->private = (struct gic_bank_rules){
        .present = ~0u, .always_edge = (1u << GIC_SGIS) - 1, .priority_mask = GICV3_PRIORITY_MASK};
}

struct gicv3 *gicv3_create(struct machine *machine, const struct gicv3_config *config, struct error *err)
{
    assert(config->cpus >= 1 && config->cpus <= GICV3_CPUS_MAX && config->spis % 32 == 0 &&
           config->spis <= 960 && config->regions[0].count + config->regions[1].count == config->cpus);
    struct gicv3 *gic = machine_alloc(sizeof(*gic) + config->cpus * sizeof(gic->cpus[0]));
    gic->machine = machine;
    gic->config = *config;
    gic->config.cpu = NULL;
    gic->banks = 1 + config->spis / 32;
    for (unsigned i = 0; i < config->cpus; i++) {
        gic->cpus[i].gic = gic;
        gic->cpus[i].config = config->cpu[i];
        gic->cpus[i].last = i + 1 == config->regions[0].count || i + 1 == config->cpus;
    }
    rules_make(gic);
    table_make(gic);
    machine_device_add(machine, "gic", &gic->table, gic, gic_destroy);
    struct bus_region region = {.name = "gic-dist",
                                .base = config->dist_base,
                                .size = GICV3_DIST_SIZE,
                                .min_width = 1,
                                .max_width = 8,
                                .read = dist_read,
                                .write = dist_write,
                                .opaque = gic};
    unsigned id;
    return bus_add(machine->mem.mmio, &region, &id, err) && gicv3_redist_regions_add(gic, err) ? gic : NULL;
}

struct gicv3_cpu *gicv3_cpu(struct gicv3 *gic, unsigned cpu)
{
    assert(cpu < gic->config.cpus);
    return &gic->cpus[cpu];
}
