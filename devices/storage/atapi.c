/*
 * A CD or DVD drive: packet commands of MMC-5 and SPC-3 over a read-only image of 2048-byte sectors. What
 * tells of the disc (TOC, profiles, pages) is in atapi_info.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/atapi_internal.h"

#define SIGNATURE 0xeb140101u
#define MODEL     "TRIARCH DVD-ROM"
#define FIRMWARE  "1.0"

#define COMMAND_PACKET   0xa0u
#define COMMAND_IDENTIFY 0xa1u

/* Interrupt reason: the count register after a packet command. */
#define REASON_DONE 3u

static void sense_set(struct atapi *drive, uint8_t key, uint8_t code)
{
    drive->sense_key = key;
    drive->sense_code = code;
}

/* The command fails; why is told by the next REQUEST SENSE. */
static void check(struct atapi *drive, struct ata_action *action, uint8_t key, uint8_t code)
{
    sense_set(drive, key, code);
    ata_refuse(action, (uint8_t)(key << 4 | (key == SENSE_ABORTED ? ATA_ERROR_ABORT : 0)));
}

static bool disc_there(const struct atapi *drive)
{
    return drive->ata.block && !drive->ejected;
}

static bool disc_needed(struct atapi *drive, struct ata_action *action)
{
    if (disc_there(drive))
        return true;
    check(drive, action, SENSE_NOT_READY, CODE_NO_MEDIUM);
    return false;
}

/* The first `len` bytes of the drive's buffer, or as many as the host allows. */
static void reply(struct atapi *drive, struct ata_action *action, size_t len, size_t allowed)
{
    action->kind = ATA_DATA_IN;
    action->buffer = drive->buffer;
    action->len = len < allowed ? len : allowed;
    if (!action->len)
        action->kind = ATA_NOTHING;
}

static void sectors_read(struct atapi *drive, struct ata_action *action, uint64_t lba, uint64_t count)
{
    uint64_t total = atapi_sectors(drive);
    if (!disc_needed(drive, action))
        return;
    if (range_beyond(lba, count, total)) {
        check(drive, action, SENSE_ILLEGAL, CODE_LBA_RANGE);
        return;
    }
    action->kind = count ? ATA_MEDIUM : ATA_NOTHING;
    action->offset = lba * ATAPI_SECTOR;
    action->len = count * ATAPI_SECTOR;
}

/* READ CD: only the 2048 bytes of user data that an image has. */
static void cd_read(struct atapi *drive, const uint8_t *packet, struct ata_action *action)
{
    uint32_t count = be32_load(packet + 5) & 0xffffff; /* bytes 6 to 8 */
    uint8_t type = packet[1] >> 2 & 7, fields = packet[9] & 0xf8;
    if (fields == 0 || count == 0)
        return;
    if (fields != 0x10 || packet[10] & 7 || (type > 2 && type != 4)) {
        check(drive, action, SENSE_ILLEGAL, CODE_FIELD);
        return;
    }
    sectors_read(drive, action, be32_load(packet + 2), count);
}

static void capacity_read(struct atapi *drive, struct ata_action *action)
{
    if (!disc_needed(drive, action))
        return;
    be32_store(drive->buffer, (uint32_t)(atapi_sectors(drive) - 1));
    be32_store(drive->buffer + 4, ATAPI_SECTOR);
    reply(drive, action, 8, 8);
}

static void sense_request(struct atapi *drive, const uint8_t *packet, struct ata_action *action)
{
    uint8_t *data = drive->buffer;
    memset(data, 0, 18);
    data[0] = 0x70;
    data[2] = drive->sense_key;
    data[7] = 10;
    data[12] = drive->sense_code;
    data[13] = drive->sense_code == CODE_REMOVAL_PREVENTED ? 2 : 0;
    sense_set(drive, SENSE_NONE, 0);
    reply(drive, action, 18, packet[4]);
}

static void start_stop(struct atapi *drive, const uint8_t *packet, struct ata_action *action)
{
    bool start = packet[4] & 1, eject = packet[4] & 2;
    if (!eject)
        return;
    if (!start && drive->locked) {
        check(drive, action, disc_there(drive) ? SENSE_ILLEGAL : SENSE_NOT_READY, CODE_REMOVAL_PREVENTED);
        return;
    }
    drive->media_event = start == drive->ejected ? (start ? EVENT_NEW_MEDIUM : EVENT_REMOVAL) : EVENT_NONE;
    drive->ejected = !start;
}

