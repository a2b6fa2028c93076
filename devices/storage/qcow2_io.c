/* Requests on a qcow2 image, cut into pieces that are found the same way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/qcow2.h"

static struct qcow2 *qcow2_of(struct image *image)
{
    return container_of(image, struct qcow2, image);
}

/* --- ranges of guest clusters --- */

static bool range_conflicts(const struct qcow2 *q, const struct qcow2_range *range)
{
    for (const struct qcow2_range *other = q->ranges; other; other = other->next) {
        if ((range->exclusive || other->exclusive) && other->first <= range->last &&
            range->first <= other->last)
            return true;
    }
    return false;
}

static void range_enter(struct qcow2 *q, struct qcow2_range *range, uint64_t offset, uint64_t len,
                        bool exclusive)
{
    *range = (struct qcow2_range){
        .first = offset >> q->header.cluster_bits,
        .last = (offset + len - 1) >> q->header.cluster_bits,
        .exclusive = exclusive,
    };
    while (range_conflicts(q, range))
        host_cond_wait(&q->range_gone, &q->lock);
    range->next = q->ranges;
    q->ranges = range;
}

static void range_leave(struct qcow2 *q, const struct qcow2_range *range)
{
    struct qcow2_range **link = &q->ranges;
    while (*link != range)
        link = &(*link)->next;
    *link = range->next;
    host_cond_broadcast(&q->range_gone);
}

/* --- reading --- */

/* What is behind an unallocated place: the backing file as far as it goes, then zeroes. */
static int backing_read(struct qcow2 *q, uint64_t offset, uint64_t len, struct image_cursor *to)
{
    uint64_t behind = 0;
    if (q->backing && offset < q->backing->size)
        behind = q->backing->size - offset < len ? q->backing->size - offset : len;
    int error = behind ? q->backing->ops->read(q->backing, offset, behind, to) : 0;
    if (!error)
        cursor_zero(to, len - behind);
    return error;
}

static int compressed_read(struct qcow2 *q, const struct qcow2_extent *extent, uint64_t offset,
                           struct image_cursor *to)
{
    uint64_t place, packed_len;
    qcow2_compressed_place(q, extent->entry, &place, &packed_len);
    uint8_t *packed = malloc(packed_len), *cluster = malloc(q->cluster_size);
    int error = packed && cluster ? qcow2_bytes_read(q, place, packed, packed_len) : ENOMEM;
    if (!error)
        error = qcow2_decompress(q->header.compression, packed, packed_len, cluster, q->cluster_size);
    if (!error)
        cursor_store(to, cluster + (offset & (q->cluster_size - 1)), extent->len);
    free(packed);
    free(cluster);
    return error;
}

/* Read a piece; its range is held, the lock is not. */
static int extent_read(struct qcow2 *q, const struct qcow2_extent *extent, uint64_t offset,
                       struct image_cursor *to)
{
    switch (extent->kind) {
    case QCOW2_DATA: return cursor_read(to, q->disk, extent->host, extent->len);
    case QCOW2_COMPRESSED: return compressed_read(q, extent, offset, to);
    case QCOW2_UNALLOCATED: return backing_read(q, offset, extent->len, to);
    default: cursor_zero(to, extent->len); return 0;
    }
}

/* Read with the range held. */
static int range_read(struct qcow2 *q, uint64_t offset, uint64_t len, struct image_cursor *to)
{
    int error = 0;
    while (len && !error) {
        struct qcow2_extent extent;
        host_mutex_lock(&q->lock);
        error = qcow2_extent_at(q, offset, len, &extent);
        host_mutex_unlock(&q->lock);
        if (!error)
            error = extent_read(q, &extent, offset, to);
        offset += extent.len;
        len -= extent.len;
    }
    return error;
}

int qcow2_read(struct image *image, uint64_t offset, uint64_t len, struct image_cursor *to)
{
    struct qcow2 *q = qcow2_of(image);
    struct qcow2_range range;
    if (len == 0)
        return 0;
    host_mutex_lock(&q->lock);
    range_enter(q, &range, offset, len, false);
    host_mutex_unlock(&q->lock);
    int error = range_read(q, offset, len, to);
    host_mutex_lock(&q->lock);
    range_leave(q, &range);
    host_mutex_unlock(&q->lock);
    return error;
}

