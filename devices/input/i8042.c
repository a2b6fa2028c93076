#include "devices/input/i8042.h"

#include <stdlib.h>

#include "devices/input/scancode.h"

/* IBM PS/2 Hardware Interface Technical Reference, keyboard and auxiliary device controller. */
#define STATUS_OUTPUT_FULL 0x01u
#define STATUS_SYSTEM      0x04u
#define STATUS_COMMAND     0x08u /* what was written last was a command */
#define STATUS_UNLOCKED    0x10u
#define STATUS_AUX         0x20u

/* Byte 0 of the controller's memory. */
#define CONFIG_KEYBOARD_IRQ 0x01u
#define CONFIG_MOUSE_IRQ    0x02u
#define CONFIG_SYSTEM       0x04u
#define CONFIG_KEYBOARD_OFF 0x10u
#define CONFIG_MOUSE_OFF    0x20u
#define CONFIG_TRANSLATE    0x40u
/* As a BIOS leaves it, for guests that are started without one. */
#define CONFIG_RESET (CONFIG_KEYBOARD_IRQ | CONFIG_MOUSE_IRQ | CONFIG_TRANSLATE)

#define OUTPUT_RUN   0x01u /* low: reset */
#define OUTPUT_A20   0x02u
#define OUTPUT_RESET 0xcfu

#define RAM_SIZE 32

enum source { FROM_KEYBOARD, FROM_MOUSE };

struct i8042 {
    struct machine *machine;
    struct i8042_config config;
    uint8_t mode;          /* byte 0 of the memory */
    uint8_t ram[RAM_SIZE]; /* the others */
    uint8_t output_port;
    uint8_t command;    /* that waits for its data; 0: none */
    bool wrote_command; /* what STATUS_COMMAND says */
    bool full, aux;     /* the output buffer, and whether its byte is the mouse's */
    uint8_t data;
    bool answer_full, answer_aux; /* the controller's own next byte */
    uint8_t answer;
    bool breaking; /* the translation has seen 0xf0 */
};

static void irqs_update(struct i8042 *kbc)
{
    irq_line_set(&kbc->config.keyboard_irq, kbc->full && !kbc->aux && kbc->mode & CONFIG_KEYBOARD_IRQ);
    irq_line_set(&kbc->config.mouse_irq, kbc->full && kbc->aux && kbc->mode & CONFIG_MOUSE_IRQ);
}

static bool may_send(const struct ps2_device *device, bool off)
{
    return device && !off && ps2_pending(device);
}

/* A byte of the keyboard's for the output buffer; false: it only begins a break code. */
static bool keyboard_translate(struct i8042 *kbc, uint8_t byte)
{
    if (!(kbc->mode & CONFIG_TRANSLATE)) {
        kbc->data = byte;
        return true;
    }
    if (byte == 0xf0) {
        kbc->breaking = true;
        return false;
    }
    kbc->data = scancode_translate(byte) | (kbc->breaking ? 0x80 : 0);
    kbc->breaking = false;
    return true;
}

/* Fill the output buffer if it is empty: the controller's own answers first, then the keyboard. */
static void output_fill(struct i8042 *kbc)
{
    while (!kbc->full) {
        if (kbc->answer_full) {
            kbc->answer_full = false;
            kbc->full = true;
            kbc->aux = kbc->answer_aux;
            kbc->data = kbc->answer;
        } else if (may_send(kbc->config.keyboard, kbc->mode & CONFIG_KEYBOARD_OFF)) {
            kbc->full = true; /* while it is taken: the device may have more to send at once */
            kbc->aux = false;
            kbc->full = keyboard_translate(kbc, ps2_take(kbc->config.keyboard));
        } else if (may_send(kbc->config.mouse, kbc->mode & CONFIG_MOUSE_OFF)) {
            kbc->full = true;
            kbc->aux = true;
            kbc->data = ps2_take(kbc->config.mouse);
        } else {
            break;
        }
    }
    irqs_update(kbc);
}

