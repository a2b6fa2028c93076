#include "devices/storage/scsi_disk.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"

#define VENDOR   "TRIARCH "
#define PRODUCT  "HARDDISK        "
#define REVISION "1.0 "

enum {
    TEST_UNIT_READY = 0x00,
    REQUEST_SENSE = 0x03,
    READ_6 = 0x08,
    WRITE_6 = 0x0a,
    INQUIRY = 0x12,
    MODE_SELECT_6 = 0x15,
    MODE_SENSE_6 = 0x1a,
    START_STOP = 0x1b,
    PREVENT_ALLOW = 0x1e,
    READ_FORMAT_CAPACITIES = 0x23,
    READ_CAPACITY_10 = 0x25,
    READ_10 = 0x28,
    WRITE_10 = 0x2a,
    VERIFY_10 = 0x2f,
    SYNCHRONIZE_CACHE_10 = 0x35,
    MODE_SENSE_10 = 0x5a,
    READ_16 = 0x88,
    WRITE_16 = 0x8a,
    VERIFY_16 = 0x8f,
    SYNCHRONIZE_CACHE_16 = 0x91,
    SERVICE_ACTION_IN_16 = 0x9e,
    REPORT_LUNS = 0xa0,
    READ_12 = 0xa8,
    WRITE_12 = 0xaa,
};
#define SERVICE_READ_CAPACITY_16 0x10

/* SPC-4, 4.5.6: sense keys, and codes whose qualifier is zero. */
#define KEY_NONE        0x0
#define KEY_MEDIUM      0x3
#define KEY_ILLEGAL     0x5
#define KEY_PROTECT     0x7
#define CODE_WRITE      0x0c
#define CODE_READ       0x11
#define CODE_OPERATION  0x20
#define CODE_RANGE      0x21
#define CODE_FIELD      0x24
#define CODE_PROTECTED  0x27
#define FIXED_SENSE_LEN 18

#define PAGE_CACHING      0x08
#define PAGE_CONTROL      0x0a
#define PAGE_ALL          0x3f
#define FORCE_UNIT_ACCESS 0x08

static struct scsi_action fail(struct scsi_disk *disk, uint8_t key, uint8_t code)
{
    disk->sense_key = key;
    disk->sense_code = code;
    return (struct scsi_action){.kind = SCSI_FAILED};
}

void scsi_disk_failed(struct scsi_disk *disk, bool write)
{
    fail(disk, KEY_MEDIUM, write ? CODE_WRITE : CODE_READ);
}

/* The first `len` bytes of the buffer, or as many as the host allows. */
static struct scsi_action reply(size_t len, uint64_t allowed)
{
    len = len < allowed ? len : allowed;
    return (struct scsi_action){.kind = len ? SCSI_REPLY : SCSI_NOTHING, .len = len};
}

static uint64_t blocks(const struct scsi_disk *disk)
{
    return block_size(disk->block) / SCSI_BLOCK;
}

/* --- what the disk says of itself --- */

static struct scsi_action sense_request(struct scsi_disk *disk, const uint8_t *cdb)
{
    disk->buffer[0] = 0x70;
    disk->buffer[2] = disk->sense_key;
    disk->buffer[7] = FIXED_SENSE_LEN - 8;
    disk->buffer[12] = disk->sense_code;
    disk->sense_key = disk->sense_code = KEY_NONE;
    return reply(FIXED_SENSE_LEN, cdb[4]);
}

