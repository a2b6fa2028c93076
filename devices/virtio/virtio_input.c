/*
 * Virtual I/O Device 1.2, 5.8. Events are collected until the moment they belong to is complete, and wait as
 * a whole for the driver's buffers: it never sees half of a packet. When too many wait, new ones are dropped.
 */
#include "devices/virtio/virtio_input.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"

#define QUEUE_EVENT  0
#define QUEUE_STATUS 1
#define QUEUE_SIZE   64u

/* Linux's input-event-codes.h. */
#define EV_SYN             0x00
#define EV_KEY             0x01
#define EV_REL             0x02
#define EV_ABS             0x03
#define EV_LED             0x11
#define EV_REP             0x14
#define REL_X              0x00
#define REL_Y              0x01
#define REL_HWHEEL         0x06
#define REL_WHEEL          0x08
#define ABS_X              0x00
#define ABS_Y              0x01
#define LED_COUNT          3 /* num, caps and scroll lock */
#define KEY_LAST           0xf7u
#define INPUT_PROP_POINTER 0
#define BUS_VIRTUAL        0x06

/* The configuration space (5.8.4) and what can be selected there. */
#define CONFIG_SELECT 0
#define CONFIG_SUBSEL 1
#define CONFIG_LENGTH 2
#define CONFIG_DATA   8
#define CONFIG_SIZE   136

enum {
    SELECT_ID_NAME = 0x01,
    SELECT_ID_SERIAL = 0x02,
    SELECT_ID_DEVIDS = 0x03,
    SELECT_PROP_BITS = 0x10,
    SELECT_EV_BITS = 0x11,
    SELECT_ABS_INFO = 0x12,
};

#define EVENT_SIZE  8u
#define PACKET_MAX  16u
#define WAITING_MAX 256u /* events */

struct virtio_input {
    struct virtio_device device;
    char table_name[sizeof(((struct virtio_device *)0)->name) + 8];
    enum virtio_input_kind kind;

    uint8_t select, subsel;
    uint8_t leds[LED_COUNT];

    /* Complete packets that wait for buffers: type and code in one word, as on the wire. */
    uint32_t waiting_codes[WAITING_MAX], waiting_values[WAITING_MAX];
    uint32_t waiting;

    unsigned collected; /* events of the packet in the making; more than PACKET_MAX: it is lost */
    uint32_t codes[PACKET_MAX], values[PACKET_MAX];
};

static const struct {
    const char *name;
    uint16_t product;
} kinds[] = {
    [VIRTIO_INPUT_KEYBOARD] = {"Triarch virtio keyboard", 1},
    [VIRTIO_INPUT_MOUSE] = {"Triarch virtio mouse", 2},
    [VIRTIO_INPUT_TABLET] = {"Triarch virtio tablet", 3},
};

/* --- events to the driver --- */

static uint32_t code_of(uint16_t type, uint16_t code)
{
    return type | (uint32_t)code << 16;
}

/* How many of the waiting events make the first packet: they end with SYN_REPORT. */
static unsigned packet_length(const struct virtio_input *input)
{
    unsigned len = 0;
    while (len < input->waiting && input->waiting_codes[len] != code_of(EV_SYN, 0))
        len++;
    return len < input->waiting ? len + 1 : len;
}

static void event_store(struct virtqueue_chain *chain, uint32_t code, uint32_t value)
{
    uint8_t event[EVENT_SIZE];
    le32_store(event, code);
    le32_store(event + 4, value);
    virtqueue_push(chain, (uint32_t)virtqueue_chain_write(chain, 0, event, sizeof(event)));
}

