/* The graphics adapter through its queues; expected values are those of Virtual I/O Device 1.2, 5.7. */
#include "devices/virtio/virtio_gpu.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "tests/devices/virtio_support.h"

#define EDID  2u /* feature bits 1 and 3 */
#define BLOB  8u
#define BGRX  2u
#define FRAME 0x100000u /* of guest memory, from the start of RAM */

static struct guest *guest;
static struct virtio_device *device;
static struct display *display;
static uint8_t answer[1088];

static void start_with(enum guest_transport transport, bool packed, uint64_t memory)
{
    guest = guest_create(transport);
    display = display_create();
    device = virtio_gpu_create(
        &guest->test->machine,
        &(struct virtio_gpu_config){
            .name = "gpu0", .display = display, .width = 800, .height = 600, .memory = memory},
        NULL);
    guest_attach(guest, device);
    guest_start(guest, guest_core_features(packed, true) | EDID | BLOB, 2, 16);
}

static void start(void)
{
    start_with(GUEST_MMIO, false, 0);
}

static void finish(void)
{
    guest_destroy(guest);
    display_destroy(display);
}

/* A request on a queue, with its answer in `answer`; the answer's type, 0 when none was given room. */
static uint32_t request_on(unsigned queue, const void *bytes, uint32_t len, uint32_t room)
{
    uint16_t id;
    uint32_t written = 0;
    uint64_t at = TEST_RAM_BASE + 0x80000; /* above the rings, below the frame */
    test_ram_put(guest->test, at, bytes, len);
    struct guest_buffer buffers[] = {{at, len, false}, {at + 0x40000, room, true}};
    guest_add(guest, queue, buffers, room ? 2 : 1, false);
    guest_kick(guest, queue);
    if (!CHECK(guest_used_wait(guest, queue, &id, &written)))
        return 0;
    memset(answer, 0, sizeof(answer));
    if (written)
        test_ram_get(guest->test, at + 0x40000, answer, written);
    return le32_load(answer);
}

