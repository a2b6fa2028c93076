/* Diskettes, and commands that go over their sectors. */
#include <string.h>

#include "devices/storage/floppy_internal.h"

#define DOR_MOTOR(unit) (0x10u << (unit))

#define OPCODE              0x1fu
#define OPCODE_READ_TRACK   0x02u
#define OPCODE_READ_DELETED 0x0cu
#define VERIFY_COUNT        0x80u /* of VERIFY's second byte: as many sectors as the last byte says */
#define FORMAT_BYTES        4u    /* that tell of a sector */

/* --- diskettes --- */

/* The kinds that were sold, and the two of other software's that have more sectors; by size in KiB. */
static const struct {
    uint16_t size;
    struct floppy_geometry geometry;
} kinds[] = {
    {160, {1, 40, 1, 8}},   {180, {1, 40, 1, 9}},   {320, {1, 40, 2, 8}},   {360, {1, 40, 2, 9}},
    {720, {3, 80, 2, 9}},   {1200, {2, 80, 2, 15}}, {1440, {4, 80, 2, 18}}, {1680, {4, 80, 2, 21}},
    {1722, {4, 82, 2, 21}}, {2880, {5, 80, 2, 36}},
};

static uint64_t capacity(const struct floppy_geometry *geometry)
{
    return (uint64_t)geometry->tracks * geometry->heads * geometry->sectors * SECTOR_SIZE;
}

/* An image of no diskette's size is the beginning of one that holds it, 1.44M where that does. */
struct floppy_geometry floppy_geometry(const struct block *block)
{
    static const struct floppy_geometry usual = {4, 80, 2, 18}, large = {5, 80, 2, 36};
    uint64_t size = block_size(block);
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        if (size == kinds[i].size * KIB)
            return kinds[i].geometry;
    }
    return size <= capacity(&usual) ? usual : large;
}

bool floppy_there(const struct floppy *f, unsigned unit)
{
    return unit < FLOPPY_DRIVES && f->drives[unit].block;
}

/* What is only the beginning of a diskette can't grow. */
bool floppy_writable(const struct floppy *f, unsigned unit)
{
    const struct floppy_drive *drive = &f->drives[unit];
    return !block_readonly(drive->block) && block_size(drive->block) == capacity(&drive->geometry);
}

/* By drive type, a bit for each rate at which its diskettes are read: the codes are 0 for 500 kbit/s, 1 for
 * 300, 2 for 250 and 3 for 1000. Those of 360K are read at 300 in drives that turn faster. */
static bool rate_fits(const struct floppy *f, unsigned drive_type)
{
    static const uint8_t rates[] = {0, 0x6, 0x1, 0x4, 0x1, 0x8};
    return rates[drive_type] >> f->rate & 1;
}

bool floppy_legible(const struct floppy *f)
{
    unsigned unit = floppy_unit(f);
    if (!floppy_there(f, unit) || !(f->dor & DOR_MOTOR(unit)) || !(f->command[0] & OPCODE_MFM))
        return false;
    const struct floppy_geometry *geometry = &f->drives[unit].geometry;
    return rate_fits(f, geometry->drive_type) && f->tracks[unit] < geometry->tracks &&
           (f->command[1] >> 2 & 1) < geometry->heads;
}

/* --- the end --- */

void floppy_transfer_end(struct floppy *f, uint8_t st0)
{
    const uint8_t bytes[] = {(uint8_t)(st0 | f->physical_head << 2 | floppy_unit(f)),
                             f->st1,
                             f->st2,
                             f->cylinder,
                             f->head,
                             f->sector,
                             SECTOR_CODE};
    f->resets = 0;
    floppy_result(f, bytes, sizeof(bytes));
    floppy_interrupt(f, true);
}

static void fail(struct floppy *f, uint8_t st1, uint8_t st2)
{
    f->st1 |= st1;
    f->st2 |= st2;
    floppy_transfer_end(f, ST0_ABNORMAL);
}

void floppy_transfer_drop(struct floppy *f)
{
    f->abandoned = true;
    if (f->busy)
        block_drain(f->busy);
    f->abandoned = false;
}

/* --- bytes between the buffer and the guest --- */

bool floppy_data_inward(const struct floppy *f)
{
    return f->work != WORK_READ;
}

/* The guest's next `len` bytes, or those for it. */
static void data_begin(struct floppy *f, unsigned len)
{
    f->at = 0;
    f->len = (uint16_t)len;
    f->scan_decided = false;
    f->scan_met = true;
    f->phase = PHASE_DATA;
    floppy_interrupt(f, !floppy_uses_dma(f));
    floppy_data_move(f);
}

