/*
 * The mouse: the standard PS/2 one with two or three buttons, which turns into the IntelliMouse (a wheel) or
 * the IntelliMouse Explorer (five buttons) when a driver knocks with certain sample rates.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/input/ps2.h"

enum { ID_STANDARD = 0, ID_WHEEL = 3, ID_EXPLORER = 4 };

#define BUTTON_LEFT   0x01u
#define BUTTON_RIGHT  0x02u
#define BUTTON_MIDDLE 0x04u
#define BUTTON_SIDE   0x08u
#define BUTTON_EXTRA  0x10u

struct mouse {
    struct ps2_device ps2;
    uint8_t id, rate, resolution;
    uint8_t rates[3]; /* the last ones set, oldest first */
    uint8_t command;  /* that waits for its parameter; 0: none */
    bool reporting, remote, wrap, scaling;
    uint8_t buttons, reported; /* now, and as in the last packet */
    int32_t dx, dy, wheel;     /* since the last packet; dy is down */
};

static int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* Scaling 2:1: small movements are made smaller, others doubled. */
static int32_t scale(int32_t value)
{
    static const uint8_t small[6] = {0, 1, 1, 3, 6, 9};
    int32_t size = value < 0 ? -value : value;
    size = size < 6 ? small[size] : clamp(2 * size, 0, 255);
    return value < 0 ? -size : size;
}

/* The fourth byte: the wheel, and with five buttons the last two. */
static uint8_t fourth_byte(struct mouse *mouse)
{
    int32_t wheel = clamp(mouse->wheel, -8, 7);
    mouse->wheel -= wheel;
    if (mouse->id == ID_WHEEL)
        return (uint8_t)wheel;
    return (uint8_t)((wheel & 0xf) | (mouse->buttons & (BUTTON_SIDE | BUTTON_EXTRA)) << 1);
}

/* Take what has gathered into a packet of 3 or 4 bytes. */
static unsigned packet_make(struct mouse *mouse, uint8_t packet[4], bool scaled)
{
    int32_t x = clamp(mouse->dx, -255, 255), y = clamp(-mouse->dy, -255, 255);
    mouse->dx -= x;
    mouse->dy += y;
    if (scaled) {
        x = scale(x);
        y = scale(y);
    }
    packet[0] = (uint8_t)(8 | (mouse->buttons & 7) | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0));
    packet[1] = (uint8_t)x;
    packet[2] = (uint8_t)y;
    mouse->reported = mouse->buttons;
    if (mouse->id == ID_STANDARD) {
        mouse->wheel = 0;
        return 3;
    }
    packet[3] = fourth_byte(mouse);
    return 4;
}

static bool has_news(const struct mouse *mouse)
{
    return mouse->dx || mouse->dy || mouse->wheel || mouse->buttons != mouse->reported;
}

/* In stream mode the next packet is made when the one before has been taken. */
static void stream(struct ps2_device *ps2)
{
    struct mouse *mouse = container_of(ps2, struct mouse, ps2);
    uint8_t packet[4];
    if (!mouse->reporting || mouse->remote || mouse->wrap || ps2_pending(ps2) || !has_news(mouse))
        return;
    unsigned count = packet_make(mouse, packet, mouse->scaling);
    ps2_event(ps2, packet, count);
}

static void relative_event(void *opaque, int dx, int dy)
{
    struct mouse *mouse = opaque;
    mouse->dx = clamp(mouse->dx + clamp(dx, -4096, 4096), -4096, 4096);
    mouse->dy = clamp(mouse->dy + clamp(dy, -4096, 4096), -4096, 4096);
}

/* Its packets have room for one wheel. */
static void wheel_event(void *opaque, int down, int right)
{
    struct mouse *mouse = opaque;
    (void)right;
    mouse->wheel = clamp(mouse->wheel + clamp(down, -64, 64), -64, 64);
}

static void button_event(void *opaque, unsigned button, bool pressed)
{
    struct mouse *mouse = opaque;
    if (button < INPUT_BUTTON_LEFT || button > INPUT_BUTTON_EXTRA)
        return;
    uint8_t bit = (uint8_t)(1u << (button - INPUT_BUTTON_LEFT));
    mouse->buttons = pressed ? mouse->buttons | bit : mouse->buttons & (uint8_t)~bit;
    stream(&mouse->ps2); /* a click and its release must not melt into nothing */
}

static void sync_event(void *opaque)
{
    struct mouse *mouse = opaque;
    stream(&mouse->ps2);
}

static void movement_clear(struct mouse *mouse)
{
    mouse->dx = mouse->dy = mouse->wheel = 0;
    mouse->reported = mouse->buttons;
}

static void defaults_set(struct mouse *mouse)
{
    mouse->rate = 100;
    mouse->resolution = 2;
    mouse->scaling = mouse->remote = mouse->reporting = false;
    ps2_clear(&mouse->ps2);
    movement_clear(mouse);
}

static void status_send(struct mouse *mouse)
{
    uint8_t status = (uint8_t)(mouse->remote << 6 | mouse->reporting << 5 | mouse->scaling << 4);
    status |= mouse->buttons & BUTTON_LEFT ? 4 : 0;
    status |= mouse->buttons & BUTTON_MIDDLE ? 2 : 0;
    status |= mouse->buttons & BUTTON_RIGHT ? 1 : 0;
    ps2_answer(&mouse->ps2, status);
    ps2_answer(&mouse->ps2, mouse->resolution);
    ps2_answer(&mouse->ps2, mouse->rate);
}

