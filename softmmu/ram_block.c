/* Blocks of guest RAM: the host memory behind them, giving it back, and cloning it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "softmmu/ram_internal.h"

struct ram_file *ram_file_create(const char *name, uint64_t size, struct error *err)
{
    int fd = host_memory_create(name, size, err);
    if (fd < 0)
        return NULL;
    struct ram_file *file = malloc(sizeof(*file));
    if (!file)
        abort();
    *file = (struct ram_file){.fd = fd, .references = 1};
    return file;
}

void ram_file_release(struct ram_file *file)
{
    if (__atomic_sub_fetch(&file->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    host_memory_close(file->fd);
    free(file);
}

struct ram_block *ram_block_open(struct ram *ram, const char *name, uint64_t size, struct ram_file *file,
                                 bool copy_on_write, struct error *err)
{
    struct ram_block *block = calloc(1, sizeof(*block));
    if (!block)
        abort();
    uint64_t pages = size >> PAGE_BITS;
    block->ram = ram;
    block->file = file;
    block->size = size;
    block->copy_on_write = copy_on_write;
    block->name = strdup(name);
    block->host = host_memory_map(file->fd, 0, size, copy_on_write, err);
    block->pages = block->host ? host_memory_reserve(align_up(pages, PAGE_SIZE), err) : NULL;
    block->code = block->pages ? host_memory_reserve(align_up(pages * 8, PAGE_SIZE), err) : NULL;
    if (!block->code) {
        ram_block_close(block);
        return NULL;
    }
    block->next = ram->blocks;
    ram->blocks = block;
    return block;
}

void ram_block_close(struct ram_block *block)
{
    uint64_t pages = block->size >> PAGE_BITS;
    if (block->code)
        host_memory_unmap(block->code, align_up(pages * 8, PAGE_SIZE));
    if (block->pages)
        host_memory_unmap(block->pages, align_up(pages, PAGE_SIZE));
    if (block->host)
        host_memory_unmap(block->host, block->size);
    ram_file_release(block->file);
    free(block->name);
    free(block);
}

struct ram_block *ram_block_create(struct ram *ram, const char *name, uint64_t size, struct error *err)
{
    assert(size > 0 && (size & ~PAGE_MASK) == 0);
    struct ram_file *file = ram_file_create(name, size, err);
    return file ? ram_block_open(ram, name, size, file, false, err) : NULL;
}

uint8_t *ram_block_host(struct ram_block *block)
{
    return block->host;
}

bool ram_block_next_data(const struct ram_block *block, uint64_t *offset, uint64_t *size)
{
    return host_memory_next_data(block->file->fd, offset, size);
}

uint64_t ram_block_size(const struct ram_block *block)
{
    return block->size;
}

void ram_block_written(struct ram_block *block, uint64_t offset, uint64_t len)
{
    assert(!range_beyond(offset, len, block->size));
    if (len)
        ram_range_written(block, offset, len);
}
