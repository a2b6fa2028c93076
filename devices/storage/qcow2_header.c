/* The qcow2 header: every value is checked here, so that nothing after it meets a wild one. */
#include <string.h>

#include "base/bits.h"
#include "devices/storage/qcow2.h"

#define EXTENSION_END            0u
#define EXTENSION_BACKING_FORMAT 0xe2792acau
#define EXTENSION_FEATURE_NAMES  0x6803f857u
#define EXTENSION_BITMAPS        0x23852875u

#define FEATURE_NAME_SIZE 48u

/* What is needed while reading. */
struct reader {
    struct qcow2_header *header;
    const char *path;
    uint8_t start[4096]; /* of the file */
    uint64_t file_size;
    uint32_t header_length;
    uint64_t backing_offset;
    uint32_t backing_size;
    uint32_t crypt_method;
    char feature_name[47]; /* the file's name for an unknown feature */
};

static bool refuse(const struct reader *r, struct error *err, const char *what)
{
    return error_set(err, ERROR_IMAGE, "%s is not a usable qcow2 image: %s", r->path, what);
}

static bool fields_read(struct reader *r, struct error *err)
{
    struct qcow2_header *h = r->header;
    const uint8_t *p = r->start;
    if (be32_load(p) != QCOW2_MAGIC)
        return refuse(r, err, "it does not begin with the format's magic bytes");
    h->version = be32_load(p + QCOW2_HEADER_VERSION);
    if (h->version == 1)
        return refuse(r, err,
                      "it has version 1 of the format, convert it with \"qemu-img convert -O qcow2\"");
    if (h->version != 2 && h->version != 3)
        return refuse(r, err, "its version is neither 2 nor 3");
    r->backing_offset = be64_load(p + QCOW2_HEADER_BACKING_OFFSET);
    r->backing_size = be32_load(p + QCOW2_HEADER_BACKING_SIZE);
    h->cluster_bits = be32_load(p + QCOW2_HEADER_CLUSTER_BITS);
    h->size = be64_load(p + QCOW2_HEADER_SIZE);
    r->crypt_method = be32_load(p + QCOW2_HEADER_CRYPT_METHOD);
    h->l1_size = be32_load(p + QCOW2_HEADER_L1_SIZE);
    h->l1_offset = be64_load(p + QCOW2_HEADER_L1_OFFSET);
    h->reftable_offset = be64_load(p + QCOW2_HEADER_REFTABLE_OFFSET);
    h->reftable_clusters = be32_load(p + QCOW2_HEADER_REFTABLE_CLUSTERS);
    h->snapshots = be32_load(p + QCOW2_HEADER_SNAPSHOTS);
    h->snapshots_offset = be64_load(p + QCOW2_HEADER_SNAPSHOTS_OFFSET);
    h->refcount_order = 4;
    r->header_length = QCOW2_HEADER_V2_LENGTH;
    if (h->version == 2)
        return true;
    if (r->file_size < QCOW2_HEADER_V3_LENGTH)
        return refuse(r, err, "the file is shorter than a header");
    h->incompatible = be64_load(p + QCOW2_HEADER_INCOMPATIBLE);
    h->autoclear = be64_load(p + QCOW2_HEADER_AUTOCLEAR);
    h->refcount_order = be32_load(p + QCOW2_HEADER_REFCOUNT_ORDER);
    r->header_length = be32_load(p + QCOW2_HEADER_LENGTH);
    if (r->header_length > QCOW2_HEADER_COMPRESSION)
        h->compression = p[QCOW2_HEADER_COMPRESSION];
    return true;
}

/* The file's own name for the lowest feature bit in `unknown`, from the table of names. */
static void feature_name_find(struct reader *r, const uint8_t *table, uint32_t len)
{
    uint64_t known = QCOW2_INCOMPATIBLE_DIRTY | QCOW2_INCOMPATIBLE_CORRUPT | QCOW2_INCOMPATIBLE_COMPRESSION;
    uint64_t unknown = r->header->incompatible & ~known;
    for (uint32_t i = 0; unknown && i + FEATURE_NAME_SIZE <= len; i += FEATURE_NAME_SIZE) {
        if (table[i] == 0 && table[i + 1] == __builtin_ctzll(unknown))
            memcpy(r->feature_name, table + i + 2, sizeof(r->feature_name) - 1);
    }
}

