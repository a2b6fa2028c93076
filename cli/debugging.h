/* What a user looks into a machine with: the monitor on the terminal (Ctrl-A c) and the GDB stub on a socket.
 */
#pragma once

#include "cli/options.h"
#include "modes/mode.h"

struct debugging;

/* Attach what the options ask for to a machine that does not run yet. NULL and err. */
struct debugging *debugging_create(struct vm *vm, const struct run_options *options, struct error *err);
void debugging_destroy(struct debugging *debugging);
