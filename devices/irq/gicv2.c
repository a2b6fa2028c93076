/* The distributor of the GICv2. Sections are those of IHI0048B. */
#include <assert.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/trace.h"
#include "devices/irq/gicv2_internal.h"

/* 4.3: what every version has is in gic_bank.c. */
#define GICD_CTLR       0x000
#define GICD_TYPER      0x004
#define GICD_IIDR       0x008
#define GICD_ITARGETSR  0x800
#define GICD_ICFGR      0xc00
#define GICD_SGIR       0xf00
#define GICD_CPENDSGIR  0xf10
#define GICD_SPENDSGIR  0xf20
#define GICD_SGIR_END   0xf30
#define GICD_IDREGS     0xfd0
#define GICD_IIDR_VALUE 0x0200143b /* GIC-400 */
#define GICD_PART       0x90

/* --- what waits for whom --- */

static uint32_t candidates(const struct gicv2 *gic, const struct gic_bank *bank)
{
    uint32_t groups =
        (gic->ctlr & GICD_CTLR_GROUP1 ? bank->group : 0) | (gic->ctlr & GICD_CTLR_GROUP0 ? ~bank->group : 0);
    return gic_bank_pending(bank) & bank->enable & ~bank->active & groups;
}

/* 3.2.3: offered to every CPU it targets; the first that acknowledges gets it. */
static void spi_offer(struct gicv2 *gic, unsigned intid)
{
    const struct gic_bank *bank = &gic->bank[intid / 32];
    struct gicv2_pending spi = {(uint16_t)intid, gic_bank_priority(bank, intid % 32),
                                bank->group >> intid % 32 & 1};
    for (unsigned i = 0; i < gic->config.cpus; i++) {
        struct gicv2_pending *best = &gic->cpus[i].best;
        bool targeted = gic->config.cpus == 1 || gic->targets[intid] >> i & 1;
        if (targeted && spi.priority < best->priority)
            *best = spi;
    }
}

void gicv2_update(struct gicv2 *gic)
{
    for (unsigned i = 0; i < gic->config.cpus; i++) {
        struct gicv2_cpu *cpu = &gic->cpus[i];
        cpu->best = GICV2_NOTHING;
        unsigned n = gic_bank_best(&cpu->bank, candidates(gic, &cpu->bank), &cpu->best.priority);
        if (n < GIC_PRIVATE) {
            cpu->best.intid = (uint16_t)n;
            cpu->best.group = cpu->bank.group >> n & 1;
        }
    }
    for (unsigned i = 1; i < gic->banks; i++) {
        for (uint32_t bits = candidates(gic, &gic->bank[i]); bits; bits &= bits - 1)
            spi_offer(gic, i * 32 + (unsigned)__builtin_ctz(bits));
    }
    for (unsigned i = 0; i < gic->config.cpus; i++)
        gicv2_signal(&gic->cpus[i]);
}

struct gic_bank *gicv2_bank(struct gicv2 *gic, struct gicv2_cpu *cpu, unsigned intid)
{
    if (intid < GIC_PRIVATE)
        return &cpu->bank;
    return intid < gic->banks * 32 ? &gic->bank[intid / 32] : NULL;
}

struct gicv2_cpu *gicv2_accessor(struct gicv2 *gic)
{
    unsigned cpu = gic->config.accessor(gic->config.opaque);
    return &gic->cpus[cpu < gic->config.cpus ? cpu : 0];
}

/* --- inputs --- */

static void spi_set(void *opaque, unsigned intid, bool level)
{
    struct gicv2 *gic = opaque;
    if (trace_on(TRACE_IRQ))
        trace_line(TRACE_IRQ, -1, "gic interrupt %u %s", intid, level ? "up" : "down");
    gic_bank_input(&gic->bank[intid / 32], intid % 32, level);
    gicv2_update(gic);
}

struct irq_line gicv2_spi_line(struct gicv2 *gic, unsigned n)
{
    assert(n < gic->config.spis);
    return (struct irq_line){.set = spi_set, .opaque = gic, .number = GIC_PRIVATE + n};
}

/* The number says which CPU's: a private interrupt has only five bits. */
static void ppi_set(void *opaque, unsigned number, bool level)
{
    struct gicv2 *gic = opaque;
    unsigned cpu = number / GIC_PRIVATE, intid = number % GIC_PRIVATE;
    if (trace_on(TRACE_IRQ))
        trace_line(TRACE_IRQ, (int)cpu, "gic interrupt %u %s", intid, level ? "up" : "down");
    gic_bank_input(&gic->cpus[cpu].bank, intid, level);
    gicv2_update(gic);
}

struct irq_line gicv2_ppi_line(struct gicv2 *gic, unsigned cpu, unsigned n)
{
    assert(cpu < gic->config.cpus && n < GIC_PRIVATE - GIC_SGIS);
    return (struct irq_line){.set = ppi_set, .opaque = gic, .number = cpu * GIC_PRIVATE + GIC_SGIS + n};
}

/* --- registers --- */

static const struct gic_bank_rules *rules_of(const struct gicv2 *gic, unsigned bank)
{
    return bank ? &gic->shared : &gic->private;
}

