/*
 * qcow2 inside devices/storage/qcow2_*.c: the open image, its cache of metadata, and what the files of the
 * family offer each other. Written from docs/interop/qcow2 of the format's specification, versions 2 and 3.
 *
 * Consistency: clusters are counted before anything points to them and are freed after nothing does. All
 * metadata is changed in memory and reaches the file in qcow2_commit, which orders its writes with syncs; so
 * a crash loses what was not flushed and leaks clusters at worst.
 *
 * Threads: `lock` guards everything in struct qcow2. Data is read and written without it, while a range of
 * guest clusters is held: shared by readers and writers in place, exclusive by who changes the mapping.
 */
#pragma once

#include "devices/storage/image.h"

#define QCOW2_MAGIC 0x514649fbu

/* Header fields (version 3 after 72). */
#define QCOW2_HEADER_VERSION           4
#define QCOW2_HEADER_BACKING_OFFSET    8
#define QCOW2_HEADER_BACKING_SIZE      16
#define QCOW2_HEADER_CLUSTER_BITS      20
#define QCOW2_HEADER_SIZE              24
#define QCOW2_HEADER_CRYPT_METHOD      32
#define QCOW2_HEADER_L1_SIZE           36
#define QCOW2_HEADER_L1_OFFSET         40
#define QCOW2_HEADER_REFTABLE_OFFSET   48
#define QCOW2_HEADER_REFTABLE_CLUSTERS 56
#define QCOW2_HEADER_SNAPSHOTS         60
#define QCOW2_HEADER_SNAPSHOTS_OFFSET  64
#define QCOW2_HEADER_INCOMPATIBLE      72
#define QCOW2_HEADER_COMPATIBLE        80
#define QCOW2_HEADER_AUTOCLEAR         88
#define QCOW2_HEADER_REFCOUNT_ORDER    96
#define QCOW2_HEADER_LENGTH            100
#define QCOW2_HEADER_COMPRESSION       104
#define QCOW2_HEADER_V2_LENGTH         72
#define QCOW2_HEADER_V3_LENGTH         104

#define QCOW2_INCOMPATIBLE_DIRTY         (1ull << 0)
#define QCOW2_INCOMPATIBLE_CORRUPT       (1ull << 1)
#define QCOW2_INCOMPATIBLE_EXTERNAL_DATA (1ull << 2)
#define QCOW2_INCOMPATIBLE_COMPRESSION   (1ull << 3)
#define QCOW2_INCOMPATIBLE_EXTENDED_L2   (1ull << 4)

/* L1, L2 and refcount table entries. */
#define QCOW2_ENTRY_OFFSET     0x00fffffffffffe00ull
#define QCOW2_ENTRY_COPIED     (1ull << 63) /* refcount is exactly one: may be written in place */
#define QCOW2_ENTRY_COMPRESSED (1ull << 62)
#define QCOW2_ENTRY_ZERO       (1ull << 0)

#define QCOW2_COMPRESSION_ZLIB 0
#define QCOW2_COMPRESSION_ZSTD 1

/* Limits that keep a wild header from costing memory. */
#define QCOW2_L1_BYTES_MAX       (32u << 20)
#define QCOW2_REFTABLE_BYTES_MAX (8u << 20)
#define QCOW2_SNAPSHOTS_MAX      65536u

/* What the header says, checked. */
struct qcow2_header {
    unsigned version, cluster_bits, refcount_order, compression;
    uint64_t size;
    uint32_t l1_size;
    uint64_t l1_offset;
    uint64_t reftable_offset;
    uint32_t reftable_clusters;
    uint32_t snapshots;
    uint64_t snapshots_offset;
    uint64_t incompatible, autoclear;
    bool has_bitmaps;
    char backing_path[1024]; /* as written; empty: none */
    char backing_format[16]; /* empty: not said */
};

/* A piece of an L2 table or of a refcount block in memory. */
enum qcow2_page_kind { QCOW2_PAGE_REFCOUNTS, QCOW2_PAGE_L2 };
struct qcow2_page {
    uint64_t offset; /* in the file; 0: unused */
    uint64_t used;   /* when, for the least recently used */
    enum qcow2_page_kind kind;
    bool dirty;
    uint8_t *bytes;
};
#define QCOW2_PAGES 256

/* Guest clusters a request works on. */
struct qcow2_range {
    uint64_t first, last;
    bool exclusive;
    struct qcow2_range *next;
};

/* Clusters to free when nothing in the file points to them any more. */
struct qcow2_freed {
    uint64_t offset, clusters;
    bool punch; /* give the space back to the host */
};

struct qcow2 {
    struct image image;
    struct host_disk *disk;
    struct image *backing; /* may be NULL */
    char path[256];        /* for messages */
    struct qcow2_header header;
    uint64_t cluster_size;

    struct host_mutex lock;
    struct host_cond range_gone;
    struct qcow2_range *ranges;

