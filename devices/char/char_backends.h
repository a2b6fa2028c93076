/* The backends behind char_open, one file each. Each returns NULL and err when the host refuses. */
#pragma once

#include "devices/char/char.h"

struct char_port *char_stdio_create(struct machine *machine, struct error *err);
struct char_port *char_stdout_create(struct machine *machine);
struct char_port *char_file_create(const char *path, struct error *err);
struct char_port *char_pty_create(struct machine *machine, const char *option, struct error *err);

/* host may be "" for a server: every address. The port a server got is char_tcp_port. */
struct char_port *char_tcp_create(struct machine *machine, const char *host, const char *service, bool server,
                                  struct error *err);
unsigned char_tcp_port(struct char_port *port);

/* A Unix socket. A server removes what is left of one of that path that nobody listens at any more. */
struct char_port *char_unix_create(struct machine *machine, const char *path, bool server, struct error *err);

/* The slave's path of a pty. */
const char *char_pty_path(struct char_port *port);
