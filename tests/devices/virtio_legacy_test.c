/* The legacy interface of transitional virtio functions, by the Virtio PCI Card Specification 0.9.5. */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "devices/virtio/virtio_blk.h"
#include "devices/virtio/virtio_net.h"
#include "devices/virtio/virtio_pci.h"
#include "devices/virtio/virtio_rng.h"
#include "tests/devices/disk_support.h"
#include "tests/devices/pci_support.h"

#define RAM_SIZE (4 * MIB)
#define DEVFN    8

/* 2.2.2: the header in the first BAR. */
enum {
    HOST_FEATURES = 0,
    GUEST_FEATURES = 4,
    QUEUE_ADDRESS = 8,
    QUEUE_SIZE = 12,
    QUEUE_SELECT = 14,
    QUEUE_NOTIFY = 16,
    STATUS = 18,
    ISR = 19,
    CONFIG_VECTOR = 20,
    QUEUE_VECTOR = 22,
};
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4 };
enum { DESC_NEXT = 1, DESC_WRITE = 2 };
enum { NET_F_MAC = 5, NET_F_MRG_RXBUF = 15 };

static struct test_machine *test;
static struct test_pci pci;
static uint16_t ports;
static uint64_t heap;
static struct net_port *near, *far;
static uint8_t sent[2048];
static size_t sent_len;

/* A queue as 2.3 lays it out. */
static struct queue {
    unsigned number, size;
    uint64_t desc, available, used;
    uint16_t offered, next_desc;
} queues[2];

static uint32_t in(unsigned offset, unsigned width)
{
    return (uint32_t)test_in(test, (uint16_t)(ports + offset), width);
}

static void out(unsigned offset, unsigned width, uint32_t value)
{
    test_out(test, (uint16_t)(ports + offset), width, value);
}

static void machine_start(void)
{
    test = test_machine_create(RAM_SIZE);
    test_pci_start(&pci, test);
    heap = TEST_RAM_BASE;
}

static void function_start(struct virtio_device *device, unsigned id, unsigned type)
{
    struct error err = {0};
    struct virtio_pci_config config = {
        .name = "function", .bus = pci.bus, .devfn = DEVFN, .transitional = true, .device = device};
    CHECK(virtio_pci_create(&test->machine, &config, &err) != NULL);
    CHECK_EQ(test_pci_get(&pci, DEVFN, PCI_VENDOR_ID, 2), 0x1af4);
    CHECK_EQ(test_pci_get(&pci, DEVFN, PCI_DEVICE_ID, 2), id);
    CHECK_EQ(test_pci_get(&pci, DEVFN, PCI_REVISION_ID, 1), 0); /* 2.1 */
    CHECK_EQ(test_pci_get(&pci, DEVFN, PCI_SUBSYSTEM_ID, 2), type);
    ports = (uint16_t)test_pci_bar(&pci, DEVFN, 0);
    CHECK_EQ(ports, TEST_PCI_PORTS);
}

static void machine_stop(void)
{
    test_machine_destroy(test);
    test_pci_finish(&pci);
}

static uint64_t alloc(uint64_t len, uint64_t align)
{
    uint64_t at = align_up(heap, align);
    heap = at + len;
    return at;
}

static void queue_start(unsigned number)
{
    struct queue *queue = &queues[number];
    out(QUEUE_SELECT, 2, number);
    unsigned size = in(QUEUE_SIZE, 2);
    CHECK(size && is_pow2(size));
    CHECK_EQ(in(QUEUE_ADDRESS, 4), 0); /* nobody uses it yet */
    uint64_t used = align_up(16 * size + 6 + 2 * size, 4096);
    *queue = (struct queue){.number = number, .size = size};
    queue->desc = alloc(used + 6 + 8 * size, 4096);
    queue->available = queue->desc + 16 * size;
    queue->used = queue->desc + used;
    out(QUEUE_ADDRESS, 4, (uint32_t)(queue->desc / 4096));
    CHECK_EQ(in(QUEUE_ADDRESS, 4), queue->desc / 4096);
}

