/* The inside of the GICv3, which gicv3.c (distributor), gicv3_redist.c, gicv3_lpi.c, gicv3_cpuif.c and the
 * ITS share. */
#pragma once

#include "devices/irq/gicv3.h"

#define GICV3_LPI_FIRST 8192
#define GICV3_ID_BITS   16 /* of interrupt numbers, LPIs included */
#define GICV3_LPI_END   (1u << GICV3_ID_BITS)

#define GICV3_PRIORITY_MASK 0xf8 /* 5 bits of priority */

/* GICD_CTLR with DS set. */
#define GICD_CTLR_GROUP0 (1u << 0)
#define GICD_CTLR_GROUP1 (1u << 1)
#define GICD_CTLR_ARE    (1u << 4)
#define GICD_CTLR_DS     (1u << 6)

#define GICD_IROUTER_ANY ((uint64_t)1 << 31) /* 1 of N */

#define GICR_CTLR_ENABLE_LPIS (1u << 0)

#define GICR_WAKER_SLEEP           (1u << 1)
#define GICR_WAKER_CHILDREN_ASLEEP (1u << 2)

#define GICV3_CPU_NONE 0xffff

/* An interrupt that waits; none: priority GIC_PRIORITY_IDLE. */
struct gicv3_pending {
    uint32_t intid;
    uint8_t priority;
    uint8_t group;
};
#define GICV3_NOTHING ((struct gicv3_pending){GIC_SPURIOUS, GIC_PRIORITY_IDLE, 1})

struct gicv3_cpu {
    struct gicv3 *gic;
    struct gicv3_cpu_config config;
    bool last; /* of its region */

    /* The redistributor. */
    struct gic_bank bank;
    uint32_t ctlr, waker;
    uint64_t propbaser, pendbaser;

    /* The CPU interface; [group]. */
    uint32_t icc_ctlr, pmr, bpr[2], apr[2], igrpen[2];

    /* Derived from all that. */
    struct gicv3_pending spi, lpi; /* the best ones for this CPU */
    uint32_t lpis_pending;         /* bits set in the pending table: nothing to look for when zero */
    bool irq, fiq;                 /* as last told */
};

struct gicv3_redists {
    struct gicv3 *gic;
    unsigned first; /* CPU of the region */
};

struct gicv3 {
    struct machine *machine;
    struct gicv3_config config;
    struct gic_bank_rules shared, private;
    unsigned banks; /* with the private one's place, which stays empty */
    struct state_table table;
    struct state_field *fields;
    struct gicv3_redists regions[GICV3_REGIONS_MAX];

    uint32_t ctlr;
    struct gic_bank bank[GIC_BANKS_MAX];
    uint64_t route[GIC_INTERRUPTS_MAX];

    uint16_t target[GIC_INTERRUPTS_MAX]; /* derived from `route`: a CPU, or GICV3_CPU_NONE */
    bool any_pending;                    /* a shared interrupt for any CPU waits: CPU interfaces matter */
    struct gicv3_cpu cpus[];
};

/* --- gicv3.c --- */

/* Recompute what waits for whom: after a change of shared interrupts; of one CPU's own ones or its interface.
 */
void gicv3_spis_update(struct gicv3 *gic);
void gicv3_cpu_update(struct gicv3_cpu *cpu);

/* The best of all that waits for a CPU, whatever its interface masks. */
struct gicv3_pending gicv3_best(const struct gicv3_cpu *cpu);

/* Whether the CPU interface would take an interrupt of this priority and group now. */
bool gicv3_would_take(const struct gicv3_cpu *cpu, uint8_t priority, unsigned group);

/* The CPU of an affinity, or GICV3_CPU_NONE. */
unsigned gicv3_cpu_find(const struct gicv3 *gic, uint32_t affinity);

/* The state of a private or shared interrupt; the bank, and the bit in it. NULL: no such interrupt. */
struct gic_bank *gicv3_bank(struct gicv3_cpu *cpu, uint32_t intid);

/* --- gicv3_redist.c --- */

bool gicv3_redist_regions_add(struct gicv3 *gic, struct error *err);

/* A software-generated interrupt reaches a CPU, if it is of that group there. */
void gicv3_sgi_send(struct gicv3_cpu *to, unsigned intid, unsigned group);

/* --- gicv3_lpi.c --- */

/* Set or clear an LPI's pending bit in the CPU's table. Nothing happens for a number beyond the table, or
 * while LPIs are off. */
void gicv3_lpi_set(struct gicv3_cpu *cpu, uint32_t intid, bool pending);
bool gicv3_lpi_pending(struct gicv3_cpu *cpu, uint32_t intid);
/* The configuration or pending tables changed: read them again. */
void gicv3_lpi_refresh(struct gicv3_cpu *cpu);
/* All LPIs of one CPU go to another. */
void gicv3_lpi_move_all(struct gicv3_cpu *from, struct gicv3_cpu *to);

/* --- gicv3_cpuif.c --- */

/* The priority of what runs: of the highest active group priority. */
uint8_t gicv3_running(const struct gicv3_cpu *cpu);
/* The bits of a priority that are the group priority. */
uint8_t gicv3_group_mask(const struct gicv3_cpu *cpu, unsigned group);
