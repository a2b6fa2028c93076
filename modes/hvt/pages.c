#include "modes/hvt/pages.h"

#include <assert.h>

#include "base/bits.h"

#define LARGE   (2 * MIB)
#define ENTRIES 512

static struct hvt_access low_access(uint64_t address, uint64_t *end)
{
    struct hvt_access access = {.readable = address >= HVT_SHOWN_BASE && address < HVT_SHOWN_END};
    *end = address < HVT_SHOWN_BASE  ? HVT_SHOWN_BASE
           : address < HVT_SHOWN_END ? HVT_SHOWN_END
                                     : HVT_LOAD_BASE;
    return access;
}

struct hvt_access hvt_access_at(const struct hvt_image *image, uint64_t memory, uint64_t address,
                                uint64_t *end)
{
    if (address < HVT_LOAD_BASE)
        return low_access(address, end);
    *end = memory;
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct hvt_segment *s = &image->segments[i];
        if (address < s->start) {
            *end = s->start;
            break;
        }
        if (address < s->end) {
            *end = s->end;
            return (struct hvt_access){true, s->writable, s->executable};
        }
    }
    return (struct hvt_access){.readable = true, .writable = true};
}

static void entry_put(uint8_t *memory, uint64_t table, uint64_t index, uint64_t entry)
{
    le64_store(memory + table + 8 * index, entry);
}

/* 2 MiB in pages of 4 KiB. What is not readable has no entry. */
static void pages_fill(const struct hvt_paging *paging, const struct hvt_image *image, uint8_t *memory,
                       uint64_t size, uint64_t start, uint64_t table)
{
    uint64_t end;
    for (uint64_t at = start; at < start + LARGE; at += PAGE_SIZE) {
        struct hvt_access access = hvt_access_at(image, size, at, &end);
        if (access.readable)
            entry_put(memory, table, (at - start) / PAGE_SIZE, paging->leaf(at, access, false));
    }
}

void hvt_pages_make(const struct hvt_paging *paging, const struct hvt_image *image, uint8_t *memory,
                    uint64_t size)
{
    uint64_t next = HVT_SHOWN_END, end;
    for (uint64_t at = 0; at < size; at += LARGE) {
        uint64_t entry;
        struct hvt_access access = hvt_access_at(image, size, at, &end);
        if (end >= at + LARGE) {
            entry = paging->leaf(at, access, true);
        } else {
            uint64_t table = at == 0 ? paging->pages : next;
            next += at == 0 ? 0 : PAGE_SIZE;
            assert(next <= HVT_LOAD_BASE); /* each segment has two borders */
            pages_fill(paging, image, memory, size, at, table);
            entry = paging->table(table);
        }
        /* The four directories follow each other, as one of 2048 entries. */
        entry_put(memory, paging->directories, at / LARGE, entry);
    }
}
