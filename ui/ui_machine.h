/*
 * What somebody at a screen sees of a machine, and may ask of it. Filled in by who runs the machine: the
 * folder machine/ is above this one.
 */
#pragma once

#include "devices/clipboard/clipboard.h"
#include "devices/display/display.h"
#include "devices/input/input.h"
#include "host/loop.h"

/* The functions are called on the loop's thread with the lock held. */
struct ui_machine {
    const char *name; /* the guest's, for people */
    struct host_loop *loop;
    struct host_mutex *lock; /* the machine lock: around everything of the display and the input */
    struct display *display;
    struct input *input;         /* NULL: no keys, no pointer */
    struct clipboard *clipboard; /* NULL: none is shared with the guest */

    bool (*is_running)(void *opaque);
    void (*pause)(void *opaque);
    void (*resume)(void *opaque);
    void (*reset)(void *opaque);
    /* Ask the guest to shut down; false: the machine has no power button. */
    bool (*power_button)(void *opaque);
    /* End the program; the guest is not asked. */
    void (*quit)(void *opaque);
    void *opaque;
};