/* Give the driver the first packet, if it has buffers for all of it. */
static bool packet_deliver(struct virtio_input *input, struct virtqueue *queue)
{
    struct virtqueue_chain *chains[PACKET_MAX + 1];
    unsigned len = packet_length(input), popped = 0;
    bool fits = len <= queue->size; /* else no driver will ever make room for it */
    while (fits && popped < len && (chains[popped] = virtqueue_pop(queue)))
        popped++;
    if (!len || (fits && popped < len)) {
        while (popped)
            virtqueue_unpop(chains[--popped]);
        return false;
    }
    for (unsigned i = 0; i < popped; i++)
        event_store(chains[i], input->waiting_codes[i], input->waiting_values[i]);
    input->waiting -= len;
    memmove(input->waiting_codes, input->waiting_codes + len, input->waiting * sizeof(uint32_t));
    memmove(input->waiting_values, input->waiting_values + len, input->waiting * sizeof(uint32_t));
    return true;
}

static void deliver(struct virtio_input *input)
{
    struct virtqueue *queue = &input->device.queues[QUEUE_EVENT];
    while (packet_deliver(input, queue))
        ;
    virtqueue_notify(queue);
}

/* --- events from the host --- */

static bool input_active(void *opaque)
{
    const struct virtio_input *input = opaque;
    return virtio_running(&input->device);
}

static void event_add(struct virtio_input *input, uint16_t type, uint16_t code, int value)
{
    unsigned at = input->collected;
    if (at > PACKET_MAX)
        return;
    input->collected++;
    if (at == PACKET_MAX)
        return;
    input->codes[at] = code_of(type, code);
    input->values[at] = (uint32_t)value;
}

static void input_key_taken(void *opaque, unsigned key, bool pressed)
{
    if (key && key <= KEY_LAST)
        event_add(opaque, EV_KEY, (uint16_t)key, pressed);
}

static void input_button_taken(void *opaque, unsigned button, bool pressed)
{
    if (button >= INPUT_BUTTON_LEFT && button <= INPUT_BUTTON_EXTRA)
        event_add(opaque, EV_KEY, (uint16_t)button, pressed);
}

static void input_relative_taken(void *opaque, int dx, int dy)
{
    if (dx)
        event_add(opaque, EV_REL, REL_X, dx);
    if (dy)
        event_add(opaque, EV_REL, REL_Y, dy);
}

static void input_wheel_taken(void *opaque, int down, int right)
{
    if (down) /* Linux counts away from the user */
        event_add(opaque, EV_REL, REL_WHEEL, -down);
    if (right)
        event_add(opaque, EV_REL, REL_HWHEEL, right);
}

static void input_absolute_taken(void *opaque, unsigned x, unsigned y)
{
    event_add(opaque, EV_ABS, ABS_X, (int)(x < INPUT_ABSOLUTE_MAX ? x : INPUT_ABSOLUTE_MAX));
    event_add(opaque, EV_ABS, ABS_Y, (int)(y < INPUT_ABSOLUTE_MAX ? y : INPUT_ABSOLUTE_MAX));
}

static void input_synced(void *opaque)
{
    struct virtio_input *input = opaque;
    unsigned count = input->collected;
    input->collected = 0;
    if (!count || count > PACKET_MAX)
        return;
    if (input->waiting + count + 1 <= WAITING_MAX) {
        memcpy(input->waiting_codes + input->waiting, input->codes, count * sizeof(uint32_t));
        memcpy(input->waiting_values + input->waiting, input->values, count * sizeof(uint32_t));
        input->waiting += count;
        input->waiting_codes[input->waiting] = code_of(EV_SYN, 0);
        input->waiting_values[input->waiting++] = 0;
    }
    deliver(input);
}

/* --- queues --- */

/* 5.8.6.2: the driver sends events too, to set the lights. */
static void status_take(struct virtio_input *input, struct virtqueue *queue)
{
    struct virtqueue_chain *chain;
    while ((chain = virtqueue_pop(queue))) {
        uint8_t event[EVENT_SIZE] = {0};
        virtqueue_chain_read(chain, 0, event, sizeof(event));
        unsigned light = le16_load(event + 2);
        if (le16_load(event) == EV_LED && light < LED_COUNT)
            input->leds[light] = le32_load(event + 4) != 0;
        virtqueue_push(chain, 0);
    }
    virtqueue_notify(queue);
}

