/* Expected values are those of the CFI specification (JESD68.01) and the 28F128J3 data sheet: two 16-bit
 * parts side by side, so every command and answer is there twice. */
#include "devices/misc/pflash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "tests/devices/machine_support.h"

#define BASE  ((uint64_t)0x20000000)
#define SIZE  (32 * MIB)
#define BLOCK (256 * KIB)

static struct test_machine *test;
static char path[64];

static bool start_with(const char *file, bool readonly, struct error *err)
{
    test = test_machine_create(MIB);
    return pflash_create(&test->machine,
                         &(struct pflash_config){.name = "flash0",
                                                 .base = BASE,
                                                 .size = SIZE,
                                                 .block_size = BLOCK,
                                                 .path = file,
                                                 .readonly = readonly},
                         err) != NULL;
}

static void start(void)
{
    CHECK(start_with(NULL, false, NULL));
}

static void finish(void)
{
    test_machine_destroy(test);
}

static uint32_t get(uint64_t offset)
{
    return (uint32_t)test_load(test, BASE + offset, 4);
}

static void put(uint64_t offset, uint32_t value)
{
    test_store(test, BASE + offset, 4, value);
}

static void command(uint64_t offset, uint8_t byte)
{
    put(offset, byte * 0x00010001u);
}

static void check_status(uint8_t expected)
{
    CHECK_EQ(get(0), expected * 0x00010001u);
}

static void word_program(uint64_t offset, uint32_t value)
{
    command(offset, 0x40);
    put(offset, value);
}

static void block_erase(uint64_t offset)
{
    command(offset, 0x20);
    command(offset, 0xd0);
}

static void array(void)
{
    command(0, 0xff);
}

/* A PC's: one part of 8 bits, 4 KiB a block, and not a power of two of them. */
#define PC_BLOCKS 132

static uint8_t byte_get(uint64_t offset)
{
    return (uint8_t)test_load(test, BASE + offset, 1);
}

static void byte_put(uint64_t offset, uint8_t value)
{
    test_store(test, BASE + offset, 1, value);
}

static void single_part(void)
{
    struct pflash_config config = {
        .name = "vars", .base = BASE, .single = true, .size = PC_BLOCKS * 4 * KIB, .block_size = 4 * KIB};
    test = test_machine_create(MIB);
    CHECK(pflash_create(&test->machine, &config, NULL) != NULL);
    byte_put(0x55, 0x98);
    CHECK_EQ(byte_get(0x10), 'Q');
    CHECK_EQ(byte_get(0x11), 'R');
    CHECK_EQ(byte_get(0x27), 20); /* in 1 MiB */
    CHECK_EQ(byte_get(0x28), 0);  /* x8 */
    CHECK_EQ(byte_get(0x2d), PC_BLOCKS - 1);
    CHECK_EQ(byte_get(0x2f), 0x10); /* 4 KiB */
    byte_put(0, 0x90);
    CHECK_EQ(byte_get(0), 0x89);
    /* How EDK2 (OvmfPkg, QemuFlash.c) tells flash from RAM and ROM: no command reads back, and the status is
     * 0. */
    byte_put(0, 0x50);
    byte_put(0, 0x70);
    CHECK_EQ(byte_get(0), 0);
    byte_put(PC_BLOCKS * 4 * KIB - 1, 0x10);
    byte_put(PC_BLOCKS * 4 * KIB - 1, 0x5a);
    CHECK_EQ(byte_get(0), 0x80);
    byte_put(0x1000, 0x10);
    byte_put(0x1000, 0x77);
    byte_put(0, 0xff);
    CHECK_EQ(byte_get(PC_BLOCKS * 4 * KIB - 1), 0x5a);
    CHECK_EQ(test_load(test, BASE + 0x1000, 2), 0xff77);
    byte_put(0x1fff, 0x20);
    byte_put(0x1fff, 0xd0);
    byte_put(0, 0xff);
    CHECK_EQ(byte_get(0x1000), 0xff);
    CHECK_EQ(byte_get(PC_BLOCKS * 4 * KIB - 1), 0x5a);
    finish();
}

