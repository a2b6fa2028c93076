/*
 * Refcounts rebuilt from what points to clusters. Images with lazy refcounts (a dirty bit in the header) may
 * have been left with wrong ones by whoever wrote them last.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/qcow2.h"

/* More clusters than this in a file (a terabyte of 64 KiB ones has 2^24) are left to qemu-img. */
#define CLUSTERS_MAX (UINT64_C(1) << 26)

struct census {
    struct qcow2 *q;
    uint64_t clusters;
    uint32_t *counts;
};

static int range_count(struct census *census, uint64_t offset, uint64_t len)
{
    const struct qcow2 *q = census->q;
    if (len == 0)
        return 0;
    uint64_t first = offset >> q->header.cluster_bits, last = (offset + len - 1) >> q->header.cluster_bits;
    if (offset > INT64_MAX || len > INT64_MAX || last >= census->clusters)
        return EINVAL;
    for (uint64_t cluster = first; cluster <= last; cluster++)
        census->counts[cluster]++;
    return 0;
}

static int entry_count(struct census *census, uint64_t entry)
{
    uint64_t offset = entry & QCOW2_ENTRY_OFFSET, len = census->q->cluster_size;
    if (entry & QCOW2_ENTRY_COMPRESSED)
        qcow2_compressed_place(census->q, entry, &offset, &len);
    else if (offset == 0)
        return 0;
    return range_count(census, offset, len);
}

/* Call `each` for every entry of a table in the file; a changed entry is written back when `change`. */
static int table_each(struct census *census, uint64_t offset, uint64_t entries, bool change,
                      int (*each)(struct census *census, uint64_t *entry))
{
    struct qcow2 *q = census->q;
    size_t len = entries * 8;
    uint8_t *bytes = malloc(len + 1);
    int error = bytes ? qcow2_bytes_read(q, offset, bytes, len) : ENOMEM;
    bool changed = false;
    for (uint64_t i = 0; i < entries && !error; i++) {
        uint64_t entry = be64_load(bytes + 8 * i), old = entry;
        error = each(census, &entry);
        be64_store(bytes + 8 * i, entry);
        changed |= entry != old;
    }
    if (!error && change && changed)
        error = qcow2_bytes_write(q, offset, bytes, len);
    free(bytes);
    return error;
}

static int l2_entry_count(struct census *census, uint64_t *entry)
{
    return entry_count(census, *entry);
}

static int l1_entry_count(struct census *census, uint64_t *entry)
{
    uint64_t table = *entry & QCOW2_ENTRY_OFFSET, cluster_size = census->q->cluster_size;
    if (table == 0)
        return 0;
    int error = table % cluster_size ? EINVAL : range_count(census, table, cluster_size);
    return error ? error : table_each(census, table, cluster_size / 8, false, l2_entry_count);
}

static int l1_count(struct census *census, uint64_t offset, uint64_t entries)
{
    int error = entries * 8 > QCOW2_L1_BYTES_MAX ? EINVAL : range_count(census, offset, entries * 8);
    return error ? error : table_each(census, offset, entries, false, l1_entry_count);
}

/* Snapshot table entries: L1 offset, L1 size, lengths of id and name, ..., size of the extra data at 36. */
static int snapshots_count(struct census *census)
{
    struct qcow2 *q = census->q;
    uint64_t offset = q->header.snapshots_offset;
    int error = 0;
    for (uint32_t i = 0; i < q->header.snapshots && !error; i++) {
        uint8_t entry[40];
        error = qcow2_bytes_read(q, offset, entry, sizeof(entry));
        if (!error)
            error = l1_count(census, be64_load(entry), be32_load(entry + 8));
        uint64_t len = 40ull + be16_load(entry + 12) + be16_load(entry + 14) + be32_load(entry + 36);
        offset += align_up(len, 8);
    }
    return error ? error
                 : range_count(census, q->header.snapshots_offset, offset - q->header.snapshots_offset);
}

static int all_count(struct census *census)
{
    const struct qcow2_header *h = &census->q->header;
    int error = range_count(census, 0, census->q->cluster_size);
    if (!error)
        error = range_count(census, h->reftable_offset, (uint64_t)h->reftable_clusters << h->cluster_bits);
    for (uint32_t i = 0; i < census->q->reftable_entries && !error; i++) {
        if (census->q->reftable[i])
            error = range_count(census, census->q->reftable[i], census->q->cluster_size);
    }
    if (!error)
        error = l1_count(census, h->l1_offset, h->l1_size);
    if (!error && h->snapshots)
        error = snapshots_count(census);
    return error;
}

/* Give the file's counts the values found. */
static int counts_correct(struct census *census)
{
    struct qcow2 *q = census->q;
    int error = 0;
    for (uint64_t cluster = 0; cluster < census->clusters && !error; cluster++) {
        uint64_t is, should = census->counts[cluster];
        error = qcow2_refcount_get(q, cluster, &is);
        /* Bitmaps are not looked into: what only they point to keeps its count. */
        if (!error && is != should && (should > is || !q->header.has_bitmaps))
            error = qcow2_refcount_set(q, cluster, should);
    }
    return error;
}

/* The bit that promises a count of exactly one. */
static uint64_t copied_correct(const struct census *census, uint64_t entry)
{
    uint64_t offset = entry & QCOW2_ENTRY_OFFSET;
    if (entry & QCOW2_ENTRY_COMPRESSED || offset == 0)
        return entry & ~QCOW2_ENTRY_COPIED;
    bool one = census->counts[offset >> census->q->header.cluster_bits] == 1;
    return one ? entry | QCOW2_ENTRY_COPIED : entry & ~QCOW2_ENTRY_COPIED;
}

static int l2_entry_correct(struct census *census, uint64_t *entry)
{
    *entry = copied_correct(census, *entry);
    return 0;
}

static int mapping_correct(struct census *census)
{
    struct qcow2 *q = census->q;
    int error = 0;
    for (uint32_t i = 0; i < q->header.l1_size && !error; i++) {
        uint64_t table = q->l1[i] & QCOW2_ENTRY_OFFSET;
        if (table == 0)
            continue;
        q->l1[i] = copied_correct(census, q->l1[i]);
        error = table_each(census, table, q->cluster_size / 8, true, l2_entry_correct);
    }
    q->l1_dirty = true;
    return error;
}

bool qcow2_repair(struct qcow2 *q, struct error *err)
{
    struct census census = {.q = q, .clusters = q->fresh_from >> q->header.cluster_bits};
    int error = census.clusters > CLUSTERS_MAX ? EFBIG : 0;
    log_info("%s was not closed properly: counting its references", q->path);
    if (!error) {
        census.counts = calloc(census.clusters, sizeof(*census.counts));
        error = census.counts ? all_count(&census) : ENOMEM;
    }
    host_mutex_lock(&q->lock);
    if (!error)
        error = counts_correct(&census);
    if (!error)
        error = mapping_correct(&census);
    if (!error)
        error = qcow2_commit(q);
    host_mutex_unlock(&q->lock);
    free(census.counts);
    return !error || error_set(err, ERROR_IMAGE,
                               "%s was not closed properly and can't be mended here (%s): repair it with "
                               "\"qemu-img check -r all\"",
                               q->path, strerror(error));
}