/* A command of 32-bit words after its header. */
static uint32_t command(uint32_t type, const uint32_t *words, unsigned count)
{
    uint8_t bytes[24 + 4 * 32] = {0};
    le32_store(bytes, type);
    for (unsigned i = 0; i < count; i++)
        le32_store(bytes + 24 + 4 * i, words[i]);
    return request_on(type >= 0x300, bytes, 24 + 4 * count, sizeof(answer));
}
#define COMMAND(type, ...)                                                                                   \
    command((type), (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

#define CREATE(id, format, width, height)     COMMAND(0x101, id, format, width, height)
#define SCANOUT(x, y, width, height, id)      COMMAND(0x103, x, y, width, height, 0, id)
#define FLUSH(x, y, width, height, id)        COMMAND(0x104, x, y, width, height, id, 0)
#define TRANSFER(x, y, width, height, at, id) COMMAND(0x105, x, y, width, height, at, 0, id, 0)
#define RAM_LOW                               (uint32_t)(TEST_RAM_BASE)
#define ATTACH(id, offset, len)               COMMAND(0x106, id, 1, RAM_LOW + (offset), 0, len, 0)

static void frame_fill(unsigned pixels, uint32_t (*of)(unsigned i))
{
    for (unsigned i = 0; i < pixels; i++) {
        uint8_t bytes[4];
        le32_store(bytes, of(i));
        test_ram_put(guest->test, TEST_RAM_BASE + FRAME + 4 * i, bytes, 4);
    }
}

static uint32_t numbered(unsigned i)
{
    return 0x01000000 | i;
}

static uint32_t pixel(unsigned x, unsigned y)
{
    host_mutex_lock(&guest->test->machine.lock);
    struct display_surface surface = display_refresh(display);
    host_mutex_unlock(&guest->test->machine.lock);
    if (!CHECK(x < surface.width && y < surface.height))
        return 0;
    return surface.pixels[(size_t)y * surface.stride + x];
}

static void information(void)
{
    for (unsigned kind = 0; kind < 2 * GUEST_TRANSPORTS; kind++) {
        start_with((enum guest_transport)(kind / 2), kind & 1, 0);
        CHECK_EQ(guest_offered(guest) & 0x1f, EDID | BLOB);
        CHECK_EQ(guest_config(guest, 8, 4), 1);
        CHECK_EQ(guest_config(guest, 12, 4), 0);
        /* A fence and its context come back. */
        static const uint8_t fenced[24] = {0x00, 0x01, 0,    0,    1,    0,    0,    0, 0x88,
                                           0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 7};
        CHECK_EQ(request_on(0, fenced, 24, sizeof(answer)), 0x1101);
        CHECK_EQ(le32_load(answer + 4), 1);
        CHECK_EQ(le64_load(answer + 8), 0x1122334455667788);
        CHECK_EQ(le32_load(answer + 16), 7);
        CHECK_EQ(le32_load(answer + 24 + 8), 800);
        CHECK_EQ(le32_load(answer + 24 + 12), 600);
        CHECK_EQ(le32_load(answer + 24 + 16), 1);
        CHECK_EQ(le32_load(answer + 24 + 24 + 16), 0);
        CHECK(guest_interrupted(guest));
        CHECK_EQ(COMMAND(0x10a, 0, 0), 0x1104);
        CHECK_EQ(le32_load(answer + 24), 128);
        CHECK_EQ(be64_load(answer + 32), 0x00ffffffffffff00);
        CHECK_EQ(COMMAND(0x10a, 1, 0), 0x1202);
        CHECK_EQ(COMMAND(0x108, 0, 0), 0x1205);
        CHECK_EQ(COMMAND(0x200, 0, 0), 0x1200); /* 3D */
        CHECK_EQ(COMMAND(0x10b, 0, 0), 0x1200); /* UUIDs were not offered */
        finish();
    }
}

static void picture(void)
{
    start();
    CHECK_EQ(CREATE(7, BGRX, 64, 32), 0x1100);
    CHECK_EQ(ATTACH(7, FRAME, 64 * 32 * 4), 0x1100);
    frame_fill(64 * 32, numbered);
    CHECK_EQ(TRANSFER(0, 0, 64, 32, 0, 7), 0x1100);
    CHECK_EQ(SCANOUT(0, 0, 64, 32, 7), 0x1100);
    CHECK_EQ(FLUSH(0, 0, 64, 32, 7), 0x1100);
    CHECK_EQ(display_surface(display).width, 64);
    CHECK_EQ(display_surface(display).height, 32);
    CHECK_EQ(pixel(0, 0), 0);
    CHECK_EQ(pixel(5, 3), 3 * 64 + 5);
    CHECK_EQ(pixel(63, 31), 31 * 64 + 63);
    /* Part of it, from where the offset says; what is not flushed is not shown. */
    CHECK_EQ(TRANSFER(10, 20, 2, 2, 40, 7), 0x1100);
    CHECK_EQ(pixel(10, 20), 20 * 64 + 10);
    CHECK_EQ(FLUSH(11, 20, 1, 2, 7), 0x1100);
    CHECK_EQ(pixel(10, 20), 20 * 64 + 10);
    CHECK_EQ(pixel(11, 20), 11);
    CHECK_EQ(pixel(11, 21), 64 + 11);
    /* A window into the resource. */
    CHECK_EQ(SCANOUT(32, 16, 16, 8, 7), 0x1100);
    CHECK_EQ(display_surface(display).width, 16);
    CHECK_EQ(pixel(1, 1), 17 * 64 + 33);
    CHECK_EQ(COMMAND(0x107, 7, 0), 0x1100);
    CHECK_EQ(TRANSFER(0, 0, 1, 1, 0, 7), 0x1200);
    CHECK_EQ(COMMAND(0x102, 7, 0), 0x1100);
    CHECK_EQ(pixel(1, 1), 0);
    finish();
}

/* Table of formats in 5.7.6.7: names are the order of bytes. */
static void formats(void)
{
    static const struct {
        uint32_t number;
        uint8_t bytes[4]; /* red 11, green 22, blue 33 */
    } all[] = {{1, {0x33, 0x22, 0x11, 0xee}},   {2, {0x33, 0x22, 0x11, 0xee}},
               {3, {0xee, 0x11, 0x22, 0x33}},   {4, {0xee, 0x11, 0x22, 0x33}},
               {67, {0x11, 0x22, 0x33, 0xee}},  {68, {0xee, 0x33, 0x22, 0x11}},
               {121, {0xee, 0x33, 0x22, 0x11}}, {134, {0x11, 0x22, 0x33, 0xee}}};
    start();
    for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
        test_context("format %u", all[i].number);
        CHECK_EQ(CREATE(i + 1, all[i].number, 16, 16), 0x1100);
        CHECK_EQ(ATTACH(i + 1, FRAME, 4096), 0x1100);
        test_ram_put(guest->test, TEST_RAM_BASE + FRAME + 4, all[i].bytes, 4);
        CHECK_EQ(TRANSFER(0, 0, 16, 16, 0, i + 1), 0x1100);
        CHECK_EQ(SCANOUT(0, 0, 16, 16, i + 1), 0x1100);
        CHECK_EQ(pixel(1, 0), 0x112233);
    }
    test_context(NULL);
    for (unsigned i = 0; i < 256; i++) {
        bool known = i == 1 || i == 2 || i == 3 || i == 4 || i == 67 || i == 68 || i == 121 || i == 134;
        if (!known)
            CHECK_EQ(CREATE(100, i, 16, 16), 0x1205);
    }
    finish();
}

static void refusals(void)
{
    start_with(GUEST_MMIO, false, MIB);
    CHECK_EQ(CREATE(0, BGRX, 16, 16), 0x1203);
    CHECK_EQ(CREATE(1, BGRX, 0, 16), 0x1205);
    CHECK_EQ(CREATE(1, BGRX, 0xffffffff, 0xffffffff), 0x1205);
    CHECK_EQ(CREATE(1, BGRX, 1024, 1024), 0x1201);
    CHECK_EQ(CREATE(1, BGRX, 256, 256), 0x1100);
    CHECK_EQ(CREATE(1, BGRX, 16, 16), 0x1203);
    CHECK_EQ(CREATE(2, BGRX, 512, 512), 0x1201);
    CHECK_EQ(SCANOUT(0, 0, 256, 256, 9), 0x1203);
    CHECK_EQ(COMMAND(0x103, 0, 0, 16, 16, 1, 1), 0x1202);
    CHECK_EQ(SCANOUT(1, 0, 256, 256, 1), 0x1205);
    CHECK_EQ(SCANOUT(0xffffffff, 0xffffffff, 2, 2, 1), 0x1205);
    CHECK_EQ(SCANOUT(0, 0, 0, 0, 1), 0x1205);
    CHECK_EQ(FLUSH(0, 0, 257, 1, 1), 0x1205);
    CHECK_EQ(FLUSH(0, 0, 1, 1, 2), 0x1203);
    CHECK_EQ(TRANSFER(0, 0, 1, 1, 0, 1), 0x1200);
    CHECK_EQ(COMMAND(0x106, 1, 0), 0x1205);
    CHECK_EQ(COMMAND(0x106, 1, 2, RAM_LOW, 0, 64, 0), 0x1205); /* the list is too short */
    CHECK_EQ(COMMAND(0x106, 1, 1, 0x10, 0, 64, 0), 0x1205);    /* no RAM there */
    CHECK_EQ(COMMAND(0x106, 1, 1, RAM_LOW, 0, 0xffffffff, 0), 0x1205);
    CHECK_EQ(ATTACH(1, FRAME, 4096), 0x1100);
    CHECK_EQ(ATTACH(1, FRAME, 4096), 0x1200);
    CHECK_EQ(TRANSFER(0, 0, 256, 4, 0, 1), 0x1100);
    CHECK_EQ(TRANSFER(0, 0, 256, 4, 4, 1), 0x1205);
    CHECK_EQ(TRANSFER(0, 0, 256, 5, 0, 1), 0x1205);
    CHECK_EQ(TRANSFER(255, 0, 2, 1, 0, 1), 0x1205);
    CHECK_EQ(COMMAND(0x105, 0, 0, 1, 1, 0xfffffffc, 0xffffffff, 1, 0), 0x1205);
    CHECK_EQ(COMMAND(0x101, 5, BGRX, 16), 0x1205); /* cut off */
    static const uint8_t nothing[4] = {1, 1, 0, 0};
    CHECK_EQ(request_on(0, nothing, 4, sizeof(answer)), 0x1200);
    /* Memory is free again, as often as one likes. */
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQ(CREATE(5, BGRX, 256, 512), 0x1100);
        CHECK_EQ(COMMAND(0x102, 5, 0), 0x1100);
    }
    CHECK_EQ(COMMAND(0x102, 5, 0), 0x1203);
    CHECK_EQ(guest_status(guest), 0xf);
    finish();
}

