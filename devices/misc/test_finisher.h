/*
 * The SiFive test device: one register with which a guest ends the run, passed or failed with a code, or
 * resets the machine. Boards also name it as the syscon behind their power-off and reboot nodes.
 */
#pragma once

#include "devices/machine.h"

#define TEST_FINISHER_SIZE 0x1000

/* What software writes: the low 16 bits; the upper 16 are the code. */
#define TEST_FINISHER_FAIL  0x3333
#define TEST_FINISHER_PASS  0x5555
#define TEST_FINISHER_RESET 0x7777

struct test_finisher_config {
    uint64_t base;
};

struct test_finisher;

/*
 * PASS is a power-off, or an exit with the code when there is one; FAIL is an exit with the code, 1 when it
 * is zero. NULL and err when its place overlaps another device.
 */
struct test_finisher *test_finisher_create(struct machine *machine, const struct test_finisher_config *config,
                                           struct error *err);
