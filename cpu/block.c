#include "cpu/block.h"

#include <string.h>

#include "base/bits.h"
#include "host/memory.h"

#define ARENA_SIZE                                                                                           \
    (8 * MIB) /* a kernel and its programs fill it; half of it costs a few per cent of time                  \
               */
#define HASH_BITS      16
#define PAGE_HASH_BITS 12

struct block_cache {
    uint8_t *arena; /* demand-zero: memory is used as blocks are made */
    size_t size;    /* how much of it may be used */
    size_t used;
    size_t insn_size;
    void (*dropped)(void);
    uint64_t generation;
    uint64_t drops; /* calls that dropped or could have dropped a block */
    uint64_t begun; /* `drops` at block_begin */
    struct block *hash[1 << HASH_BITS];
    struct block *pages[1 << PAGE_HASH_BITS];
};

struct block_cache *block_cache_create(size_t insn_size, void (*dropped)(void), struct error *err)
{
    uint8_t *arena = host_memory_reserve(ARENA_SIZE, err);
    if (!arena)
        return NULL;
    /* Reserved too, because most buckets of a small guest stay untouched. */
    struct block_cache *cache = host_memory_reserve(align_up(sizeof(*cache), PAGE_SIZE), err);
    if (!cache) {
        host_memory_unmap(arena, ARENA_SIZE);
        return NULL;
    }
    cache->arena = arena;
    cache->size = ARENA_SIZE;
    cache->insn_size = insn_size;
    cache->dropped = dropped;
    cache->generation = 1;
    return cache;
}

void block_cache_destroy(struct block_cache *cache)
{
    if (!cache)
        return;
    host_memory_unmap(cache->arena, ARENA_SIZE);
    host_memory_unmap(cache, align_up(sizeof(*cache), PAGE_SIZE));
}

void block_cache_share(struct block_cache *cache, unsigned count)
{
    cache->size = count > 1 ? ARENA_SIZE / 2 : ARENA_SIZE;
}

static struct block **hash_bucket(struct block_cache *cache, uint64_t pa, uint32_t mode)
{
    /* Blocks that are neighbours in memory are so here: they tend to be looked up together. */
    uint64_t h = pa >> 2 ^ pa >> (HASH_BITS + 2) ^ mode;
    return &cache->hash[h & (ARRAY_LEN(cache->hash) - 1)];
}

static struct block **page_bucket(struct block_cache *cache, uint64_t page)
{
    return &cache->pages[(page * 0x9e3779b97f4a7c15) >> (64 - PAGE_HASH_BITS)];
}

struct block *block_find(struct block_cache *cache, uint64_t pa, uint32_t mode)
{
    struct block *block = *hash_bucket(cache, pa, mode);
    while (block && (block->pa != pa || block->mode != mode))
        block = block->hash_next;
    return block;
}

struct block *block_begin(struct block_cache *cache, unsigned slots)
{
    size_t need = sizeof(struct block) + slots * cache->insn_size;
    if (cache->size - cache->used < need)
        block_drop_all(cache);
    cache->begun = cache->drops;
    return (struct block *)(void *)(cache->arena + cache->used);
}

bool block_commit(struct block_cache *cache, struct block *block, unsigned slots)
{
    if (cache->begun != cache->drops)
        return false;
    cache->used += sizeof(struct block) + slots * cache->insn_size;
    struct block **bucket = hash_bucket(cache, block->pa, block->mode);
    block->hash_next = *bucket;
    *bucket = block;
    bucket = page_bucket(cache, block->pa >> PAGE_BITS);
    block->page_next = *bucket;
    *bucket = block;
    return true;
}

/* The place in the arena behind a block's slots. */
static size_t place_behind(const struct block_cache *cache, const struct block *block, unsigned slots)
{
    return (size_t)((const uint8_t *)block->insns + slots * cache->insn_size - cache->arena);
}

bool block_reopen(struct block_cache *cache, const struct block *block, unsigned slots, unsigned room)
{
    cache->begun = cache->drops;
    return place_behind(cache, block, slots) == cache->used &&
           place_behind(cache, block, room) <= cache->size;
}

bool block_extend(struct block_cache *cache, const struct block *block, unsigned slots)
{
    if (cache->begun != cache->drops)
        return false;
    cache->used = place_behind(cache, block, slots);
    return true;
}

uint64_t block_generation(const struct block_cache *cache)
{
    return cache->generation;
}

/* Out of the hash, and no way into its instructions any more but through `dropped`. */
static void block_kill(struct block_cache *cache, struct block *block)
{
    struct block **at = hash_bucket(cache, block->pa, block->mode);
    while (*at != block)
        at = &(*at)->hash_next;
    *at = block->hash_next;
    memcpy(block->insns, &cache->dropped, sizeof(cache->dropped));
}

static void bucket_drop(struct block_cache *cache, struct block **at, uint64_t pa, uint64_t len)
{
    while (*at) {
        struct block *block = *at;
        if (ranges_overlap(block->pa, block->bytes, pa, len)) {
            *at = block->page_next;
            block_kill(cache, block);
        } else {
            at = &block->page_next;
        }
    }
}

void block_drop(struct block_cache *cache, uint64_t pa, uint64_t len)
{
    if (len == 0)
        return;
    cache->drops++;
    uint64_t first = pa >> PAGE_BITS, count = ((pa + (len - 1)) >> PAGE_BITS) - first + 1;
    if (count >= ARRAY_LEN(cache->pages)) {
        for (size_t i = 0; i < ARRAY_LEN(cache->pages); i++)
            bucket_drop(cache, &cache->pages[i], pa, len);
        return;
    }
    for (uint64_t page = first; page < first + count; page++)
        bucket_drop(cache, page_bucket(cache, page), pa, len);
}

void block_drop_all(struct block_cache *cache)
{
    cache->drops++;
    cache->generation++;
    cache->used = 0;
    memset(cache->hash, 0, sizeof(cache->hash));
    memset(cache->pages, 0, sizeof(cache->pages));
}
