/* Keyboards and pointers on virtio (Virtual I/O Device 1.2, 5.8). */
#include "guests/demo/draw.h"
#include "guests/demo/virtio/virtio.h"

#define TYPE_INPUT  18
#define DEVICES_MAX 4

/* As in Linux. */
#define EV_KEY       1
#define EV_REL       2
#define EV_ABS       3
#define BUTTON_FIRST 0x110

struct input_event {
    uint16_t type, code;
    int32_t value;
};

static struct virtio_input {
    struct virtio device;
    struct virtio_queue queue;
    struct input_event events[QUEUE_SIZE];
} inputs[DEVICES_MAX];
static unsigned count;

static void buffer_offer(struct virtio_input *input, uint16_t i)
{
    virtio_send(&input->queue, i, NULL, 0, &input->events[i], sizeof(input->events[i]));
}

static void inputs_open(void)
{
    while (count < DEVICES_MAX && virtio_open(&inputs[count].device, TYPE_INPUT, count)) {
        struct virtio_input *input = &inputs[count++];
        virtio_queue_open(&input->device, &input->queue, 0);
        virtio_ready(&input->device);
        for (uint16_t i = 0; i < QUEUE_SIZE; i++)
            buffer_offer(input, i);
    }
}

static bool event_translate(const struct input_event *from, struct event *to)
{
    *to = (struct event){.code = from->code, .x = from->value};
    if (from->type == EV_KEY)
        to->kind = from->code >= BUTTON_FIRST ? EVENT_BUTTON : EVENT_KEY;
    else if (from->type == EV_ABS && from->code <= 1)
        to->kind = from->code ? EVENT_PLACE_Y : EVENT_PLACE_X;
    else if (from->type == EV_REL && from->code <= 1)
        *to = (struct event){.kind = EVENT_MOVE,
                             .x = from->code == 0 ? from->value : 0,
                             .y = from->code == 1 ? from->value : 0};
    else
        return false;
    return true;
}

bool virtio_event_next(struct event *event)
{
    static bool opened;
    int i;
    if (!opened)
        inputs_open();
    opened = true;
    for (unsigned n = 0; n < count; n++) {
        while ((i = virtio_take(&inputs[n].queue)) >= 0) {
            bool known = event_translate(&inputs[n].events[i], event);
            buffer_offer(&inputs[n], (uint16_t)i);
            if (known)
                return true;
        }
    }
    return false;
}
