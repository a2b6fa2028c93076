/* Output to standard output and no input: the terminal stays as it is, and its keys keep their meaning. */
#include <stdlib.h>

#include "devices/char/char_backends.h"
#include "devices/char/char_stream.h"
#include "host/stream.h"

#define STDOUT 1

struct char_stdout {
    struct char_stream stream;
    int out;
};

static void stdout_close(struct char_port *port)
{
    struct char_stdout *self = container_of(port, struct char_stdout, stream.port);
    char_stream_shut(&self->stream);
    host_stream_close(self->out);
    free(self);
}

static const struct char_stream_hooks stdout_hooks = {.ended = NULL};
static const struct char_ops stdout_ops = {
    .write = char_stream_write, .receive_ready = char_stream_receive_ready, .close = stdout_close};

struct char_port *char_stdout_create(struct machine *machine)
{
    struct char_stdout *self = machine_alloc(sizeof(*self));
    self->stream.port.ops = &stdout_ops;
    char_stream_init(&self->stream, machine, &stdout_hooks);
    self->out = host_stream_own(STDOUT, true);
    char_stream_open(&self->stream, -1, self->out);
    return &self->stream.port;
}
