/*
 * The radix page-table engine. A page-table format is a description (levels, entry size, encode, decode);
 * walking, mapping, splitting and dumping are done here, once for all formats: those guests make for
 * themselves and the second-level ones (EPT, NPT, Stage-2, G-stage) that are made for guests.
 *
 * A table is looked at and changed entry by entry with atomic accesses, because hardware or another vCPU may
 * be walking it. Changes by this side need a lock of the caller's.
 */
#pragma once

#include "softmmu/ram.h"

#define RADIX_LEVELS_MAX 6

enum radix_kind {
    RADIX_EMPTY,
    RADIX_TABLE,
    RADIX_LEAF,
    RADIX_RESERVED, /* a bit pattern the format does not define */
};

/* What an entry says. */
struct radix_entry {
    enum radix_kind kind;
    uint8_t page_bits; /* a leaf's size as log2; more than its level's where neighbours make one page together
                          (Svnapot, Arm's contiguous bit) */
    uint64_t address;  /* of the next table, or of the page */
    uint64_t attributes; /* all else the entry says, the same bits at every level */
};

/* The index of a level is `bits` bits of the virtual address from bit `shift` on. */
struct radix_level {
    uint8_t shift, bits;
};

/* Formats are constants, or made at run time where registers choose among many (Arm's TCR). */
struct radix_format {
    const char *name;
    uint8_t levels;      /* the root is depth 0 */
    uint8_t entry_size;  /* 4 or 8 bytes */
    uint8_t leaf_depths; /* bit n: an entry at depth n can be a leaf */
    bool sign_extended;  /* addresses above the highest index repeat its top bit; else they are zero */
    struct radix_level level[RADIX_LEVELS_MAX];

    /* `options` is the root's. A table at the last depth is reserved without decode's saying so. */
    struct radix_entry (*decode)(const struct radix_format *format, unsigned depth, uint64_t raw,
                                 uint64_t options);
    /* For tables made here: a leaf or a table (attributes 0). NULL for formats that only guests make. */
    uint64_t (*encode)(const struct radix_format *format, unsigned depth, const struct radix_entry *entry);
    /* The attributes in effect below a table; NULL: a table's attributes mean nothing for its leaves. */
    uint64_t (*inherit)(uint64_t table_attributes, uint64_t attributes);
};

struct radix_root {
    const struct radix_format *format;
    uint64_t table;   /* where the first table lies */
    uint64_t options; /* what decode must know besides (enabled extensions, address widths) */
};

/*
 * Where tables lie: the host memory of an entry, aligned to its size, or NULL: no access there. In a nested
 * walk this is where the table's address is translated. `written` is told after an entry was changed; it may
 * be NULL.
 */
struct radix_memory {
    void *(*entry)(void *opaque, uint64_t address, unsigned size, enum ram_access access);
    void (*written)(void *opaque, uint64_t address, unsigned size);
    void *opaque;
};

/* One entry of a walk. */
struct radix_step {
    uint64_t at; /* where it lies */
    uint64_t raw;
    struct radix_entry entry;
};

struct radix_path {
    struct radix_step steps[RADIX_LEVELS_MAX]; /* from the root down; the last says how it ended */
    unsigned count;                            /* steps taken; with a bus fault, one of them unread */
    uint64_t attributes;                       /* of the last entry, with what the tables above add */
};

/* Whether the address can be translated at all: its bits above the highest index are as they must be. */
bool radix_reaches(const struct radix_format *format, uint64_t va);

/*
 * Follow an address as far as the tables go. False: a table can't be read (the last step's `at`). True: the
 * last step is a leaf, empty or reserved.
 */
bool radix_walk(const struct radix_root *root, const struct radix_memory *memory, uint64_t va,
                struct radix_path *path);

static inline const struct radix_step *radix_last(const struct radix_path *path)
{
    return &path->steps[path->count - 1];
}

/* The physical address of va in a leaf. */
static inline uint64_t radix_address(const struct radix_entry *leaf, uint64_t va)
{
    uint64_t inside = ((uint64_t)1 << leaf->page_bits) - 1;
    return (leaf->address & ~inside) | (va & inside);
}

enum radix_result {
    RADIX_OK,
    RADIX_CHANGED,   /* the entry is not what it was: walk again */
    RADIX_BUS,       /* the entry can't be written */
    RADIX_EXISTS,    /* something is mapped there */
    RADIX_ABSENT,    /* nothing is mapped there */
    RADIX_UNALIGNED, /* an address or a size no page can have, or out of the format's reach */
    RADIX_NO_MEMORY,
};

/* Replace an entry that still is what the step says (setting accessed and dirty bits). OK, CHANGED or BUS. */
enum radix_result radix_update(const struct radix_format *format, const struct radix_memory *memory,
                               const struct radix_step *step, uint64_t raw);

/* Neighbouring pages with the same attributes that follow one another physically too. */
struct radix_range {
    uint64_t va, pa, size;
    uint64_t attributes;
};

/*
 * Each range in order of address; fn returns false to stop. False when it was stopped, or when the tables
 * hold more entries than any honest guest's: they may well point at themselves.
 */
bool radix_dump(const struct radix_root *root, const struct radix_memory *memory,
                bool (*fn)(void *opaque, const struct radix_range *range), void *opaque);

/*
 * A table made here. `memory` gives access to what `alloc` gave: zeroed, aligned to its size. `invalidate` is
 * called after translations of the range got less or different and before a table that held them is freed;
 * it may be NULL.
 */
struct radix_table {
    struct radix_root root;
    struct radix_memory memory;
    bool (*alloc)(void *opaque, uint64_t size, uint64_t *address);
    void (*free)(void *opaque, uint64_t address, uint64_t size);
    void (*invalidate)(void *opaque, uint64_t va, uint64_t size);
    void *opaque;
};

/* Allocate the root (all else is filled in by the caller); free everything. */
enum radix_result radix_table_create(struct radix_table *table);
void radix_table_destroy(struct radix_table *table);

/* Map one page of a size the format has. EXISTS when any part of it is mapped. */
enum radix_result radix_map(struct radix_table *table, uint64_t va, uint64_t pa, unsigned page_bits,
                            uint64_t attributes);

/* Map a range with pages as large as fit, up to 2^largest bytes. Nothing is mapped when it fails. */
enum radix_result radix_map_range(struct radix_table *table, uint64_t va, uint64_t pa, uint64_t size,
                                  uint64_t attributes, unsigned largest);

/* Remove the page that holds va, whole; its size goes to *page_bits (may be NULL). */
enum radix_result radix_unmap(struct radix_table *table, uint64_t va, unsigned *page_bits);

/* Remove what is mapped in the range; pages that reach beyond it are split. Holes are fine. NO_MEMORY: there
 * was no table for a split, and everything is mapped as before. */
enum radix_result radix_unmap_range(struct radix_table *table, uint64_t va, uint64_t size);

/* Change attributes of what is mapped in the range, likewise. */
enum radix_result radix_protect(struct radix_table *table, uint64_t va, uint64_t size, uint64_t clear,
                                uint64_t set);

/* Make the page that holds va consist of pages of at most 2^page_bits bytes along the way to va. */
enum radix_result radix_split(struct radix_table *table, uint64_t va, unsigned page_bits);

/* The leaf that holds va; the physical address of va. False: none. */
bool radix_query(const struct radix_table *table, uint64_t va, struct radix_entry *leaf);
bool radix_translate(const struct radix_table *table, uint64_t va, uint64_t *pa);
