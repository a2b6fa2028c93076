#include "devices/irq/gicv2m.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MSI_TYPER 0x008 /* first interrupt and their number */
#define MSI_IIDR  0xfcc

#define IIDR_VALUE 0x0000043b

struct gicv2m {
    struct gicv2m_config config;
    struct irq_line lines[GICV2M_LINES];
};

/* The interrupts are edge-triggered, so a pulse latches one. */
static void doorbell(struct gicv2m *frame, uint64_t value)
{
    uint64_t intid = value & 0x3ff, n = intid - frame->config.first_intid;
    if (n < frame->config.count)
        irq_line_pulse(&frame->lines[n]);
    else
        log_guest("GICv2m: a message for interrupt %u, which is not this frame's", (unsigned)intid);
}

static bool message_deliver(void *opaque, struct msi_message message)
{
    struct gicv2m *frame = opaque;
    if (message.address != frame->config.base + GICV2M_DOORBELL)
        return false;
    doorbell(frame, message.data);
    return true;
}

struct msi_target gicv2m_target(struct gicv2m *frame)
{
    return (struct msi_target){message_deliver, frame};
}

static uint64_t frame_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    const struct gicv2m *frame = opaque;
    switch (offset) {
    case MSI_TYPER: return frame->config.first_intid << 16 | frame->config.count;
    case MSI_IIDR: return IIDR_VALUE;
    default: return 0;
    }
}

static void frame_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    if (offset == GICV2M_DOORBELL)
        doorbell(opaque, value);
}

static const struct state_table table = {.name = "gicv2m", .version = 1};

static void frame_destroy(void *object)
{
    free(object);
}

struct gicv2m *gicv2m_create(struct machine *machine, const struct gicv2m_config *config, struct error *err)
{
    assert(config->count <= GICV2M_LINES);
    struct gicv2m *frame = machine_alloc(sizeof(*frame));
    frame->config = *config;
    frame->config.lines = NULL;
    memcpy(frame->lines, config->lines, config->count * sizeof(frame->lines[0]));
    machine_device_add(machine, "gicv2m", &table, frame, frame_destroy);
    struct bus_region region = {.name = "gicv2m",
                                .base = config->base,
                                .size = GICV2M_SIZE,
                                .min_width = 4,
                                .max_width = 4,
                                .read = frame_read,
                                .write = frame_write,
                                .opaque = frame};
    unsigned id;
    return bus_add(machine->mem.mmio, &region, &id, err) ? frame : NULL;
}
