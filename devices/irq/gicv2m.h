/*
 * The GICv2m frame: a doorbell that turns messages into edges of shared interrupts, for a GIC without LPIs
 * (Server Base System Architecture, appendix E).
 */
#pragma once

#include "devices/machine.h"
#include "devices/pci/pci.h"

#define GICV2M_SIZE     0x1000
#define GICV2M_DOORBELL 0x40
#define GICV2M_LINES    128

struct gicv2m_config {
    uint64_t base;
    unsigned first_intid;         /* the interrupt number of the first line */
    unsigned count;               /* up to GICV2M_LINES */
    const struct irq_line *lines; /* shared inputs of the GIC; copied */
};

struct gicv2m;

/* NULL and err when its place overlaps another device. */
struct gicv2m *gicv2m_create(struct machine *machine, const struct gicv2m_config *config, struct error *err);

/* The receiver of messages, for buses. */
struct msi_target gicv2m_target(struct gicv2m *frame);
