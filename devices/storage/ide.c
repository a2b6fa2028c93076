#include "devices/storage/ide.h"

#include <stdlib.h>

#include "base/bits.h"
#include "devices/storage/ide_internal.h"

#define IDE_VENDOR   0x8086
#define IDE_DEVICE   0x7111
#define IDE_CLASS    0x010180 /* at the places of the PC AT, with a bus master */
#define IDE_REVISION 1

/* 4.1: the timing registers, which here change nothing but what is decoded. */
#define SLAVE_TIMING 0x44
#define ULTRA_ENABLE 0x48
#define ULTRA_TIMING 0x4a

#define BAR_MASTER      4
#define BAR_MASTER_SIZE 16u
#define MASTER_SIZE     8u /* a channel's half of it */

enum { MASTER_COMMAND = 0, MASTER_STATUS = 2, MASTER_PRDT = 4 };

enum { DATA = 0, ERROR_FEATURES = 1, DEVICE = 6, STATUS_COMMAND = 7, COMMAND_PORTS = 8 };

#define DEVICE_SLAVE 0x10u
#define DEVICE_ONES  0xa0u

static const struct {
    uint16_t command, control;
} places[IDE_CHANNELS] = {{0x1f0, 0x3f6}, {0x170, 0x376}};

static void line_update(struct ide_channel *channel)
{
    irq_line_set(&channel->irq, channel->interrupt && !(channel->control & CONTROL_NO_INTERRUPT));
}

void ide_interrupt(struct ide_channel *channel)
{
    channel->interrupt = true;
    if (!(channel->control & CONTROL_NO_INTERRUPT))
        channel->master_status |= MASTER_INTERRUPT;
    line_update(channel);
}

/* --- the task file --- */

static bool is_empty(const struct ide_channel *channel)
{
    return !channel->devices[0] && !channel->devices[1];
}

/* A device that is not there answers with zeroes, so that its status is none. */
static uint32_t task_read(struct ide_channel *channel, unsigned offset)
{
    const struct ide_task *task = ide_task_of(channel);
    if (offset == DEVICE)
        return is_empty(channel) ? 0 : task->device | DEVICE_ONES;
    if (!channel->devices[channel->selected])
        return 0;
    if (offset == ERROR_FEATURES)
        return task->error;
    return channel->control & CONTROL_PREVIOUS ? task->previous[offset] : task->now[offset];
}

static uint8_t status_of(struct ide_channel *channel)
{
    return channel->devices[channel->selected] ? ide_task_of(channel)->status : 0;
}

static uint64_t command_read(void *opaque, uint64_t offset, unsigned width)
{
    struct ide_channel *channel = opaque;
    switch (offset) {
    case DATA: return ide_data_read(channel, width);
    case STATUS_COMMAND:
        channel->interrupt = false;
        line_update(channel);
        return status_of(channel);
    default: return task_read(channel, (unsigned)offset);
    }
}

/* ACS-2, annex C: both devices see what is written. While a command is under way nothing takes. */
static void task_write(struct ide_channel *channel, unsigned offset, uint8_t value)
{
    channel->control &= (uint8_t)~CONTROL_PREVIOUS;
    if (channel->phase != IDE_IDLE)
        return;
    for (unsigned i = 0; i < 2; i++) {
        struct ide_task *task = &channel->tasks[i];
        if (offset == DEVICE) {
            task->device = value;
        } else {
            task->previous[offset] = task->now[offset];
            task->now[offset] = value;
        }
    }
    if (offset == DEVICE)
        channel->selected = value & DEVICE_SLAVE ? 1 : 0;
}

static void command_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct ide_channel *channel = opaque;
    if (offset == DATA)
        ide_data_write(channel, width, (uint32_t)value);
    else if (offset == STATUS_COMMAND)
        ide_command(channel, (uint8_t)value);
    else
        task_write(channel, (unsigned)offset, (uint8_t)value);
    line_update(channel);
}

/* The status without its effect on the interrupt. */
static uint64_t control_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)offset, (void)width;
    return status_of(opaque);
}

/* ATA8-AAM, 9.2: the reset begins with its bit and ends without it. */
static void control_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct ide_channel *channel = opaque;
    (void)offset, (void)width;
    uint8_t changed = (uint8_t)value ^ channel->control;
    channel->control = (uint8_t)value;
    if (changed & CONTROL_RESET) {
        ide_reset(channel);
        if (value & CONTROL_RESET)
            channel->tasks[0].status = channel->tasks[1].status = ATA_STATUS_BUSY;
    }
    line_update(channel);
}

