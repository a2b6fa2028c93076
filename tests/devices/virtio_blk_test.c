/* The virtio disk, driven through every transport by a small driver (Virtual I/O Device 1.2, 5.2). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/virtio/virtio_blk.h"
#include "tests/devices/disk_support.h"
#include "tests/devices/virtio_support.h"

#define DISK_SIZE (1 * MIB)
#define SECTORS   (DISK_SIZE / 512)

#define F_RO       5
#define F_BLK_SIZE 6
#define F_FLUSH    9
#define F_WCE      11
#define F_MQ       12

enum { IN, OUT, FLUSH = 4, GET_ID = 8, DISCARD = 11, WRITE_ZEROES = 13 };
enum { OK, IOERR, UNSUPP, NO_ANSWER = 0xff };

static struct guest *guest;
static struct block *block;
static struct virtio_device *device;
static const char *folder;
static struct disk_model model;

static void set_up(enum guest_transport transport, bool readonly)
{
    char path[128];
    folder = disk_folder_create();
    snprintf(path, sizeof(path), "%s/disk", folder);
    CHECK_EQ(disk_shell("truncate -s %llu %s", (unsigned long long)DISK_SIZE, path), 0);
    guest = guest_create(transport);
    block = disk_open(guest->test, path, "raw", readonly);
    device = virtio_blk_create(
        &guest->test->machine,
        &(struct virtio_blk_config){
            .name = "disk0", .block = block, .queues = 2, .serial = "a serial number 20 bytes"});
    guest_attach(guest, device);
    model = (struct disk_model){calloc(1, DISK_SIZE), DISK_SIZE};
}

static void tear_down(void)
{
    test_context(NULL);
    struct test_machine *test = guest->test;
    /* The disk outlives its device, and the loop the disk. */
    machine_devices_destroy(&test->machine);
    block_close(block);
    guest_destroy(guest);
    disk_folder_remove(folder);
    free(model.bytes);
}

static uint64_t features(bool packed)
{
    return guest_core_features(packed, true) | VIRTIO_BIT(F_FLUSH) | VIRTIO_BIT(F_BLK_SIZE) |
           VIRTIO_BIT(F_WCE);
}

/* A request under way. */
struct request {
    uint64_t header, data, status;
    uint16_t id;
};

/* Offer a request with `data_len` bytes of data in `pieces` buffers. */
static struct request request_add(unsigned queue, uint32_t type, uint64_t sector, const void *out,
                                  uint32_t data_len, unsigned pieces, bool indirect)
{
    struct request request = {
        .header = guest_alloc(guest, 16),
        .data = guest_alloc(guest, data_len + 1),
        .status = guest_alloc(guest, 1),
    };
    uint8_t header[16] = {0};
    le32_store(header, type);
    le64_store(header + 8, sector);
    test_ram_put(guest->test, request.header, header, sizeof(header));
    test_store(guest->test, request.status, 1, NO_ANSWER);
    if (out)
        test_ram_put(guest->test, request.data, out, data_len);
    struct guest_buffer buffers[16] = {{request.header, 16, false}};
    unsigned count = 1;
    uint32_t piece = pieces ? data_len / pieces : 0;
    for (unsigned i = 0; i < pieces; i++) {
        uint32_t len = i + 1 < pieces ? piece : data_len - i * piece;
        buffers[count++] = (struct guest_buffer){request.data + i * piece, len, !out};
    }
    buffers[count++] = (struct guest_buffer){request.status, 1, true};
    request.id = guest_add(guest, queue, buffers, count, indirect);
    guest_kick(guest, queue);
    return request;
}

static uint8_t request_finish(const struct request *request, unsigned queue)
{
    uint16_t id;
    uint32_t len;
    if (!CHECK(guest_used_wait(guest, queue, &id, &len)))
        return NO_ANSWER;
    CHECK_EQ(id, request->id);
    return (uint8_t)test_load(guest->test, request->status, 1);
}

static uint8_t transfer(uint32_t type, uint64_t sector, void *bytes, uint32_t len, unsigned pieces)
{
    struct request request =
        request_add(0, type, sector, type == OUT ? bytes : NULL, len, pieces, pieces == 3);
    uint8_t status = request_finish(&request, 0);
    if (type == IN)
        test_ram_get(guest->test, request.data, bytes, len);
    return status;
}

/* Guest memory is not taken back request by request. */
static void memory_recycle(uint64_t mark)
{
    guest->heap = mark;
}

