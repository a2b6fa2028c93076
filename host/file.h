/*
 * Files of the host as loaders read them: opened for reading, known to be something that has bytes, read by
 * position. A file that changes or shrinks meanwhile gives an error and nothing worse.
 */
#pragma once

#include "base/error.h"

struct host_file {
    int fd;
    uint64_t size;
};

/*
 * Whether what is at `path` is a regular file, or (`devices`) a block device: looked at before it is opened,
 * because opening a pipe or a device may wait, or do something. True also when there is nothing, which
 * opening will tell. False and err (ERROR_IMAGE).
 */
bool host_file_kind_check(const char *path, bool devices, struct error *err);

/* Open a regular file or a block device. False and err (ERROR_IMAGE): missing, a directory, not allowed, or
 * without a size. */
bool host_file_open(struct host_file *file, const char *path, struct error *err);
void host_file_close(struct host_file *file);

/* Read exactly [offset, offset + len). False and err (ERROR_IMAGE), also when the file ends before. */
bool host_file_read(const struct host_file *file, uint64_t offset, void *to, uint64_t len, struct error *err);

/* Whether there is a regular file that can be read. */
bool host_file_exists(const char *path);

/* Whether standard error is a terminal, where a progress line is welcome. */
bool host_stderr_is_terminal(void);