/* Backing in pieces; a frame that is shown from guest memory itself. */
static void scattered_and_blobs(void)
{
    start();
    frame_fill(16 * 16, numbered);
    CHECK_EQ(CREATE(1, BGRX, 16, 16), 0x1100);
    CHECK_EQ(COMMAND(0x106, 1, 3, RAM_LOW + FRAME + 512, 0, 512, 0, RAM_LOW + FRAME, 0, 12, 0,
                     RAM_LOW + FRAME + 12, 0, 500, 0),
             0x1100);
    CHECK_EQ(TRANSFER(0, 0, 16, 16, 0, 1), 0x1100);
    CHECK_EQ(SCANOUT(0, 0, 16, 16, 1), 0x1100);
    CHECK_EQ(pixel(0, 0), 128);
    CHECK_EQ(pixel(3, 8), 3);
    CHECK_EQ(pixel(15, 15), 127);

    /* CREATE_BLOB: id, guest memory, flags, entries, blob id, size, list. */
    CHECK_EQ(COMMAND(0x10c, 2, 1, 0, 1, 0, 0, 1024, 0, RAM_LOW + FRAME, 0, 1020, 0), 0x1205);
    CHECK_EQ(COMMAND(0x10c, 2, 2, 0, 1, 0, 0, 1024, 0, RAM_LOW + FRAME, 0, 1024, 0), 0x1205);
    CHECK_EQ(COMMAND(0x10c, 2, 1, 0, 1, 0, 0, 1024, 0, RAM_LOW + FRAME, 0, 1024, 0), 0x1100);
    CHECK_EQ(SCANOUT(0, 0, 8, 8, 2), 0x1205);
    /* SET_SCANOUT_BLOB: rectangle, scanout, id, width, height, format, padding, strides, offsets. */
    CHECK_EQ(COMMAND(0x10d, 0, 0, 8, 8, 0, 2, 8, 8, BGRX, 0, 64, 0, 0, 0, 576, 0, 0, 0), 0x1205);
    CHECK_EQ(COMMAND(0x10d, 0, 0, 8, 8, 0, 2, 8, 8, BGRX, 0, 28, 0, 0, 0, 0, 0, 0, 0), 0x1205);
    CHECK_EQ(COMMAND(0x10d, 0, 0, 8, 8, 0, 2, 8, 8, BGRX, 0, 64, 0, 0, 0, 512, 0, 0, 0), 0x1100);
    CHECK_EQ(pixel(0, 0), 128);
    CHECK_EQ(pixel(7, 1), 128 + 16 + 7);
    test_store(guest->test, TEST_RAM_BASE + FRAME + 512, 4, 0xabcdef);
    CHECK_EQ(TRANSFER(0, 0, 8, 8, 0, 2), 0x1100); /* there is nothing to do */
    CHECK_EQ(FLUSH(0, 0, 8, 8, 2), 0x1100);
    CHECK_EQ(pixel(0, 0), 0xabcdef);
    CHECK_EQ(SCANOUT(0, 0, 0, 0, 0), 0x1100);
    CHECK_EQ(pixel(0, 0), 0);
    finish();
}

