/*
 * Commands of a graphics adapter with numbers that are mostly near what is right, and pictures drawn in
 * between, while the window and a reset come at any time: the process lives and the device goes on.
 */
#include <string.h>

#include "base/bits.h"
#include "devices/virtio/virtio_gpu.h"
#include "tests/devices/virtio_support.h"

#define ROUNDS   30
#define COMMANDS 300
#define AT       (TEST_RAM_BASE + 0x80000)

static struct guest *guest;
static struct display *display;

/* A number that may lie at an edge. */
static uint32_t number(uint32_t about)
{
    switch (test_random() % 12) {
    case 0: return (uint32_t)test_random();
    case 1: return 0xffffffff - (uint32_t)test_random() % 4;
    case 2: return 0;
    case 3: return about + 1;
    case 4: return about;
    default: return about ? (uint32_t)test_random() % about : 0;
    }
}

static uint32_t resource(void)
{
    return number(6);
}

static uint32_t format(void)
{
    static const uint32_t known[] = {1, 2, 3, 4, 67, 68, 121, 134};
    return test_random() % 16 ? known[test_random() % ARRAY_LEN(known)] : number(200);
}

static unsigned rectangle(uint32_t *words)
{
    bool right = test_random() % 2;
    words[0] = right ? 0 : number(64);
    words[1] = right ? 0 : number(64);
    words[2] = right ? 64 : number(64);
    words[3] = right ? 64 : number(64);
    return 4;
}

static unsigned entries(uint32_t *words)
{
    unsigned count = 1 + (unsigned)test_random() % 3;
    for (unsigned i = 0; i < count; i++, words += 4) {
        words[0] = (uint32_t)(test_random() % 16 ? TEST_RAM_BASE + test_random() % (2 * MIB) : test_random());
        words[1] = test_random() % 32 ? 0 : number(2);
        words[2] = test_random() % 4 ? 64 * 64 * 4 : number(100000);
        words[3] = 0;
    }
    return count;
}

/* The words after a command's header. */
static unsigned command_make(uint32_t type, uint32_t *words)
{
    unsigned at;
    switch (type) {
    case 0x101:
        words[0] = resource(), words[1] = format(), words[2] = words[3] = test_random() % 2 ? 64 : number(64);
        return 4;
    case 0x103:
        at = rectangle(words), words[at] = test_random() % 16 ? 0 : number(2), words[at + 1] = resource();
        return 6;
    case 0x104: at = rectangle(words), words[at] = resource(); return 6;
    case 0x105:
        at = rectangle(words), words[at] = number(4096), words[at + 1] = test_random() % 16 ? 0 : number(1),
        words[at + 2] = resource();
        return 8;
    case 0x106:
        words[0] = resource(), words[1] = entries(words + 2) + (test_random() % 16 == 0);
        return 2 + 4 * words[1];
    case 0x10c:
        words[0] = resource(), words[1] = test_random() % 16 ? 1 : number(4), words[2] = number(2);
        words[3] = entries(words + 8), words[6] = test_random() % 2 ? 64 * 64 * 4 : number(100000),
        words[7] = test_random() % 16 ? 0 : number(2);
        return 8 + 4 * words[3];
    case 0x10d:
        at = rectangle(words), words[4] = 0, words[5] = resource(), words[6] = number(65),
        words[7] = number(65), words[8] = format();
        words[10] = test_random() % 2 ? 256 : number(300), words[14] = number(3000);
        return 18;
    case 0x300:
        words[0] = test_random() % 16 ? 0 : number(1), words[1] = number(100), words[2] = number(100),
        words[4] = resource(), words[5] = number(64), words[6] = number(64);
        return 8;
    default: words[0] = resource(), words[1] = number(2), words[2] = number(2); return 8;
    }
}

static void command_send(void)
{
    static const uint16_t types[] = {0x100, 0x101, 0x101, 0x101, 0x102, 0x103, 0x103, 0x104,
                                     0x104, 0x105, 0x105, 0x106, 0x106, 0x107, 0x108, 0x109,
                                     0x10a, 0x10b, 0x10c, 0x10d, 0x10d, 0x300, 0x300, 0x301};
    uint32_t type = test_random() % 64 ? types[test_random() % ARRAY_LEN(types)] : (uint32_t)test_random();
    uint32_t words[64] = {0};
    uint8_t bytes[24 + sizeof(words)] = {0};
    unsigned count = command_make(type, words);
    if (count > ARRAY_LEN(words) || test_random() % 32 == 0)
        count = (unsigned)test_random() % ARRAY_LEN(words);
    le32_store(bytes, type);
    bytes[4] = test_random() & 1;
    for (unsigned i = 0; i < count; i++)
        le32_store(bytes + 24 + 4 * i, words[i]);
    test_ram_put(guest->test, AT, bytes, sizeof(bytes));
    struct guest_buffer buffers[] = {{AT, 24 + 4 * count, false},
                                     {AT + 4096, test_random() % 32 ? 2048 : 4, true}};
    uint16_t id;
    uint32_t len;
    unsigned queue = type >= 0x300 && type < 0x400;
    guest_add(guest, queue, buffers, 2, false);
    guest_kick(guest, queue);
    CHECK(guest_used_wait(guest, queue, &id, &len));
}

static void outside(void)
{
    host_mutex_lock(&guest->test->machine.lock);
    if (test_random() % 4 == 0)
        display_hint_set(display, (unsigned)test_random(), (unsigned)test_random());
    struct display_surface surface = display_refresh(display);
    CHECK(surface.width <= DISPLAY_SIDE_MAX && surface.height <= DISPLAY_SIDE_MAX);
    host_mutex_unlock(&guest->test->machine.lock);
}

static void commands(void)
{
    enum log_level level = log_level_get();
    log_level_set(LOG_QUIET);
    guest = guest_create(GUEST_MMIO);
    display = display_create();
    guest_attach(guest, virtio_gpu_create(&guest->test->machine,
                                          &(struct virtio_gpu_config){
                                              .name = "gpu0", .display = display, .memory = 256 * KIB},
                                          NULL));
    unsigned shown = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        guest->heap = TEST_RAM_BASE + 0x1000;
        guest_start(guest, guest_core_features(i & 1, true) | 2 | 8, 2, 16);
        for (unsigned k = 0; k < COMMANDS; k++) {
            command_send();
            shown += display_takes_hints(display);
            if (k % 8 == 0)
                outside();
            if (k % 100 == 50)
                test_save_load(guest->test);
        }
        CHECK_EQ(guest_status(guest), 0xf);
    }
    CHECK(shown > ROUNDS * COMMANDS / 20); /* or little of it was tried */
    guest_destroy(guest);
    display_destroy(display);
    log_level_set(level);
}

static const struct test_case cases[] = {{"commands", commands}};
TEST_SUITE(virtio_gpu_fuzz_test, "fuzz", cases);
