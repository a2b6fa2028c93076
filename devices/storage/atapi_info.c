/* What the CD drive tells of itself and of the disc: one session with one data track. */
#include <string.h>

#include "base/bits.h"
#include "devices/storage/atapi_internal.h"

#define PROFILE_CD  0x0008u
#define PROFILE_DVD 0x0010u
/* A disc with more sectors than a CD of 80 minutes holds is a DVD. */
#define CD_SECTORS_MAX (80u * 60 * 75)

#define LEAD_OUT 0xaa

uint64_t atapi_sectors(const struct atapi *drive)
{
    return drive->ata.block && !drive->ejected ? block_size(drive->ata.block) / ATAPI_SECTOR : 0;
}

static bool is_dvd(const struct atapi *drive)
{
    return atapi_sectors(drive) > CD_SECTORS_MAX;
}

/* SPC-3, 6.4. */
int atapi_inquiry(struct atapi *drive, const uint8_t *packet)
{
    uint8_t *data = drive->buffer;
    memset(data, 0, 36);
    if (packet[1] & 1) { /* vital product data: only the list of its pages */
        if (packet[2])
            return -1;
        data[0] = 0x05;
        data[3] = 1;
        return 5;
    }
    data[0] = 0x05; /* CD or DVD */
    data[1] = 0x80; /* removable */
    data[3] = 0x21; /* ATAPI, response format 1 */
    data[4] = 31;
    memcpy(data + 8, "TRIARCH DVD-ROM         1.0 ", 28);
    return 36;
}

/* MMC-5, 7.2: pages 01h (error recovery) and 2ah (capabilities). */
static unsigned mode_pages(const struct atapi *drive, uint8_t page, uint8_t *data)
{
    unsigned len = 0;
    if (page == 0x01 || page == 0x3f) {
        memset(data, 0, 8);
        data[0] = 0x01;
        data[1] = 6;
        data[3] = 5; /* retries */
        len = 8;
    }
    if (page == 0x2a || page == 0x3f) {
        uint8_t *capabilities = data + len;
        memset(capabilities, 0, 20);
        capabilities[0] = 0x2a;
        capabilities[1] = 18;
        capabilities[2] = 0x3b;                                 /* reads CD-R, CD-RW, DVD-ROM, DVD-R */
        capabilities[4] = 0x70;                                 /* mode 2 forms, several sessions */
        capabilities[6] = (uint8_t)(0x29 | drive->locked << 1); /* tray, ejects, locks */
        be16_store(capabilities + 8, 706);
        be16_store(capabilities + 10, 2);
        be16_store(capabilities + 12, 512);
        be16_store(capabilities + 14, 706);
        len += 20;
    }
    return len;
}

int atapi_mode_sense(struct atapi *drive, const uint8_t *packet, bool short_form)
{
    unsigned header = short_form ? 4 : 8;
    memset(drive->buffer, 0, header);
    if (packet[2] >> 6 == 3) /* saved values: there are none */
        return -1;
    unsigned len = mode_pages(drive, packet[2] & 0x3f, drive->buffer + header);
    if (!len)
        return -1;
    uint8_t medium = !atapi_sectors(drive) ? 0x70 : is_dvd(drive) ? 0x00 : 0x01;
    if (short_form) {
        drive->buffer[0] = (uint8_t)(header + len - 1);
        drive->buffer[1] = medium;
    } else {
        be16_store(drive->buffer, (uint16_t)(header + len - 2));
        drive->buffer[2] = medium;
    }
    return (int)(header + len);
}

/* MMC-5, 5.2: a feature's descriptor, if the request (its starting number, and which ones) wants it. */
static unsigned feature_put(uint8_t *to, const uint8_t *packet, uint16_t number, uint8_t flags,
                            const uint8_t *data, uint8_t len)
{
    uint16_t first = be16_load(packet + 2);
    unsigned kind = packet[1] & 3;
    if (kind == 2 ? number != first : number < first)
        return 0;
    if (kind == 1 && !(flags & 1))
        return 0;
    be16_store(to, number);
    to[2] = flags;
    to[3] = len;
    memcpy(to + 4, data, len);
    return 4u + len;
}

int atapi_configuration(struct atapi *drive, const uint8_t *packet, bool disc)
{
    bool dvd = disc && is_dvd(drive), cd = disc && !dvd;
    const uint8_t profiles[] = {0, PROFILE_DVD, dvd, 0, 0, PROFILE_CD, cd, 0};
    const uint8_t core[] = {0, 0, 0, 2, 1, 0, 0, 0}; /* ATAPI */
    const uint8_t morphing[] = {2, 0, 0, 0};
    const uint8_t removable[] = {0x29, 0, 0, 0}; /* tray, ejects, locks */
    const uint8_t random[] = {0, 0, 8, 0, 0, 16, 1, 0};
    const uint8_t cd_read[] = {0, 0, 0, 0}, dvd_read[] = {0, 0, 0, 0};
    uint8_t *data = drive->buffer, *at = data + 8;
    memset(data, 0, 8);
    at += feature_put(at, packet, 0x0000, 0x03, profiles, sizeof(profiles));
    at += feature_put(at, packet, 0x0001, 0x0b, core, sizeof(core));
    at += feature_put(at, packet, 0x0002, 0x07, morphing, sizeof(morphing));
    at += feature_put(at, packet, 0x0003, 0x03, removable, sizeof(removable));
    at += feature_put(at, packet, 0x0010, disc, random, sizeof(random));
    at += feature_put(at, packet, 0x001e, (uint8_t)(8 | cd), cd_read, sizeof(cd_read));
    at += feature_put(at, packet, 0x001f, dvd, dvd_read, sizeof(dvd_read));
    be16_store(data + 6, dvd ? PROFILE_DVD : cd ? PROFILE_CD : 0);
    be32_store(data, (uint32_t)(at - data - 4));
    return (int)(at - data);
}

