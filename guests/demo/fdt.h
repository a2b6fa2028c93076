/*
 * A reader of flattened device trees (Devicetree Specification, chapter 5), as small as the demo needs: it
 * goes through all nodes in order.
 */
#pragma once

#include "guests/demo/demo.h"

struct fdt_node {
    const char *name;
    unsigned depth;
    const char *compatible;  /* the first string of it, or NULL */
    const char *device_type; /* or NULL */
    const char *model;       /* or NULL */
    bool has_reg;
    uint64_t base, size; /* the first entry of reg */
};

/* Call fn for each node; false: the blob has no tree in it. */
bool fdt_each(const void *blob, void (*fn)(void *opaque, const struct fdt_node *node), void *opaque);
