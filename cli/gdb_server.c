#include "cli/gdb_server.h"

#include <stdlib.h>
#include <string.h>

#include "debug/gdb.h"
#include "host/socket.h"
#include "host/stream.h"

#define LOCAL_HOST "127.0.0.1"

struct gdb_server {
    struct gdb_server_config config;
    struct gdb_stub *stub;
    int listener, connection; /* -1: none */
    struct host_watch *listener_watch, *connection_watch;
    char *unsent; /* what the socket had no room for */
    size_t unsent_len;
};

static void connection_close(struct gdb_server *server)
{
    host_watch_destroy(server->connection_watch);
    host_stream_close(server->connection);
    server->connection_watch = NULL;
    server->connection = -1;
    server->unsent_len = 0;
}

static void unsent_keep(struct gdb_server *server, const char *bytes, size_t len)
{
    char *more = realloc(server->unsent, server->unsent_len + len);
    if (!more)
        abort();
    memcpy(more + server->unsent_len, bytes, len);
    server->unsent = more;
    server->unsent_len += len;
    host_watch_set(server->connection_watch, HOST_READABLE | HOST_WRITABLE);
}

static void unsent_write(struct gdb_server *server)
{
    size_t put;
    if (host_stream_write(server->connection, server->unsent, server->unsent_len, &put) != HOST_STREAM_OK)
        return;
    server->unsent_len -= put;
    memmove(server->unsent, server->unsent + put, server->unsent_len);
    if (server->unsent_len == 0)
        host_watch_set(server->connection_watch, HOST_READABLE);
}

static void bytes_send(void *opaque, const char *bytes, size_t len)
{
    struct gdb_server *server = opaque;
    size_t put = 0;
    if (server->connection < 0)
        return;
    if (server->unsent_len == 0 && host_stream_write(server->connection, bytes, len, &put) != HOST_STREAM_OK)
        put = 0;
    if (put < len)
        unsent_keep(server, bytes + put, len - put);
}

static void monitor_run(void *opaque, const char *text, void (*print)(void *print_opaque, const char *line),
                        void *print_opaque)
{
    struct gdb_server *server = opaque;
    server->config.command(server->config.opaque, text, print, print_opaque);
}

static void connection_ready(void *opaque, unsigned events)
{
    struct gdb_server *server = opaque;
    char bytes[1024];
    size_t got;
    if (events & HOST_WRITABLE && server->unsent_len)
        unsent_write(server);
    if (!(events & HOST_READABLE))
        return;
    switch (host_stream_read(server->connection, bytes, sizeof(bytes), &got)) {
    case HOST_STREAM_OK: gdb_stub_receive(server->stub, bytes, got); break;
    case HOST_STREAM_WAIT: break;
    case HOST_STREAM_END:
        connection_close(server);
        gdb_stub_disconnected(server->stub);
        break;
    }
}

static void listener_ready(void *opaque, unsigned events)
{
    struct gdb_server *server = opaque;
    (void)events;
    int connection = host_socket_accept(server->listener);
    if (connection < 0)
        return;
    if (server->connection >= 0) {
        host_stream_close(connection);
        return;
    }
    server->connection_watch =
        host_watch_create(server->config.run->machine.loop, connection, connection_ready, server, NULL);
    if (!server->connection_watch) {
        host_stream_close(connection);
        return;
    }
    server->connection = connection;
    host_watch_set(server->connection_watch, HOST_READABLE);
    gdb_stub_connected(server->stub);
}

struct gdb_server *gdb_server_create(const struct gdb_server_config *config, struct error *err)
{
    struct gdb_server *server = machine_alloc(sizeof(*server));
    server->config = *config;
    server->connection = -1;
    server->listener = host_socket_listen(LOCAL_HOST, config->port, err);
    if (server->listener >= 0)
        server->listener_watch =
            host_watch_create(config->run->machine.loop, server->listener, listener_ready, server, err);
    if (!server->listener_watch) {
        gdb_server_destroy(server);
        return NULL;
    }
    struct gdb_config stub = {
        .target = &config->run->debug, .send = bytes_send, .command = monitor_run, .opaque = server};
    server->stub = gdb_stub_create(&stub);
    host_watch_set(server->listener_watch, HOST_READABLE);
    log_warn("waiting for GDB on port %u: target remote localhost:%u", host_socket_port(server->listener),
             host_socket_port(server->listener));
    return server;
}

void gdb_server_destroy(struct gdb_server *server)
{
    if (!server)
        return;
    if (server->connection >= 0)
        connection_close(server);
    host_watch_destroy(server->listener_watch);
    if (server->listener >= 0)
        host_stream_close(server->listener);
    gdb_stub_destroy(server->stub);
    free(server->unsent);
    free(server);
}
