/*
 * The bus. The map is an array of slots sorted by address, read under a sequence counter because vCPUs look
 * up without a lock while the loop's thread moves a BAR. A handler that wants the machine lock is looked up
 * again under it when the map changed in between, so a removed device never sees an access.
 */
#include "softmmu/bus.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "softmmu/seqlock.h"

#define BUS_REGIONS_MAX 1024

struct slot {
    struct bus_region region;
    unsigned id;
};

struct bus {
    const char *name;
    struct host_mutex *lock;
    struct seqlock map_lock;
    unsigned count, next_id;
    unsigned last; /* where the last look-up hit; a hint, any value will do */
    struct slot slots[BUS_REGIONS_MAX];
};

struct bus *bus_create(const char *name, struct host_mutex *lock)
{
    struct bus *bus = calloc(1, sizeof(*bus));
    if (!bus)
        abort();
    bus->name = name;
    bus->lock = lock;
    return bus;
}

void bus_destroy(struct bus *bus)
{
    free(bus);
}

static bool width_legal(unsigned width)
{
    return is_pow2(width) && width <= 8;
}

/* Fill in the defaults and refuse what no board can mean. */
static bool region_legal(const struct bus *bus, struct bus_region *region, struct error *err)
{
    region->min_width = region->min_width ? region->min_width : 1;
    region->max_width = region->max_width ? region->max_width : 8;
    if (region->size == 0 || region->base + (region->size - 1) < region->base)
        return error_set(err, ERROR_HOST, "%s on the %s bus is empty or wraps around", region->name,
                         bus->name);
    if (!width_legal(region->min_width) || !width_legal(region->max_width) ||
        region->min_width > region->max_width || region->size % region->min_width != 0)
        return error_set(err, ERROR_HOST, "%s on the %s bus takes impossible widths", region->name,
                         bus->name);
    return true;
}

bool bus_add(struct bus *bus, const struct bus_region *added, unsigned *id, struct error *err)
{
    struct bus_region region = *added;
    if (!region_legal(bus, &region, err))
        return false;
    unsigned place = 0;
    for (unsigned i = 0; i < bus->count; i++) {
        const struct bus_region *other = &bus->slots[i].region;
        if (ranges_overlap(region.base, region.size, other->base, other->size))
            return error_set(err, ERROR_HOST, "%s and %s overlap on the %s bus at %#llx", region.name,
                             other->name, bus->name,
                             (unsigned long long)(region.base > other->base ? region.base : other->base));
        if (other->base < region.base)
            place = i + 1;
    }
    if (bus->count == BUS_REGIONS_MAX)
        return error_set(err, ERROR_HOST, "the %s bus has no room for %s", bus->name, region.name);

    seqlock_write_begin(&bus->map_lock);
    memmove(&bus->slots[place + 1], &bus->slots[place], (bus->count - place) * sizeof(bus->slots[0]));
    bus->slots[place] = (struct slot){.region = region, .id = bus->next_id};
    bus->count++;
    seqlock_write_end(&bus->map_lock);
    if (id)
        *id = bus->next_id;
    bus->next_id++;
    return true;
}

void bus_remove(struct bus *bus, unsigned id)
{
    unsigned place = 0;
    while (place < bus->count && bus->slots[place].id != id)
        place++;
    if (place == bus->count)
        return;
    seqlock_write_begin(&bus->map_lock);
    bus->count--;
    memmove(&bus->slots[place], &bus->slots[place + 1], (bus->count - place) * sizeof(bus->slots[0]));
    seqlock_write_end(&bus->map_lock);
}

static bool holds(const struct bus_region *region, uint64_t address, uint64_t len)
{
    return address >= region->base && !range_beyond(address - region->base, len, region->size);
}