static bool is_target(uint64_t offset)
{
    return offset >= GICD_ITARGETSR && offset < GICD_ICFGR;
}

/* 4.3.12: for private interrupts it tells a CPU its own bit; a uniprocessor has none of these registers. */
static uint8_t target_read(const struct gicv2 *gic, const struct gicv2_cpu *cpu, unsigned intid)
{
    if (gic->config.cpus == 1 || intid >= gic->banks * 32)
        return 0;
    return intid < GIC_PRIVATE ? (uint8_t)(1u << (cpu - gic->cpus)) : gic->targets[intid];
}

static void target_write(struct gicv2 *gic, unsigned intid, uint8_t value)
{
    if (intid >= GIC_PRIVATE && intid < gic->banks * 32)
        gic->targets[intid] = value & (uint8_t)((1u << gic->config.cpus) - 1);
}

static uint32_t typer(const struct gicv2 *gic)
{
    return (gic->banks - 1) | (gic->config.cpus - 1) << 5;
}

/* Bytes of the SGI source and target registers, and of what else has bytes. */
static uint32_t bytes_read(const struct gicv2 *gic, const struct gicv2_cpu *cpu, uint64_t offset)
{
    uint32_t word = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t byte = is_target(offset) ? target_read(gic, cpu, (unsigned)(offset - GICD_ITARGETSR) + i)
                                         : cpu->sources[offset % GIC_SGIS + i];
        word |= (uint32_t)byte << 8 * i;
    }
    return word;
}

static uint32_t word_read(struct gicv2 *gic, uint64_t offset)
{
    struct gicv2_cpu *cpu = gicv2_accessor(gic);
    unsigned bank = gic_bank_of(offset);
    if (bank < gic->banks)
        return gic_bank_read(gicv2_bank(gic, cpu, bank * 32), rules_of(gic, bank), offset);
    if (is_target(offset) || (offset >= GICD_CPENDSGIR && offset < GICD_SGIR_END))
        return bytes_read(gic, cpu, offset);
    switch (offset) {
    case GICD_CTLR: return gic->ctlr;
    case GICD_TYPER: return typer(gic);
    case GICD_IIDR: return GICD_IIDR_VALUE;
    default: return gic_identification(offset, GICD_IDREGS, GICD_PART, 2);
    }
}

static void sources_set(struct gicv2_cpu *cpu, unsigned sgi, uint8_t sources)
{
    cpu->sources[sgi] = sources;
    cpu->bank.latched = sources ? cpu->bank.latched | 1u << sgi : cpu->bank.latched & ~(1u << sgi);
}

/* 4.3.15: a list of CPUs, all but the writer, or the writer itself. */
static void sgi_send(struct gicv2 *gic, const struct gicv2_cpu *from, uint32_t value)
{
    unsigned self = 1u << (from - gic->cpus), filter = value >> 24 & 3, sgi = value & 0xf;
    unsigned list = filter == 0 ? value >> 16 & 0xff : filter == 1 ? 0xff & ~self : filter == 2 ? self : 0;
    for (unsigned i = 0; i < gic->config.cpus; i++) {
        if (list >> i & 1)
            sources_set(&gic->cpus[i], sgi, gic->cpus[i].sources[sgi] | (uint8_t)self);
    }
}

static void byte_write(struct gicv2 *gic, struct gicv2_cpu *cpu, uint64_t offset, uint8_t value)
{
    unsigned sgi = offset % GIC_SGIS, bank = gic_bank_of(offset);
    uint8_t cpus = (uint8_t)((1u << gic->config.cpus) - 1);
    if (gic_is_priority(offset) && bank < gic->banks)
        gic_bank_priority_write(gicv2_bank(gic, cpu, bank * 32), rules_of(gic, bank), offset, value);
    else if (is_target(offset))
        target_write(gic, (unsigned)(offset - GICD_ITARGETSR), value);
    else if (offset >= GICD_SPENDSGIR && offset < GICD_SGIR_END)
        sources_set(cpu, sgi, cpu->sources[sgi] | (value & cpus));
    else if (offset >= GICD_CPENDSGIR && offset < GICD_SPENDSGIR)
        sources_set(cpu, sgi, cpu->sources[sgi] & (uint8_t)~value);
    else
        log_guest("GIC: a write of a byte at %#llx is ignored", (unsigned long long)offset);
}

static bool has_bytes(uint64_t offset)
{
    return gic_is_priority(offset) || is_target(offset) ||
           (offset >= GICD_CPENDSGIR && offset < GICD_SGIR_END);
}

static void word_write(struct gicv2 *gic, uint64_t offset, uint32_t value)
{
    struct gicv2_cpu *cpu = gicv2_accessor(gic);
    unsigned bank = gic_bank_of(offset);
    if (has_bytes(offset)) {
        for (unsigned i = 0; i < 4; i++)
            byte_write(gic, cpu, offset + i, (uint8_t)(value >> 8 * i));
    } else if (bank < gic->banks) {
        gic_bank_write(gicv2_bank(gic, cpu, bank * 32), rules_of(gic, bank), offset, value);
    } else if (offset == GICD_CTLR) {
        gic->ctlr = value & (GICD_CTLR_GROUP0 | GICD_CTLR_GROUP1);
    } else if (offset == GICD_SGIR) {
        sgi_send(gic, cpu, value);
    }
}

