/*
 * The PC's keyboard controller: an 8042 with a connector for a keyboard and one for a mouse, which also gates
 * address line 20 and resets the machine.
 */
#pragma once

#include "devices/input/ps2.h"

struct i8042_config {
    struct irq_line keyboard_irq, mouse_irq;
    struct irq_line a20;
    struct ps2_device *keyboard, *mouse; /* NULL: nothing is plugged in there */
};

struct i8042;

/* Ports 0x60 and 0x64. NULL and err on overlap. */
struct i8042 *i8042_create(struct machine *machine, const struct i8042_config *config, struct error *err);