static void data_send(struct mouse *mouse)
{
    uint8_t packet[4];
    unsigned count = packet_make(mouse, packet, false);
    for (unsigned i = 0; i < count; i++)
        ps2_answer(&mouse->ps2, packet[i]);
}

/* The knocks: 200, 100, 80 for the wheel, 200, 200, 80 for five buttons. */
static void rate_set(struct mouse *mouse, uint8_t rate)
{
    static const uint8_t wheel[] = {200, 100, 80}, explorer[] = {200, 200, 80};
    mouse->rate = rate;
    memmove(mouse->rates, mouse->rates + 1, 2);
    mouse->rates[2] = rate;
    if (!memcmp(mouse->rates, wheel, 3) && mouse->id == ID_STANDARD)
        mouse->id = ID_WHEEL;
    else if (!memcmp(mouse->rates, explorer, 3))
        mouse->id = ID_EXPLORER;
}

static void mode_command(struct mouse *mouse, uint8_t command)
{
    switch (command) {
    case 0xe6: mouse->scaling = false; break;
    case 0xe7: mouse->scaling = true; break;
    case 0xea: mouse->remote = false; break;
    case 0xec: mouse->wrap = false; break;
    case 0xee: mouse->wrap = true; break;
    case 0xf0: mouse->remote = true; break;
    case 0xf4: mouse->reporting = true; break;
    case 0xf5: mouse->reporting = false; break;
    default: break;
    }
    ps2_clear(&mouse->ps2);
    movement_clear(mouse);
    ps2_answer(&mouse->ps2, PS2_ACK);
}

static void command_start(struct mouse *mouse, uint8_t command)
{
    struct ps2_device *ps2 = &mouse->ps2;
    switch (command) {
    case 0xe8:
    case 0xf3:
        mouse->command = command;
        ps2_answer(ps2, PS2_ACK);
        break;
    case 0xe9:
        ps2_answer(ps2, PS2_ACK);
        status_send(mouse);
        break;
    case 0xeb:
        ps2_answer(ps2, PS2_ACK);
        data_send(mouse);
        break;
    case 0xf2:
        ps2_answer(ps2, PS2_ACK);
        ps2_answer(ps2, mouse->id);
        break;
    case 0xf6:
        defaults_set(mouse);
        ps2_answer(ps2, PS2_ACK);
        break;
    case 0xfe: ps2_answer(ps2, ps2->last); break;
    case 0xff:
        defaults_set(mouse);
        mouse->id = ID_STANDARD;
        mouse->wrap = false;
        memset(mouse->rates, 0, sizeof(mouse->rates));
        ps2_answer(ps2, PS2_ACK);
        ps2_answer(ps2, PS2_PASSED);
        ps2_answer(ps2, mouse->id);
        break;
    case 0xe6:
    case 0xe7:
    case 0xea:
    case 0xec:
    case 0xee:
    case 0xf0:
    case 0xf4:
    case 0xf5: mode_command(mouse, command); break;
    default: ps2_answer(ps2, PS2_RESEND);
    }
}

static void mouse_write(struct ps2_device *ps2, uint8_t byte)
{
    struct mouse *mouse = container_of(ps2, struct mouse, ps2);
    uint8_t command = mouse->command;
    mouse->command = 0;
    if (mouse->wrap && byte != 0xec && byte != 0xff) {
        ps2_answer(ps2, byte);
        return;
    }
    switch (command) {
    case 0xe8:
        mouse->resolution = byte & 3;
        ps2_answer(ps2, PS2_ACK);
        break;
    case 0xf3:
        rate_set(mouse, byte);
        ps2_answer(ps2, PS2_ACK);
        break;
    default: command_start(mouse, byte);
    }
}

static void restored(void *object)
{
    struct mouse *mouse = object;
    ps2_restored(&mouse->ps2);
    mouse->dx = clamp(mouse->dx, -4096, 4096);
    mouse->dy = clamp(mouse->dy, -4096, 4096);
    mouse->wheel = clamp(mouse->wheel, -64, 64);
}

static const struct state_field fields[] = {
    PS2_STATE_FIELDS(struct mouse),
    STATE(struct mouse, id),
    STATE(struct mouse, rate, .reset = 100),
    STATE(struct mouse, resolution, .reset = 2),
    STATE_ARRAY(struct mouse, rates),
    STATE(struct mouse, command),
    STATE(struct mouse, reporting),
    STATE(struct mouse, remote),
    STATE(struct mouse, wrap),
    STATE(struct mouse, scaling),
    STATE(struct mouse, buttons, .keep = true),
    STATE(struct mouse, reported),
    STATE(struct mouse, dx),
    STATE(struct mouse, dy),
    STATE(struct mouse, wheel),
};
static const struct state_table table = {"ps2-mouse", 1, fields, ARRAY_LEN(fields), restored};

struct ps2_device *ps2_mouse_create(struct machine *machine, struct input *input)
{
    struct mouse *mouse = machine_alloc(sizeof(*mouse));
    mouse->ps2.write = mouse_write;
    mouse->ps2.idle = stream;
    machine_device_add(machine, "ps2-mouse", &table, mouse, free);
    input_attach(input, &(struct input_handlers){.button = button_event,
                                                 .relative = relative_event,
                                                 .wheel = wheel_event,
                                                 .sync = sync_event,
                                                 .opaque = mouse});
    return &mouse->ps2;
}