static void reads_and_writes(void)
{
    for (unsigned kind = 0; kind < GUEST_TRANSPORTS * 2; kind++) {
        set_up((enum guest_transport)(kind / 2), false);
        test_context("transport %u, packed %u", kind / 2, kind & 1);
        guest_start(guest, features(kind & 1), 2, 64);
        uint64_t mark = guest->heap;
        for (unsigned i = 0; i < 100; i++) {
            static uint8_t bytes[16 * 512];
            uint32_t count = 1 + test_random() % 16, len = count * 512;
            uint64_t sector = test_random() % (SECTORS - count);
            unsigned pieces = 1 + (unsigned)test_random() % 4;
            if (test_random() % 2) {
                for (uint32_t b = 0; b < len; b++)
                    bytes[b] = (uint8_t)test_random();
                memcpy(model.bytes + sector * 512, bytes, len);
                CHECK_EQ(transfer(OUT, sector, bytes, len, pieces), OK);
            } else {
                CHECK_EQ(transfer(IN, sector, bytes, len, pieces), OK);
                CHECK_MEM(bytes, model.bytes + sector * 512, len);
            }
            memory_recycle(mark);
        }
        CHECK(guest_interrupted(guest));
        CHECK_EQ(transfer(FLUSH, 0, NULL, 0, 0), OK);
        disk_matches(guest->test, block, &model);
        tear_down();
    }
}

/* Both queues full of requests before the first is looked at. */
static void many_at_once(void)
{
    set_up(GUEST_PCI_MSIX, false);
    guest_start(guest, features(false) | VIRTIO_BIT(F_MQ), 2, 64);
    struct request requests[2][20];
    uint8_t bytes[512];
    for (unsigned i = 0; i < 20; i++) {
        for (unsigned queue = 0; queue < 2; queue++) {
            memset(bytes, (int)(i * 2 + queue + 1), 512);
            memcpy(model.bytes + (i * 2 + queue) * 512, bytes, 512);
            requests[queue][i] = request_add(queue, OUT, i * 2 + queue, bytes, 512, 1, false);
        }
    }
    for (unsigned queue = 0; queue < 2; queue++) {
        for (unsigned i = 0; i < 20; i++) {
            uint16_t id;
            uint32_t len;
            CHECK(guest_used_wait(guest, queue, &id, &len));
            CHECK_EQ(len, 1);
        }
        for (unsigned i = 0; i < 20; i++)
            CHECK_EQ(test_load(guest->test, requests[queue][i].status, 1), OK);
    }
    disk_matches(guest->test, block, &model);
    tear_down();
}

static void configuration(void)
{
    for (unsigned transport = 0; transport < GUEST_TRANSPORTS; transport++) {
        set_up((enum guest_transport)transport, false);
        guest_start(guest, features(false), 1, 64);
        CHECK_EQ(guest_config(guest, 0, 4), SECTORS);
        CHECK_EQ(guest_config(guest, 4, 4), 0);
        CHECK_EQ(guest_config(guest, 20, 4), 512);
        CHECK(guest_config(guest, 12, 4) >= 62);
        CHECK_EQ(guest_config(guest, 34, 2), 2);
        CHECK_EQ(guest_config(guest, 32, 1), 1);
        guest_config_write(guest, 32, 1, 0);
        CHECK_EQ(guest_config(guest, 32, 1), 0);
        /* Written through: nothing else to see from here, but it has to work. */
        uint8_t bytes[512] = {1, 2, 3};
        CHECK_EQ(transfer(OUT, 7, bytes, 512, 1), OK);
        /* What can't be written stays. */
        guest_config_write(guest, 0, 4, 1);
        CHECK_EQ(guest_config(guest, 0, 4), SECTORS);
        CHECK_EQ(guest_config(guest, 200, 4), 0);
        tear_down();
    }
}

static void serial(void)
{
    set_up(GUEST_MMIO, false);
    guest_start(guest, features(false), 1, 64);
    char bytes[21] = {0};
    struct request request = request_add(0, GET_ID, 0, NULL, 20, 1, false);
    CHECK_EQ(request_finish(&request, 0), OK);
    test_ram_get(guest->test, request.data, bytes, 20);
    CHECK_STR(bytes, "a serial number 20 b");
    tear_down();
}

