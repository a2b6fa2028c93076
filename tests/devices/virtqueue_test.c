/* Rings of both formats: what a driver may do, and every way to do it wrong. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tests/devices/virtio_support.h"

#define QUEUE_SIZE 16u

/* A device that answers every chain with its bytes in reverse, or keeps chains for the test to finish. */
struct echo {
    struct virtio_device device;
    bool hold;
    struct virtqueue_chain *held[QUEUE_SIZE];
    unsigned held_count;
    unsigned notified;
};

static void echo_finish(struct virtqueue_chain *chain)
{
    uint8_t bytes[65536], reverse[65536];
    size_t len = virtqueue_chain_read(chain, 0, bytes, sizeof(bytes));
    for (size_t i = 0; i < len; i++)
        reverse[i] = bytes[len - 1 - i];
    virtqueue_push(chain, (uint32_t)virtqueue_chain_write(chain, 0, reverse, len));
}

static void echo_notify(struct virtio_device *device, struct virtqueue *queue)
{
    struct echo *echo = container_of(device, struct echo, device);
    struct virtqueue_chain *chain;
    echo->notified++;
    while ((chain = virtqueue_pop(queue))) {
        if (echo->hold)
            echo->held[echo->held_count++] = chain;
        else
            echo_finish(chain);
    }
    virtqueue_notify(queue);
}

static void echo_quiesce(struct virtio_device *device)
{
    struct echo *echo = container_of(device, struct echo, device);
    while (echo->held_count)
        virtqueue_drop(echo->held[--echo->held_count]);
}

static void echo_destroy(struct virtio_device *device)
{
    echo_quiesce(device);
    free(container_of(device, struct echo, device));
}

static const struct virtio_class echo_class = {
    .name = "echo",
    .type = VIRTIO_TYPE_ENTROPY,
    .quiesce = echo_quiesce,
    .notify = echo_notify,
    .destroy = echo_destroy,
};

static struct echo *echo;
static struct guest *guest;

static void set_up(enum guest_transport transport, bool packed, bool event_idx)
{
    test_context("transport %d, %s ring, event index %s", transport, packed ? "packed" : "split",
                 event_idx ? "on" : "off");
    guest = guest_create(transport);
    echo = machine_alloc(sizeof(*echo));
    virtio_device_init(&echo->device, &guest->test->machine, "echo0", &echo_class, 0);
    virtio_queue_add(&echo->device, QUEUE_SIZE);
    guest_attach(guest, &echo->device);
    guest_start(guest, guest_core_features(packed, event_idx), 1, QUEUE_SIZE);
}

static void tear_down(void)
{
    guest_destroy(guest);
    test_context(NULL);
}

/* Send `text` in `pieces` buffers and expect it back in reverse in as many. */
static uint16_t text_add(const char *text, unsigned pieces, bool indirect, uint64_t *answer)
{
    struct guest_buffer buffers[16];
    uint32_t len = (uint32_t)strlen(text), piece = (len + pieces - 1) / pieces;
    uint64_t at = guest_alloc(guest, len);
    *answer = guest_alloc(guest, len);
    test_ram_put(guest->test, at, text, len);
    for (unsigned i = 0; i < pieces; i++) {
        uint32_t size = i + 1 < pieces ? piece : len - i * piece;
        buffers[i] = (struct guest_buffer){at + i * piece, size, false};
        buffers[pieces + i] = (struct guest_buffer){*answer + i * piece, size, true};
    }
    return guest_add(guest, 0, buffers, 2 * pieces, indirect);
}

static void text_expect(const char *text, uint16_t id, uint64_t answer)
{
    uint16_t got;
    uint32_t len, size = (uint32_t)strlen(text);
    char bytes[256];
    if (!CHECK(guest_used(guest, 0, &got, &len)))
        return;
    CHECK_EQ(got, id);
    CHECK_EQ(len, size);
    test_ram_get(guest->test, answer, bytes, size);
    for (uint32_t i = 0; i < size; i++)
        CHECK_EQ(bytes[i], text[size - 1 - i]);
}

