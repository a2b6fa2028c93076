#include "tests/machine/board_support.h"

#include "machine/run_private.h"

void test_board_config(struct test_board *test)
{
    *test = (struct test_board){.config = {.arch = GUEST_RISCV64,
                                           .cpus = 1,
                                           .memory = 64 * MIB,
                                           .firmware = FIRMWARE_BUILTIN,
                                           .engine = &interpreter_engine,
                                           .deterministic = true}};
}

bool test_board_start(struct test_board *test)
{
    struct error err = {0};
    test->run = riscv_virt_create(&test->config, &err);
    if (!test->run) {
        FAIL("the board can't be built: %s", err.text);
        return false;
    }
    const struct machine_board *hooks = &test->run->private->board;
    test->board = hooks->opaque;
    if (hooks->boot(hooks->opaque, &err))
        return true;
    FAIL("the board can't boot: %s", err.text);
    test_board_end(test);
    return false;
}

void test_board_end(struct test_board *test)
{
    machine_run_destroy(test->run);
}
