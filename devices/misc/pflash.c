/* Commands, status bits and sequences are those of the Intel StrataFlash memory (28F128J3) data sheet. */
#include "devices/misc/pflash.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/misc/pflash_cfi.h"
#include "host/store.h"

#define BUS_WIDTH    4    /* bytes, of the two parts of 16 bits */
#define BUFFER_SIZE  1024 /* over both parts */
#define MANUFACTURER 0x89
#define DEVICE       0x18

#define CMD_PROGRAM_ALT  0x10
#define CMD_ERASE        0x20
#define CMD_PROGRAM      0x40
#define CMD_CLEAR_STATUS 0x50
#define CMD_LOCK         0x60
#define CMD_READ_STATUS  0x70
#define CMD_READ_ID      0x90
#define CMD_READ_QUERY   0x98
#define CMD_SUSPEND      0xb0
#define CMD_PROTECTION   0xc0
#define CMD_CONFIRM      0xd0
#define CMD_WRITE_BUFFER 0xe8
#define CMD_RESET_OTHER  0xf0 /* how parts of other families are reset: drivers try it too */
#define CMD_READ_ARRAY   0xff
#define LOCK_BLOCK       0x01
#define LOCK_BLOCK_DOWN  0x2f
#define LOCK_CONFIGURE   0x03

#define STATUS_READY     0x80
#define STATUS_ERASE     0x20 /* erasing or clearing lock bits failed */
#define STATUS_PROGRAM   0x10 /* programming or setting a lock bit failed */
#define STATUS_SEQUENCE  0x30 /* both: the command sequence was wrong */
#define STATUS_PROTECTED 0x02

enum read_mode {
    READ_ARRAY,
    READ_STATUS,
    READ_ID,
    READ_QUERY,
};

/* What the next write means. */
enum write_step {
    STEP_COMMAND,
    STEP_PROGRAM,
    STEP_ERASE,
    STEP_LOCK,
    STEP_PROTECTION,
    STEP_BUFFER_COUNT,
    STEP_BUFFER_DATA,
    STEP_BUFFER_CONFIRM,
};

struct pflash {
    struct machine *machine;
    struct pflash_config config;
    struct host_store store;
    bool stored, store_failed;
    struct ram_block *block;
    unsigned mapping;
    enum ram_mapping_kind kind;
    bool blank; /* erased as a whole: the block is not filled yet, and not shown */
    uint8_t query[PFLASH_CFI_SIZE];

    uint8_t used; /* !blank, as saved */
    uint8_t mode, step, status;
    uint8_t locked[PFLASH_BLOCKS_MAX];
    uint32_t count; /* writes to the buffer still to come */
    uint64_t buffer_base;
    uint8_t buffer_placed, buffer_failed;
    uint8_t buffer[BUFFER_SIZE];
};

static void mapping_update(struct pflash *flash)
{
    bool array = flash->mode == READ_ARRAY && flash->step == STEP_COMMAND && !flash->blank;
    enum ram_mapping_kind kind = array ? RAM_READONLY : RAM_HIDDEN;
    if (kind == flash->kind)
        return;
    flash->kind = kind;
    ram_mapping_set_kind(flash->machine->mem.ram, flash->mapping, kind);
}

/* An erased bank costs no memory until something is programmed. */
static void contents_fill(struct pflash *flash)
{
    if (!flash->blank)
        return;
    memset(ram_block_host(flash->block), 0xff, flash->config.size);
    ram_block_written(flash->block, 0, flash->config.size);
    flash->blank = false;
    flash->used = true;
}

/* [offset, offset + len) changed: tell who watches, and keep it. A short file first grows up to there. */
static void contents_changed(struct pflash *flash, uint64_t offset, uint64_t len)
{
    uint8_t *contents = ram_block_host(flash->block);
    ram_block_written(flash->block, offset, len);
    if (!flash->stored || flash->store_failed)
        return;
    uint64_t from = offset < flash->store.size ? offset : flash->store.size;
    if (host_store_write(&flash->store, from, contents + from, offset + len - from))
        return;
    log_warn("%s can't be written: what the guest keeps in %s from here on is lost at the end",
             flash->config.path, flash->config.name);
    flash->store_failed = true;
}

