/* A unikernel as bytes, with everything in its place, for tests that then change something. */
#pragma once

#include "modes/hvt/image.h"

#define UNIKERNEL_SIZE    0x5000
#define UNIKERNEL_MACHINE 243 /* EM_RISCV */

/* Where its parts are in the file. */
enum {
    UNIKERNEL_PROGRAMS = 64, /* text, rodata, data, ABI note, manifest note; 56 bytes each */
    UNIKERNEL_TEXT = 0,
    UNIKERNEL_RODATA,
    UNIKERNEL_DATA,
    UNIKERNEL_ABI,
    UNIKERNEL_MANIFEST,
    UNIKERNEL_PROGRAM_COUNT,

    UNIKERNEL_ABI_NOTE = 0x2000,
    UNIKERNEL_MANIFEST_NOTE = 0x2040,
};

void unikernel_make(uint8_t bytes[UNIKERNEL_SIZE]);

/* The n-th program header. */
uint8_t *unikernel_program(uint8_t *bytes, unsigned n);
