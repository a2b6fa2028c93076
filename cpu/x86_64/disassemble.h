/* Instructions in words, by Capstone; apart from all else because Capstone has names of its own for much of
 * it. */
#pragma once

#include "base/types.h"

/* The instruction at `bytes` as code of 16, 32 or 64 bits. Returns its length; 0: none, or no Capstone. */
unsigned x86_disassemble_code(unsigned bits, uint64_t pc, const uint8_t *bytes, size_t len, char *text,
                              size_t size);
