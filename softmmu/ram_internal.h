/*
 * What the files of guest RAM share among themselves: blocks, the map, and the per-page bookkeeping. Nobody
 * outside softmmu/ram*.c includes this.
 */
#pragma once

#include "host/memory.h"
#include "host/thread.h"
#include "softmmu/ram.h"
#include "softmmu/seqlock.h"

#define RAM_LINE_BITS 6 /* the granule of the code bitmap: 64 lines a page, one word */

/* One byte a page: a dirty bit for each client, and the state of its code protection. */
enum ram_page_state {
    PAGE_DIRTY = (1 << RAM_DIRTY_CLIENTS) - 1,
    /* Every listener has dropped its write permission since the page's first line was marked. Changed under
     * the page's code stripe. */
    PAGE_CODE_SETTLED = 1 << 7,
};

/* A memory object; clones of a block share it. */
struct ram_file {
    int fd;
    uint32_t references;
};

struct ram_block {
    struct ram *ram;
    struct ram_block *next;
    char *name;
    uint64_t size;
    uint8_t *host;
    struct ram_file *file;
    bool copy_on_write; /* mapped privately: the file is the frozen past of this block and of its clones */
    uint8_t tracked;    /* dirty clients that watch this block */
    uint8_t *pages;     /* enum ram_page_state */
    uint64_t *code;     /* a word a page: bit n says that line n was decoded */
};

struct ram_mapping {
    uint64_t base, size, offset;
    struct ram_block *block;
    unsigned id;
    enum ram_mapping_kind kind;
};

struct ram_listener_node {
    struct ram_listener_node *next;
    struct ram_code_listener listener;
};

/*
 * The slow transitions of the code bitmap (a line marked, a page without lines again) are made under one of
 * these, chosen by page. `emptied` counts how often a page of the stripe lost its last line.
 */
#define RAM_CODE_STRIPES 64
struct ram_code_stripe {
    struct host_mutex lock;
    uint64_t emptied;
};

struct ram {
    struct ram_block *blocks;
    struct ram_listener_node *listeners;
    struct ram_code_stripe stripes[RAM_CODE_STRIPES];
    void (*dirty_collect)(void *opaque, struct ram_block *block); /* ram_dirty_source_set */
    void *dirty_opaque;
    struct seqlock map_lock;
    unsigned mapping_count, next_id;
    struct ram_mapping mappings[RAM_MAPPINGS_MAX]; /* by base */
};

/* The mapping that holds p, whatever its kind. Lock-free. */
bool ram_find(struct ram *ram, uint64_t p, struct ram_mapping *found);

/* Every guest physical address a block's byte is shown at; returns how many. Lock-free. */
unsigned ram_aliases(const struct ram_block *block, uint64_t offset, uint64_t aliases[RAM_MAPPINGS_MAX]);

/* Bytes of [offset, offset + len) have changed: mark them dirty, drop code. Lies inside the block. */
void ram_dirty_mark(struct ram_block *block, uint64_t offset, uint64_t len);
void ram_code_drop(struct ram_block *block, uint64_t offset, uint64_t len);
void ram_range_written(struct ram_block *block, uint64_t offset, uint64_t len);

/* Ask every listener to drop its write permission for pages of the block, wherever they are shown. */
void ram_pages_protect(const struct ram_block *block, uint64_t offset, uint64_t len);
void ram_remapped(struct ram *ram);

static inline uint8_t ram_page_state(const struct ram_block *block, uint64_t page)
{
    return __atomic_load_n(&block->pages[page], __ATOMIC_SEQ_CST);
}

static inline uint8_t ram_tracked(const struct ram_block *block)
{
    return __atomic_load_n(&block->tracked, __ATOMIC_SEQ_CST);
}

/* A block over a file, with its bookkeeping; takes one reference of the file, also when it fails. */
struct ram_block *ram_block_open(struct ram *ram, const char *name, uint64_t size, struct ram_file *file,
                                 bool copy_on_write, struct error *err);
void ram_block_close(struct ram_block *block);
struct ram_file *ram_file_create(const char *name, uint64_t size, struct error *err);
void ram_file_release(struct ram_file *file);
