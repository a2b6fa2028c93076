/*
 * The keys and buttons that somebody at a window or a VNC client holds down: repetition is taken out, and
 * what is still down when the window loses the keyboard or the client goes is released.
 */
#pragma once

#include "devices/input/input.h"

#define HELD_MAX 0x120u /* keys, and behind them the buttons from INPUT_BUTTON_LEFT */

struct held {
    struct input *input; /* NULL: nothing is done */
    bool down[HELD_MAX];
};

/* With the machine lock held. A key or a button changes; told to the guest, with a sync, if that is news. */
void held_change(struct held *held, unsigned key, bool pressed);

void held_release_all(struct held *held);
