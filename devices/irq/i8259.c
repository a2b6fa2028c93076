#include "devices/irq/i8259.h"

#include <stdlib.h>

#include "base/trace.h"

#define CASCADE 2

/* The first write to port 0 with bit 4 begins an initialisation of three or four words. */
#define ICW1_START      0x10
#define ICW1_SINGLE     0x02
#define ICW1_NEEDS_ICW4 0x01
#define ICW4_8086       0x01
#define ICW4_AUTO_EOI   0x02
#define ICW4_NESTED     0x10 /* special fully nested mode */
#define OCW3            0x08

struct chip {
    uint8_t irr, isr, imr;
    uint8_t lines;     /* levels of the inputs */
    uint8_t elcr;      /* level-triggered inputs */
    uint8_t elcr_mask; /* bits of it that exist */
    uint8_t base;      /* vector of input 0 */
    uint8_t icw1, icw4;
    uint8_t next_icw; /* 2 to 4 during an initialisation, else 0 */
    uint8_t lowest;   /* the input of lowest priority: 7 unless rotated */
    bool read_isr, special_mask, rotate_on_auto_eoi, poll;
    uint8_t index; /* 0 or 1 */
    struct i8259 *pic;
};

struct i8259 {
    struct machine *machine;
    struct chip chips[2];
    struct irq_line intr;
};

/* The set bit of highest priority, as an input number; 8: none. */
static unsigned first_of(const struct chip *chip, uint8_t bits)
{
    for (unsigned i = 1; i <= 8; i++) {
        unsigned input = (chip->lowest + i) & 7;
        if (bits & (1 << input))
            return input;
    }
    return 8;
}

/* How many inputs come before this one: 0 is the highest priority; of no input, 8. */
static unsigned rank_of(const struct chip *chip, unsigned input)
{
    return input == 8 ? 8 : (input - chip->lowest - 1u) & 7;
}

/* The input to be served now, or 8. */
static unsigned chip_request(const struct chip *chip)
{
    uint8_t wanted = chip->irr & ~chip->imr;
    uint8_t in_service = chip->isr;
    if (chip->special_mask)
        in_service &= ~chip->imr;
    unsigned input = first_of(chip, wanted);
    unsigned rank = rank_of(chip, first_of(chip, in_service));
    /* In special fully nested mode the first chip lets the second one interrupt its own service. */
    if (chip->index == 0 && (chip->icw4 & ICW4_NESTED) && input == CASCADE && (chip->isr & (1 << CASCADE)))
        return rank_of(chip, input) <= rank ? input : 8;
    return rank_of(chip, input) < rank ? input : 8;
}

static void line_set(struct chip *chip, unsigned input, bool level)
{
    uint8_t bit = (uint8_t)(1 << input);
    if (chip->elcr & bit || chip->icw1 & 0x08) { /* ICW1's LTIM makes all inputs level-triggered */
        chip->irr = level ? chip->irr | bit : chip->irr & ~bit;
    } else if (level) {
        if (!(chip->lines & bit))
            chip->irr |= bit;
    } else {
        chip->irr &= ~bit; /* the request must stay until it is acknowledged: else it is a spurious one */
    }
    chip->lines = level ? chip->lines | bit : chip->lines & ~bit;
}

static void outputs_update(struct i8259 *pic)
{
    line_set(&pic->chips[0], CASCADE, chip_request(&pic->chips[1]) != 8);
    irq_line_set(&pic->intr, chip_request(&pic->chips[0]) != 8);
}

bool i8259_pending(struct i8259 *pic)
{
    return chip_request(&pic->chips[0]) != 8;
}

/* An acknowledge cycle of one chip: the input; 7 when the request went away meanwhile. */
static unsigned chip_acknowledge(struct chip *chip)
{
    unsigned input = chip_request(chip);
    if (input == 8)
        return 7;
    uint8_t bit = (uint8_t)(1 << input);
    if (!(chip->elcr & bit) && !(chip->icw1 & 0x08))
        chip->irr &= ~bit;
    if (!(chip->icw4 & ICW4_AUTO_EOI))
        chip->isr |= bit;
    else if (chip->rotate_on_auto_eoi)
        chip->lowest = (uint8_t)input;
    return input;
}