static bool protected(struct pflash *flash, uint64_t offset)
{
    return flash->config.readonly || flash->locked[offset / flash->config.block_size];
}

/* Programming clears bits and sets none. The range lies in one block. */
static void contents_program(struct pflash *flash, uint64_t offset, const uint8_t *bytes, uint64_t len)
{
    if (protected(flash, offset)) {
        flash->status |= STATUS_PROGRAM | STATUS_PROTECTED;
        return;
    }
    contents_fill(flash);
    uint8_t *contents = ram_block_host(flash->block) + offset;
    for (uint64_t i = 0; i < len; i++)
        contents[i] &= bytes[i];
    contents_changed(flash, offset, len);
}

static void block_erase(struct pflash *flash, uint64_t offset)
{
    uint64_t size = flash->config.block_size, base = align_down(offset, size);
    if (protected(flash, offset)) {
        flash->status |= STATUS_ERASE | STATUS_PROTECTED;
        return;
    }
    if (flash->blank)
        return;
    memset(ram_block_host(flash->block) + base, 0xff, size);
    contents_changed(flash, base, size);
}

static unsigned bus_width(const struct pflash *flash)
{
    return flash->config.single ? 1 : BUS_WIDTH;
}

/* One 16-bit answer of each part, side by side. */
static uint32_t answer(const struct pflash *flash, uint32_t value)
{
    return flash->config.single ? value & 0xff : value | value << 16;
}

static uint32_t id_read(const struct pflash *flash, uint64_t offset)
{
    switch (offset % flash->config.block_size / bus_width(flash)) {
    case 0: return answer(flash, MANUFACTURER);
    case 1: return answer(flash, DEVICE);
    case 2: return answer(flash, flash->locked[offset / flash->config.block_size]);
    default: return 0;
    }
}

/* EDK2's driver for a PC takes flash for a ROM that is still ready when its status was cleared: a single part
 * is only after it has begun something. */
static uint8_t status_get(const struct pflash *flash)
{
    return flash->config.single ? flash->status : flash->status | STATUS_READY;
}

/* The bits on the bus at an aligned offset. */
static uint32_t word_read(struct pflash *flash, uint64_t offset)
{
    uint64_t address = offset / bus_width(flash);
    switch (flash->mode) {
    case READ_STATUS: return answer(flash, status_get(flash));
    case READ_ID: return id_read(flash, offset);
    case READ_QUERY: return address < PFLASH_CFI_SIZE ? answer(flash, flash->query[address]) : 0;
    default:
        if (flash->blank)
            return ~0u;
        return (uint32_t)le_load(ram_block_host(flash->block) + offset, bus_width(flash));
    }
}

static uint64_t pflash_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    struct pflash *flash = opaque;
    uint64_t aligned = align_down(offset, bus_width(flash));
    return word_read(flash, aligned) >> (8 * (offset - aligned));
}

static void command_begin(struct pflash *flash, uint8_t command)
{
    switch (command) {
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALT: flash->step = STEP_PROGRAM; break;
    case CMD_ERASE: flash->step = STEP_ERASE; break;
    case CMD_LOCK: flash->step = STEP_LOCK; break;
    case CMD_PROTECTION: flash->step = STEP_PROTECTION; break;
    case CMD_WRITE_BUFFER: flash->step = STEP_BUFFER_COUNT; break;
    case CMD_SUSPEND: /* everything is done before it could be suspended */
    case CMD_CONFIRM:
    case CMD_READ_STATUS: break;
    case CMD_READ_ID: flash->mode = READ_ID; return;
    case CMD_READ_QUERY: flash->mode = READ_QUERY; return;
    case CMD_CLEAR_STATUS: flash->status = 0; return;
    default:
        log_guest("%s: there is no command %#x", flash->config.name, command);
        flash->mode = READ_ARRAY;
        return;
    case CMD_RESET_OTHER:
    case CMD_READ_ARRAY: flash->mode = READ_ARRAY; return;
    }
    if (flash->step != STEP_COMMAND)
        flash->status |= STATUS_READY;
    flash->mode = READ_STATUS;
}

