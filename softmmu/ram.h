/*
 * Guest RAM: blocks of host memory and where the board shows them in guest physical space. ram_at is the one
 * checked way from a guest physical address to a host pointer; holes are holes.
 *
 * The map may change while vCPUs run (a PCI BAR moves, flash leaves read mode): changes are made with the
 * machine lock held, look-ups need no lock.
 */
#pragma once

#include "base/error.h"

struct ram;
struct ram_block;

enum ram_access {
    RAM_READ,
    RAM_WRITE, /* marks the range dirty and drops code decoded from it */
};

/* Who watches for changed pages; each has its own bit per page. */
enum ram_dirty_client {
    RAM_DIRTY_DISPLAY,
    RAM_DIRTY_SNAPSHOT,
    RAM_DIRTY_CLIENTS,
};

struct ram *ram_create(void);
void ram_destroy(struct ram *ram);

/* A block of `size` bytes (multiple of 4 KiB), demand-zero, not mapped yet. The ram owns it. NULL and err. */
struct ram_block *ram_block_create(struct ram *ram, const char *name, uint64_t size, struct error *err);

/* The block of this name, e.g. in a clone; NULL: none. */
struct ram_block *ram_block_find(struct ram *ram, const char *name);

/* The block's memory in the host, for loaders and frame buffers; its owner answers for the bounds and for
 * ram_block_written. */
uint8_t *ram_block_host(struct ram_block *block);
uint64_t ram_block_size(const struct ram_block *block);

/* The next range at or after *offset that was ever touched; all else reads as zero, and takes up memory when
 * it is read. False: none. */
bool ram_block_next_data(const struct ram_block *block, uint64_t *offset, uint64_t *size);

/* The block that all of [p, p + len) shows, and where in it that is; NULL: it is not one. */
struct ram_block *ram_block_at(struct ram *ram, gpa_t p, uint64_t len, uint64_t *offset);

/* Tell that [offset, offset + len) was changed through the host pointer. */
void ram_block_written(struct ram_block *block, uint64_t offset, uint64_t len);

/* How a mapping answers. */
enum ram_mapping_kind {
    RAM_MAPPED,       /* reads and writes */
    RAM_READONLY,     /* reads and fetches; a write goes to the bus region behind it, if there is one */
    RAM_HIDDEN,       /* nothing: accesses go to the bus */
    RAM_GUARDED,      /* the same, but for processors that are let in: memory of system-management mode */
    RAM_GUARDED_CODE, /* the same, and these only fetch from it */
};

/*
 * Show [offset, offset + size) of a block at `base`; all three are multiples of 4 KiB. False when it overlaps
 * another mapping or wraps (or there are more than a board can want): an invariant for a board, a check for a
 * BAR. The number in *id (may be NULL) names the mapping.
 */
bool ram_map(struct ram *ram, struct ram_block *block, uint64_t offset, gpa_t base, uint64_t size,
             enum ram_mapping_kind kind, unsigned *id);
void ram_unmap(struct ram *ram, unsigned id);
void ram_mapping_set_kind(struct ram *ram, unsigned id, enum ram_mapping_kind kind);

/*
 * The checked accessor: a host pointer for [p, p + len), or NULL when any byte of it is not in one mapping
 * that allows the access, or the range wraps. len == 0 gives NULL. RAM_WRITE also marks dirty and drops
 * decoded code: take the pointer, write, and let go of it; for long-lived pointers, and where a vCPU may
 * meanwhile run what is being written, call ram_written after each write.
 */
void *ram_at(struct ram *ram, gpa_t p, uint64_t len, enum ram_access access);

/* Copies that may cross mappings. False, with nothing copied, when any byte is missing. */
bool ram_read(struct ram *ram, gpa_t p, void *to, uint64_t len);
bool ram_write(struct ram *ram, gpa_t p, const void *from, uint64_t len);
bool ram_fill(struct ram *ram, gpa_t p, uint8_t byte, uint64_t len);

/* What the TLB asks: the page at p (page-aligned), as a fill needs it. */
struct ram_page {
    uint8_t *host; /* NULL: no RAM here */
    bool writable; /* the mapping allows writes */
    bool watched;  /* a write must come through ram_written: the page holds decoded code or its dirtiness is
                      tracked */
};
struct ram_page ram_page_at(struct ram *ram, gpa_t p);
/* The same for a processor that is let into guarded mappings. */
struct ram_page ram_page_guarded(struct ram *ram, gpa_t p, bool fetch);