/* The slot that holds all of [address, address + len), inside a read section; count when none does. */
static unsigned search(struct bus *bus, uint64_t address, uint64_t len)
{
    unsigned last = __atomic_load_n(&bus->last, __ATOMIC_RELAXED), low = 0, high = bus->count;
    if (last < high && holds(&bus->slots[last].region, address, len))
        return last;
    while (low < high) { /* the first slot that begins above the address */
        unsigned middle = (low + high) / 2;
        if (bus->slots[middle].region.base <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || !holds(&bus->slots[low - 1].region, address, len))
        return bus->count;
    __atomic_store_n(&bus->last, low - 1, __ATOMIC_RELAXED);
    return low - 1;
}

/* Copy the region out; *version names the map it was found in. */
static bool look_up(struct bus *bus, uint64_t address, uint64_t len, struct bus_region *found,
                    uint32_t *version)
{
    bool hit;
    do {
        *version = seqlock_read_begin(&bus->map_lock);
        unsigned place = search(bus, address, len);
        hit = place < bus->count;
        if (hit)
            *found = bus->slots[place].region;
    } while (seqlock_read_retry(&bus->map_lock, *version));
    return hit;
}

/* Look up and, where the region wants it, lock. After true comes leave(). */
static bool enter(struct bus *bus, uint64_t address, uint64_t len, struct bus_region *found)
{
    uint32_t version;
    while (look_up(bus, address, len, found, &version)) {
        if (found->unlocked || !bus->lock)
            return true;
        host_mutex_lock(bus->lock);
        if (!seqlock_read_retry(&bus->map_lock, version))
            return true;
        host_mutex_unlock(bus->lock);
    }
    return false;
}

static void leave(struct bus *bus, const struct bus_region *region)
{
    if (!region->unlocked && bus->lock)
        host_mutex_unlock(bus->lock);
}

static uint64_t low_bytes(uint64_t value, unsigned width)
{
    return bits_get(value, 0, width * 8);
}

/* How much of an access the handler gets at once: all of it, or the widest aligned power of two at this
 * offset that it takes and that fits in len. */
static unsigned piece(const struct bus_region *region, uint64_t offset, unsigned len)
{
    if (region->whole)
        return len;
    unsigned width = region->max_width;
    while (width > len || offset % width != 0)
        width /= 2;
    return width;
}

/* A read narrower than the handler's least: part of that one. *n is how many of its bytes were wanted. */
static uint64_t read_part(const struct bus_region *region, uint64_t offset, unsigned len, unsigned *n)
{
    unsigned width = region->min_width, skip = (unsigned)(offset % width);
    *n = len < width - skip ? len : width - skip;
    return region->read(region->opaque, offset - skip, width) >> (8 * skip);
}

bool bus_read(struct bus *bus, uint64_t address, unsigned width, uint64_t *value)
{
    assert(width >= 1 && width <= 8);
    struct bus_region region;
    if (!enter(bus, address, width, &region))
        return false;
    uint64_t offset = address - region.base;
    *value = 0;
    for (unsigned done = 0, n; region.read && done < width; done += n) {
        uint64_t part;
        n = piece(&region, offset + done, width - done);
        if (n < region.min_width)
            part = read_part(&region, offset + done, width - done, &n);
        else
            part = region.read(region.opaque, offset + done, n);
        *value |= low_bytes(part, n) << (8 * done);
    }
    leave(bus, &region);
    return true;
}

bool bus_write(struct bus *bus, uint64_t address, uint64_t value, unsigned width)
{
    assert(width >= 1 && width <= 8);
    struct bus_region region;
    if (!enter(bus, address, width, &region))
        return false;
    uint64_t offset = address - region.base;
    for (unsigned done = 0, n; region.write && done < width; done += n) {
        n = piece(&region, offset + done, width - done);
        if (n < region.min_width)
            log_guest("%s: a %u-byte write at offset %#llx is too narrow and ignored", region.name, n,
                      (unsigned long long)(offset + done));
        else
            region.write(region.opaque, offset + done, low_bytes(value >> (8 * done), n), n);
    }
    leave(bus, &region);
    return true;
}

bool bus_covers(struct bus *bus, uint64_t address, uint64_t len)
{
    struct bus_region region;
    uint32_t version;
    return len > 0 && look_up(bus, address, len, &region, &version);
}

void bus_each(struct bus *bus, void (*fn)(void *opaque, const struct bus_region *region), void *opaque)
{
    for (unsigned i = 0; i < bus->count; i++)
        fn(opaque, &bus->slots[i].region);
}
