/*
 * A block backend: a disk's sectors, whatever file format they are in. Requests are asynchronous and may be
 * many at a time; completion runs on the loop's thread with the machine lock held.
 */
#pragma once

#include "devices/machine.h"

struct block;

enum block_op {
    BLOCK_READ,
    BLOCK_WRITE,
    BLOCK_FLUSH,
    BLOCK_DISCARD,      /* contents become undefined (zero here), space is given back */
    BLOCK_WRITE_ZEROES, /* contents become zero; `unmap` allows giving space back */
};

struct block_vec {
    void *base;
    size_t len;
};

/* The submitter owns the request and what it points to until `done`. */
struct block_request {
    enum block_op op;
    bool unmap;
    uint64_t offset, len; /* bytes, any alignment; checked against the size by the backend */
    const struct block_vec *vecs;
    unsigned vec_count;
    void (*done)(struct block_request *request, int error); /* 0 or an errno */
    void *opaque;
    struct block_request *next; /* the backend's, as is the next one */
    int error;
};

struct block_config {
    const char *path;
    const char *format; /* "raw", "qcow2", or NULL: look at the file */
    bool readonly;
    bool snapshot; /* writes go to a temporary overlay */
};

/* Open a disk. NULL and err: missing file, directory, locked by another process, malformed header... */
struct block *block_open(struct machine *machine, const struct block_config *config, struct error *err);
void block_close(struct block *block); /* waits for requests under way, flushes */

uint64_t block_size(const struct block *block);
bool block_readonly(const struct block *block);
/* A stable name of the image for serial numbers. */
const char *block_name(const struct block *block);

/* With the machine lock held; done may be called before this returns only for errors. */
void block_submit(struct block *block, struct block_request *request);

/* Wait for everything submitted (reset, save). Machine lock held; done callbacks run inside. */
void block_drain(struct block *block);

/* Synchronous, for firmware-less loaders and tests. False on error. */
bool block_read(struct block *block, uint64_t offset, void *to, size_t len);
bool block_write(struct block *block, uint64_t offset, const void *from, size_t len);
