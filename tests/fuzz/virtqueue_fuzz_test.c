/*
 * Rings and registers with anything in them, for every device behind every transport, with and without a
 * second vCPU that changes guest memory under the device's eyes. The process lives, a reset makes the device
 * usable. TRIARCH_FUZZ_ITERATIONS says how many rounds; TRIARCH_TEST_SEED which.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/virtio/virtio_blk.h"
#include "devices/virtio/virtio_console.h"
#include "devices/virtio/virtio_gpu.h"
#include "devices/virtio/virtio_input.h"
#include "devices/virtio/virtio_net.h"
#include "devices/virtio/virtio_rng.h"
#include "tests/devices/disk_support.h"
#include "tests/devices/virtio_support.h"

#define QUEUE_SIZE 16u
#define BUFFERS    (TEST_RAM_BASE + 0x100000)
#define TABLES     (TEST_RAM_BASE + 0x200000)

/* What devices need behind them. */
struct behind {
    const char *folder;
    struct block *block;
    struct net_port *near, *far;
    struct virtio_console_port ends[3];
    struct display *display;
    struct input *input;
};

static bool far_receive(void *opaque, const uint8_t *frame, size_t len)
{
    (void)opaque;
    (void)frame;
    CHECK(len <= NET_FRAME_MAX);
    return true;
}

enum kind { BLK, NET, CONSOLE, RNG, GPU, TABLET, KINDS };

static struct virtio_device *device_create(enum kind kind, struct guest *guest, struct behind *behind)
{
    struct machine *machine = &guest->test->machine;
    char path[128];
    switch (kind) {
    case BLK:
        behind->folder = disk_folder_create();
        snprintf(path, sizeof(path), "%s/disk", behind->folder);
        disk_shell("truncate -s 256K %s", path);
        behind->block = disk_open(guest->test, path, "raw", false);
        return virtio_blk_create(machine, &(struct virtio_blk_config){"disk0", behind->block, 2, "fuzz"});
    case NET:
        net_pair_create(&behind->near, &behind->far);
        behind->near->takes_large = true;
        net_attach(behind->far, &(struct net_handlers){.receive = far_receive});
        return virtio_net_create(machine,
                                 &(struct virtio_net_config){"net0", behind->near, {2, 1, 1, 1, 1, 1}, 2});
    case CONSOLE:
        for (unsigned i = 0; i < 3; i++)
            behind->ends[i] = (struct virtio_console_port){i ? "port" : "", char_memory_create()};
        return virtio_console_create(machine, &(struct virtio_console_config){.name = "console0",
                                                                              .port = behind->ends[0].end,
                                                                              .columns = 80,
                                                                              .rows = 25,
                                                                              .ports = behind->ends + 1,
                                                                              .port_count = 2});
    case GPU:
        behind->display = display_create();
        return virtio_gpu_create(
            machine, &(struct virtio_gpu_config){.name = "gpu0", .display = behind->display, .memory = MIB},
            NULL);
    case TABLET:
        behind->input = input_create();
        return virtio_input_create(
            machine, &(struct virtio_input_config){"tablet0", VIRTIO_INPUT_TABLET, behind->input});
    default: return virtio_rng_create(machine, "rng0");
    }
}

/* An address in RAM, mostly. */
static uint64_t address_wild(uint64_t base)
{
    switch (test_random() % 16) {
    case 0: return test_random();
    case 1: return TEST_RAM_BASE + GUEST_RAM_SIZE - test_random() % 64;
    case 2: return test_random() % 0x20000000;
    case 3: return base + test_random() % 0xf000;
    default: return base + test_random() % 0xf00 * 16;
    }
}

static uint32_t length_wild(void)
{
    switch (test_random() % 16) {
    case 0: return 0;
    case 1: return (uint32_t)test_random();
    case 2: return 1;
    case 3:
    case 4: return 512 * (1 + (uint32_t)test_random() % 8);
    case 5:
    case 6: return 16;
    case 7: return 3;
    case 8: return 8;
    default: return (uint32_t)test_random() % 4096;
    }
}

/* Words that devices look for at the start of what they read: types, classes, small sectors, ports' events.
 */
