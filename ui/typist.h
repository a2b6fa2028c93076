/*
 * Types text and presses keys for somebody who is not at the keyboard: --type-at, the monitor, and what is
 * pasted where the guest knows no clipboard. Slowly enough for a guest's firmware.
 */
#pragma once

#include "devices/input/input.h"
#include "host/loop.h"

struct typist;

/* Both outlive it. NULL and err. */
struct typist *typist_create(struct host_loop *loop, struct input *input, struct error *err);
void typist_destroy(struct typist *typist);

/*
 * With the machine lock held. Done after what was asked for before, as on a US keyboard. How many characters
 * no key is there for, or no room: they are left out.
 */
size_t typist_type(struct typist *typist, const char *text, size_t len);

/* The same for a whole string, in which \n is Enter, \t Tab, \e Escape and \\ a backslash. */
size_t typist_type_escaped(struct typist *typist, const char *text);

/* These keys down together, and up again. */
void typist_press(struct typist *typist, const unsigned *keys, unsigned count);
