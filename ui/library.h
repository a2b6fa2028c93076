/*
 * Libraries that are loaded when they are first needed: a window's library brings fifty others with it, which
 * every start of the program would pay for. Their headers are those of the build.
 */
#pragma once

#include "base/error.h"

struct library_symbol {
    const char *name;
    size_t offset; /* of the pointer to it, in `functions` */
};

/* Open the library and fill in `functions`. False and err, which says what to install (`package`). */
bool library_load(const char *file, const char *package, const struct library_symbol *symbols, size_t count,
                  void *functions, struct error *err);
