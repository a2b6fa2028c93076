/* Semihosting request by request, by Arm's specification 2.0, on a riscv64 board whose hart does not run. */
#include <string.h>

#include "base/bits.h"
#include "machine/semihosting/semihosting.h"
#include "tests/machine/board_support.h"

#define BLOCK  (RISCV_RAM + 8 * MIB)
#define TEXT   (BLOCK + 0x100)
#define FAILED UINT64_MAX

enum {
    SYS_OPEN = 1,
    SYS_CLOSE = 2,
    SYS_WRITEC = 3,
    SYS_WRITE = 5,
    SYS_READ = 6,
    SYS_ISERROR = 8,
    SYS_ISTTY = 9,
    SYS_SEEK = 0xa,
    SYS_FLEN = 0xc,
    SYS_CLOCK = 0x10,
    SYS_TIME = 0x11,
    SYS_SYSTEM = 0x12,
    SYS_ERRNO = 0x13,
    SYS_GET_CMDLINE = 0x15,
    SYS_HEAPINFO = 0x16,
    SYS_ELAPSED = 0x30,
    SYS_TICKFREQ = 0x31
};

static struct test_board board;

static struct ram *ram(void)
{
    return board.run->machine.mem.ram;
}

static uint64_t word(unsigned n)
{
    uint8_t bytes[8];
    CHECK(ram_read(ram(), gpa(BLOCK + 8 * n), bytes, 8));
    return le64_load(bytes);
}

/* The request with a block of three words. */
static uint64_t ask(unsigned number, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t words[] = {a, b, c};
    uint64_t *x = riscv_state(board.run->vcpus[0])->x;
    for (unsigned i = 0; i < 3; i++) {
        uint8_t bytes[8];
        le64_store(bytes, words[i]);
        CHECK(ram_write(ram(), gpa(BLOCK + 8 * i), bytes, 8));
    }
    x[10] = number;
    x[11] = BLOCK;
    semihosting_call(board.run->semihosting, board.run->vcpus[0]);
    return x[10];
}

static bool start(void)
{
    test_board_config(&board);
    board.config.semihosting = true;
    board.config.append = "two words";
    return test_board_start(&board);
}

static uint64_t open_file(const char *name, unsigned mode)
{
    CHECK(ram_write(ram(), gpa(TEXT), name, strlen(name)));
    return ask(SYS_OPEN, TEXT, mode, strlen(name));
}

static void features(void)
{
    uint8_t bytes[5];
    if (!start())
        return;
    uint64_t file = open_file(":semihosting-features", 0);
    CHECK(file != FAILED && file != 0);
    CHECK_EQ(ask(SYS_FLEN, file, 0, 0), 5);
    CHECK_EQ(ask(SYS_ISTTY, file, 0, 0), 0);
    CHECK_EQ(ask(SYS_READ, file, TEXT, 4), 0);
    CHECK_EQ(ask(SYS_READ, file, TEXT + 4, 4), 3); /* one byte is left */
    CHECK_EQ(ask(SYS_READ, file, TEXT, 4), 4);     /* the end */
    CHECK(ram_read(ram(), gpa(TEXT), bytes, 5));
    CHECK_MEM(bytes, "SHFB\3", 5);
    CHECK_EQ(ask(SYS_SEEK, file, 4, 0), 0);
    CHECK_EQ(ask(SYS_READ, file, TEXT, 1), 0);
    CHECK_EQ(ask(SYS_SEEK, file, 6, 0), FAILED);
    CHECK_EQ(ask(SYS_WRITE, file, TEXT, 3), 3); /* nothing is written */
    CHECK_EQ(ask(SYS_CLOSE, file, 0, 0), 0);
    CHECK_EQ(ask(SYS_CLOSE, file, 0, 0), FAILED);
    test_board_end(&board);
}

