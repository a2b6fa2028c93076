/*
 * What the terminal, socket and pty backends share: a character port over one or two file descriptors, with
 * back-pressure both ways. A backend embeds it first and says what happens to input and at the end of it.
 */
#pragma once

#include "devices/char/char.h"

struct char_stream;

struct char_stream_hooks {
    /* Look at what was read; what remains in `bytes` goes to the device. May be NULL. */
    size_t (*filter)(struct char_stream *stream, uint8_t *bytes, size_t len);
    /* Input or output came to its end and is not tried any more. On the loop's thread, with the machine lock.
     * May be NULL. */
    void (*ended)(struct char_stream *stream);
};

#define CHAR_STREAM_HELD 4096 /* what a program in a guest reads at once */

struct char_stream {
    struct char_port port;
    struct machine *machine;
    const struct char_stream_hooks *hooks;
    int in, out; /* -1: none */
    struct host_watch *in_watch,
        *out_watch; /* the same when in == out; NULL: can't be watched, never waits */
    bool in_ended, out_ended, output_full;
    bool refresh_posted, end_posted;
    uint8_t held[CHAR_STREAM_HELD]; /* read, and not taken by the device yet */
    size_t held_at, held_len;
};

/* A stream with no descriptors: output vanishes. */
void char_stream_init(struct char_stream *stream, struct machine *machine,
                      const struct char_stream_hooks *hooks);

/* Give it descriptors (the caller goes on owning them), or take them away. On the loop's thread, or before it
 * runs. */
void char_stream_open(struct char_stream *stream, int in, int out);
void char_stream_shut(struct char_stream *stream);

/* Try again after an end: the other side is back. */
void char_stream_resume(struct char_stream *stream);

/* The port's operations, for the backend's table. */
size_t char_stream_write(struct char_port *port, const uint8_t *bytes, size_t len);
void char_stream_receive_ready(struct char_port *port);
