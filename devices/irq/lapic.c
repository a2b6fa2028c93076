#include "devices/irq/lapic.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/irq/lapic_internal.h"

/* Integrated APIC, seven LVT entries, EOI broadcasts can be suppressed. */
#define VERSION (0x14u | (LVTS - 1) << 16 | 1u << 24)

#define MSR_X2APIC       0x800u
#define MSR_TSC_DEADLINE 0x6e0u

#define LVT_DELIVERY 0x700u
#define LVT_VECTOR   0x0ffu
#define LVT_STATUS   0x1000u /* reads as zero: messages are delivered at once */

/* Bits software sets in each entry. */
static const uint32_t lvt_writable[LVTS] = {
    [LVT_TIMER] = LVT_VECTOR | LVT_MASKED | LVT_PERIODIC | LVT_TSC_DEADLINE,
    [LVT_THERMAL] = LVT_VECTOR | LVT_DELIVERY | LVT_MASKED,
    [LVT_PERFORMANCE] = LVT_VECTOR | LVT_DELIVERY | LVT_MASKED,
    [LVT_LINT0] = LVT_VECTOR | LVT_DELIVERY | LVT_POLARITY_LOW | LVT_LEVEL | LVT_MASKED,
    [LVT_LINT1] = LVT_VECTOR | LVT_DELIVERY | LVT_POLARITY_LOW | LVT_LEVEL | LVT_MASKED,
    [LVT_ERROR] = LVT_VECTOR | LVT_MASKED,
    [LVT_CMCI] = LVT_VECTOR | LVT_DELIVERY | LVT_MASKED,
};

#define SVR_WRITABLE    (0xffu | SVR_ENABLE | SVR_EOI_SUPPRESS)
#define ICR_LOW_WRITTEN 0x000ccfffu

/* The 8259 pair is heard through LINT0 set to ExtINT, or directly by a processor whose APIC is off. */
static bool external_pending(const struct lapic_cpu *cpu)
{
    uint32_t lint0 = cpu->lvt[LVT_LINT0];
    bool through = !(lint0 & LVT_MASKED) && (lint0 >> 8 & 7) == DELIVERY_EXTERNAL;
    return cpu->external_message || (cpu->pins[0] && (through || !lapic_enabled(cpu)));
}

/* The vector to be served now, or -1. */
static int vector_ready(const struct lapic_cpu *cpu)
{
    int vector = lapic_vector_highest(cpu->irr);
    if (vector < 0 || !lapic_enabled(cpu) || !(cpu->svr & SVR_ENABLE))
        return -1;
    return vector >> 4 > lapic_ppr(cpu) >> 4 ? vector : -1;
}

static void intr_drive(struct lapic_cpu *cpu, bool level)
{
    const struct lapic_processors *processors = &cpu->lapic->processors;
    cpu->intr = level;
    processors->intr_set(processors->opaque, cpu->index, level);
}

void lapic_intr_update(struct lapic_cpu *cpu)
{
    bool level = vector_ready(cpu) >= 0 || external_pending(cpu);
    if (level != cpu->intr)
        intr_drive(cpu, level);
}

int lapic_acknowledge(struct lapic *lapic, unsigned number)
{
    struct lapic_cpu *cpu = &lapic->cpus[number];
    int vector = vector_ready(cpu);
    if (vector >= 0) {
        cpu->irr[vector / 32] &= ~((uint32_t)1 << vector % 32);
        cpu->isr[vector / 32] |= (uint32_t)1 << vector % 32;
    } else if (external_pending(cpu)) {
        cpu->external_message = false;
        vector = lapic->processors.external_acknowledge(lapic->processors.opaque);
    }
    lapic_intr_update(cpu);
    return vector;
}

static void tpr_set(struct lapic_cpu *cpu, uint32_t value)
{
    cpu->tpr = value & 0xff;
    lapic_intr_update(cpu);
}

uint8_t lapic_cr8_get(struct lapic *lapic, unsigned cpu)
{
    return (uint8_t)(lapic->cpus[cpu].tpr >> 4);
}

void lapic_cr8_set(struct lapic *lapic, unsigned cpu, uint8_t value)
{
    tpr_set(&lapic->cpus[cpu], (uint32_t)value << 4);
}

