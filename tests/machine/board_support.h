/* A riscv64 "virt" board for tests: built and booted, with no vCPU running. */
#pragma once

#include "machine/riscv_virt_board.h"
#include "tests/harness/test.h"

struct test_board {
    struct machine_config config;
    struct riscv_board *board;
    struct machine_run *run;
};

/* The defaults of a test: the built-in SBI, 64 MiB, no serial port, no network; change them before
 * test_board_start. */
void test_board_config(struct test_board *test);

/* Build and boot. False, and the test failed, when that doesn't work. */
bool test_board_start(struct test_board *test);
void test_board_end(struct test_board *test);
