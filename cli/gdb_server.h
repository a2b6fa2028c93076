/* The GDB stub behind a TCP port of this host: one debugger at a time. */
#pragma once

#include "machine/machine_run.h"

#define GDB_PORT_DEFAULT "1234"

struct gdb_server;

struct gdb_server_config {
    struct machine_run *run;
    const char *port;
    /* GDB's `monitor` command, as in struct gdb_config. */
    void (*command)(void *opaque, const char *text, void (*print)(void *print_opaque, const char *line),
                    void *print_opaque);
    void *opaque;
};

/* Listen; the machine is stopped when GDB connects. NULL and err. */
struct gdb_server *gdb_server_create(const struct gdb_server_config *config, struct error *err);
void gdb_server_destroy(struct gdb_server *server);
