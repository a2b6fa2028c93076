/*
 * A TOML file as a tree: the one place that knows the library behind it. Each node remembers the line it came
 * from, so that whoever reads the tree can say where something is wrong.
 */
#pragma once

#include "base/error.h"

enum toml_kind {
    TOML_TABLE,
    TOML_ARRAY,
    TOML_STRING,
    TOML_INTEGER,
    TOML_BOOLEAN,
    TOML_OTHER, /* a float, a date or a time: no key of ours has such a value */
};

struct toml_node {
    enum toml_kind kind;
    unsigned line;
    char *key;    /* in its table; NULL in an array */
    char *string; /* TOML_STRING */
    int64_t integer;
    bool boolean;
    struct toml_node *first, *next; /* what a table or an array holds, as it stands in the file */
};

/* The tree of a text, to be freed by the caller; `path` is for messages. NULL and err (ERROR_USAGE): it is
 * not TOML, with file, line and column. */
struct toml_node *toml_parse(const char *path, const char *text, size_t len, struct error *err);

/* NULL is allowed. */
void toml_free(struct toml_node *node);