static void saved_and_reset(void)
{
    start_with(GUEST_PCI_MSIX, true, 0);
    frame_fill(16 * 16, numbered);
    CHECK_EQ(CREATE(1, BGRX, 16, 16), 0x1100);
    CHECK_EQ(ATTACH(1, FRAME, 1024), 0x1100);
    CHECK_EQ(TRANSFER(0, 0, 16, 16, 0, 1), 0x1100);
    CHECK_EQ(SCANOUT(4, 0, 8, 8, 1), 0x1100);
    CHECK_EQ(pixel(0, 1), 20);
    test_save_load(guest->test);
    CHECK_EQ(display_surface(display).width, 8);
    CHECK_EQ(CREATE(1, BGRX, 16, 16), 0x1203);
    CHECK_EQ(SCANOUT(0, 0, 16, 16, 1), 0x1100);
    guest_status_set(guest, 0);
    CHECK_EQ(pixel(0, 1), 0);
    guest_start(guest, guest_core_features(true, true) | EDID | BLOB, 2, 16);
    CHECK_EQ(SCANOUT(4, 0, 8, 8, 1), 0x1203);
    finish();
}

/* 5.7.5: a window of another size is an event, and another preferred mode. */
static void hints(void)
{
    start();
    CHECK_EQ(CREATE(1, BGRX, 16, 16), 0x1100);
    CHECK(!display_takes_hints(display));
    CHECK_EQ(SCANOUT(0, 0, 16, 16, 1), 0x1100);
    CHECK(display_takes_hints(display));
    guest_interrupted(guest);
    host_mutex_lock(&guest->test->machine.lock);
    display_hint_set(display, 1000, 700);
    host_mutex_unlock(&guest->test->machine.lock);
    CHECK(guest_interrupted(guest));
    CHECK_EQ(guest_config(guest, 0, 4), 1);
    guest_config_write(guest, 4, 4, 1);
    CHECK_EQ(guest_config(guest, 0, 4), 0);
    CHECK_EQ(COMMAND(0x100, 0), 0x1101);
    CHECK_EQ(le32_load(answer + 24 + 8), 1000);
    CHECK_EQ(le32_load(answer + 24 + 12), 700);
    CHECK_EQ(COMMAND(0x10a, 0, 0), 0x1104);
    CHECK_EQ(answer[32 + 56] | (answer[32 + 58] & 0xf0) << 4, 1000);
    CHECK_EQ(SCANOUT(0, 0, 16, 16, 0), 0x1100);
    CHECK(!display_takes_hints(display));
    finish();
}

