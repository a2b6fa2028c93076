/* What the two files of the CD drive share. */
#pragma once

#include "devices/storage/ata.h"

#define ATAPI_SECTOR 2048u

/* SPC-3, 4.5.6: sense keys, and the codes used here; their qualifiers are all zero but for MEDIUM REMOVAL. */
#define SENSE_NONE      0x0
#define SENSE_NOT_READY 0x2
#define SENSE_MEDIUM    0x3
#define SENSE_ILLEGAL   0x5
#define SENSE_ABORTED   0xb

#define CODE_UNRECOVERED       0x11
#define CODE_OPERATION         0x20
#define CODE_LBA_RANGE         0x21
#define CODE_FIELD             0x24
#define CODE_NO_MEDIUM         0x3a
#define CODE_REMOVAL_PREVENTED 0x53

enum { EVENT_NONE, EVENT_EJECT_REQUEST, EVENT_NEW_MEDIUM, EVENT_REMOVAL };

struct atapi {
    struct ata_device ata;
    uint8_t sense_key, sense_code;
    bool locked, ejected;
    uint8_t media_event;
    uint8_t buffer[4096];
};

/* Sectors of the disc that is there; 0: none. */
uint64_t atapi_sectors(const struct atapi *drive);

/* Each fills the buffer and returns how many bytes there are, or -1 when a field of the packet is wrong. */
int atapi_inquiry(struct atapi *drive, const uint8_t *packet);
int atapi_mode_sense(struct atapi *drive, const uint8_t *packet, bool short_form);
int atapi_configuration(struct atapi *drive, const uint8_t *packet, bool disc);
int atapi_toc(struct atapi *drive, const uint8_t *packet);
int atapi_disc_information(struct atapi *drive);
int atapi_track_information(struct atapi *drive, const uint8_t *packet);
int atapi_dvd_structure(struct atapi *drive, const uint8_t *packet);