static bool readable_as_memory(void)
{
    struct ram *ram = test->machine.mem.ram;
    return ram_at(ram, gpa(BASE), SIZE, RAM_READ) != NULL && !ram_at(ram, gpa(BASE), 4, RAM_WRITE);
}

/* CFI: "QRY" at 0x10, and the geometry of one part: 16 MiB in 128 blocks of 128 KiB. */
static void query(void)
{
    static const uint8_t expected[][2] = {
        {0x10, 'Q'},  {0x11, 'R'},  {0x12, 'Y'},  {0x13, 0x01}, {0x14, 0x00}, /* Intel extended command set */
        {0x15, 0x31}, {0x16, 0x00},                                           /* its table */
        {0x27, 24},                                                           /* 2^24 bytes */
        {0x28, 0x01}, {0x29, 0x00},                                           /* x16 */
        {0x2a, 9},    {0x2b, 0},                                              /* write buffer of 2^9 bytes */
        {0x2c, 1},                                                            /* one erase region: */
        {0x2d, 127},  {0x2e, 0},    {0x2f, 0x00}, {0x30, 0x02}, /* 128 blocks of 512 * 256 bytes */
        {0x31, 'P'},  {0x32, 'R'},  {0x33, 'I'},  {0x34, '1'},
    };
    start();
    command(0x55 * 4, 0x98);
    for (unsigned i = 0; i < ARRAY_LEN(expected); i++) {
        test_context("query address %#x", expected[i][0]);
        CHECK_EQ(get(expected[i][0] * 4), expected[i][1] * 0x00010001u);
        CHECK_EQ(test_load(test, BASE + expected[i][0] * 4, 2), expected[i][1]);
        CHECK_EQ(test_load(test, BASE + expected[i][0] * 4 + 2, 1), expected[i][1]);
        CHECK_EQ(test_load(test, BASE + expected[i][0] * 4 + 1, 1), 0);
    }
    test_context(NULL);
    CHECK_EQ(get(0x4000), 0);
    array();
    CHECK_EQ(get(0x40), 0xffffffff);
    finish();
}

static void identifiers(void)
{
    start();
    command(0, 0x90);
    CHECK_EQ(get(0), 0x00890089);
    CHECK_EQ(get(4), 0x00180018);
    CHECK_EQ(get(8), 0);
    CHECK_EQ(get(5 * BLOCK + 8), 0);
    array();
    finish();
}

static void program_and_erase(void)
{
    start();
    CHECK_EQ(get(0x1000), 0xffffffff);
    word_program(0x1000, 0x12345678);
    check_status(0x80);
    CHECK(!readable_as_memory());
    array();
    CHECK(readable_as_memory());
    CHECK_EQ(get(0x1000), 0x12345678);
    CHECK_EQ(get(0x1004), 0xffffffff);
    /* Programming only clears bits. */
    word_program(0x1000, 0xff00ff0f);
    array();
    CHECK_EQ(get(0x1000), 0x12005608);
    command(0x1000, 0x10);
    put(0x1000, 0);
    array();
    CHECK_EQ(get(0x1000), 0);
    /* Erasing takes the whole block and nothing else. */
    word_program(BLOCK - 4, 1);
    word_program(BLOCK, 2);
    block_erase(0x1234);
    check_status(0x80);
    array();
    CHECK_EQ(get(0x1000), 0xffffffff);
    CHECK_EQ(get(BLOCK - 4), 0xffffffff);
    CHECK_EQ(get(BLOCK), 2);
    /* The last word of the bank. */
    word_program(SIZE - 4, 0xcafe);
    array();
    CHECK_EQ(get(SIZE - 4), 0xcafe);
    finish();
}

