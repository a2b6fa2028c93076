/* A hard disk with the commands of ACS-2: PIO, DMA and queued transfers, 28 and 48 bits, flush and trim. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/ata.h"

#define SIGNATURE 0x00000101u
#define MODEL     "TRIARCH HARDDISK"
#define FIRMWARE  "1.0"

#define LOG_DIRECTORY   0x00
#define LOG_QUEUE_ERROR 0x10

#define DEVICE_LBA 0x40u

/* Sectors of a READ MULTIPLE at most. */
#define MULTIPLE_MAX 16

struct ata_disk {
    struct ata_device ata;
    char serial[21];
    uint8_t multiple;
    uint8_t no_write_cache, no_read_ahead;
    /* What the error log of queued commands says: nothing, or the tag of the first that failed. */
    uint8_t queue_tag, queue_status, queue_error;
    uint64_t queue_lba;
    uint8_t buffer[ATA_SECTOR];
};

#define QUEUE_NONE 0x80 /* in the place of a tag */

void ata_word_set(uint8_t *data, unsigned word, uint16_t value)
{
    le16_store(data + 2 * word, value);
}

void ata_text_set(uint8_t *data, unsigned word, unsigned words, const char *text)
{
    size_t len = strlen(text);
    for (unsigned i = 0; i < 2 * words; i++)
        data[2 * word + (i ^ 1)] = i < len ? (uint8_t)text[i] : ' ';
}

void ata_refuse(struct ata_action *action, uint8_t error)
{
    action->kind = ATA_FAILED;
    action->error = error;
}

static uint64_t sectors(const struct ata_disk *disk)
{
    return block_size(disk->ata.block) / ATA_SECTOR;
}

static void identify_geometry(uint8_t *data, uint64_t total)
{
    uint64_t cylinders = total / (16 * 63) < 16383 ? total / (16 * 63) : 16383;
    uint64_t low = total < 0x0fffffff ? total : 0x0fffffff;
    ata_word_set(data, 1, (uint16_t)cylinders);
    ata_word_set(data, 3, 16);
    ata_word_set(data, 6, 63);
    ata_word_set(data, 54, (uint16_t)cylinders);
    ata_word_set(data, 55, 16);
    ata_word_set(data, 56, 63);
    le32_store(data + 2 * 57, (uint32_t)(cylinders * 16 * 63));
    le32_store(data + 2 * 60, (uint32_t)low);
    le64_store(data + 2 * 100, total);
}

/* ACS-2, 7.12.7. */
static void identify(struct ata_disk *disk, struct ata_action *action)
{
    uint8_t *data = disk->buffer;
    memset(data, 0, sizeof(disk->buffer));
    ata_word_set(data, 0, 0x0040);
    identify_geometry(data, sectors(disk));
    ata_text_set(data, 10, 10, disk->serial);
    ata_text_set(data, 23, 4, FIRMWARE);
    ata_text_set(data, 27, 20, MODEL);
    ata_word_set(data, 47, 0x8000 | MULTIPLE_MAX);
    ata_word_set(data, 49, 0x0f00); /* LBA, DMA, IORDY */
    ata_word_set(data, 50, 0x4000);
    ata_word_set(data, 53, 0x0007);
    ata_word_set(data, 59, disk->multiple ? 0x0100 | disk->multiple : 0);
    ata_word_set(data, 63, 0x0007); /* multiword DMA 0 to 2 */
    ata_word_set(data, 64, 0x0003);
    for (unsigned i = 65; i <= 68; i++)
        ata_word_set(data, i, 120);
    ata_word_set(data, 69, 0x4020); /* trimmed blocks read the same each time: zeroes */
    ata_word_set(data, 75, 31);     /* queue depth 32 */
    ata_word_set(data, 76, 0x0106); /* queued commands, 1.5 and 3 Gb/s */
    ata_word_set(data, 80, 0x01f0); /* ATA-4 to ATA8-ACS */
    ata_word_set(data, 82, 0x4060); /* NOP, read-ahead, write cache */
    ata_word_set(data, 83, 0x7400); /* FLUSH, FLUSH EXT, 48 bits */
    ata_word_set(data, 84, 0x4060); /* FUA, logs */
    ata_word_set(data, 85, 0x4000 | (disk->no_read_ahead ? 0 : 0x40) | (disk->no_write_cache ? 0 : 0x20));
    ata_word_set(data, 86, 0x3400);
    ata_word_set(data, 87, 0x4060);
    ata_word_set(data, 88, 0x207f); /* Ultra DMA 0 to 6, 5 is set */
    ata_word_set(data, 105, 1);     /* one sector of ranges a trim */
    ata_word_set(data, 106, 0x4000);
    ata_word_set(data, 169, 1); /* trim */
    ata_word_set(data, 217, 1); /* nothing turns */
    ata_word_set(data, 222, 0x101f);
    data[510] = 0xa5;
    for (unsigned i = 0; i < 511; i++)
        data[511] = (uint8_t)(data[511] - data[i]);
    action->kind = ATA_DATA_IN;
    action->pio = true;
    action->buffer = data;
    action->len = ATA_SECTOR;
}

