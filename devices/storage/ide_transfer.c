/* Data of an IDE channel: by the data port, a DRQ at a time, and by the bus master (82371AB, 4.3). */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/ide_internal.h"

#define STATUS_DATA (ATA_STATUS_READY | ATA_STATUS_SEEK | ATA_STATUS_DATA)
#define STATUS_BUSY (ATA_STATUS_BUSY | ATA_STATUS_SEEK)

#define REASON_TO_HOST 2

#define PRD_SIZE  8u
#define PRDS_MAX  8192u /* a table lies within 64 KiB */
#define PRD_LAST  0x80000000u
#define PRD_WHOLE 0x10000u /* what a count of 0 stands for */

static struct ata_device *device_of(struct ide_channel *channel)
{
    return channel->devices[channel->selected];
}

static void request_done(struct block_request *io, int error);

static void request_submit(struct ide_channel *channel, enum block_op op, uint64_t offset, uint64_t len,
                           const struct block_vec *vecs, unsigned count)
{
    channel->phase = IDE_BUSY;
    ide_task_of(channel)->status = STATUS_BUSY;
    channel->io = (struct block_request){.op = op,
                                         .offset = offset,
                                         .len = len,
                                         .vecs = vecs,
                                         .vec_count = count,
                                         .done = request_done,
                                         .opaque = channel};
    channel->working = device_of(channel)->block;
    block_submit(channel->working, &channel->io);
}

/* --- by the port --- */

/* How much the next DRQ moves. */
static uint32_t piece_of(const struct ide_channel *channel)
{
    const struct ata_action *action = &channel->action;
    uint64_t left = action->len - channel->done;
    uint32_t most = action->packet ? channel->packet_limit : action->block ? action->block : ATA_SECTOR;
    return (uint32_t)(left < most ? left : most);
}

static void buffer_offer(struct ide_channel *channel, enum ide_phase phase, uint32_t len)
{
    struct ide_task *task = ide_task_of(channel);
    channel->phase = (uint8_t)phase;
    channel->at = 0;
    channel->filled = len;
    task->status = STATUS_DATA;
    if (!channel->action.packet)
        return;
    task->now[IDE_COUNT] = REASON_TO_HOST;
    task->now[IDE_LBA_MID] = (uint8_t)len;
    task->now[IDE_LBA_HIGH] = (uint8_t)(len >> 8);
}

static void piece_move(struct ide_channel *channel, enum block_op op)
{
    uint32_t len = piece_of(channel);
    channel->vec = (struct block_vec){channel->buffer, len};
    request_submit(channel, op, channel->action.offset + channel->done, len, &channel->vec, 1);
}

static void piece_next(struct ide_channel *channel)
{
    const struct ata_action *action = &channel->action;
    if (channel->done == action->len && action->flush && !channel->flushing) {
        channel->flushing = true;
        request_submit(channel, BLOCK_FLUSH, 0, 0, NULL, 0);
    } else if (channel->done == action->len) {
        ide_finish(channel);
    } else if (action->write) {
        buffer_offer(channel, IDE_OUT, piece_of(channel));
        if (channel->done) /* ATA8-AAM: the first one is looked for, not waited for */
            ide_interrupt(channel);
    } else if (action->kind == ATA_MEDIUM) {
        piece_move(channel, BLOCK_READ);
    } else {
        uint32_t len = piece_of(channel);
        memcpy(channel->buffer, action->buffer + channel->done, len);
        buffer_offer(channel, IDE_IN, len);
        ide_interrupt(channel);
    }
}

/* The host is through with the buffer. */
static void buffer_through(struct ide_channel *channel)
{
    switch (channel->phase) {
    case IDE_PACKET: ide_packet_taken(channel); break;
    case IDE_OUT: piece_move(channel, BLOCK_WRITE); break;
    default: channel->done += channel->filled; piece_next(channel);
    }
}

uint32_t ide_data_read(struct ide_channel *channel, unsigned width)
{
    uint32_t value = 0;
    if (channel->phase != IDE_IN)
        return 0;
    for (unsigned i = 0; i < width && channel->at < channel->filled; i++)
        value |= (uint32_t)channel->buffer[channel->at++] << 8 * i;
    if (channel->at >= channel->filled)
        buffer_through(channel);
    return value;
}

void ide_data_write(struct ide_channel *channel, unsigned width, uint32_t value)
{
    if (channel->phase != IDE_OUT && channel->phase != IDE_PACKET)
        return;
    for (unsigned i = 0; i < width && channel->at < channel->filled; i++)
        channel->buffer[channel->at++] = (uint8_t)(value >> 8 * i);
    if (channel->at >= channel->filled)
        buffer_through(channel);
}

/* --- by the bus master --- */

/* The guest's memory for the whole transfer; false: the table has less, or names no RAM. *more is set when it
 * has more. */
static bool prdt_take(struct ide_channel *channel, bool *more)
{
    struct ram *ram = channel->ide->machine->mem.ram;
    uint64_t wanted = channel->action.len;
    bool last = false;
    *more = false;
    for (unsigned i = 0; i < PRDS_MAX && !last && channel->dma.bytes < wanted; i++) {
        uint8_t prd[PRD_SIZE];
        if (!ram_read(ram, gpa(channel->prdt + (uint64_t)i * PRD_SIZE), prd, PRD_SIZE))
            return false;
        uint32_t len = le16_load(prd + 4) & 0xfffe, base = le32_load(prd) & ~1u;
        uint64_t left = wanted - channel->dma.bytes;
        last = le32_load(prd + 4) & PRD_LAST;
        len = len ? len : PRD_WHOLE;
        *more = len > left || (len == left && !last);
        if (!dma_add(&channel->dma, gpa(base), len < left ? len : left))
            return false;
    }
    return channel->dma.bytes == wanted;
}

