/*
 * Interrupt messages between APICs: who is meant, and what arrival does (SDM 3, 11.6 to 11.8). Messages come
 * from interrupt command registers, from devices (MSI, the I/O APIC) and from the local vector table.
 */
#include "base/bits.h"
#include "base/trace.h"
#include "devices/irq/lapic_internal.h"

int lapic_vector_highest(const uint32_t bits[8])
{
    for (int i = 7; i >= 0; i--) {
        if (bits[i])
            return 32 * i + 31 - __builtin_clz(bits[i]);
    }
    return -1;
}

static void vector_set(uint32_t bits[8], unsigned vector, bool value)
{
    uint32_t bit = (uint32_t)1 << vector % 32;
    bits[vector / 32] = value ? bits[vector / 32] | bit : bits[vector / 32] & ~bit;
}

static bool vector_get(const uint32_t bits[8], unsigned vector)
{
    return bits[vector / 32] >> vector % 32 & 1;
}

/* Figure 11-18. */
uint8_t lapic_ppr(const struct lapic_cpu *cpu)
{
    int vector = lapic_vector_highest(cpu->isr);
    uint32_t in_service = vector < 0 ? 0 : (uint32_t)vector & 0xf0;
    return (uint8_t)((cpu->tpr & 0xf0) >= in_service ? cpu->tpr : in_service);
}

/* 11.5.3: an error is remembered until ESR is written. An error entry with an illegal vector would be an
 * error of its own, without end. */
void lapic_error_raise(struct lapic_cpu *cpu, uint32_t error)
{
    bool again = cpu->errors & error;
    cpu->errors |= error;
    if (!again)
        lapic_local_deliver(cpu, LVT_ERROR);
}

static void vector_accept(struct lapic_cpu *cpu, uint8_t vector, bool level)
{
    if (!(cpu->svr & SVR_ENABLE))
        return;
    if (vector < 16) {
        lapic_error_raise(cpu, ESR_RECEIVE_ILLEGAL);
        return;
    }
    vector_set(cpu->irr, vector, true);
    vector_set(cpu->tmr, vector, level);
    if (trace_on(TRACE_IRQ))
        trace_line(TRACE_IRQ, (int)cpu->index, "lapic: vector %#x", vector);
    lapic_intr_update(cpu);
}

static void message_accept(struct lapic_cpu *cpu, uint8_t mode, uint8_t vector, bool level)
{
    const struct lapic_processors *processors = &cpu->lapic->processors;
    switch (mode) {
    case DELIVERY_FIXED:
    case DELIVERY_LOWEST: vector_accept(cpu, vector, level); break;
    case DELIVERY_SMI: processors->smi(processors->opaque, cpu->index); break;
    case DELIVERY_NMI: processors->nmi(processors->opaque, cpu->index); break;
    case DELIVERY_INIT:
        lapic_cpu_init(cpu);
        processors->init(processors->opaque, cpu->index);
        break;
    case DELIVERY_SIPI: processors->sipi(processors->opaque, cpu->index, vector); break;
    case DELIVERY_EXTERNAL:
        cpu->external_message = true;
        lapic_intr_update(cpu);
        break;
    default: log_guest("local APIC: a message of the reserved mode %u is dropped", mode);
    }
}

/* 11.6.2.2: by the destination formats of xAPIC, or by cluster in x2APIC mode (11.12.10.1). */
static bool logical_match(const struct lapic_cpu *cpu, uint32_t destination)
{
    if (lapic_is_x2apic(cpu))
        return cpu->ldr >> 16 == destination >> 16 && cpu->ldr & destination & 0xffff;
    uint32_t logical = cpu->ldr >> 24;
    if (cpu->dfr >> 28 == 0xf)
        return logical & destination;
    return logical >> 4 == destination >> 4 && logical & destination & 0xf;
}

static bool is_destination(const struct lapic_cpu *cpu, const struct lapic_message *message)
{
    if (!lapic_enabled(cpu))
        return false;
    if (message->broadcast)
        return true;
    return message->logical ? logical_match(cpu, message->destination) : cpu->id == message->destination;
}

/* 11.6.2.4: the processor of lowest priority among those meant; of equal ones, each in its turn. */
static struct lapic_cpu *arbitrate(struct lapic *lapic, const struct lapic_message *message)
{
    struct lapic_cpu *best = NULL;
    for (unsigned i = 0; i < lapic->count; i++) {
        struct lapic_cpu *cpu = &lapic->cpus[(lapic->arbitration + i) % lapic->count];
        if (!is_destination(cpu, message) || !(cpu->svr & SVR_ENABLE))
            continue;
        if (!best || lapic_ppr(cpu) >> 4 < lapic_ppr(best) >> 4)
            best = cpu;
    }
    if (best)
        lapic->arbitration = (best->index + 1) % lapic->count;
    return best;
}

void lapic_message_send(struct lapic *lapic, const struct lapic_message *message)
{
    if (message->mode == DELIVERY_LOWEST) {
        struct lapic_cpu *cpu = arbitrate(lapic, message);
        if (cpu)
            message_accept(cpu, message->mode, message->vector, message->level);
        return;
    }
    for (unsigned i = 0; i < lapic->count; i++) {
        if (is_destination(&lapic->cpus[i], message))
            message_accept(&lapic->cpus[i], message->mode, message->vector, message->level);
    }
}

/*
 * 11.11: bits 19 to 12 of the address name the destination, bit 3 asks for the processor of lowest priority,
 * bit 2 says whether it is a logical one; the data are like the low half of an ICR.
 */
