/*
 * Putting a payload, its initrd and a device tree into a board's RAM, where they don't lie over each other:
 * what every board that starts kernels with a device tree does.
 */
#pragma once

#include "machine/board_parts.h"
#include "machine/fdt.h"
#include "machine/loader/loader.h"

struct board_boot {
    const struct machine_config *config;
    struct load_target target;
    /* The board's own device tree, which the caller frees. NULL and err. */
    void *(*tree_make)(void *opaque, const struct dt_chosen *chosen, struct error *err);
    void *opaque;
    struct loaded firmware, kernel, initrd; /* empty: start == end */
    bool tree_first; /* programs look for the device tree at the start of RAM: put it there if that is free */
    uint64_t dtb;
};

/* A kernel or a program, in whatever format it comes; `base` is for those that may lie anywhere. False and
 * err. */
bool board_payload_load(struct board_boot *boot, struct source *source, uint64_t base, struct loaded *loaded,
                        struct error *err);
bool board_file_load(struct board_boot *boot, const char *path, uint64_t base, struct loaded *loaded,
                     struct error *err);

/*
 * The device tree lies at the end of the first GiB of RAM (firmware with 32-bit habits finds it there), with
 * room behind it for what firmware adds; the initrd is below it, or above when that is too small. Sets
 * boot->dtb. False and err.
 */
bool board_tables_place(struct board_boot *boot, struct error *err);

/* The device tree alone, at boot->dtb, where there are `room` bytes for it. False and err. */
bool board_tree_place(struct board_boot *boot, uint64_t room, struct error *err);