static bool is_wide(uint8_t command)
{
    switch (command) {
    case 0x24:
    case 0x25:
    case 0x29:
    case 0x34:
    case 0x35:
    case 0x39:
    case 0x3d:
    case 0x42:
    case 0xce: return true;
    default: return false;
    }
}

/* The range a command names; false, with the action refused, when it is not on the disk. */
static bool range_decode(struct ata_disk *disk, const struct ata_command *command, struct ata_action *action)
{
    bool queued = command->command == ATA_READ_QUEUED || command->command == ATA_WRITE_QUEUED;
    uint64_t lba = command->lba, count;
    if (queued) {
        count = command->features ? command->features : 0x10000;
    } else if (is_wide(command->command)) {
        count = command->count ? command->count : 0x10000;
    } else {
        lba = (lba & 0xffffff) | (uint64_t)(command->device & 0xf) << 24;
        count = command->count & 0xff ? command->count & 0xff : 0x100;
    }
    if (!(command->device & DEVICE_LBA)) {
        ata_refuse(action, ATA_ERROR_ABORT);
        return false;
    }
    if (range_beyond(lba, count, sectors(disk))) {
        ata_refuse(action, ATA_ERROR_NOT_FOUND);
        return false;
    }
    action->offset = lba * ATA_SECTOR;
    action->len = count * ATA_SECTOR;
    return true;
}

static void transfer(struct ata_disk *disk, const struct ata_command *command, struct ata_action *action,
                     bool write, bool force)
{
    if (write && block_readonly(disk->ata.block)) {
        ata_refuse(action, ATA_ERROR_ABORT);
        return;
    }
    if (!range_decode(disk, command, action))
        return;
    action->kind = ATA_MEDIUM;
    action->write = write;
    action->flush = write && (force || disk->no_write_cache);
}

static void features_set(struct ata_disk *disk, const struct ata_command *command, struct ata_action *action)
{
    switch (command->features & 0xff) {
    case 0x02: disk->no_write_cache = false; break;
    case 0x82: disk->no_write_cache = true; break;
    case 0x55: disk->no_read_ahead = true; break;
    case 0xaa: disk->no_read_ahead = false; break;
    case 0x03: /* transfer mode: all are the same here */
    case 0x05: /* power management and its like may be asked for */
    case 0x85:
    case 0x66:
    case 0xcc: break;
    default: ata_refuse(action, ATA_ERROR_ABORT);
    }
}

