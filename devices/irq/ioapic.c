#include "devices/irq/ioapic.h"

#include <stdlib.h>

#include "base/bits.h"
#include "base/trace.h"

/* 82093AA, 3.0, and the EOI register of version 0x20 (ICH9, 13.5). */
enum {
    IOREGSEL = 0x00,
    IOWIN = 0x10,
    EOIR = 0x40,
};
enum {
    IOAPICID = 0x00,
    IOAPICVER = 0x01,
    IOAPICARB = 0x02,
    IOREDTBL = 0x10,
};
#define VERSION (0x20u | (IOAPIC_PINS - 1) << 16)

/*
 * The polarity (bit 13) is kept and has no effect. It says which voltage of a pin means that an interrupt is
 * asked for; an irq_line tells just that, and has no voltage. Software that chooses the other polarity than
 * the board's ACPI tables name would get interrupts all the time, or none, on a real machine; here it gets
 * what it wants.
 */
#define ENTRY_LOGICAL    ((uint64_t)0x00800)
#define ENTRY_REMOTE_IRR ((uint64_t)0x04000)
#define ENTRY_LEVEL      ((uint64_t)0x08000)
#define ENTRY_MASKED     ((uint64_t)0x10000)
#define ENTRY_WRITABLE   ((uint64_t)0xff0000000001afff)

/* Delivery modes that are edges whatever the trigger bit says (3.2.4): SMI, NMI, INIT, ExtINT. */
#define EDGE_MODES 0xb4u

struct ioapic {
    struct machine *machine;
    struct msi_target msi;
    uint8_t id, select;
    uint32_t lines;   /* levels of the pins */
    uint32_t pending; /* edges that came and were not sent yet */
    uint64_t entries[IOAPIC_PINS];
};

static bool is_level(uint64_t entry)
{
    return entry & ENTRY_LEVEL && !(EDGE_MODES >> bits_get(entry, 8, 3) & 1);
}

static void entry_send(struct ioapic *ioapic, unsigned pin)
{
    uint64_t entry = ioapic->entries[pin];
    struct msi_message message = {
        .address = 0xfee00000 | bits_get(entry, 56, 8) << 12 | (entry & ENTRY_LOGICAL ? 4 : 0),
        .data = (uint32_t)(entry & 0x7ff) | (is_level(entry) ? 0xc000 : 0),
    };
    if (trace_on(TRACE_IRQ))
        trace_line(TRACE_IRQ, -1, "ioapic: pin %u sends %#x", pin, message.data);
    ioapic->msi.deliver(ioapic->msi.opaque, message);
}

/*
 * Send what a pin has to send now. A level is sent once and again after each end of service (remote IRR); an
 * edge that comes while the pin is masked is lost (3.2.4).
 */
static void pin_update(struct ioapic *ioapic, unsigned pin)
{
    uint64_t *entry = &ioapic->entries[pin];
    uint32_t bit = (uint32_t)1 << pin;
    if (*entry & ENTRY_MASKED) {
        ioapic->pending &= ~bit;
        return;
    }
    if (is_level(*entry)) {
        ioapic->pending &= ~bit;
        if (!(ioapic->lines & bit) || *entry & ENTRY_REMOTE_IRR)
            return;
        *entry |= ENTRY_REMOTE_IRR;
        entry_send(ioapic, pin);
    } else if (ioapic->pending & bit) {
        ioapic->pending &= ~bit;
        entry_send(ioapic, pin);
    }
}

static void line_set(void *opaque, unsigned pin, bool level)
{
    struct ioapic *ioapic = opaque;
    uint32_t bit = (uint32_t)1 << pin;
    if (level && !(ioapic->lines & bit))
        ioapic->pending |= bit;
    ioapic->lines = level ? ioapic->lines | bit : ioapic->lines & ~bit;
    pin_update(ioapic, pin);
}

struct irq_line ioapic_line(struct ioapic *ioapic, unsigned pin)
{
    return (struct irq_line){line_set, ioapic, pin};
}

void ioapic_eoi(void *opaque, uint8_t vector)
{
    struct ioapic *ioapic = opaque;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t *entry = &ioapic->entries[pin];
        if ((uint8_t)*entry != vector || !(*entry & ENTRY_REMOTE_IRR))
            continue;
        *entry &= ~ENTRY_REMOTE_IRR;
        pin_update(ioapic, pin);
    }
}

static uint32_t register_read(const struct ioapic *ioapic)
{
    unsigned select = ioapic->select;
    if (select >= IOREDTBL && select < IOREDTBL + 2 * IOAPIC_PINS)
        return (uint32_t)(ioapic->entries[(select - IOREDTBL) / 2] >> (select & 1 ? 32 : 0));
    switch (select) {
    case IOAPICID:
    case IOAPICARB: return (uint32_t)ioapic->id << 24;
    case IOAPICVER: return VERSION;
    default: return 0;
    }
}

/* An entry made edge-triggered forgets its remote IRR: software without the EOI register ends a level so. */
static void entry_write(struct ioapic *ioapic, unsigned select, uint32_t value)
{
    unsigned pin = (select - IOREDTBL) / 2;
    uint64_t *entry = &ioapic->entries[pin];
    uint64_t written = bits_set(*entry, select & 1 ? 32 : 0, 32, value) & ENTRY_WRITABLE;
    *entry = written | (is_level(written) ? *entry & ENTRY_REMOTE_IRR : 0);
    pin_update(ioapic, pin);
}

static uint64_t ioapic_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct ioapic *ioapic = opaque;
    (void)width;
    switch (offset) {
    case IOREGSEL: return ioapic->select;
    case IOWIN: return register_read(ioapic);
    default: return 0;
    }
}

static void ioapic_write(void *opaque, uint64_t offset, uint64_t written, unsigned width)
{
    struct ioapic *ioapic = opaque;
    uint32_t value = (uint32_t)written;
    switch (offset) {
    case IOREGSEL: ioapic->select = (uint8_t)value; break;
    case IOWIN:
        if (width != 4)
            log_guest("ioapic: a %u-byte write of a register is ignored", width);
        else if (ioapic->select == IOAPICID)
            ioapic->id = value >> 24 & 0xf;
        else if (ioapic->select >= IOREDTBL && ioapic->select < IOREDTBL + 2 * IOAPIC_PINS)
            entry_write(ioapic, ioapic->select, value);
        break;
    case EOIR: ioapic_eoi(ioapic, (uint8_t)value); break;
    default: break;
    }
}

static const struct state_field fields[] = {
    STATE(struct ioapic, id),
    STATE(struct ioapic, select),
    STATE(struct ioapic, lines, .keep = true),
    STATE(struct ioapic, pending),
    STATE_ARRAY(struct ioapic, entries, .reset = ENTRY_MASKED),
};
static const struct state_table table = {"ioapic", 1, fields, ARRAY_LEN(fields), NULL};

struct ioapic *ioapic_create(struct machine *machine, const struct ioapic_config *config, struct error *err)
{
    struct ioapic *ioapic = machine_alloc(sizeof(*ioapic));
    struct bus_region region = {.name = "ioapic",
                                .base = config->base,
                                .size = PAGE_SIZE,
                                .max_width = 4,
                                .read = ioapic_read,
                                .write = ioapic_write,
                                .opaque = ioapic};
    unsigned id;
    ioapic->machine = machine;
    ioapic->msi = config->msi;
    machine_device_add(machine, "ioapic", &table, ioapic, free);
    return bus_add(machine->mem.mmio, &region, &id, err) ? ioapic : NULL;
}
