/*
 * The bus: device registers by address, one type for MMIO and for port I/O. Handlers see an offset and a
 * width that are already legal for them; overlap is an error when the machine is built.
 */
#pragma once

#include "base/error.h"
#include "host/thread.h"

struct bus;

struct bus_region {
    const char *name;
    uint64_t base, size;
    /* Widths the handlers take, in bytes (1, 2, 4, 8; 0 means 1 and 8). Wider accesses are split, low address
     * first; of narrower ones, reads take their part of a wider read and writes are dropped with a log line.
     */
    uint8_t min_width, max_width;
    /* The handlers get every access whole, as it was made, at any offset: what is next to each other here are
     * not the bytes of one register. */
    bool whole;
    /* The handlers lock for themselves: the bus does not take the machine lock. */
    bool unlocked;
    uint64_t (*read)(void *opaque, uint64_t offset, unsigned width);
    void (*write)(void *opaque, uint64_t offset, uint64_t value, unsigned width);
    void *opaque;
};

/* `lock` is the machine lock, taken around handlers; NULL for a bus used by one thread. */
struct bus *bus_create(const char *name, struct host_mutex *lock);
void bus_destroy(struct bus *bus);

/*
 * Add a region (the struct is copied, its name is not). False and err (naming both) on overlap or wrap.
 * Machine lock held once vCPUs run; *id names it for bus_remove.
 */
bool bus_add(struct bus *bus, const struct bus_region *region, unsigned *id, struct error *err);
void bus_remove(struct bus *bus, unsigned id);

/* An access of 1 to 8 bytes at any alignment. False when no region holds all of it: the core decides what
 * that means. */
bool bus_read(struct bus *bus, uint64_t address, unsigned width, uint64_t *value);
bool bus_write(struct bus *bus, uint64_t address, uint64_t value, unsigned width);

/* Whether [address, address + len) lies in one region. */
bool bus_covers(struct bus *bus, uint64_t address, uint64_t len);

/* Each region in order of address, for `info` and the board's map. */
void bus_each(struct bus *bus, void (*fn)(void *opaque, const struct bus_region *region), void *opaque);
