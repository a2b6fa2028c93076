/* Blocks, the map, and the checked accessor. */
#include "softmmu/ram.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "softmmu/ram_internal.h"

struct ram *ram_create(void)
{
    struct ram *ram = calloc(1, sizeof(*ram));
    if (!ram)
        abort();
    for (unsigned i = 0; i < RAM_CODE_STRIPES; i++)
        host_mutex_init(&ram->stripes[i].lock);
    return ram;
}

void ram_destroy(struct ram *ram)
{
    if (!ram)
        return;
    while (ram->blocks) {
        struct ram_block *block = ram->blocks;
        ram->blocks = block->next;
        ram_block_close(block);
    }
    while (ram->listeners) {
        struct ram_listener_node *node = ram->listeners;
        ram->listeners = node->next;
        free(node);
    }
    for (unsigned i = 0; i < RAM_CODE_STRIPES; i++)
        host_mutex_destroy(&ram->stripes[i].lock);
    free(ram);
}

bool ram_find(struct ram *ram, uint64_t p, struct ram_mapping *found)
{
    uint32_t start;
    bool hit;
    do {
        start = seqlock_read_begin(&ram->map_lock);
        unsigned low = 0, high = ram->mapping_count;
        while (low < high) { /* the first mapping that begins above p */
            unsigned middle = (low + high) / 2;
            if (ram->mappings[middle].base <= p)
                low = middle + 1;
            else
                high = middle;
        }
        hit = low > 0 && p - ram->mappings[low - 1].base < ram->mappings[low - 1].size;
        if (hit)
            *found = ram->mappings[low - 1];
    } while (seqlock_read_retry(&ram->map_lock, start));
    return hit;
}

unsigned ram_aliases(const struct ram_block *block, uint64_t offset, uint64_t aliases[RAM_MAPPINGS_MAX])
{
    const struct ram *ram = block->ram;
    uint32_t start;
    unsigned count;
    do {
        start = seqlock_read_begin(&ram->map_lock);
        count = 0;
        for (unsigned i = 0; i < ram->mapping_count; i++) {
            const struct ram_mapping *mapping = &ram->mappings[i];
            if (mapping->block == block && offset - mapping->offset < mapping->size)
                aliases[count++] = mapping->base + (offset - mapping->offset);
        }
    } while (seqlock_read_retry(&ram->map_lock, start));
    return count;
}

static bool overlaps_another(const struct ram *ram, uint64_t base, uint64_t size)
{
    for (unsigned i = 0; i < ram->mapping_count; i++) {
        if (ranges_overlap(base, size, ram->mappings[i].base, ram->mappings[i].size))
            return true;
    }
    return false;
}

bool ram_map(struct ram *ram, struct ram_block *block, uint64_t offset, gpa_t base, uint64_t size,
             enum ram_mapping_kind kind, unsigned *id)
{
    assert(((offset | base.a | size) & ~PAGE_MASK) == 0);
    if (size == 0 || range_beyond(offset, size, block->size) || base.a + (size - 1) < base.a ||
        ram->mapping_count == RAM_MAPPINGS_MAX || overlaps_another(ram, base.a, size))
        return false;

    unsigned place = 0;
    while (place < ram->mapping_count && ram->mappings[place].base < base.a)
        place++;
    seqlock_write_begin(&ram->map_lock);
    memmove(&ram->mappings[place + 1], &ram->mappings[place],
            (ram->mapping_count - place) * sizeof(ram->mappings[0]));
    ram->mappings[place] = (struct ram_mapping){
        .base = base.a, .size = size, .offset = offset, .block = block, .id = ram->next_id, .kind = kind};
    ram->mapping_count++;
    seqlock_write_end(&ram->map_lock);
    if (id)
        *id = ram->next_id;
    ram->next_id++;
    ram_remapped(ram);
    return true;
}

/* The mapping named id, as an index; mapping_count when there is none. */
static unsigned mapping_named(const struct ram *ram, unsigned id)
{
    unsigned i = 0;
    while (i < ram->mapping_count && ram->mappings[i].id != id)
        i++;
    return i;
}

void ram_unmap(struct ram *ram, unsigned id)
{
    unsigned place = mapping_named(ram, id);
    if (place == ram->mapping_count)
        return;
    seqlock_write_begin(&ram->map_lock);
    ram->mapping_count--;
    memmove(&ram->mappings[place], &ram->mappings[place + 1],
            (ram->mapping_count - place) * sizeof(ram->mappings[0]));
    seqlock_write_end(&ram->map_lock);
    ram_remapped(ram);
}