static void driver_begin(uint32_t features)
{
    out(STATUS, 1, 0);
    CHECK_EQ(in(STATUS, 1), 0);
    out(STATUS, 1, ACKNOWLEDGE);
    out(STATUS, 1, ACKNOWLEDGE | DRIVER);
    CHECK_EQ(in(HOST_FEATURES, 4) & features, features);
    out(GUEST_FEATURES, 4, features);
}

struct buffer {
    uint64_t at;
    uint32_t len;
    bool write;
};

static void offer(struct queue *queue, const struct buffer *buffers, unsigned count)
{
    uint16_t head = queue->next_desc;
    for (unsigned i = 0; i < count; i++) {
        uint8_t desc[16];
        le64_store(desc, buffers[i].at);
        le32_store(desc + 8, buffers[i].len);
        le16_store(desc + 12, (buffers[i].write ? DESC_WRITE : 0) | (i + 1 < count ? DESC_NEXT : 0));
        le16_store(desc + 14, (uint16_t)(queue->next_desc + 1));
        test_ram_put(test, queue->desc + 16 * queue->next_desc++, desc, sizeof(desc));
    }
    test_store(test, queue->available + 4 + 2 * (queue->offered % queue->size), 2, head);
    test_store(test, queue->available + 2, 2, ++queue->offered);
    out(QUEUE_NOTIFY, 2, queue->number);
}

static unsigned used_count(const struct queue *queue)
{
    return (unsigned)test_load(test, queue->used + 2, 2);
}

static bool all_used(void *opaque)
{
    const struct queue *queue = opaque;
    return used_count(queue) == queue->offered;
}

/* --- the disk --- */

#define DISK_SIZE (1 * MIB)

/* A request of appendix D, whose status it returns. */
static uint8_t request(uint32_t type, uint64_t sector, uint64_t data, uint32_t len)
{
    uint64_t header = alloc(17, 64);
    test_store(test, header, 4, type);
    test_store(test, header + 4, 4, 0);
    test_store(test, header + 8, 8, sector);
    test_store(test, header + 16, 1, 0xff);
    const struct buffer buffers[] = {{header, 16, false}, {data, len, type == 0}, {header + 16, 1, true}};
    offer(&queues[0], buffers, 3);
    CHECK(test_loop_until(test, all_used, &queues[0]));
    return (uint8_t)test_load(test, header + 16, 1);
}

static void disk(void)
{
    char path[128];
    const char *folder = disk_folder_create();
    snprintf(path, sizeof(path), "%s/disk", folder);
    CHECK_EQ(disk_shell("truncate -s %llu %s", (unsigned long long)DISK_SIZE, path), 0);
    machine_start();
    struct block *block = disk_open(test, path, "raw", false);
    function_start(
        virtio_blk_create(&test->machine, &(struct virtio_blk_config){.name = "disk0", .block = block}),
        0x1001, 2);
    driver_begin(0);
    CHECK_EQ(in(CONFIG_VECTOR, 4), DISK_SIZE / 512); /* the configuration is here, without MSI-X */
    CHECK_EQ(in(CONFIG_VECTOR + 4, 4), 0);
    queue_start(0);
    /* Old drivers read the partitions before DRIVER_OK, and some never switch on bus mastering. */
    test_pci_put(&pci, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_IO);
    uint64_t data = alloc(1024, 512);
    for (unsigned i = 0; i < 1024; i += 8)
        test_store(test, data + i, 8, i * 0x0101010101010101ull);
    CHECK_EQ(request(1, 5, data, 1024), 0);
    test_store(test, data + 512, 8, 0);
    CHECK_EQ(request(0, 6, data + 512, 512), 0);
    CHECK_EQ(test_load(test, data + 512 + 8, 8), 520 * 0x0101010101010101ull);
    out(STATUS, 1, ACKNOWLEDGE | DRIVER | DRIVER_OK);
    CHECK_EQ(in(STATUS, 1), ACKNOWLEDGE | DRIVER | DRIVER_OK);
    CHECK_EQ(request(0, DISK_SIZE / 512, data, 512), 1); /* behind its end */
    /* The pin follows the status register, which reading clears. */
    CHECK(test_pci_pin(&pci));
    CHECK_EQ(in(ISR, 1), 1);
    CHECK(!test_pci_pin(&pci));
    CHECK_EQ(in(ISR, 1), 0);
    /* A page of zero takes the queue away: what is offered stays where it is. */
    out(QUEUE_ADDRESS, 4, 0);
    CHECK_EQ(in(QUEUE_ADDRESS, 4), 0);
    unsigned before = used_count(&queues[0]);
    offer(&queues[0], &(struct buffer){data, 512, false}, 1);
    CHECK_EQ(used_count(&queues[0]), before);
    /* After a reset it is set up anew from the beginning. */
    driver_begin(0);
    queue_start(0);
    CHECK_EQ(request(0, 5, data, 512), 0);
    machine_devices_destroy(&test->machine);
    block_close(block);
    machine_stop();
    disk_folder_remove(folder);
}

