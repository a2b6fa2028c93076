/* --sandbox: what a machine still needs once it is set up, taken from its options. docs/sandbox.md describes
 * it. */
#pragma once

#include "cli/options.h"

/* False and err (ERROR_USAGE): neither on nor off. `standard` is what holds when nothing is said. */
bool sandboxing_wanted(const struct run_options *options, bool standard, bool *wanted, struct error *err);

/* Give up the rest. When everything is open and nothing runs yet. A unikernel has no firmware, and no network
 * that it did not ask for. False and err. */
bool sandboxing_enter(const struct run_options *options, bool unikernel, struct error *err);
