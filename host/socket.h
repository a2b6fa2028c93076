/* Stream sockets of the host, never waiting but for a connection asked for. */
#pragma once

#include "base/error.h"

/* Connect to a TCP service; waits until it is connected or refused. -1 and err. */
int host_socket_connect(const char *host, const char *service, struct error *err);

/* Listen on a TCP address (host "" or NULL: all of them; service "0": any free one). -1 and err. */
int host_socket_listen(const char *host, const char *service, struct error *err);

/* The same with a Unix socket. Listening takes the place of a socket that nobody listens at any more; who
 * ends it removes the path. */
int host_socket_connect_path(const char *path, struct error *err);
int host_socket_listen_path(const char *path, struct error *err);
void host_socket_path_remove(const char *path);

/* The port a listening socket got. */
unsigned host_socket_port(int fd);

/* The next connection waiting at a listening socket, or -1 when there is none. */
int host_socket_accept(int fd);