static void event_status(struct atapi *drive, const uint8_t *packet, struct ata_action *action)
{
    uint8_t *data = drive->buffer;
    bool media = packet[4] & 0x10;
    if (!(packet[1] & 1)) { /* only polled events */
        check(drive, action, SENSE_ILLEGAL, CODE_FIELD);
        return;
    }
    memset(data, 0, 8);
    data[1] = media ? 6 : 2;
    data[2] = media ? 4 : 0x80; /* the class, or none */
    data[3] = 0x10;             /* what there is: media */
    if (media) {
        data[4] = drive->media_event;
        data[5] = (uint8_t)(drive->ejected | disc_there(drive) << 1);
        drive->media_event = EVENT_NONE;
    }
    reply(drive, action, media ? 8 : 4, be16_load(packet + 7));
}

/* An answer of atapi_info.c. */
static void informed(struct atapi *drive, struct ata_action *action, int len, size_t allowed)
{
    if (len < 0)
        check(drive, action, SENSE_ILLEGAL, CODE_FIELD);
    else
        reply(drive, action, (size_t)len, allowed);
}

/* Commands that tell of the drive or the disc; false: not one of them. */
static bool information_execute(struct atapi *drive, const uint8_t *packet, struct ata_action *action)
{
    uint16_t allowed = be16_load(packet + 7);
    switch (packet[0]) {
    case 0x12: informed(drive, action, atapi_inquiry(drive, packet), be16_load(packet + 3)); break;
    case 0x1a: informed(drive, action, atapi_mode_sense(drive, packet, true), packet[4]); break;
    case 0x5a: informed(drive, action, atapi_mode_sense(drive, packet, false), allowed); break;
    case 0x46: informed(drive, action, atapi_configuration(drive, packet, disc_there(drive)), allowed); break;
    case 0xbd:
        memset(drive->buffer, 0, 8); /* no changer: no slots */
        drive->buffer[5] = 1;
        informed(drive, action, 8, be16_load(packet + 8));
        break;
    case 0x4a: event_status(drive, packet, action); break;
    case 0x43:
        if (disc_needed(drive, action))
            informed(drive, action, atapi_toc(drive, packet), allowed);
        break;
    case 0x42:
        if (disc_needed(drive, action)) {
            memset(drive->buffer, 0, 4);
            drive->buffer[1] = 0x15; /* no audio is being played */
            informed(drive, action, 4, allowed);
        }
        break;
    case 0x51:
        if (disc_needed(drive, action))
            informed(drive, action, atapi_disc_information(drive), allowed);
        break;
    case 0x52:
        if (disc_needed(drive, action))
            informed(drive, action, atapi_track_information(drive, packet), allowed);
        break;
    case 0xad:
        if (disc_needed(drive, action))
            informed(drive, action, atapi_dvd_structure(drive, packet), be16_load(packet + 8));
        break;
    default: return false;
    }
    return true;
}

static void packet_execute(struct atapi *drive, const uint8_t *packet, struct ata_action *action)
{
    if (packet[0] != 0x03) /* every command but REQUEST SENSE makes a new sense */
        sense_set(drive, SENSE_NONE, 0);
    if (information_execute(drive, packet, action))
        return;
    switch (packet[0]) {
    case 0x00:
    case 0x35: disc_needed(drive, action); break; /* TEST UNIT READY, SYNCHRONIZE CACHE */
    case 0x03: sense_request(drive, packet, action); break;
    case 0x1b: start_stop(drive, packet, action); break;
    case 0x1e: drive->locked = packet[4] & 1; break;
    case 0x25: capacity_read(drive, action); break;
    case 0x28: sectors_read(drive, action, be32_load(packet + 2), be16_load(packet + 7)); break;
    case 0xa8: sectors_read(drive, action, be32_load(packet + 2), be32_load(packet + 6)); break;
    case 0xbe:
        if (disc_needed(drive, action))
            cd_read(drive, packet, action);
        break;
    case 0x2b: sectors_read(drive, action, be32_load(packet + 2), 0); break; /* SEEK */
    case 0xbb:
    case 0xb6: break; /* SET CD SPEED, SET STREAMING */
    default: check(drive, action, SENSE_ILLEGAL, CODE_OPERATION);
    }
}

