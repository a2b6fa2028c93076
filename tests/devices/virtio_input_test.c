/* Keyboard, mouse and tablet through their queues (Virtual I/O Device 1.2, 5.8); codes are Linux's. */
#include "devices/virtio/virtio_input.h"

#include <string.h>

#include "base/bits.h"
#include "tests/devices/virtio_support.h"

static struct guest *guest;
static struct input *input;
static uint64_t event_buffers[16]; /* by the chain's id */

static void start(enum guest_transport transport, bool packed, enum virtio_input_kind kind)
{
    guest = guest_create(transport);
    input = input_create();
    guest_attach(guest, virtio_input_create(&guest->test->machine,
                                            &(struct virtio_input_config){"input0", kind, input}));
    guest_start(guest, guest_core_features(packed, true), 2, 16);
}

static void finish(void)
{
    guest_destroy(guest);
    input_destroy(input);
}

static void buffers_add(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct guest_buffer buffer = {guest_alloc(guest, 8), 8, true};
        event_buffers[guest_add(guest, 0, &buffer, 1, false)] = buffer.address;
    }
    guest_kick(guest, 0);
}

/* The next event has come, in the order of the buffers. */
static void event_expect(unsigned type, unsigned code, uint32_t value)
{
    uint16_t id;
    uint32_t len;
    if (!CHECK(guest_used(guest, 0, &id, &len)))
        return;
    uint64_t at = event_buffers[id % ARRAY_LEN(event_buffers)];
    CHECK_EQ(len, 8);
    CHECK_EQ(test_load(guest->test, at, 2), type);
    CHECK_EQ(test_load(guest->test, at + 2, 2), code);
    CHECK_EQ(test_load(guest->test, at + 4, 4), value);
}

static void nothing_expect(void)
{
    uint16_t id;
    uint32_t len;
    CHECK(!guest_used(guest, 0, &id, &len));
}

static unsigned selected(unsigned select, unsigned subsel)
{
    guest_config_write(guest, 0, 1, select);
    guest_config_write(guest, 1, 1, subsel);
    return (unsigned)guest_config(guest, 2, 1);
}

static bool has_bit(unsigned bit)
{
    return guest_config(guest, 8 + bit / 8, 1) >> bit % 8 & 1;
}

static void keyboard_describes_itself(void)
{
    start(GUEST_PCI_MSIX, false, VIRTIO_INPUT_KEYBOARD);
    char name[129] = "";
    unsigned len = selected(1, 0);
    for (unsigned i = 0; i < len; i++)
        name[i] = (char)guest_config(guest, 8 + i, 1);
    CHECK(strstr(name, "keyboard"));
    CHECK_EQ(selected(2, 0), 6); /* the serial: its name */
    CHECK_EQ(selected(3, 0), 8);
    CHECK_EQ(guest_config(guest, 8, 2), 6); /* BUS_VIRTUAL */
    CHECK(selected(0x11, 1) >= 16);
    CHECK(has_bit(1) && has_bit(30) && has_bit(127) && !has_bit(0));
    CHECK_EQ(selected(0x11, 0x11), 1);
    CHECK_EQ(guest_config(guest, 8, 1), 7); /* three lights */
    CHECK(selected(0x11, 0x14) > 0);
    CHECK_EQ(selected(0x11, 2), 0);
    CHECK_EQ(selected(0x11, 3), 0);
    CHECK_EQ(selected(0x10, 0), 0);
    CHECK_EQ(selected(0x12, 0), 0);
    CHECK_EQ(selected(0x77, 0), 0);
    CHECK_EQ(selected(1, 1), 0);
    CHECK_EQ(selected(0, 0), 0);
    finish();
}

static void pointers_describe_themselves(void)
{
    start(GUEST_MMIO, false, VIRTIO_INPUT_TABLET);
    CHECK_EQ(selected(0x11, 3), 1);
    CHECK_EQ(guest_config(guest, 8, 1), 3);
    CHECK_EQ(selected(0x12, 0), 20);
    CHECK_EQ(guest_config(guest, 8, 4), 0);
    CHECK_EQ(guest_config(guest, 12, 4), 0x7fff);
    CHECK_EQ(selected(0x12, 1), 20);
    CHECK_EQ(selected(0x12, 2), 0);
    CHECK_EQ(selected(0x11, 1), 0x114 / 8 + 1);
    CHECK(has_bit(0x110) && has_bit(0x111) && has_bit(0x112) && !has_bit(30));
    CHECK_EQ(selected(0x11, 2), 2);
    CHECK(has_bit(8) && !has_bit(0));
    finish();
    start(GUEST_MMIO, false, VIRTIO_INPUT_MOUSE);
    CHECK_EQ(selected(0x11, 2), 2);
    CHECK(has_bit(0) && has_bit(1) && has_bit(8));
    CHECK_EQ(selected(0x11, 3), 0);
    finish();
}

