/* Opening, flushing and closing qcow2 images, and making the overlay of a snapshot run. */
#include "devices/storage/qcow2.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

/* --- closing and flushing --- */

static int qcow2_flush(struct image *image)
{
    struct qcow2 *q = container_of(image, struct qcow2, image);
    if (image->readonly)
        return 0;
    host_mutex_lock(&q->lock);
    int error = qcow2_commit(q);
    host_mutex_unlock(&q->lock);
    return error ? error : host_disk_sync(q->disk);
}

static void image_free(struct qcow2 *q)
{
    image_close(q->backing);
    host_disk_close(q->disk);
    for (unsigned i = 0; i < QCOW2_PAGES; i++)
        free(q->pages[i].bytes);
    free(q->freed);
    free(q->reftable);
    free(q->l1);
    host_cond_destroy(&q->range_gone);
    host_mutex_destroy(&q->lock);
    free(q);
}

static void qcow2_close(struct image *image)
{
    struct qcow2 *q = container_of(image, struct qcow2, image);
    /* The first commit frees clusters, the second writes that they are free. */
    if (!image->readonly && (qcow2_flush(image) || qcow2_flush(image)))
        log_warn("%s could not be written completely", q->path);
    image_free(q);
}

static const struct image_ops qcow2_ops = {
    .read = qcow2_read,
    .write = qcow2_write,
    .zero = qcow2_zero,
    .flush = qcow2_flush,
    .close = qcow2_close,
};

/* --- opening --- */

/* Read a table of 64-bit numbers; its size was checked against the file's. */
static uint64_t *table_read(struct qcow2 *q, uint64_t offset, uint64_t entries, struct error *err)
{
    uint64_t *table = machine_alloc(entries * sizeof(*table) + 1);
    int error = qcow2_bytes_read(q, offset, table, entries * sizeof(*table));
    if (error) {
        error_set(err, ERROR_IMAGE, "can't read %s: %s", q->path, strerror(error));
        free(table);
        return NULL;
    }
    for (uint64_t i = 0; i < entries; i++)
        table[i] = be64_load(&table[i]);
    return table;
}

static bool tables_read(struct qcow2 *q, struct error *err)
{
    const struct qcow2_header *h = &q->header;
    q->reftable_entries = (uint32_t)(((uint64_t)h->reftable_clusters << h->cluster_bits) / 8);
    q->l1 = table_read(q, h->l1_offset, h->l1_size, err);
    q->reftable = q->l1 ? table_read(q, h->reftable_offset, q->reftable_entries, err) : NULL;
    if (!q->reftable)
        return false;
    for (uint32_t i = 0; i < q->reftable_entries; i++) {
        if (q->reftable[i] % q->cluster_size || q->reftable[i] > INT64_MAX)
            return error_set(
                err, ERROR_IMAGE,
                "%s is not a usable qcow2 image: its refcount table points to %#llx, which is no "
                "cluster of it",
                q->path, (unsigned long long)q->reftable[i]);
    }
    return true;
}

/* The backing file as its name is meant: relative to the folder of the image. */
static bool backing_path(const char *image_path, const char *name, char *out, size_t size, struct error *err)
{
    if (strncmp(name, "file:", 5) == 0)
        name += 5;
    const char *colon = strchr(name, ':'), *slash = strchr(name, '/');
    if (colon && (!slash || colon < slash))
        return error_set(err, ERROR_IMAGE, "the backing file of %s is \"%s\", which is not a local file",
                         image_path, name);
    const char *end = strrchr(image_path, '/');
    int folder = name[0] == '/' || !end ? 0 : (int)(end - image_path + 1);
    int len = snprintf(out, size, "%.*s%s", folder, image_path, name);
    return (size_t)len < size ||
           error_set(err, ERROR_IMAGE, "the path of the backing file of %s is too long", image_path);
}

static bool backing_open(struct qcow2 *q, const char *path, unsigned depth, struct error *err)
{
    const struct qcow2_header *h = &q->header;
    char behind[2048];
    if (!h->backing_path[0])
        return true;
    if (!backing_path(path, h->backing_path, behind, sizeof(behind), err))
        return false;
    const char *format = h->backing_format[0] ? h->backing_format : NULL;
    q->backing = image_open(behind, format, true, depth + 1, err);
    /* Name the outermost image only: the message names the innermost by itself. */
    return q->backing ||
           (depth == 0 ? error_prefix(err, "the backing file of %s can't be used", path) : false);
}

/* What a writer has to do first: mend an image left open, and disown what it will not keep up to date. */
static bool writing_begin(struct qcow2 *q, struct error *err)
{
    struct qcow2_header *h = &q->header;
    if (h->incompatible & QCOW2_INCOMPATIBLE_DIRTY && !qcow2_repair(q, err))
        return false;
    bool was_dirty = h->incompatible & QCOW2_INCOMPATIBLE_DIRTY;
    if (h->version < 3 || (!was_dirty && !h->autoclear))
        return true;
    uint8_t features[8];
    h->incompatible &= ~QCOW2_INCOMPATIBLE_DIRTY;
    h->autoclear = 0;
    be64_store(features, h->incompatible);
    int error = qcow2_bytes_write(q, QCOW2_HEADER_INCOMPATIBLE, features, sizeof(features));
    be64_store(features, 0);
    if (!error)
        error = qcow2_bytes_write(q, QCOW2_HEADER_AUTOCLEAR, features, sizeof(features));
    if (error)
        return error_set(err, ERROR_IMAGE, "can't write to %s: %s", q->path, strerror(error));
    return true;
}

