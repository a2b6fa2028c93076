/*
 * --display: who shows the machine's screen, and how what is asked for there comes to the machine.
 */
#pragma once

#include "machine/machine_run.h"
#include "ui/vnc.h"
#include "ui/window.h"

enum display_kind {
    DISPLAY_AUTO, /* a window where the host can have one and the machine has a screen */
    DISPLAY_WINDOW,
    DISPLAY_VNC,
    DISPLAY_NONE,
};

struct display_choice {
    enum display_kind kind;
    bool sandboxed;
    struct window_config window;
    struct vnc_config vnc;
    char address[64], password[VNC_PASSWORD_MAX + 1]; /* that `vnc` points to */
};

/* The option's text; NULL: auto. False and err: it is not understood, the password's file can't be read, or
 * it is a window, and the program will be in the sandbox: drivers make code while they draw, which is denied
 * there. */
bool display_choice_parse(struct display_choice *choice, const char *text, bool sandboxed, struct error *err);

/* Whether the machine's screen will be looked at. */
bool display_choice_shows(const struct display_choice *choice);

/* Whether the clipboard is shared with the guest, by --clipboard (NULL: auto). False and err (ERROR_USAGE).
 */
bool display_choice_clipboard(const struct display_choice *choice, const char *text, bool deterministic,
                              bool *shared, struct error *err);

struct screen;

/* Open what was chosen; `name` is the guest's. NULL and err: the machine has no screen, or it can't be
 * opened. With nothing to open there is one, too. */
struct screen *screen_open(struct machine_run *run, const struct display_choice *choice, const char *name,
                           struct error *err);
void screen_close(struct screen *screen);
