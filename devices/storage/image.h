/*
 * Disk images inside devices/storage: synchronous reads and writes of a file format, from any number of
 * threads at once. block.c makes asynchronous disks of them; qcow2 reads its backing file through one.
 */
#pragma once

#include "base/error.h"
#include "devices/storage/block.h"
#include "host/disk.h"

struct image;

/* How far a transfer is in the memory it goes to or comes from. */
struct image_cursor {
    const struct block_vec *vecs;
    unsigned count;
    size_t skip; /* of the first vector */
};

/* All return 0 or an errno. Ranges lie inside the image; transfers advance the cursor by `len`. */
struct image_ops {
    int (*read)(struct image *image, uint64_t offset, uint64_t len, struct image_cursor *to);
    int (*write)(struct image *image, uint64_t offset, uint64_t len, struct image_cursor *from);
    /* The range reads as zero afterwards; with `unmap` its space may be given back. */
    int (*zero)(struct image *image, uint64_t offset, uint64_t len, bool unmap);
    int (*flush)(struct image *image);
    void (*close)(struct image *image);
};

/* Formats embed this first. */
struct image {
    const struct image_ops *ops;
    uint64_t size; /* a multiple of 512 */
    bool readonly;
};

/* How many images may stand behind each other. */
#define IMAGE_DEPTH_MAX 32

/*
 * Open an image and what is behind it. `format` NULL: look at the file. `depth`: how many images are in front
 * of it. NULL and err.
 */
struct image *image_open(const char *path, const char *format, bool readonly, unsigned depth,
                         struct error *err);
void image_close(struct image *image);

/* A qcow2 image in a temporary file in front of `backing`, which it owns from then on, also on failure. */
struct image *image_overlay(struct image *backing, struct error *err);

/* The formats; they own the disk from the call on, also when it fails. */
struct image *raw_open(struct host_disk *disk, bool readonly, bool probed);
struct image *qcow2_open(struct host_disk *disk, const char *path, bool readonly, unsigned depth,
                         struct error *err);

/* --- transfers between a cursor and a file, or memory --- */

int cursor_read(struct image_cursor *to, struct host_disk *disk, uint64_t offset, uint64_t len);
int cursor_write(struct image_cursor *from, struct host_disk *disk, uint64_t offset, uint64_t len);
void cursor_load(struct image_cursor *from, void *to, uint64_t len);
void cursor_store(struct image_cursor *to, const void *from, uint64_t len);
void cursor_zero(struct image_cursor *to, uint64_t len);
