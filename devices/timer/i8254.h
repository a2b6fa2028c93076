/*
 * The PC's 8254 interval timer at 1.193182 MHz, and the system control port B (0x61) that gates its third
 * channel for the speaker and lets software watch it.
 */
#pragma once

#include "devices/machine.h"

#define I8254_HZ 1193182u

struct i8254;

/* Ports 0x40 to 0x43 and 0x61; `irq` is channel 0's output. NULL and err on overlap. */
struct i8254 *i8254_create(struct machine *machine, struct irq_line irq, struct error *err);

/* As a BIOS leaves it: channel 0 interrupts 18.2 times a second. Undone by a reset. Machine lock held. */
void i8254_bios_set(struct i8254 *pit);
