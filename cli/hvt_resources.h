/* The devices of a unikernel, as options name them: NAME=WHAT and keys after commas. */
#pragma once

#include "cli/options.h"
#include "machine/config.h"

#define HVT_RESOURCES_MAX (2 * OPTION_LIST_MAX)

/*
 * Fill in `resources` (room for HVT_RESOURCES_MAX) from --hvt-block and --hvt-net. What they point to lives
 * as long as the program. False and err (ERROR_USAGE).
 */
bool hvt_resources_parse(const struct run_options *options, struct hvt_resource *resources, unsigned *count,
                         struct error *err);