/*
 * A write of [p, p + len) to a watched page happened: mark dirty, drop code. Any thread. Call it after the
 * bytes are written: told beforehand, a vCPU could decode the old ones in between.
 */
void ram_written(struct ram *ram, gpa_t p, uint64_t len);

/* The map as an accelerator needs it, by address (what is guarded is RAM_HIDDEN); returns how many there are
 * (at most RAM_MAPPINGS_MAX). */
#define RAM_MAPPINGS_MAX 128
struct ram_range {
    uint64_t base, size;
    struct ram_block *block;
    uint64_t offset; /* in the block */
    enum ram_mapping_kind kind;
    bool tracked; /* somebody watches the block for changed pages */
};
unsigned ram_ranges(struct ram *ram, struct ram_range ranges[RAM_MAPPINGS_MAX]);

/* Total bytes shown as writable RAM. */
uint64_t ram_total(struct ram *ram);

/*
 * Dirty tracking. Starting it (and each harvest) makes every page of the range watched. Harvest copies and
 * clears one bit a page into `bits` (bit i: page i of the range, a multiple of 4 KiB); false when nothing
 * changed. Read the pages after it has returned. Both wait for the vCPUs: machine lock not held while any
 * runs.
 */
void ram_dirty_track(struct ram *ram, struct ram_block *block, enum ram_dirty_client client, bool on);
bool ram_dirty_harvest(struct ram *ram, struct ram_block *block, enum ram_dirty_client client,
                       uint64_t offset, uint64_t size, uint64_t *bits);

/*
 * Who writes to guest memory past ram_written and keeps its own account of it: a harvest first has it call
 * ram_block_written for what was changed in the block. One at a time; NULL: nobody. While nothing runs.
 */
void ram_dirty_source_set(struct ram *ram, void (*collect)(void *opaque, struct ram_block *block),
                          void *opaque);

/* Whether watching a few pages costs the rest of their block nothing: who keeps an account of his own keeps
 * it of the whole. */
bool ram_dirty_by_page(const struct ram *ram);

/* Give [p, p + len) back to the host (a balloon, a virtio-mem unplug): it reads as zero. Whole pages inside
 * only. */
void ram_discard(struct ram *ram, gpa_t p, uint64_t len);
/* The same for [offset, offset + len) of a block, both multiples of 4 KiB. */
void ram_block_discard(struct ram_block *block, uint64_t offset, uint64_t len);

/*
 * A copy-on-write copy of every block with the same map: both sides go on independently. Nothing is copied
 * the first time; a RAM that was cloned before, or is a clone, is copied where it was touched. The vCPUs and
 * all transfers are at rest. Listeners and tracking are not cloned. NULL and err.
 */
struct ram *ram_clone(struct ram *ram, struct error *err);

/*
 * Decoded code. Cores mark the 64-byte lines they decoded; a later write tells every listener which bytes
 * changed and unmarks the lines.
 *
 * `protect` is called when a page gets its first marked line, and for pages of a dirty harvest: the listener
 * drops its write permission for these whole pages from its TLB and returns when no write can go past
 * ram_written any more. `written` is called with the
 * lines that changed (whole ones: they are unmarked, so all that was decoded from them must go) and does not
 * wait. `remapped` does not wait either; but a listener obeys in order, so when `protect` returns, earlier
 * calls of all three have taken effect. All may be called from any thread; the listeners are the vCPUs.
 */
struct ram_code_listener {
    void (*protect)(void *opaque, gpa_t first, uint64_t len);
    void (*written)(void *opaque, gpa_t p, uint64_t len);
    /* The map or tracking changed: drop every cached translation before the next access. */
    void (*remapped)(void *opaque);
    void *opaque;
};
/* While nothing runs. The struct is copied; its opaque names it for the removal. */
void ram_listener_add(struct ram *ram, const struct ram_code_listener *listener);
void ram_listener_remove(struct ram *ram, const void *opaque);

/*
 * Mark [p, p + len) as decoded: mark first, then read the bytes, so that no write is missed. May wait for the
 * other vCPUs: machine lock not held. A vCPU that does work of its own while it waits in `protect` may be
 * told of a write to these lines in it; they are marked again before this returns.
 */
void ram_code_mark(struct ram *ram, gpa_t p, uint64_t len);