/* 11.4.7.2: with the APIC disabled by software all entries are masked, and stay so. */
static void svr_write(struct lapic_cpu *cpu, uint32_t value)
{
    cpu->svr = value & SVR_WRITABLE;
    for (unsigned i = 0; i < LVTS && !(value & SVR_ENABLE); i++)
        cpu->lvt[i] |= LVT_MASKED;
    lapic_intr_update(cpu);
}

static enum lvt lvt_at(unsigned offset)
{
    return offset == APIC_LVT_CMCI ? LVT_CMCI : (enum lvt)((offset - APIC_LVT_TIMER) / 16);
}

static bool is_lvt(unsigned offset)
{
    return offset == APIC_LVT_CMCI || (offset >= APIC_LVT_TIMER && offset <= APIC_LVT_ERROR);
}

static void lvt_write(struct lapic_cpu *cpu, enum lvt entry, uint32_t value)
{
    uint32_t remote = cpu->lvt[entry] & LVT_REMOTE_IRR;
    value &= lvt_writable[entry];
    if (!(cpu->svr & SVR_ENABLE))
        value |= LVT_MASKED;
    if (entry == LVT_TIMER) {
        lapic_timer_lvt_write(cpu, value);
        return;
    }
    cpu->lvt[entry] = value | (value & LVT_LEVEL ? remote : 0);
    lapic_intr_update(cpu);
}

static uint32_t vector_word(const uint32_t bits[8], unsigned offset)
{
    return bits[offset / 16 % 8];
}

/* False: no register is there. */
static bool register_read(const struct lapic_cpu *cpu, unsigned offset, uint32_t *value)
{
    *value = 0;
    if (is_lvt(offset)) {
        *value = cpu->lvt[lvt_at(offset)];
        return true;
    }
    if (offset >= APIC_ISR && offset < APIC_ESR) {
        *value = vector_word(offset < APIC_TMR ? cpu->isr : offset < APIC_IRR ? cpu->tmr : cpu->irr, offset);
        return true;
    }
    switch (offset) {
    case APIC_ID: *value = lapic_is_x2apic(cpu) ? cpu->id : cpu->id << 24; break;
    case APIC_VERSION: *value = VERSION; break;
    case APIC_TPR: *value = cpu->tpr; break;
    case APIC_PPR: *value = lapic_ppr(cpu); break;
    case APIC_LDR: *value = cpu->ldr; break;
    case APIC_DFR: *value = cpu->dfr; break;
    case APIC_SVR: *value = cpu->svr; break;
    case APIC_ESR: *value = cpu->esr; break;
    case APIC_ICR: *value = (uint32_t)cpu->icr; break;
    case APIC_ICR_HIGH: *value = (uint32_t)(cpu->icr >> 32); break;
    case APIC_INITIAL_COUNT: *value = cpu->initial_count; break;
    case APIC_CURRENT_COUNT: *value = lapic_timer_count(cpu); break;
    case APIC_DIVIDE: *value = cpu->divide; break;
    case APIC_APR: /* not in this kind of APIC, but no errors either */
    case APIC_RRD:
    case APIC_EOI: break;
    default: return false;
    }
    return true;
}

static bool register_write(struct lapic_cpu *cpu, unsigned offset, uint32_t value)
{
    if (is_lvt(offset)) {
        lvt_write(cpu, lvt_at(offset), value);
        return true;
    }
    switch (offset) {
    case APIC_TPR: tpr_set(cpu, value); break;
    case APIC_EOI: lapic_eoi(cpu); break;
    case APIC_LDR: cpu->ldr = value & 0xff000000; break;
    case APIC_DFR: cpu->dfr = value | 0x0fffffff; break;
    case APIC_SVR: svr_write(cpu, value); break;
    case APIC_ESR:
        cpu->esr = cpu->errors;
        cpu->errors = 0;
        break;
    case APIC_ICR:
        cpu->icr = bits_set(cpu->icr, 0, 32, value & ICR_LOW_WRITTEN);
        lapic_icr_send(cpu);
        break;
    case APIC_ICR_HIGH: cpu->icr = bits_set(cpu->icr, 32, 32, value & 0xff000000); break;
    case APIC_INITIAL_COUNT: lapic_timer_count_write(cpu, value); break;
    case APIC_DIVIDE: lapic_timer_divide_write(cpu, value & 0xb); break;
    case APIC_ID: /* read-only in this kind of APIC, as are these */
    case APIC_VERSION:
    case APIC_APR:
    case APIC_PPR:
    case APIC_RRD:
    case APIC_CURRENT_COUNT: break;
    default: return offset >= APIC_ISR && offset < APIC_ESR;
    }
    return true;
}

