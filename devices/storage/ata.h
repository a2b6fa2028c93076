/*
 * ATA devices as a host controller sees them: a command goes in, and out comes what is to be done for it. The
 * controller moves the data and runs the medium's requests; the device knows commands and their answers.
 *
 * Everything runs with the machine lock held.
 */
#pragma once

#include "devices/storage/block.h"

#define ATA_SECTOR 512u

#define ATA_STATUS_ERROR 0x01u
#define ATA_STATUS_DATA  0x08u
#define ATA_STATUS_SEEK  0x10u
#define ATA_STATUS_READY 0x40u
#define ATA_STATUS_BUSY  0x80u

#define ATA_ERROR_ABORT         0x04u
#define ATA_ERROR_NOT_FOUND     0x10u
#define ATA_ERROR_UNCORRECTABLE 0x40u

#define ATA_READ_QUEUED  0x60u
#define ATA_WRITE_QUEUED 0x61u

#define ATA_TRIM_RANGES 64

/* The task file of a command. */
struct ata_command {
    uint8_t command, device;
    uint16_t features, count;
    uint64_t lba;
    uint8_t packet[16];
};

enum ata_action_kind {
    ATA_NOTHING,  /* done */
    ATA_FAILED,   /* done, with an error */
    ATA_DATA_IN,  /* `buffer` goes to the host */
    ATA_DATA_OUT, /* `len` bytes come from the host: then ata_device.data_out says what follows */
    ATA_MEDIUM,   /* a transfer between the host and the medium */
    ATA_FLUSH,    /* the medium is flushed */
    ATA_TRIM,     /* the ranges are given back */
};

/* What a command asks for. */
struct ata_action {
    enum ata_action_kind kind;
    bool write;  /* ATA_MEDIUM: from the host */
    bool flush;  /* and flush afterwards */
    bool pio;    /* the data go by the PIO protocol */
    bool packet; /* the status after it is that of a packet command */
    uint8_t error, status_error;
    uint32_t block;       /* with pio: bytes a time, 0: a sector */
    uint64_t offset, len; /* on the medium; of the buffer only len */
    const uint8_t *buffer;
    /* Task file registers afterwards. */
    uint64_t lba;
    uint16_t count;
    uint8_t device;
    struct {
        uint64_t offset, len;
    } ranges[ATA_TRIM_RANGES];
    unsigned range_count;
};

/* Implementations embed this first. */
struct ata_device {
    struct block *block; /* the medium; NULL: none now */
    uint32_t signature;  /* as in PxSIG: LBA and count after a reset */
    uint8_t reset_status;
    void (*execute)(struct ata_device *device, const struct ata_command *command, struct ata_action *action);
    void (*data_out)(struct ata_device *device, const struct ata_command *command, const uint8_t *bytes,
                     struct ata_action *action);
    /* A medium's request has failed: the action becomes ATA_FAILED. */
    void (*medium_failed)(struct ata_device *device, struct ata_action *action, int error);
    /* A queued command has failed: what the error log (10h) says from then on. NULL: no queued commands. */
    void (*queue_failed)(struct ata_device *device, unsigned tag, const struct ata_action *action);
    void (*reset)(struct ata_device *device);
};

/* The action of a command that is refused. */
void ata_refuse(struct ata_action *action, uint8_t error);

/* A hard disk, which takes the block backend; `serial` may be NULL. Lives as long as the machine. */
struct ata_device *ata_disk_create(struct machine *machine, const char *name, struct block *block,
                                   const char *serial);

/* A CD or DVD drive (devices/storage/atapi.h has its packet commands); block may be NULL: empty. */
struct ata_device *atapi_create(struct machine *machine, const char *name, struct block *block);

/* Words of IDENTIFY data: little-endian, and text with its bytes swapped and blanks behind. */
void ata_word_set(uint8_t *data, unsigned word, uint16_t value);
void ata_text_set(uint8_t *data, unsigned word, unsigned words, const char *text);