/* --- writing --- */

/* Whether the disk reads as zero there without anybody having written it. */
static bool extent_zero(const struct qcow2 *q, const struct qcow2_extent *extent, uint64_t offset)
{
    return extent->kind == QCOW2_ZERO ||
           (extent->kind == QCOW2_UNALLOCATED && (!q->backing || offset >= q->backing->size));
}

/* Bring what a new cluster has to have besides the data written to it from what the disk has there now. */
static int around_copy(struct qcow2 *q, uint64_t offset, uint64_t len, uint64_t host, bool zero_there)
{
    if (len == 0)
        return 0;
    struct qcow2_extent extent;
    host_mutex_lock(&q->lock);
    int error = qcow2_extent_at(q, offset, len, &extent);
    host_mutex_unlock(&q->lock);
    if (error || (zero_there && extent_zero(q, &extent, offset)))
        return error;
    uint8_t *bytes = malloc(len);
    if (!bytes)
        return ENOMEM;
    struct image_cursor to = {&(struct block_vec){bytes, len}, 1, 0};
    error = extent_read(q, &extent, offset, &to); /* one cluster is one extent */
    if (!error)
        error = qcow2_bytes_write(q, host, bytes, len);
    free(bytes);
    return error;
}

/* Fill `clusters` new clusters for the disk's [offset, offset + len), which begins in the first of them and
 * ends in the last. */
static int clusters_fill(struct qcow2 *q, uint64_t host, bool fresh, uint64_t offset, uint64_t len,
                         struct image_cursor *from)
{
    uint64_t start = align_down(offset, q->cluster_size), end = align_up(offset + len, q->cluster_size);
    int error = around_copy(q, start, offset - start, host, fresh);
    if (!error)
        error = cursor_write(from, q->disk, host + (offset - start), len);
    if (!error)
        error = around_copy(q, offset + len, end - (offset + len), host + (offset + len - start), fresh);
    return error;
}

/* Write a piece that needs new clusters, *done bytes of it; the range is held exclusively. */
static int allocating_write(struct qcow2 *q, uint64_t offset, uint64_t len, struct image_cursor *from,
                            uint64_t *done)
{
    uint64_t start = align_down(offset, q->cluster_size), host, got;
    uint64_t want = (align_up(offset + len, q->cluster_size) - start) / q->cluster_size;
    bool fresh;
    host_mutex_lock(&q->lock);
    int error = qcow2_clusters_allocate(q, want, &host, &got, &fresh);
    host_mutex_unlock(&q->lock);
    if (error)
        return error;
    *done = got == want ? len : start + got * q->cluster_size - offset;
    error = clusters_fill(q, host, fresh, offset, *done, from);
    host_mutex_lock(&q->lock);
    uint64_t mapped = 0;
    for (; mapped < got && !error; mapped++) {
        uint64_t entry = (host + mapped * q->cluster_size) | QCOW2_ENTRY_COPIED;
        error = qcow2_entry_set(q, start + mapped * q->cluster_size, entry, false);
    }
    if (error && mapped == 0)
        qcow2_clusters_unallocate(q, host, got);
    host_mutex_unlock(&q->lock);
    return error;
}

/*
 * Write with the range held. Shared, only what can be written in place: *stopped tells where something else
 * begins. The extent's length ends where the kind changes, so one with no place of its own may be long.
 */
static int range_write(struct qcow2 *q, uint64_t offset, uint64_t len, struct image_cursor *from,
                       bool exclusive, uint64_t *written)
{
    int error = 0;
    for (*written = 0; *written < len && !error;) {
        struct qcow2_extent extent;
        uint64_t at = offset + *written, done;
        host_mutex_lock(&q->lock);
        error = q->corrupt ? EIO : qcow2_extent_at(q, at, len - *written, &extent);
        host_mutex_unlock(&q->lock);
        if (error)
            break;
        done = extent.len;
        if (extent.in_place)
            error = cursor_write(from, q->disk, extent.host, extent.len);
        else if (exclusive)
            error = allocating_write(q, at, extent.len, from, &done);
        else
            break;
        *written += done;
    }
    return error;
}