static struct qcow2 *image_create(struct host_disk *disk, const char *path, bool readonly)
{
    struct qcow2 *q = machine_alloc(sizeof(*q));
    q->image.ops = &qcow2_ops;
    q->image.readonly = readonly;
    q->disk = disk;
    snprintf(q->path, sizeof(q->path), "%s", path);
    host_mutex_init(&q->lock);
    host_cond_init(&q->range_gone);
    return q;
}

static bool metadata_open(struct qcow2 *q, const char *path, struct error *err)
{
    if (!qcow2_header_read(&q->header, q->disk, path, q->image.readonly, err))
        return false;
    q->cluster_size = UINT64_C(1) << q->header.cluster_bits;
    q->page_size = q->cluster_size < PAGE_SIZE ? q->cluster_size : PAGE_SIZE;
    q->image.size = align_up(q->header.size, 512);
    q->fresh_from = align_up(host_disk_size(q->disk), q->cluster_size);
    return tables_read(q, err);
}

struct image *qcow2_open(struct host_disk *disk, const char *path, bool readonly, unsigned depth,
                         struct error *err)
{
    struct qcow2 *q = image_create(disk, path, readonly);
    if (metadata_open(q, path, err) && backing_open(q, path, depth, err) &&
        (readonly || writing_begin(q, err)))
        return &q->image;
    image_free(q);
    return NULL;
}

/* --- the overlay of a run that keeps nothing --- */

#define OVERLAY_CLUSTER_BITS 16
#define OVERLAY_L1_CLUSTER   3 /* after the header, the refcount table and its first block */

/* An empty image of `size` bytes: version 3, 64 KiB clusters, 16-bit counts. */
static int overlay_format(struct host_disk *disk, uint64_t size)
{
    uint64_t cluster = UINT64_C(1) << OVERLAY_CLUSTER_BITS, per_table = cluster / 8 * cluster;
    uint64_t l1_size = size / per_table + (size % per_table != 0);
    uint64_t clusters = OVERLAY_L1_CLUSTER + (l1_size * 8 + cluster - 1) / cluster;
    uint8_t header[QCOW2_HEADER_V3_LENGTH + 8] = {0}; /* and the end of the extensions */
    be32_store(header, QCOW2_MAGIC);
    be32_store(header + QCOW2_HEADER_VERSION, 3);
    be32_store(header + QCOW2_HEADER_CLUSTER_BITS, OVERLAY_CLUSTER_BITS);
    be64_store(header + QCOW2_HEADER_SIZE, size);
    be32_store(header + QCOW2_HEADER_L1_SIZE, (uint32_t)l1_size);
    be64_store(header + QCOW2_HEADER_L1_OFFSET, OVERLAY_L1_CLUSTER * cluster);
    be64_store(header + QCOW2_HEADER_REFTABLE_OFFSET, cluster);
    be32_store(header + QCOW2_HEADER_REFTABLE_CLUSTERS, 1);
    be32_store(header + QCOW2_HEADER_REFCOUNT_ORDER, 4);
    be32_store(header + QCOW2_HEADER_LENGTH, QCOW2_HEADER_V3_LENGTH);
    uint8_t reftable[8];
    be64_store(reftable, 2 * cluster);
    uint8_t *counts = machine_alloc(cluster);
    for (uint64_t i = 0; i < clusters; i++)
        be16_store(counts + 2 * i, 1);
    uint8_t last = 0;
    int error = clusters > cluster / 2 ? EFBIG : 0;
    if (!error)
        error = host_disk_write(disk, 0, &(struct host_vec){header, sizeof(header)}, 1);
    if (!error)
        error = host_disk_write(disk, cluster, &(struct host_vec){reftable, sizeof(reftable)}, 1);
    if (!error)
        error = host_disk_write(disk, 2 * cluster, &(struct host_vec){counts, cluster}, 1);
    if (!error)
        error = host_disk_write(disk, clusters * cluster - 1, &(struct host_vec){&last, 1}, 1);
    free(counts);
    return error;
}

struct image *image_overlay(struct image *backing, struct error *err)
{
    struct host_disk *disk = host_disk_temporary(err);
    if (!disk) {
        image_close(backing);
        return NULL;
    }
    struct qcow2 *q = image_create(disk, "the temporary overlay", false);
    q->backing = backing;
    int error = overlay_format(disk, backing->size);
    if (error)
        error_set(err, ERROR_HOST, "can't make a temporary overlay: %s", strerror(error));
    else if (metadata_open(q, q->path, err))
        return &q->image;
    image_free(q);
    return NULL;
}
