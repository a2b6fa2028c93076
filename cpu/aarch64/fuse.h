/* Handlers for two instructions in a row. */
#pragma once

#include "cpu/aarch64/interp.h"

/* The handler for `first` when `second` is in the next slot. NULL: there is none. Of a comparison and the conditional
 * branch behind it, which it does both (fuse.c); of a frequent instruction, which it does and goes on with `second`
 * (follow.c). */
a64_handler *a64_fused(const struct a64_insn *first, const struct a64_insn *second);
a64_handler *a64_followed(const struct a64_insn *first, const struct a64_insn *second);