uint32_t lapic_read(struct lapic *lapic, unsigned cpu, unsigned offset)
{
    uint32_t value;
    if (offset % 16) /* 11.4.1: registers are at multiples of 16, the bytes between undefined */
        return 0;
    if (!register_read(&lapic->cpus[cpu], offset, &value))
        lapic_error_raise(&lapic->cpus[cpu], ESR_ILLEGAL_REGISTER);
    return value;
}

void lapic_write(struct lapic *lapic, unsigned cpu, unsigned offset, uint32_t value)
{
    if (offset % 16 == 0 && !register_write(&lapic->cpus[cpu], offset, value))
        lapic_error_raise(&lapic->cpus[cpu], ESR_ILLEGAL_REGISTER);
}

/* Table 11-6: bits of an MSR that must be zero when it is written; all for a register that can't be. */
static uint64_t x2apic_reserved(unsigned offset)
{
    if (is_lvt(offset))
        return ~(uint64_t)(lvt_writable[lvt_at(offset)] | LVT_STATUS | LVT_REMOTE_IRR);
    switch (offset) {
    case APIC_TPR:
    case APIC_SELF_IPI: return ~(uint64_t)0xff;
    case APIC_SVR: return ~(uint64_t)SVR_WRITABLE;
    case APIC_ICR: return 0xfff32000;
    case APIC_INITIAL_COUNT: return ~(uint64_t)UINT32_MAX;
    case APIC_DIVIDE: return ~(uint64_t)0xb;
    default: return ~(uint64_t)0;
    }
}

static bool is_x2apic_writable(unsigned offset)
{
    return x2apic_reserved(offset) != ~(uint64_t)0 || offset == APIC_EOI || offset == APIC_ESR;
}

bool lapic_msr_read(struct lapic *lapic, unsigned number, uint32_t msr, uint64_t *value)
{
    struct lapic_cpu *cpu = &lapic->cpus[number];
    unsigned offset = (msr - MSR_X2APIC) * 16;
    uint32_t low;
    if (msr == MSR_TSC_DEADLINE) {
        *value = lapic_tsc_deadline_get(cpu);
        return true;
    }
    if (!lapic_is_x2apic(cpu) || offset == APIC_DFR || offset == APIC_ICR_HIGH || offset == APIC_EOI ||
        offset == APIC_APR || offset == APIC_RRD || !register_read(cpu, offset, &low))
        return false;
    *value = offset == APIC_ICR ? cpu->icr : low;
    return true;
}

bool lapic_msr_write(struct lapic *lapic, unsigned number, uint32_t msr, uint64_t value)
{
    struct lapic_cpu *cpu = &lapic->cpus[number];
    unsigned offset = (msr - MSR_X2APIC) * 16;
    if (msr == MSR_TSC_DEADLINE) {
        lapic_tsc_deadline_set(cpu, value);
        return true;
    }
    if (!lapic_is_x2apic(cpu) || !is_x2apic_writable(offset) || value & x2apic_reserved(offset))
        return false;
    if (offset == APIC_SELF_IPI) {
        lapic_self_send(cpu, (uint8_t)value);
    } else if (offset == APIC_ICR) {
        cpu->icr = value & ~(uint64_t)LVT_STATUS;
        lapic_icr_send(cpu);
    } else {
        register_write(cpu, offset, (uint32_t)value);
    }
    return true;
}

static void pin_set(void *opaque, unsigned pin, bool level)
{
    struct lapic *lapic = opaque;
    for (unsigned i = 0; i < lapic->count; i++)
        lapic_pin_set(&lapic->cpus[i], pin, level);
}

struct irq_line lapic_lint(struct lapic *lapic, unsigned pin)
{
    return (struct irq_line){pin_set, lapic, pin};
}

struct msi_target lapic_msi(struct lapic *lapic)
{
    return (struct msi_target){lapic_message_receive, lapic};
}

void lapic_eoi_connect(struct lapic *lapic, void (*ended)(void *opaque, uint8_t vector), void *opaque)
{
    lapic->ended = ended;
    lapic->ended_opaque = opaque;
}