static uint8_t ranges(uint32_t type, const uint64_t *sectors, const uint32_t *counts, unsigned count,
                      uint32_t flags)
{
    uint8_t bytes[17 * 16];
    for (unsigned i = 0; i < count; i++) {
        le64_store(bytes + 16 * i, sectors[i]);
        le32_store(bytes + 16 * i + 8, counts[i]);
        le32_store(bytes + 16 * i + 12, flags);
    }
    struct request request = request_add(0, type, 0, bytes, 16 * count, 1, false);
    return request_finish(&request, 0);
}

static void discard_and_zero(void)
{
    set_up(GUEST_MMIO, false);
    guest_start(guest, features(false), 1, 64);
    memset(model.bytes, 0xa5, DISK_SIZE);
    CHECK(block_write(block, 0, model.bytes, DISK_SIZE));
    const uint64_t sectors[] = {3, 100, 2000};
    const uint32_t counts[] = {1, 64, 48};
    CHECK_EQ(ranges(DISCARD, sectors, counts, 3, 0), OK);
    for (unsigned i = 0; i < 3; i++)
        memset(model.bytes + sectors[i] * 512, 0, counts[i] * 512);
    disk_matches(guest->test, block, &model);
    const uint64_t more[] = {1000, 1500};
    CHECK_EQ(ranges(WRITE_ZEROES, more, counts + 1, 2, 1), OK);
    memset(model.bytes + 1000 * 512, 0, 64 * 512);
    memset(model.bytes + 1500 * 512, 0, 48 * 512);
    disk_matches(guest->test, block, &model);
    /* 5.2.6.2: unmap is no flag of discard; reserved flags; beyond the end; too many. */
    CHECK_EQ(ranges(DISCARD, sectors, counts, 1, 1), UNSUPP);
    CHECK_EQ(ranges(WRITE_ZEROES, sectors, counts, 1, 2), UNSUPP);
    const uint64_t end[] = {SECTORS - 1};
    CHECK_EQ(ranges(DISCARD, end, counts + 1, 1, 0), IOERR);
    const uint64_t many[17] = {0};
    const uint32_t ones[17] = {1};
    CHECK_EQ(ranges(DISCARD, many, ones, 17, 0), IOERR);
    disk_matches(guest->test, block, &model);
    tear_down();
}

static void refused(void)
{
    set_up(GUEST_MMIO, false);
    guest_start(guest, features(false), 1, 64);
    uint8_t bytes[1024] = {0};
    CHECK_EQ(transfer(IN, SECTORS, bytes, 512, 1), IOERR);
    CHECK_EQ(transfer(IN, SECTORS - 1, bytes, 1024, 1), IOERR);
    CHECK_EQ(transfer(OUT, ~0ull, bytes, 512, 1), IOERR);
    CHECK_EQ(transfer(OUT, 1ull << 55, bytes, 512, 1), IOERR);
    CHECK_EQ(transfer(IN, 0, bytes, 500, 1), IOERR);
    CHECK_EQ(transfer(99, 0, bytes, 512, 1), UNSUPP);
    CHECK_EQ(transfer(IN, SECTORS - 1, bytes, 512, 1), OK);
    CHECK_EQ(guest_status(guest), 0xf);
    tear_down();
}

static void readonly(void)
{
    set_up(GUEST_MMIO, true);
    CHECK(guest_offered(guest) & VIRTIO_BIT(F_RO));
    guest_start(guest, features(false) | VIRTIO_BIT(F_RO), 1, 64);
    uint8_t bytes[512] = {0};
    CHECK_EQ(transfer(OUT, 0, bytes, 512, 1), IOERR);
    CHECK_EQ(transfer(IN, 0, bytes, 512, 1), OK);
    const uint64_t sector[] = {0};
    const uint32_t count[] = {1};
    CHECK_EQ(ranges(DISCARD, sector, count, 1, 0), IOERR);
    tear_down();
}

/* A driver may cut header, data and status as it likes (2.6.4). */
static void odd_framing(void)
{
    set_up(GUEST_MMIO, false);
    guest_start(guest, features(false), 1, 64);
    uint64_t header = guest_alloc(guest, 16), in = guest_alloc(guest, 513);
    uint8_t bytes[512];
    memset(bytes, 0x3c, 512);
    CHECK(block_write(block, 5 * 512, bytes, 512));
    test_store(guest->test, header + 8, 8, 5);
    test_store(guest->test, in + 512, 1, NO_ANSWER);
    const struct guest_buffer buffers[] = {
        {header, 3, false}, {header + 3, 13, false}, {in, 100, true}, {in + 100, 413, true}};
    guest_add(guest, 0, buffers, 4, false);
    guest_kick(guest, 0);
    uint16_t id;
    uint32_t len;
    CHECK(guest_used_wait(guest, 0, &id, &len));
    CHECK_EQ(len, 513);
    CHECK_EQ(test_load(guest->test, in + 512, 1), OK);
    uint8_t got[512];
    test_ram_get(guest->test, in, got, 512);
    CHECK_MEM(got, bytes, 512);
    tear_down();
}

