/* Running a machine from options, for the subcommands that have their own way of giving them. */
#pragma once

#include "cli/options.h"

/* Until its end; errors are printed. The program's exit status. */
int run_with(const struct run_options *options);
