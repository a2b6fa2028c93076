/* Expected values are those of Intel's data sheets of the 82077AA and the 8237A. */
#include "devices/storage/floppy.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "tests/devices/disk_support.h"

#define CHANNEL   2
#define SECTOR    512u
#define DMA_PLACE 0x12340u

enum { DOR = 0x3f2, MSR = 0x3f4, DSR = 0x3f4, DATA = 0x3f5, DIR = 0x3f7, CCR = 0x3f7 };
enum { READY = 0x80, TO_GUEST = 0x40, NON_DMA = 0x20, BUSY = 0x10 };
enum { MEMORY_WRITE = 0x46, MEMORY_READ = 0x4a, VERIFY = 0x42 }; /* modes of channel 2: single transfers */

static struct test_machine *test;
static const char *folder;
static struct test_irq irq;
static struct ram_block *low;

/* The image's byte at `offset`: every sector differs from every other. */
static uint8_t pattern(uint64_t offset)
{
    return (uint8_t)(offset / SECTOR * 7 + offset % 251);
}

static const char *image_make(const char *name, uint64_t size)
{
    static char path[160];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    for (uint64_t i = 0; file && i < size; i++)
        fputc(pattern(i), file);
    if (!CHECK(file != NULL) || !CHECK_EQ(fclose(file), 0))
        return NULL;
    return path;
}

static struct floppy *controller_make(uint64_t size, bool readonly, struct error *err)
{
    irq = (struct test_irq){0};
    test = test_machine_create(MIB);
    folder = disk_folder_create();
    low = ram_block_create(test->machine.mem.ram, "low", MIB, NULL);
    CHECK(ram_map(test->machine.mem.ram, low, 0, gpa(0), MIB, RAM_MAPPED, NULL));
    struct floppy_config config = {
        .irq = test_irq_line(&irq), .dma = i8237_create(&test->machine, NULL), .channel = CHANNEL};
    i8237_cascade_open(config.dma);
    config.blocks[0] = disk_open(test, image_make("image", size), "raw", readonly);
    return floppy_create(&test->machine, &config, err);
}

static void start(uint64_t kib, bool readonly)
{
    CHECK(controller_make(kib * KIB, readonly, NULL) != NULL);
}

static void finish(void)
{
    test_context(NULL);
    test_machine_destroy(test);
    disk_folder_remove(folder);
}

static uint8_t msr(void)
{
    return (uint8_t)test_in(test, MSR, 1);
}

static void command(const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        CHECK_EQ(msr() & (READY | TO_GUEST), READY);
        test_out(test, DATA, 1, bytes[i]);
    }
}
#define COMMAND(...) command((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void result(const char *what, const uint8_t *bytes, unsigned count)
{
    test_context("%s", what);
    for (unsigned i = 0; i < count; i++) {
        CHECK_EQ(msr() & 0xf0, READY | TO_GUEST | BUSY);
        CHECK_EQ(test_in(test, DATA, 1), bytes[i]);
    }
    CHECK_EQ(msr() & 0xf0, READY);
    test_context(NULL);
}
#define RESULT(...)                                                                                          \
    result(#__VA_ARGS__, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static bool interrupted(void *opaque)
{
    (void)opaque;
    return irq.level;
}

/* Until the interrupt: mechanics and the image both take their time. */
static void wait(void)
{
    test_advance(test, 1000000);
    CHECK(test_loop_until(test, interrupted, NULL));
}

/* Out of reset, the motor of drive 0 on, at `rate`. */
static void wake(uint8_t rate)
{
    test_out(test, DOR, 1, 0x1c);
    wait();
    for (uint8_t i = 0; i < 4; i++) {
        COMMAND(0x08);
        RESULT((uint8_t)(0xc0 | i), 0);
    }
    test_out(test, CCR, 1, rate);
    COMMAND(0x03, 0xdf, 0x02);
}

static void seek(uint8_t track, uint8_t head)
{
    COMMAND(0x0f, (uint8_t)(head << 2), track);
    wait();
    COMMAND(0x08);
    RESULT((uint8_t)(0x20 | head << 2), track);
}

static void dma(uint8_t mode, unsigned bytes)
{
    test_out(test, 0x0a, 1, 4 | CHANNEL);
    test_out(test, 0x0c, 1, 0);
    test_out(test, 0x0b, 1, mode);
    test_out(test, 0x04, 1, DMA_PLACE & 0xff);
    test_out(test, 0x04, 1, DMA_PLACE >> 8 & 0xff);
    test_out(test, 0x81, 1, DMA_PLACE >> 16);
    test_out(test, 0x05, 1, (bytes - 1) & 0xff);
    test_out(test, 0x05, 1, (bytes - 1) >> 8);
    test_out(test, 0x0a, 1, CHANNEL);
}

static uint8_t *memory(void)
{
    return ram_block_host(low) + DMA_PLACE;
}

/* `len` bytes in memory are the image's from `sector` on, counted from 0. */
static void memory_is(unsigned sector, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        if (memory()[i] != pattern((uint64_t)sector * SECTOR + i)) {
            FAIL("byte %u is %#x, not %#x", i, memory()[i], pattern((uint64_t)sector * SECTOR + i));
            return;
        }
    }
}