void lapic_signal(struct lapic *lapic, unsigned number, enum lapic_source source)
{
    static const enum lvt entries[] = {LVT_THERMAL, LVT_PERFORMANCE, LVT_CMCI};
    struct lapic_cpu *cpu = &lapic->cpus[number];
    lapic_local_deliver(cpu, entries[source]);
    if (source == LAPIC_PERFORMANCE) /* 19.2.2: delivery masks the entry */
        cpu->lvt[LVT_PERFORMANCE] |= LVT_MASKED;
}

static void restored(void *object)
{
    struct lapic_cpu *cpu = object;
    lapic_pages_update(cpu->lapic);
    clock_timer_set(cpu->timer, cpu->timer_deadline);
    intr_drive(cpu, vector_ready(cpu) >= 0 || external_pending(cpu));
}

/* 11.4.7: the state after power-up and reset. */
static const struct state_field fields[] = {
    STATE(struct lapic_cpu, base, .reset = APIC_BASE_DEFAULT | APIC_BASE_ENABLE),
    STATE(struct lapic_cpu, tpr),
    STATE(struct lapic_cpu, ldr),
    STATE(struct lapic_cpu, dfr, .reset = 0xffffffff),
    STATE(struct lapic_cpu, svr, .reset = 0xff),
    STATE_ARRAY(struct lapic_cpu, isr),
    STATE_ARRAY(struct lapic_cpu, tmr),
    STATE_ARRAY(struct lapic_cpu, irr),
    STATE(struct lapic_cpu, esr),
    STATE(struct lapic_cpu, errors),
    STATE(struct lapic_cpu, icr),
    STATE_ARRAY(struct lapic_cpu, lvt, .reset = LVT_MASKED),
    STATE_ARRAY(struct lapic_cpu, pins, .keep = true),
    STATE(struct lapic_cpu, external_message),
    STATE(struct lapic_cpu, initial_count),
    STATE(struct lapic_cpu, divide),
    STATE(struct lapic_cpu, timer_ended),
    STATE(struct lapic_cpu, timer_start),
    STATE(struct lapic_cpu, timer_deadline, .reset = CLOCK_NEVER),
    STATE(struct lapic_cpu, tsc_deadline),
};
static const struct state_table table = {"lapic", 1, fields, ARRAY_LEN(fields), restored};

/* 11.4.7.3: as a reset, but the mode and the place of the registers stay. */
void lapic_cpu_init(struct lapic_cpu *cpu)
{
    uint64_t base = cpu->base;
    state_reset(&table, cpu, false);
    cpu->base = base;
    if (lapic_is_x2apic(cpu))
        cpu->ldr = lapic_x2apic_ldr(cpu);
    lapic_pages_update(cpu->lapic);
    lapic_intr_update(cpu);
}

static const struct state_field shared_fields[] = {STATE(struct lapic, arbitration)};
static const struct state_table shared_table = {"lapic-arbitration", 1, shared_fields, 1, NULL};

static void lapic_destroy(void *object)
{
    struct lapic *lapic = object;
    for (unsigned i = 0; i < lapic->count; i++)
        clock_timer_destroy(lapic->cpus[i].timer);
    free(lapic->pages);
    free(lapic);
}

struct lapic *lapic_create(struct machine *machine, const struct lapic_config *config, struct error *err)
{
    struct lapic *lapic = machine_alloc(sizeof(*lapic) + config->cpus * sizeof(lapic->cpus[0]));
    lapic->machine = machine;
    lapic->timer_hz = config->timer_hz;
    lapic->physical_bits = config->physical_bits;
    lapic->processors = config->processors;
    lapic->count = config->cpus;
    lapic->pages = machine_alloc((config->cpus + 1) * sizeof(lapic->pages[0]));
    for (unsigned i = 0; i < config->cpus; i++) {
        struct lapic_cpu *cpu = &lapic->cpus[i];
        cpu->lapic = lapic;
        cpu->index = i;
        cpu->id = config->ids ? config->ids[i] : i;
        cpu->base = APIC_BASE_DEFAULT;
        cpu->timer = clock_timer_create(machine->clock, lapic_timer_fired, cpu);
        snprintf(cpu->name, sizeof(cpu->name), "lapic%u", i);
    }
    bool good = lapic_pages_create(lapic, err);
    machine_device_add(machine, "lapic", &shared_table, lapic, lapic_destroy);
    for (unsigned i = 0; i < config->cpus; i++)
        machine_device_add(machine, lapic->cpus[i].name, &table, &lapic->cpus[i], NULL);
    return good ? lapic : NULL;
}
