/*
 * Runs a few bytes of x86-64 user code on the host's own processor, registers, flags and memory given, and
 * says what became of them: the oracle of the random instruction tests. Only where the host is one, with AVX;
 * elsewhere native_open says why not.
 */
#pragma once

#include "base/types.h"

/* Where things are, on the host and in the guest that does the same. */
#define NATIVE_CODE      ((uint64_t)0x10000000) /* a page */
#define NATIVE_DATA      ((uint64_t)0x20000000)
#define NATIVE_DATA_SIZE ((uint64_t)0x4000) /* nothing around it */

struct native_state {
    uint64_t gpr[16];
    uint64_t rflags;
    uint64_t rip;                 /* in: where to begin; out, with a signal: where it happened */
    _Alignas(64) uint8_t fx[512]; /* FXSAVE64's image */
    _Alignas(32) uint8_t ymm[16][32];
    int exit;         /* 1 or 2: which of the two ways out was taken; 0: a signal */
    int signal;       /* SIGSEGV, SIGFPE, SIGILL... */
    int code;         /* si_code */
    uint64_t address; /* si_addr */
};

/* NULL: ready. Else a sentence that says what is missing. */
const char *native_open(void);
void native_close(void);

/* Whether the host has a feature, by its name in features.def. */
bool native_has(const char *feature);

/* The memory the code works on, at NATIVE_CODE and NATIVE_DATA. */
uint8_t *native_code(void);
uint8_t *native_data(void);

/* Bytes that leave by way 1 or 2: NATIVE_EXIT_SIZE of them. */
#define NATIVE_EXIT_SIZE 7u
void native_exit_put(uint8_t *at, int way);

void native_run(struct native_state *state);