/* An address as minutes, seconds and frames, or as a block number. */
static void address_put(uint8_t *to, uint64_t lba, bool msf)
{
    uint64_t frames = lba + 150; /* two seconds before block 0 */
    if (!msf) {
        be32_store(to, (uint32_t)lba);
        return;
    }
    to[0] = 0;
    to[1] = (uint8_t)(frames / (75 * 60));
    to[2] = (uint8_t)(frames / 75 % 60);
    to[3] = (uint8_t)(frames % 75);
}

static uint8_t *track_put(uint8_t *to, uint8_t number, uint64_t lba, bool msf)
{
    to[0] = 0;
    to[1] = 0x14; /* a data track */
    to[2] = number;
    to[3] = 0;
    address_put(to + 4, lba, msf);
    return to + 8;
}

static uint8_t *full_track_put(uint8_t *to, uint8_t point, uint8_t a, uint8_t b, uint8_t c)
{
    memset(to, 0, 11);
    to[0] = 1; /* session */
    to[1] = 0x14;
    to[3] = point;
    to[8] = a;
    to[9] = b;
    to[10] = c;
    return to + 11;
}

static uint8_t *full_toc(const struct atapi *drive, uint8_t *at)
{
    uint8_t end[4];
    address_put(end, atapi_sectors(drive), true);
    at = full_track_put(at, 0xa0, 1, 0, 0);
    at = full_track_put(at, 0xa1, 1, 0, 0);
    at = full_track_put(at, 0xa2, end[1], end[2], end[3]);
    return full_track_put(at, 1, 0, 2, 0);
}

/* MMC-5, 6.26: formats 0 (tracks), 1 (sessions) and 2 (everything). */
int atapi_toc(struct atapi *drive, const uint8_t *packet)
{
    bool msf = packet[1] & 2;
    unsigned format = packet[2] & 0xf ? packet[2] & 0xfu : packet[9] >> 6;
    uint8_t start = packet[6], *data = drive->buffer, *at = data + 4;
    data[2] = data[3] = 1; /* first and last track or session */
    switch (format) {
    case 0:
        if (start > 1 && start != LEAD_OUT)
            return -1;
        if (start <= 1)
            at = track_put(at, 1, 0, msf);
        at = track_put(at, LEAD_OUT, atapi_sectors(drive), msf);
        break;
    case 1: at = track_put(at, 1, 0, msf); break;
    case 2: at = full_toc(drive, at); break;
    default: return -1;
    }
    be16_store(data, (uint16_t)(at - data - 2));
    return (int)(at - data);
}

int atapi_disc_information(struct atapi *drive)
{
    uint8_t *data = drive->buffer;
    memset(data, 0, 34);
    be16_store(data, 32);
    data[2] = 0x0e; /* complete, the last session too */
    data[3] = 1;
    data[4] = 1;
    data[5] = 1;
    data[6] = 1;
    data[7] = 0x20; /* for unrestricted use */
    return 34;
}

int atapi_track_information(struct atapi *drive, const uint8_t *packet)
{
    uint8_t *data = drive->buffer;
    uint32_t number = be32_load(packet + 2);
    bool wanted = (packet[1] & 3) == 0 ? number < atapi_sectors(drive) : number == 1;
    if (!wanted)
        return -1;
    memset(data, 0, 36);
    be16_store(data, 34);
    data[2] = data[3] = 1;
    data[5] = 0x04;
    data[6] = 0x01;
    be32_store(data + 24, (uint32_t)atapi_sectors(drive));
    return 36;
}

/* MMC-5, 6.23: the physical format of a DVD-ROM; none of a CD. */
int atapi_dvd_structure(struct atapi *drive, const uint8_t *packet)
{
    uint8_t *data = drive->buffer;
    if (!is_dvd(drive) || packet[6])
        return -1;
    switch (packet[7]) {
    case 0x00: /* physical format */
        memset(data, 0, 21);
        be16_store(data, 19);
        data[4] = 0x01; /* DVD-ROM, version 1 */
        data[5] = 0x0f;
        data[6] = 0x01; /* one layer, read-only */
        be32_store(data + 8, 0x30000);
        be32_store(data + 12, (uint32_t)(0x30000 + atapi_sectors(drive) - 1));
        return 21;
    case 0x01: /* no copy protection */
        memset(data, 0, 8);
        be16_store(data, 6);
        return 8;
    default: return -1;
    }
}
