/*
 * The cache of L2 tables and refcount blocks in pieces of a page, and the one place that writes metadata:
 *
 *   counts, [sync] refcount table, sync (counts and data are safe), L2 tables, [sync] L1 table, [sync],
 *   then what is no longer pointed to is freed, which the next commit writes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/qcow2.h"

int qcow2_bytes_read(struct qcow2 *q, uint64_t offset, void *bytes, size_t len)
{
    return host_disk_read(q->disk, offset, &(struct host_vec){bytes, len}, 1);
}

int qcow2_bytes_write(struct qcow2 *q, uint64_t offset, const void *bytes, size_t len)
{
    /* Only read from. */
    struct host_vec vec = {(void *)(uintptr_t)bytes, len};
    return q->corrupt ? EIO : host_disk_write(q->disk, offset, &vec, 1);
}

int qcow2_table_begin(struct qcow2 *q, uint64_t offset, uint64_t clusters)
{
    static const uint8_t zeroes[4096];
    uint64_t end = offset + clusters * q->cluster_size;
    for (struct qcow2_page *page = q->pages; page < q->pages + QCOW2_PAGES; page++) {
        if (page->offset >= offset && page->offset < end) {
            page->offset = 0;
            page->dirty = false;
        }
    }
    int error = 0;
    for (; offset < end && !error; offset += q->page_size)
        error = qcow2_bytes_write(q, offset, zeroes, q->page_size);
    return error;
}

int qcow2_corrupt(struct qcow2 *q, const char *what, uint64_t offset)
{
    if (q->corrupt)
        return EIO;
    log_warn("%s is corrupt: %s (%#llx); repair it with \"qemu-img check -r all\"", q->path, what,
             (unsigned long long)offset);
    if (!q->image.readonly && q->header.version >= 3) {
        q->header.incompatible |= QCOW2_INCOMPATIBLE_CORRUPT;
        uint8_t features[8];
        be64_store(features, q->header.incompatible);
        qcow2_bytes_write(q, QCOW2_HEADER_INCOMPATIBLE, features, sizeof(features));
    }
    q->corrupt = true;
    return EIO;
}

/* The least recently used page, a clean one if there is any. */
static struct qcow2_page *page_victim(struct qcow2 *q)
{
    struct qcow2_page *victim = &q->pages[0];
    for (struct qcow2_page *page = q->pages; page < q->pages + QCOW2_PAGES; page++) {
        if (page->dirty != victim->dirty ? victim->dirty : page->used < victim->used)
            victim = page;
    }
    return victim;
}

int qcow2_page_get(struct qcow2 *q, uint64_t offset, enum qcow2_page_kind kind, struct qcow2_page **found)
{
    offset = align_down(offset, q->page_size);
    if (q->recent && q->recent->offset == offset && q->recent->kind == kind) {
        *found = q->recent;
        return 0;
    }
    for (struct qcow2_page *page = q->pages; page < q->pages + QCOW2_PAGES; page++) {
        if (page->offset != offset)
            continue;
        /* The same bytes can't be counts and a table. */
        if (page->kind != kind)
            return qcow2_corrupt(q, "an L2 table and a refcount block overlap", offset);
        page->used = ++q->page_clock;
        *found = q->recent = page;
        return 0;
    }
    struct qcow2_page *page = page_victim(q);
    if (page->dirty) {
        int error = qcow2_commit(q);
        if (error)
            return error;
        page = page_victim(q);
        if (page->dirty)
            return EIO; /* nothing could be written */
    }
    if (!page->bytes)
        page->bytes = machine_alloc(q->page_size);
    page->offset = 0;
    int error = qcow2_bytes_read(q, offset, page->bytes, q->page_size);
    if (error)
        return error;
    page->offset = offset;
    page->kind = kind;
    page->used = ++q->page_clock;
    *found = q->recent = page;
    return 0;
}

static bool pages_dirty(const struct qcow2 *q, enum qcow2_page_kind kind)
{
    for (const struct qcow2_page *page = q->pages; page < q->pages + QCOW2_PAGES; page++) {
        if (page->dirty && page->kind == kind)
            return true;
    }
    return false;
}

static int pages_write(struct qcow2 *q, enum qcow2_page_kind kind)
{
    for (struct qcow2_page *page = q->pages; page < q->pages + QCOW2_PAGES; page++) {
        if (!page->dirty || page->kind != kind)
            continue;
        int error = qcow2_bytes_write(q, page->offset, page->bytes, q->page_size);
        if (error)
            return error;
        page->dirty = false;
    }
    return 0;
}

/* Write a table of 64-bit numbers as the file has them. */
static int table_write(struct qcow2 *q, uint64_t offset, const uint64_t *table, uint32_t entries)
{
    uint8_t bytes[4096];
    for (uint32_t at = 0; at < entries;) {
        uint32_t n = entries - at < sizeof(bytes) / 8 ? entries - at : (uint32_t)sizeof(bytes) / 8;
        for (uint32_t i = 0; i < n; i++)
            be64_store(bytes + 8 * (size_t)i, table[at + i]);
        int error = qcow2_bytes_write(q, offset + 8 * (uint64_t)at, bytes, 8 * (size_t)n);
        if (error)
            return error;
        at += n;
    }
    return 0;
}

static int counts_write(struct qcow2 *q)
{
    int error = pages_write(q, QCOW2_PAGE_REFCOUNTS);
    if (error || !q->reftable_dirty)
        return error;
    error = host_disk_sync(q->disk); /* blocks before the table that points to them */
    if (!error)
        error = table_write(q, q->header.reftable_offset, q->reftable, q->reftable_entries);
    if (!error)
        q->reftable_dirty = false;
    return error;
}

static int mapping_write(struct qcow2 *q)
{
    if (!pages_dirty(q, QCOW2_PAGE_L2) && !q->l1_dirty)
        return 0;
    int error = host_disk_sync(q->disk); /* counts and data before what points to them */
    if (!error)
        error = pages_write(q, QCOW2_PAGE_L2);
    if (error || !q->l1_dirty)
        return error;
    error = host_disk_sync(q->disk); /* tables before the table that points to them */
    if (!error)
        error = table_write(q, q->header.l1_offset, q->l1, q->header.l1_size);
    if (!error)
        q->l1_dirty = false;
    return error;
}

int qcow2_commit(struct qcow2 *q)
{
    if (q->corrupt)
        return EIO;
    int error = counts_write(q);
    if (!error)
        error = mapping_write(q);
    if (!error && q->freed_count)
        error = host_disk_sync(q->disk); /* nothing points to them any more */
    if (!error)
        error = qcow2_freed_apply(q);
    return error;
}
