#include "host/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether `events` can be served at once; *ready gets what poll says. */
static bool stream_poll(int fd, short events, short *ready)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    int n;
    do
        n = poll(&poll_fd, 1, 0);
    while (n < 0 && errno == EINTR);
    *ready = poll_fd.revents;
    return n > 0;
}

enum host_stream_status host_stream_read(int fd, void *to, size_t len, size_t *got)
{
    short ready;
    *got = 0;
    if (!stream_poll(fd, POLLIN, &ready))
        return HOST_STREAM_WAIT;
    ssize_t n = read(fd, to, len);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return HOST_STREAM_WAIT;
    if (n <= 0)
        return HOST_STREAM_END;
    *got = (size_t)n;
    return HOST_STREAM_OK;
}

/*
 * Sockets are asked not to raise SIGPIPE; for pipes the program ignores it (host_tty_raw, and cli/). What
 * else is ready takes this much without blocking (POSIX: PIPE_BUF for a pipe).
 */
static ssize_t write_quietly(int fd, const void *from, size_t len)
{
    ssize_t n = send(fd, from, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == ENOTSOCK)
        n = write(fd, from, len < _POSIX_PIPE_BUF ? len : _POSIX_PIPE_BUF);
    return n;
}

enum host_stream_status host_stream_write(int fd, const void *from, size_t len, size_t *put)
{
    short ready;
    *put = 0;
    if (!stream_poll(fd, POLLOUT, &ready))
        return HOST_STREAM_WAIT;
    if (ready & (POLLERR | POLLHUP | POLLNVAL))
        return HOST_STREAM_END;
    ssize_t n = write_quietly(fd, from, len);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? HOST_STREAM_WAIT : HOST_STREAM_END;
    *put = (size_t)n;
    return HOST_STREAM_OK;
}

bool host_stream_connected(int fd)
{
    short ready;
    return !stream_poll(fd, POLLIN | POLLOUT, &ready) || !(ready & (POLLHUP | POLLERR | POLLNVAL));
}

int host_stream_own(int fd, bool output)
{
    struct stat info;
    /* Opening a terminal or a pipe again gives one; a file opened again would start over. */
    if (fstat(fd, &info) == 0 && (S_ISFIFO(info.st_mode) || isatty(fd))) {
        char path[32];
        snprintf(path, sizeof(path), "/dev/fd/%d", fd);
        int own = open(path, (output ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own >= 0)
            return own;
    }
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

int host_stream_create(const char *path, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        error_errno(err, ERROR_USAGE, "can't write to %s", path);
    return fd;
}

void host_stream_close(int fd)
{
    if (fd >= 0)
        close(fd);
}
