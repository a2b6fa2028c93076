/*
 * An interrupt line is a value: a function, an opaque and a number. Interrupt controllers and cores make
 * lines, a board hands them to the constructors of devices, and nobody looks one up by name.
 */
#pragma once

#include "base/types.h"

struct irq_line {
    void (*set)(void *opaque, unsigned number, bool level);
    void *opaque;
    unsigned number;
};

/* Set the level; a line that was never connected (all zero) is allowed and does nothing. Machine lock held.
 */
static inline void irq_line_set(const struct irq_line *line, bool level)
{
    if (line->set)
        line->set(line->opaque, line->number, level);
}

/* An edge: up and down again, for message-like sources on a level line. */
static inline void irq_line_pulse(const struct irq_line *line)
{
    irq_line_set(line, true);
    irq_line_set(line, false);
}
