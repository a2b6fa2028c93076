/* The inside of the GICv2, which gicv2.c (distributor) and gicv2_cpuif.c (CPU interfaces) share. */
#pragma once

#include "devices/irq/gicv2.h"

#define GICV2_PRIORITY_MASK 0xf8 /* 5 bits of priority */

#define GICD_CTLR_GROUP0 (1u << 0)
#define GICD_CTLR_GROUP1 (1u << 1)

#define GICC_CTLR_GROUP0  (1u << 0)
#define GICC_CTLR_GROUP1  (1u << 1)
#define GICC_CTLR_ACKCTL  (1u << 2) /* IAR acknowledges Group 1 too */
#define GICC_CTLR_FIQEN   (1u << 3) /* Group 0 is signalled as FIQ */
#define GICC_CTLR_CBPR    (1u << 4)
#define GICC_CTLR_EOIMODE (1u << 9)
#define GICC_CTLR_MASK    0x3ffu

/* An interrupt that waits; none: priority GIC_PRIORITY_IDLE. */
struct gicv2_pending {
    uint16_t intid;
    uint8_t priority;
    uint8_t group;
};
#define GICV2_NOTHING ((struct gicv2_pending){GIC_SPURIOUS, GIC_PRIORITY_IDLE, 0})

struct gicv2_cpu {
    struct gicv2_cpu_config config;
    struct gic_bank bank;
    uint8_t sources[GIC_SGIS]; /* the CPUs whose SGI is pending, a bit each */
    uint32_t ctlr, pmr, bpr, abpr, apr[2];
    /* Derived. */
    struct gicv2_pending best;
    bool irq, fiq; /* as last told */
};

struct gicv2 {
    struct gicv2_config config;
    struct gic_bank_rules shared, private;
    unsigned banks;
    struct state_table table;
    struct state_field *fields;
    uint32_t ctlr;
    struct gic_bank bank[GIC_BANKS_MAX];
    uint8_t targets[GIC_INTERRUPTS_MAX]; /* of shared interrupts: a bit a CPU */
    struct gicv2_cpu cpus[GICV2_CPUS_MAX];
};

/* gicv2.c: recompute what waits for whom. */
void gicv2_update(struct gicv2 *gic);

/* The state of an interrupt as a CPU sees it; NULL: no such interrupt. */
struct gic_bank *gicv2_bank(struct gicv2 *gic, struct gicv2_cpu *cpu, unsigned intid);

/* The CPU that makes the access. */
struct gicv2_cpu *gicv2_accessor(struct gicv2 *gic);

/* gicv2_cpuif.c: tell the CPU about `best`, if its interface lets that through. */
void gicv2_signal(struct gicv2_cpu *cpu);
bool gicv2_cpuif_add(struct gicv2 *gic, struct machine *machine, struct error *err);
