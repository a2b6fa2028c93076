/* The commands of the ITS (IHI0069 5.3), whose fields lie in four words of 64 bits. */
#include "base/bits.h"
#include "devices/irq/gicv3_its_internal.h"

/* 5.3, table 5-4. */
enum its_command {
    COMMAND_MOVI = 0x01,
    COMMAND_INT = 0x03,
    COMMAND_CLEAR = 0x04,
    COMMAND_SYNC = 0x05,
    COMMAND_MAPD = 0x08,
    COMMAND_MAPC = 0x09,
    COMMAND_MAPTI = 0x0a,
    COMMAND_MAPI = 0x0b,
    COMMAND_INV = 0x0c,
    COMMAND_INVALL = 0x0d,
    COMMAND_MOVALL = 0x0e,
    COMMAND_DISCARD = 0x0f,
};

/* Fields, which are in the same place in every command that has them. */
struct fields {
    uint32_t device, event, intid, collection;
    bool valid;
    uint64_t words[4];
};

static struct fields fields_of(const uint64_t command[static 4])
{
    return (struct fields){
        .device = (uint32_t)(command[0] >> 32),
        .event = (uint32_t)command[1],
        .intid = (uint32_t)(command[1] >> 32),
        .collection = command[2] & 0xffff,
        .valid = command[2] >> 63,
        .words = {command[0], command[1], command[2], command[3]},
    };
}

/* An RDbase: GITS_TYPER.PTA is zero, so it is the number of a CPU. */
static struct gicv3_cpu *redist_of(const struct gicv3_its *its, uint64_t word)
{
    uint64_t number = bits_get(word, 16, 35);
    return number < its->gic->config.cpus ? &its->gic->cpus[number] : NULL;
}

/* 5.3.11: an unmapping needs neither table nor size. */
static const char *mapd(struct gicv3_its *its, const struct fields *f)
{
    struct its_device device = {gpa(f->words[2] & 0x000fffffffffff00ull), (f->words[1] & 0x1f) + 1};
    if (f->valid && device.event_bits > ITS_EVENT_BITS)
        return "too many EventIDs";
    return its_device_put(its, f->device, f->valid ? &device : NULL) ? NULL : "DeviceID out of range";
}

static const char *mapc(struct gicv3_its *its, const struct fields *f)
{
    const struct gicv3_cpu *cpu = redist_of(its, f->words[2]);
    if (f->valid && !cpu)
        return "no such redistributor";
    return its_collection_put(its, f->collection, f->valid ? cpu : NULL) ? NULL : "ICID out of range";
}

static const char *mapti(struct gicv3_its *its, const struct fields *f, uint32_t intid)
{
    struct its_event event = {intid, (uint16_t)f->collection};
    if (intid < GICV3_LPI_FIRST || intid >= GICV3_LPI_END)
        return "not an LPI";
    if (!its_in_range(its, ITS_COLLECTIONS, f->collection))
        return "ICID out of range";
    return its_event_put(its, f->device, f->event, &event) ? NULL : "no such event";
}

/* The event and the CPU it goes to. */
static const char *event_find(struct gicv3_its *its, const struct fields *f, struct its_event *event,
                              struct gicv3_cpu **cpu)
{
    if (!its_event_get(its, f->device, f->event, event))
        return "the event is not mapped";
    *cpu = its_collection_get(its, event->collection);
    return *cpu ? NULL : "the event's collection is not mapped";
}

/* 5.3.12: a pending interrupt moves along. */
static const char *movi(struct gicv3_its *its, const struct fields *f)
{
    struct its_event event;
    struct gicv3_cpu *from, *to = its_collection_get(its, f->collection);
    const char *why = event_find(its, f, &event, &from);
    if (why || !to)
        return why ? why : "the new collection is not mapped";
    event.collection = (uint16_t)f->collection;
    its_event_put(its, f->device, f->event, &event);
    if (from != to && gicv3_lpi_pending(from, event.intid)) {
        gicv3_lpi_set(from, event.intid, false);
        gicv3_lpi_set(to, event.intid, true);
    }
    return NULL;
}

static const char *movall(const struct gicv3_its *its, const struct fields *f)
{
    struct gicv3_cpu *from = redist_of(its, f->words[2]), *to = redist_of(its, f->words[3]);
    if (!from || !to)
        return "no such redistributor";
    gicv3_lpi_move_all(from, to);
    return NULL;
}

/* 5.3.4: the event is unmapped, and what it left pending goes with it. */
static const char *discard(struct gicv3_its *its, const struct fields *f)
{
    struct its_event event;
    struct gicv3_cpu *cpu;
    const char *why = event_find(its, f, &event, &cpu);
    if (why)
        return why;
    if (gicv3_lpi_pending(cpu, event.intid))
        gicv3_lpi_set(cpu, event.intid, false);
    its_event_put(its, f->device, f->event, NULL);
    return NULL;
}

static const char *signal(struct gicv3_its *its, const struct fields *f, bool pending)
{
    return its_event_signal(its, f->device, f->event, pending) ? NULL : "the event is not mapped";
}

static const char *refresh(struct gicv3_cpu *cpu)
{
    gicv3_lpi_refresh(cpu);
    gicv3_cpu_update(cpu);
    return NULL;
}

static const char *inv(struct gicv3_its *its, const struct fields *f)
{
    struct its_event event;
    struct gicv3_cpu *cpu;
    const char *why = event_find(its, f, &event, &cpu);
    return why ? why : refresh(cpu);
}

static const char *invall(struct gicv3_its *its, const struct fields *f)
{
    struct gicv3_cpu *cpu = its_collection_get(its, f->collection);
    return cpu ? refresh(cpu) : "the collection is not mapped";
}

bool its_event_signal(struct gicv3_its *its, uint32_t device, uint32_t id, bool pending)
{
    struct its_event event;
    struct gicv3_cpu *cpu;
    struct fields f = {.device = device, .event = id};
    if (event_find(its, &f, &event, &cpu))
        return false;
    gicv3_lpi_set(cpu, event.intid, pending);
    return true;
}

bool its_command_run(struct gicv3_its *its, const uint64_t command[static 4], const char **why)
{
    struct fields f = fields_of(command);
    switch ((enum its_command)(command[0] & 0xff)) {
    case COMMAND_MAPD: *why = mapd(its, &f); break;
    case COMMAND_MAPC: *why = mapc(its, &f); break;
    case COMMAND_MAPTI: *why = mapti(its, &f, f.intid); break;
    case COMMAND_MAPI: *why = mapti(its, &f, f.event); break;
    case COMMAND_MOVI: *why = movi(its, &f); break;
    case COMMAND_MOVALL: *why = movall(its, &f); break;
    case COMMAND_DISCARD: *why = discard(its, &f); break;
    case COMMAND_INT: *why = signal(its, &f, true); break;
    case COMMAND_CLEAR: *why = signal(its, &f, false); break;
    case COMMAND_INV: *why = inv(its, &f); break;
    case COMMAND_INVALL: *why = invall(its, &f); break;
    case COMMAND_SYNC: *why = NULL; break; /* every command is done before the next begins */
    default: *why = "no such command";
    }
    return !*why;
}