static void keys(void)
{
    for (unsigned kind = 0; kind < 2 * GUEST_TRANSPORTS; kind++) {
        start((enum guest_transport)(kind / 2), kind & 1, VIRTIO_INPUT_KEYBOARD);
        buffers_add(8);
        input_key(input, 30, true);
        input_button(input, INPUT_BUTTON_LEFT, true); /* nobody's */
        nothing_expect();
        input_sync(input);
        input_key(input, 30, false);
        input_sync(input);
        event_expect(1, 30, 1);
        event_expect(0, 0, 0);
        event_expect(1, 30, 0);
        event_expect(0, 0, 0);
        nothing_expect();
        CHECK(guest_interrupted(guest));
        finish();
    }
}

static void pointers(void)
{
    start(GUEST_MMIO, false, VIRTIO_INPUT_TABLET);
    CHECK(input_takes_absolute(input));
    buffers_add(12);
    input_absolute(input, 100, 99999);
    input_button(input, INPUT_BUTTON_RIGHT, true);
    input_relative(input, 5, 6);
    input_wheel(input, 2, -3);
    input_sync(input);
    event_expect(3, 0, 100);
    event_expect(3, 1, 0x7fff);
    event_expect(1, 0x111, 1);
    event_expect(2, 8, (uint32_t)-2);
    event_expect(2, 6, (uint32_t)-3);
    event_expect(0, 0, 0);
    guest_status_set(guest, 0);
    CHECK(!input_takes_absolute(input));
    finish();
    start(GUEST_MMIO, true, VIRTIO_INPUT_MOUSE);
    CHECK(!input_takes_absolute(input));
    buffers_add(12);
    input_relative(input, -3, 4);
    input_sync(input);
    event_expect(2, 0, (uint32_t)-3);
    event_expect(2, 1, 4);
    event_expect(0, 0, 0);
    nothing_expect();
    finish();
}

/* Packets wait as a whole for buffers; what comes after too many is lost, and never half of a packet. */
static void back_pressure(void)
{
    for (unsigned packed = 0; packed < 2; packed++) {
        start(GUEST_MMIO, packed, VIRTIO_INPUT_TABLET);
        buffers_add(2);
        input_absolute(input, 1, 2);
        input_sync(input);
        nothing_expect(); /* it takes three */
        test_save_load(guest->test);
        buffers_add(1);
        event_expect(3, 0, 1);
        event_expect(3, 1, 2);
        event_expect(0, 0, 0);
        for (unsigned i = 0; i < 1000; i++) {
            input_absolute(input, i, i);
            input_sync(input);
        }
        for (unsigned round = 0; round < 100; round++) {
            buffers_add(15);
            for (unsigned i = 0; i < 5; i++) {
                unsigned at = 5 * round + i;
                uint16_t used;
                uint32_t len;
                if (at >= 85) { /* 85 packets of three events fit into 256 */
                    CHECK(!guest_used(guest, 0, &used, &len));
                    break;
                }
                event_expect(3, 0, at);
                event_expect(3, 1, at);
                event_expect(0, 0, 0);
            }
            if (5 * round >= 85)
                break;
        }
        finish();
    }
}

static void too_much_at_once(void)
{
    start(GUEST_MMIO, false, VIRTIO_INPUT_KEYBOARD);
    buffers_add(14);
    for (unsigned i = 1; i < 40; i++)
        input_key(input, i, true);
    input_sync(input);
    nothing_expect();
    input_key(input, 30, true);
    input_sync(input);
    event_expect(1, 30, 1);
    event_expect(0, 0, 0);
    finish();
}

static void lights(void)
{
    static const uint8_t on[8] = {0x11, 0, 1, 0, 1, 0, 0, 0}, wild[8] = {0x11, 0, 0xff, 0xff, 1, 0, 0, 0};
    start(GUEST_MMIO, false, VIRTIO_INPUT_KEYBOARD);
    uint16_t id;
    uint32_t len;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t at = guest_alloc(guest, 8);
        test_ram_put(guest->test, at, i ? wild : on, 8);
        guest_add(guest, 1, &(struct guest_buffer){at, 8, false}, 1, false);
        guest_kick(guest, 1);
        CHECK(guest_used(guest, 1, &id, &len));
    }
    finish();
}

static const struct test_case cases[] = {
    {"keyboard_describes_itself", keyboard_describes_itself},
    {"pointers_describe_themselves", pointers_describe_themselves},
    {"keys", keys},
    {"pointers", pointers},
    {"back_pressure", back_pressure},
    {"too_much_at_once", too_much_at_once},
    {"lights", lights},
};
TEST_SUITE(virtio_input_test, "unit", cases);
