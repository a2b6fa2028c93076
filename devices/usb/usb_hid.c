#include "devices/usb/usb_hid.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/input/usage.h"

/* HID 1.11, 7.2. */
enum {
    GET_REPORT = 1,
    GET_IDLE = 2,
    GET_PROTOCOL = 3,
    SET_REPORT = 9,
    SET_IDLE = 10,
    SET_PROTOCOL = 11,
};

#define GET_DESCRIPTOR     6
#define DESCRIPTOR_HID     0x21
#define DESCRIPTOR_REPORT  0x22
#define REPORT_TYPE_OUTPUT 2
#define PROTOCOL_REPORT    1

#define IDLE_UNIT_NS 4000000ull

#define REPORT_MAX  8
#define REPORTS     64 /* on their way to a guest that is slow */
#define KEYS_DOWN   16
#define BOOT_KEYS   6
#define ROLL_OVER   1
#define USAGE_FIRST 4    /* below are the errors */
#define MODIFIERS   0xe0 /* and seven more */

struct hid_kind {
    struct usb_class class;
    const uint8_t *report;
    uint8_t report_size; /* of the descriptor */
    uint8_t size;        /* of a report */
};

struct usb_hid {
    struct usb_device usb; /* first */
    const struct hid_kind *kind;
    struct clock *clock;
    struct clock_timer *idle_timer;
    uint8_t protocol, idle, leds;
    bool asked; /* for a report, since it was configured: somebody listens */
    /* What is so now, as a report. */
    uint8_t current[REPORT_MAX];
    /* A ring of reports that were not fetched. */
    uint8_t reports[REPORTS * REPORT_MAX];
    uint8_t first, count;
    uint8_t down[KEYS_DOWN]; /* keys without modifiers, in the order they went down; 0: none */
    uint8_t buttons;
    int32_t dx, dy, wheel, pan; /* since the last report */
    uint16_t x, y;
};

/* --- descriptors --- */

#define DEVICE_DESCRIPTOR(product)                                                                           \
    {                                                                                                        \
        18, 1, 0x00, 0x02, 0, 0, 0, 8,   /* USB 2.0, 8 bytes on endpoint 0 */                                \
            0xf4, 0x1a, (product), 0x10, /* vendor and product, which no driver looks for */                 \
            0x00, 0x01, 1, 2, 0, 1                                                                           \
    }

/* One interface with one IN endpoint, asked every 8 ms; 100 mA, remote wake-up. */
#define CONFIGURATION(subclass, protocol, report_size, packet)                                               \
    {                                                                                                        \
        9, 2, 34, 0, 1, 1, 0, 0xa0, 50, 9, 4, 0, 0, 1, 3, (subclass), (protocol), 0, 9, DESCRIPTOR_HID,      \
            0x11, 0x01, 0, 1, DESCRIPTOR_REPORT, (report_size), 0, 7, 5, 0x81, 3, (packet), 0, 8,            \
    }
#define HID_DESCRIPTOR_AT  18
#define HID_DESCRIPTOR_LEN 9

/* clang-format off */
/* HID 1.11, B.1: modifiers, a byte, the lights, six keys. */
static const uint8_t keyboard_report[] = {
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01,                         /* application: keyboard */
    0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, /* 8 modifiers of one bit */
    0x75, 0x01, 0x95, 0x08, 0x81, 0x02,
    0x95, 0x01, 0x75, 0x08, 0x81, 0x01,                         /* a byte that is reserved */
    0x95, 0x05, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01, 0x29, 0x05, 0x91, 0x02, /* 5 lights */
    0x95, 0x01, 0x75, 0x03, 0x91, 0x01,
    0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x26, 0xff, 0x00,       /* 6 keys of a byte */
    0x05, 0x07, 0x19, 0x00, 0x2a, 0xff, 0x00, 0x81, 0x00,
    0xc0,
};