static void identify(struct atapi *drive, struct ata_action *action)
{
    uint8_t *data = drive->buffer;
    memset(data, 0, ATA_SECTOR);
    ata_word_set(data, 0, 0x8580); /* packets of 12 bytes, a CD drive, removable */
    ata_text_set(data, 10, 10, "");
    ata_text_set(data, 23, 4, FIRMWARE);
    ata_text_set(data, 27, 20, MODEL);
    ata_word_set(data, 49, 0x0f00);
    ata_word_set(data, 53, 0x0006);
    ata_word_set(data, 63, 0x0007);
    ata_word_set(data, 64, 0x0003);
    for (unsigned i = 65; i <= 68; i++)
        ata_word_set(data, i, 120);
    ata_word_set(data, 76, 0x0006);
    ata_word_set(data, 80, 0x01f0);
    ata_word_set(data, 82, 0x0210); /* PACKET, DEVICE RESET */
    ata_word_set(data, 83, 0x4000);
    ata_word_set(data, 84, 0x4000);
    ata_word_set(data, 85, 0x0210);
    ata_word_set(data, 87, 0x4000);
    ata_word_set(data, 88, 0x207f);
    action->kind = ATA_DATA_IN;
    action->pio = true;
    action->buffer = data;
    action->len = ATA_SECTOR;
}

static void signature_set(struct ata_action *action)
{
    action->count = SIGNATURE & 0xff;
    action->lba = SIGNATURE >> 8;
    action->device = 0;
}

static void atapi_execute(struct ata_device *ata, const struct ata_command *command,
                          struct ata_action *action)
{
    struct atapi *drive = container_of(ata, struct atapi, ata);
    switch (command->command) {
    case COMMAND_PACKET:
        action->packet = true;
        action->pio = !(command->features & 1);
        packet_execute(drive, command->packet, action);
        action->count = REASON_DONE;
        break;
    case COMMAND_IDENTIFY: identify(drive, action); break;
    case 0x08: /* DEVICE RESET */
        ata->reset(ata);
        signature_set(action);
        break;
    case 0x90:
        action->error = 1;
        signature_set(action);
        break;
    case 0xec: /* how a host finds out that this is no hard disk */
    case 0x20:
        ata_refuse(action, ATA_ERROR_ABORT);
        signature_set(action);
        break;
    case 0xef:
        if ((command->features & 0xff) != 0x03)
            ata_refuse(action, ATA_ERROR_ABORT);
        break;
    case 0xe5: action->count = 0xff; break;
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
    case 0xe6: break;
    default: ata_refuse(action, ATA_ERROR_ABORT);
    }
}

static void atapi_medium_failed(struct ata_device *ata, struct ata_action *action, int error)
{
    log_warn("a CD's image can't be read: error %d", error);
    check(container_of(ata, struct atapi, ata), action, SENSE_MEDIUM, CODE_UNRECOVERED);
}

static void atapi_reset(struct ata_device *ata)
{
    sense_set(container_of(ata, struct atapi, ata), SENSE_NONE, 0);
}

static const struct state_field fields[] = {
    STATE(struct atapi, sense_key),   STATE(struct atapi, sense_code),
    STATE(struct atapi, locked),      STATE(struct atapi, ejected, .keep = true),
    STATE(struct atapi, media_event),
};
static const struct state_table table = {"atapi", 1, fields, ARRAY_LEN(fields), NULL};

static void atapi_destroy(void *object)
{
    struct atapi *drive = object;
    block_close(drive->ata.block);
    free(drive);
}

struct ata_device *atapi_create(struct machine *machine, const char *name, struct block *block)
{
    struct atapi *drive = machine_alloc(sizeof(*drive));
    drive->ata = (struct ata_device){
        .block = block,
        .signature = SIGNATURE,
        .execute = atapi_execute,
        .medium_failed = atapi_medium_failed,
        .reset = atapi_reset,
    };
    machine_device_add(machine, name, &table, drive, atapi_destroy);
    return &drive->ata;
}
