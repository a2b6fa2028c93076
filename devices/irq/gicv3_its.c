/* The registers and the command queue of the ITS. Sections are those of IHI0069. */
#include <assert.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/trace.h"
#include "devices/irq/gicv3_its_internal.h"

/* 12.18 and 12.19. */
#define GITS_CTLR    0x0000
#define GITS_IIDR    0x0004
#define GITS_TYPER   0x0008
#define GITS_CBASER  0x0080
#define GITS_CWRITER 0x0088
#define GITS_CREADR  0x0090
#define GITS_BASER   0x0100
#define GITS_IDREGS  0xffd0

#define GITS_CTLR_ENABLED   (1u << 0)
#define GITS_CTLR_QUIESCENT (1u << 31)
#define GITS_IIDR_VALUE     0x0000043b
#define GITS_PART           0x94

#define GITS_TYPER_VALUE                                                                                     \
    (1ull | (ITS_ENTRY_SIZE - 1) << 4 | (ITS_EVENT_BITS - 1) << 8 | (ITS_DEVICE_BITS - 1) << 13 |            \
     (uint64_t)(ITS_COLLECTION_BITS - 1) << 32 | 1ull << 36)

#define CBASER_VALID   ((uint64_t)1 << 63)
#define CBASER_ADDRESS 0x000ffffffffff000ull
#define CBASER_MASK    0xb8effffffffffcffull
#define QUEUE_OFFSET   0x000fffe0ull /* of CWRITER and CREADR */
#define CWRITER_RETRY  1u
#define CREADR_STALLED 1u

/* Type and entry size are fixed; everything else of GITS_BASER<n> is software's. */
#define BASER_FIXED(type) ((uint64_t)(type) << 56 | (uint64_t)(ITS_ENTRY_SIZE - 1) << 48)
#define BASER_MASK        0xf8e0ffffffffffffull
/* Page_Size is UNKNOWN after a reset (12.19.1); there is software that takes what it finds, in pages of 64
 * KiB. */
#define BASER_PAGES_64K (2u << 8)

static const uint64_t baser_fixed[ITS_TABLES] = {
    [ITS_DEVICES] = BASER_FIXED(1),
    [ITS_COLLECTIONS] = BASER_FIXED(4),
};

/* --- the command queue --- */

static bool command_fetch(const struct gicv3_its *its, uint64_t words[static 4])
{
    uint8_t bytes[ITS_COMMAND_SIZE];
    if (!ram_read(its->machine->mem.ram, gpa((its->cbaser & CBASER_ADDRESS) + its->creadr), bytes,
                  sizeof(bytes)))
        return false;
    for (unsigned i = 0; i < 4; i++)
        words[i] = le64_load(bytes + 8 * i);
    return true;
}

/* A command can take a while, and a queue can hold many: after some, others get their turn. */
#define COMMANDS_AT_ONCE 256

/* 5.3.1: a command that is wrong is skipped; a queue that can't be read stalls. */
static void queue_run(struct gicv3_its *its)
{
    uint64_t size = ((its->cbaser & 0xff) + 1) * 4 * KIB;
    if (!its->enabled || !(its->cbaser & CBASER_VALID) || its->cwriter >= size || its->creadr >= size)
        return;
    for (unsigned done = 0; its->creadr != its->cwriter && !its->stalled; done++) {
        uint64_t command[4];
        const char *why = NULL;
        if (done == COMMANDS_AT_ONCE) {
            clock_timer_set(its->queue_timer, clock_now(its->machine->clock));
            return;
        }
        if (!command_fetch(its, command)) {
            log_guest("ITS: the command queue is not in RAM");
            its->stalled = CREADR_STALLED;
            return;
        }
        bool ok = its_command_run(its, command, &why);
        if (trace_on(TRACE_IRQ))
            trace_line(TRACE_IRQ, -1, "its command %02x %016llx %016llx %016llx: %s",
                       (unsigned)(command[0] & 0xff), (unsigned long long)command[0],
                       (unsigned long long)command[1], (unsigned long long)command[2], ok ? "done" : why);
        if (!ok)
            log_guest("ITS: command %02x does nothing: %s", (unsigned)(command[0] & 0xff), why);
        its->creadr = (its->creadr + ITS_COMMAND_SIZE) % size;
    }
}

static void queue_continue(void *opaque)
{
    queue_run(opaque);
}

/* --- messages --- */

static bool message_deliver(void *opaque, struct msi_message message)
{
    struct gicv3_its *its = opaque;
    if (message.address != its->base + GICV3_ITS_TRANSLATER)
        return false;
    /* 5.2.2: what can't be translated is dropped. */
    if (!its->enabled || !its_event_signal(its, message.requester, message.data, true))
        log_guest("ITS: event %u of device %#x is not mapped", message.data, message.requester);
    return true;
}

struct msi_target gicv3_its_target(struct gicv3_its *its)
{
    return (struct msi_target){message_deliver, its};
}

/* --- registers --- */

/* 12.19.4: quiescent is an ITS that has nothing left to do. */
static uint32_t control_read(const struct gicv3_its *its)
{
    bool busy = its->enabled && its->creadr != its->cwriter;
    return its->enabled | (busy ? 0 : GITS_CTLR_QUIESCENT);
}