static void image_is(unsigned sector, const uint8_t *bytes, unsigned len)
{
    char path[160];
    uint8_t there[4 * SECTOR];
    snprintf(path, sizeof(path), "%s/image", folder);
    FILE *file = fopen(path, "rb");
    if (!CHECK(file != NULL))
        return;
    CHECK_EQ(fseek(file, (long)(sector * SECTOR), SEEK_SET), 0);
    CHECK_EQ(fread(there, 1, len, file), len);
    fclose(file);
    CHECK_MEM(there, bytes, len);
}

/* --- the controller --- */

static void resets(void)
{
    start(1440, false);
    CHECK_EQ(msr(), 0);
    wake(0);
    COMMAND(0x08); /* nothing is left to tell */
    RESULT(0x80);
    test_out(test, DSR, 1, 0x80);
    CHECK_EQ(msr(), 0);
    wait();
    COMMAND(0x08);
    RESULT(0xc0, 0);
    test_out(test, DOR, 1, 0x18); /* held in reset, it takes nothing and interrupts nobody */
    CHECK_EQ(irq.level, false);
    test_out(test, DATA, 1, 0x10);
    CHECK_EQ(msr(), 0);
    finish();
}

static void gate(void)
{
    start(1440, false);
    test_out(test, DOR, 1, 0x14); /* interrupts stay inside */
    test_advance(test, 1000000);
    CHECK_EQ(irq.level, false);
    CHECK_EQ(msr(), READY);
    test_out(test, DOR, 1, 0x1c);
    CHECK_EQ(irq.level, true);
    finish();
}

static void registers(void)
{
    start(1440, false);
    wake(0);
    COMMAND(0x10);
    RESULT(0x90);
    COMMAND(0x13, 0x00, 0x57, 0x11);
    COMMAND(0x12, 0x84);
    COMMAND(0x94);
    RESULT(0x10);
    COMMAND(0x0e);
    RESULT(0, 0, 0, 0, 0xdf, 0x02, 0, 0x84, 0x57, 0x11);
    test_out(test, DSR, 1, 0x80);
    wait();
    COMMAND(0x0e); /* LOCK kept what was configured */
    RESULT(0, 0, 0, 0, 0xdf, 0x02, 0, 0x80, 0x57, 0x11);
    COMMAND(0x14);
    RESULT(0x00);
    COMMAND(0x1f);
    RESULT(0x80);
    COMMAND(0x18);
    RESULT(0x80);
    finish();
}

static void seeks(void)
{
    start(1440, false);
    wake(0);
    CHECK_EQ(test_in(test, DIR, 1) & 0x80, 0x80);
    COMMAND(0x0f, 0x04, 33);
    CHECK_EQ(msr(), READY | 1); /* drive 0 is busy, the controller is not */
    wait();
    COMMAND(0x08);
    RESULT(0x24, 33);
    CHECK_EQ(irq.level, false);
    CHECK_EQ(test_in(test, DIR, 1) & 0x80, 0);
    COMMAND(0x8f, 0x00, 3); /* outwards */
    wait();
    COMMAND(0x08);
    RESULT(0x20, 30);
    COMMAND(0xcf, 0x00, 10);
    wait();
    COMMAND(0x08);
    RESULT(0x20, 40);
    COMMAND(0x04, 0x00);
    RESULT(0x28);
    COMMAND(0x07, 0x00);
    wait();
    COMMAND(0x08);
    RESULT(0x20, 0);
    COMMAND(0x04, 0x00);
    RESULT(0x38);
    COMMAND(0x07, 0x01); /* no such drive */
    wait();
    COMMAND(0x08);
    RESULT(0x71, 0);
    finish();
}