static void buffer(void)
{
    start();
    command(BLOCK, 0xe8);
    CHECK_EQ(get(BLOCK), 0x00800080); /* a buffer is free */
    command(BLOCK, 255);              /* 256 words each: all of it */
    for (unsigned i = 0; i < 256; i++)
        put(BLOCK + 4 * i, i * 0x01010101u);
    command(BLOCK, 0xd0);
    check_status(0x80);
    array();
    for (unsigned i = 0; i < 256; i++)
        CHECK_EQ(get(BLOCK + 4 * i), i * 0x01010101u);
    CHECK_EQ(get(BLOCK + 1024), 0xffffffff);
    /* A few words somewhere in the middle, not in order; what is not given stays. */
    command(2 * BLOCK, 0xe8);
    command(2 * BLOCK, 1);
    put(2 * BLOCK + 0x7f8, 0x11111111);
    put(2 * BLOCK + 0x7f4, 0x22222222);
    command(2 * BLOCK, 0xd0);
    array();
    CHECK_EQ(get(2 * BLOCK + 0x7f8), 0x11111111);
    CHECK_EQ(get(2 * BLOCK + 0x7f4), 0x22222222);
    CHECK_EQ(get(2 * BLOCK + 0x7f0), 0xffffffff);
    finish();
}

static void wrong_sequences(void)
{
    start();
    /* Erase without its confirmation: both error bits, which stay until they are cleared. */
    command(0, 0x20);
    command(0, 0x70);
    check_status(0xb0);
    command(0, 0x70);
    check_status(0xb0);
    command(0, 0x50);
    command(0, 0x70);
    check_status(0x80);
    /* More words than the buffer has. */
    command(0, 0xe8);
    put(0, 0x01000100);
    check_status(0xb0);
    command(0, 0x50);
    /* Data outside the buffer's range. */
    command(0, 0xe8);
    command(0, 1);
    put(0x100, 0);
    put(0x10000, 0);
    command(0, 0xd0);
    check_status(0xb0);
    array();
    CHECK_EQ(get(0x100), 0xffffffff);
    command(0, 0x50);
    /* No confirmation. */
    command(0, 0xe8);
    command(0, 0);
    put(0x100, 0);
    command(0, 0xff);
    check_status(0xb0);
    command(0, 0x50);
    array();
    CHECK_EQ(get(0x100), 0xffffffff);
    /* The protection register can't be programmed. */
    command(0, 0xc0);
    put(0x80 * 4, 0);
    check_status(0x92);
    /* A command that is not there ends in array mode. */
    command(0, 0x77);
    CHECK_EQ(get(0), 0xffffffff);
    finish();
}

static void block_locks(void)
{
    start();
    command(BLOCK, 0x60);
    command(BLOCK, 0x01);
    check_status(0x80);
    command(0, 0x90);
    CHECK_EQ(get(8), 0);
    CHECK_EQ(get(BLOCK + 8), 0x00010001);
    word_program(BLOCK, 0);
    check_status(0x92);
    command(0, 0x50);
    block_erase(BLOCK);
    check_status(0xa2);
    command(0, 0x50);
    word_program(0, 0x55);
    check_status(0x80);
    array();
    CHECK_EQ(get(BLOCK), 0xffffffff);
    CHECK_EQ(get(0), 0x55);
    command(0, 0x60);
    command(0, 0x05);
    check_status(0xb0);
    command(0, 0x50);
    /* Clearing takes all of them. */
    command(0, 0x60);
    command(0, 0xd0);
    word_program(BLOCK, 0x66);
    check_status(0x80);
    array();
    CHECK_EQ(get(BLOCK), 0x66);
    finish();
}

static void narrow_accesses(void)
{
    start();
    test_store(test, BASE + 0x10, 2, 0x40);
    test_store(test, BASE + 0x10, 2, 0xabcd);
    test_store(test, BASE, 1, 0x10);
    test_store(test, BASE + 0x13, 1, 0x77);
    test_store(test, BASE, 1, 0xff);
    CHECK_EQ(get(0x10), 0x77ffabcd);
    CHECK_EQ(test_load(test, BASE + 0x10, 8), 0xffffffff77ffabcd);
    finish();
}

static void file_make(const void *bytes, size_t len)
{
    strcpy(path, "/tmp/triarch-flash-XXXXXX");
    int fd = mkstemp(path);
    CHECK_EQ(write(fd, bytes, len), len);
    close(fd);
}

static void file_get(uint64_t offset, void *bytes, size_t len)
{
    FILE *file = fopen(path, "rb");
    if (!CHECK(file != NULL))
        return;
    CHECK_EQ(fseek(file, (long)offset, SEEK_SET), 0);
    CHECK_EQ(fread(bytes, 1, len, file), len);
    fclose(file);
}

