/* The virtio console and the entropy device (Virtual I/O Device 1.2, 5.3 and 5.4). */
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/virtio_console.h"
#include "devices/virtio/virtio_mmio.h"
#include "devices/virtio/virtio_rng.h"
#include "tests/devices/virtio_support.h"

static struct guest *guest;
static struct virtio_device *device;
static struct char_port *port;

static void set_up(enum guest_transport transport, bool packed)
{
    guest = guest_create(transport);
    port = char_memory_create();
    device = virtio_console_create(&guest->test->machine, &(struct virtio_console_config){
                                                              .name = "console0",
                                                              .port = port,
                                                              .columns = 80,
                                                              .rows = 25,
                                                          });
    guest_attach(guest, device);
    guest_start(guest, guest_core_features(packed, true) | 1 | 4, 2, 16);
}

static void output_add(const char *text)
{
    uint64_t at = guest_alloc(guest, strlen(text));
    test_ram_put(guest->test, at, text, strlen(text));
    guest_add(guest, 1, &(struct guest_buffer){at, (uint32_t)strlen(text), false}, 1, false);
    guest_kick(guest, 1);
}

static void output_expect(const char *text)
{
    size_t len;
    const uint8_t *output = char_memory_output(port, &len);
    if (CHECK_EQ(len, strlen(text)))
        CHECK_MEM(output, text, len);
}

static void both_ways(void)
{
    for (unsigned kind = 0; kind < GUEST_TRANSPORTS * 2; kind++) {
        set_up((enum guest_transport)(kind / 2), kind & 1);
        test_context("transport %u, packed %u", kind / 2, kind & 1);
        uint16_t id;
        uint32_t len;
        output_add("hello, ");
        output_add("world");
        output_expect("hello, world");
        CHECK(guest_used(guest, 1, &id, &len) && guest_used(guest, 1, &id, &len));
        /* Input waits for buffers, and fills them one after the other. */
        host_mutex_lock(&guest->test->machine.lock);
        char_memory_input(port, "abcdefgh", 8);
        host_mutex_unlock(&guest->test->machine.lock);
        uint64_t at = guest_alloc(guest, 16);
        const struct guest_buffer first = {at, 5, true}, second = {at + 8, 5, true};
        guest_add(guest, 0, &first, 1, false);
        guest_add(guest, 0, &second, 1, false);
        guest_kick(guest, 0);
        CHECK(guest_used(guest, 0, &id, &len));
        CHECK_EQ(len, 5);
        CHECK(guest_used(guest, 0, &id, &len));
        CHECK_EQ(len, 3);
        char bytes[16];
        test_ram_get(guest->test, at, bytes, 16);
        CHECK_MEM(bytes, "abcde", 5);
        CHECK_MEM(bytes + 8, "fgh", 3);
        CHECK(guest_interrupted(guest));
        guest_destroy(guest);
    }
    test_context(NULL);
}

/* The far end takes only some bytes: the rest follows when it has room, and a save in between loses nothing.
 */
static void slow_far_end(void)
{
    for (unsigned packed = 0; packed < 2; packed++) {
        set_up(GUEST_MMIO, packed);
        uint16_t id;
        uint32_t len;
        host_mutex_lock(&guest->test->machine.lock);
        char_memory_room_set(port, 3);
        host_mutex_unlock(&guest->test->machine.lock);
        output_add("abcdef");
        output_add("gh");
        output_expect("abc");
        CHECK(!guest_used(guest, 1, &id, &len));
        test_save_load(guest->test);
        host_mutex_lock(&guest->test->machine.lock);
        char_memory_room_set(port, 100);
        host_mutex_unlock(&guest->test->machine.lock);
        output_expect("abcdefgh");
        CHECK(guest_used(guest, 1, &id, &len) && guest_used(guest, 1, &id, &len));
        guest_destroy(guest);
    }
}

static void size_and_emergency_write(void)
{
    set_up(GUEST_MMIO, false);
    CHECK_EQ(guest_config(guest, 0, 2), 80);
    CHECK_EQ(guest_config(guest, 2, 2), 25);
    host_mutex_lock(&guest->test->machine.lock);
    virtio_console_resize(device, 132, 43);
    host_mutex_unlock(&guest->test->machine.lock);
    CHECK_EQ(guest_config(guest, 0, 2), 132);
    CHECK_EQ(guest_config(guest, 2, 2), 43);
    CHECK(guest_interrupted(guest));
    guest_status_set(guest, 0);
    guest_config_write(guest, 8, 4, '!');
    output_expect("!");
    guest_destroy(guest);
}

static void entropy(void)
{
    for (unsigned transport = 0; transport < GUEST_TRANSPORTS; transport++) {
        guest = guest_create((enum guest_transport)transport);
        guest_attach(guest, virtio_rng_create(&guest->test->machine, "rng0"));
        guest_start(guest, guest_core_features(true, true), 1, 16);
        uint64_t at = guest_alloc(guest, 64);
        uint8_t bytes[64] = {0}, zeroes[64] = {0};
        guest_add(guest, 0, &(struct guest_buffer){at, 64, true}, 1, false);
        guest_kick(guest, 0);
        uint16_t id;
        uint32_t len;
        CHECK(guest_used(guest, 0, &id, &len));
        CHECK_EQ(len, 64);
        test_ram_get(guest->test, at, bytes, 64);
        CHECK(memcmp(bytes, zeroes, 16) != 0 && memcmp(bytes, bytes + 32, 32) != 0);
        guest_destroy(guest);
    }
}

/* A slot with nothing in it (4.2.2.2), and accesses a driver has to avoid. */
static void empty_slot(void)
{
    struct test_machine *test = test_machine_create(MIB);
    struct error err = {0};
    const struct virtio_mmio_config config = {.name = "slot", .base = gpa(0x10001000)};
    CHECK(virtio_mmio_create(&test->machine, &config, &err) != NULL);
    CHECK_EQ(test_load(test, 0x10001000, 4), 0x74726976);
    CHECK_EQ(test_load(test, 0x10001004, 4), 2);
    CHECK_EQ(test_load(test, 0x10001008, 4), 0);
    for (unsigned offset = 0x10; offset < 0x200; offset += 4) {
        CHECK_EQ(test_load(test, 0x10001000 + offset, 4), 0);
        test_store(test, 0x10001000 + offset, 4, ~0u);
    }
    CHECK(virtio_mmio_create(&test->machine, &config, &err) == NULL);
    test_machine_destroy(test);
}

static void odd_register_accesses(void)
{
    for (unsigned transport = 0; transport < GUEST_TRANSPORTS; transport++) {
        set_up((enum guest_transport)transport, false);
        unsigned end = transport == GUEST_MMIO ? 0x200 : 0x4000;
        for (unsigned offset = 0; offset < end; offset += transport == GUEST_MMIO ? 1 : 7) {
            for (unsigned width = 1; width <= 8; width *= 2) {
                if (offset + width > end)
                    continue;
                test_load(guest->test, guest->registers + offset, width);
                test_store(guest->test, guest->registers + offset, width, test_random());
            }
        }
        guest_destroy(guest);
    }
}

static const struct test_case cases[] = {
    {"both_ways", both_ways},
    {"slow_far_end", slow_far_end},
    {"size_and_emergency_write", size_and_emergency_write},
    {"entropy", entropy},
    {"empty_slot", empty_slot},
    {"odd_register_accesses", odd_register_accesses},
};
TEST_SUITE(virtio_console_test, "unit", cases);
