/*
 * The cache of decoded blocks, one a vCPU: runs of decoded instructions found by physical address and mode,
 * whatever the guest architecture. Instructions are the core's own fixed-size structs; all that is known of
 * one here is that it begins with the pointer to its handler.
 *
 * A block lies in one guest page. Blocks hold no reference to others but links, which the core follows
 * without asking: so a dropped block stays where it is and its first handler is replaced by the core's
 * `dropped` handler, which looks the address up again. Memory comes back when the arena is full and
 * everything goes.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

struct block {
    uint64_t pa;             /* of the first instruction */
    struct block *hash_next; /* same hash */
    struct block *page_next; /* same page */
    uint32_t mode;           /* the core's: what decoding depended on beside the bytes */
    uint16_t count;          /* guest instructions */
    uint16_t bytes;          /* of guest memory they were decoded from */
    uint64_t insns[];        /* the core's instructions: `slots` * insn_size bytes */
};
_Static_assert(sizeof(struct block) == 32, "instructions begin 16-byte aligned");

struct block_cache;

/* NULL and err when the host has no memory. insn_size: multiple of 16. */
struct block_cache *block_cache_create(size_t insn_size, void (*dropped)(void), struct error *err);
void block_cache_destroy(struct block_cache *cache);

/* The machine has `count` vCPUs, each with a cache of its own: before the first block, so that each takes
 * less of the host's memory. */
void block_cache_share(struct block_cache *cache, unsigned count);

/* The block at pa decoded for `mode`, or NULL. */
struct block *block_find(struct block_cache *cache, uint64_t pa, uint32_t mode);

/*
 * Room for a new block of up to `slots` instructions. When the arena is full this empties the cache, and
 * every pointer to a block dies (block_generation changes). Then decode, and commit; or begin again.
 */
struct block *block_begin(struct block_cache *cache, unsigned slots);

/*
 * Make the block known: pa, mode, count and bytes are set, `slots` instructions used. False when code was
 * dropped since block_begin, which may have changed the bytes decoded: decode again.
 */
bool block_commit(struct block_cache *cache, struct block *block, unsigned slots);

/*
 * Whether `block`, of which `slots` are used, may become longer: it is the last one that was made, and there
 * is room for `room` slots. Then decode on behind what it has, set count and bytes, and call block_extend;
 * which may say that code was dropped meanwhile: then put back what was overwritten.
 */
bool block_reopen(struct block_cache *cache, const struct block *block, unsigned slots, unsigned room);
bool block_extend(struct block_cache *cache, const struct block *block, unsigned slots);

/* Changes whenever blocks have been freed: pointers and links from before are dead. */
uint64_t block_generation(const struct block_cache *cache);

/* Drop blocks decoded from [pa, pa + len), or all. */
void block_drop(struct block_cache *cache, uint64_t pa, uint64_t len);
void block_drop_all(struct block_cache *cache);