    uint64_t *l1; /* header.l1_size entries */
    bool l1_dirty;
    uint64_t *reftable; /* offsets of refcount blocks */
    uint32_t reftable_entries;
    bool reftable_dirty;

    size_t page_size;
    uint64_t page_clock;
    struct qcow2_page pages[QCOW2_PAGES];
    struct qcow2_page *recent; /* the one last asked for */

    uint64_t search_from; /* no free cluster has a lower index */
    uint64_t fresh_from;  /* nothing was ever written from this offset on */
    struct qcow2_freed *freed;
    size_t freed_count, freed_room;
    bool corrupt;
};

/* --- qcow2_header.c --- */

/* Read and check the header. False and err. */
bool qcow2_header_read(struct qcow2_header *header, struct host_disk *disk, const char *path, bool readonly,
                       struct error *err);

/* --- qcow2_cache.c; lock held, 0 or an errno --- */

/* The page with the byte at `offset`, which stays until the next call. */
int qcow2_page_get(struct qcow2 *q, uint64_t offset, enum qcow2_page_kind kind, struct qcow2_page **page);

/* Begin a table in the `clusters` clusters at `offset`: zeroes, and nothing remembered of what was there. */
int qcow2_table_begin(struct qcow2 *q, uint64_t offset, uint64_t clusters);

/* Write all metadata in an order that is consistent at every moment, and free what became free. */
int qcow2_commit(struct qcow2 *q);

/* Bytes of the file, past the cache. */
int qcow2_bytes_write(struct qcow2 *q, uint64_t offset, const void *bytes, size_t len);
int qcow2_bytes_read(struct qcow2 *q, uint64_t offset, void *bytes, size_t len);

/* The file contradicts itself: nothing is written to it any more, and others are told by the corrupt bit. */
int qcow2_corrupt(struct qcow2 *q, const char *what, uint64_t offset);

/* --- qcow2_refcount.c; lock held, 0 or an errno --- */

/* Up to `want` neighbouring clusters, counted once; *got >= 1. *fresh: they read as zero, as nothing was ever
 * written there. */
int qcow2_clusters_allocate(struct qcow2 *q, uint64_t want, uint64_t *offset, uint64_t *got, bool *fresh);

/* Take back what was just allocated and never pointed to. */
int qcow2_clusters_unallocate(struct qcow2 *q, uint64_t offset, uint64_t clusters);

/* Drop one reference to each cluster as soon as the file has none to it. */
void qcow2_free_later(struct qcow2 *q, uint64_t offset, uint64_t clusters, bool punch);
int qcow2_freed_apply(struct qcow2 *q);

/* Whether the cluster at `offset` has the header or a part of the L1 or refcount table: nothing else may. */
bool qcow2_holds_table(const struct qcow2 *q, uint64_t offset);

int qcow2_refcount_get(struct qcow2 *q, uint64_t cluster, uint64_t *count);
int qcow2_refcount_set(struct qcow2 *q, uint64_t cluster, uint64_t count);

/* --- qcow2_map.c; lock held, 0 or an errno --- */

enum qcow2_kind {
    QCOW2_UNALLOCATED, /* the backing file's, or zero */
    QCOW2_ZERO,
    QCOW2_DATA,
    QCOW2_COMPRESSED,
};

/* Bytes of the disk that are found the same way. */
struct qcow2_extent {
    enum qcow2_kind kind;
    bool in_place; /* data may be overwritten where it is */
    uint64_t len;
    uint64_t host;  /* data: where the first byte is; zero: its cluster if it has one, or 0 */
    uint64_t entry; /* the L2 entry of the first cluster */
};
int qcow2_extent_at(struct qcow2 *q, uint64_t offset, uint64_t len, struct qcow2_extent *extent);

/* Where a compressed cluster is in the file. */
void qcow2_compressed_place(const struct qcow2 *q, uint64_t entry, uint64_t *offset, uint64_t *len);

/* Make the L2 entry of the cluster at `offset` point elsewhere and free what it pointed to (its own cluster
 * is kept if the new entry still has it). */
int qcow2_entry_set(struct qcow2 *q, uint64_t offset, uint64_t entry, bool punch);

/* --- qcow2_io.c --- */

int qcow2_read(struct image *image, uint64_t offset, uint64_t len, struct image_cursor *to);
int qcow2_write(struct image *image, uint64_t offset, uint64_t len, struct image_cursor *from);
int qcow2_zero(struct image *image, uint64_t offset, uint64_t len, bool unmap);

/* --- qcow2_compress.c --- */

/* Unpack a cluster; 0 or EIO. */
int qcow2_decompress(unsigned type, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len);

/* Whether this program has the library. */
bool qcow2_compression_known(unsigned type);

/* --- qcow2_repair.c --- */

/* Count every reference and correct the refcounts; for an image that was not closed properly and has lazy
 * refcounts. False and err when that is not enough. */
bool qcow2_repair(struct qcow2 *q, struct error *err);
