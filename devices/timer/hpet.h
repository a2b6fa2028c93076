/*
 * The high precision event timer: a 64-bit counter at 100 MHz and three comparators, one-shot or periodic,
 * which interrupt through the I/O APIC's pins, by messages, or in place of the 8254 and the clock chip.
 */
#pragma once

#include "devices/machine.h"
#include "devices/pci/pci.h"

#define HPET_TIMERS    3
#define HPET_PINS      24
#define HPET_PERIOD_FS 10000000u /* femtoseconds a tick */

struct hpet_config {
    uint64_t base;
    struct irq_line pins[HPET_PINS]; /* those that are connected may be chosen */
    struct irq_line irq0, irq8;      /* what the 8254's and the clock chip's outputs were connected to */
    struct msi_target msi;           /* deliver == NULL: no interrupts by message */
};

struct hpet;

/* NULL and err when its page overlaps another device. */
struct hpet *hpet_create(struct machine *machine, const struct hpet_config *config, struct error *err);

/* Inputs for the outputs of the 8254's channel 0 and the clock chip: passed on to irq0 and irq8 unless the
 * timers have taken their place. */
struct irq_line hpet_8254_line(struct hpet *hpet);
struct irq_line hpet_clock_line(struct hpet *hpet);