static void trim_next(struct ide_channel *channel)
{
    const struct ata_action *action = &channel->action;
    if (channel->range == action->range_count) {
        ide_finish(channel);
        return;
    }
    unsigned range = channel->range++;
    request_submit(channel, BLOCK_DISCARD, action->ranges[range].offset, action->ranges[range].len, NULL, 0);
}

/* The memory is known: move. */
static void dma_move(struct ide_channel *channel)
{
    struct ata_action *action = &channel->action;
    struct ata_device *device = device_of(channel);
    if (action->kind == ATA_MEDIUM) {
        request_submit(channel, action->write ? BLOCK_WRITE : BLOCK_READ, action->offset, action->len,
                       channel->dma.vecs, channel->dma.count);
    } else if (action->kind == ATA_DATA_IN) {
        dma_put(&channel->dma, 0, action->buffer, action->len);
        ide_finish(channel);
    } else {
        dma_get(&channel->dma, 0, channel->buffer, action->len);
        device->data_out(device, &channel->command, channel->buffer, action);
        if (action->kind == ATA_FAILED)
            ide_finish(channel);
        else
            trim_next(channel);
    }
}

/* 4.3.3: active goes off by itself only when the table ends with the transfer. */
static void dma_run(struct ide_channel *channel)
{
    struct ata_action *action = &channel->action;
    bool to_memory = action->kind == ATA_DATA_IN || (action->kind == ATA_MEDIUM && !action->write), more;
    dma_init(&channel->dma, channel->ide->machine->mem.ram, to_memory ? RAM_WRITE : RAM_READ);
    bool good = to_memory == !!(channel->master_command & MASTER_TO_MEMORY) &&
                pci_bus_master(&channel->ide->pci) && prdt_take(channel, &more);
    if (!good || !more)
        channel->master_status &= (uint8_t)~MASTER_ACTIVE;
    if (good) {
        dma_move(channel);
        return;
    }
    log_guest("IDE: channel %u: a transfer of %llu bytes has memory for %llu, or goes the other way",
              channel->index, (unsigned long long)action->len, (unsigned long long)channel->dma.bytes);
    channel->master_status |= MASTER_ERROR;
    ata_refuse(action, ATA_ERROR_ABORT);
    ide_finish(channel);
}

void ide_master_start(struct ide_channel *channel)
{
    channel->master_status |= MASTER_ACTIVE;
    if (channel->phase == IDE_DMA)
        dma_run(channel);
}

static void dma_await(struct ide_channel *channel)
{
    channel->phase = IDE_DMA;
    ide_task_of(channel)->status = STATUS_DATA;
    if (channel->master_status & MASTER_ACTIVE)
        dma_run(channel);
}

/* --- both --- */

void ide_action_start(struct ide_channel *channel)
{
    const struct ata_action *action = &channel->action;
    channel->done = 0;
    channel->flushing = false;
    channel->range = 0;
    switch (action->kind) {
    case ATA_NOTHING:
    case ATA_FAILED: ide_finish(channel); break;
    case ATA_DATA_IN:
    case ATA_DATA_OUT:
    case ATA_MEDIUM:
        if (action->pio)
            piece_next(channel);
        else
            dma_await(channel);
        break;
    case ATA_FLUSH: request_submit(channel, BLOCK_FLUSH, 0, 0, NULL, 0); break;
    case ATA_TRIM: break; /* follows from data only */
    }
}

static void medium_failed(struct ide_channel *channel, int error)
{
    struct ata_device *device = device_of(channel);
    device->medium_failed(device, &channel->action, error);
    ide_finish(channel);
}

/* A piece has come from the medium, or has gone there. */
static void piece_done(struct ide_channel *channel)
{
    uint32_t len = (uint32_t)channel->vec.len;
    if (channel->flushing) {
        ide_finish(channel);
    } else if (channel->action.write) {
        channel->done += len;
        piece_next(channel);
    } else {
        buffer_offer(channel, IDE_IN, len);
        ide_interrupt(channel);
    }
}

static void dma_done(struct ide_channel *channel)
{
    if (!channel->action.write)
        dma_written(&channel->dma, channel->dma.bytes);
    if (channel->action.flush && !channel->flushing) {
        channel->flushing = true;
        request_submit(channel, BLOCK_FLUSH, 0, 0, NULL, 0);
        return;
    }
    ide_finish(channel);
}

static void request_done(struct block_request *io, int error)
{
    struct ide_channel *channel = io->opaque;
    const struct ata_action *action = &channel->action;
    channel->working = NULL;
    if (action->kind == ATA_TRIM && error == ENOTSUP)
        error = 0; /* a hint that the image can't take */
    if (channel->dropped) {
        if (!error && io->op == BLOCK_READ && channel->dma.bytes)
            dma_written(&channel->dma, channel->dma.bytes);
        return;
    }
    if (error)
        medium_failed(channel, error);
    else if (action->kind == ATA_TRIM)
        trim_next(channel);
    else if (action->kind == ATA_FLUSH)
        ide_finish(channel);
    else if (action->pio)
        piece_done(channel);
    else
        dma_done(channel);
}
