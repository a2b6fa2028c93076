/* From places on the disk to places in the file: L1 and L2 tables. */
#include <errno.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/storage/qcow2.h"

/* Freed clusters wait for a commit; more than these don't. */
#define FREED_MAX 4096

static unsigned l2_bits(const struct qcow2 *q)
{
    return q->header.cluster_bits - 3;
}

static uint64_t l1_index(const struct qcow2 *q, uint64_t offset)
{
    return offset >> (q->header.cluster_bits + l2_bits(q));
}

/* Where in the file the L2 entry of a place on the disk is, in the table at `table`. */
static uint64_t entry_place(const struct qcow2 *q, uint64_t table, uint64_t offset)
{
    uint64_t index = (offset >> q->header.cluster_bits) & ((UINT64_C(1) << l2_bits(q)) - 1);
    return table + 8 * index;
}

/* The L2 table for a place on the disk, 0 if there is none. */
static int table_find(struct qcow2 *q, uint64_t offset, uint64_t *table)
{
    uint64_t index = l1_index(q, offset);
    *table = q->l1[index] & QCOW2_ENTRY_OFFSET;
    if (*table && (*table % q->cluster_size || qcow2_holds_table(q, *table)))
        return qcow2_corrupt(q, "an L2 table does not begin at a cluster of its own", *table);
    return 0;
}

static int entry_get(struct qcow2 *q, uint64_t offset, uint64_t *entry)
{
    uint64_t table;
    struct qcow2_page *page;
    *entry = 0;
    int error = table_find(q, offset, &table);
    if (error || table == 0)
        return error;
    uint64_t place = entry_place(q, table, offset);
    error = qcow2_page_get(q, place, QCOW2_PAGE_L2, &page);
    if (!error)
        *entry = be64_load(page->bytes + (place & (q->page_size - 1)));
    return error;
}

void qcow2_compressed_place(const struct qcow2 *q, uint64_t entry, uint64_t *offset, uint64_t *len)
{
    unsigned offset_bits = 62 - (q->header.cluster_bits - 8);
    *offset = bits_get(entry, 0, offset_bits);
    uint64_t sectors = bits_get(entry, offset_bits, 62 - offset_bits);
    *len = (sectors + 1) * 512 - (*offset & 511);
}

/* What an entry says about its cluster. */
static int entry_decode(struct qcow2 *q, uint64_t entry, struct qcow2_extent *extent)
{
    *extent = (struct qcow2_extent){.kind = QCOW2_UNALLOCATED, .entry = entry};
    if (entry & QCOW2_ENTRY_COMPRESSED) {
        extent->kind = QCOW2_COMPRESSED;
        return 0;
    }
    extent->host = entry & QCOW2_ENTRY_OFFSET;
    if (extent->host && (extent->host % q->cluster_size || qcow2_holds_table(q, extent->host)))
        return qcow2_corrupt(q, "a data cluster does not begin at a cluster of its own", extent->host);
    if (q->header.version >= 3 && entry & QCOW2_ENTRY_ZERO) {
        extent->kind = QCOW2_ZERO;
    } else if (extent->host) {
        extent->kind = QCOW2_DATA;
        extent->in_place = entry & QCOW2_ENTRY_COPIED;
    }
    return 0;
}

/* Whether `next`, `len` bytes after the start of `first`, goes on with it. */
static bool extent_continues(const struct qcow2_extent *first, const struct qcow2_extent *next, uint64_t len)
{
    return next->kind == first->kind && next->in_place == first->in_place &&
           first->kind != QCOW2_COMPRESSED && (first->kind != QCOW2_DATA || next->host == first->host + len);
}

int qcow2_extent_at(struct qcow2 *q, uint64_t offset, uint64_t len, struct qcow2_extent *extent)
{
    uint64_t start = align_down(offset, q->cluster_size), entry;
    *extent = (struct qcow2_extent){0};
    int error = entry_get(q, start, &entry);
    if (!error)
        error = entry_decode(q, entry, extent);
    uint64_t found = q->cluster_size;
    while (!error && start + found < offset + len) {
        struct qcow2_extent next;
        error = entry_get(q, start + found, &entry);
        if (!error)
            error = entry_decode(q, entry, &next);
        if (error || !extent_continues(extent, &next, found))
            break;
        found += q->cluster_size;
    }
    extent->len = start + found - offset;
    if (extent->len > len)
        extent->len = len;
    if (extent->kind == QCOW2_DATA)
        extent->host += offset - start;
    return error;
}

/* A table of our own for a place on the disk: a new one, or a copy of one that a snapshot has too. */
static int table_own(struct qcow2 *q, uint64_t offset, uint64_t *table)
{
    uint64_t index = l1_index(q, offset), old, got;
    bool fresh;
    int error = table_find(q, offset, &old);
    if (error)
        return error;
    *table = old;
    if (old && q->l1[index] & QCOW2_ENTRY_COPIED)
        return 0;
    error = qcow2_clusters_allocate(q, 1, table, &got, &fresh);
    if (!error)
        error = qcow2_table_begin(q, *table, 1);
    if (!error && old) {
        /* A shared table has not been changed since it was read: the file has it as it is. */
        uint8_t *bytes = machine_alloc(q->cluster_size);
        error = qcow2_bytes_read(q, old, bytes, q->cluster_size);
        if (!error)
            error = qcow2_bytes_write(q, *table, bytes, q->cluster_size);
        free(bytes);
    }
    if (error)
        return error;
    q->l1[index] = *table | QCOW2_ENTRY_COPIED;
    q->l1_dirty = true;
    if (old)
        qcow2_free_later(q, old, 1, false);
    return 0;
}

/* Drop what an entry points to, but for a cluster that `kept` goes on with. */
static void entry_free(struct qcow2 *q, uint64_t entry, uint64_t kept, bool punch)
{
    if (entry & QCOW2_ENTRY_COMPRESSED) {
        uint64_t offset, len;
        qcow2_compressed_place(q, entry, &offset, &len);
        uint64_t first = align_down(offset, q->cluster_size);
        uint64_t last = align_down(offset + len - 1, q->cluster_size);
        qcow2_free_later(q, first, (last - first) / q->cluster_size + 1, false);
    } else if (entry & QCOW2_ENTRY_OFFSET && (entry & QCOW2_ENTRY_OFFSET) != (kept & QCOW2_ENTRY_OFFSET)) {
        qcow2_free_later(q, entry & QCOW2_ENTRY_OFFSET, 1, punch);
    }
}

int qcow2_entry_set(struct qcow2 *q, uint64_t offset, uint64_t entry, bool punch)
{
    uint64_t table;
    struct qcow2_page *page;
    int error = q->freed_count > FREED_MAX ? qcow2_commit(q) : 0;
    if (!error)
        error = table_own(q, offset, &table);
    if (error)
        return error;
    uint64_t place = entry_place(q, table, offset);
    error = qcow2_page_get(q, place, QCOW2_PAGE_L2, &page);
    if (error)
        return error;
    uint8_t *bytes = page->bytes + (place & (q->page_size - 1));
    uint64_t old = be64_load(bytes);
    be64_store(bytes, entry);
    page->dirty = true;
    entry_free(q, old, entry, punch);
    return 0;
}
