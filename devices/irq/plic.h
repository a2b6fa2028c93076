/*
 * The RISC-V platform-level interrupt controller: level-triggered sources with priorities, routed to contexts
 * (a hart's M or S mode), claimed and completed by software (RISC-V PLIC specification 1.0).
 */
#pragma once

#include "devices/machine.h"

#define PLIC_SOURCES_MAX  1023
#define PLIC_CONTEXTS_MAX 15872

struct plic_config {
    uint64_t base;
    uint64_t size;                /* of the registers: 0x200000 and 0x1000 a context at least */
    unsigned sources;             /* the highest source number; 0 is never a source */
    unsigned max_priority;        /* 1 to this, 0 never interrupts; one less than a power of two */
    unsigned contexts;            /* in the order of their registers */
    const struct irq_line *lines; /* one a context; copied */
};

struct plic;

/* NULL and err when its place overlaps another device. */
struct plic *plic_create(struct machine *machine, const struct plic_config *config, struct error *err);

/* The input of source 1 <= n <= sources. */
struct irq_line plic_line(struct plic *plic, unsigned n);
