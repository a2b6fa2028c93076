/*
 * The keyboard: scan code sets 1 and 2, typematic repetition, and the commands of the PS/2 keyboard's
 * technical reference. Which key is which is in scancode.c.
 */
#include <stdlib.h>

#include "devices/input/ps2.h"
#include "devices/input/scancode.h"

#define KEY_PRINT 99
#define KEY_PAUSE 119

#define ID_FIRST  0xab
#define ID_SECOND 0x83

/* 10.9 characters a second after half a second. */
#define TYPEMATIC_DEFAULT 0x2b

#define KEYS 256

enum { SET1 = 1, SET2 = 2 };

struct keyboard {
    struct ps2_device ps2;
    struct machine *machine;
    struct clock_timer *timer;
    uint8_t set, leds, typematic;
    uint8_t command; /* that waits for its parameter; 0: none */
    bool scanning;
    bool down[KEYS];
    uint16_t repeated; /* the key that repeats, 0: none */
    uint64_t repeat_at;
};

/* A key's code is at most eight bytes long (Pause). */
struct sequence {
    uint8_t bytes[8];
    unsigned count;
};

static void sequence_add(const struct keyboard *keyboard, struct sequence *sequence, unsigned code,
                         bool pressed)
{
    uint8_t set1 = (uint8_t)code;
    if (code & SCANCODE_EXTENDED)
        sequence->bytes[sequence->count++] = 0xe0;
    if (keyboard->set == SET1) {
        sequence->bytes[sequence->count++] = set1 | (pressed ? 0 : 0x80);
        return;
    }
    if (!pressed)
        sequence->bytes[sequence->count++] = 0xf0;
    sequence->bytes[sequence->count++] = scancode_set2(set1);
}

static bool is_down(const struct keyboard *keyboard, unsigned left, unsigned right)
{
    return keyboard->down[left] || keyboard->down[right];
}
#define CONTROL 29, 97
#define SHIFT   42, 54
#define ALT     56, 100

/* Print Screen is a shifted keypad *, or with Alt the System Request key. */
static void print_add(const struct keyboard *keyboard, struct sequence *sequence, bool pressed)
{
    if (is_down(keyboard, ALT)) {
        sequence_add(keyboard, sequence, 0x54, pressed);
        return;
    }
    bool shifted = is_down(keyboard, CONTROL) || is_down(keyboard, SHIFT);
    if (!shifted && pressed)
        sequence_add(keyboard, sequence, 0x12a, true);
    sequence_add(keyboard, sequence, 0x137, pressed);
    if (!shifted && !pressed)
        sequence_add(keyboard, sequence, 0x12a, false);
}

/* Pause is made and broken at once when it is pressed; with Control it is Break. */
static void pause_add(const struct keyboard *keyboard, struct sequence *sequence)
{
    if (is_down(keyboard, CONTROL)) {
        sequence_add(keyboard, sequence, 0x146, true);
        sequence_add(keyboard, sequence, 0x146, false);
        return;
    }
    sequence->bytes[sequence->count++] = 0xe1;
    sequence_add(keyboard, sequence, 0x1d, true);
    sequence_add(keyboard, sequence, 0x45, true);
    sequence->bytes[sequence->count++] = 0xe1;
    sequence_add(keyboard, sequence, 0x1d, false);
    sequence_add(keyboard, sequence, 0x45, false);
}

static void key_send(struct keyboard *keyboard, unsigned key, bool pressed)
{
    struct sequence sequence = {.count = 0};
    if (key == KEY_PRINT) {
        print_add(keyboard, &sequence, pressed);
    } else if (key == KEY_PAUSE) {
        if (pressed)
            pause_add(keyboard, &sequence);
    } else {
        sequence_add(keyboard, &sequence, scancode_of_key(key), pressed);
    }
    if (!ps2_event(&keyboard->ps2, sequence.bytes, sequence.count))
        log_guest("PS/2 keyboard: the guest reads no keys, one is lost");
}

/* Bits 6 and 5: quarters of a second, from one; period: (8 + bits 2..0) * 2^(bits 4..3) / 240 seconds. */
static uint64_t delay_ns(const struct keyboard *keyboard)
{
    return ((keyboard->typematic >> 5 & 3) + 1) * 250000000u;
}

static uint64_t period_ns(const struct keyboard *keyboard)
{
    unsigned mantissa = 8 + (keyboard->typematic & 7), exponent = keyboard->typematic >> 3 & 3;
    return ((uint64_t)mantissa << exponent) * 1000000000u / 240;
}

static void repeat_set(struct keyboard *keyboard, unsigned key, uint64_t after)
{
    keyboard->repeated = (uint16_t)key;
    keyboard->repeat_at = key ? clock_now(keyboard->machine->clock) + after : CLOCK_NEVER;
    clock_timer_set(keyboard->timer, keyboard->repeat_at);
}

/* A key is not repeated into a queue that nobody reads. */
static void timer_fired(void *opaque)
{
    struct keyboard *keyboard = opaque;
    if (!keyboard->ps2.event_count)
        key_send(keyboard, keyboard->repeated, true);
    repeat_set(keyboard, keyboard->repeated, period_ns(keyboard));
}

