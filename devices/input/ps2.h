/*
 * The PS/2 connector: what the keyboard controller and the device at the other end of a cable know of each
 * other. Bytes go both ways; the device keeps what the controller has not taken yet.
 */
#pragma once

#include "devices/input/input.h"
#include "devices/machine.h"

/* Answers to commands are few and come before what the device has to tell of itself. */
#define PS2_ANSWERS 16
#define PS2_EVENTS  256

/* Devices embed this first. */
struct ps2_device {
    /* A byte from the controller. */
    void (*write)(struct ps2_device *device, uint8_t byte);
    /* Everything has been taken. May be NULL. */
    void (*idle)(struct ps2_device *device);
    /* The controller's: there is a byte to take. */
    void (*ready)(void *opaque);
    void *opaque;

    uint8_t answers[PS2_ANSWERS], events[PS2_EVENTS];
    uint16_t answer_head, answer_count, event_head, event_count;
    uint8_t last; /* the byte taken last, for a request to send it again */
};

/* The part of a device's state table that is the connector's. */
#define PS2_STATE_FIELDS(type)                                                                               \
    STATE_ARRAY(type, ps2.answers), STATE_ARRAY(type, ps2.events), STATE(type, ps2.answer_head),             \
        STATE(type, ps2.answer_count), STATE(type, ps2.event_head), STATE(type, ps2.event_count),            \
        STATE(type, ps2.last)

/* A loaded connector's numbers are made fit; for the device's `restored`. */
void ps2_restored(struct ps2_device *device);

/* For the controller. */
void ps2_connect(struct ps2_device *device, void (*ready)(void *opaque), void *opaque);
bool ps2_pending(const struct ps2_device *device);
uint8_t ps2_take(struct ps2_device *device);

/* For the device: an answer; bytes that belong together, all of them or (false: no room) none; forget both.
 */
void ps2_answer(struct ps2_device *device, uint8_t byte);
bool ps2_event(struct ps2_device *device, const uint8_t *bytes, unsigned count);
void ps2_clear(struct ps2_device *device);

#define PS2_ACK    0xfa
#define PS2_RESEND 0xfe
#define PS2_PASSED 0xaa /* the self-test */

/* A 101-key keyboard and a wheel mouse; both take events from `input` and live as long as the machine. */
struct ps2_device *ps2_keyboard_create(struct machine *machine, struct input *input);
struct ps2_device *ps2_mouse_create(struct machine *machine, struct input *input);
