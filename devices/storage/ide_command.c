/* Commands of an IDE channel: from the task file to an action, and its end (ATA8-AAM; ACS-2, chapter 7). */
#include <string.h>

#include "base/bits.h"
#include "devices/storage/ide_internal.h"

#define COMMAND_DEVICE_RESET 0x08
#define COMMAND_DIAGNOSTIC   0x90
#define COMMAND_GEOMETRY     0x91
#define COMMAND_PACKET       0xa0

#define DEVICE_LBA   0x40u
#define DEVICE_SLAVE 0x10u

#define STATUS_GOOD (ATA_STATUS_READY | ATA_STATUS_SEEK)

#define HEADS_DEFAULT   16
#define SECTORS_DEFAULT 63

/* The count register of a packet command says what comes next. */
#define REASON_PACKET 1

#define PACKET_SIZE 12

static struct ata_device *device_of(struct ide_channel *channel)
{
    return channel->devices[channel->selected];
}

/* --- the task file --- */

static uint64_t pairs_get(const struct ide_task *task, enum ide_register first, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        value |= (uint64_t)task->now[first + i] << 8 * i;
        value |= (uint64_t)task->previous[first + i] << 8 * (count + i);
    }
    return value;
}

static void pairs_set(struct ide_task *task, enum ide_register first, unsigned count, uint64_t value)
{
    for (unsigned i = 0; i < count; i++) {
        task->now[first + i] = (uint8_t)(value >> 8 * i);
        task->previous[first + i] = (uint8_t)(value >> 8 * (count + i));
    }
}

/* A command that names its sectors by cylinder, head and sector, as until ATA-5 it may. */
static bool takes_geometry(uint8_t command)
{
    switch (command) {
    case 0x20:
    case 0x21:
    case 0x30:
    case 0x31:
    case 0x40:
    case 0x41:
    case 0xc4:
    case 0xc5:
    case 0xc8:
    case 0xc9:
    case 0xca:
    case 0xcb: return true;
    default: return false;
    }
}

/* ATA-5, 6.2: sectors count from 1. What can't be becomes a place behind every disk. */
static void geometry_translate(const struct ide_task *task, struct ata_command *command)
{
    uint32_t sector = command->lba & 0xff, cylinder = command->lba >> 8 & 0xffff;
    uint32_t head = command->device & 0xf, lba = 0x0fffffff;
    if (sector && sector <= task->sectors && head < task->heads)
        lba = (cylinder * task->heads + head) * task->sectors + sector - 1;
    command->lba = lba & 0xffffff;
    command->device = (uint8_t)((command->device & 0xf0) | DEVICE_LBA | lba >> 24);
}

static void command_decode(struct ide_channel *channel, uint8_t code)
{
    const struct ide_task *task = ide_task_of(channel);
    struct ata_command *command = &channel->command;
    *command = (struct ata_command){.command = code,
                                    .device = task->device,
                                    .features = (uint16_t)pairs_get(task, IDE_FEATURES, 1),
                                    .count = (uint16_t)pairs_get(task, IDE_COUNT, 1),
                                    .lba = pairs_get(task, IDE_LBA_LOW, 3)};
    channel->action = (struct ata_action){.lba = command->lba, .device = command->device};
    if (!(command->device & DEVICE_LBA) && takes_geometry(code))
        geometry_translate(task, command);
}

/* --- resets --- */

void ide_stop(struct ide_channel *channel)
{
    channel->dropped = true;
    if (channel->working)
        block_drain(channel->working);
    channel->dropped = false;
    dma_free(&channel->dma);
    channel->phase = IDE_IDLE;
    channel->master_status &= (uint8_t)~MASTER_ACTIVE;
}

/* ATA8-AAM, 9.1: device 1 answers with its signature as well; error 1 is a diagnosis without one. */
static void signatures_put(struct ide_channel *channel)
{
    for (unsigned i = 0; i < 2; i++) {
        struct ide_task *task = &channel->tasks[i];
        const struct ata_device *device = channel->devices[i];
        task->error = device ? 1 : 0;
        task->status = device ? device->reset_status : 0;
        pairs_set(task, IDE_COUNT, 1, device ? device->signature & 0xff : 0);
        pairs_set(task, IDE_LBA_LOW, 3, device ? device->signature >> 8 : 0);
        task->device = 0;
    }
    channel->selected = 0;
}

