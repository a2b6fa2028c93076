/* A connection by TCP or by a Unix socket: to a server, or from the one client at a time that a server of
 * ours lets in. */
#include <stdlib.h>
#include <string.h>

#include "devices/char/char_backends.h"
#include "devices/char/char_stream.h"
#include "host/socket.h"
#include "host/stream.h"

struct char_socket {
    struct char_stream stream;
    int listener; /* -1 for a client */
    struct host_watch *listener_watch;
    char *path; /* of a Unix listener, removed with it; NULL: none */
    int fd;     /* the connection; -1: none, output vanishes */
};

static struct char_socket *socket_of(struct char_port *port)
{
    return container_of(port, struct char_socket, stream.port);
}

static void connection_tell(struct char_socket *socket)
{
    const struct char_handlers *handlers = &socket->stream.port.handlers;
    if (handlers->connection_changed)
        handlers->connection_changed(handlers->opaque);
}

static void client_waits(void *opaque, unsigned events)
{
    (void)events;
    struct char_socket *socket = opaque;
    int fd = host_socket_accept(socket->listener);
    if (fd < 0)
        return;
    /* Others wait in the listener's queue until this one leaves. */
    host_watch_set(socket->listener_watch, 0);
    socket->fd = fd;
    char_stream_open(&socket->stream, fd, fd);
    connection_tell(socket);
}

static void socket_ended(struct char_stream *stream)
{
    struct char_socket *socket = container_of(stream, struct char_socket, stream);
    if (socket->fd < 0)
        return;
    char_stream_shut(stream);
    host_stream_close(socket->fd);
    socket->fd = -1;
    if (socket->listener_watch)
        host_watch_set(socket->listener_watch, HOST_READABLE);
    connection_tell(socket);
}

static bool socket_is_connected(struct char_port *port)
{
    return socket_of(port)->fd >= 0;
}

static void socket_close(struct char_port *port)
{
    struct char_socket *socket = socket_of(port);
    char_stream_shut(&socket->stream);
    host_watch_destroy(socket->listener_watch);
    host_stream_close(socket->fd);
    host_stream_close(socket->listener);
    if (socket->path)
        host_socket_path_remove(socket->path);
    free(socket->path);
    free(socket);
}

static const struct char_stream_hooks socket_hooks = {.ended = socket_ended};
static const struct char_ops socket_ops = {
    .write = char_stream_write,
    .receive_ready = char_stream_receive_ready,
    .is_connected = socket_is_connected,
    .close = socket_close,
};

/* Takes a descriptor that is connected or listens; -1: err says why there is none. */
static struct char_port *socket_create(struct machine *machine, int fd, bool server, const char *path,
                                       struct error *err)
{
    if (fd < 0)
        return NULL;
    struct char_socket *socket = machine_alloc(sizeof(*socket));
    socket->stream.port.ops = &socket_ops;
    socket->listener = server ? fd : -1;
    socket->fd = server ? -1 : fd;
    socket->path = server && path ? strdup(path) : NULL;
    char_stream_init(&socket->stream, machine, &socket_hooks);
    if (!server) {
        char_stream_open(&socket->stream, fd, fd);
        return &socket->stream.port;
    }
    socket->listener_watch = host_watch_create(machine->loop, fd, client_waits, socket, err);
    if (!socket->listener_watch) {
        socket_close(&socket->stream.port);
        return NULL;
    }
    host_watch_set(socket->listener_watch, HOST_READABLE);
    return &socket->stream.port;
}

struct char_port *char_tcp_create(struct machine *machine, const char *host, const char *service, bool server,
                                  struct error *err)
{
    int fd = server ? host_socket_listen(host, service, err) : host_socket_connect(host, service, err);
    return socket_create(machine, fd, server, NULL, err);
}

struct char_port *char_unix_create(struct machine *machine, const char *path, bool server, struct error *err)
{
    int fd = server ? host_socket_listen_path(path, err) : host_socket_connect_path(path, err);
    return socket_create(machine, fd, server, path, err);
}

unsigned char_tcp_port(struct char_port *port)
{
    return host_socket_port(socket_of(port)->listener);
}
