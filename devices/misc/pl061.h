/* An Arm PrimeCell PL061: eight general-purpose pins with interrupts. */
#pragma once

#include "devices/machine.h"

#define PL061_SIZE 0x1000
#define PL061_PINS 8

struct pl061_config {
    const char *name; /* "gpio0" */
    uint64_t base;
    struct irq_line irq;
    struct irq_line outputs[PL061_PINS]; /* what each pin drives while it is an output; may be all zero */
};

struct pl061;

/* NULL and err when its place overlaps another device. */
struct pl061 *pl061_create(struct machine *machine, const struct pl061_config *config, struct error *err);

/* A pin as something outside drives it. */
struct irq_line pl061_line(struct pl061 *gpio, unsigned pin);
