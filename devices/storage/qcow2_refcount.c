/* Reference counts of the file's clusters, and the allocator that lives on them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/qcow2.h"

/* Clusters may be counted and not yet written, but not so many. */
#define BEYOND_END_MAX (UINT64_C(1) << 20)

/* Counts in a block, as a power of two. */
static unsigned block_bits(const struct qcow2 *q)
{
    return q->header.cluster_bits + 3 - q->header.refcount_order;
}

static uint64_t count_max(const struct qcow2 *q)
{
    unsigned bits = 1u << q->header.refcount_order;
    return bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

/* A count narrower than a byte lies in it from the low bits up; wider ones are big-endian. */
static uint64_t count_load(const uint8_t *page, uint64_t index, unsigned order)
{
    switch (order) {
    case 3: return page[index];
    case 4: return be16_load(page + 2 * index);
    case 5: return be32_load(page + 4 * index);
    case 6: return be64_load(page + 8 * index);
    default: return bits_get(page[(index << order) / 8], (unsigned)(index << order) % 8, 1u << order);
    }
}

static void count_store(uint8_t *page, uint64_t index, unsigned order, uint64_t count)
{
    uint8_t *byte = page + (index << order) / 8;
    switch (order) {
    case 3: page[index] = (uint8_t)count; break;
    case 4: be16_store(page + 2 * index, (uint16_t)count); break;
    case 5: be32_store(page + 4 * index, (uint32_t)count); break;
    case 6: be64_store(page + 8 * index, count); break;
    default: *byte = (uint8_t)bits_set(*byte, (unsigned)(index << order) % 8, 1u << order, count); break;
    }
}

bool qcow2_holds_table(const struct qcow2 *q, uint64_t offset)
{
    const struct qcow2_header *h = &q->header;
    return offset < q->cluster_size ||
           ranges_overlap(offset, q->cluster_size, h->l1_offset, (uint64_t)h->l1_size * 8) ||
           ranges_overlap(offset, q->cluster_size, h->reftable_offset,
                          (uint64_t)h->reftable_clusters << h->cluster_bits);
}

/* The page with a cluster's count and its index there; *page NULL when the block does not exist. */
static int count_find(struct qcow2 *q, uint64_t cluster, struct qcow2_page **page, uint64_t *index)
{
    uint64_t block = cluster >> block_bits(q);
    *page = NULL;
    if (block >= q->reftable_entries || q->reftable[block] == 0)
        return 0;
    uint64_t offset = q->reftable[block];
    if (offset % q->cluster_size || qcow2_holds_table(q, offset))
        return qcow2_corrupt(q, "a refcount block lies over a table", offset);
    uint64_t in_block = cluster & ((UINT64_C(1) << block_bits(q)) - 1);
    uint64_t byte = (in_block << q->header.refcount_order) / 8;
    *index = in_block & ((q->page_size * 8 >> q->header.refcount_order) - 1);
    return qcow2_page_get(q, offset + byte, QCOW2_PAGE_REFCOUNTS, page);
}

int qcow2_refcount_get(struct qcow2 *q, uint64_t cluster, uint64_t *count)
{
    struct qcow2_page *page;
    uint64_t index;
    int error = count_find(q, cluster, &page, &index);
    *count = !error && page ? count_load(page->bytes, index, q->header.refcount_order) : 0;
    return error;
}

/* A place that is not pointed to by anything yet, and was maybe never written. */
static void fresh_passed(struct qcow2 *q, uint64_t end)
{
    if (q->fresh_from < end)
        q->fresh_from = end;
}

/*
 * Make the block that counts `cluster`, at the first cluster of those it counts: they are all free, as
 * nothing counted them.
 */
static int block_create(struct qcow2 *q, uint64_t cluster)
{
    uint64_t block = cluster >> block_bits(q);
    uint64_t first = block << block_bits(q), offset = first << q->header.cluster_bits;
    int error = qcow2_table_begin(q, offset, 1);
    if (error)
        return error;
    fresh_passed(q, offset + q->cluster_size);
    q->reftable[block] = offset;
    q->reftable_dirty = true;
    return qcow2_refcount_set(q, first, 1);
}

/*
 * Move the refcount table to a larger place, which begins with the first cluster that the old one can't
 * count: new blocks, enough to count themselves and the table, then the table.
 */
static int reftable_grow(struct qcow2 *q)
{
    uint64_t first = (uint64_t)q->reftable_entries << block_bits(q);
    uint64_t per_cluster = q->cluster_size / 8;
    uint64_t blocks = 1, clusters = 0, entries = 0;
    do { /* one block is enough unless clusters are tiny */
        entries = align_up(q->reftable_entries + q->reftable_entries / 2 + blocks, per_cluster);
        clusters = entries / per_cluster;
    } while (blocks + clusters > blocks << block_bits(q) && ++blocks);
    if (entries * 8 > QCOW2_REFTABLE_BYTES_MAX)
        return EFBIG;
    int error = qcow2_commit(q); /* from here on the table is written by hand */
    uint64_t *table = calloc(entries, sizeof(*table));
    uint8_t *bytes = calloc(blocks + clusters, q->cluster_size);
    if (!table || !bytes)
        abort();
    memcpy(table, q->reftable, q->reftable_entries * sizeof(*table));
    for (uint64_t i = 0; i < blocks; i++)
        table[q->reftable_entries + i] = (first + i) << q->header.cluster_bits;
    for (uint64_t i = 0; i < blocks + clusters; i++) {
        uint8_t *block = bytes + ((i >> block_bits(q)) << q->header.cluster_bits);
        count_store(block, i & ((UINT64_C(1) << block_bits(q)) - 1), q->header.refcount_order, 1);
    }
    for (uint64_t i = 0; i < entries; i++)
        be64_store(bytes + (blocks << q->header.cluster_bits) + 8 * i, table[i]);
    uint64_t offset = first << q->header.cluster_bits,
             table_offset = offset + (blocks << q->header.cluster_bits);
    uint8_t place[12];
    be64_store(place, table_offset);
    be32_store(place + 8, (uint32_t)clusters);
    if (!error)
        error = qcow2_table_begin(q, offset, blocks + clusters);
    if (!error)
        error = qcow2_bytes_write(q, offset, bytes, (blocks + clusters) << q->header.cluster_bits);
    if (!error)
        error = host_disk_sync(q->disk);
    if (!error)
        error = qcow2_bytes_write(q, QCOW2_HEADER_REFTABLE_OFFSET, place, sizeof(place));
    free(bytes);
    if (error) {
        free(table);
        return error;
    }
    qcow2_free_later(q, q->header.reftable_offset, q->header.reftable_clusters, false);
    free(q->reftable);
    q->reftable = table;
    q->reftable_entries = (uint32_t)entries;
    q->header.reftable_offset = table_offset;
    q->header.reftable_clusters = (uint32_t)clusters;
    fresh_passed(q, table_offset + (clusters << q->header.cluster_bits));
    return 0;
}

int qcow2_refcount_set(struct qcow2 *q, uint64_t cluster, uint64_t count)
{
    struct qcow2_page *page;
    uint64_t index;
    int error = count_find(q, cluster, &page, &index);
    if (error)
        return error;
    if (!page)
        return qcow2_corrupt(q, "a cluster in use is not counted", cluster << q->header.cluster_bits);
    if (count > count_max(q))
        return EOVERFLOW;
    count_store(page->bytes, index, q->header.refcount_order, count);
    page->dirty = true;
    return 0;
}

/* Count one cluster if it is free; makes the block that counts it first. *taken: whether it was. */
static int cluster_take(struct qcow2 *q, uint64_t cluster, bool *taken)
{
    uint64_t block = cluster >> block_bits(q), count;
    int error = 0;
    *taken = false;
    if (cluster << q->header.cluster_bits > INT64_MAX - q->cluster_size)
        return EFBIG;
    while (!error && block >= q->reftable_entries)
        error = reftable_grow(q);
    if (!error && q->reftable[block] == 0)
        error = block_create(q, cluster);
    if (!error)
        error = qcow2_refcount_get(q, cluster, &count);
    if (error || count)
        return error;
    uint64_t offset = cluster << q->header.cluster_bits;
    if (qcow2_holds_table(q, offset))
        return qcow2_corrupt(q, "a table's cluster is counted as free", offset);
    *taken = true;
    return qcow2_refcount_set(q, cluster, 1);
}

int qcow2_clusters_allocate(struct qcow2 *q, uint64_t want, uint64_t *offset, uint64_t *got, bool *fresh)
{
    uint64_t cluster = q->search_from;
    bool taken = false;
    int error = 0;
    for (; !error && !taken; cluster++) {
        if (cluster >= (q->fresh_from >> q->header.cluster_bits) + BEYOND_END_MAX)
            return qcow2_corrupt(q, "clusters far beyond its end are counted as used", q->fresh_from);
        error = cluster_take(q, cluster, &taken);
    }
    if (error)
        return error;
    *offset = (cluster - 1) << q->header.cluster_bits;
    *got = 1;
    /* Neighbours, as far as they are free; a failure there only ends the run. */
    while (*got < want && cluster_take(q, cluster, &taken) == 0 && taken) {
        cluster++;
        ++*got;
    }
    q->search_from = cluster;
    *fresh = *offset >= q->fresh_from;
    fresh_passed(q, cluster << q->header.cluster_bits);
    return 0;
}

static int clusters_release(struct qcow2 *q, uint64_t offset, uint64_t clusters)
{
    uint64_t first = offset >> q->header.cluster_bits;
    for (uint64_t cluster = first; cluster < first + clusters; cluster++) {
        uint64_t count;
        int error = qcow2_refcount_get(q, cluster, &count);
        if (!error && count == 0)
            error =
                qcow2_corrupt(q, "a cluster in use is counted as free", cluster << q->header.cluster_bits);
        if (!error)
            error = qcow2_refcount_set(q, cluster, count - 1);
        if (error)
            return error;
        if (count == 1 && cluster < q->search_from)
            q->search_from = cluster;
    }
    return 0;
}

int qcow2_clusters_unallocate(struct qcow2 *q, uint64_t offset, uint64_t clusters)
{
    return clusters_release(q, offset, clusters);
}

void qcow2_free_later(struct qcow2 *q, uint64_t offset, uint64_t clusters, bool punch)
{
    struct qcow2_freed *last = q->freed_count ? &q->freed[q->freed_count - 1] : NULL;
    if (last && last->offset + (last->clusters << q->header.cluster_bits) == offset && last->punch == punch) {
        last->clusters += clusters;
        return;
    }
    if (q->freed_count == q->freed_room) {
        q->freed_room = q->freed_room ? 2 * q->freed_room : 64;
        q->freed = realloc(q->freed, q->freed_room * sizeof(*q->freed));
        if (!q->freed)
            abort();
    }
    q->freed[q->freed_count++] = (struct qcow2_freed){offset, clusters, punch};
}

/* Whether a run has become free as a whole, and may be given back to the host. */
static bool run_free(struct qcow2 *q, const struct qcow2_freed *freed)
{
    uint64_t first = freed->offset >> q->header.cluster_bits;
    for (uint64_t cluster = first; cluster < first + freed->clusters; cluster++) {
        uint64_t count;
        if (qcow2_refcount_get(q, cluster, &count) || count)
            return false;
    }
    return true;
}

int qcow2_freed_apply(struct qcow2 *q)
{
    /* Releasing may need pages and so commit again: take the list first. */
    struct qcow2_freed *freed = q->freed;
    size_t count = q->freed_count;
    q->freed = NULL;
    q->freed_count = q->freed_room = 0;
    int error = 0;
    for (size_t i = 0; i < count && !error; i++) {
        error = clusters_release(q, freed[i].offset, freed[i].clusters);
        if (!error && freed[i].punch && run_free(q, &freed[i]))
            host_disk_zero(q->disk, freed[i].offset, freed[i].clusters << q->header.cluster_bits, true);
    }
    free(freed);
    return error;
}