/* 4.1.3: words, and bytes of the registers that are made of them. */
static uint64_t dist_read(void *opaque, uint64_t offset, unsigned width)
{
    uint32_t value = offset < GICV2_DIST_SIZE ? word_read(opaque, offset & ~(uint64_t)3) : 0;
    return bits_get(value >> offset % 4 * 8, 0, width * 8);
}

static void dist_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct gicv2 *gic = opaque;
    if (offset >= GICV2_DIST_SIZE)
        return;
    if (width == 4)
        word_write(gic, offset, (uint32_t)value);
    else
        for (unsigned i = 0; i < width; i++)
            byte_write(gic, gicv2_accessor(gic), offset + i, (uint8_t)(value >> 8 * i));
    gicv2_update(gic);
}

/* --- state --- */

static void gic_restored(void *object)
{
    struct gicv2 *gic = object;
    for (unsigned i = 1; i < gic->banks; i++)
        gic_bank_settle(&gic->bank[i], &gic->shared);
    for (unsigned i = 0; i < gic->config.cpus; i++) {
        struct gicv2_cpu *cpu = &gic->cpus[i];
        gic_bank_settle(&cpu->bank, &gic->private);
        cpu->bpr &= 7;
        cpu->abpr &= 7;
        cpu->irq = cpu->fiq = false;
        irq_line_set(&cpu->config.irq, false);
        irq_line_set(&cpu->config.fiq, false);
    }
    gicv2_update(gic);
}

static void table_make(struct gicv2 *gic)
{
    const struct state_field words[] = {
        STATE(struct gicv2, ctlr),
        STATE_ARRAY(struct gicv2, targets),
        STATE_EACH(struct gicv2, cpus, ctlr),
        STATE_EACH(struct gicv2, cpus, pmr),
        STATE_EACH(struct gicv2, cpus, bpr, .reset = 2),
        STATE_EACH(struct gicv2, cpus, abpr, .reset = 3),
        STATE_EACH(struct gicv2, cpus, apr[0]),
        STATE_EACH(struct gicv2, cpus, apr[1]),
    };
    size_t count = ARRAY_LEN(words) + GICV2_CPUS_MAX + 2 * GIC_BANK_FIELDS;
    struct state_field *field = gic->fields = machine_alloc(count * sizeof(*field));
    memcpy(field, words, sizeof(words));
    field += ARRAY_LEN(words);
    for (unsigned i = 0; i < GICV2_CPUS_MAX; i++) {
        *field = (struct state_field)STATE_ARRAY(struct gicv2, cpus[0].sources);
        field++->offset += (uint32_t)(i * sizeof(struct gicv2_cpu));
    }
    gic_bank_fields(field, offsetof(struct gicv2, bank[1]), sizeof(struct gic_bank), gic->banks - 1);
    field += GIC_BANK_FIELDS;
    gic_bank_fields(field, offsetof(struct gicv2, cpus[0].bank), sizeof(struct gicv2_cpu), GICV2_CPUS_MAX);
    gic->table = (struct state_table){
        .name = "gicv2", .version = 1, .fields = gic->fields, .count = count, .restored = gic_restored};
}

static void gic_destroy(void *object)
{
    struct gicv2 *gic = object;
    free(gic->fields);
    free(gic);
}

static void rules_make(struct gicv2 *gic)
{
    uint32_t sgis = (1u << GIC_SGIS) - 1;
    gic->shared = (struct gic_bank_rules){.present = ~0u, .priority_mask = GICV2_PRIORITY_MASK};
    gic->private = (struct gic_bank_rules){.present = ~0u,
                                           .always_enabled = sgis,
                                           .always_edge = sgis,
                                           .own_pending = sgis,
                                           .priority_mask = GICV2_PRIORITY_MASK};
}

struct gicv2 *gicv2_create(struct machine *machine, const struct gicv2_config *config, struct error *err)
{
    assert(config->cpus >= 1 && config->cpus <= GICV2_CPUS_MAX && config->spis % 32 == 0 &&
           config->spis <= 960);
    struct gicv2 *gic = machine_alloc(sizeof(*gic));
    gic->config = *config;
    gic->config.cpu = NULL;
    gic->banks = 1 + config->spis / 32;
    for (unsigned i = 0; i < config->cpus; i++)
        gic->cpus[i].config = config->cpu[i];
    rules_make(gic);
    table_make(gic);
    machine_device_add(machine, "gic", &gic->table, gic, gic_destroy);
    struct bus_region region = {.name = "gic-dist",
                                .base = config->dist_base,
                                .size = config->dist_size ? config->dist_size : GICV2_DIST_SIZE,
                                .min_width = 1,
                                .max_width = 4,
                                .read = dist_read,
                                .write = dist_write,
                                .opaque = gic};
    unsigned id;
    return bus_add(machine->mem.mmio, &region, &id, err) && gicv2_cpuif_add(gic, machine, err) ? gic : NULL;
}
