/* Telling the user about a failure: the one place that prints errors. */
#pragma once

#include "base/error.h"

/* Print the sentence and return the exit status for its kind. */
int report_error(const struct error *err);

/* Shows how much of a big image is read, in one line that is wiped at its end; on a terminal only. */
void report_progress(const char *path, uint64_t done, uint64_t total);
