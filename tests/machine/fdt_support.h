/* Looking at the device tree a board gave its guest, against figures: for the tests of boards. */
#pragma once

#include <libfdt.h>

#include "machine/machine_run.h"

/* The tree at this guest address, whole and well-formed, which the caller frees. NULL: the test failed. */
void *test_tree_get(struct machine_run *run, uint64_t address);

/* A property has these cells, or these strings, separated by '\0'. */
#define CELLS(tree, path, property, ...)                                                                     \
    test_cells_check(tree, path, property, (const uint32_t[]){__VA_ARGS__},                                  \
                     sizeof((const uint32_t[]){__VA_ARGS__}) / 4)
#define STRINGS(tree, path, property, list) test_strings_check(tree, path, property, list, sizeof(list))
void test_cells_check(const void *tree, const char *path, const char *property, const uint32_t *cells,
                      unsigned count);
void test_strings_check(const void *tree, const char *path, const char *property, const char *list, int size);

/* Of the node, or 0. */
uint32_t test_phandle(const void *tree, const char *path);