static void buffers_fill(struct guest *guest)
{
    static uint8_t bytes[0x10000];
    for (size_t at = 0; at < sizeof(bytes); at += 16) {
        le32_store(bytes + at, (uint32_t)test_random() % 15);
        bytes[at + 1] = (uint8_t)(test_random() % 3 ? 0 : test_random() % 6);
        le32_store(bytes + at + 4, (uint32_t)test_random() % 8 | (test_random() & 1) << 16);
        le64_store(bytes + at + 8, test_random() % 8 ? test_random() % 500 : test_random());
    }
    test_ram_put(guest->test, BUFFERS, bytes, sizeof(bytes));
}

static void desc_wild(struct guest *guest, uint64_t at, bool packed, unsigned i)
{
    bool indirect = test_random() % 8 == 0;
    uint8_t bytes[16];
    /* Mostly what is right: a few readable buffers, then writable ones. */
    uint16_t flags = (uint16_t)(test_random() % 4 == 0 ? test_random() % 8
                                : i % 4 < 2            ? 1
                                : i % 4 == 2           ? 3
                                                       : 2);
    if (indirect)
        flags = (uint16_t)((flags & 2) | 4);
    uint16_t next = (uint16_t)(test_random() % 8 ? i + 1 : test_random() % (QUEUE_SIZE + 2));
    le64_store(bytes, address_wild(indirect ? TABLES : BUFFERS));
    le32_store(bytes + 8,
               indirect && test_random() % 4 ? 16 * (1 + (uint32_t)test_random() % 8) : length_wild());
    if (packed)
        flags |= test_random() % 8 ? 0x80 : (uint16_t)(test_random() & 0x8080);
    le16_store(bytes + 12, packed ? next : flags);
    le16_store(bytes + 14, packed ? flags : next);
    test_ram_put(guest->test, at, bytes, sizeof(bytes));
}

static void rings_fill(struct guest *guest, unsigned queues, bool packed)
{
    for (unsigned q = 0; q < queues; q++) {
        struct guest_queue *queue = &guest->queues[q];
        for (unsigned i = 0; i < QUEUE_SIZE; i++)
            desc_wild(guest, queue->desc + 16 * i, packed, i);
        uint8_t avail[6 + 2 * QUEUE_SIZE];
        for (unsigned i = 0; i < sizeof(avail); i += 2)
            le16_store(avail + i,
                       (uint16_t)(test_random() % 16 ? test_random() % QUEUE_SIZE / 4 * 4 : test_random()));
        le16_store(avail + 2, (uint16_t)(test_random() % (QUEUE_SIZE + 2)));
        test_ram_put(guest->test, queue->driver, avail, packed ? 4 : sizeof(avail));
    }
    for (unsigned i = 0; i < 64; i++)
        desc_wild(guest, TABLES + test_random() % 0x1000 * 16, packed, i);
    buffers_fill(guest);
}

static void registers_wild(struct guest *guest)
{
    unsigned range = guest->transport == GUEST_MMIO ? 0x200 : 0x4000;
    unsigned width = 1u << (test_random() % 4);
    uint64_t offset = test_random() % range;
    if (test_random() % 4)
        offset &= guest->transport == GUEST_MMIO ? 0x1fc : 0x3003c;
    if (offset + width > range)
        return;
    if (test_random() & 1)
        test_load(guest->test, guest->registers + offset, width);
    else
        test_store(guest->test, guest->registers + offset, width,
                   test_random() % 4 ? test_random() % 8 : test_random());
}

static void console_acts(struct virtio_device *device, struct behind *behind)
{
    struct char_port *end = behind->ends[test_random() % 3].end;
    virtio_console_resize(device, (uint16_t)test_random(), 1);
    virtio_console_plug(device, (unsigned)test_random() % 3, test_random() & 1);
    char_memory_input(end, "from the host", 13);
    char_memory_room_set(end, test_random() % 100);
    end->handlers.connection_changed(end->handlers.opaque);
}