/* What the guest keeps is in the file, also beyond its old end; what lies between is erased flash. */
static void stored(void)
{
    uint8_t bytes[8];
    file_make("firmware", 8);
    CHECK(start_with(path, false, NULL));
    CHECK(readable_as_memory());
    CHECK_EQ(get(0), 0x6d726966);
    CHECK_EQ(get(8), 0xffffffff);
    word_program(4, 0);
    word_program(0x2000, 0x01020304);
    finish();
    file_get(0, bytes, 8);
    CHECK_MEM(bytes, "firm\0\0\0\0", 8);
    file_get(0x1ffc, bytes, 8);
    CHECK_MEM(bytes, "\xff\xff\xff\xff\x04\x03\x02\x01", 8);
    CHECK(start_with(path, false, NULL));
    CHECK_EQ(get(0x2000), 0x01020304);
    block_erase(0);
    finish();
    file_get(0, bytes, 8);
    CHECK_MEM(bytes, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    unlink(path);
}

static void readonly(void)
{
    uint8_t bytes[8];
    file_make("firmware", 8);
    CHECK(start_with(path, true, NULL));
    word_program(0, 0);
    check_status(0x92);
    command(0, 0x50);
    block_erase(0);
    check_status(0xa2);
    array();
    CHECK_EQ(get(0), 0x6d726966);
    finish();
    file_get(0, bytes, 8);
    CHECK_MEM(bytes, "firmware", 8);
    unlink(path);
}

static void bad_files(void)
{
    struct error err = {0};
    CHECK(!start_with("/nonexistent/flash", false, &err));
    CHECK_EQ(err.kind, ERROR_IMAGE);
    finish();
    CHECK(!start_with("/tmp", true, &err));
    CHECK_EQ(err.kind, ERROR_IMAGE);
    finish();
    file_make("x", 1);
    CHECK_EQ(truncate(path, (long)SIZE + 1), 0);
    err = (struct error){0};
    CHECK(!start_with(path, false, &err));
    CHECK_EQ(err.kind, ERROR_IMAGE);
    finish();
    unlink(path);
}

/* A reset leaves contents and forgets the command under way; a save keeps both. */
static void state(void)
{
    start();
    word_program(0x40, 0x1234);
    command(0, 0xe8);
    command(0, 0);
    test_reset(test);
    CHECK_EQ(get(0x40), 0x1234);
    CHECK(readable_as_memory());
    command(0, 0x90);
    test_save_load(test);
    CHECK_EQ(get(0), 0x00890089);
    array();
    CHECK_EQ(get(0x40), 0x1234);
    finish();
}

/* Random commands and data never leave the bank; afterwards it still works. */
static void wild_accesses(void)
{
    static const uint8_t commands[] = {0x10, 0x20, 0x40, 0x50, 0x60, 0x70, 0x90, 0x98,
                                       0xb0, 0xc0, 0xd0, 0xe8, 0xf0, 0xff, 0x01, 0x00};
    start();
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t offset = test_random() % (SIZE - 8);
        unsigned width = 1u << test_random() % 4;
        uint64_t value = test_random() & 1 ? test_random() : commands[test_random() % ARRAY_LEN(commands)];
        if (test_random() & 1)
            test_store(test, BASE + offset, width, value);
        else
            test_load(test, BASE + offset, width);
    }
    test_reset(test);
    block_erase(0);
    word_program(0, 0x600d);
    array();
    CHECK_EQ(get(0), 0x600d);
    finish();
}

static const struct test_case cases[] = {{"query", query},
                                         {"identifiers", identifiers},
                                         {"program_and_erase", program_and_erase},
                                         {"buffer", buffer},
                                         {"wrong_sequences", wrong_sequences},
                                         {"block_locks", block_locks},
                                         {"narrow_accesses", narrow_accesses},
                                         {"stored", stored},
                                         {"readonly", readonly},
                                         {"bad_files", bad_files},
                                         {"state", state},
                                         {"single_part", single_part},
                                         {"wild_accesses", wild_accesses}};
TEST_SUITE(pflash_test, "unit", cases);
