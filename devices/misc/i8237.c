#include "devices/misc/i8237.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

/* Intel 8237A data sheet: registers by their number, 0 to 15. The first eight are address and count of each
 * channel. */
enum {
    REGISTER_COMMAND = 8, /* and status */
    REGISTER_REQUEST,
    REGISTER_MASK_ONE,
    REGISTER_MODE,
    REGISTER_FLIP_FLOP,
    REGISTER_CLEAR, /* and temporary */
    REGISTER_UNMASK,
    REGISTER_MASK_ALL,
};

#define COMMAND_DISABLE 0x04u

#define MODE_TYPE      0x0cu
#define MODE_TO_MEMORY 0x04u
#define MODE_FROM      0x08u
#define MODE_VERIFY    0x00u
#define MODE_AUTOMATIC 0x10u
#define MODE_DOWN      0x20u
#define MODE_HOW       0xc0u
#define MODE_CASCADE   0xc0u

#define CHIPS        2
#define CHIP_LINES   4
#define CASCADE      4
#define PAGE_PORTS   0x80
#define PAGE_PORTS_N 16

struct i8237 {
    struct machine *machine;
    struct i8237_client clients[I8237_CHANNELS];
    /* By channel, in units of the channel: bytes, or words from 4 on. */
    uint16_t base_address[I8237_CHANNELS], base_count[I8237_CHANNELS];
    uint16_t address[I8237_CHANNELS], count[I8237_CHANNELS];
    uint8_t mode[I8237_CHANNELS];
    /* By chip, a bit for each of its channels. */
    uint8_t command[CHIPS], mask[CHIPS], done[CHIPS], asked[CHIPS], asked_by_software[CHIPS];
    bool high[CHIPS]; /* the flip-flop: the next byte is a register's upper one */
    uint8_t pages[PAGE_PORTS_N];
};

static uint8_t line_bit(unsigned channel)
{
    return (uint8_t)(1u << channel % CHIP_LINES);
}

static unsigned unit(unsigned channel)
{
    return channel < CASCADE ? 1 : 2;
}

/* --- transfers --- */

static bool can_move(const struct i8237 *dma, unsigned channel)
{
    unsigned chip = channel / CHIP_LINES;
    bool cascaded = chip == 1 || (!(dma->command[1] & COMMAND_DISABLE) && !(dma->mask[1] & 1));
    return cascaded && !(dma->command[chip] & COMMAND_DISABLE) && !(dma->mask[chip] & line_bit(channel)) &&
           (dma->mode[channel] & MODE_HOW) != MODE_CASCADE;
}

/* Requests that a write of a register lets through. */
static void requests_serve(struct i8237 *dma)
{
    for (unsigned channel = 0; channel < I8237_CHANNELS; channel++) {
        const struct i8237_client *client = &dma->clients[channel];
        if (client->serve && dma->asked[channel / CHIP_LINES] & line_bit(channel) && can_move(dma, channel))
            client->serve(client->opaque);
    }
}

/* Where the channel's next unit is: words are counted, and their page is even. */
static gpa_t place(const struct i8237 *dma, unsigned channel)
{
    static const uint8_t page_of[I8237_CHANNELS] = {0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa};
    uint64_t page = dma->pages[page_of[channel]];
    if (unit(channel) == 2)
        page &= ~(uint64_t)1;
    return gpa(page << 16 | (uint64_t)dma->address[channel] * unit(channel));
}

/* The channel's counters after a unit; true: that was the last. */
static bool unit_done(struct i8237 *dma, unsigned channel)
{
    unsigned chip = channel / CHIP_LINES;
    dma->address[channel] += dma->mode[channel] & MODE_DOWN ? UINT16_MAX : 1;
    if (dma->count[channel]--)
        return false;
    dma->done[chip] |= line_bit(channel);
    dma->asked_by_software[chip] &= (uint8_t)~line_bit(channel);
    if (dma->mode[channel] & MODE_AUTOMATIC) {
        dma->address[channel] = dma->base_address[channel];
        dma->count[channel] = dma->base_count[channel];
    } else {
        dma->mask[chip] |= line_bit(channel);
    }
    return true;
}