/* --- the bus master (4.2) --- */

static uint8_t master_byte(const struct ide_channel *channel, unsigned offset)
{
    switch (offset) {
    case MASTER_COMMAND: return channel->master_command;
    case MASTER_STATUS: return channel->master_status;
    case MASTER_COMMAND + 1:
    case MASTER_STATUS + 1: return 0;
    default: return (uint8_t)(channel->prdt >> 8 * (offset - MASTER_PRDT));
    }
}

static uint64_t master_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct ide *ide = opaque;
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++) {
        unsigned at = (unsigned)offset + i;
        value |= (uint64_t)master_byte(&ide->channels[at / MASTER_SIZE], at % MASTER_SIZE) << 8 * i;
    }
    return value;
}

/* What the medium does for a transfer can't be called back: it is waited for. */
static void master_command_write(struct ide_channel *channel, uint8_t value)
{
    uint8_t changed = value ^ channel->master_command;
    channel->master_command = value & (MASTER_START | MASTER_TO_MEMORY);
    if (!(changed & MASTER_START))
        return;
    if (value & MASTER_START) {
        ide_master_start(channel);
        return;
    }
    if (channel->working && channel->dma.bytes)
        block_drain(channel->working);
    channel->master_status &= (uint8_t)~MASTER_ACTIVE;
}

static void master_byte_write(struct ide_channel *channel, unsigned offset, uint8_t value)
{
    const uint8_t clearing = MASTER_ERROR | MASTER_INTERRUPT;
    switch (offset) {
    case MASTER_COMMAND: master_command_write(channel, value); break;
    case MASTER_STATUS:
        channel->master_status &= (uint8_t) ~((value & clearing) | MASTER_CAPABLE);
        channel->master_status |= value & MASTER_CAPABLE;
        break;
    case MASTER_COMMAND + 1:
    case MASTER_STATUS + 1: break;
    default: channel->prdt = (uint32_t)bits_set(channel->prdt, 8 * (offset - MASTER_PRDT), 8, value) & ~3u;
    }
}

static void master_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct ide *ide = opaque;
    for (unsigned i = 0; i < width; i++) {
        unsigned at = (unsigned)offset + i;
        master_byte_write(&ide->channels[at / MASTER_SIZE], at % MASTER_SIZE, (uint8_t)(value >> 8 * i));
    }
}

/* --- the function --- */

static void channel_show(struct ide *ide, unsigned n)
{
    struct bus *bus = ide->machine->mem.pio;
    const struct bus_region command = {.name = "ide",
                                       .base = places[n].command,
                                       .size = COMMAND_PORTS,
                                       .min_width = 1,
                                       .max_width = 4,
                                       .read = command_read,
                                       .write = command_write,
                                       .opaque = &ide->channels[n]};
    const struct bus_region control = {.name = "ide-control",
                                       .base = places[n].control,
                                       .size = 1,
                                       .max_width = 1,
                                       .read = control_read,
                                       .write = control_write,
                                       .opaque = &ide->channels[n]};
    if (!bus_add(bus, &command, &ide->ports[n].command_id, NULL))
        return;
    ide->ports[n].shown = bus_add(bus, &control, &ide->ports[n].control_id, NULL);
    if (!ide->ports[n].shown)
        bus_remove(bus, ide->ports[n].command_id);
}

static void channels_update(struct ide *ide)
{
    bool decoded = pci_config_get(&ide->pci, PCI_COMMAND, 2) & PCI_COMMAND_IO;
    for (unsigned i = 0; i < IDE_CHANNELS; i++) {
        bool show = decoded && pci_config_get(&ide->pci, IDE_TIMING + 2 * i, 2) & IDE_TIMING_DECODED;
        if (show && !ide->ports[i].shown)
            channel_show(ide, i);
        if (show || !ide->ports[i].shown)
            continue;
        bus_remove(ide->machine->mem.pio, ide->ports[i].command_id);
        bus_remove(ide->machine->mem.pio, ide->ports[i].control_id);
        ide->ports[i].shown = false;
    }
}

static void config_written(void *opaque, unsigned offset, unsigned width)
{
    (void)offset, (void)width;
    channels_update(opaque);
}

/* A command that was under way when the state was saved: what the host had not taken is lost, and it has to
 * try again. */