static uint32_t word_read(const struct gicv3_its *its, uint64_t offset)
{
    unsigned shift = offset & 4 ? 32 : 0, table = (unsigned)(offset - GITS_BASER) / 8;
    if (offset >= GITS_BASER && table < ITS_TABLES)
        return (uint32_t)((its->baser[table] | baser_fixed[table]) >> shift);
    switch (offset) {
    case GITS_CTLR: return control_read(its);
    case GITS_IIDR: return GITS_IIDR_VALUE;
    case GITS_TYPER:
    case GITS_TYPER + 4: return (uint32_t)(GITS_TYPER_VALUE >> shift);
    case GITS_CBASER:
    case GITS_CBASER + 4: return (uint32_t)(its->cbaser >> shift);
    case GITS_CWRITER: return (uint32_t)its->cwriter;
    case GITS_CREADR: return (uint32_t)its->creadr | its->stalled;
    default: return gic_identification(offset, GITS_IDREGS, GITS_PART, 3);
    }
}

static void base_write(const struct gicv3_its *its, uint64_t *base, unsigned shift, uint32_t value,
                       uint64_t mask)
{
    if (its->enabled)
        log_guest("ITS: a table or the queue is moved while the ITS is enabled: ignored");
    else
        *base = bits_set(*base, shift, 32, value) & mask;
}

static void cbaser_write(struct gicv3_its *its, unsigned shift, uint32_t value)
{
    base_write(its, &its->cbaser, shift, value, CBASER_MASK);
    /* 12.19.2: a write sets GITS_CREADR to zero. */
    if (!its->enabled)
        its->creadr = its->stalled = 0;
}

static void cwriter_write(struct gicv3_its *its, uint32_t value)
{
    its->cwriter = value & QUEUE_OFFSET;
    if (value & CWRITER_RETRY)
        its->stalled = 0;
    queue_run(its);
}

static void word_write(struct gicv3_its *its, uint64_t offset, uint32_t value)
{
    unsigned shift = offset & 4 ? 32 : 0, table = (unsigned)(offset - GITS_BASER) / 8;
    if (offset >= GITS_BASER && table < ITS_TABLES) {
        base_write(its, &its->baser[table], shift, value, BASER_MASK);
        return;
    }
    switch (offset) {
    case GITS_CTLR:
        its->enabled = value & GITS_CTLR_ENABLED;
        queue_run(its);
        break;
    case GITS_CBASER:
    case GITS_CBASER + 4: cbaser_write(its, shift, value); break;
    case GITS_CWRITER: cwriter_write(its, value); break;
    case GICV3_ITS_TRANSLATER:
        /* A CPU has no DeviceID. */
        log_guest("ITS: a CPU writes GITS_TRANSLATER");
        break;
    default: break;
    }
}

static uint64_t its_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct gicv3_its *its = opaque;
    uint64_t value = word_read(its, offset);
    return width == 8 ? value | (uint64_t)word_read(its, offset + 4) << 32 : value;
}

static void its_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct gicv3_its *its = opaque;
    word_write(its, offset, (uint32_t)value);
    if (width == 8)
        word_write(its, offset + 4, (uint32_t)(value >> 32));
}

/* --- state --- */

/* From a save, which is only a file. */
static void its_restored(void *object)
{
    struct gicv3_its *its = object;
    its->creadr &= QUEUE_OFFSET;
    its->cwriter &= QUEUE_OFFSET;
    its->stalled &= CREADR_STALLED;
    clock_timer_set(its->queue_timer, its->enabled ? clock_now(its->machine->clock) : CLOCK_NEVER);
}

static const struct state_field fields[] = {
    STATE(struct gicv3_its, enabled), STATE(struct gicv3_its, stalled),
    STATE(struct gicv3_its, cbaser),  STATE(struct gicv3_its, cwriter),
    STATE(struct gicv3_its, creadr),  STATE_ARRAY(struct gicv3_its, baser, .reset = BASER_PAGES_64K),
};

static const struct state_table table = {.name = "gicv3-its",
                                         .version = 1,
                                         .fields = fields,
                                         .count = ARRAY_LEN(fields),
                                         .restored = its_restored};

static void its_destroy(void *object)
{
    struct gicv3_its *its = object;
    clock_timer_destroy(its->queue_timer);
    free(its);
}

struct gicv3_its *gicv3_its_create(struct machine *machine, const struct gicv3_its_config *config,
                                   struct error *err)
{
    assert(config->gic->config.lpis);
    struct gicv3_its *its = machine_alloc(sizeof(*its));
    its->machine = machine;
    its->gic = config->gic;
    its->base = config->base;
    its->queue_timer = clock_timer_create(machine->clock, queue_continue, its);
    machine_device_add(machine, "its", &table, its, its_destroy);
    struct bus_region region = {.name = "its",
                                .base = config->base,
                                .size = GICV3_ITS_SIZE,
                                .min_width = 4,
                                .max_width = 8,
                                .read = its_read,
                                .write = its_write,
                                .opaque = its};
    unsigned id;
    return bus_add(machine->mem.mmio, &region, &id, err) ? its : NULL;
}