int qcow2_write(struct image *image, uint64_t offset, uint64_t len, struct image_cursor *from)
{
    struct qcow2 *q = qcow2_of(image);
    int error = 0;
    /* In place first, next to other writers; what is left needs the mapping changed. */
    for (int exclusive = 0; exclusive < 2 && len && !error; exclusive++) {
        struct qcow2_range range;
        uint64_t written = 0;
        host_mutex_lock(&q->lock);
        range_enter(q, &range, offset, len, exclusive);
        host_mutex_unlock(&q->lock);
        error = range_write(q, offset, len, from, exclusive, &written);
        host_mutex_lock(&q->lock);
        range_leave(q, &range);
        host_mutex_unlock(&q->lock);
        offset += written;
        len -= written;
    }
    return error;
}

/* --- zeroes --- */

/* Make whole clusters read as zero by their entries; the lock is held. */
static int cluster_zero(struct qcow2 *q, uint64_t offset, const struct qcow2_extent *extent, bool unmap)
{
    bool behind = q->backing && offset < q->backing->size;
    uint64_t entry = extent->entry;
    if (extent->kind == QCOW2_UNALLOCATED && !behind)
        return 0;
    if (extent->kind == QCOW2_ZERO && (!unmap || !extent->host))
        return 0;
    if (extent->kind == QCOW2_DATA && extent->in_place && !unmap && q->header.version >= 3)
        entry |= QCOW2_ENTRY_ZERO; /* keeps its place */
    else
        entry = q->header.version >= 3 && behind ? QCOW2_ENTRY_ZERO : 0;
    return qcow2_entry_set(q, offset, entry, unmap);
}

static int clusters_zero(struct qcow2 *q, uint64_t offset, uint64_t len, bool unmap)
{
    int error = 0;
    host_mutex_lock(&q->lock);
    for (uint64_t at = offset; at < offset + len && !error; at += q->cluster_size) {
        struct qcow2_extent extent;
        error = q->corrupt ? EIO : qcow2_extent_at(q, at, q->cluster_size, &extent);
        if (!error)
            error = cluster_zero(q, at, &extent, unmap);
    }
    host_mutex_unlock(&q->lock);
    return error;
}

/* Zeroes as data: for parts of clusters, and where the format has no other way to hide a backing file. */
static int zeroes_write(struct qcow2 *q, uint64_t offset, uint64_t len)
{
    static const uint8_t zeroes[64 << 10];
    int error = 0;
    while (len && !error) {
        struct qcow2_extent extent;
        host_mutex_lock(&q->lock);
        error = q->corrupt ? EIO : qcow2_extent_at(q, offset, len, &extent);
        host_mutex_unlock(&q->lock);
        if (error)
            break;
        uint64_t piece = extent.len < sizeof(zeroes) ? extent.len : sizeof(zeroes);
        /* Only read from. */
        struct image_cursor from = {&(struct block_vec){(void *)(uintptr_t)zeroes, piece}, 1, 0};
        if (!extent_zero(q, &extent, offset))
            error = range_write(q, offset, piece, &from, true, &piece);
        offset += piece;
        len -= piece;
    }
    return error;
}

static int range_zero(struct qcow2 *q, uint64_t offset, uint64_t len, bool unmap)
{
    uint64_t end = offset + len;
    uint64_t first = align_up(offset, q->cluster_size), last = align_down(end, q->cluster_size);
    /* The disk's last cluster counts as whole: nothing is behind the disk's end. */
    if (end == q->image.size)
        last = align_up(end, q->cluster_size);
    /* Version 2 can only hide what is behind it with data. */
    if (first >= last || (q->header.version < 3 && q->backing))
        return zeroes_write(q, offset, len);
    int error = zeroes_write(q, offset, first - offset);
    if (!error)
        error = clusters_zero(q, first, last - first, unmap);
    if (!error && last < end)
        error = zeroes_write(q, last, end - last);
    return error;
}

int qcow2_zero(struct image *image, uint64_t offset, uint64_t len, bool unmap)
{
    struct qcow2 *q = qcow2_of(image);
    struct qcow2_range range;
    if (len == 0)
        return 0;
    host_mutex_lock(&q->lock);
    range_enter(q, &range, offset, len, true);
    host_mutex_unlock(&q->lock);
    int error = range_zero(q, offset, len, unmap);
    host_mutex_lock(&q->lock);
    range_leave(q, &range);
    host_mutex_unlock(&q->lock);
    return error;
}
