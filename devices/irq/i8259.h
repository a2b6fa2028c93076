/*
 * The pair of 8259A interrupt controllers of a PC, the second one cascaded into line 2 of the first, with the
 * ELCR registers that make single lines level-triggered.
 */
#pragma once

#include "devices/machine.h"

struct i8259;

/* Ports 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1. `intr` is the INT output of the first. NULL and err on overlap.
 */
struct i8259 *i8259_create(struct machine *machine, struct irq_line intr, struct error *err);

/* Input n, 0 to 15, but for 2, which is the cascade. */
struct irq_line i8259_line(struct i8259 *pic, unsigned n);

/* What firmware does for the interrupts of PCI: these inputs, as bits, become level-triggered, as far as they
 * can be. Undone by a reset. Machine lock held. */
void i8259_level_set(struct i8259 *pic, uint16_t inputs);

/* As a BIOS leaves the pair: vectors from 08h and 70h on, and these inputs, as bits, not masked. Undone by a
 * reset. Machine lock held. */
void i8259_bios_set(struct i8259 *pic, uint16_t inputs);

/* The processor's interrupt acknowledge cycle: the vector. Machine lock held. */
uint8_t i8259_acknowledge(struct i8259 *pic);

/* Whether INT is raised: for a local APIC that looks at its ExtINT input. Machine lock held. */
bool i8259_pending(struct i8259 *pic);