void ram_mapping_set_kind(struct ram *ram, unsigned id, enum ram_mapping_kind kind)
{
    unsigned place = mapping_named(ram, id);
    if (place == ram->mapping_count || ram->mappings[place].kind == kind)
        return;
    seqlock_write_begin(&ram->map_lock);
    ram->mappings[place].kind = kind;
    seqlock_write_end(&ram->map_lock);
    ram_remapped(ram);
}

static bool allows(enum ram_mapping_kind kind, enum ram_access access)
{
    return kind == RAM_MAPPED || (kind == RAM_READONLY && access == RAM_READ);
}

/* As ram_at, without the consequences of a write; *n is how much of len the mapping at p holds. */
static uint8_t *piece_at(struct ram *ram, uint64_t p, uint64_t len, enum ram_access access, uint64_t *n,
                         struct ram_mapping *mapping)
{
    if (!ram_find(ram, p, mapping) || !allows(mapping->kind, access))
        return NULL;
    uint64_t inside = p - mapping->base;
    *n = len < mapping->size - inside ? len : mapping->size - inside;
    return mapping->block->host + mapping->offset + inside;
}

void *ram_at(struct ram *ram, gpa_t p, uint64_t len, enum ram_access access)
{
    struct ram_mapping mapping;
    uint64_t n;
    uint8_t *host = piece_at(ram, p.a, len, access, &n, &mapping);
    if (!host || len == 0 || n != len)
        return NULL;
    if (access == RAM_WRITE)
        ram_range_written(mapping.block, mapping.offset + (p.a - mapping.base), len);
    return host;
}

struct ram_block *ram_block_at(struct ram *ram, gpa_t p, uint64_t len, uint64_t *offset)
{
    struct ram_mapping mapping;
    uint64_t n;
    if (!piece_at(ram, p.a, len, RAM_READ, &n, &mapping) || len == 0 || n != len)
        return NULL;
    *offset = mapping.offset + (p.a - mapping.base);
    return mapping.block;
}

/* Whether every byte of a range, which may cross mappings but not wrap, allows the access. */
static bool covered(struct ram *ram, uint64_t p, uint64_t len, enum ram_access access)
{
    struct ram_mapping mapping;
    uint64_t n;
    if (len && p + (len - 1) < p)
        return false;
    for (; len; p += n, len -= n) {
        if (!piece_at(ram, p, len, access, &n, &mapping))
            return false;
    }
    return true;
}

bool ram_read(struct ram *ram, gpa_t p, void *to, uint64_t len)
{
    struct ram_mapping mapping;
    uint64_t n;
    if (!covered(ram, p.a, len, RAM_READ))
        return false;
    for (uint64_t done = 0; done < len; done += n) {
        const uint8_t *host = piece_at(ram, p.a + done, len - done, RAM_READ, &n, &mapping);
        if (!host) /* the map changed under us */
            return false;
        memcpy((uint8_t *)to + done, host, n);
    }
    return true;
}

/* Copy from `from`, or fill with `byte` when it is NULL. */
static bool put(struct ram *ram, uint64_t p, const uint8_t *from, uint8_t byte, uint64_t len)
{
    struct ram_mapping mapping;
    uint64_t n;
    if (!covered(ram, p, len, RAM_WRITE))
        return false;
    for (uint64_t done = 0; done < len; done += n) {
        uint8_t *host = piece_at(ram, p + done, len - done, RAM_WRITE, &n, &mapping);
        if (!host)
            return false;
        if (from)
            memcpy(host, from + done, n);
        else
            memset(host, byte, n);
        ram_range_written(mapping.block, mapping.offset + (p + done - mapping.base), n);
    }
    return true;
}

bool ram_write(struct ram *ram, gpa_t p, const void *from, uint64_t len)
{
    return put(ram, p.a, from, 0, len);
}

bool ram_fill(struct ram *ram, gpa_t p, uint8_t byte, uint64_t len)
{
    return put(ram, p.a, NULL, byte, len);
}

static struct ram_page page_of(const struct ram_mapping *mapping, uint64_t p, bool writable)
{
    const struct ram_block *block = mapping->block;
    uint64_t offset = mapping->offset + ((p & PAGE_MASK) - mapping->base);
    uint64_t page = offset >> PAGE_BITS;
    bool code = __atomic_load_n(&block->code[page], __ATOMIC_SEQ_CST) != 0;
    bool clean = (ram_tracked(block) & ~ram_page_state(block, page)) != 0;
    return (struct ram_page){.host = block->host + offset, .writable = writable, .watched = code || clean};
}

