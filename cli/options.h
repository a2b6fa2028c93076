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
    const char *kernel, *initrd, *append, *dtb, *firmware, *firmware_vars;
    const char *arch, *mode, *transport, *machine, *accel, *cpu, *name;
    const char *display, *clipboard, *debugcon, *hvt_dumpcore, *signature;
    const char *trace, *gdb, *sandbox, *config;
    struct option_list disks, cdroms, nets, serials, ports, usb, screenshots, typed, hvt_blocks, hvt_nets;
    uint64_t cpus, memory, timeout_seconds;
    bool verbose, deterministic, paused, debug_exit, test_device, semihosting, print_config, help;
};

enum option_kind {
    OPTION_TEXT,
    OPTION_LINE,   /* a text that may be empty */
    OPTION_LIST,   /* may be given several times */
    OPTION_SIZE,   /* "512M" */
    OPTION_NUMBER, /* up to `most`, at least 1 */
    OPTION_FLAG,   /* no value */
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
 * Parse the words after `run`, over what a --config among them says. They must outlive the options. False and
 * err (ERROR_USAGE): unknown with the nearest known one, a missing or wrong value.
 */
bool run_options_parse(struct run_options *options, int count, char **words, struct error *err);

/* The option of this name, or NULL. */
const struct option *option_named(const char *name);

/* Give an option a value as it would be written, which has to outlive the options. False and err
 * (ERROR_USAGE). */
bool option_store(struct run_options *options, const struct option *option, const char *value,
                  struct error *err);