/* --- the network card --- */

static bool far_receive(void *opaque, const uint8_t *frame, size_t len)
{
    (void)opaque;
    sent_len = len;
    memcpy(sent, frame, len < sizeof(sent) ? len : sizeof(sent));
    return true;
}

static void net_start(uint32_t features)
{
    machine_start();
    net_pair_create(&near, &far);
    net_attach(far, &(struct net_handlers){.receive = far_receive});
    struct virtio_net_config config = {.name = "net0", .port = near, .mac = {0x52, 0x54, 0, 1, 2, 3}};
    function_start(virtio_net_create(&test->machine, &config), 0x1000, 1);
    driver_begin(features);
    queue_start(0);
    queue_start(1);
    out(STATUS, 1, ACKNOWLEDGE | DRIVER | DRIVER_OK);
    sent_len = 0;
}

static void net_stop(void)
{
    machine_stop();
    net_close(near);
    net_close(far);
}

/* Appendix C: a header of 10 bytes, of 12 with buffers that can be merged. */
static void frames_go(unsigned header)
{
    uint8_t frame[100];
    for (unsigned i = 0; i < sizeof(frame); i++)
        frame[i] = (uint8_t)(i + 1);
    uint64_t from = alloc(header + sizeof(frame), 64), to = alloc(2048, 64);
    static const uint8_t none[12];
    test_ram_put(test, from, none, header);
    test_ram_put(test, from + header, frame, sizeof(frame));
    offer(&queues[1], &(struct buffer){from, header + (uint32_t)sizeof(frame), false}, 1);
    CHECK_EQ(used_count(&queues[1]), 1);
    CHECK_EQ(sent_len, sizeof(frame));
    CHECK(memcmp(sent, frame, sizeof(frame)) == 0);
    offer(&queues[0], &(struct buffer){to, 2048, true}, 1);
    host_mutex_lock(&test->machine.lock);
    net_send(far, frame, sizeof(frame));
    host_mutex_unlock(&test->machine.lock);
    CHECK_EQ(used_count(&queues[0]), 1);
    CHECK_EQ(test_load(test, queues[0].used + 8, 4), header + sizeof(frame));
    uint8_t got[sizeof(frame)];
    test_ram_get(test, to + header, got, sizeof(got));
    CHECK(memcmp(got, frame, sizeof(frame)) == 0);
}

static void net_short_header(void)
{
    net_start(0);
    frames_go(10);
    net_stop();
}

static void net_mergeable(void)
{
    net_start(1u << NET_F_MRG_RXBUF);
    frames_go(12);
    net_stop();
}

/* The address is the driver's to set; a reset brings back the card's own. */
static void net_address(void)
{
    static const uint8_t other[6] = {2, 4, 6, 8, 10, 12};
    net_start(1u << NET_F_MAC);
    CHECK_EQ(in(CONFIG_VECTOR, 4), 0x01005452);
    for (unsigned i = 0; i < 6; i++)
        out(CONFIG_VECTOR + i, 1, other[i]);
    CHECK_EQ(in(CONFIG_VECTOR, 4), 0x08060402);
    CHECK_EQ(in(CONFIG_VECTOR + 4, 2), 0x0c0a);
    out(STATUS, 1, 0);
    CHECK_EQ(in(CONFIG_VECTOR, 4), 0x01005452);
    net_stop();
}

