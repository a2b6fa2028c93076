/* The command list of an AHCI port: fetching, data transfer, and ends (AHCI 1.3.1, 4.2.2 and 5.5). */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/ahci_internal.h"

#define HEADER_SIZE 32u
#define TABLE_CFIS  0x00
#define TABLE_ACMD  0x40
#define TABLE_PRDT  0x80
#define PRD_SIZE    16u

#define FIS_HOST_TO_DEVICE 0x27
#define CONTROL_RESET      0x04

#define STATUS_GOOD (ATA_STATUS_READY | ATA_STATUS_SEEK)

static struct ram *ram_of(const struct ahci_port *port)
{
    return port->ahci->machine->mem.ram;
}

static gpa_t header_of(const struct ahci_slot *slot)
{
    return gpa(slot->port->clb + slot->tag * HEADER_SIZE);
}

/* The port stops at this command; its bit in CI stays, by which software finds it. */
static void port_halt(struct ahci_port *port, uint32_t why)
{
    port->halted = true;
    ahci_port_interrupt(port, why);
}

static void slot_free(struct ahci_slot *slot)
{
    slot->active = false;
    dma_free(&slot->dma);
}

static void bytes_count(const struct ahci_slot *slot, uint64_t bytes)
{
    uint8_t count[4];
    le32_store(count, (uint32_t)bytes);
    ram_write(ram_of(slot->port), gpa_add(header_of(slot), 4), count, sizeof(count));
}

static void slot_failed(struct ahci_slot *slot)
{
    struct ahci_port *port = slot->port;
    struct ata_device *device = port->device;
    bool queued = slot->queued;
    struct ata_action action = slot->action;
    slot_free(slot);
    port->halted = true;
    if (queued) {
        if (device->queue_failed)
            device->queue_failed(device, slot->tag, &action);
        ahci_fis_set_bits(port, 0, STATUS_GOOD | ATA_STATUS_ERROR, action.error);
    } else {
        ahci_fis_register(port, &action, STATUS_GOOD | ATA_STATUS_ERROR);
    }
}

static void slot_done(struct ahci_slot *slot)
{
    struct ahci_port *port = slot->port;
    struct ata_action action = slot->action;
    bool pio_in = action.pio && !action.write && !action.packet && action.len;
    uint64_t moved = slot->dma.bytes;
    uint32_t bit = (uint32_t)1 << slot->tag;
    bool queued = slot->queued, interrupt = slot->interrupt;
    bytes_count(slot, moved);
    slot_free(slot);
    if (interrupt)
        ahci_port_interrupt(port, IS_PRD);
    if (queued) {
        ahci_fis_set_bits(port, bit, STATUS_GOOD, 0);
        return;
    }
    port->ci &= ~bit;
    if (action.pio && moved)
        ahci_fis_pio_setup(port, &action, STATUS_GOOD, moved);
    if (!pio_in) /* SATA 2.6, 11.8: after data by PIO the host has its status already */
        ahci_fis_register(port, &action, STATUS_GOOD);
}

/* Add the guest's buffers up to `wanted` bytes; 0 or the interrupt status bit of what is wrong. */
static uint32_t prdt_add(struct ahci_slot *slot, gpa_t prdt, unsigned count, uint64_t wanted)
{
    uint8_t prd[PRD_SIZE];
    for (unsigned i = 0; i < count && slot->dma.bytes < wanted; i++) {
        if (!ram_read(ram_of(slot->port), gpa_add(prdt, (uint64_t)i * PRD_SIZE), prd, PRD_SIZE))
            return IS_HOST_BUS;
        uint32_t word = le32_load(prd + 12);
        uint64_t len = (word & 0x3fffff) + 1, left = wanted - slot->dma.bytes;
        if (!dma_add(&slot->dma, gpa(le64_load(prd) & ~(uint64_t)1), len < left ? len : left))
            return IS_HOST_BUS;
        slot->interrupt |= word >> 31;
    }
    return slot->dma.bytes < wanted ? IS_OVERFLOW : 0;
}

/* Find the guest's memory for a transfer of `len` bytes; false: the port has halted. */
static bool buffers_find(struct ahci_slot *slot, uint64_t len, bool to_guest)
{
    uint8_t header[HEADER_SIZE];
    dma_init(&slot->dma, ram_of(slot->port), to_guest ? RAM_WRITE : RAM_READ);
    if (!ram_read(ram_of(slot->port), header_of(slot), header, sizeof(header))) {
        port_halt(slot->port, IS_HOST_BUS);
        return false;
    }
    uint64_t table = le64_load(header + 8) & ~(uint64_t)0x7f;
    uint32_t wrong = prdt_add(slot, gpa(table + TABLE_PRDT), le16_load(header + 2), len);
    if (!wrong)
        return true;
    log_guest("AHCI: port %u: a command of %llu bytes has memory for %llu", slot->port->index,
              (unsigned long long)len, (unsigned long long)slot->dma.bytes);
    slot_free(slot);
    port_halt(slot->port, wrong);
    return false;
}

