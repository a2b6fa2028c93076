/*
 * Dirty tracking. A page whose client has not seen a change yet is watched, so the first write to it comes
 * through ram_written and sets the bit; then the page is free until the next harvest.
 *
 * Harvest clears the bit first, and then takes the write tags away: a write in between went through a tag
 * that was right when it was given, its page is in this harvest, and its bytes are there when harvest has
 * returned.
 */
#include <assert.h>
#include <string.h>

#include "softmmu/ram_internal.h"

void ram_dirty_mark(struct ram_block *block, uint64_t offset, uint64_t len)
{
    uint8_t tracked = ram_tracked(block);
    if (likely(!tracked))
        return;
    for (uint64_t page = offset >> PAGE_BITS; page <= (offset + len - 1) >> PAGE_BITS; page++) {
        if (tracked & ~ram_page_state(block, page))
            __atomic_fetch_or(&block->pages[page], tracked, __ATOMIC_SEQ_CST);
    }
}

void ram_dirty_track(struct ram *ram, struct ram_block *block, enum ram_dirty_client client, bool on)
{
    assert(block->ram == ram);
    uint8_t bit = (uint8_t)(1u << client);
    if (!on) {
        __atomic_fetch_and(&block->tracked, (uint8_t)~bit, __ATOMIC_SEQ_CST);
        return;
    }
    for (uint64_t page = 0; page < block->size >> PAGE_BITS; page++) {
        if (block->pages[page] & bit)
            __atomic_fetch_and(&block->pages[page], (uint8_t)~bit, __ATOMIC_SEQ_CST);
    }
    __atomic_fetch_or(&block->tracked, bit, __ATOMIC_SEQ_CST);
    /* Listeners obey in order: when a page is protected, the earlier request has been obeyed too. */
    ram_remapped(ram);
    ram_pages_protect(block, 0, PAGE_SIZE);
}

void ram_dirty_source_set(struct ram *ram, void (*collect)(void *opaque, struct ram_block *block),
                          void *opaque)
{
    ram->dirty_collect = collect;
    ram->dirty_opaque = opaque;
}

bool ram_dirty_by_page(const struct ram *ram)
{
    return !ram->dirty_collect;
}

bool ram_dirty_harvest(struct ram *ram, struct ram_block *block, enum ram_dirty_client client,
                       uint64_t offset, uint64_t size, uint64_t *bits)
{
    assert(block->ram == ram && offset + size <= block->size && !((offset | size) & ~PAGE_MASK));
    uint8_t bit = (uint8_t)(1u << client);
    uint64_t first = offset >> PAGE_BITS, count = size >> PAGE_BITS;
    uint64_t lowest = count, highest = 0;
    memset(bits, 0, (count + 63) / 64 * 8);
    if (ram->dirty_collect)
        ram->dirty_collect(ram->dirty_opaque, block);
    for (uint64_t i = 0; i < count; i++) {
        if (!(__atomic_load_n(&block->pages[first + i], __ATOMIC_RELAXED) & bit))
            continue;
        __atomic_fetch_and(&block->pages[first + i], (uint8_t)~bit, __ATOMIC_SEQ_CST);
        bits[i / 64] |= (uint64_t)1 << (i % 64);
        lowest = lowest < i ? lowest : i;
        highest = i;
    }
    if (lowest == count)
        return false;
    /* Those between that did not change are watched already, and lose nothing. */
    ram_pages_protect(block, (first + lowest) << PAGE_BITS, (highest - lowest + 1) << PAGE_BITS);
    return true;
}
