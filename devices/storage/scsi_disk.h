/*
 * A disk that takes SCSI commands (SPC-4, SBC-3) and knows nothing of how they come: each is decoded into an
 * action, which the transport carries out on the block backend or answers from a buffer.
 */
#pragma once

#include "devices/storage/block.h"

#define SCSI_BLOCK 512u

/* SAM-5 status codes. */
#define SCSI_GOOD            0x00
#define SCSI_CHECK_CONDITION 0x02

enum scsi_kind {
    SCSI_NOTHING, /* done; no data */
    SCSI_REPLY,   /* `len` bytes of the buffer go to the host */
    SCSI_READ,    /* [offset, offset + len) of the disk goes to the host */
    SCSI_WRITE,   /* the host's data go to [offset, offset + len) */
    SCSI_TAKE,    /* `len` bytes of the host's are read and not looked at */
    SCSI_FLUSH,
    SCSI_FAILED, /* CHECK CONDITION: REQUEST SENSE says why */
};

struct scsi_action {
    enum scsi_kind kind;
    uint64_t offset, len;
    bool flush; /* after a write */
};

struct scsi_disk {
    struct block *block;
    const char *serial; /* the owner's */
    bool removable;
    uint8_t sense_key, sense_code;
    uint8_t buffer[512];
};

/* What a command asks for. `cdb` has 16 bytes. */
struct scsi_action scsi_disk_command(struct scsi_disk *disk, const uint8_t *cdb);

/* The backend failed at what an action asked for. */
void scsi_disk_failed(struct scsi_disk *disk, bool write);
