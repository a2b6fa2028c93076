/* A push button on a line: a press holds it down for a tenth of a second of guest time. */
#pragma once

#include "devices/machine.h"

#define BUTTON_HELD_NS 100000000ull

struct button;

/* `name` is unique in the machine; the line is up while the button is down. */
struct button *button_create(struct machine *machine, const char *name, struct irq_line line);

/* Machine lock held. */
void button_press(struct button *button);