static void command_lost(struct ide_channel *channel)
{
    if (channel->phase == IDE_IDLE)
        return;
    channel->action = (struct ata_action){.device = ide_task_of(channel)->device};
    ata_refuse(&channel->action, ATA_ERROR_ABORT);
    ide_finish(channel);
}

static void restored(void *object)
{
    struct ide *ide = object;
    for (unsigned i = 0; i < IDE_CHANNELS; i++) {
        struct ide_channel *channel = &ide->channels[i];
        uint8_t phase = channel->phase;
        channel->selected &= 1;
        ide_stop(channel);
        channel->phase = phase;
        if (!channel->tasks[0].sectors) /* a reset: loaded ones have had theirs */
            ide_reset(channel);
        else
            command_lost(channel);
        line_update(channel);
    }
    channels_update(ide);
}

#define CHANNEL_FIELD(member) STATE_EACH(struct ide, channels, member)
#define TASK_FIELD(member)    STATE_EACH(struct ide, tasks, member)

static const struct state_field fields[] = {
    TASK_FIELD(now[IDE_FEATURES]),
    TASK_FIELD(now[IDE_COUNT]),
    TASK_FIELD(now[IDE_LBA_LOW]),
    TASK_FIELD(now[IDE_LBA_MID]),
    TASK_FIELD(now[IDE_LBA_HIGH]),
    TASK_FIELD(previous[IDE_FEATURES]),
    TASK_FIELD(previous[IDE_COUNT]),
    TASK_FIELD(previous[IDE_LBA_LOW]),
    TASK_FIELD(previous[IDE_LBA_MID]),
    TASK_FIELD(previous[IDE_LBA_HIGH]),
    TASK_FIELD(device),
    TASK_FIELD(status),
    TASK_FIELD(error),
    TASK_FIELD(heads),
    TASK_FIELD(sectors),
    CHANNEL_FIELD(selected),
    CHANNEL_FIELD(control),
    CHANNEL_FIELD(interrupt),
    CHANNEL_FIELD(master_command),
    CHANNEL_FIELD(master_status),
    CHANNEL_FIELD(prdt),
    CHANNEL_FIELD(phase),
};
static const struct state_table table = {"ide", 1, fields, ARRAY_LEN(fields), restored};

static void ide_destroy(void *object)
{
    struct ide *ide = object;
    for (unsigned i = 0; i < IDE_CHANNELS; i++)
        ide_stop(&ide->channels[i]);
    pci_function_fini(&ide->pci);
    free(ide);
}

static void function_define(struct ide *ide)
{
    const struct bus_region master = {.name = "ide-master",
                                      .size = BAR_MASTER_SIZE,
                                      .min_width = 1,
                                      .max_width = 4,
                                      .read = master_read,
                                      .write = master_write,
                                      .opaque = ide};
    pci_bar_add(&ide->pci, BAR_MASTER, BAR_MASTER_SIZE, PCI_BAR_IO);
    pci_bar_region(&ide->pci, BAR_MASTER, &master);
    pci_config_define(&ide->pci, IDE_TIMING, 4, 0, UINT32_MAX);
    pci_config_define(&ide->pci, SLAVE_TIMING, 1, 0, 0xff);
    pci_config_define(&ide->pci, ULTRA_ENABLE, 1, 0, 0x0f);
    pci_config_define(&ide->pci, ULTRA_TIMING, 2, 0, 0x3333);
}

struct ide *ide_create(struct machine *machine, const struct ide_config *config, struct error *err)
{
    struct ide *ide = machine_alloc(sizeof(*ide));
    struct pci_config pci = {.name = "ide-config",
                             .devfn = config->devfn,
                             .vendor = IDE_VENDOR,
                             .device = IDE_DEVICE,
                             .class_code = IDE_CLASS,
                             .revision = IDE_REVISION,
                             .config_written = config_written,
                             .opaque = ide};
    ide->machine = machine;
    if (!pci_function_init(&ide->pci, machine, config->bus, &pci, err)) {
        free(ide);
        return NULL;
    }
    function_define(ide);
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        ide->channels[i / 2].devices[i % 2] = config->devices[i];
    for (unsigned i = 0; i < IDE_CHANNELS; i++) {
        ide->channels[i].ide = ide;
        ide->channels[i].index = i;
        ide->channels[i].tasks = &ide->tasks[2 * i];
        ide->channels[i].irq = config->irqs[i];
    }
    machine_device_add(machine, "ide", &table, ide, ide_destroy);
    return ide;
}
