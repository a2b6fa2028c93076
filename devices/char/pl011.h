/*
 * An Arm PrimeCell PL011 UART with FIFOs of 16. Output leaves as fast as the character port takes it,
 * whatever the baud rate; input is never lost for want of room in the FIFO.
 */
#pragma once

#include "devices/char/char.h"

#define PL011_SIZE 0x1000

struct pl011_config {
    const char *name; /* "uart0" */
    uint64_t base;
    uint32_t clock; /* Hz, before the divisor by 16 */
    struct irq_line irq;
    struct char_port *port; /* may be NULL; owned from here on */
};

struct pl011;

/* NULL and err when its place overlaps another device. */
struct pl011 *pl011_create(struct machine *machine, const struct pl011_config *config, struct error *err);