void ide_reset(struct ide_channel *channel)
{
    ide_stop(channel);
    for (unsigned i = 0; i < 2; i++) {
        channel->tasks[i].heads = HEADS_DEFAULT;
        channel->tasks[i].sectors = SECTORS_DEFAULT;
        if (channel->devices[i])
            channel->devices[i]->reset(channel->devices[i]);
    }
    signatures_put(channel);
    channel->interrupt = false;
}

/* --- commands --- */

void ide_finish(struct ide_channel *channel)
{
    const struct ata_action *action = &channel->action;
    struct ide_task *task = ide_task_of(channel);
    bool failed = action->kind == ATA_FAILED;
    /* Data that the host has taken by PIO end the command, but for a packet's. */
    bool silent = !failed && action->pio && !action->packet && !action->write && action->len;
    dma_free(&channel->dma);
    channel->phase = IDE_IDLE;
    task->error = action->error;
    task->status = (uint8_t)(STATUS_GOOD | (failed ? ATA_STATUS_ERROR : 0));
    pairs_set(task, IDE_COUNT, 1, action->count);
    if (!action->packet)
        pairs_set(task, IDE_LBA_LOW, 3, action->lba);
    task->device = (uint8_t)((action->device & ~DEVICE_SLAVE) | (channel->selected ? DEVICE_SLAVE : 0));
    if (!silent)
        ide_interrupt(channel);
}

static void packet_await(struct ide_channel *channel)
{
    struct ide_task *task = ide_task_of(channel);
    /* ACS-2, 7.23.4: bytes a DRQ, an even number; 0 has been seen to mean as many as there can be. */
    uint32_t limit = channel->command.lba >> 8 & 0xfffe;
    channel->packet_limit = limit && limit < IDE_BUFFER ? limit : IDE_BUFFER;
    channel->phase = IDE_PACKET;
    channel->at = 0;
    channel->filled = PACKET_SIZE;
    task->now[IDE_COUNT] = REASON_PACKET;
    task->status = STATUS_GOOD | ATA_STATUS_DATA;
}

void ide_packet_taken(struct ide_channel *channel)
{
    struct ata_device *device = device_of(channel);
    memcpy(channel->command.packet, channel->buffer, PACKET_SIZE);
    device->execute(device, &channel->command, &channel->action);
    ide_action_start(channel);
}

/* It is for both devices, whichever is selected. */
static void diagnostic(struct ide_channel *channel)
{
    ide_stop(channel);
    signatures_put(channel);
    ide_interrupt(channel);
}

static void command_execute(struct ide_channel *channel, uint8_t code)
{
    struct ata_device *device = device_of(channel);
    struct ide_task *task = ide_task_of(channel);
    command_decode(channel, code);
    bool takes_packets = device->signature >> 16 == 0xeb14;
    if (code == COMMAND_PACKET && takes_packets) {
        packet_await(channel);
        return;
    }
    if (code == COMMAND_GEOMETRY && !takes_packets) {
        task->heads = (uint8_t)((channel->command.device & 0xf) + 1);
        task->sectors = (uint8_t)channel->command.count;
    }
    device->execute(device, &channel->command, &channel->action);
    ide_action_start(channel);
}

/* While a command is under way no other is taken, but for the reset of a packet device. */
void ide_command(struct ide_channel *channel, uint8_t code)
{
    channel->interrupt = false;
    if (code == COMMAND_DIAGNOSTIC) {
        diagnostic(channel);
        return;
    }
    if (!device_of(channel))
        return;
    if (code == COMMAND_DEVICE_RESET)
        ide_stop(channel);
    else if (channel->phase != IDE_IDLE)
        return;
    command_execute(channel, code);
}
