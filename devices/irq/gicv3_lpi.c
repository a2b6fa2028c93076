/*
 * LPIs (IHI0069, chapter 5): their configuration and pending bits live in guest memory and are used where
 * they lie. Software promises to leave the pending bits alone; if it doesn't, interrupts are lost or too
 * many.
 */
#include "base/bits.h"
#include "base/trace.h"
#include "devices/irq/gicv3_internal.h"

#define PROPBASER_ID_BITS 0x1f
#define PROPBASER_ADDRESS 0x000ffffffffff000ull
#define PENDBASER_ADDRESS 0x000fffffffff0000ull

#define CONFIG_ENABLE   0x01
#define CONFIG_PRIORITY 0xfc

/* One past the highest LPI the tables have room for. */
static uint32_t lpis_end(const struct gicv3_cpu *cpu)
{
    unsigned id_bits = (cpu->propbaser & PROPBASER_ID_BITS) + 1;
    if (!(cpu->ctlr & GICR_CTLR_ENABLE_LPIS))
        return 0;
    return 1u << (id_bits < GICV3_ID_BITS ? id_bits : GICV3_ID_BITS);
}

static struct ram *ram_of(const struct gicv3_cpu *cpu)
{
    return cpu->gic->machine->mem.ram;
}

static gpa_t pending_at(const struct gicv3_cpu *cpu, uint32_t intid)
{
    return gpa((cpu->pendbaser & PENDBASER_ADDRESS) + intid / 8);
}

static gpa_t config_at(const struct gicv3_cpu *cpu, uint32_t intid)
{
    return gpa((cpu->propbaser & PROPBASER_ADDRESS) + (intid - GICV3_LPI_FIRST));
}

/* Offer a pending LPI, if its configuration enables it. LPIs are always in Group 1. */
static void lpi_offer(struct gicv3_cpu *cpu, uint32_t intid, uint8_t config)
{
    uint8_t priority = config & CONFIG_PRIORITY & GICV3_PRIORITY_MASK;
    if (config & CONFIG_ENABLE && priority < cpu->lpi.priority)
        cpu->lpi = (struct gicv3_pending){intid, priority, 1};
}

/* 64 LPIs at once, as a table may hold many. */
static void lpis_offer(struct gicv3_cpu *cpu, uint32_t first, uint64_t pending)
{
    uint8_t config[64];
    if (!ram_read(ram_of(cpu), config_at(cpu, first), config, sizeof(config))) {
        log_guest("GIC: the LPI configuration table is not in RAM");
        return;
    }
    for (; pending; pending &= pending - 1) {
        unsigned i = (unsigned)__builtin_ctzll(pending);
        cpu->lpis_pending++;
        lpi_offer(cpu, first + i, config[i]);
    }
}

/* A part of the pending table. */
#define PART_BYTES 512

static bool part_read(const struct gicv3_cpu *cpu, uint32_t first, uint8_t part[static PART_BYTES])
{
    if (ram_read(ram_of(cpu), pending_at(cpu, first), part, PART_BYTES))
        return true;
    log_guest("GIC: the LPI pending table is not in RAM");
    return false;
}

void gicv3_lpi_refresh(struct gicv3_cpu *cpu)
{
    uint8_t part[PART_BYTES];
    uint32_t end = lpis_end(cpu);
    cpu->lpi = GICV3_NOTHING;
    cpu->lpis_pending = 0;
    for (uint32_t first = GICV3_LPI_FIRST; first < end; first += 8 * PART_BYTES) {
        if (!part_read(cpu, first, part))
            return;
        for (uint32_t i = 0; i < PART_BYTES; i += 8) {
            uint64_t pending = le64_load(part + i);
            if (pending)
                lpis_offer(cpu, first + 8 * i, pending);
        }
    }
}

/* The byte that holds an LPI's pending bit. False: no such LPI. */
static bool pending_byte(struct gicv3_cpu *cpu, uint32_t intid, uint8_t *byte)
{
    return intid >= GICV3_LPI_FIRST && intid < lpis_end(cpu) &&
           ram_read(ram_of(cpu), pending_at(cpu, intid), byte, 1);
}

bool gicv3_lpi_pending(struct gicv3_cpu *cpu, uint32_t intid)
{
    uint8_t byte;
    return pending_byte(cpu, intid, &byte) && byte >> intid % 8 & 1;
}

static void lpi_put(struct gicv3_cpu *cpu, uint32_t intid, uint8_t byte, bool pending)
{
    uint8_t bit = (uint8_t)(1u << intid % 8);
    byte = pending ? byte | bit : byte & (uint8_t)~bit;
    ram_write(ram_of(cpu), pending_at(cpu, intid), &byte, 1);
    if (pending) {
        uint8_t config = 0;
        ram_read(ram_of(cpu), config_at(cpu, intid), &config, 1);
        cpu->lpis_pending++;
        lpi_offer(cpu, intid, config);
        return;
    }
    if (cpu->lpis_pending)
        cpu->lpis_pending--;
    if (!cpu->lpis_pending)
        cpu->lpi = GICV3_NOTHING;
    else if (cpu->lpi.intid == intid)
        gicv3_lpi_refresh(cpu);
}

void gicv3_lpi_set(struct gicv3_cpu *cpu, uint32_t intid, bool pending)
{
    uint8_t byte;
    if (!pending_byte(cpu, intid, &byte)) {
        log_guest("GIC: LPI %u is not in the tables of CPU %td", intid, cpu - cpu->gic->cpus);
        return;
    }
    if (trace_on(TRACE_IRQ))
        trace_line(TRACE_IRQ, (int)(cpu - cpu->gic->cpus), "gic LPI %u %s", intid,
                   pending ? "pending" : "clear");
    if ((byte >> intid % 8 & 1) != pending)
        lpi_put(cpu, intid, byte, pending);
    gicv3_cpu_update(cpu);
}

void gicv3_lpi_move_all(struct gicv3_cpu *from, struct gicv3_cpu *to)
{
    static const uint8_t nothing[PART_BYTES];
    uint8_t source[PART_BYTES], target[PART_BYTES];
    uint32_t end = lpis_end(from) < lpis_end(to) ? lpis_end(from) : lpis_end(to);
    if (from == to)
        return;
    for (uint32_t first = GICV3_LPI_FIRST; first < end; first += 8 * PART_BYTES) {
        if (!part_read(from, first, source) || !part_read(to, first, target))
            break;
        for (size_t i = 0; i < PART_BYTES; i++)
            target[i] |= source[i];
        ram_write(ram_of(to), pending_at(to, first), target, PART_BYTES);
        ram_write(ram_of(from), pending_at(from, first), nothing, PART_BYTES);
    }
    gicv3_lpi_refresh(from);
    gicv3_lpi_refresh(to);
    gicv3_cpu_update(from);
    gicv3_cpu_update(to);
}
