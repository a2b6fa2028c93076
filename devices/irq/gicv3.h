/*
 * The Arm GICv3 with a single security state (GICD_CTLR.DS is one) and affinity routing only: distributor,
 * one redistributor a CPU with LPIs in guest memory, and the CPU interfaces, which the board connects to the
 * system registers of the cores (IHI0069).
 */
#pragma once

#include "devices/irq/gic_bank.h"
#include "devices/machine.h"

#define GICV3_DIST_SIZE   0x10000
#define GICV3_REDIST_SIZE 0x20000 /* of each redistributor */
#define GICV3_CPUS_MAX    512
#define GICV3_REGIONS_MAX 2

struct gicv3_cpu_config {
    uint32_t affinity; /* Aff3 to Aff0, a byte each */
    struct irq_line irq, fiq;
};

/* Redistributors that lie one after the other. */
struct gicv3_region {
    uint64_t base;
    unsigned count;
};

struct gicv3_config {
    uint64_t dist_base;
    struct gicv3_region regions[GICV3_REGIONS_MAX]; /* their counts add up to `cpus` */
    unsigned spis;                                  /* shared interrupts: a multiple of 32, up to 960 */
    bool lpis;                                      /* there is an ITS */
    bool awake; /* a reset leaves the redistributors awake, as firmware below the guest would have */
    unsigned cpus;
    const struct gicv3_cpu_config *cpu; /* one a CPU; copied */
};

struct gicv3;
struct gicv3_cpu;

/* NULL and err when its places overlap other devices. */
struct gicv3 *gicv3_create(struct machine *machine, const struct gicv3_config *config, struct error *err);

/* Shared input n (interrupt 32 + n), and private input n < 16 of a CPU (interrupt 16 + n). */
struct irq_line gicv3_spi_line(struct gicv3 *gic, unsigned n);
struct irq_line gicv3_ppi_line(struct gicv3 *gic, unsigned cpu, unsigned n);

/* The CPU interface of a CPU: the opaque of the two functions below. */
struct gicv3_cpu *gicv3_cpu(struct gicv3 *gic, unsigned cpu);

/*
 * An access of this CPU to an ICC_*_EL1 register; `sysreg` is op0:op1:CRn:CRm:op2 as in bits 20:5 of MRS.
 * False when there is no such register, or not in this direction. Machine lock held.
 */
bool gicv3_icc_read(void *opaque, uint32_t sysreg, uint64_t *value);
bool gicv3_icc_write(void *opaque, uint32_t sysreg, uint64_t value);
