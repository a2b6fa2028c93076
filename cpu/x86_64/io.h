/* Port I/O. */
#pragma once

#include "cpu/x86_64/interp.h"

/* IOPL and the TSS's bitmap. False: #GP(0), or a fault of the TSS, is in c->fault. */
bool x86_port_allowed(struct x86_core *c, uint16_t port, unsigned width);

uint64_t x86_port_read(struct x86_core *c, uint16_t port, unsigned width);
void x86_port_write(struct x86_core *c, uint16_t port, unsigned width, uint64_t value);