/* The first byte that differs decides; 0xff stands for any. */
static void scan(struct floppy *f, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count && !f->scan_decided; i++) {
        uint8_t theirs = bytes[i], ours = f->buffer[f->at + i];
        if (theirs == ours || theirs == 0xff || ours == 0xff)
            continue;
        f->scan_decided = true;
        f->scan_met = f->work == WORK_SCAN_LOW    ? ours < theirs
                      : f->work == WORK_SCAN_HIGH ? ours > theirs
                                                  : false;
    }
}

static void data_take(struct floppy *f, const uint8_t *bytes, size_t count)
{
    if (f->work == WORK_WRITE || f->work == WORK_FORMAT)
        memcpy(f->buffer + f->at, bytes, count);
    else
        scan(f, bytes, count);
}

static void piece_done(struct floppy *f);

static void data_moved(struct floppy *f, size_t count, bool end)
{
    f->at += (uint16_t)count;
    f->terminal |= end;
    if (f->at < f->len && !end)
        return;
    f->phase = PHASE_BUSY;
    floppy_interrupt(f, false);
    piece_done(f);
}

void floppy_data_move(void *opaque)
{
    struct floppy *f = opaque;
    const struct floppy_config *config = &f->config;
    uint8_t bytes[SECTOR_SIZE];
    size_t room = f->len - f->at, count;
    bool end;
    if (f->phase != PHASE_DATA || !floppy_uses_dma(f) || !(f->dor & DOR_DMA_GATE))
        return;
    if (floppy_data_inward(f)) {
        count = i8237_from_memory(config->dma, config->channel, bytes, room, &end);
        data_take(f, bytes, count);
    } else {
        count = i8237_to_memory(config->dma, config->channel, f->buffer + f->at, room, &end);
    }
    data_moved(f, count, end);
}

uint8_t floppy_data_read(struct floppy *f)
{
    uint8_t value = f->buffer[f->at];
    data_moved(f, 1, false);
    return value;
}

void floppy_data_write(struct floppy *f, uint8_t value)
{
    data_take(f, &value, 1);
    data_moved(f, 1, false);
}

/* --- sectors between the buffer and the image --- */

static void sector_next(struct floppy *f);
static void sector_done(struct floppy *f);

static void image_done(struct block_request *request, int error)
{
    struct floppy *f = request->opaque;
    f->busy = NULL;
    if (f->abandoned)
        return;
    if (error)
        fail(f, ST1_DATA_ERROR, ST2_DATA_ERROR);
    else if (request->op == BLOCK_READ && f->work != WORK_VERIFY)
        data_begin(f, SECTOR_SIZE);
    else
        sector_done(f);
}

/* Read or write the sector that was looked for. What lies behind the image's end reads as zero. */
static void image_access(struct floppy *f, enum block_op op)
{
    const struct floppy_drive *drive = &f->drives[floppy_unit(f)];
    const struct floppy_geometry *geometry = &drive->geometry;
    uint64_t track = (uint64_t)f->tracks[floppy_unit(f)] * geometry->heads + f->physical_head;
    uint64_t offset = (track * geometry->sectors + f->sector - 1) * SECTOR_SIZE,
             size = block_size(drive->block);
    uint64_t there = offset >= size ? 0 : size - offset < SECTOR_SIZE ? size - offset : SECTOR_SIZE;
    f->vec = (struct block_vec){f->buffer, there};
    f->request = (struct block_request){.op = op,
                                        .offset = offset,
                                        .len = there,
                                        .vecs = &f->vec,
                                        .vec_count = 1,
                                        .done = image_done,
                                        .opaque = f};
    if (op == BLOCK_READ)
        memset(f->buffer + there, 0, SECTOR_SIZE - there);
    if (!there) {
        image_done(&f->request, 0);
        return;
    }
    f->busy = drive->block;
    block_submit(drive->block, &f->request);
}

/* --- going over sectors --- */

static uint8_t opcode(const struct floppy *f)
{
    return f->command[0] & OPCODE;
}

/* Whether the sector that is looked for comes past; else the command has failed. */
static bool sector_find(struct floppy *f)
{
    unsigned unit = floppy_unit(f);
    if (!floppy_legible(f)) {
        fail(f, ST1_NO_ADDRESS, 0);
        return false;
    }
    if ((f->work == WORK_WRITE || f->work == WORK_FORMAT) && !floppy_writable(f, unit)) {
        fail(f, ST1_NOT_WRITABLE, 0);
        return false;
    }
    uint8_t code = f->command[f->work == WORK_FORMAT ? 2 : 5];
    bool track = f->cylinder == f->tracks[unit];
    if (track && f->head == f->physical_head && code == SECTOR_CODE && f->sector >= 1 &&
        f->sector <= f->drives[unit].geometry.sectors && f->head < f->drives[unit].geometry.heads)
        return true;
    fail(f, ST1_NO_DATA, track ? 0 : ST2_WRONG_TRACK);
    return false;
}

