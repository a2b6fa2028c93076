/* A pseudo-terminal that a terminal program can attach to and leave again; meanwhile output vanishes. */
#include <stdlib.h>
#include <string.h>

#include "devices/char/char_backends.h"
#include "devices/char/char_stream.h"
#include "host/clock.h"
#include "host/stream.h"
#include "host/tty.h"

/* The host has no event for "somebody opened the slave again". */
#define ATTACH_POLL_NS 200000000u

struct char_pty {
    struct char_stream stream;
    int fd;
    struct host_timer *attach_poll;
    char path[256];
};

static struct char_pty *pty_of(struct char_port *port)
{
    return container_of(port, struct char_pty, stream.port);
}

static void pty_ended(struct char_stream *stream)
{
    struct char_pty *pty = container_of(stream, struct char_pty, stream);
    host_timer_set(pty->attach_poll, host_clock_ns() + ATTACH_POLL_NS);
}

static void attach_check(void *opaque)
{
    struct char_pty *pty = opaque;
    if (host_stream_connected(pty->fd))
        char_stream_resume(&pty->stream);
    else
        host_timer_set(pty->attach_poll, host_clock_ns() + ATTACH_POLL_NS);
}

static void pty_close(struct char_port *port)
{
    struct char_pty *pty = pty_of(port);
    char_stream_shut(&pty->stream);
    host_timer_destroy(pty->attach_poll);
    host_stream_close(pty->fd);
    free(pty);
}

static const struct char_stream_hooks pty_hooks = {.ended = pty_ended};
static const struct char_ops pty_ops = {
    .write = char_stream_write, .receive_ready = char_stream_receive_ready, .close = pty_close};

struct char_port *char_pty_create(struct machine *machine, const char *option, struct error *err)
{
    struct char_pty *pty = machine_alloc(sizeof(*pty));
    pty->stream.port.ops = &pty_ops;
    pty->fd = host_pty_open(pty->path, sizeof(pty->path), err);
    if (pty->fd >= 0)
        pty->attach_poll = host_timer_create(machine->loop, attach_check, pty, err);
    if (!pty->attach_poll) {
        host_stream_close(pty->fd);
        free(pty);
        return NULL;
    }
    char_stream_init(&pty->stream, machine, &pty_hooks);
    char_stream_open(&pty->stream, pty->fd, pty->fd);
    log_warn("%s pty is %s", option, pty->path);
    return &pty->stream.port;
}

const char *char_pty_path(struct char_port *port)
{
    return pty_of(port)->path;
}