/* What a cursor can be; drivers give its commands no room for an answer. */
static void cursor(void)
{
    start();
    CHECK_EQ(CREATE(3, 1, 64, 64), 0x1100);
    CHECK_EQ(CREATE(4, 1, 64, 32), 0x1100);
    CHECK_EQ(ATTACH(3, FRAME, 64 * 64 * 4), 0x1100);
    frame_fill(64 * 64, numbered);
    CHECK_EQ(TRANSFER(0, 0, 64, 64, 0, 3), 0x1100);
    CHECK_EQ(SCANOUT(0, 0, 64, 32, 4), 0x1100);
    CHECK_EQ(display_cursor(display).width, 0);
    CHECK_EQ(COMMAND(0x300, 0, 10, 20, 0, 3, 5, 6, 0), 0x1100);
    struct display_cursor shown = display_cursor(display);
    CHECK_EQ(shown.width, 64);
    CHECK_EQ(shown.hot_y, 6);
    CHECK_EQ(shown.x, 10);
    CHECK_EQ(shown.pixels[77], 0x01000000 | 77);
    CHECK_EQ(COMMAND(0x300, 0, 10, 20, 0, 4, 5, 6, 0), 0x1205);
    CHECK_EQ(COMMAND(0x300, 0, 10, 20, 0, 3, 64, 6, 0), 0x1205);
    CHECK_EQ(COMMAND(0x300, 1, 10, 20, 0, 3, 5, 6, 0), 0x1202);
    CHECK_EQ(COMMAND(0x300, 0, 10, 20, 0, 9, 5, 6, 0), 0x1203);
    CHECK_EQ(COMMAND(0x301, 0, 11, 0xffffffff, 0, 0, 0, 0, 0), 0x1100);
    CHECK_EQ(display_cursor(display).x, 11);
    CHECK_EQ(display_cursor(display).y, -1);
    CHECK_EQ(COMMAND(0x300, 0, 0, 0, 0, 0, 0, 0, 0), 0x1100);
    CHECK_EQ(display_cursor(display).width, 0);
    /* From a blob, whose bytes are the guest's: blue, green, red, alpha. */
    CHECK_EQ(COMMAND(0x10c, 5, 1, 0, 1, 0, 0, 64 * 64 * 4, 0, RAM_LOW + FRAME, 0, 64 * 64 * 4, 0), 0x1100);
    CHECK_EQ(COMMAND(0x10c, 6, 1, 0, 1, 0, 0, 64 * 64 * 4 - 4, 0, RAM_LOW + FRAME, 0, 64 * 64 * 4, 0),
             0x1100);
    test_store(guest->test, TEST_RAM_BASE + FRAME + 4 * 77, 4, 0x80123456);
    CHECK_EQ(COMMAND(0x300, 0, 12, 20, 0, 5, 1, 1, 0), 0x1100);
    shown = display_cursor(display);
    CHECK_EQ(shown.x, 12);
    CHECK_EQ(shown.pixels[77], 0x80123456);
    CHECK_EQ(shown.pixels[78], 0x01000000 | 78);
    CHECK_EQ(COMMAND(0x300, 0, 12, 20, 0, 6, 1, 1, 0), 0x1205);
    CHECK_EQ(COMMAND(0x300, 0, 0, 0, 0, 0, 0, 0, 0), 0x1100);
    uint8_t move[40] = {0x01, 0x03};
    CHECK_EQ(request_on(1, move, sizeof(move), 0), 0);
    finish();
}