/* Vital product data: which pages there are, the serial number, a name, limits, that nothing turns. */
static struct scsi_action inquiry_page(struct scsi_disk *disk, uint8_t page, uint16_t allowed)
{
    static const uint8_t pages[] = {0x00, 0x80, 0x83, 0xb0, 0xb1};
    uint8_t *data = disk->buffer;
    size_t len = 0;
    data[1] = page;
    switch (page) {
    case 0x00: memcpy(data + 4, pages, len = sizeof(pages)); break;
    case 0x80: len = (size_t)snprintf((char *)data + 4, 64, "%s", disk->serial); break;
    case 0x83: /* one designator: T10 vendor identification, in ASCII */
        data[4] = 2;
        data[5] = 1;
        data[7] = (uint8_t)snprintf((char *)data + 8, 72, "%s%s", VENDOR, disk->serial);
        len = 4u + data[7];
        break;
    case 0xb0: len = 0x3c; break;
    case 0xb1:
        len = 0x3c;
        be16_store(data + 4, 1); /* not rotating */
        break;
    default: return fail(disk, KEY_ILLEGAL, CODE_FIELD);
    }
    len = len < 80 ? len : 80;
    data[3] = (uint8_t)len;
    return reply(4 + len, allowed);
}

static struct scsi_action inquiry(struct scsi_disk *disk, const uint8_t *cdb)
{
    uint16_t allowed = be16_load(cdb + 3);
    uint8_t *data = disk->buffer;
    if (cdb[1] & 1)
        return inquiry_page(disk, cdb[2], allowed);
    if (cdb[2])
        return fail(disk, KEY_ILLEGAL, CODE_FIELD);
    data[1] = disk->removable ? 0x80 : 0;
    data[2] = 6; /* SPC-4 */
    data[3] = 2;
    data[4] = 36 - 5;
    memcpy(data + 8, VENDOR PRODUCT REVISION, 28);
    return reply(36, allowed);
}

static size_t caching_page(uint8_t *data, bool changeable)
{
    data[0] = PAGE_CACHING;
    data[1] = 0x12;
    data[2] = changeable ? 0 : 0x04; /* writes are cached */
    return 20;
}

static size_t control_page(uint8_t *data)
{
    data[0] = PAGE_CONTROL;
    data[1] = 0x0a;
    return 12;
}

static struct scsi_action mode_sense(struct scsi_disk *disk, const uint8_t *cdb, bool long_form)
{
    uint8_t page = cdb[2] & 0x3f, *data = disk->buffer;
    bool changeable = cdb[2] >> 6 == 1, saved = cdb[2] >> 6 == 3;
    size_t head = long_form ? 8 : 4, len = head;
    if (saved || (page != PAGE_ALL && page != PAGE_CACHING && page != PAGE_CONTROL))
        return fail(disk, KEY_ILLEGAL, CODE_FIELD);
    if (page != PAGE_CONTROL)
        len += caching_page(data + len, changeable);
    if (page != PAGE_CACHING)
        len += control_page(data + len);
    uint8_t parameter = (uint8_t)(block_readonly(disk->block) << 7 | 1 << 4); /* FUA is understood */
    data[long_form ? 3 : 2] = parameter;
    if (long_form)
        be16_store(data, (uint16_t)(len - 2));
    else
        data[0] = (uint8_t)(len - 1);
    return reply(len, long_form ? be16_load(cdb + 7) : cdb[4]);
}