/* Five buttons, then x, y, the wheel and (Consumer: AC Pan) its way to the side, each from -127 to 127. */
static const uint8_t mouse_report[] = {
    0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00,
    0x05, 0x09, 0x19, 0x01, 0x29, 0x05, 0x15, 0x00, 0x25, 0x01, 0x95, 0x05, 0x75, 0x01, 0x81, 0x02,
    0x95, 0x01, 0x75, 0x03, 0x81, 0x01,
    0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x09, 0x38, 0x15, 0x81, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x03, 0x81, 0x06,
    0x05, 0x0c, 0x0a, 0x38, 0x02, 0x95, 0x01, 0x81, 0x06,
    0xc0, 0xc0,
};

/* Five buttons, x and y from 0 to 0x7fff, the wheel both ways. */
static const uint8_t tablet_report[] = {
    0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00,
    0x05, 0x09, 0x19, 0x01, 0x29, 0x05, 0x15, 0x00, 0x25, 0x01, 0x95, 0x05, 0x75, 0x01, 0x81, 0x02,
    0x95, 0x01, 0x75, 0x03, 0x81, 0x01,
    0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x15, 0x00, 0x26, 0xff, 0x7f, 0x35, 0x00, 0x46, 0xff, 0x7f,
    0x75, 0x10, 0x95, 0x02, 0x81, 0x02,
    0x09, 0x38, 0x15, 0x81, 0x25, 0x7f, 0x35, 0x00, 0x45, 0x00, 0x75, 0x08, 0x95, 0x01, 0x81, 0x06,
    0x05, 0x0c, 0x0a, 0x38, 0x02, 0x81, 0x06,
    0xc0, 0xc0,
};

static const uint8_t device_descriptors[][18] = {
    [USB_HID_KEYBOARD] = DEVICE_DESCRIPTOR(0xe0),
    [USB_HID_MOUSE] = DEVICE_DESCRIPTOR(0xe1),
    [USB_HID_TABLET] = DEVICE_DESCRIPTOR(0xe2),
};
static const uint8_t configurations[][34] = {
    [USB_HID_KEYBOARD] = CONFIGURATION(1, 1, sizeof(keyboard_report), 8),
    [USB_HID_MOUSE] = CONFIGURATION(1, 2, sizeof(mouse_report), 8),
    [USB_HID_TABLET] = CONFIGURATION(0, 0, sizeof(tablet_report), 8),
};
/* clang-format on */

/* --- reports on their way --- */

static uint8_t *report_at(struct usb_hid *hid, unsigned n)
{
    return hid->reports + (hid->first + n) % REPORTS * REPORT_MAX;
}

/* A guest that fetches nothing loses what was between, and never the state at the end. */
static void report_push(struct usb_hid *hid)
{
    if (hid->count == REPORTS)
        hid->count--;
    memcpy(report_at(hid, hid->count++), hid->current, REPORT_MAX);
    usb_device_ready(&hid->usb);
}

static enum usb_status hid_transfer(struct usb_device *device, struct usb_packet *packet)
{
    struct usb_hid *hid = container_of(device, struct usb_hid, usb);
    if (!packet->in || packet->endpoint != 1)
        return USB_STALL;
    hid->asked = true;
    if (hid->count == 0)
        return USB_NAK;
    packet->actual = packet->data.bytes < hid->kind->size ? packet->data.bytes : hid->kind->size;
    dma_put(&packet->data, 0, report_at(hid, 0), packet->actual);
    hid->first = (uint8_t)((hid->first + 1) % REPORTS);
    hid->count--;
    return USB_DONE;
}

static void idle_arm(struct usb_hid *hid)
{
    clock_timer_set(hid->idle_timer,
                    hid->idle ? clock_now(hid->clock) + hid->idle * IDLE_UNIT_NS : CLOCK_NEVER);
}

/* 7.2.4: what has not changed is told again after the idle time. */
static void idle_over(void *opaque)
{
    struct usb_hid *hid = opaque;
    if (hid->usb.configuration && hid->count == 0)
        report_push(hid);
    idle_arm(hid);
}

/* --- requests --- */