/* --- sectors --- */

static void reads(void)
{
    start(1440, false);
    wake(0);
    seek(5, 0);
    dma(MEMORY_WRITE, SECTOR);
    COMMAND(0x46, 0x00, 5, 0, 7, 2, 18, 0x1b, 0xff);
    wait();
    RESULT(0x00, 0, 0, 5, 0, 8, 2);
    CHECK_EQ(irq.level, false);
    memory_is(5 * 36 + 6, SECTOR);

    /* Both sides, up to the very end: the next sector is the first of the next cylinder. */
    dma(MEMORY_WRITE, 36 * SECTOR);
    COMMAND(0xe6, 0x00, 5, 0, 1, 2, 18, 0x1b, 0xff);
    wait();
    RESULT(0x04, 0, 0, 6, 0, 1, 2);
    memory_is(5 * 36, 36 * SECTOR);
    CHECK_EQ(test_in(test, 0x08, 1) & 4, 4); /* terminal count */
    CHECK_EQ(test_in(test, 0x08, 1) & 4, 0);

    dma(MEMORY_WRITE, 100); /* a part of a sector */
    COMMAND(0x46, 0x04, 5, 1, 18, 2, 18, 0x1b, 0xff);
    wait();
    RESULT(0x04, 0, 0, 6, 1, 1, 2);
    memory_is(5 * 36 + 35, 100);
    finish();
}

static void unreadable(void)
{
    start(1440, false);
    wake(0);
    seek(5, 0);
    dma(MEMORY_WRITE, 3 * SECTOR);
    COMMAND(0x46, 0x00, 5, 0, 17, 2, 18, 0x1b, 0xff); /* the track ends before the transfer */
    wait();
    RESULT(0x40, 0x80, 0, 6, 0, 1, 2);
    dma(MEMORY_WRITE, SECTOR);
    COMMAND(0x46, 0x00, 5, 0, 19, 2, 20, 0x1b, 0xff); /* no such sector */
    wait();
    RESULT(0x40, 0x04, 0, 5, 0, 19, 2);
    COMMAND(0x46, 0x00, 6, 0, 1, 2, 18, 0x1b, 0xff); /* not this track */
    wait();
    RESULT(0x40, 0x04, 0x10, 6, 0, 1, 2);
    COMMAND(0x46, 0x00, 5, 0, 1, 3, 18, 0x1b, 0xff); /* sectors of 1024 bytes */
    wait();
    CHECK_EQ(test_in(test, DATA, 1), 0x40);
    CHECK_EQ(test_in(test, DATA, 1), 0x04);
    for (unsigned i = 2; i < 7; i++)
        test_in(test, DATA, 1);
    COMMAND(0x06, 0x00, 5, 0, 1, 2, 18, 0x1b, 0xff); /* FM */
    wait();
    RESULT(0x40, 0x01, 0, 5, 0, 1, 2);
    test_out(test, CCR, 1, 2); /* 250 kbit/s */
    COMMAND(0x46, 0x00, 5, 0, 1, 2, 18, 0x1b, 0xff);
    wait();
    RESULT(0x40, 0x01, 0, 5, 0, 1, 2);
    COMMAND(0x4a, 0x00);
    wait();
    RESULT(0x40, 0x01, 0, 5, 0, 1, 2);
    test_out(test, CCR, 1, 0);
    COMMAND(0x4a, 0x04);
    wait();
    RESULT(0x04, 0, 0, 5, 1, 1, 2);
    test_out(test, DOR, 1, 0x0c); /* the motor is off */
    COMMAND(0x4a, 0x04);
    wait();
    RESULT(0x44, 0x01, 0, 5, 1, 1, 2);
    COMMAND(0x46, 0x01, 0, 0, 1, 2, 18, 0x1b, 0xff); /* no such drive */
    wait();
    RESULT(0x41, 0x01, 0, 0, 0, 1, 2);
    finish();
}

