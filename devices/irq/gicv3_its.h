/*
 * The interrupt translation service of the GICv3: turns a message (DeviceID from the bus, EventID as data)
 * into an LPI of a CPU, by tables in guest memory that its command queue maintains (IHI0069, chapter 5).
 */
#pragma once

#include "devices/irq/gicv3.h"
#include "devices/pci/pci.h"

#define GICV3_ITS_SIZE       0x20000
#define GICV3_ITS_TRANSLATER 0x10040 /* the doorbell: where devices send their messages */

struct gicv3_its_config {
    uint64_t base;
    struct gicv3 *gic; /* made with LPIs */
};

struct gicv3_its;

/* NULL and err when its place overlaps another device. */
struct gicv3_its *gicv3_its_create(struct machine *machine, const struct gicv3_its_config *config,
                                   struct error *err);

/* The receiver of messages, for buses: their requester is the DeviceID. */
struct msi_target gicv3_its_target(struct gicv3_its *its);