static void round_trips(void)
{
    for (unsigned kind = 0; kind < GUEST_TRANSPORTS * 4; kind++) {
        set_up((enum guest_transport)(kind / 4), kind & 1, kind & 2);
        for (unsigned round = 0; round < 40; round++) {
            uint64_t answer;
            uint16_t id = text_add("the quick brown fox", 1 + round % 4, round % 3 == 0, &answer);
            guest_kick(guest, 0);
            text_expect("the quick brown fox", id, answer);
            /* An area of zeroes means: always; but with a split ring and event indices, the first one only.
             */
            bool asked = !(kind & 2) || kind & 1 || round == 0;
            CHECK_EQ(guest_interrupted(guest), asked);
        }
        CHECK_EQ(guest_status(guest), 0xf);
        tear_down();
    }
}

/* Chains given back in another order than they came. */
static void out_of_order(void)
{
    for (unsigned packed = 0; packed < 2; packed++) {
        set_up(GUEST_MMIO, packed, false);
        echo->hold = true;
        for (unsigned round = 0; round < 20; round++) {
            uint64_t answers[3];
            uint16_t ids[3];
            for (unsigned i = 0; i < 3; i++)
                ids[i] = text_add("abcdef", 1 + i % 2, false, &answers[i]);
            guest_kick(guest, 0);
            CHECK_EQ(echo->held_count, 3);
            static const unsigned order[] = {2, 0, 1};
            for (unsigned i = 0; i < 3; i++)
                echo_finish(echo->held[order[i]]);
            echo->held_count = 0;
            for (unsigned i = 0; i < 3; i++)
                text_expect("abcdef", ids[order[i]], answers[order[i]]);
        }
        CHECK_EQ(guest_status(guest), 0xf);
        tear_down();
    }
}

/* What was popped and put back is popped again. */
static void unpop(void)
{
    for (unsigned packed = 0; packed < 2; packed++) {
        set_up(GUEST_MMIO, packed, true);
        struct virtqueue *queue = &echo->device.queues[0];
        echo->hold = true;
        for (unsigned round = 0; round < 20; round++) {
            uint64_t answer;
            uint16_t id = text_add("xyz", 1, false, &answer);
            guest_kick(guest, 0);
            if (!CHECK_EQ(echo->held_count, 1))
                break;
            virtqueue_unpop(echo->held[0]);
            CHECK_EQ(queue->in_flight, 0);
            struct virtqueue_chain *again = virtqueue_pop(queue);
            if (!CHECK(again != NULL))
                break;
            CHECK_EQ(again->id, id);
            echo_finish(again);
            echo->held_count = 0;
            text_expect("xyz", id, answer);
        }
        tear_down();
    }
}

/* --- notifications --- */

/* The driver asks for an interrupt after two more, and gets one then and not before. */
static void interrupt_suppression(void)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        bool packed = kind & 1, event_idx = kind & 2;
        set_up(GUEST_MMIO, packed, event_idx);
        struct guest_queue *queue = &guest->queues[0];
        for (unsigned round = 0; round < 30; round++) {
            uint64_t answer;
            uint16_t id;
            uint32_t len;
            uint64_t event = packed ? queue->driver : queue->driver + 4 + 2 * QUEUE_SIZE;
            /* 2.7.7, 2.8.10: the entry after the next one. */
            unsigned place = packed ? queue->used + 2u : queue->used + 1u;
            unsigned wrap = queue->used_wrap ^ (packed && place >= QUEUE_SIZE);
            if (event_idx)
                test_store(guest->test, event, 2, packed ? place % QUEUE_SIZE | wrap << 15 : place);
            if (packed)
                test_store(guest->test, queue->driver + 2, 2, event_idx ? 2 : 1);
            else if (!event_idx)
                test_store(guest->test, queue->driver, 2, 1);
            for (unsigned i = 0; i < 2; i++) {
                text_add("ab", 1, false, &answer);
                guest_kick(guest, 0);
                CHECK(guest_used(guest, 0, &id, &len));
                CHECK_EQ(guest_interrupted(guest), event_idx && i == 1);
            }
        }
        tear_down();
    }
}