static enum usb_status descriptor_give(struct usb_hid *hid, uint8_t kind, uint8_t *data, size_t *actual)
{
    const uint8_t *configuration = hid->usb.class->descriptors.configuration;
    switch (kind) {
    case DESCRIPTOR_HID:
        return usb_reply(data, actual, configuration + HID_DESCRIPTOR_AT, HID_DESCRIPTOR_LEN);
    case DESCRIPTOR_REPORT: return usb_reply(data, actual, hid->kind->report, hid->kind->report_size);
    default: return USB_STALL;
    }
}

static enum usb_status class_request(struct usb_hid *hid, const struct usb_setup *setup, uint8_t *data,
                                     size_t *actual)
{
    switch (setup->request) {
    case GET_REPORT: return usb_reply(data, actual, hid->current, hid->kind->size);
    case GET_IDLE: return usb_reply(data, actual, &hid->idle, 1);
    case GET_PROTOCOL: return usb_reply(data, actual, &hid->protocol, 1);
    case SET_IDLE:
        hid->idle = (uint8_t)(setup->value >> 8);
        idle_arm(hid);
        return USB_DONE;
    case SET_PROTOCOL: hid->protocol = setup->value & 1; return USB_DONE;
    case SET_REPORT:
        if (setup->value >> 8 == REPORT_TYPE_OUTPUT && setup->length > 0)
            hid->leds = data[0];
        return USB_DONE;
    default: return USB_STALL;
    }
}

/* Requests are to the one interface. */
static enum usb_status hid_control(struct usb_device *device, const struct usb_setup *setup, uint8_t *data,
                                   size_t *actual)
{
    struct usb_hid *hid = container_of(device, struct usb_hid, usb);
    bool class = (setup->type & USB_TYPE_MASK) == USB_TYPE_CLASS;
    if ((setup->type & 0x1f) != USB_TO_INTERFACE)
        return USB_STALL;
    if (class)
        return class_request(hid, setup, data, actual);
    return setup->request == GET_DESCRIPTOR ? descriptor_give(hid, (uint8_t)(setup->value >> 8), data, actual)
                                            : USB_STALL;
}

static void hid_reset(struct usb_device *device)
{
    struct usb_hid *hid = container_of(device, struct usb_hid, usb);
    hid->protocol = PROTOCOL_REPORT;
    hid->idle = hid->leds = 0;
    hid->asked = false;
    hid->first = hid->count = 0;
    hid->dx = hid->dy = hid->wheel = hid->pan = 0;
    memset(hid->down, 0, sizeof(hid->down));
    memset(hid->current, 0, sizeof(hid->current));
    idle_arm(hid);
}

/* --- keys --- */

/* The keys that are down, from the third byte on; more than six are an error of their own. */
static void keys_report(struct usb_hid *hid)
{
    memset(hid->current + 2, 0, BOOT_KEYS);
    if (hid->down[BOOT_KEYS])
        memset(hid->current + 2, ROLL_OVER, BOOT_KEYS);
    else
        memcpy(hid->current + 2, hid->down, BOOT_KEYS);
    report_push(hid);
}

static void key_up(struct usb_hid *hid, uint8_t usage)
{
    unsigned to = 0;
    for (unsigned from = 0; from < KEYS_DOWN; from++) {
        if (hid->down[from] != usage)
            hid->down[to++] = hid->down[from];
    }
    while (to < KEYS_DOWN)
        hid->down[to++] = 0;
}

static void keyboard_key(void *opaque, unsigned key, bool pressed)
{
    struct usb_hid *hid = opaque;
    unsigned usage = usage_of_key(key), n = 0;
    if (usage < USAGE_FIRST)
        return;
    if (usage >= MODIFIERS) {
        uint8_t bit = (uint8_t)(1u << (usage - MODIFIERS));
        hid->current[0] = pressed ? hid->current[0] | bit : hid->current[0] & (uint8_t)~bit;
    } else {
        key_up(hid, (uint8_t)usage);
        while (n < KEYS_DOWN && hid->down[n])
            n++;
        if (pressed && n < KEYS_DOWN)
            hid->down[n] = (uint8_t)usage;
    }
    keys_report(hid);
}

