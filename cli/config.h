/*
 * Configuration files: a TOML file read into the same options as the command line's, and options written as
 * such a file. docs/configuration.md describes it.
 */
#pragma once

#include <stdio.h>

#include "cli/options.h"

/*
 * Add what a file says to `options`. Its strings live as long as the program. Files that the file names are
 * looked for in its own folder. False and err (ERROR_USAGE with file and line; ERROR_IMAGE: it can't be
 * read).
 */
bool config_read(struct run_options *options, const char *path, struct error *err);

/* Write options as a file that config_read makes the same options of. */
void config_write(FILE *to, const struct run_options *options);