/* What the device tells the driver about notifying it: off while it works, and where to begin again. */
static void notification_suppression(void)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        bool packed = kind & 1, event_idx = kind & 2;
        set_up(GUEST_MMIO, packed, event_idx);
        struct guest_queue *queue = &guest->queues[0];
        for (unsigned round = 0; round < 20; round++) {
            uint64_t answer;
            uint16_t id;
            uint32_t len;
            text_add("ab", 1, false, &answer);
            guest_kick(guest, 0);
            CHECK(guest_used(guest, 0, &id, &len));
            if (packed) {
                CHECK_EQ(test_load(guest->test, queue->device + 2, 2), event_idx ? 2 : 0);
                if (event_idx)
                    CHECK_EQ(test_load(guest->test, queue->device, 2),
                             queue->next | (unsigned)queue->wrap << 15);
            } else if (event_idx) {
                CHECK_EQ(test_load(guest->test, queue->device + 4 + 8 * QUEUE_SIZE, 2), queue->next);
            } else {
                CHECK_EQ(test_load(guest->test, queue->device, 2), 0);
            }
        }
        tear_down();
    }
}

/* --- rules broken --- */

/* Descriptors by hand: {address, length, flags, next}; for the packed ring next is the id. */
struct raw_desc {
    uint64_t address;
    uint32_t len;
    uint16_t flags, next;
};

static void raw_put(uint64_t table, unsigned index, struct raw_desc desc)
{
    bool packed = guest->features >> VIRTIO_F_RING_PACKED & 1;
    uint8_t bytes[16];
    le64_store(bytes, desc.address);
    le32_store(bytes + 8, desc.len);
    le16_store(bytes + 12, packed ? desc.next : desc.flags);
    le16_store(bytes + 14, packed ? desc.flags : desc.next);
    test_ram_put(guest->test, table + 16 * index, bytes, sizeof(bytes));
}

#define GOOD      (TEST_RAM_BASE + 0x100000)
#define TABLE     (TEST_RAM_BASE + 0x200000)
#define AVAILABLE 0x80 /* packed, first lap */

/* Up to four descriptors in the ring and in a table that the first may point to. */
struct broken {
    const char *what;
    bool packed;
    struct raw_desc ring[4], table[4];
};

static const struct broken broken[] = {
    /* clang-format off */
    {"split: wild address",         false, {{0x1000, 16, 0, 0}}, {{0}}},
    {"split: end of RAM",           false, {{TEST_RAM_BASE + GUEST_RAM_SIZE - 8, 16, 2, 0}}, {{0}}},
    {"split: wraps around",         false, {{~0ull - 8, 16, 2, 0}}, {{0}}},
    {"split: empty buffer",         false, {{GOOD, 0, 0, 0}}, {{0}}},
    {"split: loop of one",          false, {{GOOD, 16, 1, 0}}, {{0}}},
    {"split: loop of two",          false, {{GOOD, 16, 1, 1}, {GOOD, 16, 1, 0}}, {{0}}},
    {"split: next out of table",    false, {{GOOD, 16, 1, QUEUE_SIZE}}, {{0}}},
    {"split: readable after write", false, {{GOOD, 16, 3, 1}, {GOOD, 16, 0, 0}}, {{0}}},
    {"split: 4 GiB in total",       false, {{GOOD, 0xffffffff, 1, 1}, {GOOD, 16, 0, 0}}, {{0}}},
    {"split: indirect with next",   false, {{TABLE, 16, 5, 1}, {GOOD, 16, 0, 0}}, {{GOOD, 16, 0, 0}}},
    {"split: indirect, odd length", false, {{TABLE, 24, 4, 0}}, {{GOOD, 16, 0, 0}}},
    {"split: indirect, empty",      false, {{TABLE, 0, 4, 0}}, {{0}}},
    {"split: indirect, wild",       false, {{0x1000, 16, 4, 0}}, {{0}}},
    {"split: indirect, huge",       false, {{TABLE, 0xfffffff0, 4, 0}}, {{0}}},
    {"split: indirect in indirect", false, {{TABLE, 32, 4, 0}}, {{TABLE, 16, 4, 0}}},
    {"split: indirect loop",        false, {{TABLE, 64, 4, 0}}, {{GOOD, 16, 1, 1}, {GOOD, 16, 1, 0}}},
    {"split: indirect, next out",   false, {{TABLE, 32, 4, 0}}, {{GOOD, 16, 1, 2}}},
    {"packed: wild address",        true, {{0x1000, 16, AVAILABLE, 0}}, {{0}}},
    {"packed: empty buffer",        true, {{GOOD, 0, AVAILABLE, 0}}, {{0}}},
    {"packed: readable after write", true, {{GOOD, 16, AVAILABLE | 3, 0}, {GOOD, 16, AVAILABLE, 0}}, {{0}}},
    {"packed: indirect after direct", true, {{GOOD, 16, AVAILABLE | 1, 0}, {TABLE, 16, AVAILABLE | 4, 0}}, {{GOOD, 16, 0, 0}}},
    {"packed: indirect with next",  true, {{TABLE, 16, AVAILABLE | 5, 0}, {GOOD, 16, AVAILABLE, 0}}, {{GOOD, 16, 0, 0}}},
    {"packed: indirect in indirect", true, {{TABLE, 16, AVAILABLE | 4, 0}}, {{TABLE, 16, 4, 0}}},
    {"packed: indirect, odd length", true, {{TABLE, 8, AVAILABLE | 4, 0}}, {{GOOD, 16, 0, 0}}},
    {"packed: indirect, wild",      true, {{~0ull, 16, AVAILABLE | 4, 0}}, {{0}}},
    {"packed: wild in indirect",    true, {{TABLE, 32, AVAILABLE | 4, 0}}, {{GOOD, 16, 0, 0}, {8, 8, 2, 0}}},
    /* clang-format on */
};