static void without_header_or_status(void)
{
    set_up(GUEST_MMIO, false);
    const struct guest_buffer wrong[][2] = {
        {{TEST_RAM_BASE + 0x700000, 15, false}, {TEST_RAM_BASE + 0x710000, 1, true}},
        {{TEST_RAM_BASE + 0x700000, 16, false}, {TEST_RAM_BASE + 0x710000, 16, false}},
    };
    for (unsigned i = 0; i < 2; i++) {
        guest_start(guest, features(false), 1, 64);
        guest_add(guest, 0, wrong[i], 2, false);
        guest_kick(guest, 0);
        CHECK_EQ(guest_status(guest), 0x4f);
    }
    tear_down();
}

/* A reset with requests under way: they end with nobody being told, and guest memory is left alone after. */
static void reset_under_way(void)
{
    set_up(GUEST_MMIO, false);
    uint64_t mark = guest->heap;
    for (unsigned round = 0; round < 20; round++) {
        memory_recycle(mark);
        guest_start(guest, features(round & 1), 1, 64);
        uint64_t used = guest->queues[0].device, desc = guest->queues[0].desc;
        struct request request = {0};
        for (unsigned i = 0; i < 8; i++)
            request = request_add(0, IN, i, NULL, 4096, 1, false);
        uint64_t before = test_load(guest->test, round & 1 ? desc : used, 8);
        guest_status_set(guest, 0);
        test_ram_put(guest->test, request.data, "untouched", 9);
        host_loop_run(guest->test->machine.loop, false);
        CHECK_EQ(test_load(guest->test, round & 1 ? desc : used, 8), before);
        CHECK_EQ(test_load(guest->test, request.status, 1), NO_ANSWER);
        char bytes[9];
        test_ram_get(guest->test, request.data, bytes, 9);
        CHECK_MEM(bytes, "untouched", 9);
        CHECK_EQ(guest_status(guest), 0);
    }
    tear_down();
}

/* A queue that is reset by itself (2.6.1) can be set up again. */
static void queue_reset(void)
{
    set_up(GUEST_PCI_MSIX, false);
    guest_start(guest, features(false), 2, 64);
    uint8_t bytes[512] = {9};
    CHECK_EQ(transfer(OUT, 1, bytes, 512, 1), OK);
    test_store(guest->test, guest->registers + 22, 2, 0);
    test_store(guest->test, guest->registers + 58, 2, 1);
    CHECK_EQ(test_load(guest->test, guest->registers + 58, 2), 0);
    CHECK_EQ(test_load(guest->test, guest->registers + 28, 2), 0);
    guest_queue_init(guest, 0, 32);
    CHECK_EQ(transfer(IN, 1, bytes, 512, 1), OK);
    CHECK_EQ(bytes[0], 9);
    tear_down();
}

static void negotiation(void)
{
    for (unsigned transport = 0; transport < GUEST_TRANSPORTS; transport++) {
        set_up((enum guest_transport)transport, false);
        uint64_t offered = guest_offered(guest);
        CHECK(offered & VIRTIO_BIT(VIRTIO_F_VERSION_1));
        CHECK(!(offered & VIRTIO_BIT(33))); /* VIRTIO_F_ACCESS_PLATFORM */
        CHECK(!guest_negotiate(guest, offered | VIRTIO_BIT(33)));
        /* DRIVER_OK is not to be had with features that were refused. */
        guest_status_set(guest, 1 | 2 | 4);
        CHECK_EQ(guest_status(guest), 3);
        CHECK(guest_negotiate(guest, offered));
        tear_down();
    }
}

