/*
 * The terminal the program was started in. A terminal is put into raw mode and has an escape key; a pipe or a
 * file is a plain stream, and its end is only the end of input.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/char/char_backends.h"
#include "devices/char/char_stream.h"
#include "host/stream.h"
#include "host/tty.h"

#define STDIN      0
#define STDOUT     1
#define ESCAPE_KEY 0x01 /* Ctrl-A */

struct char_stdio {
    struct char_stream stream;
    int in, out;
    bool terminal;
    bool escaped; /* the last key was the escape */
    void (*command)(void *opaque, char key);
    void *opaque;
    void (*take)(void *opaque, const uint8_t *bytes, size_t len); /* who gets the keys; NULL: the guest */
    void *taker;
};

static struct char_stdio *the_stdio;

static void help_print(int out)
{
    static const char help[] = "\r\nCtrl-A h  this list\r\n"
                               "Ctrl-A x  exit\r\n"
                               "Ctrl-A c  monitor\r\n"
                               "Ctrl-A b  send a break\r\n"
                               "Ctrl-A Ctrl-A  send Ctrl-A\r\n";
    size_t put;
    host_stream_write(out, help, strlen(help), &put);
}

/* A key after the escape; true when it is for the guest. */
static bool escape_key(struct char_stdio *stdio, uint8_t key)
{
    struct machine *machine = stdio->stream.machine;
    const struct char_handlers *handlers = &stdio->stream.port.handlers;
    switch (key) {
    case ESCAPE_KEY: return true;
    case 'h':
    case '?': help_print(stdio->out); break;
    case 'x': machine->request(machine, MACHINE_EXIT, 0); break;
    case 'b':
        if (handlers->break_received)
            handlers->break_received(handlers->opaque);
        break;
    default:
        if (stdio->command)
            stdio->command(stdio->opaque, (char)key);
    }
    return false;
}

static size_t stdio_filter(struct char_stream *stream, uint8_t *bytes, size_t len)
{
    struct char_stdio *stdio = container_of(stream, struct char_stdio, stream);
    size_t kept = 0;
    if (!stdio->terminal)
        return len;
    for (size_t i = 0; i < len; i++) {
        bool was_escaped = stdio->escaped;
        stdio->escaped = !was_escaped && bytes[i] == ESCAPE_KEY;
        if (!stdio->escaped && (!was_escaped || escape_key(stdio, bytes[i])))
            bytes[kept++] = bytes[i];
    }
    if (stdio->take && kept) {
        stdio->take(stdio->taker, bytes, kept);
        return 0;
    }
    return kept;
}

static void stdio_close(struct char_port *port)
{
    struct char_stdio *stdio = container_of(port, struct char_stdio, stream.port);
    char_stream_shut(&stdio->stream);
    if (stdio->terminal)
        host_tty_restore();
    host_stream_close(stdio->in);
    host_stream_close(stdio->out);
    the_stdio = NULL;
    free(stdio);
}

static const struct char_stream_hooks stdio_hooks = {.filter = stdio_filter};
static const struct char_ops stdio_ops = {
    .write = char_stream_write, .receive_ready = char_stream_receive_ready, .close = stdio_close};

struct char_port *char_stdio_create(struct machine *machine, struct error *err)
{
    if (the_stdio) {
        error_set(err, ERROR_USAGE, "standard input and output can be one port only");
        return NULL;
    }
    bool terminal = host_tty_is(STDIN);
    if (terminal && !host_tty_raw(STDIN, err))
        return NULL;
    struct char_stdio *stdio = machine_alloc(sizeof(*stdio));
    stdio->stream.port.ops = &stdio_ops;
    stdio->terminal = terminal;
    char_stream_init(&stdio->stream, machine, &stdio_hooks);
    stdio->in = host_stream_own(STDIN, false);
    stdio->out = host_stream_own(STDOUT, true);
    char_stream_open(&stdio->stream, stdio->in, stdio->out);
    the_stdio = stdio;
    return &stdio->stream.port;
}

void char_stdio_escape_set(struct char_port *port, void (*command)(void *opaque, char key), void *opaque)
{
    if (!port || port->ops != &stdio_ops)
        return;
    struct char_stdio *stdio = container_of(port, struct char_stdio, stream.port);
    stdio->command = command;
    stdio->opaque = opaque;
}

void char_stdio_divert(struct char_port *port, void (*take)(void *opaque, const uint8_t *bytes, size_t len),
                       void *opaque)
{
    if (!port || port->ops != &stdio_ops)
        return;
    struct char_stdio *stdio = container_of(port, struct char_stdio, stream.port);
    stdio->take = take;
    stdio->taker = opaque;
}
