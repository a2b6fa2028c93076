/*
 * A file that keeps a device's memory (flash, a variable store): read once when the machine is built, and
 * written through as the guest changes it.
 */
#pragma once

#include "base/error.h"

struct host_store {
    int fd;
    uint64_t size; /* of the file */
    bool readonly;
};

/* Open a regular file. False and err (ERROR_IMAGE): missing, a directory, or not allowed. */
bool host_store_open(struct host_store *store, const char *path, bool readonly, struct error *err);

/* Make a file that is not there yet, for its owner only. False and err (ERROR_HOST). */
bool host_store_create(struct host_store *store, const char *path, struct error *err);

void host_store_close(struct host_store *store);

/* Make a file that is not there yet, as a copy of another one. False and err (ERROR_IMAGE). */
bool host_store_copy(const char *path, const char *from, struct error *err);

/* Read [0, len) of it, which it has. Pages of zeros are not touched, so that memory that is zero already
 * stays unused. False and err (ERROR_IMAGE). */
bool host_store_read(const struct host_store *store, void *to, uint64_t len, struct error *err);

/* Write [offset, offset + len), growing the file; false when the host refuses. */
bool host_store_write(struct host_store *store, uint64_t offset, const void *from, uint64_t len);

/* Whether files can be made in a folder. False and err (ERROR_USAGE: it is the user's choice). */
bool host_folder_check(const char *path, struct error *err);