uint8_t i8259_acknowledge(struct i8259 *pic)
{
    unsigned input = chip_acknowledge(&pic->chips[0]);
    uint8_t vector = (uint8_t)(pic->chips[0].base + input);
    if (input == CASCADE)
        vector = (uint8_t)(pic->chips[1].base + chip_acknowledge(&pic->chips[1]));
    outputs_update(pic);
    if (trace_on(TRACE_IRQ))
        trace_line(TRACE_IRQ, -1, "i8259 acknowledge: vector %#x", vector);
    return vector;
}

static void input_set(void *opaque, unsigned number, bool level)
{
    struct i8259 *pic = opaque;
    line_set(&pic->chips[number / 8], number % 8, level);
    outputs_update(pic);
}

struct irq_line i8259_line(struct i8259 *pic, unsigned n)
{
    return (struct irq_line){input_set, pic, n};
}

/* ICW1: everything but the vector and the ELCR starts anew; edges that came before are forgotten. */
static void chip_start(struct chip *chip, uint8_t value)
{
    chip->icw1 = value;
    chip->icw4 = 0;
    chip->irr = 0;
    chip->isr = 0;
    chip->imr = 0;
    chip->lowest = 7;
    chip->read_isr = chip->special_mask = chip->rotate_on_auto_eoi = chip->poll = false;
    chip->next_icw = 2;
    for (unsigned i = 0; i < 8; i++) {
        if (chip->elcr & chip->lines & (1 << i))
            chip->irr |= (uint8_t)(1 << i);
    }
}

/* OCW2: ends of interrupt and rotations, by the top three bits. */
static void chip_end(struct chip *chip, uint8_t value)
{
    bool rotate = value & 0x80, specific = value & 0x40, end = value & 0x20;
    unsigned input = specific ? value & 7u : first_of(chip, chip->isr);
    if (end) {
        if (input == 8)
            return;
        chip->isr &= (uint8_t) ~(1 << input);
        if (rotate)
            chip->lowest = (uint8_t)input;
    } else if (specific && rotate) {
        chip->lowest = (uint8_t)input;
    } else if (!specific) {
        chip->rotate_on_auto_eoi = rotate;
    }
}

static void chip_control(struct chip *chip, uint8_t value)
{
    if (value & 0x40)
        chip->special_mask = value & 0x20;
    if (value & 0x04)
        chip->poll = true;
    else if (value & 0x02)
        chip->read_isr = value & 0x01;
}

static void chip_word(struct chip *chip, uint8_t value)
{
    switch (chip->next_icw) {
    case 2:
        chip->base = value & 0xf8;
        chip->next_icw = chip->icw1 & ICW1_SINGLE ? (chip->icw1 & ICW1_NEEDS_ICW4 ? 4 : 0) : 3;
        break;
    case 3: /* where the cascade is: wired */ chip->next_icw = chip->icw1 & ICW1_NEEDS_ICW4 ? 4 : 0; break;
    case 4:
        chip->icw4 = value;
        chip->next_icw = 0;
        break;
    default: chip->imr = value; break;
    }
}

static uint64_t chip_read(void *opaque, uint64_t offset, unsigned width)
{
    struct chip *chip = opaque;
    (void)width;
    if (chip->poll) { /* OCW3 poll: the read is an acknowledge cycle */
        chip->poll = false;
        unsigned input = chip_request(chip);
        if (input == 8)
            return 0;
        chip_acknowledge(chip);
        outputs_update(chip->pic);
        return 0x80 | input;
    }
    if (offset == 1)
        return chip->imr;
    return chip->read_isr ? chip->isr : chip->irr;
}

