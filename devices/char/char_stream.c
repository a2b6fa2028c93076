#include "devices/char/char_stream.h"

#include <string.h>

#include "host/stream.h"

static struct char_stream *stream_of(struct char_port *port)
{
    return container_of(port, struct char_stream, port);
}

void char_stream_init(struct char_stream *stream, struct machine *machine,
                      const struct char_stream_hooks *hooks)
{
    stream->machine = machine;
    stream->hooks = hooks;
    stream->in = stream->out = -1;
}

static bool wants_input(const struct char_stream *stream)
{
    return stream->in >= 0 && !stream->in_ended && !stream->held_len && stream->port.handlers.receive;
}

static void refresh_post(struct char_stream *stream);

/* Watches may be changed on the loop's thread only. */
static void watches_refresh(struct char_stream *stream)
{
    unsigned in = wants_input(stream) ? HOST_READABLE : 0;
    unsigned out = stream->output_full ? HOST_WRITABLE : 0;
    if (stream->in_watch && stream->in_watch == stream->out_watch) {
        host_watch_set(stream->in_watch, in | out);
        return;
    }
    if (stream->in_watch)
        host_watch_set(stream->in_watch, in);
    if (stream->out_watch)
        host_watch_set(stream->out_watch, out);
}

static void end_run(void *opaque)
{
    struct char_stream *stream = opaque;
    stream->end_posted = false;
    stream->hooks->ended(stream);
}

/* The end may be noticed by a vCPU that writes: the backend is told on the loop's thread. */
static void end_post(struct char_stream *stream)
{
    if (stream->end_posted || !stream->hooks->ended)
        return;
    stream->end_posted = true;
    host_loop_post(stream->machine->loop, end_run, stream);
}

static void held_deliver(struct char_stream *stream)
{
    const struct char_handlers *handlers = &stream->port.handlers;
    if (!handlers->receive || !stream->held_len)
        return;
    /* The device may call receive_ready from inside: what it is being given is not held meanwhile. */
    size_t at = stream->held_at, len = stream->held_len;
    stream->held_len = 0;
    size_t taken = handlers->receive(handlers->opaque, stream->held + at, len);
    stream->held_at = at + taken;
    stream->held_len = len - taken;
}

static void input_read(struct char_stream *stream)
{
    size_t got;
    if (!wants_input(stream))
        return;
    switch (host_stream_read(stream->in, stream->held, sizeof(stream->held), &got)) {
    case HOST_STREAM_WAIT: return;
    case HOST_STREAM_END:
        stream->in_ended = true;
        end_post(stream);
        return;
    case HOST_STREAM_OK: break;
    }
    stream->out_ended = false; /* who sends is there */
    stream->held_at = 0;
    stream->held_len = stream->hooks->filter ? stream->hooks->filter(stream, stream->held, got) : got;
    held_deliver(stream);
}

static void refresh_run(void *opaque)
{
    struct char_stream *stream = opaque;
    stream->refresh_posted = false;
    /* A regular file can't be watched and is always ready: read it bit by bit, as the device takes it. */
    if (!stream->in_watch && wants_input(stream)) {
        input_read(stream);
        if (wants_input(stream))
            refresh_post(stream);
    }
    watches_refresh(stream);
}

static void refresh_post(struct char_stream *stream)
{
    if (stream->refresh_posted)
        return;
    stream->refresh_posted = true;
    host_loop_post(stream->machine->loop, refresh_run, stream);
}

static void stream_ready(void *opaque, unsigned events)
{
    struct char_stream *stream = opaque;
    if (events & HOST_WRITABLE && stream->output_full) {
        stream->output_full = false;
        if (stream->port.handlers.writable)
            stream->port.handlers.writable(stream->port.handlers.opaque);
    }
    if (events & HOST_READABLE)
        input_read(stream);
    watches_refresh(stream);
}

void char_stream_open(struct char_stream *stream, int in, int out)
{
    struct host_loop *loop = stream->machine->loop;
    stream->in = in;
    stream->out = out;
    stream->in_ended = stream->out_ended = false;
    stream->in_watch = in >= 0 ? host_watch_create(loop, in, stream_ready, stream, NULL) : NULL;
    stream->out_watch = out == in  ? stream->in_watch
                        : out >= 0 ? host_watch_create(loop, out, stream_ready, stream, NULL)
                                   : NULL;
    refresh_post(stream);
}

void char_stream_shut(struct char_stream *stream)
{
    if (stream->out_watch != stream->in_watch)
        host_watch_destroy(stream->out_watch);
    host_watch_destroy(stream->in_watch);
    stream->in_watch = stream->out_watch = NULL;
    stream->in = stream->out = -1;
    if (stream->output_full) {
        stream->output_full = false;
        if (stream->port.handlers.writable)
            stream->port.handlers.writable(stream->port.handlers.opaque);
    }
}

void char_stream_resume(struct char_stream *stream)
{
    stream->in_ended = stream->out_ended = false;
    refresh_post(stream);
}

size_t char_stream_write(struct char_port *port, const uint8_t *bytes, size_t len)
{
    struct char_stream *stream = stream_of(port);
    size_t done = 0;
    while (stream->out >= 0 && !stream->out_ended && done < len) {
        size_t put;
        switch (host_stream_write(stream->out, bytes + done, len - done, &put)) {
        case HOST_STREAM_OK: done += put; break;
        case HOST_STREAM_END:
            stream->out_ended = true;
            end_post(stream);
            return len;
        case HOST_STREAM_WAIT:
            /* What can't be watched can't tell when it has room: then the output is lost. */
            if (!stream->out_watch)
                return len;
            stream->output_full = true;
            refresh_post(stream);
            return done;
        }
    }
    return len;
}

void char_stream_receive_ready(struct char_port *port)
{
    struct char_stream *stream = stream_of(port);
    bool waited = stream->held_len != 0;
    held_deliver(stream);
    if ((waited && !stream->held_len) || (wants_input(stream) && !stream->in_watch))
        refresh_post(stream);
}