static void lock_change(struct pflash *flash, uint64_t offset, uint8_t command)
{
    switch (command) {
    case LOCK_BLOCK:
    case LOCK_BLOCK_DOWN: flash->locked[offset / flash->config.block_size] = 1; break;
    case CMD_CONFIRM: memset(flash->locked, 0, sizeof(flash->locked)); break;
    case LOCK_CONFIGURE: break; /* burst modes have no meaning here */
    default: flash->status |= STATUS_SEQUENCE;
    }
}

/* The number of words each part gets, less one. */
static void buffer_begin(struct pflash *flash, uint64_t value)
{
    flash->count = (uint32_t)(value & 0xffff) + 1;
    flash->buffer_placed = flash->buffer_failed = false;
    memset(flash->buffer, 0xff, sizeof(flash->buffer));
    flash->step = STEP_BUFFER_DATA;
    if (flash->count * bus_width(flash) > BUFFER_SIZE) {
        flash->status |= STATUS_SEQUENCE;
        flash->step = STEP_COMMAND;
    }
}

/* The first address says which aligned part of the array the buffer stands for; the others must lie in it. */
static void buffer_add(struct pflash *flash, uint64_t offset, uint64_t value, unsigned width)
{
    if (!flash->buffer_placed)
        flash->buffer_base = align_down(offset, BUFFER_SIZE);
    flash->buffer_placed = true;
    if (range_beyond(offset - flash->buffer_base, width, BUFFER_SIZE))
        flash->buffer_failed = true;
    else
        le_store(flash->buffer + (offset - flash->buffer_base), width, value);
    if (--flash->count == 0)
        flash->step = STEP_BUFFER_CONFIRM;
}

static void buffer_confirm(struct pflash *flash, uint8_t command)
{
    if (command != CMD_CONFIRM || flash->buffer_failed)
        flash->status |= STATUS_SEQUENCE;
    else
        contents_program(flash, flash->buffer_base, flash->buffer, BUFFER_SIZE);
}

static void step_take(struct pflash *flash, uint64_t offset, uint64_t value, unsigned width)
{
    uint8_t command = (uint8_t)value, bytes[BUS_WIDTH];
    enum write_step step = flash->step;
    /* Two steps come back by themselves; every other sequence ends with this write. */
    if (step != STEP_BUFFER_DATA)
        flash->step = STEP_COMMAND;
    switch (step) {
    case STEP_COMMAND: command_begin(flash, command); break;
    case STEP_PROGRAM:
        le_store(bytes, width, value);
        contents_program(flash, offset, bytes, width);
        break;
    case STEP_ERASE:
        if (command == CMD_CONFIRM)
            block_erase(flash, offset);
        else
            flash->status |= STATUS_SEQUENCE;
        break;
    case STEP_LOCK: lock_change(flash, offset, command); break;
    case STEP_PROTECTION: flash->status |= STATUS_PROGRAM | STATUS_PROTECTED; break;
    case STEP_BUFFER_COUNT: buffer_begin(flash, value); break;
    case STEP_BUFFER_DATA: buffer_add(flash, offset, value, width); break;
    case STEP_BUFFER_CONFIRM: buffer_confirm(flash, command); break;
    }
}

static void pflash_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct pflash *flash = opaque;
    step_take(flash, offset, value, width);
    mapping_update(flash);
}

