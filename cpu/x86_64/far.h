/* What far transfers share with POPF, SYSRET and their like. */
#pragma once

#include "cpu/x86_64/processor.h"

/* Replace the flags in `mask`, any of them; what depends on them is looked at before the next instruction. */
void x86_flags_write(struct x86_core *c, uint64_t mask, uint64_t flags);

/* The flags POPF and IRET of this width may change at the current CPL and IOPL. */
uint64_t x86_flags_popped(const struct x86_core *c, unsigned width);