/* SATA 2.6, 13.7: the log from which a host learns which queued command failed. */
static void log_read(struct ata_disk *disk, const struct ata_command *command, struct ata_action *action)
{
    uint8_t log = (uint8_t)command->lba, *data = disk->buffer;
    bool page_0 = !(command->lba >> 8 & 0xff) && command->count == 1;
    if (!page_0 || (log != LOG_DIRECTORY && log != LOG_QUEUE_ERROR)) {
        ata_refuse(action, ATA_ERROR_ABORT);
        return;
    }
    memset(data, 0, sizeof(disk->buffer));
    if (log == LOG_DIRECTORY) {
        ata_word_set(data, 0, 1);
        ata_word_set(data, LOG_QUEUE_ERROR, 1);
    } else {
        data[0] = disk->queue_tag;
        data[2] = disk->queue_status;
        data[3] = disk->queue_error;
        for (unsigned i = 0; i < 3; i++) {
            data[4 + i] = (uint8_t)(disk->queue_lba >> 8 * i);
            data[8 + i] = (uint8_t)(disk->queue_lba >> 8 * (i + 3));
        }
        data[7] = DEVICE_LBA;
        for (unsigned i = 0; i < 511; i++)
            data[511] = (uint8_t)(data[511] - data[i]);
        disk->queue_tag = QUEUE_NONE;
    }
    action->kind = ATA_DATA_IN;
    action->pio = true;
    action->buffer = data;
    action->len = ATA_SECTOR;
}

static void disk_queue_failed(struct ata_device *ata, unsigned tag, const struct ata_action *action)
{
    struct ata_disk *disk = container_of(ata, struct ata_disk, ata);
    disk->queue_tag = (uint8_t)tag;
    disk->queue_status = ATA_STATUS_READY | ATA_STATUS_ERROR;
    disk->queue_error = action->error;
    disk->queue_lba = action->lba;
}

static void multiple_set(struct ata_disk *disk, const struct ata_command *command, struct ata_action *action)
{
    uint8_t count = (uint8_t)command->count;
    if (count > MULTIPLE_MAX || (count & (count - 1)))
        ata_refuse(action, ATA_ERROR_ABORT);
    else
        disk->multiple = count;
}

static void native_max(const struct ata_disk *disk, const struct ata_command *command,
                       struct ata_action *action)
{
    uint64_t last = sectors(disk) - 1;
    if (command->command == 0xf8) {
        last = last < 0x0fffffff ? last : 0x0fffffff;
        action->device = (uint8_t)((action->device & 0xf0) | last >> 24);
        last &= 0xffffff;
    }
    action->lba = last;
}

static void trim(const struct ata_disk *disk, const struct ata_command *command, struct ata_action *action)
{
    if (command->features != 1 || command->count != 1 || block_readonly(disk->ata.block)) {
        ata_refuse(action, ATA_ERROR_ABORT);
        return;
    }
    action->kind = ATA_DATA_OUT;
    action->len = ATA_SECTOR;
}

/* ACS-2, 7.10.3.1: LBA in 48 bits, sectors in 16; empty ranges are skipped. */
static void disk_data_out(struct ata_device *ata, const struct ata_command *command, const uint8_t *bytes,
                          struct ata_action *action)
{
    const struct ata_disk *disk = container_of(ata, struct ata_disk, ata);
    (void)command;
    action->kind = ATA_TRIM;
    action->range_count = 0;
    for (unsigned i = 0; i < ATA_TRIM_RANGES; i++) {
        uint64_t entry = le64_load(bytes + 8 * i), lba = bits_get(entry, 0, 48), count = entry >> 48;
        if (range_beyond(lba, count, sectors(disk))) {
            ata_refuse(action, ATA_ERROR_NOT_FOUND);
            return;
        }
        if (!count)
            continue;
        action->ranges[action->range_count].offset = lba * ATA_SECTOR;
        action->ranges[action->range_count++].len = count * ATA_SECTOR;
    }
}

static bool transfer_execute(struct ata_disk *disk, const struct ata_command *command,
                             struct ata_action *action)
{
    switch (command->command) {
    case 0xc4: /* READ MULTIPLE and its like need SET MULTIPLE before */
    case 0x29:
    case 0xc5:
    case 0x39:
    case 0xce:
        if (!disk->multiple) {
            ata_refuse(action, ATA_ERROR_ABORT);
            return true;
        }
        action->pio = true;
        action->block = disk->multiple * ATA_SECTOR;
        transfer(disk, command, action, command->command != 0xc4 && command->command != 0x29,
                 command->command == 0xce);
        return true;
    case 0x20:
    case 0x21:
    case 0x24:
    case 0x30:
    case 0x31:
    case 0x34:
        action->pio = true;
        transfer(disk, command, action, command->command >= 0x30, false);
        return true;
    case 0xc8:
    case 0xc9:
    case 0x25:
    case ATA_READ_QUEUED: transfer(disk, command, action, false, false); return true;
    case 0xca:
    case 0xcb:
    case 0x35: transfer(disk, command, action, true, false); return true;
    case 0x3d: transfer(disk, command, action, true, true); return true;
    case ATA_WRITE_QUEUED: transfer(disk, command, action, true, command->device & 0x80); return true;
    default: return false;
    }
}

