/*
 * The inside of the configuration file's reader: what config.c (the file, and [vm], whose keys are the
 * options) and config_tables.c (the tables in it) share.
 */
#pragma once

#include "cli/options.h"
#include "cli/toml.h"

struct config {
    struct run_options *options;
    const char *path, *folder; /* of the file; the folder ends with a slash, or is empty */
    const char *mode;          /* what the tables ask for, or NULL */
};

/* Whether a key of [vm] is a table; and such a table, whose key is known. */
bool config_is_table(const char *key);
bool config_table_set(struct config *config, const struct toml_node *node, struct error *err);

/* Give an option a value, as the command line does; an error gets the file and the line. */
bool config_store(struct config *config, const struct toml_node *node, const char *name, const char *value,
                  struct error *err);

/* The name of a file that the configuration names, for the program's life. */
const char *config_file(const struct config *config, const char *name);

/* Errors, with file and line; each returns false. */
bool config_wrong(const struct config *config, const struct toml_node *node, struct error *err,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
bool config_wrong_kind(const struct config *config, const struct toml_node *node, const char *expected,
                       struct error *err);
bool config_unknown(const struct config *config, const struct toml_node *node, const char *table,
                    const char *const *keys, size_t count, struct error *err);
