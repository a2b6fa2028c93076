/*
 * A National Semiconductor PC16550D UART, in memory or on ports. Output leaves as fast as the character port
 * takes it, whatever the baud rate; input is never lost for want of room in the FIFO.
 */
#pragma once

#include "devices/char/char.h"

struct uart16550_config {
    const char *name; /* "uart0" */
    struct bus *bus;  /* the MMIO or the port bus */
    uint64_t base;
    uint64_t size;        /* 0: just the registers */
    uint8_t reg_shift;    /* log2 of the distance between registers */
    uint8_t access_width; /* the widest access that is one access to one register: 1 on ports; up to 8 */
    uint32_t clock;       /* Hz, before the divisor by 16 */
    struct irq_line irq;
    struct char_port *port; /* may be NULL; owned from here on */
};

struct uart16550;

/* NULL and err when its place overlaps another device. */
struct uart16550 *uart16550_create(struct machine *machine, const struct uart16550_config *config,
                                   struct error *err);
