/*
 * Files and block devices of the host as disks: positioned reads and writes from any thread, holes, and a
 * lock against a second writer in another process.
 */
#pragma once

#include "base/error.h"

struct host_disk;

struct host_vec {
    void *base;
    size_t len;
};

/*
 * Open a regular file or a block device. A writer excludes everyone else, readers exclude writers. NULL and
 * err: missing, not allowed, a directory or another kind of thing, in use.
 */
struct host_disk *host_disk_open(const char *path, bool readonly, struct error *err);

/* An empty file without a name, gone when it is closed. NULL and err. */
struct host_disk *host_disk_temporary(struct error *err);
void host_disk_close(struct host_disk *disk);

/* Bytes in it now; a file grows when it is written beyond its end. */
uint64_t host_disk_size(const struct host_disk *disk);

/* All of these return 0 or an errno. Bytes beyond the end read as zero. */
int host_disk_read(struct host_disk *disk, uint64_t offset, const struct host_vec *vecs, unsigned count);
int host_disk_write(struct host_disk *disk, uint64_t offset, const struct host_vec *vecs, unsigned count);

/* Make a range read as zero; with `unmap` its space is given back where the host can. */
int host_disk_zero(struct host_disk *disk, uint64_t offset, uint64_t len, bool unmap);

/* Return when everything written so far would survive a power failure. */
int host_disk_sync(struct host_disk *disk);