/* To the sector behind; false: the last one is done (data sheet, table 5-4). */
static bool advance(struct floppy *f)
{
    if (f->sector != f->last) {
        f->sector++;
        return true;
    }
    f->sector = 1;
    if (!(f->command[0] & OPCODE_MULTI)) {
        f->cylinder++;
        return false;
    }
    bool other_side = f->physical_head == 0;
    f->head ^= 1;
    if (other_side)
        f->physical_head = 1;
    else
        f->cylinder++;
    return other_side;
}

/* No sector here has the mark that it is deleted. */
static bool unmarked(const struct floppy *f)
{
    return opcode(f) == OPCODE_READ_DELETED;
}

static void sector_next(struct floppy *f)
{
    if (!sector_find(f))
        return;
    if (unmarked(f) && f->command[0] & OPCODE_SKIP) {
        while (advance(f))
            ;
        fail(f, ST1_END, ST2_CONTROL);
    } else if (f->work == WORK_WRITE) {
        data_begin(f, SECTOR_SIZE);
    } else {
        image_access(f, BLOCK_READ);
    }
}

/* FORMAT: the guest gives each sector's cylinder, head, number and size. */
static void sector_format(struct floppy *f)
{
    if (f->at < FORMAT_BYTES) { /* DMA ended before its time */
        floppy_transfer_end(f, 0);
        return;
    }
    f->cylinder = f->buffer[0];
    f->head = f->buffer[1];
    f->sector = f->buffer[2];
    if (!sector_find(f))
        return;
    memset(f->buffer, f->command[5], SECTOR_SIZE);
    image_access(f, BLOCK_WRITE);
}

static bool is_scan(const struct floppy *f)
{
    return f->work >= WORK_SCAN_EQUAL;
}

/* The guest's part of a sector is over. */
static void piece_done(struct floppy *f)
{
    if (f->work == WORK_FORMAT) {
        sector_format(f);
    } else if (f->work == WORK_WRITE) {
        memset(f->buffer + f->at, 0, SECTOR_SIZE - f->at);
        image_access(f, BLOCK_WRITE);
    } else {
        sector_done(f);
    }
}

/* Whether the command ends with this sector, though there may be more. */
static bool enough(struct floppy *f)
{
    if (f->terminal || (f->left && --f->left == 0))
        return true;
    if (is_scan(f) && f->scan_met)
        return true;
    return unmarked(f);
}

static void scan_status(struct floppy *f)
{
    if (!f->scan_met)
        f->st2 |= ST2_SCAN_FAILED;
    else if (!f->scan_decided)
        f->st2 |= ST2_SCAN_EQUAL;
}

/* A SCAN may look at every second sector only. */
static bool advance_by_step(struct floppy *f)
{
    bool more = advance(f);
    return more && is_scan(f) && f->command[8] == 2 ? advance(f) : more;
}

static void sector_done(struct floppy *f)
{
    bool end = enough(f);
    if (end && is_scan(f))
        scan_status(f);
    if (end && unmarked(f))
        f->st2 |= ST2_CONTROL;
    if (f->work == WORK_FORMAT && !end) {
        data_begin(f, FORMAT_BYTES);
        return;
    }
    bool met = is_scan(f) && f->scan_met; /* the result names the sector that was found */
    bool more = f->work != WORK_FORMAT && !met && !unmarked(f) && advance_by_step(f);
    if (end)
        floppy_transfer_end(f, 0);
    else if (more)
        sector_next(f);
    else if (f->work == WORK_VERIFY && !(f->command[1] & VERIFY_COUNT))
        floppy_transfer_end(f, 0);
    else
        fail(f, ST1_END, is_scan(f) ? ST2_SCAN_FAILED : 0);
}

void floppy_transfer_start(struct floppy *f, enum floppy_work work)
{
    f->work = (uint8_t)work;
    f->st1 = f->st2 = 0;
    f->terminal = false;
    f->left = 0;
    f->physical_head = f->command[1] >> 2 & 1;
    if (work == WORK_FORMAT) {
        f->left = f->command[3] ? f->command[3] : 256;
        f->cylinder = f->tracks[floppy_unit(f)];
        f->head = f->physical_head;
        f->sector = 1;
        if (sector_find(f))
            data_begin(f, FORMAT_BYTES);
        return;
    }
    f->cylinder = f->command[2];
    f->head = f->command[3];
    f->sector = opcode(f) == OPCODE_READ_TRACK ? 1 : f->command[4];
    f->last = f->last_eot = f->command[6];
    if (work == WORK_VERIFY && f->command[1] & VERIFY_COUNT)
        f->left = f->command[8] ? f->command[8] : 256;
    if (f->configure[1] & CONFIGURE_IMPLIED_SEEK)
        f->tracks[floppy_unit(f)] = f->cylinder;
    sector_next(f);
}