static void input_notify(struct virtio_device *device, struct virtqueue *queue)
{
    struct virtio_input *input = container_of(device, struct virtio_input, device);
    if (queue->index == QUEUE_STATUS)
        status_take(input, queue);
    else
        deliver(input);
}

/* --- configuration --- */

static void bit_set(uint8_t *bitmap, unsigned bit)
{
    bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
}

/* Which codes of an event type there are; how many bytes that takes. */
static unsigned ev_bits(const struct virtio_input *input, uint8_t *data)
{
    bool keyboard = input->kind == VIRTIO_INPUT_KEYBOARD;
    switch (input->subsel) {
    case EV_KEY:
        for (unsigned i = 1; keyboard && i <= KEY_LAST; i++)
            bit_set(data, i);
        for (unsigned i = INPUT_BUTTON_LEFT; !keyboard && i <= INPUT_BUTTON_EXTRA; i++)
            bit_set(data, i);
        break;
    case EV_REL:
        if (!keyboard)
            bit_set(data, REL_WHEEL), bit_set(data, REL_HWHEEL);
        if (input->kind == VIRTIO_INPUT_MOUSE)
            bit_set(data, REL_X), bit_set(data, REL_Y);
        break;
    case EV_ABS:
        if (input->kind == VIRTIO_INPUT_TABLET)
            bit_set(data, ABS_X), bit_set(data, ABS_Y);
        break;
    case EV_LED:
        for (unsigned i = 0; keyboard && i < LED_COUNT; i++)
            bit_set(data, i);
        break;
    case EV_REP: return keyboard; /* repeats keys by itself in the guest: a length is enough */
    default: break;
    }
    unsigned len = CONFIG_SIZE - CONFIG_DATA;
    while (len && !data[len - 1])
        len--;
    return len;
}

static unsigned abs_info(const struct virtio_input *input, uint8_t *data)
{
    if (input->kind != VIRTIO_INPUT_TABLET || input->subsel > ABS_Y)
        return 0;
    le32_store(data + 4, INPUT_ABSOLUTE_MAX); /* minimum, maximum, fuzz, flat, resolution */
    return 20;
}

static unsigned device_ids(const struct virtio_input *input, uint8_t *data)
{
    le16_store(data, BUS_VIRTUAL);
    le16_store(data + 2, 0x1af4);
    le16_store(data + 4, kinds[input->kind].product);
    le16_store(data + 6, 1);
    return 8;
}

static unsigned text(const char *from, uint8_t *data)
{
    size_t len = strlen(from);
    memcpy(data, from, len);
    return (unsigned)len;
}

/* What is selected; 0 bytes: there is no such thing. */
static unsigned selected(const struct virtio_input *input, uint8_t *data)
{
    if (input->select == SELECT_EV_BITS)
        return ev_bits(input, data);
    if (input->select == SELECT_ABS_INFO)
        return abs_info(input, data);
    if (input->subsel)
        return 0;
    switch (input->select) {
    case SELECT_ID_NAME: return text(kinds[input->kind].name, data);
    case SELECT_ID_SERIAL: return text(input->device.name, data);
    case SELECT_ID_DEVIDS: return device_ids(input, data);
    case SELECT_PROP_BITS:
        if (input->kind == VIRTIO_INPUT_KEYBOARD)
            return 0;
        bit_set(data, INPUT_PROP_POINTER);
        return 1;
    default: return 0;
    }
}

static void input_config_read(struct virtio_device *device, uint8_t *config)
{
    const struct virtio_input *input = container_of(device, struct virtio_input, device);
    config[CONFIG_SELECT] = input->select;
    config[CONFIG_SUBSEL] = input->subsel;
    config[CONFIG_LENGTH] = (uint8_t)selected(input, config + CONFIG_DATA);
}