/* --- pointers --- */

static void pointer_button(void *opaque, unsigned button, bool pressed)
{
    struct usb_hid *hid = opaque;
    if (button < INPUT_BUTTON_LEFT || button > INPUT_BUTTON_EXTRA)
        return;
    uint8_t bit = (uint8_t)(1u << (button - INPUT_BUTTON_LEFT));
    hid->buttons = pressed ? hid->buttons | bit : hid->buttons & (uint8_t)~bit;
}

/* More than all reports together can tell is lost. */
static int32_t movement_add(int32_t movement, int by)
{
    int64_t sum = (int64_t)movement + by, most = 127 * REPORTS;
    return (int32_t)(sum > most ? most : sum < -most ? -most : sum);
}

static void mouse_relative(void *opaque, int dx, int dy)
{
    struct usb_hid *hid = opaque;
    hid->dx = movement_add(hid->dx, dx);
    hid->dy = movement_add(hid->dy, dy);
}

static void pointer_wheel(void *opaque, int down, int right)
{
    struct usb_hid *hid = opaque;
    hid->wheel = movement_add(hid->wheel, -down); /* HID counts away from the user */
    hid->pan = movement_add(hid->pan, right);
}

static void tablet_absolute(void *opaque, unsigned x, unsigned y)
{
    struct usb_hid *hid = opaque;
    hid->x = (uint16_t)(x < INPUT_ABSOLUTE_MAX ? x : INPUT_ABSOLUTE_MAX);
    hid->y = (uint16_t)(y < INPUT_ABSOLUTE_MAX ? y : INPUT_ABSOLUTE_MAX);
}

/* As much of a movement as a report can tell; the rest is for the next. */
static uint8_t step_take(int32_t *movement)
{
    int32_t step = *movement > 127 ? 127 : *movement < -127 ? -127 : *movement;
    *movement -= step;
    return (uint8_t)step;
}

static void mouse_sync(void *opaque)
{
    struct usb_hid *hid = opaque;
    bool changed = hid->buttons != hid->current[0];
    while (changed || hid->dx || hid->dy || hid->wheel || hid->pan) {
        hid->current[0] = hid->buttons;
        hid->current[1] = step_take(&hid->dx);
        hid->current[2] = step_take(&hid->dy);
        hid->current[3] = step_take(&hid->wheel);
        hid->current[4] = step_take(&hid->pan);
        report_push(hid);
        changed = false;
    }
}

/* A movement that the last report is not fetched of takes its place, unless a button or the wheel changed. */
static void tablet_sync(void *opaque)
{
    struct usb_hid *hid = opaque;
    uint8_t report[REPORT_MAX] = {hid->buttons};
    le16_store(report + 1, hid->x);
    le16_store(report + 3, hid->y);
    report[5] = step_take(&hid->wheel);
    report[6] = step_take(&hid->pan);
    hid->wheel = hid->pan = 0;
    bool wheel = report[5] || report[6], wheel_before = hid->current[5] || hid->current[6];
    if (memcmp(report, hid->current, sizeof(report)) == 0 && !wheel)
        return;
    bool moved_only = report[0] == hid->current[0] && !wheel && !wheel_before;
    memcpy(hid->current, report, sizeof(report));
    if (moved_only && hid->count > 0)
        hid->count--;
    report_push(hid);
}

static bool hid_known(void *opaque)
{
    const struct usb_hid *hid = opaque;
    return hid->usb.configuration != 0;
}

/* Firmware configures devices that it then leaves alone: their place is another's. */
static bool hid_active(void *opaque)
{
    const struct usb_hid *hid = opaque;
    return hid->usb.configuration != 0 && hid->asked;
}

/* --- the device --- */

static const char *const keyboard_strings[] = {"Triarch", "Triarch USB keyboard"};
static const char *const mouse_strings[] = {"Triarch", "Triarch USB mouse"};
static const char *const tablet_strings[] = {"Triarch", "Triarch USB tablet"};

