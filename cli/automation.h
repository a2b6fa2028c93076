/*
 * What a test does in place of a user at the screen: photographs at given times (--screenshot-at) and keys
 * typed at given times (--type-at). Times are seconds of the host since the start.
 */
#pragma once

#include "cli/options.h"
#include "machine/machine_run.h"

struct automation;

/* Nothing to do, too, gives one. NULL and err: a wrong option, or a machine without a screen or keyboard. */
struct automation *automation_create(struct machine_run *run, const struct run_options *options,
                                     struct error *err);
void automation_destroy(struct automation *automation);