/* Header extensions lie between the header and the backing file's name, in the first cluster; of that only
 * what `start` holds is looked at. */
static bool extensions_read(struct reader *r, struct error *err)
{
    uint64_t end = r->backing_offset ? r->backing_offset : UINT64_C(1) << r->header->cluster_bits;
    if (end > sizeof(r->start))
        end = sizeof(r->start);
    uint64_t at = r->header_length;
    while (at + 8 <= end) {
        uint32_t type = be32_load(r->start + at), len = be32_load(r->start + at + 4);
        at += 8;
        if (type == EXTENSION_END)
            return true;
        if (len > end - at)
            return refuse(r, err, "a header extension reaches beyond the header");
        const uint8_t *data = r->start + at;
        if (type == EXTENSION_BACKING_FORMAT) {
            if (len >= sizeof(r->header->backing_format))
                return refuse(r, err, "the name of its backing file's format is too long");
            memcpy(r->header->backing_format, data, len);
        } else if (type == EXTENSION_FEATURE_NAMES) {
            feature_name_find(r, data, len);
        } else if (type == EXTENSION_BITMAPS) {
            r->header->has_bitmaps = true;
        }
        at += align_up(len, 8);
    }
    return true;
}

static bool features_check(const struct reader *r, bool readonly, struct error *err)
{
    uint64_t features = r->header->incompatible;
    if (features & QCOW2_INCOMPATIBLE_EXTERNAL_DATA)
        return refuse(r, err, "its data is in an external data file, which is not supported");
    if (features & QCOW2_INCOMPATIBLE_EXTENDED_L2)
        return refuse(r, err, "it has extended L2 entries (subclusters), which are not supported");
    if (features & QCOW2_INCOMPATIBLE_CORRUPT && !readonly)
        return refuse(
            r, err, "it is marked as corrupt: open it readonly, or repair it with \"qemu-img check -r all\"");
    uint64_t known = QCOW2_INCOMPATIBLE_DIRTY | QCOW2_INCOMPATIBLE_CORRUPT | QCOW2_INCOMPATIBLE_COMPRESSION;
    if (features & ~known)
        return error_set(err, ERROR_IMAGE, "%s needs the unknown qcow2 feature \"%s\" (bit %d)", r->path,
                         r->feature_name, __builtin_ctzll(features & ~known));
    if (!(features & QCOW2_INCOMPATIBLE_COMPRESSION) != (r->header->compression == QCOW2_COMPRESSION_ZLIB))
        return refuse(r, err, "its compression type contradicts its feature bits");
    if (!qcow2_compression_known(r->header->compression))
        return refuse(
            r, err, "its compression type is not supported by this build (zlib, and zstd with libzstd, are)");
    return true;
}

static bool geometry_check(const struct reader *r, struct error *err)
{
    const struct qcow2_header *h = r->header;
    if (h->cluster_bits < 9 || h->cluster_bits > 21)
        return refuse(r, err, "its cluster size is not between 512 bytes and 2 MiB");
    if (r->crypt_method)
        return refuse(r, err,
                      "it is encrypted, which is not supported: convert it with \"qemu-img convert\"");
    if (h->refcount_order > 6)
        return refuse(r, err, "its reference counts are wider than 64 bits");
    if (h->version == 3 && (r->header_length < QCOW2_HEADER_V3_LENGTH || r->header_length % 8 ||
                            r->header_length > UINT64_C(1) << h->cluster_bits))
        return refuse(r, err, "its header has a wrong length");
    if (h->size > INT64_MAX - 511)
        return refuse(r, err, "its size is beyond all bounds");
    return true;
}

