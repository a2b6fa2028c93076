/* HTIF as a program sees it: doublewords in RAM that are served within a millisecond. */
#include "devices/misc/htif.h"

#include <string.h>

#include "base/bits.h"
#include "tests/devices/machine_support.h"

#define TOHOST   (TEST_RAM_BASE + 0x1000)
#define FROMHOST (TEST_RAM_BASE + 0x1040)
#define CALL     (TEST_RAM_BASE + 0x2000)
#define TEXT     (TEST_RAM_BASE + 0x3000)
#define SOON     1000000

struct bench {
    struct test_machine *test;
    struct char_port *console;
};

static struct bench bench_create(void)
{
    struct bench bench = {test_machine_create(MIB), char_memory_create()};
    struct htif_config config = {.tohost = TOHOST, .fromhost = FROMHOST, .console = bench.console};
    htif_create(&bench.test->machine, &config);
    return bench;
}

static void bench_destroy(struct bench *bench)
{
    test_machine_destroy(bench->test);
    char_close(bench->console);
}

static void word_put(struct bench *bench, uint64_t address, uint64_t value)
{
    uint8_t bytes[8];
    le64_store(bytes, value);
    test_ram_put(bench->test, address, bytes, sizeof(bytes));
}

static uint64_t word_get(struct bench *bench, uint64_t address)
{
    uint8_t bytes[8];
    test_ram_get(bench->test, address, bytes, sizeof(bytes));
    return le64_load(bytes);
}

static void command(struct bench *bench, uint64_t word)
{
    word_put(bench, TOHOST, word);
    test_advance(bench->test, SOON);
    CHECK_EQ(word_get(bench, TOHOST), 0);
}

static void ends(void)
{
    struct bench bench = bench_create();
    struct test_machine *test = bench.test;
    test_advance(test, 10 * SOON);
    CHECK_EQ(test->requests, 0);
    command(&bench, 1);
    CHECK_EQ(test->requests, 1);
    CHECK_EQ(test->request, MACHINE_POWER_OFF);
    command(&bench, 5 << 1 | 1);
    CHECK_EQ(test->request, MACHINE_EXIT);
    CHECK_EQ(test->status, 5);
    command(&bench, ((uint64_t)1 << 47) | 1);
    CHECK_EQ(test->request, MACHINE_EXIT);
    CHECK(test->status > 255);
    bench_destroy(&bench);
}

static void prints(void)
{
    struct bench bench = bench_create();
    size_t len;
    command(&bench, (uint64_t)1 << 56 | (uint64_t)1 << 48 | 'x');
    CHECK_EQ(word_get(&bench, FROMHOST), 0);
    test_ram_put(bench.test, TEXT, "hello", 5);
    word_put(&bench, CALL, 64);
    word_put(&bench, CALL + 8, 1);
    word_put(&bench, CALL + 16, TEXT);
    word_put(&bench, CALL + 24, 5);
    command(&bench, CALL);
    CHECK_EQ(word_get(&bench, CALL), 5);
    CHECK_EQ(word_get(&bench, FROMHOST), 1);
    const uint8_t *output = char_memory_output(bench.console, &len);
    CHECK(len == 6 && memcmp(output, "xhello", 6) == 0);
    CHECK_EQ(bench.test->requests, 0);
    bench_destroy(&bench);
}

/* What nobody serves, and addresses that are nowhere. */
static void refuses(void)
{
    struct bench bench = bench_create();
    word_put(&bench, CALL, 63); /* read */
    command(&bench, CALL);
    CHECK_EQ(word_get(&bench, CALL), (uint64_t)-38);
    word_put(&bench, CALL, 64);
    word_put(&bench, CALL + 16, TEST_RAM_BASE + MIB - 2);
    word_put(&bench, CALL + 24, 5);
    command(&bench, CALL);
    CHECK_EQ(word_get(&bench, CALL), (uint64_t)-14);
    word_put(&bench, CALL, 64);
    word_put(&bench, CALL + 24, UINT64_MAX);
    command(&bench, CALL);
    CHECK_EQ(word_get(&bench, CALL), (uint64_t)-14);
    command(&bench, TEST_RAM_BASE + MIB - 8);
    command(&bench, 0x1000);
    command(&bench, (uint64_t)1 << 56);
    command(&bench, UINT64_MAX);
    CHECK_EQ(bench.test->requests, 0);
    bench_destroy(&bench);
}

static const struct test_case cases[] = {{"ends", ends}, {"prints", prints}, {"refuses", refuses}};
TEST_SUITE(htif_test, "unit", cases);
