/* What the files of the IDE controller share. */
#pragma once

#include "devices/dma.h"
#include "devices/storage/ide.h"

/* The data of one DRQ: as much as READ MULTIPLE moves at a time, and a packet's answer. */
#define IDE_BUFFER 8192u

/* Registers with a value before the last (ACS-2, annex C): by offset, 1 to 5. */
enum ide_register { IDE_FEATURES = 1, IDE_COUNT, IDE_LBA_LOW, IDE_LBA_MID, IDE_LBA_HIGH, IDE_PAIRS };

#define CONTROL_NO_INTERRUPT 0x02u
#define CONTROL_RESET        0x04u
#define CONTROL_PREVIOUS     0x80u

#define MASTER_START     0x01u
#define MASTER_TO_MEMORY 0x08u

#define MASTER_ACTIVE    0x01u
#define MASTER_ERROR     0x02u
#define MASTER_INTERRUPT 0x04u
#define MASTER_CAPABLE   0x60u

enum ide_phase {
    IDE_IDLE,
    IDE_PACKET, /* the command's packet is awaited */
    IDE_IN,     /* the host takes the buffer */
    IDE_OUT,    /* the host fills it */
    IDE_BUSY,   /* the medium works */
    IDE_DMA,    /* the bus master has to be started */
};

/* A device's task file, as it answers. What the host writes goes to both devices of a channel. */
struct ide_task {
    uint8_t now[IDE_PAIRS], previous[IDE_PAIRS];
    uint8_t device, status, error;
    uint8_t heads, sectors; /* of INITIALIZE DEVICE PARAMETERS */
};

struct ide_channel {
    struct ide *ide;
    unsigned index;
    struct irq_line irq;
    struct ata_device *devices[2];

    struct ide_task *tasks; /* two of the controller's */
    uint8_t selected, control;
    bool interrupt; /* the device's request, as long as the status is not read */
    uint8_t master_command, master_status;
    uint32_t prdt;

    /* The command under way. */
    uint8_t phase; /* enum ide_phase */
    struct ata_command command;
    struct ata_action action;
    uint64_t done;         /* bytes moved of action.len */
    uint32_t at, filled;   /* in the buffer */
    uint32_t packet_limit; /* bytes a DRQ, as the host wishes */
    uint8_t buffer[IDE_BUFFER];
    bool flushing, dropped;
    uint8_t range; /* of a trim: the one under way */
    struct dma_list dma;
    struct block_vec vec;
    struct block_request io;
    struct block *working; /* what the request is at; NULL: none is under way */
};

struct ide {
    struct machine *machine;
    struct pci_function pci;
    struct ide_channel channels[IDE_CHANNELS];
    struct ide_task tasks[IDE_DRIVES];
    struct {
        bool shown;
        unsigned command_id, control_id;
    } ports[IDE_CHANNELS];
};

static inline struct ide_task *ide_task_of(struct ide_channel *channel)
{
    return &channel->tasks[channel->selected];
}

/* ide.c: the device asks for an interrupt. */
void ide_interrupt(struct ide_channel *channel);

/* ide_command.c */
void ide_command(struct ide_channel *channel, uint8_t command);
/* Wait for what is under way and forget it. */
void ide_stop(struct ide_channel *channel);
/* Both devices as after a reset, with their signatures. */
void ide_reset(struct ide_channel *channel);

/* ide_transfer.c: begin what the action says; the data port; the bus master was started. */
void ide_action_start(struct ide_channel *channel);
uint32_t ide_data_read(struct ide_channel *channel, unsigned width);
void ide_data_write(struct ide_channel *channel, unsigned width, uint32_t value);
void ide_master_start(struct ide_channel *channel);
/* The packet is there: the action that follows. In ide_command.c. */
void ide_packet_taken(struct ide_channel *channel);
/* The end of the command, in ide_command.c: with the task file as the action has it. */
void ide_finish(struct ide_channel *channel);
