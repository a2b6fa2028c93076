/* The frame buffer in RAM: the file's layout is that of QEMU's ramfb, pixel formats are those of DRM's
 * FourCCs. */
#include "devices/display/ramfb.h"

#include "base/bits.h"
#include "tests/devices/machine_support.h"

#define FW_CFG ((uint64_t)0x09020000)
#define FRAME  (TEST_RAM_BASE + 0x10000)
#define XR24   0x34325258
#define RG24   0x34324752
#define RG16   0x36314752

static struct test_machine *test;
static struct display *display;
static unsigned resizes, changes;

static void resized(void *opaque)
{
    (void)opaque;
    resizes++;
}

static void changed(void *opaque, unsigned x, unsigned y, unsigned width, unsigned height)
{
    (void)opaque, (void)x, (void)y, (void)width;
    changes += height;
}

static void start(void)
{
    test = test_machine_create(MIB);
    display = display_create();
    resizes = changes = 0;
    display_attach(display,
                   &(struct display_consumer){.resized = resized, .changed = changed, .opaque = &changes});
    struct fw_cfg *fw_cfg = fw_cfg_create(
        &test->machine, &(struct fw_cfg_config){.bus = test->machine.mem.mmio, .base = FW_CFG}, NULL);
    ramfb_create(&test->machine, &(struct ramfb_config){fw_cfg, display});
}

static void finish(void)
{
    test_machine_destroy(test);
    display_detach(display, &changes);
    display_destroy(display);
}

/* As a driver does: find the file, then write it by DMA (fw_cfg's specification: control, length, address).
 */
static void file_write(uint64_t base, uint32_t fourcc, uint32_t width, uint32_t height, uint32_t stride)
{
    uint8_t file[28] = {0}, command[16], entry[64];
    test_store(test, FW_CFG + 8, 2, __builtin_bswap16(0x19));
    for (unsigned i = 0; i < 4; i++)
        test_load(test, FW_CFG, 1);
    for (unsigned i = 0; i < sizeof(entry); i++)
        entry[i] = (uint8_t)test_load(test, FW_CFG, 1);
    CHECK_STR((const char *)entry + 8, "etc/ramfb");
    CHECK_EQ(be32_load(entry), 28);
    be64_store(file, base);
    be32_store(file + 8, fourcc);
    be32_store(file + 16, width);
    be32_store(file + 20, height);
    be32_store(file + 24, stride);
    test_ram_put(test, TEST_RAM_BASE + 0x100, file, sizeof(file));
    be32_store(command, (uint32_t)be16_load(entry + 4) << 16 | 0x18); /* select, write */
    be32_store(command + 4, sizeof(file));
    be64_store(command + 8, TEST_RAM_BASE + 0x100);
    test_ram_put(test, TEST_RAM_BASE, command, sizeof(command));
    test_store(test, FW_CFG + 16, 8, __builtin_bswap64(TEST_RAM_BASE));
}

static uint32_t pixel(unsigned x, unsigned y)
{
    struct display_surface surface = display_refresh(display);
    return surface.pixels[y * surface.stride + x];
}

static void formats(void)
{
    static const uint8_t xrgb[] = {0x33, 0x22, 0x11, 0xff, 0x66, 0x55, 0x44, 0x00};
    static const uint8_t rgb565[] = {0x00, 0xf8, 0xe0, 0x07, 0x1f, 0x00};
    start();
    test_ram_put(test, FRAME + 400, xrgb, sizeof(xrgb));
    file_write(FRAME, XR24, 100, 50, 400);
    CHECK_EQ(resizes, 1);
    CHECK_EQ(pixel(0, 1), 0x112233);
    CHECK_EQ(pixel(1, 1), 0x445566);
    CHECK_EQ(pixel(0, 0), 0);
    CHECK_EQ(display_refresh(display).width, 100);
    CHECK_EQ(display_refresh(display).height, 50);
    CHECK_EQ(changes, 1); /* one row was not black */
    file_write(FRAME + 400, RG24, 10, 10, 0);
    CHECK_EQ(pixel(0, 0), 0x112233);
    CHECK_EQ(pixel(1, 0), 0x5566ff);
    test_ram_put(test, FRAME, rgb565, sizeof(rgb565));
    file_write(FRAME, RG16, 10, 10, 64);
    CHECK_EQ(pixel(0, 0), 0xff0000);
    CHECK_EQ(pixel(1, 0), 0x00ff00);
    CHECK_EQ(pixel(2, 0), 0x0000ff);
    finish();
}

/* Nothing that a guest can say leads out of its RAM. */
static void nonsense(void)
{
    start();
    file_write(FRAME, XR24, 64, 64, 256);
    unsigned before = resizes;
    file_write(FRAME, 0x12345678, 100, 100, 400);
    file_write(FRAME, XR24, 0, 100, 400);
    file_write(FRAME, XR24, 100, 100000, 400);
    file_write(FRAME, XR24, 100, 100, 399);
    CHECK_EQ(resizes, before);
    file_write(TEST_RAM_BASE + MIB - 4096, XR24, 1000, 1000, 4000);
    CHECK_EQ(pixel(0, 999), 0);
    file_write(0xffffffffffffff00, XR24, 64, 64, 0xfffffff0);
    CHECK_EQ(pixel(0, 63), 0);
    file_write(0, RG24, 8192, 8192, 0xffffffff);
    CHECK_EQ(pixel(0, 8191), 0);
    finish();
}

static void save_and_load(void)
{
    static const uint8_t white[4] = {0xff, 0xff, 0xff, 0};
    start();
    file_write(FRAME, XR24, 32, 32, 128);
    test_save_load(test);
    test_ram_put(test, FRAME, white, 4);
    CHECK_EQ(pixel(0, 0), 0xffffff);
    test_reset(test);
    static const uint8_t red[4] = {0, 0, 0xff, 0};
    test_ram_put(test, FRAME, red, 4);
    CHECK(pixel(0, 0) != 0xff0000);
    finish();
}

static unsigned look(void)
{
    changes = 0;
    display_look(display, &test->machine.lock);
    host_mutex_unlock(&test->machine.lock);
    return changes;
}

/* What was not written to is not looked at; another place is looked at as a whole. */
static void looks_where_written(void)
{
    static const uint8_t white[4] = {0xff, 0xff, 0xff, 0};
    start();
    uint8_t *ram = ram_block_host(ram_block_find(test->machine.mem.ram, "ram"));
    uint64_t base = FRAME + 0x104; /* not where a page begins */
    file_write(base, XR24, 128, 64, 512);
    look();
    ram[0x10104 + 2 * 512] = 0xff;
    CHECK_EQ(look(), 0);
    test_ram_put(test, base + 60 * 512, white, 4);
    test_ram_put(test, base + 63 * 512 + 508, white, 4);
    CHECK_EQ(look(), 2);
    CHECK_EQ(look(), 0);
    CHECK_EQ(pixel(0, 2), 0xff); /* who looks at all of it */
    file_write(base + 512, XR24, 128, 63, 512);
    CHECK(look() > 0);
    CHECK_EQ(display_surface(display).pixels[128], 0xff);
    CHECK_EQ(look(), 0);
    finish();
}

static const struct test_case cases[] = {{"formats", formats},
                                         {"nonsense", nonsense},
                                         {"save_and_load", save_and_load},
                                         {"looks_where_written", looks_where_written}};

TEST_SUITE(ramfb_test, "unit", cases);
