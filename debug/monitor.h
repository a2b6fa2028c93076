/*
 * The monitor: commands in words about a machine, for the terminal's Ctrl-A c, GDB's `monitor` and tests.
 */
#pragma once

#include "debug/target.h"

/* Where a command's answer goes. */
struct monitor_output {
    void (*print)(void *opaque, const char *text);
    void *opaque;
};

/* A command that somebody above adds. It gets what is written after its name, without the space around it. */
struct monitor_command {
    const char *name;
    const char *arguments; /* as the help shows them; if that is empty or begins with [, none are needed */
    const char *what;
    void (*run)(void *opaque, const char *text, const struct monitor_output *output);
};

struct monitor {
    struct debug_target *target;
    unsigned cpu; /* the vCPU that commands speak of; `cpu N` changes it */
    /* Print the machine's devices from their state tables, all or the one of that name. May be NULL. */
    void (*devices)(void *opaque, const char *name, void (*print)(void *print_opaque, const char *text),
                    void *print_opaque);
    /* Print a line about the VM: its id, name, mode and state. May be NULL. */
    void (*vm)(void *opaque, void (*print)(void *print_opaque, const char *text), void *print_opaque);
    void *opaque;
    const struct monitor_command *added; /* `added_count` commands, which get `added_opaque` */
    size_t added_count;
    void *added_opaque;
};

/* Run one command. With the machine lock held, on the event loop's thread. Whatever `text` is, the answer is
 * printed. */
void monitor_command(struct monitor *monitor, const char *text, void (*print)(void *opaque, const char *text),
                     void *opaque);