static void kick_raw(void)
{
    if (!(guest->features >> VIRTIO_F_RING_PACKED & 1))
        test_store(guest->test, guest->queues[0].driver + 2, 2, 1);
    guest_kick(guest, 0);
}

/* 2.1.2: DEVICE_NEEDS_RESET and a configuration interrupt; a reset makes the device good again. */
static void expect_broken(void)
{
    uint16_t id;
    uint32_t len;
    CHECK_EQ(guest_status(guest), 0xf | 0x40);
    CHECK(!guest_used(guest, 0, &id, &len));
    CHECK(guest_interrupted(guest));
    uint64_t features = guest->features;
    guest_start(guest, features, 1, QUEUE_SIZE);
    uint64_t answer;
    id = text_add("good again", 2, false, &answer);
    guest_kick(guest, 0);
    text_expect("good again", id, answer);
}

static void broken_rings(void)
{
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        set_up((enum guest_transport)(i % GUEST_TRANSPORTS), broken[i].packed, i & 1);
        test_context("%s", broken[i].what);
        for (unsigned d = 0; d < 4; d++) {
            raw_put(guest->queues[0].desc, d, broken[i].ring[d]);
            raw_put(TABLE, d, broken[i].table[d]);
        }
        kick_raw();
        expect_broken();
        tear_down();
    }
}

static void wild_indices(void)
{
    set_up(GUEST_MMIO, false, false);
    test_context("available index jumps");
    test_store(guest->test, guest->queues[0].driver + 2, 2, QUEUE_SIZE + 1);
    guest_kick(guest, 0);
    expect_broken();
    test_context("head out of the table");
    guest_start(guest, guest->features, 1, QUEUE_SIZE);
    test_store(guest->test, guest->queues[0].driver + 4, 2, QUEUE_SIZE);
    kick_raw();
    expect_broken();
    tear_down();
}

/* A packed chain that goes around the whole ring without an end. */
static void endless_packed(void)
{
    set_up(GUEST_MMIO, true, false);
    for (unsigned i = 0; i < QUEUE_SIZE; i++)
        raw_put(guest->queues[0].desc, i, (struct raw_desc){GOOD, 16, AVAILABLE | 1, 0});
    guest_kick(guest, 0);
    expect_broken();
    tear_down();
}