/* Exactly one of `from` and `to` is there. What is no memory reads as nothing driving the bus. */
static void unit_move(struct i8237 *dma, unsigned channel, const uint8_t *from, uint8_t *to, unsigned size)
{
    struct ram *ram = dma->machine->mem.ram;
    bool verify = (dma->mode[channel] & MODE_TYPE) == MODE_VERIFY;
    if (from && !verify)
        ram_write(ram, place(dma, channel), from, size);
    else if (to && verify)
        memset(to, 0, size);
    else if (to && !ram_read(ram, place(dma, channel), to, size))
        memset(to, 0xff, size);
}

static size_t move(struct i8237 *dma, unsigned channel, const uint8_t *from, uint8_t *to, size_t len,
                   bool *end)
{
    unsigned size = unit(channel), type = dma->mode[channel] & MODE_TYPE;
    size_t moved = 0;
    *end = false;
    if (!can_move(dma, channel) || (type != MODE_VERIFY && type != (from ? MODE_TO_MEMORY : MODE_FROM)))
        return 0;
    while (len - moved >= size && !*end) {
        unit_move(dma, channel, from ? from + moved : NULL, to ? to + moved : NULL, size);
        moved += size;
        *end = unit_done(dma, channel);
    }
    return moved;
}

size_t i8237_to_memory(struct i8237 *dma, unsigned channel, const uint8_t *from, size_t len, bool *end)
{
    return move(dma, channel, from, NULL, len, end);
}

size_t i8237_from_memory(struct i8237 *dma, unsigned channel, uint8_t *to, size_t len, bool *end)
{
    return move(dma, channel, NULL, to, len, end);
}

void i8237_request(struct i8237 *dma, unsigned channel, bool level)
{
    uint8_t *asked = &dma->asked[channel / CHIP_LINES];
    *asked = (uint8_t)((*asked & ~line_bit(channel)) | (level ? line_bit(channel) : 0));
}

void i8237_cascade_open(struct i8237 *dma)
{
    dma->mode[CASCADE] = MODE_CASCADE;
    dma->mask[1] &= (uint8_t)~line_bit(CASCADE);
}

void i8237_connect(struct i8237 *dma, unsigned channel, const struct i8237_client *client)
{
    dma->clients[channel] = *client;
}

/* --- registers --- */

static void chip_clear(struct i8237 *dma, unsigned chip)
{
    dma->command[chip] = dma->done[chip] = dma->asked_by_software[chip] = 0;
    dma->high[chip] = false;
    dma->mask[chip] = 0xf;
}

static uint8_t half_get(struct i8237 *dma, unsigned chip, uint16_t value)
{
    bool high = dma->high[chip];
    dma->high[chip] = !high;
    return (uint8_t)(high ? value >> 8 : value);
}

static void half_set(struct i8237 *dma, unsigned chip, uint16_t *base, uint16_t *current, uint8_t value)
{
    bool high = dma->high[chip];
    dma->high[chip] = !high;
    *base = (uint16_t)(high ? (*base & 0x00ff) | value << 8 : (*base & 0xff00) | value);
    *current = *base;
}

/* What has no value drives nothing, but for the mask, which later chips let read. */
static uint8_t chip_read(struct i8237 *dma, unsigned chip, unsigned number)
{
    unsigned channel = chip * CHIP_LINES + number / 2;
    uint8_t value;
    if (number < REGISTER_COMMAND)
        return half_get(dma, chip, number & 1 ? dma->count[channel] : dma->address[channel]);
    switch (number) {
    case REGISTER_COMMAND:
        value = (uint8_t)(dma->done[chip] | (dma->asked[chip] | dma->asked_by_software[chip]) << 4);
        dma->done[chip] = 0;
        return value;
    case REGISTER_CLEAR: return 0; /* the temporary register, of transfers from memory to memory */
    case REGISTER_MASK_ALL: return (uint8_t)(0xf0 | dma->mask[chip]);
    default: return 0xff;
    }
}

