/* The inside of the ITS: gicv3_its.c has the registers, gicv3_its_table.c the tables, gicv3_its_command.c the
 * commands. */
#pragma once

#include "devices/irq/gicv3_internal.h"
#include "devices/irq/gicv3_its.h"

#define ITS_EVENT_BITS      16
#define ITS_DEVICE_BITS     16
#define ITS_COLLECTION_BITS 16
#define ITS_ENTRY_SIZE      8 /* of each of the tables, whose format is the ITS's own */
#define ITS_COMMAND_SIZE    32

#define GITS_BASER_VALID ((uint64_t)1 << 63)

/* GITS_BASER<n>: the tables this ITS has. */
enum its_table {
    ITS_DEVICES,
    ITS_COLLECTIONS,
    ITS_TABLES,
};

struct gicv3_its {
    struct machine *machine;
    struct gicv3 *gic;
    uint64_t base;
    struct clock_timer *queue_timer; /* set while commands wait for their turn */
    uint32_t enabled, stalled;
    uint64_t cbaser, cwriter, creadr;
    uint64_t baser[ITS_TABLES];
};

/* What the tables hold. */
struct its_device {
    gpa_t itt;
    unsigned event_bits;
};
struct its_event {
    uint32_t intid;
    uint16_t collection;
};

/* --- gicv3_its_table.c: every look-up is checked; false when there is no such entry. --- */

/* Whether a table, as large as software has made it, can have such an entry. */
bool its_in_range(const struct gicv3_its *its, enum its_table table, uint32_t id);

bool its_device_get(struct gicv3_its *its, uint32_t id, struct its_device *device);
/* NULL: unmap. */
bool its_device_put(struct gicv3_its *its, uint32_t id, const struct its_device *device);

bool its_event_get(struct gicv3_its *its, uint32_t device, uint32_t id, struct its_event *event);
bool its_event_put(struct gicv3_its *its, uint32_t device, uint32_t id, const struct its_event *event);

/* The CPU of a collection; NULL: not mapped. */
struct gicv3_cpu *its_collection_get(struct gicv3_its *its, uint32_t id);
bool its_collection_put(struct gicv3_its *its, uint32_t id, const struct gicv3_cpu *cpu);

/* --- gicv3_its_command.c --- */

/* One command of four words. False, with a reason, when it means nothing. */
bool its_command_run(struct gicv3_its *its, const uint64_t command[static 4], const char **why);

/* A message, or the INT command: an event becomes pending, or stops to be. */
bool its_event_signal(struct gicv3_its *its, uint32_t device, uint32_t event, bool pending);
