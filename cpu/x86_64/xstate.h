/* FXSAVE and XSAVE images: what lies where. */
#pragma once

#include "cpu/x86_64/processor.h"

#define XSAVE_LEGACY_SIZE 576u /* the FXSAVE image and the header */
#define XSAVE_HEADER      512u
#define XSAVE_AVX_OFFSET  576u
#define XSAVE_AVX_SIZE    256u
#define XSAVE_PKRU_OFFSET 832u
#define XSAVE_PKRU_SIZE   8u

#define MXCSR_MASK  0xffffu
#define MXCSR_RESET 0x1f80u
#define FCW_RESET   0x037fu
#define FTW_RESET   0xffffu

/* The x87 tag word as FXSAVE has it: a bit for each physical register that isn't empty; and back, by what the
 * registers hold. */
uint8_t x86_ftw_abridge(uint16_t ftw);
uint16_t x86_ftw_expand(const struct x86_core *c, uint8_t abridged);

/* The x87 as FNINIT leaves it. */
void x86_x87_reset(struct x86_state *s);
