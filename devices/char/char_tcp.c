/* A TCP connection: to a server, or from the one client at a time that a server of ours lets in. */
#include <stdlib.h>

#include "devices/char/char_backends.h"
#include "devices/char/char_stream.h"
#include "host/socket.h"
#include "host/stream.h"

struct char_tcp {
    struct char_stream stream;
    int listener; /* -1 for a client */
    struct host_watch *listener_watch;
    int fd; /* the connection; -1: none, output vanishes */
};

static struct char_tcp *tcp_of(struct char_port *port)
{
    return container_of(port, struct char_tcp, stream.port);
}

static void client_waits(void *opaque, unsigned events)
{
    (void)events;
    struct char_tcp *tcp = opaque;
    int fd = host_socket_accept(tcp->listener);
    if (fd < 0)
        return;
    /* Others wait in the listener's queue until this one leaves. */
    host_watch_set(tcp->listener_watch, 0);
    tcp->fd = fd;
    char_stream_open(&tcp->stream, fd, fd);
}

static void tcp_ended(struct char_stream *stream)
{
    struct char_tcp *tcp = container_of(stream, struct char_tcp, stream);
    if (tcp->fd < 0)
        return;
    char_stream_shut(stream);
    host_stream_close(tcp->fd);
    tcp->fd = -1;
    if (tcp->listener_watch)
        host_watch_set(tcp->listener_watch, HOST_READABLE);
}

static void tcp_close(struct char_port *port)
{
    struct char_tcp *tcp = tcp_of(port);
    char_stream_shut(&tcp->stream);
    host_watch_destroy(tcp->listener_watch);
    host_stream_close(tcp->fd);
    host_stream_close(tcp->listener);
    free(tcp);
}

static const struct char_stream_hooks tcp_hooks = {.ended = tcp_ended};
static const struct char_ops tcp_ops = {
    .write = char_stream_write, .receive_ready = char_stream_receive_ready, .close = tcp_close};

struct char_port *char_tcp_create(struct machine *machine, const char *host, const char *service, bool server,
                                  struct error *err)
{
    int fd = server ? host_socket_listen(host, service, err) : host_socket_connect(host, service, err);
    if (fd < 0)
        return NULL;
    struct char_tcp *tcp = machine_alloc(sizeof(*tcp));
    tcp->stream.port.ops = &tcp_ops;
    tcp->listener = server ? fd : -1;
    tcp->fd = server ? -1 : fd;
    char_stream_init(&tcp->stream, machine, &tcp_hooks);
    if (!server) {
        char_stream_open(&tcp->stream, fd, fd);
        return &tcp->stream.port;
    }
    tcp->listener_watch = host_watch_create(machine->loop, fd, client_waits, tcp, err);
    if (!tcp->listener_watch) {
        tcp_close(&tcp->stream.port);
        return NULL;
    }
    host_watch_set(tcp->listener_watch, HOST_READABLE);
    return &tcp->stream.port;
}

unsigned char_tcp_port(struct char_port *port)
{
    return host_socket_port(tcp_of(port)->listener);
}
