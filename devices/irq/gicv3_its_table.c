/*
 * The tables of the ITS in guest memory. Their format is the implementation's own: an entry is 8 bytes, with
 * bit 63 for valid. Guests write what they like there, so nothing that is read is trusted.
 */
#include "base/bits.h"
#include "devices/irq/gicv3_its_internal.h"

#define ENTRY_VALID ((uint64_t)1 << 63)

/* A device: ITT address in its place, number of EventID bits less one below. */
#define DEVICE_ITT  0x000fffffffffff00ull
#define DEVICE_BITS 0x1f

/* 12.19.1, GITS_BASER<n>. */
#define BASER_INDIRECT  ((uint64_t)1 << 62)
#define BASER_ADDRESS   0x0000fffffffff000ull
#define BASER_ADDRESS64 0x0000ffffffff0000ull
#define LEVEL1_ADDRESS  0x000ffffffffff000ull

static uint64_t page_size(uint64_t baser)
{
    static const uint64_t sizes[] = {4 * KIB, 16 * KIB, 64 * KIB, 64 * KIB};
    return sizes[bits_get(baser, 8, 2)];
}

/* With pages of 64 KiB, bits 15:12 are the address's bits 51:48. */
static uint64_t table_base(uint64_t baser)
{
    if (page_size(baser) != 64 * KIB)
        return baser & BASER_ADDRESS;
    return (baser & BASER_ADDRESS64) | bits_get(baser, 12, 4) << 48;
}

static bool entry_read(struct gicv3_its *its, gpa_t at, uint64_t *entry)
{
    uint8_t bytes[ITS_ENTRY_SIZE];
    if (!ram_read(its->machine->mem.ram, at, bytes, sizeof(bytes)))
        return false;
    *entry = le64_load(bytes);
    return true;
}

static bool entry_write(struct gicv3_its *its, gpa_t at, uint64_t entry)
{
    uint8_t bytes[ITS_ENTRY_SIZE];
    le64_store(bytes, entry);
    return ram_write(its->machine->mem.ram, at, bytes, sizeof(bytes));
}

bool its_in_range(const struct gicv3_its *its, enum its_table table, uint32_t id)
{
    uint64_t baser = its->baser[table], page = page_size(baser);
    uint64_t entries = page * ((baser & 0xff) + 1) / ITS_ENTRY_SIZE;
    uint64_t place = baser & BASER_INDIRECT ? id / (page / ITS_ENTRY_SIZE) : id;
    return baser & GITS_BASER_VALID && place < entries;
}

/* Where entry `id` of a table is: in a flat table, or in the page that a first-level entry names (5.2.1). */
static bool entry_at(struct gicv3_its *its, enum its_table table, uint32_t id, gpa_t *at)
{
    uint64_t baser = its->baser[table], page = page_size(baser), base = table_base(baser);
    uint64_t per_page = page / ITS_ENTRY_SIZE, level1;
    if (!its_in_range(its, table, id))
        return false;
    if (!(baser & BASER_INDIRECT)) {
        *at = gpa(base + (uint64_t)id * ITS_ENTRY_SIZE);
        return true;
    }
    if (!entry_read(its, gpa(base + id / per_page * ITS_ENTRY_SIZE), &level1) || !(level1 & ENTRY_VALID))
        return false;
    *at = gpa((level1 & LEVEL1_ADDRESS & ~(page - 1)) + id % per_page * ITS_ENTRY_SIZE);
    return true;
}

static bool table_get(struct gicv3_its *its, enum its_table table, uint32_t id, uint64_t *entry)
{
    gpa_t at;
    return entry_at(its, table, id, &at) && entry_read(its, at, entry) && *entry & ENTRY_VALID;
}

static bool table_put(struct gicv3_its *its, enum its_table table, uint32_t id, uint64_t entry)
{
    gpa_t at;
    return entry_at(its, table, id, &at) && entry_write(its, at, entry);
}

bool its_device_get(struct gicv3_its *its, uint32_t id, struct its_device *device)
{
    uint64_t entry;
    if (id >> ITS_DEVICE_BITS || !table_get(its, ITS_DEVICES, id, &entry))
        return false;
    *device = (struct its_device){gpa(entry & DEVICE_ITT), (entry & DEVICE_BITS) + 1};
    return device->event_bits <= ITS_EVENT_BITS;
}

bool its_device_put(struct gicv3_its *its, uint32_t id, const struct its_device *device)
{
    uint64_t entry = device ? ENTRY_VALID | (device->itt.a & DEVICE_ITT) | (device->event_bits - 1) : 0;
    return !(id >> ITS_DEVICE_BITS) && table_put(its, ITS_DEVICES, id, entry);
}

/* Where the entry of an event is in its device's table. */
static bool event_at(struct gicv3_its *its, uint32_t device_id, uint32_t id, gpa_t *at)
{
    struct its_device device;
    if (!its_device_get(its, device_id, &device) || id >> device.event_bits)
        return false;
    *at = gpa_add(device.itt, (uint64_t)id * ITS_ENTRY_SIZE);
    return true;
}

bool its_event_get(struct gicv3_its *its, uint32_t device, uint32_t id, struct its_event *event)
{
    gpa_t at;
    uint64_t entry;
    if (!event_at(its, device, id, &at) || !entry_read(its, at, &entry) || !(entry & ENTRY_VALID))
        return false;
    *event = (struct its_event){(uint32_t)entry, (uint16_t)(entry >> 32)};
    return true;
}

bool its_event_put(struct gicv3_its *its, uint32_t device, uint32_t id, const struct its_event *event)
{
    gpa_t at;
    uint64_t entry = event ? ENTRY_VALID | (uint64_t)event->collection << 32 | event->intid : 0;
    return event_at(its, device, id, &at) && entry_write(its, at, entry);
}

struct gicv3_cpu *its_collection_get(struct gicv3_its *its, uint32_t id)
{
    uint64_t entry;
    if (id >> ITS_COLLECTION_BITS || !table_get(its, ITS_COLLECTIONS, id, &entry))
        return NULL;
    uint64_t cpu = entry & ~ENTRY_VALID;
    return cpu < its->gic->config.cpus ? &its->gic->cpus[cpu] : NULL;
}

bool its_collection_put(struct gicv3_its *its, uint32_t id, const struct gicv3_cpu *cpu)
{
    uint64_t entry = cpu ? ENTRY_VALID | (uint64_t)(cpu - its->gic->cpus) : 0;
    return !(id >> ITS_COLLECTION_BITS) && table_put(its, ITS_COLLECTIONS, id, entry);
}
