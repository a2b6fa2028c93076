/*
 * The Arm GICv2 without security extensions, for up to 8 CPUs: a distributor and CPU interfaces that every
 * CPU finds at the same address (IHI0048B).
 */
#pragma once

#include "devices/irq/gic_bank.h"
#include "devices/machine.h"

#define GICV2_DIST_SIZE 0x1000
#define GICV2_CPU_SIZE  0x2000 /* of the CPU interface's registers */
#define GICV2_CPUS_MAX  8

struct gicv2_cpu_config {
    struct irq_line irq, fiq;
};

struct gicv2_config {
    uint64_t dist_base, dist_size; /* 0: the size of the registers */
    uint64_t cpu_base, cpu_size;
    unsigned spis; /* shared interrupts: a multiple of 32, up to 960 */
    unsigned cpus;
    const struct gicv2_cpu_config *cpu; /* one a CPU; copied */
    /* Which CPU makes the access that is being handled: registers are banked. Machine lock held. */
    unsigned (*accessor)(void *opaque);
    void *opaque;
};

struct gicv2;

/* NULL and err when its places overlap other devices. */
struct gicv2 *gicv2_create(struct machine *machine, const struct gicv2_config *config, struct error *err);

/* Shared input n (interrupt 32 + n), and private input n < 16 of a CPU (interrupt 16 + n). */
struct irq_line gicv2_spi_line(struct gicv2 *gic, unsigned n);
struct irq_line gicv2_ppi_line(struct gicv2 *gic, unsigned cpu, unsigned n);