static void device_ready(void *opaque)
{
    output_fill(opaque);
}

static void answer(struct i8042 *kbc, uint8_t byte, enum source source)
{
    kbc->answer = byte;
    kbc->answer_aux = source == FROM_MOUSE;
    kbc->answer_full = true;
    output_fill(kbc);
}

static uint8_t status(const struct i8042 *kbc)
{
    return (uint8_t)(STATUS_UNLOCKED | (kbc->full ? STATUS_OUTPUT_FULL : 0) |
                     (kbc->full && kbc->aux ? STATUS_AUX : 0) |
                     (kbc->mode & CONFIG_SYSTEM ? STATUS_SYSTEM : 0) |
                     (kbc->wrote_command ? STATUS_COMMAND : 0));
}

static uint8_t data_read(struct i8042 *kbc)
{
    uint8_t data = kbc->data;
    if (kbc->full) {
        kbc->full = false;
        irqs_update(kbc); /* the next byte is a new edge */
        output_fill(kbc);
    }
    return data;
}

static void output_port_write(struct i8042 *kbc, uint8_t value)
{
    struct machine *machine = kbc->machine;
    kbc->output_port = value;
    irq_line_set(&kbc->config.a20, value & OUTPUT_A20);
    if (!(value & OUTPUT_RUN))
        machine->request(machine, MACHINE_RESET, 0);
}

static uint8_t output_port(const struct i8042 *kbc)
{
    return (uint8_t)((kbc->output_port & 0xcf) | (kbc->full && !kbc->aux ? 0x10 : 0) |
                     (kbc->full && kbc->aux ? 0x20 : 0));
}

static void config_change(struct i8042 *kbc, uint8_t set, uint8_t clear)
{
    kbc->mode = (uint8_t)((kbc->mode & ~clear) | set);
    output_fill(kbc);
}

/* What is sent to a device switches its connector on. */
static void device_write(struct i8042 *kbc, enum source to, uint8_t byte)
{
    struct ps2_device *device = to == FROM_MOUSE ? kbc->config.mouse : kbc->config.keyboard;
    config_change(kbc, 0, to == FROM_MOUSE ? CONFIG_MOUSE_OFF : CONFIG_KEYBOARD_OFF);
    if (device)
        device->write(device, byte);
    else /* as after a time-out */
        answer(kbc, PS2_RESEND, to);
}

static void ram_command(struct i8042 *kbc, uint8_t command)
{
    unsigned index = command & (RAM_SIZE - 1);
    if (command & 0x40)
        kbc->command = command;
    else
        answer(kbc, index ? kbc->ram[index] : kbc->mode, FROM_KEYBOARD);
}

static void command_write(struct i8042 *kbc, uint8_t command)
{
    struct machine *machine = kbc->machine;
    kbc->wrote_command = true;
    kbc->command = 0;
    if (command >= 0x20 && command < 0x80) {
        ram_command(kbc, command);
        return;
    }
    if (command >= 0xf0) { /* pulse the output port's lines that are named by zeros */
        if (!(command & OUTPUT_RUN))
            machine->request(machine, MACHINE_RESET, 0);
        return;
    }
    switch (command) {
    case 0xa4: answer(kbc, 0xf1, FROM_KEYBOARD); break; /* no password */
    case 0xa7: config_change(kbc, CONFIG_MOUSE_OFF, 0); break;
    case 0xa8: config_change(kbc, 0, CONFIG_MOUSE_OFF); break;
    case 0xa9: answer(kbc, kbc->config.mouse ? 0 : 1, FROM_KEYBOARD); break;
    case 0xaa:
        kbc->mode |= CONFIG_SYSTEM;
        answer(kbc, 0x55, FROM_KEYBOARD);
        break;
    case 0xab: answer(kbc, kbc->config.keyboard ? 0 : 1, FROM_KEYBOARD); break;
    case 0xad: config_change(kbc, CONFIG_KEYBOARD_OFF, 0); break;
    case 0xae: config_change(kbc, 0, CONFIG_KEYBOARD_OFF); break;
    case 0xc0: answer(kbc, 0x80, FROM_KEYBOARD); break; /* input port: not locked */
    case 0xd0: answer(kbc, output_port(kbc), FROM_KEYBOARD); break;
    case 0xd1:
    case 0xd2:
    case 0xd3:
    case 0xd4: kbc->command = command; break;
    case 0xdd: output_port_write(kbc, kbc->output_port & (uint8_t)~OUTPUT_A20); break;
    case 0xdf: output_port_write(kbc, kbc->output_port | OUTPUT_A20); break;
    case 0xe0: answer(kbc, 0, FROM_KEYBOARD); break; /* test inputs */
    default: log_guest("i8042: the command %#x means nothing", command);
    }
}

