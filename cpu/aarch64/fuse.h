/* Pairs of instructions that one handler does: a comparison and the conditional branch behind it. */
#pragma once

#include "cpu/aarch64/interp.h"

/* The handler for `first` when `second` is in the next slot; it goes on behind both. NULL: they stay two. */
a64_handler *a64_fused(const struct a64_insn *first, const struct a64_insn *second);