static void outside_acts(struct guest *guest, struct behind *behind, struct virtio_device *device,
                         enum kind kind)
{
    static uint8_t frame[2000];
    host_mutex_lock(&guest->test->machine.lock);
    if (kind == NET)
        net_send(behind->far, frame, test_random() % sizeof(frame));
    if (kind == CONSOLE)
        console_acts(device, behind);
    if (kind == GPU)
        display_refresh(behind->display);
    if (kind == TABLET) {
        input_absolute(behind->input, (unsigned)test_random(), 0);
        input_sync(behind->input);
    }
    host_mutex_unlock(&guest->test->machine.lock);
    host_loop_run(guest->test->machine.loop, false);
}

static void round_run(struct guest *guest, struct virtio_device *device, enum kind kind,
                      struct behind *behind)
{
    bool packed = test_random() & 1;
    uint64_t features = guest_core_features(packed, test_random() & 1);
    features |= guest_offered(guest) & test_random() & ~VIRTIO_BIT(VIRTIO_F_RING_PACKED) &
                ~VIRTIO_BIT(VIRTIO_F_EVENT_IDX);
    if (!guest_negotiate(guest, features)) /* a combination that makes no sense */
        return;
    guest->heap = TEST_RAM_BASE + 0x1000;
    unsigned queues = device->queue_count;
    for (unsigned i = 0; i < queues; i++)
        guest_queue_init(guest, i, QUEUE_SIZE);
    guest_status_set(guest, 0xf);
    for (unsigned i = 0; i < 4; i++) {
        rings_fill(guest, queues, packed);
        guest_kick(guest, (unsigned)test_random() % (queues + 1));
        outside_acts(guest, behind, device, kind);
        if (test_random() % 4 == 0)
            registers_wild(guest);
    }
    guest_status_set(guest, 0);
    CHECK_EQ(guest_status(guest), 0);
}

/* Another vCPU: changes rings, tables and buffers all the time. */
struct meddler {
    struct host_thread thread;
    struct guest *guest;
    _Atomic bool stop;
};

static void *meddle(void *opaque)
{
    struct meddler *meddler = opaque;
    uint64_t state = 88172645463325252;
    while (!atomic_load(&meddler->stop)) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        uint64_t base = state >> 60 & 1 ? TEST_RAM_BASE + 0x1000 : TABLES;
        uint8_t byte = (uint8_t)(state >> 40);
        ram_write(meddler->guest->test->machine.mem.ram, gpa(base + state % 0x1000), &byte, 1);
    }
    return NULL;
}

static void device_fuzz(enum kind kind, enum guest_transport transport, unsigned rounds, bool meddled)
{
    struct behind behind = {0};
    struct guest *guest = guest_create(transport);
    struct virtio_device *device = device_create(kind, guest, &behind);
    struct meddler meddler = {.guest = guest};
    struct error err;
    guest_attach(guest, device);
    if (meddled)
        CHECK(host_thread_create(&meddler.thread, "meddler", meddle, &meddler, &err));
    for (unsigned i = 0; i < rounds; i++) {
        test_context("device %d, transport %d, round %u", kind, transport, i);
        round_run(guest, device, kind, &behind);
    }
    if (meddled) {
        atomic_store(&meddler.stop, true);
        host_thread_join(&meddler.thread);
    }
    test_context(NULL);
    machine_devices_destroy(&guest->test->machine);
    block_close(behind.block);
    guest_destroy(guest);
    net_close(behind.near);
    net_close(behind.far);
    display_destroy(behind.display);
    if (behind.input)
        input_destroy(behind.input);
    if (behind.folder)
        disk_folder_remove(behind.folder);
}

static void all_fuzz(bool meddled)
{
    const char *wanted = test_env("TRIARCH_FUZZ_ITERATIONS");
    unsigned rounds = wanted ? (unsigned)strtoul(wanted, NULL, 0) : 150;
    enum log_level level = log_level_get();
    log_level_set(LOG_QUIET);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned transport = 0; transport < GUEST_TRANSPORTS; transport++)
            device_fuzz((enum kind)kind, (enum guest_transport)transport, rounds, meddled);
    }
    log_level_set(level);
}

static void alone(void)
{
    all_fuzz(false);
}

static void with_meddler(void)
{
    all_fuzz(true);
}

static const struct test_case cases[] = {{"alone", alone}, {"with_meddler", with_meddler}};
TEST_SUITE(virtqueue_fuzz_test, "fuzz", cases);
