/*
 * The window (SDL2): shows a display, takes keys and the pointer, and has a menu for what one does to a
 * machine from outside.
 *
 * It lives on the thread of the event loop, which is the main one, as macOS wants it. There is no thread and
 * no file descriptor for its events: a timer of the loop looks for them as often as the screen is drawn,
 * which is seldom when nothing happens. The machine lock is given up but for moments: nothing a window system
 * does can stop a vCPU.
 */
#pragma once

#include "ui/ui_machine.h"

struct window;

struct window_config {
    bool full_screen;
    unsigned scale; /* window pixels for one of the guest's, at first */
};

/* Whether this host looks as if a window could be opened. */
bool window_possible(void);

/* On the main thread, lock not held; `machine` is copied. NULL and err: no window system, or the program was
 * built without SDL2. */
struct window *window_create(const struct ui_machine *machine, const struct window_config *config,
                             struct error *err);
void window_destroy(struct window *window);