static void console(void)
{
    if (!start())
        return;
    uint64_t out = open_file(":tt", 4), in = open_file(":tt", 0);
    CHECK(out != FAILED && in != FAILED && in != out);
    CHECK_EQ(ask(SYS_ISTTY, out, 0, 0), 1);
    CHECK_EQ(ask(SYS_FLEN, out, 0, 0), 0);
    CHECK_EQ(ask(SYS_WRITE, out, TEXT, 3), 0);
    CHECK_EQ(ask(SYS_WRITE, out, TEXT, 0), 0);
    CHECK_EQ(ask(SYS_READ, in, TEXT, 3), 3); /* there is no input */
    CHECK_EQ(ask(SYS_SEEK, out, 0, 0), FAILED);
    test_board_end(&board);
}

/* Nothing of the host's is to be had, and wild values are refused. */
static void refused(void)
{
    if (!start())
        return;
    CHECK_EQ(open_file("/etc/passwd", 0), FAILED);
    CHECK_EQ(ask(SYS_ERRNO, 0, 0, 0), 2);
    CHECK_EQ(ask(SYS_OPEN, TEXT, 0, UINT64_MAX), FAILED);
    CHECK_EQ(ask(SYS_OPEN, UINT64_MAX, 0, 3), FAILED);
    CHECK_EQ(ask(SYS_SYSTEM, TEXT, 3, 0), FAILED);
    CHECK_EQ(ask(0x1000, 0, 0, 0), FAILED);
    CHECK_EQ(ask(SYS_ISTTY, 0, 0, 0), 0);
    CHECK_EQ(ask(SYS_ISTTY, 17, 0, 0), 0);
    CHECK_EQ(ask(SYS_ERRNO, 0, 0, 0), 9);
    for (unsigned i = 0; i < 16; i++)
        CHECK(open_file(":tt", 4) != FAILED);
    CHECK_EQ(open_file(":tt", 4), FAILED); /* all handles are taken */
    CHECK_EQ(ask(SYS_WRITE, 1, UINT64_MAX - 1, 100), 100);
    CHECK_EQ(ask(SYS_WRITE, 1, TEXT, UINT64_MAX), UINT64_MAX - 4096); /* as much as goes at once */
    riscv_state(board.run->vcpus[0])->x[10] = SYS_WRITEC;
    riscv_state(board.run->vcpus[0])->x[11] = 8; /* no memory */
    semihosting_call(board.run->semihosting, board.run->vcpus[0]);
    test_board_end(&board);
}

static void surroundings(void)
{
    char text[16] = "";
    if (!start())
        return;
    CHECK_EQ(ask(SYS_GET_CMDLINE, TEXT, 10, 0), FAILED);
    CHECK_EQ(ask(SYS_GET_CMDLINE, TEXT, 16, 0), 0);
    CHECK_EQ(word(1), 10);
    CHECK(ram_read(ram(), gpa(TEXT), text, 11));
    CHECK_STR(text, " two words"); /* the demo has no name */
    CHECK_EQ(ask(SYS_HEAPINFO, TEXT, 0, 0), 0);
    CHECK_EQ(ask(SYS_ISERROR, 5, 0, 0), 0);
    CHECK_EQ(ask(SYS_ISERROR, FAILED, 0, 0), 1);
    CHECK_EQ(ask(SYS_TICKFREQ, 0, 0, 0), 1000000000);
    CHECK_EQ(ask(SYS_ELAPSED, 7, 0, 0), 0);
    CHECK_EQ(word(0), clock_now(board.run->machine.clock));
    CHECK_EQ(ask(SYS_CLOCK, 0, 0, 0), clock_now(board.run->machine.clock) / 10000000);
    CHECK_EQ(ask(SYS_TIME, 0, 0, 0), 1735689600); /* of a deterministic machine: 2025-01-01 */
    test_board_end(&board);
}

static const struct test_case cases[] = {
    {"features", features}, {"console", console}, {"refused", refused}, {"surroundings", surroundings}};
TEST_SUITE(semihosting_test, "unit", cases);
