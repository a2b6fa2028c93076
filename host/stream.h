/*
 * Byte streams of the host by file descriptor (terminals, pipes, sockets, files), never waiting. Each
 * operation says how many bytes it moved.
 */
#pragma once

#include "base/error.h"

enum host_stream_status {
    HOST_STREAM_OK,
    HOST_STREAM_WAIT, /* nothing moved now: watch the descriptor */
    HOST_STREAM_END,  /* the other side is gone, the file is at its end, or it failed */
};

/* Read up to `len` bytes; *got is how many, at least 1 with HOST_STREAM_OK. */
enum host_stream_status host_stream_read(int fd, void *to, size_t len, size_t *got);

/* Write up to `len` bytes; *put is how many. A broken pipe is HOST_STREAM_END, not a signal. */
enum host_stream_status host_stream_write(int fd, const void *from, size_t len, size_t *put);

/* Whether the other side of a terminal or socket is there. */
bool host_stream_connected(int fd);

/*
 * A descriptor of our own for the terminal, pipe or file behind `fd`, or -1 when there is none. Watching a
 * descriptor makes it non-blocking, and for standard input and output that mode would be shared with the
 * shell and with standard error.
 */
int host_stream_own(int fd, bool output);

/* A file for output, made empty or created. -1 and err (ERROR_USAGE: it is the user's choice of path). */
int host_stream_create(const char *path, struct error *err);

void host_stream_close(int fd);
