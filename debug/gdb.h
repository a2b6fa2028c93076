/*
 * The GDB stub: GDB's remote serial protocol over any stream of bytes. Threads are vCPUs (thread n + 1 is
 * vCPU n); memory is by the virtual addresses of the thread that is selected.
 */
#pragma once

#include "debug/target.h"

struct gdb_stub;

struct gdb_config {
    struct debug_target *target;
    void (*send)(void *opaque, const char *bytes, size_t len); /* to GDB */
    /* A `monitor` command: its output through `print`. NULL: there are none. */
    void (*command)(void *opaque, const char *text, void (*print)(void *print_opaque, const char *text),
                    void *print_opaque);
    void *opaque;
};

/* The stub takes the target's `stopped` and `ended` hooks. */
struct gdb_stub *gdb_stub_create(const struct gdb_config *config);
void gdb_stub_destroy(struct gdb_stub *stub);

/* GDB connected: the machine is stopped for it. GDB went away: breakpoints are removed, the machine runs on.
 */
void gdb_stub_connected(struct gdb_stub *stub);
void gdb_stub_disconnected(struct gdb_stub *stub);

/* Bytes from GDB, in whatever pieces. */
void gdb_stub_receive(struct gdb_stub *stub, const char *bytes, size_t len);