static void request_done(struct block_request *io, int error);

static void request_submit(struct ahci_slot *slot, enum block_op op, uint64_t offset, uint64_t len)
{
    slot->io = (struct block_request){.op = op,
                                      .offset = offset,
                                      .len = len,
                                      .vecs = slot->dma.vecs,
                                      .vec_count = slot->dma.count,
                                      .done = request_done,
                                      .opaque = slot};
    block_submit(slot->port->device->block, &slot->io);
}

static void flush_submit(struct ahci_slot *slot)
{
    slot->flushing = true;
    request_submit(slot, BLOCK_FLUSH, 0, 0);
}

static void trim_next(struct ahci_slot *slot)
{
    const struct ata_action *action = &slot->action;
    if (slot->range == action->range_count) {
        slot_done(slot);
        return;
    }
    unsigned range = slot->range++;
    request_submit(slot, BLOCK_DISCARD, action->ranges[range].offset, action->ranges[range].len);
}

static void slot_advance(struct ahci_slot *slot, int error)
{
    struct ata_device *device = slot->port->device;
    struct ata_action *action = &slot->action;
    if (error && action->kind == ATA_TRIM && error == ENOTSUP)
        error = 0; /* a hint that the image can't take */
    if (error) {
        device->medium_failed(device, action, error);
        slot_failed(slot);
        return;
    }
    if (action->kind == ATA_MEDIUM && !action->write)
        dma_written(&slot->dma, slot->dma.bytes);
    if (action->kind == ATA_TRIM)
        trim_next(slot);
    else if (action->kind == ATA_MEDIUM && action->flush && !slot->flushing)
        flush_submit(slot);
    else
        slot_done(slot);
}

static void request_done(struct block_request *io, int error)
{
    struct ahci_slot *slot = io->opaque;
    struct ahci_port *port = slot->port;
    if (slot->dropped) {
        if (!error && io->op == BLOCK_READ)
            dma_written(&slot->dma, slot->dma.bytes);
        slot_free(slot);
        return;
    }
    slot_advance(slot, error);
    ahci_port_run(port);
}

static void data_out_take(struct ahci_slot *slot)
{
    struct ata_device *device = slot->port->device;
    uint8_t bytes[ATA_SECTOR];
    if (!buffers_find(slot, slot->action.len, false))
        return;
    dma_get(&slot->dma, 0, bytes, sizeof(bytes));
    device->data_out(device, &slot->command, bytes, &slot->action);
    if (slot->action.kind == ATA_FAILED)
        slot_failed(slot);
    else
        trim_next(slot);
}

static void action_start(struct ahci_slot *slot)
{
    struct ata_action *action = &slot->action;
    switch (action->kind) {
    case ATA_NOTHING: slot_done(slot); break;
    case ATA_FAILED: slot_failed(slot); break;
    case ATA_DATA_IN:
        if (!buffers_find(slot, action->len, true))
            return;
        dma_put(&slot->dma, 0, action->buffer, action->len);
        slot_done(slot);
        break;
    case ATA_DATA_OUT: data_out_take(slot); break;
    case ATA_MEDIUM:
        if (buffers_find(slot, action->len, !action->write))
            request_submit(slot, action->write ? BLOCK_WRITE : BLOCK_READ, action->offset, action->len);
        break;
    case ATA_FLUSH: flush_submit(slot); break;
    case ATA_TRIM: break; /* follows from data only */
    }
}

static void command_decode(const uint8_t *table, struct ata_command *command)
{
    const uint8_t *fis = table + TABLE_CFIS;
    *command = (struct ata_command){.command = fis[2],
                                    .device = fis[7],
                                    .features = (uint16_t)(fis[3] | fis[11] << 8),
                                    .count = le16_load(fis + 12)};
    for (unsigned i = 0; i < 3; i++)
        command->lba |= (uint64_t)fis[4 + i] << 8 * i | (uint64_t)fis[8 + i] << 8 * (i + 3);
    memcpy(command->packet, table + TABLE_ACMD, sizeof(command->packet));
}

