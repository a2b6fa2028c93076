/*
 * Runs a test's program as a process under a peer emulator of user programs (qemu-ARCH), and takes what it writes to its
 * standard output: the oracle of the random instruction tests.
 */
#pragma once

#include "base/types.h"

/* The program: one segment that may do everything, from `base` on, in pieces that follow each other; it starts at `base`. */
struct peer_program {
    const char *emulator; /* "qemu-riscv64" */
    uint16_t elf_machine;
    uint32_t elf_flags;
    uint64_t base;
    struct {
        const void *bytes;
        size_t len;
    } pieces[3];
};

/* Whether the emulator is there and not older than this; otherwise the test is skipped, with a sentence that says why. */
bool peer_can_judge(const char *emulator, unsigned major, unsigned minor);

/* What the program wrote, which must be `len` bytes; the caller frees it. NULL: the test failed. */
void *peer_run(const struct peer_program *program, size_t len);