/* 2.2.2: with MSI-X two more registers move the configuration by four bytes. */
static void vectors(void)
{
    net_start(0);
    unsigned capability = test_pci_capability(&pci, DEVFN, PCI_CAP_MSIX);
    CHECK(capability != 0);
    uint32_t table = test_pci_get(&pci, DEVFN, capability + 4, 4);
    CHECK_EQ(table & 7, 4); /* the BAR behind the ports */
    uint64_t entry = test_pci_bar(&pci, DEVFN, 4) + (table & ~7u) + 16 * 2;
    test_store(test, entry, 4, 0xfee00000);
    test_store(test, entry + 4, 4, 0);
    test_store(test, entry + 8, 4, 0x77);
    test_store(test, entry + 12, 4, 0);
    test_pci_put(&pci, DEVFN, capability + 2, 2, 0x8000);
    CHECK_EQ(in(24, 4), 0x01005452);
    out(CONFIG_VECTOR, 2, 0);
    CHECK_EQ(in(CONFIG_VECTOR, 2), 0);
    out(CONFIG_VECTOR, 2, 99); /* there is no such vector */
    CHECK_EQ(in(CONFIG_VECTOR, 2), 0xffff);
    out(QUEUE_SELECT, 2, 1);
    out(QUEUE_VECTOR, 2, 2);
    CHECK_EQ(in(QUEUE_VECTOR, 2), 2);
    uint64_t from = alloc(100, 64);
    offer(&queues[1], &(struct buffer){from, 100, false}, 1);
    CHECK_EQ(pci.messages, 1);
    CHECK_EQ(pci.last.data, 0x77);
    CHECK_EQ(in(ISR, 1), 0);
    net_stop();
}

/* --- others --- */

static void random_numbers(void)
{
    machine_start();
    function_start(virtio_rng_create(&test->machine, "rng0"), 0x1005, 4);
    driver_begin(0);
    CHECK_EQ(in(HOST_FEATURES, 4) & 0x40000000, 0); /* 2.2.2.1: bit 30 is for what is wrong */
    queue_start(0);
    uint64_t to = alloc(64, 64);
    offer(&queues[0], &(struct buffer){to, 64, true}, 1);
    CHECK(test_loop_until(test, all_used, &queues[0]));
    CHECK_EQ(test_load(test, queues[0].used + 8, 4), 64);
    out(QUEUE_SELECT, 2, 1); /* no second queue */
    CHECK_EQ(in(QUEUE_SIZE, 2), 0);
    out(QUEUE_ADDRESS, 4, 1);
    CHECK_EQ(in(QUEUE_ADDRESS, 4), 0);
    machine_stop();
}

/* A queue where there is no RAM, wild notifications and widths: nothing happens to the host. */
static void wild(void)
{
    machine_start();
    function_start(virtio_rng_create(&test->machine, "rng0"), 0x1005, 4);
    driver_begin(0);
    out(QUEUE_ADDRESS, 4, 0xffffffff);
    out(QUEUE_NOTIFY, 2, 0);
    out(QUEUE_NOTIFY, 2, 0xffff);
    for (unsigned i = 0; i < 128; i++) {
        in(i, 1);
        out(i, 1, 0xff);
    }
    out(STATUS, 1, 0);
    CHECK_EQ(in(STATUS, 1), 0);
    CHECK_EQ(in(QUEUE_ADDRESS, 4), 0);
    machine_stop();
}

static const struct test_case cases[] = {{"disk", disk},
                                         {"net_short_header", net_short_header},
                                         {"net_mergeable", net_mergeable},
                                         {"net_address", net_address},
                                         {"vectors", vectors},
                                         {"random_numbers", random_numbers},
                                         {"wild", wild}};
TEST_SUITE(virtio_legacy_test, "unit", cases);