struct ram_page ram_page_at(struct ram *ram, gpa_t p)
{
    struct ram_mapping mapping;
    if (!ram_find(ram, p.a, &mapping) || !allows(mapping.kind, RAM_READ))
        return (struct ram_page){0};
    return page_of(&mapping, p.a, mapping.kind == RAM_MAPPED);
}

struct ram_page ram_page_guarded(struct ram *ram, gpa_t p, bool fetch)
{
    struct ram_mapping mapping;
    if (!ram_find(ram, p.a, &mapping))
        return (struct ram_page){0};
    bool let_in = mapping.kind == RAM_GUARDED || (mapping.kind == RAM_GUARDED_CODE && fetch);
    if (!let_in && !allows(mapping.kind, RAM_READ))
        return (struct ram_page){0};
    return page_of(&mapping, p.a, let_in || mapping.kind == RAM_MAPPED);
}

void ram_range_written(struct ram_block *block, uint64_t offset, uint64_t len)
{
    /* A core marks lines and then reads their bytes; here bytes were written and now the marks are read. Each
     * side needs its two steps in this order for at least one of them to see the other's. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    ram_dirty_mark(block, offset, len);
    ram_code_drop(block, offset, len);
}

void ram_written(struct ram *ram, gpa_t p, uint64_t len)
{
    struct ram_mapping mapping;
    while (len && ram_find(ram, p.a, &mapping)) {
        uint64_t inside = p.a - mapping.base;
        uint64_t n = len < mapping.size - inside ? len : mapping.size - inside;
        ram_range_written(mapping.block, mapping.offset + inside, n);
        p = gpa_add(p, n);
        len -= n;
    }
}

unsigned ram_ranges(struct ram *ram, struct ram_range ranges[RAM_MAPPINGS_MAX])
{
    uint32_t start;
    unsigned count;
    do {
        start = seqlock_read_begin(&ram->map_lock);
        count = ram->mapping_count;
        for (unsigned i = 0; i < count; i++) {
            const struct ram_mapping *mapping = &ram->mappings[i];
            ranges[i] =
                (struct ram_range){.base = mapping->base,
                                   .size = mapping->size,
                                   .block = mapping->block,
                                   .offset = mapping->offset,
                                   .kind = allows(mapping->kind, RAM_READ) ? mapping->kind : RAM_HIDDEN};
        }
    } while (seqlock_read_retry(&ram->map_lock, start));
    for (unsigned i = 0; i < count; i++)
        ranges[i].tracked = ram_tracked(ranges[i].block);
    return count;
}

uint64_t ram_total(struct ram *ram)
{
    uint32_t start;
    uint64_t total;
    do {
        start = seqlock_read_begin(&ram->map_lock);
        total = 0;
        for (unsigned i = 0; i < ram->mapping_count; i++)
            total += ram->mappings[i].kind == RAM_MAPPED ? ram->mappings[i].size : 0;
    } while (seqlock_read_retry(&ram->map_lock, start));
    return total;
}

void ram_listener_add(struct ram *ram, const struct ram_code_listener *listener)
{
    struct ram_listener_node *node = malloc(sizeof(*node));
    if (!node)
        abort();
    node->listener = *listener;
    node->next = ram->listeners;
    __atomic_store_n(&ram->listeners, node, __ATOMIC_RELEASE);
}

void ram_listener_remove(struct ram *ram, const void *opaque)
{
    struct ram_listener_node **link = &ram->listeners;
    while (*link && (*link)->listener.opaque != opaque)
        link = &(*link)->next;
    struct ram_listener_node *node = *link;
    if (!node)
        return;
    *link = node->next;
    free(node);
}

void ram_remapped(struct ram *ram)
{
    struct ram_listener_node *node = __atomic_load_n(&ram->listeners, __ATOMIC_ACQUIRE);
    for (; node; node = node->next)
        node->listener.remapped(node->listener.opaque);
}

void ram_pages_protect(const struct ram_block *block, uint64_t offset, uint64_t len)
{
    struct ram_range shown[RAM_MAPPINGS_MAX];
    unsigned count = ram_ranges(block->ram, shown);
    struct ram_listener_node *node = __atomic_load_n(&block->ram->listeners, __ATOMIC_ACQUIRE);
    for (; node; node = node->next) {
        for (unsigned i = 0; i < count; i++) {
            const struct ram_range *range = &shown[i];
            if (range->block != block || !ranges_overlap(range->offset, range->size, offset, len))
                continue;
            uint64_t start = offset > range->offset ? offset - range->offset : 0;
            uint64_t end = offset + len - range->offset;
            end = end < range->size ? end : range->size;
            node->listener.protect(node->listener.opaque, gpa(range->base + start), end - start);
        }
    }
}
