/*
 * Copies of the whole memory, and giving parts of it back.
 *
 * A block that was never cloned owns its file, and a clone of it costs nothing: the file is frozen as the
 * common past, and from then on both sides map it privately. A block that is copy-on-write already can't be
 * frozen a second time (its private pages are in no file), so its clone gets a file of its own with the bytes
 * copied.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "softmmu/ram_internal.h"

static struct ram_block *clone_sharing(struct ram *clone, struct ram_block *from, struct error *err)
{
    if (!host_memory_make_private(from->file->fd, from->host, 0, from->size, err))
        return NULL;
    from->copy_on_write = true;
    __atomic_add_fetch(&from->file->references, 1, __ATOMIC_RELAXED);
    return ram_block_open(clone, from->name, from->size, from->file, true, err);
}

static bool is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PAGE_SIZE - 1) == 0;
}

static struct ram_block *clone_copying(struct ram *clone, const struct ram_block *from, struct error *err)
{
    struct ram_file *file = ram_file_create(from->name, from->size, err);
    struct ram_block *to = file ? ram_block_open(clone, from->name, from->size, file, false, err) : NULL;
    if (!to)
        return NULL;
    /* A private page exists only where the file has one: writing to it brought the file's page in first. */
    uint64_t offset = 0, size;
    while (host_memory_next_data(from->file->fd, &offset, &size)) {
        uint64_t end = align_up(offset + size, PAGE_SIZE);
        for (offset = align_down(offset, PAGE_SIZE); offset < end && offset < from->size;
             offset += PAGE_SIZE) {
            if (!is_zero(from->host + offset))
                memcpy(to->host + offset, from->host + offset, PAGE_SIZE);
        }
    }
    return to;
}

/* Clone the blocks from this one on, last first, so that the clone's list has the same order. */
static bool clone_blocks(struct ram *clone, struct ram_block *from, const struct ram *ram, struct error *err)
{
    if (!from)
        return true;
    if (!clone_blocks(clone, from->next, ram, err))
        return false;
    struct ram_block *to =
        from->copy_on_write ? clone_copying(clone, from, err) : clone_sharing(clone, from, err);
    if (!to)
        return false;
    for (unsigned i = 0; i < ram->mapping_count; i++) {
        if (ram->mappings[i].block == from)
            clone->mappings[i].block = to;
    }
    return true;
}

struct ram *ram_clone(struct ram *ram, struct error *err)
{
    struct ram *clone = ram_create();
    memcpy(clone->mappings, ram->mappings, sizeof(ram->mappings));
    clone->mapping_count = ram->mapping_count;
    clone->next_id = ram->next_id;
    if (!clone_blocks(clone, ram->blocks, ram, err)) {
        ram_destroy(clone);
        return NULL;
    }
    return clone;
}

struct ram_block *ram_block_find(struct ram *ram, const char *name)
{
    struct ram_block *block = ram->blocks;
    while (block && strcmp(block->name, name) != 0)
        block = block->next;
    return block;
}

void ram_block_discard(struct ram_block *block, uint64_t offset, uint64_t len)
{
    assert(offset + len <= block->size && !((offset | len) & ~PAGE_MASK));
    /* The file behind a copy-on-write block is a clone's past as well. */
    if (block->copy_on_write)
        memset(block->host + offset, 0, len);
    else
        host_memory_discard(block->file->fd, block->host, offset, len);
    ram_range_written(block, offset, len);
}

void ram_discard(struct ram *ram, gpa_t p, uint64_t len)
{
    if (range_beyond(p.a, len, ~(uint64_t)0))
        return;
    uint64_t at = align_up(p.a, PAGE_SIZE), end = align_down(p.a + len, PAGE_SIZE);
    struct ram_mapping mapping;
    while (at < end && ram_find(ram, at, &mapping)) {
        uint64_t left = mapping.base + mapping.size - at, n = end - at < left ? end - at : left;
        uint64_t offset = mapping.offset + (at - mapping.base);
        struct ram_block *block = mapping.block;
        if (mapping.kind == RAM_MAPPED)
            ram_block_discard(block, offset, n);
        at += n;
    }
}