/* `used` follows `blank` at a reset; a load brings it along with the block's contents. */
static void pflash_restored(void *object)
{
    struct pflash *flash = object;
    if (flash->used)
        flash->blank = false;
    flash->used = !flash->blank;
    if (flash->step > STEP_BUFFER_CONFIRM || (flash->step == STEP_BUFFER_DATA && !flash->count))
        flash->step = STEP_COMMAND;
    flash->buffer_base = align_down(flash->buffer_base % flash->config.size, BUFFER_SIZE);
    mapping_update(flash);
}

static const struct state_field fields[] = {
    STATE(struct pflash, used, .keep = true),
    STATE(struct pflash, mode),
    STATE(struct pflash, step),
    STATE(struct pflash, status),
    STATE_ARRAY(struct pflash, locked),
    STATE(struct pflash, count),
    STATE(struct pflash, buffer_base),
    STATE(struct pflash, buffer_placed),
    STATE(struct pflash, buffer_failed),
    STATE_ARRAY(struct pflash, buffer),
};

static const struct state_table table = {.name = "pflash",
                                         .version = 1,
                                         .fields = fields,
                                         .count = ARRAY_LEN(fields),
                                         .restored = pflash_restored};

static void pflash_destroy(void *object)
{
    struct pflash *flash = object;
    host_store_close(&flash->store);
    free(flash);
}

/* Load the file; what it lacks is erased flash. */
static bool contents_load(struct pflash *flash, struct error *err)
{
    const struct pflash_config *config = &flash->config;
    uint8_t *contents = ram_block_host(flash->block);
    if (!config->path)
        return true;
    bool kept = !config->readonly && !config->temporary;
    if (!host_store_open(&flash->store, config->path, !kept, err))
        return false;
    if (flash->store.size > config->size)
        return error_set(err, ERROR_IMAGE, "%s has %llu bytes, and %s takes %llu", config->path,
                         (unsigned long long)flash->store.size, config->name,
                         (unsigned long long)config->size);
    if (!host_store_read(&flash->store, contents, flash->store.size, err))
        return error_prefix(err, "%s", config->path);
    memset(contents + flash->store.size, 0xff, config->size - flash->store.size);
    ram_block_written(flash->block, 0, config->size);
    flash->blank = false;
    flash->stored = kept;
    return true;
}

static bool place_add(struct pflash *flash, struct error *err)
{
    const struct pflash_config *config = &flash->config;
    struct bus_region region = {.name = config->name,
                                .base = config->base,
                                .size = config->size,
                                .min_width = 1,
                                .max_width = bus_width(flash),
                                .read = pflash_read,
                                .write = pflash_write,
                                .opaque = flash};
    unsigned id;
    if (!ram_map(flash->machine->mem.ram, flash->block, 0, gpa(config->base), config->size, RAM_HIDDEN,
                 &flash->mapping))
        return error_set(err, ERROR_HOST, "%s overlaps RAM", config->name);
    return bus_add(flash->machine->mem.mmio, &region, &id, err);
}

struct pflash *pflash_create(struct machine *machine, const struct pflash_config *config, struct error *err)
{
    unsigned parts = config->single ? 1 : 2;
    assert(config->size && config->size % config->block_size == 0 && is_pow2(config->block_size) &&
           config->block_size >= parts * 4 * KIB && config->size / config->block_size <= PFLASH_BLOCKS_MAX);
    struct pflash *flash = machine_alloc(sizeof(*flash));
    flash->machine = machine;
    flash->config = *config;
    flash->store.fd = -1;
    flash->blank = true;
    flash->kind = RAM_HIDDEN;
    pflash_cfi_make(flash->query, bus_width(flash) / parts, config->size / parts, config->block_size / parts,
                    BUFFER_SIZE / parts);
    flash->block = ram_block_create(machine->mem.ram, config->name, config->size, err);
    if (flash->block && contents_load(flash, err) && place_add(flash, err)) {
        machine_device_add(machine, config->name, &table, flash, pflash_destroy);
        return flash;
    }
    pflash_destroy(flash);
    return NULL;
}