#define KIND(kind, text, report_bytes, report_len)                                                           \
    {                                                                                                        \
        .class = {.name = text,                                                                              \
                  .speed = USB_SPEED_FULL,                                                                   \
                  .descriptors = {.device = device_descriptors[kind],                                        \
                                  .configuration = configurations[kind],                                     \
                                  .configuration_size = sizeof(configurations[kind]),                        \
                                  .strings = report_bytes##_strings,                                         \
                                  .string_count = 2},                                                        \
                  .control = hid_control,                                                                    \
                  .transfer = hid_transfer,                                                                  \
                  .reset = hid_reset},                                                                       \
        .report = report_bytes##_report, .report_size = sizeof(report_bytes##_report), .size = report_len    \
    }

static const struct hid_kind kinds[] = {
    [USB_HID_KEYBOARD] = KIND(USB_HID_KEYBOARD, "usb-keyboard", keyboard, 8),
    [USB_HID_MOUSE] = KIND(USB_HID_MOUSE, "usb-mouse", mouse, 5),
    [USB_HID_TABLET] = KIND(USB_HID_TABLET, "usb-tablet", tablet, 7),
};

/* Loaded numbers that index are made fit. */
static void restored(void *object)
{
    struct usb_hid *hid = object;
    hid->first %= REPORTS;
    hid->count = hid->count > REPORTS ? REPORTS : hid->count;
    idle_arm(hid);
}

static const struct state_field fields[] = {
    STATE(struct usb_hid, usb.configuration),
    STATE(struct usb_hid, usb.remote_wakeup),
    STATE(struct usb_hid, usb.halted),
    STATE(struct usb_hid, protocol, .reset = PROTOCOL_REPORT),
    STATE(struct usb_hid, idle),
    STATE(struct usb_hid, leds),
    STATE(struct usb_hid, asked),
    STATE_ARRAY(struct usb_hid, current),
    STATE_ARRAY(struct usb_hid, reports),
    STATE(struct usb_hid, first),
    STATE(struct usb_hid, count),
    STATE_ARRAY(struct usb_hid, down),
    STATE(struct usb_hid, buttons),
    STATE(struct usb_hid, dx),
    STATE(struct usb_hid, dy),
    STATE(struct usb_hid, wheel),
    STATE(struct usb_hid, pan),
    STATE(struct usb_hid, x),
    STATE(struct usb_hid, y),
};
static const struct state_table table = {"usb-hid", 1, fields, ARRAY_LEN(fields), restored};

static void hid_destroy(void *object)
{
    struct usb_hid *hid = object;
    clock_timer_destroy(hid->idle_timer);
    free(hid);
}

static void input_connect(struct usb_hid *hid, enum usb_hid_kind kind, struct input *input)
{
    struct input_handlers handlers = {.active = hid_active, .known = hid_known, .opaque = hid};
    if (kind == USB_HID_KEYBOARD) {
        handlers.key = keyboard_key;
    } else {
        handlers.button = pointer_button;
        handlers.wheel = pointer_wheel;
        handlers.relative = kind == USB_HID_MOUSE ? mouse_relative : NULL;
        handlers.absolute = kind == USB_HID_TABLET ? tablet_absolute : NULL;
        handlers.sync = kind == USB_HID_TABLET ? tablet_sync : mouse_sync;
    }
    input_attach(input, &handlers);
}

struct usb_device *usb_hid_create(struct machine *machine, const char *name, enum usb_hid_kind kind,
                                  struct input *input)
{
    struct usb_hid *hid = machine_alloc(sizeof(*hid));
    hid->kind = &kinds[kind];
    hid->usb.class = &hid->kind->class;
    hid->clock = machine->clock;
    hid->idle_timer = clock_timer_create(machine->clock, idle_over, hid);
    machine_device_add(machine, name, &table, hid, hid_destroy);
    input_connect(hid, kind, input);
    return &hid->usb;
}