/* The same chain offered again while the device still has it, until it would hold more than the ring. */
static void offered_twice(void)
{
    set_up(GUEST_MMIO, false, false);
    echo->hold = true;
    raw_put(guest->queues[0].desc, 0, (struct raw_desc){GOOD, 16, 0, 0});
    for (unsigned i = 1; i <= QUEUE_SIZE + 1; i++) {
        test_store(guest->test, guest->queues[0].driver + 2, 2, i);
        guest_kick(guest, 0);
    }
    CHECK_EQ(echo->held_count, QUEUE_SIZE);
    CHECK_EQ(guest_status(guest), 0x4f);
    tear_down();
}

/* Rings where there is no RAM, or at odd addresses. */
static void misplaced_rings(void)
{
    set_up(GUEST_MMIO, false, false);
    static const struct {
        unsigned low;
        uint32_t address;
        bool at_enable;
    } places[] = {{0x80, 0x1000, false},
                  {0x90, 0x1000, false},
                  {0x80, 0x80001008, true},
                  {0x90, 0x80001001, true},
                  {0xa0, 0x80001002, true}};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        test_context("register %#x = %#x", places[i].low, places[i].address);
        guest_start(guest, guest->features, 1, QUEUE_SIZE);
        test_store(guest->test, guest->registers + 0x44, 4, 0);
        test_store(guest->test, guest->registers + places[i].low, 4, places[i].address);
        test_store(guest->test, guest->registers + 0x44, 4, 1);
        CHECK_EQ(guest_status(guest) >> 6 & 1, places[i].at_enable);
        uint64_t answer;
        text_add("x", 1, false, &answer);
        guest_kick(guest, 0);
        CHECK_EQ(guest_status(guest), 0x4f);
    }
    tear_down();
}

/* A guest that adds chains as fast as they are handled doesn't keep the handler for ever: the device stops
 * after two rings and goes on from the event loop. Here it adds them from inside the handler. */
struct endless {
    struct virtio_device device;
    struct guest *guest;
    unsigned handled;
};

static void endless_notify(struct virtio_device *device, struct virtqueue *queue)
{
    struct endless *endless = container_of(device, struct endless, device);
    struct virtqueue_chain *chain;
    while ((chain = virtqueue_pop(queue))) {
        endless->handled++;
        virtqueue_push(chain, 0);
        uint8_t index[2];
        le16_store(index, (uint16_t)(queue->avail_index + 1));
        ram_write(device->machine->mem.ram, gpa(queue->driver_area + 2), index, 2);
    }
}

static void endless_destroy(struct virtio_device *device)
{
    free(container_of(device, struct endless, device));
}

static const struct virtio_class endless_class = {
    .name = "endless", .type = VIRTIO_TYPE_ENTROPY, .notify = endless_notify, .destroy = endless_destroy};

static bool endless_enough(void *opaque)
{
    return ((struct endless *)opaque)->handled > 10 * QUEUE_SIZE;
}

static void endless_work(void)
{
    guest = guest_create(GUEST_MMIO);
    struct endless *endless = machine_alloc(sizeof(*endless));
    endless->guest = guest;
    virtio_device_init(&endless->device, &guest->test->machine, "endless0", &endless_class, 0);
    virtio_queue_add(&endless->device, QUEUE_SIZE);
    guest_attach(guest, &endless->device);
    guest_start(guest, guest_core_features(false, false), 1, QUEUE_SIZE);
    raw_put(guest->queues[0].desc, 0, (struct raw_desc){GOOD, 16, 0, 0});
    kick_raw();
    CHECK_EQ(endless->handled, 2 * QUEUE_SIZE);
    CHECK(test_loop_until(guest->test, endless_enough, endless));
    tear_down();
}

/* A device in the middle of its work goes on after a save and a load. */
static void save_and_load(void)
{
    for (unsigned kind = 0; kind < GUEST_TRANSPORTS * 2; kind++) {
        set_up((enum guest_transport)(kind / 2), kind & 1, true);
        for (unsigned round = 0; round < 20; round++) {
            uint64_t answer;
            uint16_t id = text_add("still here", 3, round & 1, &answer);
            guest_kick(guest, 0);
            text_expect("still here", id, answer);
            test_save_load(guest->test);
            CHECK_EQ(guest_status(guest), 0xf);
        }
        tear_down();
    }
}