static void writes(void)
{
    start(720, false);
    wake(2);
    seek(2, 1);
    for (unsigned i = 0; i < 2 * SECTOR; i++)
        memory()[i] = (uint8_t)(i * 3 + 1);
    dma(MEMORY_READ, 2 * SECTOR);
    COMMAND(0x45, 0x04, 2, 1, 3, 2, 9, 0x1b, 0xff);
    wait();
    RESULT(0x04, 0, 0, 2, 1, 5, 2);
    image_is(5 * 9 + 2, memory(), 2 * SECTOR);

    const uint8_t ids[] = {2, 1, 9, 2, 2, 1, 1, 2};
    uint8_t filled[SECTOR];
    memset(filled, 0xe5, sizeof(filled));
    memcpy(memory(), ids, sizeof(ids));
    dma(MEMORY_READ, sizeof(ids));
    COMMAND(0x4d, 0x04, 2, 2, 0x54, 0xe5);
    wait();
    CHECK_EQ(test_in(test, DATA, 1), 0x04);
    for (unsigned i = 1; i < 7; i++)
        test_in(test, DATA, 1);
    image_is(5 * 9, filled, SECTOR);
    image_is(5 * 9 + 8, filled, SECTOR);
    finish();
}

static void protected(void)
{
    start(1440, true);
    wake(0);
    COMMAND(0x04, 0x00);
    RESULT(0x78);
    dma(MEMORY_READ, SECTOR);
    COMMAND(0x45, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    wait();
    RESULT(0x40, 0x02, 0, 0, 0, 1, 2);
    COMMAND(0x4d, 0x00, 2, 18, 0x54, 0xf6);
    wait();
    CHECK_EQ(test_in(test, DATA, 1), 0x40);
    CHECK_EQ(test_in(test, DATA, 1), 0x02);
    finish();
}

static void by_port(void)
{
    start(360, false);
    wake(1);
    COMMAND(0x03, 0xdf, 0x03);
    COMMAND(0x42 | 4, 0x00, 0, 0, 8, 2, 9, 0x1b, 0xff);
    for (unsigned sector = 7; sector < 9; sector++) {
        wait();
        for (unsigned i = 0; i < SECTOR; i++) {
            if (!CHECK_EQ(msr() & 0xf0, READY | TO_GUEST | NON_DMA | BUSY) ||
                !CHECK_EQ(test_in(test, DATA, 1), pattern(sector * SECTOR + i)))
                break;
        }
    }
    wait(); /* without a terminal count a track's end is an error */
    RESULT(0x40, 0x80, 0, 1, 0, 1, 2);
    finish();
}

static void verifies(void)
{
    start(1440, false);
    wake(0);
    COMMAND(0xd6, 0x80, 0, 0, 1, 2, 18, 0x1b, 20);
    wait();
    RESULT(0x04, 0, 0, 0, 1, 3, 2);
    COMMAND(0x56, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    wait();
    RESULT(0x00, 0, 0, 1, 0, 1, 2);
    COMMAND(0x56, 0x00, 0, 0, 1, 2, 19, 0x1b, 0xff);
    wait();
    RESULT(0x40, 0x04, 0, 0, 0, 19, 2);
    finish();
}

static void scans(void)
{
    start(1440, false);
    wake(0);
    for (unsigned i = 0; i < 2 * SECTOR; i++) /* not the first sector, but the second */
        memory()[i] = pattern(SECTOR + i % SECTOR);
    memory()[SECTOR + 3] = 0xff; /* any */
    dma(MEMORY_READ, 4 * SECTOR);
    COMMAND(0x51, 0x00, 0, 0, 1, 2, 18, 0x1b, 1);
    wait();
    RESULT(0x00, 0, 0x08, 0, 0, 2, 2);
    memset(memory(), 0, SECTOR);
    dma(MEMORY_READ, SECTOR); /* nothing is as low as that, and the count ends */
    COMMAND(0x59, 0x00, 0, 0, 2, 2, 18, 0x1b, 1);
    wait();
    RESULT(0x00, 0, 0x04, 0, 0, 3, 2);
    dma(MEMORY_READ, SECTOR);
    COMMAND(0x5d, 0x00, 0, 0, 2, 2, 18, 0x1b, 1);
    wait();
    RESULT(0x00, 0, 0x00, 0, 0, 2, 2);
    finish();
}

static void masked(void)
{
    start(1440, false);
    wake(0);
    dma(MEMORY_WRITE, SECTOR);
    test_out(test, 0x0a, 1, 4 | CHANNEL);
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    test_advance(test, 1000000);
    CHECK_EQ(irq.level, false);
    test_out(test, 0x0a, 1, CHANNEL); /* the request is served when it can be */
    wait();
    RESULT(0x00, 0, 0, 0, 0, 2, 2);
    memory_is(0, SECTOR);

    COMMAND(0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    test_out(test, DSR, 1, 0x80); /* a reset ends what is under way */
    wait();
    COMMAND(0x08);
    RESULT(0xc0, 0);
    finish();
}

static void shapes(void)
{
    static const struct {
        uint64_t size;
        struct floppy_geometry geometry;
    } cases[] = {{SECTOR, {4, 80, 2, 18}},     {360 * KIB, {1, 40, 2, 9}},
                 {720 * KIB, {3, 80, 2, 9}},   {1200 * KIB, {2, 80, 2, 15}},
                 {1440 * KIB, {4, 80, 2, 18}}, {1440 * KIB + SECTOR, {5, 80, 2, 36}},
                 {2880 * KIB, {5, 80, 2, 36}}};
    test = test_machine_create(MIB);
    folder = disk_folder_create();
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct block *block = disk_open(test, image_make("image", cases[i].size), "raw", true);
        struct floppy_geometry geometry = floppy_geometry(block);
        test_context("%llu bytes", (unsigned long long)cases[i].size);
        CHECK_MEM(&geometry, &cases[i].geometry, sizeof(geometry));
        block_close(block);
    }
    finish();
    struct error err = {0};
    CHECK(!controller_make(2880 * KIB + SECTOR, false, &err));
    CHECK(strstr(err.text, "2880 KiB") != NULL);
    finish();
}

/* A boot sector alone is the beginning of a diskette that is otherwise empty, and can't be written. */
static void beginnings(void)
{
    CHECK(controller_make(SECTOR + 100, false, NULL) != NULL);
    wake(0);
    memset(memory(), 0xaa, 3 * SECTOR);
    dma(MEMORY_WRITE, 3 * SECTOR);
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    wait();
    RESULT(0x00, 0, 0, 0, 0, 4, 2);
    memory_is(0, SECTOR);
    CHECK_EQ(memory()[2 * SECTOR], 0);
    COMMAND(0x04, 0x00);
    RESULT(0x78);
    finish();
}

/* Whatever is written wherever, in whatever order, it answers and nothing breaks. */
static void wild(void)
{
    static const uint16_t ports[] = {DOR,  MSR,  DATA, DIR,  0x00, 0x04, 0x05,
                                     0x08, 0x0a, 0x0b, 0x0c, 0x81, 0xd4, 0xd6};
    start(1440, false);
    wake(0);
    for (unsigned i = 0; i < 30000; i++) {
        uint64_t random = test_random();
        uint16_t port = random & 1 ? DATA : ports[(random >> 8 & 0xff) % ARRAY_LEN(ports)];
        if (random & 2)
            test_in(test, port, 1);
        else
            test_out(test, port, 1, random >> 16 & 0xff);
        if ((random >> 24 & 0x3f) == 0)
            test_advance(test, 1000000);
    }
    test_out(test, DOR, 1, 0x18);
    test_out(test, DOR, 1, 0x1c);
    wait();
    COMMAND(0x08);
    RESULT(0xc0, 0);
    finish();
}

static const struct test_case cases[] = {
    {"resets", resets},       {"gate", gate},
    {"registers", registers}, {"seeks", seeks},
    {"reads", reads},         {"unreadable", unreadable},
    {"writes", writes},       {"protected", protected},
    {"by_port", by_port},     {"verifies", verifies},
    {"scans", scans},         {"masked", masked},
    {"shapes", shapes},       {"beginnings", beginnings},
    {"wild", wild},
};
TEST_SUITE(floppy_test, "unit", cases);
