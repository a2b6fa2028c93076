/*
 * The options of `vm-cli run`, as a table: help, parsing, the configuration file and the errors all read it.
 */
#pragma once

#include "base/error.h"

#define OPTION_LIST_MAX 64

struct option_list {
    const char *items[OPTION_LIST_MAX];
    unsigned count;
};

/* What was given, as text and numbers; NULL and 0 where it was not. */
struct run_options {
    const char *arch, *mode, *machine, *accel, *cpu, *kernel, *initrd, *append, *dtb, *firmware,
        *firmware_vars, *display, *name, *trace, *gdb, *debugcon, *hvt_dumpcore;
    struct option_list disks, cdroms, nets, serials, screenshots, typed, hvt_blocks, hvt_nets;
    uint64_t cpus, memory, timeout_seconds;
    bool verbose, deterministic, paused, debug_exit, help;
};

enum option_kind {
    OPTION_TEXT,
    OPTION_LIST,   /* may be given several times */
    OPTION_SIZE,   /* "512M" */
    OPTION_NUMBER, /* up to `most`, at least 1 */
    OPTION_FLAG,   /* no value */
    OPTION_ABSENT, /* not there yet: `help` says what it will be */
};

struct option {
    const char *name;
    enum option_kind kind;
    const char *argument; /* NULL: none; in brackets: may be left out */
    const char *group;
    const char *help;
    size_t offset; /* in struct run_options */
    uint64_t most;
};

extern const struct option run_option_table[];
extern const size_t run_option_count;

/*
 * Parse the words after `run`. They are changed in place and must outlive the options. False and err
 * (ERROR_USAGE): unknown with the nearest known one, a missing or wrong value.
 */
bool run_options_parse(struct run_options *options, int count, char **words, struct error *err);