/* A buffer over the border of two RAM mappings is one buffer; over the end of both it is none. */
static void over_mappings(void)
{
    set_up(GUEST_MMIO, false, false);
    struct ram *ram = guest->test->machine.mem.ram;
    struct error err = {0};
    uint64_t border = TEST_RAM_BASE + GUEST_RAM_SIZE;
    unsigned id;
    struct ram_block *block = ram_block_create(ram, "more", 2 * PAGE_SIZE, &err);
    CHECK(block && ram_map(ram, block, 0, gpa(border), 2 * PAGE_SIZE, RAM_MAPPED, &id));
    static const uint32_t before[] = {1, 10, PAGE_SIZE, 3 * PAGE_SIZE + 1};
    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        uint64_t at = border - before[i];
        uint32_t len = before[i] + PAGE_SIZE + 20;
        char out[] = "two mappings", back[13] = {0};
        uint64_t from = guest_alloc(guest, len);
        test_ram_put(guest->test, from + len - 12, out, 12);
        const struct guest_buffer buffers[] = {{from, len, false}, {at, len, true}};
        guest_add(guest, 0, buffers, 2, false);
        guest_kick(guest, 0);
        uint16_t chain;
        uint32_t used;
        CHECK(guest_used(guest, 0, &chain, &used));
        CHECK_EQ(used, len);
        test_ram_get(guest->test, at, back, 12);
        CHECK_STR(back, "sgnippam owt");
    }
    guest_add(guest, 0, &(struct guest_buffer){border - 10, 2 * PAGE_SIZE + 11, true}, 1, false);
    guest_kick(guest, 0);
    CHECK_EQ(guest_status(guest), 0x4f);
    tear_down();
}

/* The capability that reaches the registers through configuration space (4.1.4.9). */
static void pci_configuration_access(void)
{
    set_up(GUEST_PCI_INTX, false, false);
    uint64_t function = 0x30008000, window = 0;
    for (unsigned at = (unsigned)test_load(guest->test, function + 0x34, 1); at;
         at = (unsigned)test_load(guest->test, function + at + 1, 1)) {
        if (test_load(guest->test, function + at, 1) == 9 &&
            test_load(guest->test, function + at + 3, 1) == 5)
            window = function + at;
    }
    if (!CHECK(window != 0))
        return;
    uint32_t common = (uint32_t)(guest->registers - 0x40000000);
    test_store(guest->test, window + 8, 4, common + 20); /* device_status */
    test_store(guest->test, window + 12, 4, 1);
    CHECK_EQ(test_load(guest->test, window + 16, 1), 0xf);
    test_store(guest->test, window + 8, 4, common + 22); /* queue_select */
    test_store(guest->test, window + 12, 4, 2);
    test_store(guest->test, window + 16, 2, 5);
    CHECK_EQ(test_load(guest->test, guest->registers + 22, 2), 5);
    /* Places that are none. */
    test_store(guest->test, window + 8, 4, 0xfffffffe);
    test_store(guest->test, window + 16, 4, 1);
    test_store(guest->test, window + 12, 4, 3);
    test_load(guest->test, window + 16, 4);
    CHECK_EQ(guest_status(guest), 0xf);
    tear_down();
}

static const struct test_case cases[] = {
    {"round_trips", round_trips},
    {"out_of_order", out_of_order},
    {"unpop", unpop},
    {"interrupt_suppression", interrupt_suppression},
    {"notification_suppression", notification_suppression},
    {"broken_rings", broken_rings},
    {"wild_indices", wild_indices},
    {"endless_packed", endless_packed},
    {"offered_twice", offered_twice},
    {"misplaced_rings", misplaced_rings},
    {"endless_work", endless_work},
    {"save_and_load", save_and_load},
    {"over_mappings", over_mappings},
    {"pci_configuration_access", pci_configuration_access},
};
TEST_SUITE(virtqueue_test, "unit", cases);