static bool table_check(const struct reader *r, uint64_t offset, uint64_t bytes, uint64_t max,
                        const char *what, struct error *err)
{
    uint64_t cluster_size = UINT64_C(1) << r->header->cluster_bits;
    const char *wrong = bytes > max                                 ? "is too large"
                        : offset % cluster_size                     ? "does not begin at a cluster"
                        : offset == 0                               ? "lies over the header"
                        : range_beyond(offset, bytes, r->file_size) ? "reaches beyond the end of the file"
                                                                    : NULL;
    if (!wrong)
        return true;
    return error_set(err, ERROR_IMAGE, "%s is not a usable qcow2 image: its %s %s", r->path, what, wrong);
}

static bool tables_check(const struct reader *r, struct error *err)
{
    const struct qcow2_header *h = r->header;
    uint64_t l1_bytes = (uint64_t)h->l1_size * 8,
             reftable_bytes = (uint64_t)h->reftable_clusters << h->cluster_bits;
    unsigned l1_shift =
        2 * h->cluster_bits - 3; /* bytes of the disk an L1 entry stands for, as a power of two */
    uint64_t needed = (h->size >> l1_shift) + ((h->size & ((UINT64_C(1) << l1_shift) - 1)) != 0);
    if (needed > QCOW2_L1_BYTES_MAX / 8)
        return refuse(r, err, "its disk is too large for its cluster size");
    if (h->l1_size < needed)
        return refuse(r, err, "its L1 table is too small for its disk");
    if (l1_bytes && !table_check(r, h->l1_offset, l1_bytes, QCOW2_L1_BYTES_MAX, "L1 table", err))
        return false;
    if (reftable_bytes == 0)
        return refuse(r, err, "it has no refcount table");
    if (!table_check(r, h->reftable_offset, reftable_bytes, QCOW2_REFTABLE_BYTES_MAX, "refcount table", err))
        return false;
    if (ranges_overlap(h->l1_offset, l1_bytes, h->reftable_offset, reftable_bytes))
        return refuse(r, err, "its L1 table and its refcount table overlap");
    if (h->snapshots > QCOW2_SNAPSHOTS_MAX)
        return refuse(r, err, "it has too many snapshots");
    /* An entry of the snapshot table has at least 40 bytes. */
    return h->snapshots == 0 || table_check(r, h->snapshots_offset, (uint64_t)h->snapshots * 40,
                                            QCOW2_SNAPSHOTS_MAX * 40ull, "snapshot table", err);
}

static bool backing_read(struct reader *r, struct host_disk *disk, struct error *err)
{
    struct qcow2_header *h = r->header;
    if (r->backing_offset == 0)
        return true;
    if (r->backing_size >= sizeof(h->backing_path) ||
        range_beyond(r->backing_offset, r->backing_size, UINT64_C(1) << h->cluster_bits) ||
        r->backing_offset < r->header_length)
        return refuse(r, err, "the name of its backing file is not in its header");
    struct host_vec vec = {h->backing_path, r->backing_size};
    int error = host_disk_read(disk, r->backing_offset, &vec, 1);
    if (error)
        return error_set(err, ERROR_IMAGE, "can't read %s: %s", r->path, strerror(error));
    if (strlen(h->backing_path) != r->backing_size)
        return refuse(r, err, "the name of its backing file has a zero byte");
    return true;
}

bool qcow2_header_read(struct qcow2_header *header, struct host_disk *disk, const char *path, bool readonly,
                       struct error *err)
{
    struct reader r = {.header = header, .path = path, .file_size = host_disk_size(disk)};
    *header = (struct qcow2_header){0};
    int error = host_disk_read(disk, 0, &(struct host_vec){r.start, sizeof(r.start)}, 1);
    if (error)
        return error_set(err, ERROR_IMAGE, "can't read %s: %s", path, strerror(error));
    if (r.file_size < QCOW2_HEADER_V2_LENGTH)
        return refuse(&r, err, "the file is shorter than a header");
    return fields_read(&r, err) && geometry_check(&r, err) && extensions_read(&r, err) &&
           features_check(&r, readonly, err) && tables_check(&r, err) && backing_read(&r, disk, err);
}