static void chip_write(void *opaque, uint64_t offset, uint64_t written, unsigned width)
{
    struct chip *chip = opaque;
    uint8_t value = (uint8_t)written;
    (void)width;
    if (offset == 1)
        chip_word(chip, value);
    else if (value & ICW1_START)
        chip_start(chip, value);
    else if (value & OCW3)
        chip_control(chip, value);
    else
        chip_end(chip, value);
    outputs_update(chip->pic);
}

static uint64_t elcr_read(void *opaque, uint64_t offset, unsigned width)
{
    struct i8259 *pic = opaque;
    (void)width;
    return pic->chips[offset].elcr;
}

static void elcr_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct i8259 *pic = opaque;
    struct chip *chip = &pic->chips[offset];
    (void)width;
    chip->elcr = (uint8_t)value & chip->elcr_mask;
    outputs_update(pic);
}

void i8259_level_set(struct i8259 *pic, uint16_t inputs)
{
    for (unsigned i = 0; i < 2; i++)
        pic->chips[i].elcr |= inputs >> 8 * i & pic->chips[i].elcr_mask;
    outputs_update(pic);
}

void i8259_bios_set(struct i8259 *pic, uint16_t inputs)
{
    static const uint8_t bases[2] = {0x08, 0x70};
    for (unsigned i = 0; i < 2; i++) {
        struct chip *chip = &pic->chips[i];
        chip_start(chip, ICW1_START | ICW1_NEEDS_ICW4);
        chip->next_icw = 0;
        chip->base = bases[i];
        chip->icw4 = ICW4_8086;
        chip->imr = (uint8_t)(~inputs >> 8 * i);
    }
    outputs_update(pic);
}

static void restored(void *object)
{
    outputs_update(object);
}

#define CHIP_FIELD(member, ...) STATE_EACH(struct i8259, chips, member, ##__VA_ARGS__)

static const struct state_field fields[] = {
    CHIP_FIELD(irr),
    CHIP_FIELD(isr),
    CHIP_FIELD(imr),
    CHIP_FIELD(lines, .keep = true),
    CHIP_FIELD(elcr),
    CHIP_FIELD(base),
    CHIP_FIELD(icw1),
    CHIP_FIELD(icw4),
    CHIP_FIELD(next_icw),
    CHIP_FIELD(lowest, .reset = 7),
    CHIP_FIELD(read_isr),
    CHIP_FIELD(special_mask),
    CHIP_FIELD(rotate_on_auto_eoi),
    CHIP_FIELD(poll),
};
static const struct state_table table = {"i8259", 1, fields, ARRAY_LEN(fields), restored};

static bool ports_add(struct i8259 *pic, struct error *err)
{
    static const uint16_t bases[2] = {0x20, 0xa0};
    struct bus *bus = pic->machine->mem.pio;
    struct bus_region elcr = {.name = "elcr",
                              .base = 0x4d0,
                              .size = 2,
                              .max_width = 1,
                              .read = elcr_read,
                              .write = elcr_write,
                              .opaque = pic};
    unsigned id;
    for (unsigned i = 0; i < 2; i++) {
        struct bus_region ports = {.name = "i8259",
                                   .base = bases[i],
                                   .size = 2,
                                   .max_width = 1,
                                   .read = chip_read,
                                   .write = chip_write,
                                   .opaque = &pic->chips[i]};
        if (!bus_add(bus, &ports, &id, err))
            return false;
    }
    return bus_add(bus, &elcr, &id, err);
}

struct i8259 *i8259_create(struct machine *machine, struct irq_line intr, struct error *err)
{
    struct i8259 *pic = machine_alloc(sizeof(*pic));
    pic->machine = machine;
    pic->intr = intr;
    /* The timer, the keyboard, the cascade, the clock and the coprocessor are edge-triggered by their wiring.
     */
    pic->chips[0].elcr_mask = 0xf8;
    pic->chips[1].elcr_mask = 0xde;
    for (uint8_t i = 0; i < 2; i++) {
        pic->chips[i].index = i;
        pic->chips[i].pic = pic;
    }
    machine_device_add(machine, "i8259", &table, pic, free);
    return ports_add(pic, err) ? pic : NULL;
}
