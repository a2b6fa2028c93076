/*
 * The inside of the diskette controller: floppy.c (registers, phases and results), floppy_commands.c (each
 * command) and floppy_transfer.c (drives, and going over their sectors).
 */
#pragma once

#include "devices/storage/floppy.h"

#define SECTOR_SIZE 512u
#define SECTOR_CODE 2u /* N of a command: 128 << N bytes */
#define COMMAND_MAX 9u
#define RESULT_MAX  10u
#define SELECTABLE  4u /* drives that a command can name */

#define OPCODE_MULTI 0x80u /* both heads, one after the other */
#define OPCODE_MFM   0x40u
#define OPCODE_SKIP  0x20u

/* Status registers 0 to 3, as results have them (82077AA data sheet, 5.3). */
#define ST0_ABNORMAL     0x40u
#define ST0_INVALID      0x80u
#define ST0_CHANGED      0xc0u
#define ST0_SEEK_END     0x20u
#define ST0_CHECK        0x10u
#define ST1_END          0x80u /* of the cylinder */
#define ST1_DATA_ERROR   0x20u
#define ST1_NO_DATA      0x04u
#define ST1_NOT_WRITABLE 0x02u
#define ST1_NO_ADDRESS   0x01u
#define ST2_CONTROL      0x40u /* the other kind of sector: with a mark that it is deleted, or without */
#define ST2_DATA_ERROR   0x20u
#define ST2_WRONG_TRACK  0x10u
#define ST2_SCAN_EQUAL   0x08u
#define ST2_SCAN_FAILED  0x04u
#define ST3_PROTECTED    0x40u
#define ST3_READY        0x20u
#define ST3_TRACK_0      0x10u
#define ST3_TWO_SIDED    0x08u

#define DOR_RUN      0x04u /* low: reset */
#define DOR_DMA_GATE 0x08u /* interrupts and DMA leave the controller */

#define SPECIFY_NO_DMA         0x01u /* of its second byte */
#define CONFIGURE_IMPLIED_SEEK 0x40u /* of the second byte */

enum floppy_phase {
    PHASE_COMMAND, /* bytes of one are awaited */
    PHASE_BUSY,    /* it is carried out */
    PHASE_DATA,    /* bytes go through DMA, or the data port */
    PHASE_RESULT,
};

/* What is done with each sector that a command goes over. */
enum floppy_work {
    WORK_READ,
    WORK_WRITE,
    WORK_VERIFY,
    WORK_FORMAT,
    WORK_SCAN_EQUAL,
    WORK_SCAN_LOW,
    WORK_SCAN_HIGH,
};

struct floppy_drive {
    struct block *block; /* NULL: no drive */
    struct floppy_geometry geometry;
};

struct floppy {
    struct machine *machine;
    struct floppy_config config;
    struct floppy_drive drives[FLOPPY_DRIVES];
    struct clock_timer *timer;
    struct block_request request;
    struct block_vec vec;
    struct block *busy; /* whose request it is, while it is under way */
    bool abandoned;     /* nobody waits for it any more */

    uint8_t dor, tdr, rate;
    uint8_t phase;
    uint8_t command[COMMAND_MAX], command_len;
    uint8_t result[RESULT_MAX], result_len, result_at;
    bool irq;
    bool resetting;  /* until the timer fires */
    bool id_awaited; /* likewise */
    uint8_t resets;  /* drives of which SENSE INTERRUPT has still to say that there was a reset, a bit each */
    uint8_t seeking, sought;                              /* drives with a seek under way, or one ended */
    uint8_t seek_status[SELECTABLE], targets[SELECTABLE]; /* its ST0, and where to */
    uint8_t tracks[SELECTABLE];                           /* where the controller thinks the heads are */
    uint8_t changed;                                      /* the drives' disk change lines */
    uint8_t specify[2], configure[3], perpendicular, last_eot;
    bool locked;

    /* The transfer under way: the sector that is looked for, and the last one of the track. */
    uint8_t work, cylinder, head, physical_head, sector, last;
    uint8_t st1, st2;
    bool terminal;
    uint16_t left;    /* sectors to come: VERIFY that counts, FORMAT */
    uint16_t at, len; /* of the buffer, in the data phase */
    bool scan_decided, scan_met;
    uint8_t buffer[SECTOR_SIZE];
};

static inline uint8_t floppy_unit(const struct floppy *f)
{
    return f->command[1] & 3;
}

static inline bool floppy_uses_dma(const struct floppy *f)
{
    return !(f->specify[1] & SPECIFY_NO_DMA);
}

/* floppy.c */
void floppy_interrupt(struct floppy *f, bool level);
void floppy_result(struct floppy *f, const uint8_t *bytes, unsigned count);
void floppy_idle(struct floppy *f);  /* the next command may come */
void floppy_later(struct floppy *f); /* mechanics: the timer will call floppy_mechanics */

/* floppy_commands.c */
unsigned floppy_command_length(uint8_t opcode);
void floppy_command_run(struct floppy *f);
void floppy_mechanics(struct floppy *f);

/* floppy_transfer.c */
bool floppy_there(const struct floppy *f, unsigned unit);
bool floppy_writable(const struct floppy *f, unsigned unit);
/* Whether address marks come past a head: a turning diskette, read at its data rate and in its encoding. */
bool floppy_legible(const struct floppy *f);
void floppy_transfer_start(struct floppy *f, enum floppy_work work);
void floppy_transfer_end(struct floppy *f, uint8_t st0);
void floppy_data_move(void *opaque);             /* as far as DMA goes */
bool floppy_data_inward(const struct floppy *f); /* from the guest */
uint8_t floppy_data_read(struct floppy *f);
void floppy_data_write(struct floppy *f, uint8_t value);
void floppy_transfer_drop(struct floppy *f);