bool lapic_message_receive(void *opaque, struct msi_message written)
{
    struct lapic *lapic = opaque;
    if (written.address >> 20 != APIC_BASE_DEFAULT >> 20)
        return false;
    struct lapic_message message = {
        .destination = (uint32_t)bits_get(written.address, 12, 8),
        .broadcast = bits_get(written.address, 12, 8) == 0xff,
        .logical = written.address >> 2 & 1,
        .mode = written.data >> 8 & 7,
        .vector = (uint8_t)written.data,
        .level = written.data >> 15 & 1,
    };
    if (message.mode == DELIVERY_FIXED && written.address & 8)
        message.mode = DELIVERY_LOWEST;
    if (message.mode == DELIVERY_SIPI) {
        log_guest("local APIC: a device can't send the reserved message %#x", written.data);
        return true;
    }
    lapic_message_send(lapic, &message);
    return true;
}

static void others_send(struct lapic_cpu *cpu, const struct lapic_message *message)
{
    for (unsigned i = 0; i < cpu->lapic->count; i++) {
        struct lapic_cpu *other = &cpu->lapic->cpus[i];
        if (other != cpu && lapic_enabled(other))
            message_accept(other, message->mode, message->vector, message->level);
    }
}

/* Figure 11-12, and 11-28 for x2APIC mode, which differ in the destination only. */
void lapic_icr_send(struct lapic_cpu *cpu)
{
    uint32_t low = (uint32_t)cpu->icr, destination = (uint32_t)(cpu->icr >> 32);
    bool wide = lapic_is_x2apic(cpu);
    struct lapic_message message = {
        .destination = wide ? destination : destination >> 24,
        .broadcast = wide ? destination == UINT32_MAX : destination >> 24 == 0xff,
        .logical = low >> 11 & 1,
        .mode = low >> 8 & 7,
        .vector = (uint8_t)low,
    };
    unsigned shorthand = low >> 18 & 3;
    bool deassert = (low & 0xc000) == 0x8000; /* level-triggered, not asserted */
    if (message.mode == DELIVERY_INIT && deassert)
        return; /* only ever meant for the arbitration of the first APICs */
    if (message.mode == 3 || message.mode == DELIVERY_EXTERNAL) {
        log_guest("local APIC: an ICR with the reserved delivery mode %u", message.mode);
        return;
    }
    if (message.mode <= DELIVERY_LOWEST && message.vector < 16) {
        lapic_error_raise(cpu, ESR_SEND_ILLEGAL);
        return;
    }
    switch (shorthand) {
    case 0: lapic_message_send(cpu->lapic, &message); break;
    case 1: message_accept(cpu, message.mode, message.vector, false); break;
    case 2:
        message.broadcast = true;
        lapic_message_send(cpu->lapic, &message);
        break;
    default: others_send(cpu, &message);
    }
}

void lapic_self_send(struct lapic_cpu *cpu, uint8_t vector)
{
    if (vector < 16)
        lapic_error_raise(cpu, ESR_SEND_ILLEGAL);
    else
        vector_accept(cpu, vector, false);
}

void lapic_local_deliver(struct lapic_cpu *cpu, enum lvt entry)
{
    uint32_t value = cpu->lvt[entry];
    if (value & LVT_MASKED)
        return;
    /* The timer's and the error's entries have no mode: there these bits are zero, which is fixed. */
    uint8_t mode = value >> 8 & 7;
    bool pin = entry == LVT_LINT0 || entry == LVT_LINT1;
    bool level = pin && mode == DELIVERY_FIXED && value & LVT_LEVEL;
    if (mode == DELIVERY_EXTERNAL) /* a level: lapic_intr_update looks at the pin */
        lapic_intr_update(cpu);
    else if (!(level && value & LVT_REMOTE_IRR))
        message_accept(cpu, mode, (uint8_t)value, level);
    if (level)
        cpu->lvt[entry] |= LVT_REMOTE_IRR;
}

static bool pin_active(const struct lapic_cpu *cpu, unsigned pin)
{
    bool low = cpu->lvt[LVT_LINT0 + pin] & LVT_POLARITY_LOW;
    return cpu->pins[pin] != low;
}

void lapic_pin_set(struct lapic_cpu *cpu, unsigned pin, bool level)
{
    bool before = pin_active(cpu, pin), rises = level && !cpu->pins[pin];
    const struct lapic_processors *processors = &cpu->lapic->processors;
    cpu->pins[pin] = level;
    if (!lapic_enabled(cpu)) { /* 11.4.3: the pins are INTR and NMI of a processor without APIC */
        if (pin == 1 && rises)
            processors->nmi(processors->opaque, cpu->index);
    } else if (pin_active(cpu, pin) && !before) {
        lapic_local_deliver(cpu, (enum lvt)(LVT_LINT0 + pin));
    }
    lapic_intr_update(cpu);
}

/* 11.8.5: the end of the service; of a level-triggered interrupt the I/O APICs are told. */
void lapic_eoi(struct lapic_cpu *cpu)
{
    struct lapic *lapic = cpu->lapic;
    int vector = lapic_vector_highest(cpu->isr);
    if (vector < 0)
        return;
    vector_set(cpu->isr, (unsigned)vector, false);
    for (unsigned pin = 0; pin < 2; pin++) {
        uint32_t *lvt = &cpu->lvt[LVT_LINT0 + pin];
        if (!(*lvt & LVT_REMOTE_IRR) || (uint8_t)*lvt != vector)
            continue;
        *lvt &= ~LVT_REMOTE_IRR;
        if (pin_active(cpu, pin))
            lapic_local_deliver(cpu, (enum lvt)(LVT_LINT0 + pin));
    }
    if (vector_get(cpu->tmr, (unsigned)vector) && !(cpu->svr & SVR_EOI_SUPPRESS) && lapic->ended)
        lapic->ended(lapic->ended_opaque, (uint8_t)vector);
    lapic_intr_update(cpu);
}
