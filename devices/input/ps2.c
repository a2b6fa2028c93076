#include "devices/input/ps2.h"

#include <string.h>

void ps2_restored(struct ps2_device *device)
{
    device->answer_head %= PS2_ANSWERS;
    device->event_head %= PS2_EVENTS;
    if (device->answer_count > PS2_ANSWERS)
        device->answer_count = PS2_ANSWERS;
    if (device->event_count > PS2_EVENTS)
        device->event_count = PS2_EVENTS;
}

void ps2_connect(struct ps2_device *device, void (*ready)(void *opaque), void *opaque)
{
    device->ready = ready;
    device->opaque = opaque;
}

bool ps2_pending(const struct ps2_device *device)
{
    return device->answer_count || device->event_count;
}

uint8_t ps2_take(struct ps2_device *device)
{
    if (device->answer_count) {
        device->last = device->answers[device->answer_head];
        device->answer_head = (device->answer_head + 1) % PS2_ANSWERS;
        device->answer_count--;
    } else if (device->event_count) {
        device->last = device->events[device->event_head];
        device->event_head = (device->event_head + 1) % PS2_EVENTS;
        device->event_count--;
    }
    uint8_t byte = device->last;
    if (!ps2_pending(device) && device->idle)
        device->idle(device);
    return byte;
}

static void ready(struct ps2_device *device)
{
    if (device->ready)
        device->ready(device->opaque);
}

/* More answers than fit come only from a flood of commands: the oldest are lost. */
void ps2_answer(struct ps2_device *device, uint8_t byte)
{
    if (device->answer_count == PS2_ANSWERS) {
        device->answer_head = (device->answer_head + 1) % PS2_ANSWERS;
        device->answer_count--;
    }
    device->answers[(device->answer_head + device->answer_count++) % PS2_ANSWERS] = byte;
    ready(device);
}

bool ps2_event(struct ps2_device *device, const uint8_t *bytes, unsigned count)
{
    if (count > (unsigned)PS2_EVENTS - device->event_count)
        return false;
    for (unsigned i = 0; i < count; i++)
        device->events[(device->event_head + device->event_count++) % PS2_EVENTS] = bytes[i];
    ready(device);
    return true;
}

void ps2_clear(struct ps2_device *device)
{
    device->answer_head = device->answer_count = 0;
    device->event_head = device->event_count = 0;
}