/* ATA8-AAM, 9.3: a software reset is a frame that sets the bit, and one that clears it. */
static void control_take(struct ahci_port *port, unsigned tag, uint8_t control)
{
    port->ci &= ~((uint32_t)1 << tag);
    if (control & CONTROL_RESET) {
        port->resetting = true;
        port->device->reset(port->device);
    } else if (port->resetting) {
        port->resetting = false;
        ahci_fis_signature(port);
    }
}

static bool is_queued(const struct ata_command *command)
{
    return command->command == ATA_READ_QUEUED || command->command == ATA_WRITE_QUEUED;
}

/* SATA 2.6, 13.6: accepted at once; the data and the end come when they come. */
static bool queued_accept(struct ahci_slot *slot)
{
    struct ahci_port *port = slot->port;
    uint32_t bit = (uint32_t)1 << slot->tag;
    bool good = port->device->queue_failed && slot->command.count >> 3 == slot->tag && port->sact & bit;
    slot->queued = good;
    if (good)
        port->ci &= ~bit;
    return good;
}

static void command_start(struct ahci_port *port, unsigned tag, const uint8_t *table)
{
    struct ahci_slot *slot = &port->slots[tag];
    struct ata_device *device = port->device;
    *slot = (struct ahci_slot){.port = port, .tag = (uint8_t)tag, .active = true};
    dma_init(&slot->dma, ram_of(port), RAM_READ);
    command_decode(table, &slot->command);
    slot->action.lba = slot->command.lba;
    slot->action.device = slot->command.device;
    if (is_queued(&slot->command) && !queued_accept(slot)) {
        ata_refuse(&slot->action, ATA_ERROR_ABORT);
    } else {
        if (!slot->queued)
            port->tfd |= ATA_STATUS_BUSY;
        device->execute(device, &slot->command, &slot->action);
    }
    action_start(slot);
}

/* Whether a command of any kind, or only one that is not queued, is under way. */
static bool is_active(const struct ahci_port *port, bool queued_too)
{
    for (unsigned i = 0; i < AHCI_SLOTS; i++) {
        const struct ahci_slot *slot = &port->slots[i];
        if (slot->active && (queued_too || !slot->queued))
            return true;
    }
    return false;
}

/* Fetch the command in a slot; false: it has to wait, or the port has halted. */
static bool slot_fetch(struct ahci_port *port, unsigned tag)
{
    uint8_t header[HEADER_SIZE], table[TABLE_PRDT];
    gpa_t place = gpa(port->clb + tag * HEADER_SIZE);
    if (!ram_read(ram_of(port), place, header, sizeof(header)) ||
        !ram_read(ram_of(port), gpa(le64_load(header + 8) & ~(uint64_t)0x7f), table, sizeof(table))) {
        port_halt(port, IS_HOST_BUS);
        return false;
    }
    if (table[0] != FIS_HOST_TO_DEVICE) {
        log_guest("AHCI: port %u: a frame of type %#x can't be sent", port->index, table[0]);
        port_halt(port, IS_INTERFACE);
        return false;
    }
    bool queued = table[2] == ATA_READ_QUEUED || table[2] == ATA_WRITE_QUEUED;
    if (is_active(port, !queued))
        return false;
    port->cmd = (port->cmd & ~CMD_SLOT) | tag << CMD_SLOT_SHIFT;
    if (table[1] & 0x80)
        command_start(port, tag, table);
    else
        control_take(port, tag, table[15]);
    return true;
}

/* The next slot that is set in CI and not under way, in turn after the last one; AHCI_SLOTS: none. */
static unsigned slot_next(const struct ahci_port *port)
{
    unsigned last = port->cmd >> CMD_SLOT_SHIFT & 0x1f;
    for (unsigned i = 1; i <= AHCI_SLOTS; i++) {
        unsigned tag = (last + i) % AHCI_SLOTS;
        if (port->ci >> tag & 1 && !port->slots[tag].active)
            return tag;
    }
    return AHCI_SLOTS;
}

void ahci_port_run(struct ahci_port *port)
{
    bool going = true;
    while (going && port->cmd & CMD_START && !port->halted && port->device) {
        unsigned tag = slot_next(port);
        going = tag < AHCI_SLOTS && slot_fetch(port, tag);
    }
}

/* What is on the way to the medium can't be called back: it is waited for. */
void ahci_port_stop(struct ahci_port *port)
{
    bool active = false;
    for (unsigned i = 0; i < AHCI_SLOTS; i++) {
        port->slots[i].dropped = true;
        active |= port->slots[i].active;
    }
    if (active)
        block_drain(port->device->block);
    port->ci = port->sact = 0;
    port->halted = false;
    port->cmd &= ~CMD_SLOT;
    port->tfd &= ~(uint32_t)(ATA_STATUS_BUSY | ATA_STATUS_DATA);
}
