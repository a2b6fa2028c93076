/* The commands of the 82077AA (data sheet, 5.0), and seeks. */
#include "base/types.h"
#include "devices/storage/floppy_internal.h"

#define VERSION     0x90
#define LOCK        0x80u /* of the opcode LOCK */
#define RELATIVE_IN 0x40u /* of RELATIVE SEEK: towards the spindle */
#define TRACK_MAX   255u

static void invalid(struct floppy *f)
{
    floppy_result(f, (const uint8_t[]){ST0_INVALID}, 1);
}

/* --- sectors --- */

static void read_data(struct floppy *f)
{
    floppy_transfer_start(f, WORK_READ);
}

static void write_data(struct floppy *f)
{
    floppy_transfer_start(f, WORK_WRITE);
}

static void verify(struct floppy *f)
{
    floppy_transfer_start(f, WORK_VERIFY);
}

static void format_track(struct floppy *f)
{
    floppy_transfer_start(f, WORK_FORMAT);
}

static void scan_equal(struct floppy *f)
{
    floppy_transfer_start(f, WORK_SCAN_EQUAL);
}

static void scan_low(struct floppy *f)
{
    floppy_transfer_start(f, WORK_SCAN_LOW);
}

static void scan_high(struct floppy *f)
{
    floppy_transfer_start(f, WORK_SCAN_HIGH);
}

static void read_id(struct floppy *f)
{
    f->id_awaited = true;
    floppy_later(f);
}

/* The first sector that comes past. */
static void id_found(struct floppy *f)
{
    f->cylinder = f->tracks[floppy_unit(f)];
    f->head = f->physical_head = f->command[1] >> 2 & 1;
    f->sector = 1;
    f->st1 = floppy_legible(f) ? 0 : ST1_NO_ADDRESS;
    f->st2 = 0;
    floppy_transfer_end(f, f->st1 ? ST0_ABNORMAL : 0);
}

/* --- seeks --- */

/* The command is over at once; the heads move, and an interrupt says when they are there. */
static void seek_to(struct floppy *f, uint8_t track, bool home)
{
    unsigned unit = floppy_unit(f);
    f->targets[unit] = track;
    f->seek_status[unit] = (uint8_t)(ST0_SEEK_END | (f->command[1] & 7));
    if (home && !floppy_there(f, unit)) /* nothing says that the heads have come home */
        f->seek_status[unit] |= ST0_ABNORMAL | ST0_CHECK;
    f->seeking |= (uint8_t)(1u << unit);
    floppy_later(f);
    floppy_idle(f);
}

static void recalibrate(struct floppy *f)
{
    seek_to(f, 0, true);
}

static void seek(struct floppy *f)
{
    seek_to(f, f->command[2], false);
}

static void relative_seek(struct floppy *f)
{
    unsigned from = f->tracks[floppy_unit(f)], by = f->command[2];
    unsigned to = f->command[0] & RELATIVE_IN ? from + by : from - by;
    seek_to(f, (uint8_t)(to <= TRACK_MAX ? to : f->command[0] & RELATIVE_IN ? TRACK_MAX : 0), false);
}

/* The heads that moved are there. */
void floppy_mechanics(struct floppy *f)
{
    for (unsigned unit = 0; unit < SELECTABLE; unit++) {
        if (f->seeking >> unit & 1)
            f->tracks[unit] = f->targets[unit];
    }
    f->changed &= (uint8_t)~f->seeking; /* a step pulse was seen by a drive with a diskette */
    f->sought |= f->seeking;
    if (f->seeking)
        floppy_interrupt(f, true);
    f->seeking = 0;
    if (f->id_awaited) {
        f->id_awaited = false;
        id_found(f);
    }
}

/* A later event takes the place of the announcement of a reset. */
static void sense_interrupt(struct floppy *f)
{
    uint8_t *from = f->sought ? &f->sought : &f->resets;
    if (!*from) {
        invalid(f);
        return;
    }
    unsigned unit = 0;
    while (!(*from >> unit & 1))
        unit++;
    uint8_t st0 = f->sought ? f->seek_status[unit] : (uint8_t)(ST0_CHANGED | unit);
    if (f->sought)
        f->resets = 0;
    *from &= (uint8_t) ~(1u << unit);
    floppy_interrupt(f, f->sought);
    floppy_result(f, (const uint8_t[]){st0, f->tracks[unit]}, 2);
}