static void disk_execute(struct ata_device *ata, const struct ata_command *command, struct ata_action *action)
{
    struct ata_disk *disk = container_of(ata, struct ata_disk, ata);
    if (transfer_execute(disk, command, action))
        return;
    switch (command->command) {
    case 0xec: identify(disk, action); break;
    case 0xe7: /* FLUSH CACHE, EXT */
    case 0xea: action->kind = ATA_FLUSH; break;
    case 0xef: features_set(disk, command, action); break;
    case 0xc6: multiple_set(disk, command, action); break;
    case 0x2f: log_read(disk, command, action); break;
    case 0x06: trim(disk, command, action); break;
    case 0x27:
    case 0xf8: native_max(disk, command, action); break;
    case 0x40: /* READ VERIFY */
    case 0x41:
    case 0x42:
        range_decode(disk, command, action); /* nothing to be moved */
        break;
    case 0xe5: action->count = 0xff; break; /* CHECK POWER MODE: active */
    case 0x90:
        action->count = 1;
        action->lba = 1;
        action->error = 1; /* EXECUTE DEVICE DIAGNOSTIC: passed */
        break;
    case 0x10: /* RECALIBRATE, SEEK, INITIALIZE DEVICE PARAMETERS, idle and standby: nothing to do */
    case 0x70:
    case 0x91:
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
    case 0xe6: break;
    default: ata_refuse(action, ATA_ERROR_ABORT);
    }
}

static void disk_medium_failed(struct ata_device *ata, struct ata_action *action, int error)
{
    (void)ata;
    log_warn("a disk's image can't be %s: error %d", action->write ? "written" : "read", error);
    ata_refuse(action,
               action->write || action->kind == ATA_FLUSH ? ATA_ERROR_ABORT : ATA_ERROR_UNCORRECTABLE);
}

static void disk_reset(struct ata_device *ata)
{
    struct ata_disk *disk = container_of(ata, struct ata_disk, ata);
    disk->multiple = 0;
    disk->queue_tag = QUEUE_NONE;
}

static const struct state_field fields[] = {
    STATE(struct ata_disk, multiple),      STATE(struct ata_disk, no_write_cache),
    STATE(struct ata_disk, no_read_ahead), STATE(struct ata_disk, queue_tag, .reset = QUEUE_NONE),
    STATE(struct ata_disk, queue_status),  STATE(struct ata_disk, queue_error),
    STATE(struct ata_disk, queue_lba),
};
static const struct state_table table = {"ata-disk", 1, fields, ARRAY_LEN(fields), NULL};

static void disk_destroy(void *object)
{
    struct ata_disk *disk = object;
    block_close(disk->ata.block);
    free(disk);
}

struct ata_device *ata_disk_create(struct machine *machine, const char *name, struct block *block,
                                   const char *serial)
{
    struct ata_disk *disk = machine_alloc(sizeof(*disk));
    disk->ata = (struct ata_device){
        .block = block,
        .signature = SIGNATURE,
        .reset_status = ATA_STATUS_READY | ATA_STATUS_SEEK,
        .execute = disk_execute,
        .data_out = disk_data_out,
        .medium_failed = disk_medium_failed,
        .queue_failed = disk_queue_failed,
        .reset = disk_reset,
    };
    snprintf(disk->serial, sizeof(disk->serial), "%s", serial ? serial : block_name(block));
    machine_device_add(machine, name, &table, disk, disk_destroy);
    return &disk->ata;
}