static struct scsi_action capacity_10(struct scsi_disk *disk)
{
    uint64_t last = blocks(disk) - 1;
    be32_store(disk->buffer, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
    be32_store(disk->buffer + 4, SCSI_BLOCK);
    return reply(8, 8);
}

static struct scsi_action capacity_16(struct scsi_disk *disk, const uint8_t *cdb)
{
    if ((cdb[1] & 0x1f) != SERVICE_READ_CAPACITY_16)
        return fail(disk, KEY_ILLEGAL, CODE_FIELD);
    be64_store(disk->buffer, blocks(disk) - 1);
    be32_store(disk->buffer + 8, SCSI_BLOCK);
    return reply(32, be32_load(cdb + 10));
}

/* One formatted medium of this size (UFI 4.10, which Windows asks sticks). */
static struct scsi_action format_capacities(struct scsi_disk *disk, const uint8_t *cdb)
{
    uint64_t total = blocks(disk);
    disk->buffer[3] = 8;
    be32_store(disk->buffer + 4, total > UINT32_MAX ? UINT32_MAX : (uint32_t)total);
    be32_store(disk->buffer + 8, SCSI_BLOCK);
    disk->buffer[8] = 2;
    return reply(12, be16_load(cdb + 7));
}

/* --- blocks --- */

static struct scsi_action transfer(struct scsi_disk *disk, bool write, uint64_t first, uint64_t count,
                                   bool flush)
{
    if (range_beyond(first, count, blocks(disk)))
        return fail(disk, KEY_ILLEGAL, CODE_RANGE);
    if (write && block_readonly(disk->block))
        return fail(disk, KEY_PROTECT, CODE_PROTECTED);
    if (count == 0)
        return (struct scsi_action){.kind = SCSI_NOTHING};
    return (struct scsi_action){.kind = write ? SCSI_WRITE : SCSI_READ,
                                .offset = first * SCSI_BLOCK,
                                .len = count * SCSI_BLOCK,
                                .flush = write && flush};
}

/* Nothing is compared but the range; data of the host's that come with it are taken. */
static struct scsi_action verify(struct scsi_disk *disk, const uint8_t *cdb, uint64_t first, uint64_t count)
{
    bool compare = cdb[1] >> 1 & 3;
    if (range_beyond(first, count, blocks(disk)))
        return fail(disk, KEY_ILLEGAL, CODE_RANGE);
    return (struct scsi_action){.kind = compare && count ? SCSI_TAKE : SCSI_NOTHING,
                                .len = count * SCSI_BLOCK};
}

static struct scsi_action short_transfer(struct scsi_disk *disk, const uint8_t *cdb)
{
    uint32_t first = be32_load(cdb) & 0x1fffff; /* bytes 1 to 3 */
    return transfer(disk, cdb[0] == WRITE_6, first, cdb[4] ? cdb[4] : 256, false);
}

struct scsi_action scsi_disk_command(struct scsi_disk *disk, const uint8_t *cdb)
{
    bool flush = cdb[1] & FORCE_UNIT_ACCESS;
    memset(disk->buffer, 0, sizeof(disk->buffer));
    switch (cdb[0]) {
    case TEST_UNIT_READY:
    case START_STOP:
    case PREVENT_ALLOW: return (struct scsi_action){.kind = SCSI_NOTHING};
    case REQUEST_SENSE: return sense_request(disk, cdb);
    case INQUIRY: return inquiry(disk, cdb);
    case MODE_SENSE_6: return mode_sense(disk, cdb, false);
    case MODE_SENSE_10: return mode_sense(disk, cdb, true);
    case MODE_SELECT_6: return (struct scsi_action){.kind = cdb[4] ? SCSI_TAKE : SCSI_NOTHING, .len = cdb[4]};
    case READ_FORMAT_CAPACITIES: return format_capacities(disk, cdb);
    case READ_CAPACITY_10: return capacity_10(disk);
    case SERVICE_ACTION_IN_16: return capacity_16(disk, cdb);
    case READ_6:
    case WRITE_6: return short_transfer(disk, cdb);
    case READ_10:
    case WRITE_10: return transfer(disk, cdb[0] == WRITE_10, be32_load(cdb + 2), be16_load(cdb + 7), flush);
    case READ_12:
    case WRITE_12: return transfer(disk, cdb[0] == WRITE_12, be32_load(cdb + 2), be32_load(cdb + 6), flush);
    case READ_16:
    case WRITE_16: return transfer(disk, cdb[0] == WRITE_16, be64_load(cdb + 2), be32_load(cdb + 10), flush);
    case VERIFY_10: return verify(disk, cdb, be32_load(cdb + 2), be16_load(cdb + 7));
    case VERIFY_16: return verify(disk, cdb, be64_load(cdb + 2), be32_load(cdb + 10));
    case SYNCHRONIZE_CACHE_10:
    case SYNCHRONIZE_CACHE_16: return (struct scsi_action){.kind = SCSI_FLUSH};
    case REPORT_LUNS: be32_store(disk->buffer, 8); return reply(16, be32_load(cdb + 6));
    default: return fail(disk, KEY_ILLEGAL, CODE_OPERATION);
    }
}