/* --- the controller itself --- */

static void sense_drive(struct floppy *f)
{
    unsigned unit = floppy_unit(f);
    uint8_t st3 = (uint8_t)(ST3_READY | ST3_TWO_SIDED | (f->command[1] & 7));
    if (floppy_there(f, unit) && f->tracks[unit] == 0)
        st3 |= ST3_TRACK_0;
    if (floppy_there(f, unit) && !floppy_writable(f, unit))
        st3 |= ST3_PROTECTED;
    floppy_result(f, &st3, 1);
}

static void specify(struct floppy *f)
{
    f->specify[0] = f->command[1];
    f->specify[1] = f->command[2];
    floppy_idle(f);
}

static void configure(struct floppy *f)
{
    for (unsigned i = 0; i < ARRAY_LEN(f->configure); i++)
        f->configure[i] = f->command[1 + i];
    floppy_idle(f);
}

/* OW lets the drives' bits be written. */
static void perpendicular_mode(struct floppy *f)
{
    uint8_t keep = f->command[1] & 0x80 ? 0 : f->perpendicular & 0x3c;
    f->perpendicular = (uint8_t)(keep | (f->command[1] & (f->command[1] & 0x80 ? 0x3f : 0x03)));
    floppy_idle(f);
}

static void lock(struct floppy *f)
{
    f->locked = f->command[0] & LOCK;
    floppy_result(f, (const uint8_t[]){(uint8_t)(f->locked << 4)}, 1);
}

static void version(struct floppy *f)
{
    floppy_result(f, (const uint8_t[]){VERSION}, 1);
}

static void dump_registers(struct floppy *f)
{
    const uint8_t bytes[RESULT_MAX] = {
        f->tracks[0],    f->tracks[1],   f->tracks[2], f->tracks[3],
        f->specify[0],   f->specify[1],  f->last_eot,  (uint8_t)(f->locked << 7 | f->perpendicular),
        f->configure[1], f->configure[2]};
    floppy_result(f, bytes, RESULT_MAX);
}

/* --- the table --- */

#define DATA (OPCODE_MULTI | OPCODE_MFM | OPCODE_SKIP)

static const struct command {
    uint8_t opcode, options; /* options: bits of the opcode that may be 0 or 1 */
    uint8_t length;
    void (*run)(struct floppy *f);
} commands[] = {
    {0x06, DATA, 9, read_data},
    {0x0c, DATA, 9, read_data},       /* deleted */
    {0x02, OPCODE_MFM, 9, read_data}, /* a whole track */
    {0x05, OPCODE_MULTI | OPCODE_MFM, 9, write_data},
    {0x09, OPCODE_MULTI | OPCODE_MFM, 9, write_data}, /* deleted */
    {0x16, DATA, 9, verify},
    {0x0d, OPCODE_MFM, 6, format_track},
    {0x11, DATA, 9, scan_equal},
    {0x19, DATA, 9, scan_low},
    {0x1d, DATA, 9, scan_high},
    {0x0a, OPCODE_MFM, 2, read_id},
    {0x07, 0, 2, recalibrate},
    {0x0f, 0, 3, seek},
    {0x8f, RELATIVE_IN, 3, relative_seek},
    {0x08, 0, 1, sense_interrupt},
    {0x04, 0, 2, sense_drive},
    {0x03, 0, 3, specify},
    {0x13, 0, 4, configure},
    {0x12, 0, 2, perpendicular_mode},
    {0x14, LOCK, 1, lock},
    {0x10, 0, 1, version},
    {0x0e, 0, 1, dump_registers},
};

static const struct command *find(uint8_t opcode)
{
    for (unsigned i = 0; i < ARRAY_LEN(commands); i++) {
        if ((opcode & (uint8_t)~commands[i].options) == commands[i].opcode)
            return &commands[i];
    }
    return NULL;
}

unsigned floppy_command_length(uint8_t opcode)
{
    const struct command *command = find(opcode);
    return command ? command->length : 1;
}

void floppy_command_run(struct floppy *f)
{
    const struct command *command = find(f->command[0]);
    if (command)
        command->run(f);
    else
        invalid(f);
}