static void key_event(void *opaque, unsigned key, bool pressed)
{
    struct keyboard *keyboard = opaque;
    bool special = key == KEY_PRINT || key == KEY_PAUSE;
    if (key >= KEYS || (!special && !scancode_of_key(key)) || keyboard->down[key] == pressed)
        return;
    keyboard->down[key] = pressed;
    if (!keyboard->scanning)
        return;
    if (pressed)
        repeat_set(keyboard, key == KEY_PAUSE ? 0 : key, delay_ns(keyboard));
    else if (key == keyboard->repeated)
        repeat_set(keyboard, 0, 0);
    key_send(keyboard, key, pressed);
}

static void defaults_set(struct keyboard *keyboard)
{
    keyboard->set = SET2;
    keyboard->typematic = TYPEMATIC_DEFAULT;
    ps2_clear(&keyboard->ps2);
    repeat_set(keyboard, 0, 0);
}

static void command_start(struct keyboard *keyboard, uint8_t command)
{
    struct ps2_device *ps2 = &keyboard->ps2;
    switch (command) {
    case 0xed: /* LEDs */
    case 0xf0: /* scan code set */
    case 0xf3: /* typematic rate and delay */
    case 0xfb: /* the kind of one key, in set 3 */
    case 0xfc:
    case 0xfd:
        keyboard->command = command;
        ps2_answer(ps2, PS2_ACK);
        break;
    case 0xee: ps2_answer(ps2, 0xee); break;
    case 0xf2:
        ps2_answer(ps2, PS2_ACK);
        ps2_answer(ps2, ID_FIRST);
        ps2_answer(ps2, ID_SECOND);
        break;
    case 0xf4:
        ps2_clear(ps2);
        keyboard->scanning = true;
        ps2_answer(ps2, PS2_ACK);
        break;
    case 0xf5:
    case 0xf6:
        defaults_set(keyboard);
        keyboard->scanning = command == 0xf6;
        ps2_answer(ps2, PS2_ACK);
        break;
    case 0xf7: /* the kinds of all keys, in set 3 */
    case 0xf8:
    case 0xf9:
    case 0xfa: ps2_answer(ps2, PS2_ACK); break;
    case 0xfe: ps2_answer(ps2, ps2->last); break;
    case 0xff:
        defaults_set(keyboard);
        keyboard->scanning = true;
        keyboard->leds = 0;
        ps2_answer(ps2, PS2_ACK);
        ps2_answer(ps2, PS2_PASSED);
        break;
    default: ps2_answer(ps2, PS2_RESEND);
    }
}

static void set_select(struct keyboard *keyboard, uint8_t parameter)
{
    struct ps2_device *ps2 = &keyboard->ps2;
    if (parameter == 0) {
        ps2_answer(ps2, PS2_ACK);
        ps2_answer(ps2, keyboard->set);
    } else if (parameter == SET1 || parameter == SET2) {
        keyboard->set = parameter;
        ps2_answer(ps2, PS2_ACK);
    } else {
        ps2_answer(ps2, PS2_RESEND);
    }
}

/* A byte that can't be a parameter is the next command. */
static void keyboard_write(struct ps2_device *ps2, uint8_t byte)
{
    struct keyboard *keyboard = container_of(ps2, struct keyboard, ps2);
    uint8_t command = keyboard->command;
    keyboard->command = 0;
    if (!command || byte >= 0xed) {
        command_start(keyboard, byte);
        return;
    }
    switch (command) {
    case 0xed: keyboard->leds = byte & 7; break;
    case 0xf3: keyboard->typematic = byte & 0x7f; break;
    case 0xf0: set_select(keyboard, byte); return;
    default: break;
    }
    ps2_answer(ps2, PS2_ACK);
}

static void restored(void *object)
{
    struct keyboard *keyboard = object;
    ps2_restored(&keyboard->ps2);
    keyboard->repeated %= KEYS;
    clock_timer_set(keyboard->timer, keyboard->repeat_at);
}

static const struct state_field fields[] = {
    PS2_STATE_FIELDS(struct keyboard),
    STATE(struct keyboard, set, .reset = SET2),
    STATE(struct keyboard, leds),
    STATE(struct keyboard, typematic, .reset = TYPEMATIC_DEFAULT),
    STATE(struct keyboard, command),
    STATE(struct keyboard, scanning, .reset = 1),
    STATE_ARRAY(struct keyboard, down, .keep = true),
    STATE(struct keyboard, repeated),
    STATE(struct keyboard, repeat_at, .reset = CLOCK_NEVER),
};
static const struct state_table table = {"ps2-keyboard", 1, fields, ARRAY_LEN(fields), restored};

static void keyboard_destroy(void *object)
{
    struct keyboard *keyboard = object;
    clock_timer_destroy(keyboard->timer);
    free(keyboard);
}

struct ps2_device *ps2_keyboard_create(struct machine *machine, struct input *input)
{
    struct keyboard *keyboard = machine_alloc(sizeof(*keyboard));
    keyboard->machine = machine;
    keyboard->ps2.write = keyboard_write;
    keyboard->timer = clock_timer_create(machine->clock, timer_fired, keyboard);
    machine_device_add(machine, "ps2-keyboard", &table, keyboard, keyboard_destroy);
    input_attach(input, &(struct input_handlers){.key = key_event, .opaque = keyboard});
    return &keyboard->ps2;
}