static void bit_write(uint8_t *bits, uint8_t value)
{
    uint8_t bit = (uint8_t)(1u << (value & 3));
    *bits = (uint8_t)(value & 4 ? *bits | bit : *bits & ~bit);
}

static void control_write(struct i8237 *dma, unsigned chip, unsigned number, uint8_t value)
{
    switch (number) {
    case REGISTER_COMMAND: dma->command[chip] = value; break;
    case REGISTER_REQUEST: bit_write(&dma->asked_by_software[chip], value); break;
    case REGISTER_MASK_ONE: bit_write(&dma->mask[chip], value); break;
    case REGISTER_MODE: dma->mode[chip * CHIP_LINES + (value & 3)] = value & (uint8_t)~3u; break;
    case REGISTER_FLIP_FLOP: dma->high[chip] = false; break;
    case REGISTER_CLEAR: chip_clear(dma, chip); break;
    case REGISTER_UNMASK: dma->mask[chip] = 0; break;
    case REGISTER_MASK_ALL: dma->mask[chip] = value & 0xf; break;
    }
    requests_serve(dma);
}

static void chip_write(struct i8237 *dma, unsigned chip, unsigned number, uint8_t value)
{
    unsigned channel = chip * CHIP_LINES + number / 2;
    if (number >= REGISTER_COMMAND)
        control_write(dma, chip, number, value);
    else if (number & 1)
        half_set(dma, chip, &dma->base_count[channel], &dma->count[channel], value);
    else
        half_set(dma, chip, &dma->base_address[channel], &dma->address[channel], value);
}

/* --- ports --- */

static uint64_t first_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    return chip_read(opaque, 0, (unsigned)offset);
}

static void first_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    chip_write(opaque, 0, (unsigned)offset, (uint8_t)value);
}

/* The second chip sits on even addresses only. */
static uint64_t second_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    return chip_read(opaque, 1, (unsigned)offset / 2);
}

static void second_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    chip_write(opaque, 1, (unsigned)offset / 2, (uint8_t)value);
}

static uint64_t page_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct i8237 *dma = opaque;
    (void)width;
    return dma->pages[offset];
}

static void page_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct i8237 *dma = opaque;
    (void)width;
    dma->pages[offset] = (uint8_t)value;
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct i8237, base_address),
    STATE_ARRAY(struct i8237, base_count),
    STATE_ARRAY(struct i8237, address),
    STATE_ARRAY(struct i8237, count),
    STATE_ARRAY(struct i8237, mode),
    STATE_ARRAY(struct i8237, command),
    STATE_ARRAY(struct i8237, mask, .reset = 0xf),
    STATE_ARRAY(struct i8237, done),
    STATE_ARRAY(struct i8237, asked),
    STATE_ARRAY(struct i8237, asked_by_software),
    STATE_ARRAY(struct i8237, high),
    STATE_ARRAY(struct i8237, pages),
};
static const struct state_table table = {"i8237", 1, fields, ARRAY_LEN(fields), NULL};

struct i8237 *i8237_create(struct machine *machine, struct error *err)
{
    struct i8237 *dma = machine_alloc(sizeof(*dma));
    const struct bus_region regions[] = {
        {.name = "i8237", .base = 0, .size = 16, .read = first_read, .write = first_write, .opaque = dma},
        {.name = "i8237",
         .base = 0xc0,
         .size = 32,
         .read = second_read,
         .write = second_write,
         .opaque = dma},
        {.name = "dma-pages",
         .base = PAGE_PORTS,
         .size = PAGE_PORTS_N,
         .read = page_read,
         .write = page_write,
         .opaque = dma},
    };
    dma->machine = machine;
    machine_device_add(machine, "i8237", &table, dma, free);
    for (unsigned i = 0; i < ARRAY_LEN(regions); i++) {
        unsigned id;
        if (!bus_add(machine->mem.pio, &regions[i], &id, err))
            return NULL;
    }
    return dma;
}