/* Drivers that look at 32 features only, and such that know no FEATURES_OK: xv6's is one of the former. */
static void half_negotiated(void)
{
    for (unsigned transport = 0; transport < GUEST_TRANSPORTS; transport++) {
        set_up((enum guest_transport)transport, false);
        uint8_t bytes[512] = {7};
        CHECK(guest_start(guest, VIRTIO_BIT(F_FLUSH), 1, 8));
        CHECK_EQ(transfer(OUT, 1, bytes, 512, 1), OK);
        guest_status_set(guest, 0);
        guest_status_set(guest, 1 | 2);
        guest->features = 0;
        guest_queue_init(guest, 0, 8);
        guest_status_set(guest, 1 | 2 | 4);
        CHECK_EQ(guest_status(guest), 7);
        bytes[0] = 0;
        CHECK_EQ(transfer(IN, 1, bytes, 512, 1), OK);
        CHECK_EQ(bytes[0], 7);
        tear_down();
    }
}

static void legacy(void)
{
    set_up(GUEST_LEGACY, false);
    /* There is nothing beyond 32 features; VIRTIO_F_ANY_LAYOUT is 27. */
    uint64_t offered = guest_offered(guest);
    CHECK_EQ(offered >> 32, 0);
    CHECK(offered & VIRTIO_BIT(27));
    guest_start(guest, offered & (VIRTIO_BIT(F_FLUSH) | VIRTIO_BIT(F_BLK_SIZE)), 1, 16);
    uint8_t bytes[1024], back[1024];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 3);
    for (unsigned i = 0; i < 40; i++) { /* the ring goes round */
        bytes[0] = (uint8_t)i;
        CHECK_EQ(transfer(OUT, i, bytes, sizeof(bytes), 1 + i % 2), OK);
        CHECK(guest_interrupted(guest));
        CHECK_EQ(transfer(IN, i, back, sizeof(back), 2), OK);
        CHECK(memcmp(bytes, back, sizeof(bytes)) == 0);
    }
    CHECK_EQ(guest_config(guest, 0, 4), SECTORS);
    /* Page 0 takes the queue off; then it begins anew. */
    test_store(guest->test, guest->registers + 0x40, 4, 0);
    guest_queue_init(guest, 0, 8);
    CHECK_EQ(transfer(IN, 39, back, sizeof(back), 1), OK);
    CHECK(memcmp(bytes, back, sizeof(bytes)) == 0);
    tear_down();
}

/* A driver that gives neither a page size nor an alignment means bytes, and pages (seen in tutorials). */
static void legacy_unsaid(void)
{
    set_up(GUEST_LEGACY, false);
    guest_negotiate(guest, VIRTIO_BIT(27));
    guest_status_set(guest, 1 | 2 | 8); /* some say it although it means nothing here */
    CHECK_EQ(guest_status(guest), 1 | 2 | 8);
    struct guest_queue *queue = &guest->queues[0];
    uint64_t memory = align_up(guest_alloc(guest, 4 * PAGE_SIZE), PAGE_SIZE);
    *queue = (struct guest_queue){.size = 16,
                                  .desc = memory,
                                  .driver = memory + 256,
                                  .device = memory + PAGE_SIZE,
                                  .wrap = true,
                                  .used_wrap = true};
    test_store(guest->test, guest->registers + 0x38, 4, 16);
    test_store(guest->test, guest->registers + 0x3c, 4, 0);
    test_store(guest->test, guest->registers + 0x40, 4, memory);
    CHECK_EQ(test_load(guest->test, guest->registers + 0x40, 4), memory);
    guest_status_set(guest, 1 | 2 | 8 | 4);
    uint8_t bytes[512] = {5};
    CHECK_EQ(transfer(OUT, 2, bytes, 512, 1), OK);
    /* What is no power of two is not taken. */
    test_store(guest->test, guest->registers + 0x28, 4, 3000);
    test_store(guest->test, guest->registers + 0x3c, 4, 3000);
    CHECK_EQ(test_load(guest->test, guest->registers + 0x40, 4), memory);
    tear_down();
}

static const struct test_case cases[] = {
    {"reads_and_writes", reads_and_writes},
    {"many_at_once", many_at_once},
    {"configuration", configuration},
    {"serial", serial},
    {"discard_and_zero", discard_and_zero},
    {"refused", refused},
    {"readonly", readonly},
    {"odd_framing", odd_framing},
    {"without_header_or_status", without_header_or_status},
    {"reset_under_way", reset_under_way},
    {"queue_reset", queue_reset},
    {"negotiation", negotiation},
    {"half_negotiated", half_negotiated},
    {"legacy", legacy},
    {"legacy_unsaid", legacy_unsaid},
};
TEST_SUITE(virtio_blk_test, "unit", cases);