/* Resident memory of this process in pages. */
static unsigned long resident(void)
{
    unsigned long total, pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%lu %lu", &total, &pages) != 2)
        pages = 0;
    if (statm)
        fclose(statm);
    return pages;
}

#define WIDTH  1280u
#define HEIGHT 800u
#define FRAMES 4u /* under way at the same time */

/* Whole frames, one after the other, some at a time. The notification itself does nothing of the work. */
static void frames_send(unsigned count)
{
    uint64_t at = TEST_RAM_BASE + 0x80000;
    uint16_t id;
    uint32_t len;
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = 0; k < FRAMES; k++) {
            struct guest_buffer transfer[] = {{at, 56, false}, {at + 4096, 24, true}};
            struct guest_buffer flush[] = {{at + 64, 48, false}, {at + 4096, 24, true}};
            guest_add(guest, 0, transfer, 2, false);
            guest_add(guest, 0, flush, 2, false);
        }
        guest_kick(guest, 0);
        CHECK(!guest_used(guest, 0, &id, &len));
        for (unsigned k = 0; k < 2 * FRAMES; k++)
            CHECK(guest_used_wait(guest, 0, &id, &len));
    }
}

/* Frames as fast as they go: no vCPU waits for one to be copied, nothing piles up, and who looks sees the
 * last.
 */
static void storm(void)
{
    const uint32_t words[][8] = {{0, 0, WIDTH, HEIGHT, 0, 0, 1, 0}, {0, 0, WIDTH, HEIGHT, 1, 0}};
    uint8_t requests[128] = {0};
    start();
    CHECK_EQ(CREATE(1, BGRX, WIDTH, HEIGHT), 0x1100);
    CHECK_EQ(ATTACH(1, FRAME, WIDTH * HEIGHT * 4), 0x1100);
    CHECK_EQ(SCANOUT(0, 0, WIDTH, HEIGHT, 1), 0x1100);
    le32_store(requests, 0x105);
    le32_store(requests + 64, 0x104);
    for (unsigned i = 0; i < 8; i++) {
        le32_store(requests + 24 + 4 * i, words[0][i]);
        if (i < 6)
            le32_store(requests + 64 + 24 + 4 * i, words[1][i]);
    }
    test_ram_put(guest->test, TEST_RAM_BASE + 0x80000, requests, sizeof(requests));
    frames_send(2);
    pixel(0, 0);
    unsigned long before = resident();
    for (uint32_t i = 1; i <= 10; i++) {
        test_store(guest->test, TEST_RAM_BASE + FRAME + 4 * 999, 4, i);
        frames_send(4);
        CHECK_EQ(pixel(999, 0), i);
    }
    CHECK(resident() < before + 1024);
    finish();
}

static const struct test_case cases[] = {
    {"information", information},
    {"picture", picture},
    {"formats", formats},
    {"refusals", refusals},
    {"scattered_and_blobs", scattered_and_blobs},
    {"saved_and_reset", saved_and_reset},
    {"hints", hints},
    {"cursor", cursor},
    {"storm", storm},
};
TEST_SUITE(virtio_gpu_test, "unit", cases);
