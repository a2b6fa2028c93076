/*
 * Keys and pointers on their way into the guest: a window, a VNC client or a test produces events, and the
 * devices that are there take them. Everything runs with the machine lock held.
 */
#pragma once

#include "base/types.h"

struct input;

/* Keys are numbered as in Linux's input-event-codes.h (KEY_A is 30), pointer buttons too, from BTN_LEFT. */
#define INPUT_BUTTON_LEFT   0x110u
#define INPUT_BUTTON_RIGHT  0x111u
#define INPUT_BUTTON_MIDDLE 0x112u
#define INPUT_BUTTON_SIDE   0x113u
#define INPUT_BUTTON_EXTRA  0x114u

/* Absolute positions go from 0 to this over the width and the height of the screen. */
#define INPUT_ABSOLUTE_MAX 0x7fffu

/* A consumer; what it can't take is NULL. */
struct input_handlers {
    /* Whether the guest listens; NULL: always. */
    bool (*active)(void *opaque);
    /* Whether it has found the device, and may listen later; NULL: as it listens. */
    bool (*known)(void *opaque);
    void (*key)(void *opaque, unsigned key, bool pressed);
    void (*button)(void *opaque, unsigned button, bool pressed);
    /* To the right and down. */
    void (*relative)(void *opaque, int dx, int dy);
    /* Steps of the wheel: towards the user, and to the right. */
    void (*wheel)(void *opaque, int down, int right);
    void (*absolute)(void *opaque, unsigned x, unsigned y);
    /* The events of one moment are complete. */
    void (*sync)(void *opaque);
    void *opaque;
};

struct input *input_create(void);
void input_destroy(struct input *input);

/* The handlers are copied. Of several consumers that could take an event the last attached that listens does.
 */
void input_attach(struct input *input, const struct input_handlers *handlers);

/* A key goes down or up, once each: repetition is the keyboard's own business. Unknown keys are ignored. */
void input_key(struct input *input, unsigned key, bool pressed);
void input_button(struct input *input, unsigned button, bool pressed);
void input_relative(struct input *input, int dx, int dy);
void input_wheel(struct input *input, int down, int right);
void input_absolute(struct input *input, unsigned x, unsigned y);
void input_sync(struct input *input);

/* Whether somebody who listens takes absolute positions: a window then needs to grab nothing. */
bool input_takes_absolute(const struct input *input);

/* Whether anybody may soon whom the guest has found, but does not listen with yet. */
bool input_may_take_absolute(const struct input *input);

/* Whether somebody who listens takes movements. */
bool input_takes_relative(const struct input *input);