static void data_write(struct i8042 *kbc, uint8_t byte)
{
    uint8_t command = kbc->command;
    kbc->wrote_command = false;
    kbc->command = 0;
    if (command >= 0x60 && command < 0x80) {
        unsigned index = command & (RAM_SIZE - 1);
        *(index ? &kbc->ram[index] : &kbc->mode) = byte;
        output_fill(kbc);
        return;
    }
    switch (command) {
    case 0xd1: output_port_write(kbc, byte); break;
    case 0xd2: answer(kbc, byte, FROM_KEYBOARD); break;
    case 0xd3: answer(kbc, byte, FROM_MOUSE); break;
    case 0xd4: device_write(kbc, FROM_MOUSE, byte); break;
    default: device_write(kbc, FROM_KEYBOARD, byte);
    }
}

static uint64_t data_port_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)offset, (void)width;
    return data_read(opaque);
}

static void data_port_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)offset, (void)width;
    data_write(opaque, (uint8_t)value);
}

static uint64_t command_port_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)offset, (void)width;
    return status(opaque);
}

static void command_port_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)offset, (void)width;
    command_write(opaque, (uint8_t)value);
}

static void restored(void *object)
{
    struct i8042 *kbc = object;
    irq_line_set(&kbc->config.a20, kbc->output_port & OUTPUT_A20);
    irqs_update(kbc);
}

static const struct state_field fields[] = {
    STATE(struct i8042, mode, .reset = CONFIG_RESET),
    STATE_ARRAY(struct i8042, ram, .keep = true),
    STATE(struct i8042, output_port, .reset = OUTPUT_RESET),
    STATE(struct i8042, command),
    STATE(struct i8042, wrote_command),
    STATE(struct i8042, full),
    STATE(struct i8042, aux),
    STATE(struct i8042, data),
    STATE(struct i8042, answer_full),
    STATE(struct i8042, answer_aux),
    STATE(struct i8042, answer),
    STATE(struct i8042, breaking),
};
static const struct state_table table = {"i8042", 1, fields, ARRAY_LEN(fields), restored};

struct i8042 *i8042_create(struct machine *machine, const struct i8042_config *config, struct error *err)
{
    struct i8042 *kbc = machine_alloc(sizeof(*kbc));
    struct bus_region data = {.name = "i8042",
                              .base = 0x60,
                              .size = 1,
                              .read = data_port_read,
                              .write = data_port_write,
                              .opaque = kbc};
    struct bus_region command = {.name = "i8042",
                                 .base = 0x64,
                                 .size = 1,
                                 .read = command_port_read,
                                 .write = command_port_write,
                                 .opaque = kbc};
    unsigned id;
    kbc->machine = machine;
    kbc->config = *config;
    machine_device_add(machine, "i8042", &table, kbc, free);
    if (config->keyboard)
        ps2_connect(config->keyboard, device_ready, kbc);
    if (config->mouse)
        ps2_connect(config->mouse, device_ready, kbc);
    return bus_add(machine->mem.pio, &data, &id, err) && bus_add(machine->mem.pio, &command, &id, err) ? kbc
                                                                                                       : NULL;
}