static void input_config_write(struct virtio_device *device, unsigned offset, unsigned width, uint64_t value)
{
    struct virtio_input *input = container_of(device, struct virtio_input, device);
    for (unsigned i = 0; i < width; i++, value >>= 8) {
        if (offset + i == CONFIG_SELECT)
            input->select = (uint8_t)value;
        else if (offset + i == CONFIG_SUBSEL)
            input->subsel = (uint8_t)value;
    }
}

/* --- state --- */

static const struct state_field input_fields[] = {
    STATE(struct virtio_input, select),
    STATE(struct virtio_input, subsel),
    STATE_ARRAY(struct virtio_input, leds),
    STATE(struct virtio_input, waiting),
    STATE_ARRAY(struct virtio_input, waiting_codes),
    STATE_ARRAY(struct virtio_input, waiting_values),
};

/* A loaded list is made of packets that can be delivered. */
static void input_restored(void *object)
{
    struct virtio_input *input = object;
    unsigned len = 0;
    input->collected = 0;
    if (input->waiting > WAITING_MAX)
        input->waiting = 0;
    for (unsigned i = 0; i < input->waiting; i++) {
        len = input->waiting_codes[i] == code_of(EV_SYN, 0) ? 0 : len + 1;
        if (len > PACKET_MAX)
            input->waiting = 0;
    }
    if (len)
        input->waiting = 0;
}

static const struct state_table input_table = {
    .name = "virtio-input",
    .version = 1,
    .fields = input_fields,
    .count = ARRAY_LEN(input_fields),
    .restored = input_restored,
};

static void input_reset(struct virtio_device *device)
{
    state_reset(&input_table, container_of(device, struct virtio_input, device), false);
}

static void input_device_destroy(struct virtio_device *device)
{
    free(container_of(device, struct virtio_input, device));
}

#define INPUT_CLASS(code)                                                                                    \
    {                                                                                                        \
        .name = "virtio-input", .type = VIRTIO_TYPE_INPUT, .pci_class = (code), .config_size = CONFIG_SIZE,  \
        .config_read = input_config_read, .config_write = input_config_write, .reset = input_reset,          \
        .notify = input_notify, .destroy = input_device_destroy,                                             \
    }

static const struct virtio_class input_classes[] = {
    [VIRTIO_INPUT_KEYBOARD] = INPUT_CLASS(0x090000), /* input device controllers, by the PCI specification */
    [VIRTIO_INPUT_MOUSE] = INPUT_CLASS(0x090200),
    [VIRTIO_INPUT_TABLET] = INPUT_CLASS(0x098000),
};

struct virtio_device *virtio_input_create(struct machine *machine, const struct virtio_input_config *config)
{
    struct virtio_input *input = machine_alloc(sizeof(*input));
    struct input_handlers handlers = {.active = input_active, .sync = input_synced, .opaque = input};
    input->kind = config->kind;
    virtio_device_init(&input->device, machine, config->name, &input_classes[config->kind], 0);
    virtio_queue_add(&input->device, QUEUE_SIZE);
    virtio_queue_add(&input->device, QUEUE_SIZE);
    snprintf(input->table_name, sizeof(input->table_name), "%s.input", input->device.name);
    machine_device_add(machine, input->table_name, &input_table, input, NULL);
    if (config->kind == VIRTIO_INPUT_KEYBOARD)
        handlers.key = input_key_taken;
    else
        handlers.button = input_button_taken, handlers.wheel = input_wheel_taken;
    if (config->kind == VIRTIO_INPUT_MOUSE)
        handlers.relative = input_relative_taken;
    if (config->kind == VIRTIO_INPUT_TABLET)
        handlers.absolute = input_absolute_taken;
    input_attach(config->input, &handlers);
    return &input->device;
}
