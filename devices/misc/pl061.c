/* Section numbers are those of the PL061 technical reference manual (DDI 0190). */
#include "devices/misc/pl061.h"

#include <assert.h>
#include <stdlib.h>

/* 3.2: registers. Bits 9:2 of GPIODATA's address say which pins an access is about. */
#define GPIODATA_END 0x400
#define GPIODIR      0x400
#define GPIOIS       0x404 /* 1: by level */
#define GPIOIBE      0x408 /* 1: by both edges */
#define GPIOIEV      0x40c /* 1: by a rising edge or a high level */
#define GPIOIE       0x410
#define GPIORIS      0x414
#define GPIOMIS      0x418
#define GPIOIC       0x41c
#define GPIOAFSEL    0x420
#define GPIOPERIPH   0xfe0 /* identification, a byte in each word up to the end */

struct pl061 {
    struct pl061_config config;
    uint8_t data;   /* what outputs are set to */
    uint8_t inputs; /* what is driven from outside */
    uint8_t dir, is, ibe, iev, ie, afsel;
    uint8_t edges; /* interrupts latched by edges */
    uint8_t seen;  /* the pins as last looked at, for edges */
};

static uint8_t pins(const struct pl061 *gpio)
{
    return (gpio->data & gpio->dir) | (gpio->inputs & (uint8_t)~gpio->dir);
}

/* 2.2.3: what a level or the last edges ask for. */
static uint8_t raw(const struct pl061 *gpio)
{
    uint8_t wanted = (uint8_t) ~(pins(gpio) ^ gpio->iev);
    return (gpio->edges & (uint8_t)~gpio->is) | (wanted & gpio->is);
}

static void edges_find(struct pl061 *gpio)
{
    uint8_t now = pins(gpio), changed = now ^ gpio->seen;
    uint8_t right_way = (uint8_t) ~(now ^ gpio->iev);
    gpio->edges |= changed & (gpio->ibe | right_way) & (uint8_t)~gpio->is;
    gpio->seen = now;
}

static void update(struct pl061 *gpio)
{
    edges_find(gpio);
    for (unsigned i = 0; i < PL061_PINS; i++) {
        if (gpio->dir >> i & 1)
            irq_line_set(&gpio->config.outputs[i], gpio->data >> i & 1);
    }
    irq_line_set(&gpio->config.irq, (raw(gpio) & gpio->ie) != 0);
}

static void pin_set(void *opaque, unsigned pin, bool level)
{
    struct pl061 *gpio = opaque;
    uint8_t bit = (uint8_t)(1u << pin);
    gpio->inputs = level ? gpio->inputs | bit : gpio->inputs & (uint8_t)~bit;
    update(gpio);
}

struct irq_line pl061_line(struct pl061 *gpio, unsigned pin)
{
    assert(pin < PL061_PINS);
    return (struct irq_line){pin_set, gpio, pin};
}

static uint32_t identification(uint64_t offset)
{
    static const uint8_t bytes[8] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    return offset >= GPIOPERIPH && offset < PL061_SIZE ? bytes[(offset - GPIOPERIPH) / 4] : 0;
}

static uint64_t gpio_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct pl061 *gpio = opaque;
    (void)width;
    if (offset % 4)
        return 0;
    if (offset < GPIODATA_END)
        return pins(gpio) & offset >> 2;
    switch (offset) {
    case GPIODIR: return gpio->dir;
    case GPIOIS: return gpio->is;
    case GPIOIBE: return gpio->ibe;
    case GPIOIEV: return gpio->iev;
    case GPIOIE: return gpio->ie;
    case GPIORIS: return raw(gpio);
    case GPIOMIS: return raw(gpio) & gpio->ie;
    case GPIOAFSEL: return gpio->afsel;
    default: return identification(offset);
    }
}

static void gpio_write(void *opaque, uint64_t offset, uint64_t wide, unsigned width)
{
    struct pl061 *gpio = opaque;
    uint8_t value = (uint8_t)wide, mask = (uint8_t)(offset >> 2);
    (void)width;
    if (offset % 4)
        return;
    switch (offset) {
    case GPIODIR: gpio->dir = value; break;
    case GPIOIS: gpio->is = value; break;
    case GPIOIBE: gpio->ibe = value; break;
    case GPIOIEV: gpio->iev = value; break;
    case GPIOIE: gpio->ie = value; break;
    case GPIOIC: gpio->edges &= (uint8_t)~value; break;
    case GPIOAFSEL: gpio->afsel = value; break;
    default:
        /* 3.3.1: only pins that are outputs, and in the mask. */
        if (offset < GPIODATA_END)
            gpio->data = (gpio->data & (uint8_t) ~(mask & gpio->dir)) | (value & mask & gpio->dir);
        break;
    }
    update(gpio);
}

static void gpio_restored(void *object)
{
    struct pl061 *gpio = object;
    update(gpio);
}

static const struct state_field fields[] = {
    STATE(struct pl061, data),  STATE(struct pl061, inputs, .keep = true),
    STATE(struct pl061, dir),   STATE(struct pl061, is),
    STATE(struct pl061, ibe),   STATE(struct pl061, iev),
    STATE(struct pl061, ie),    STATE(struct pl061, afsel),
    STATE(struct pl061, edges), STATE(struct pl061, seen, .keep = true),
};

static const struct state_table table = {
    .name = "pl061", .version = 1, .fields = fields, .count = ARRAY_LEN(fields), .restored = gpio_restored};

static void gpio_destroy(void *object)
{
    free(object);
}

struct pl061 *pl061_create(struct machine *machine, const struct pl061_config *config, struct error *err)
{
    struct pl061 *gpio = machine_alloc(sizeof(*gpio));
    gpio->config = *config;
    machine_device_add(machine, config->name, &table, gpio, gpio_destroy);
    struct bus_region region = {.name = config->name,
                                .base = config->base,
                                .size = PL061_SIZE,
                                .min_width = 1, /* drivers write bytes */
                                .max_width = 4,
                                .read = gpio_read,
                                .write = gpio_write,
                                .opaque = gpio};
    unsigned id;
    return bus_add(machine->mem.mmio, &region, &id, err) ? gpio : NULL;
}
