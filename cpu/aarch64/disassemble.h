/* Instructions in words: by Capstone where it is there, else mnemonics from the instruction table. */
#pragma once

#include "cpu/aarch64/decode.h"

/* As cpu_ops.disassemble. */
unsigned aarch64_disassemble(const struct a64_decoder *decoder, uint64_t pc, const uint8_t *bytes, size_t len,
                             char *text, size_t size);
