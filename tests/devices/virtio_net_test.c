/* The virtio network card (Virtual I/O Device 1.2, 5.1) with the far end of a pair as the network. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/virtio/virtio_net.h"
#include "tests/devices/virtio_support.h"

enum {
    F_CSUM = 0,
    F_GUEST_CSUM = 1,
    F_MAC = 5,
    F_HOST_TSO4 = 11,
    F_HOST_TSO6 = 12,
    F_MRG_RXBUF = 15,
    F_STATUS = 16,
    F_CTRL_VQ = 17,
    F_CTRL_RX = 18,
    F_CTRL_VLAN = 19,
    F_CTRL_RX_EXTRA = 20,
    F_MQ = 22,
    F_CTRL_MAC_ADDR = 23
};

#define HEADER 12
static const uint8_t own[6] = {0x52, 0x54, 0, 1, 2, 3};

static struct guest *guest;
static struct virtio_device *device;
static struct net_port *near, *far;

/* What came out of the card. */
static uint8_t sent[0x10100];
static size_t sent_len;
static unsigned sent_count;

static bool far_receive(void *opaque, const uint8_t *frame, size_t len)
{
    (void)opaque;
    sent_count++;
    sent_len = len;
    memcpy(sent, frame, len < sizeof(sent) ? len : sizeof(sent));
    return true;
}

static void set_up(enum guest_transport transport, uint64_t extra, unsigned pairs, unsigned queues)
{
    guest = guest_create(transport);
    net_pair_create(&near, &far);
    near->checksums_good = near->takes_large = true;
    net_attach(far, &(struct net_handlers){.receive = far_receive});
    struct virtio_net_config config = {.name = "net0", .port = near, .queue_pairs = pairs};
    memcpy(config.mac, own, 6);
    device = virtio_net_create(&guest->test->machine, &config);
    guest_attach(guest, device);
    guest_start(guest, guest_core_features(extra & 1ull << 63, false) | (extra & ~(1ull << 63)), queues, 64);
    sent_count = 0;
}
#define PACKED (1ull << 63) /* in `extra`: not a feature we negotiate otherwise */

static void tear_down(void)
{
    test_context(NULL);
    guest_destroy(guest);
    net_close(near);
    net_close(far);
}

static void frame_make(uint8_t *frame, const uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        frame[i] = (uint8_t)(i * 7);
    memcpy(frame, to, 6);
    frame[12] = 0x08;
}

/* Send through the card: header and frame in two buffers. */
static void transmit(const uint8_t *header, const uint8_t *frame, uint32_t len)
{
    uint64_t at = guest_alloc(guest, HEADER), data = guest_alloc(guest, len);
    test_ram_put(guest->test, at, header, HEADER);
    test_ram_put(guest->test, data, frame, len);
    const struct guest_buffer buffers[] = {{at, HEADER, false}, {data, len, false}};
    guest_add(guest, 1, buffers, 2, false);
    guest_kick(guest, 1);
    uint16_t id;
    uint32_t used;
    CHECK(guest_used(guest, 1, &id, &used));
    CHECK_EQ(used, 0);
}

static uint64_t receive_buffer_add(uint32_t len)
{
    uint64_t at = guest_alloc(guest, len);
    guest_add(guest, 0, &(struct guest_buffer){at, len, true}, 1, false);
    return at;
}

static void network_sends(const uint8_t *frame, size_t len)
{
    host_mutex_lock(&guest->test->machine.lock);
    net_send(far, frame, len);
    host_mutex_unlock(&guest->test->machine.lock);
}

/* A TCP segment with `data` bytes as a driver leaves it: no lengths, no checksums; its length. */
static uint32_t segment_make(uint8_t *frame, bool ipv6, uint32_t data)
{
    uint32_t ip = ipv6 ? 40 : 20, len = 14 + ip + 20 + data;
    for (uint32_t i = 0; i < len; i++)
        frame[i] = (uint8_t)(i * 7);
    memset(frame + 14, 0, ip + 20);
    be16_store(frame + 12, ipv6 ? 0x86dd : 0x0800);
    frame[14] = ipv6 ? 0x60 : 0x45;
    frame[14 + (ipv6 ? 6 : 9)] = 6; /* TCP */
    for (uint32_t i = 0; i < (ipv6 ? 32 : 8); i++)
        frame[14 + (ipv6 ? 8 : 12) + i] = (uint8_t)(i + 1);
    frame[14 + ip + 12] = 0x50;
    return len;
}

/* RFC 1071: over everything with its checksum in it, the sum is all ones. */
static uint32_t ones_sum(uint32_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* Who takes large segments gets them whole, as valid packets. */
static void large_segments(void)
{
    static uint8_t frame[0x10100];
    static const uint32_t sizes[] = {1, 1460, 30001, 65535 - 60};
    for (unsigned kind = 0; kind < 2 * ARRAY_LEN(sizes); kind++) {
        bool ipv6 = kind & 1;
        uint32_t size = sizes[kind / 2], ip = ipv6 ? 40 : 20, len = segment_make(frame, ipv6, size);
        uint8_t header[HEADER] = {1, ipv6 ? 4 : 1};
        le16_store(header + 2, (uint16_t)(14 + ip + 20));
        le16_store(header + 4, 1460);
        le16_store(header + 6, (uint16_t)(14 + ip));
        le16_store(header + 8, 16);
        set_up((enum guest_transport)(kind % GUEST_TRANSPORTS),
               VIRTIO_BIT(F_CSUM) | VIRTIO_BIT(F_HOST_TSO4) | VIRTIO_BIT(F_HOST_TSO6), 1, 2);
        test_context("ipv6 %u, %u bytes", ipv6, size);
        transmit(header, frame, len);
        CHECK_EQ(sent_count, 1);
        CHECK_EQ(sent_len, len);
        CHECK_MEM(sent + 14 + ip + 20, frame + 14 + ip + 20, size);
        if (ipv6) {
            CHECK_EQ(be16_load(sent + 14 + 4), 20 + size);
        } else {
            CHECK_EQ(be16_load(sent + 14 + 2), 40 + size);
            CHECK_EQ(ones_sum(0, sent + 14, 20), 0xffff);
        }
        uint32_t pseudo = ones_sum(6 + 20 + size, sent + 14 + (ipv6 ? 8 : 12), ipv6 ? 32 : 8);
        CHECK_EQ(ones_sum(pseudo, sent + 14 + ip, 20 + size), 0xffff);
        tear_down();
    }
}

/* What was not negotiated, or is no such segment, is not sent; and the card goes on. */
static void large_segments_refused(void)
{
    static uint8_t frame[4000];
    enum log_level level = log_level_get();
    log_level_set(LOG_QUIET);
    uint32_t len = segment_make(frame, false, 3000);
    uint8_t header[HEADER] = {1, 1, 54, 0, 0xb4, 5, 34, 0, 16};
    set_up(GUEST_MMIO, VIRTIO_BIT(F_CSUM), 1, 2);
    transmit(header, frame, len);
    CHECK_EQ(sent_count, 0);
    tear_down();
    set_up(GUEST_MMIO, VIRTIO_BIT(F_CSUM) | VIRTIO_BIT(F_HOST_TSO4), 1, 2);
    transmit(header, frame, 14 + 20 + 19); /* half a TCP header */
    frame[14] = 0x46;                      /* with options there is none */
    transmit(header, frame, 14 + 20 + 20);
    frame[14] = 0x44;
    transmit(header, frame, len);
    frame[14] = 0x45;
    frame[14 + 9] = 17;
    transmit(header, frame, len);
    frame[14 + 9] = 6;
    header[1] = 4; /* IPv6 was not negotiated */
    transmit(header, frame, len);
    for (unsigned type = 2; type < 256; type++) {
        header[1] = (uint8_t)type;
        transmit(header, frame, len);
        guest->heap = TEST_RAM_BASE + 0x100000; /* the buffers are not in use any more */
    }
    CHECK_EQ(sent_count, 0);
    header[1] = 1;
    transmit(header, frame, len);
    CHECK_EQ(sent_count, 1);
    tear_down();
    /* It goes with checksums (5.1.3.1). */
    guest = guest_create(GUEST_MMIO);
    net_pair_create(&near, &far);
    near->takes_large = true;
    guest_attach(guest, virtio_net_create(&guest->test->machine,
                                          &(struct virtio_net_config){.name = "net0", .port = near}));
    CHECK(guest_offered(guest) & VIRTIO_BIT(F_HOST_TSO4));
    CHECK(!guest_negotiate(guest, guest_core_features(false, false) | VIRTIO_BIT(F_HOST_TSO4)));
    tear_down();
    log_level_set(level);
}

static void both_ways(void)
{
    for (unsigned kind = 0; kind < GUEST_TRANSPORTS * 2; kind++) {
        set_up((enum guest_transport)(kind / 2), kind & 1 ? PACKED : 0, 1, 2);
        test_context("transport %u, packed %u", kind / 2, kind & 1);
        const uint8_t header[HEADER] = {0};
        uint8_t frame[1514], got[HEADER + 1514];
        for (unsigned round = 0; round < 50; round++) {
            uint32_t len = 60 + round * 29;
            frame_make(frame, own, len);
            transmit(header, frame, len);
            CHECK_EQ(sent_count, round + 1);
            CHECK_EQ(sent_len, len);
            CHECK_MEM(sent, frame, len);
            uint64_t buffer = receive_buffer_add(HEADER + 1514);
            guest_kick(guest, 0);
            network_sends(frame, len);
            uint16_t id;
            uint32_t used;
            if (!CHECK(guest_used(guest, 0, &id, &used)))
                break;
            CHECK_EQ(used, HEADER + len);
            test_ram_get(guest->test, buffer, got, used);
            CHECK_EQ(le16_load(got + 10), 1);
            CHECK_MEM(got + HEADER, frame, len);
            CHECK(guest_interrupted(guest));
        }
        tear_down();
    }
}

/* A frame over several buffers, with and without the feature that allows it. */
static void mergeable_buffers(void)
{
    uint8_t frame[1000], got[1100];
    uint16_t id;
    uint32_t used;
    frame_make(frame, own, sizeof(frame));
    for (unsigned packed = 0; packed < 2; packed++) {
        set_up(GUEST_MMIO, VIRTIO_BIT(F_MRG_RXBUF) | (packed ? PACKED : 0), 1, 2);
        uint64_t buffers[8];
        for (unsigned i = 0; i < 3; i++)
            buffers[i] = receive_buffer_add(300);
        guest_kick(guest, 0);
        network_sends(frame, sizeof(frame)); /* 1012 bytes don't go into 900 yet */
        CHECK(!guest_used(guest, 0, &id, &used));
        buffers[3] = receive_buffer_add(300);
        guest_kick(guest, 0);
        size_t len = 0;
        for (unsigned i = 0; i < 4; i++) {
            if (!CHECK(guest_used(guest, 0, &id, &used)))
                break;
            CHECK_EQ(used, i < 3 ? 300 : 112);
            test_ram_get(guest->test, buffers[i], got + len, used);
            len += used;
        }
        CHECK_EQ(le16_load(got + 10), 4);
        CHECK_MEM(got + HEADER, frame, sizeof(frame));
        tear_down();
    }
    set_up(GUEST_MMIO, 0, 1, 2);
    receive_buffer_add(300);
    receive_buffer_add(1514);
    guest_kick(guest, 0);
    network_sends(frame, sizeof(frame)); /* lost: the next buffer is too small */
    CHECK(!guest_used(guest, 0, &id, &used));
    network_sends(frame, 60);
    CHECK(guest_used(guest, 0, &id, &used));
    CHECK_EQ(used, HEADER + 60);
    tear_down();
}

/* RFC 1071 over what the driver asked for; the expected sums are worked out by hand. */
static void checksums(void)
{
    set_up(GUEST_MMIO, VIRTIO_BIT(F_CSUM) | VIRTIO_BIT(F_GUEST_CSUM), 1, 2);
    uint8_t frame[60] = {0}, header[HEADER] = {1};
    memcpy(frame, own, 6);
    le16_store(header + 6, 54);
    le16_store(header + 8, 2);
    /* 0x1234 + 0x0001 (the pseudo header, in the field) + 0xfff0 = 0x11225, folded 0x1226 */
    be16_store(frame + 54, 0x1234);
    be16_store(frame + 56, 0x0001);
    be16_store(frame + 58, 0xfff0);
    transmit(header, frame, sizeof(frame));
    CHECK_EQ(sent_count, 1);
    CHECK_EQ(be16_load(sent + 56), 0xedd9);
    /* A sum of 0xffff gives 0, which is sent as its other form. */
    be16_store(frame + 54, 0xfffe);
    be16_store(frame + 58, 0);
    transmit(header, frame, sizeof(frame));
    CHECK_EQ(be16_load(sent + 56), 0xffff);
    /* Outside the frame: dropped. */
    le16_store(header + 6, 59);
    transmit(header, frame, sizeof(frame));
    le16_store(header + 6, 0xffff);
    transmit(header, frame, sizeof(frame));
    CHECK_EQ(sent_count, 2);
    /* Segmentation was not offered: dropped. */
    header[0] = 0;
    header[1] = 1;
    transmit(header, frame, sizeof(frame));
    CHECK_EQ(sent_count, 2);
    /* What a backend that can be trusted delivers is marked as good. */
    uint64_t buffer = receive_buffer_add(200);
    guest_kick(guest, 0);
    network_sends(frame, 60);
    CHECK_EQ(test_load(guest->test, buffer, 1), 2);
    tear_down();
}

static uint8_t command(uint8_t class, uint8_t code, const void *data, uint32_t len)
{
    uint64_t at = guest_alloc(guest, 2 + len), ack = guest_alloc(guest, 1);
    const uint8_t start[2] = {class, code};
    test_ram_put(guest->test, at, start, 2);
    if (len)
        test_ram_put(guest->test, at + 2, data, len);
    test_store(guest->test, ack, 1, 0xee);
    const struct guest_buffer buffers[] = {{at, 2 + len, false}, {ack, 1, true}};
    guest_add(guest, 2, buffers, 2, false);
    guest_kick(guest, 2);
    uint16_t id;
    uint32_t used;
    CHECK(guest_used(guest, 2, &id, &used));
    return (uint8_t)test_load(guest->test, ack, 1);
}

/* Whether a frame to an address gets through. */
static bool gets_through(const uint8_t *to)
{
    uint8_t frame[60];
    uint16_t id;
    uint32_t used;
    frame_make(frame, to, sizeof(frame));
    receive_buffer_add(100);
    guest_kick(guest, 0);
    network_sends(frame, sizeof(frame));
    return guest_used(guest, 0, &id, &used);
}

static void receive_filter(void)
{
    static const uint8_t other[6] = {0x52, 0x54, 0, 9, 9, 9}, third[6] = {0x52, 0x54, 0, 8, 8, 8};
    static const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1}, all[6] = {255, 255, 255, 255, 255, 255};
    static const uint8_t on[1] = {1}, off[1] = {0};
    set_up(GUEST_MMIO,
           VIRTIO_BIT(F_CTRL_VQ) | VIRTIO_BIT(F_CTRL_RX) | VIRTIO_BIT(F_CTRL_RX_EXTRA) |
               VIRTIO_BIT(F_CTRL_MAC_ADDR),
           1, 3);
    CHECK(gets_through(other)); /* everything, until the driver says otherwise */
    CHECK_EQ(command(0, 0, off, 1), 0);
    CHECK(!gets_through(other));
    CHECK(gets_through(own));
    CHECK(gets_through(all));
    CHECK(!gets_through(group));
    CHECK_EQ(command(0, 1, on, 1), 0); /* all multicast */
    CHECK(gets_through(group));
    CHECK_EQ(command(0, 1, off, 1), 0);
    CHECK_EQ(command(0, 5, on, 1), 0); /* no broadcast */
    CHECK(!gets_through(all));
    uint8_t table[4 + 6 + 4 + 6];
    le32_store(table, 1);
    memcpy(table + 4, other, 6);
    le32_store(table + 10, 1);
    memcpy(table + 14, group, 6);
    CHECK_EQ(command(1, 0, table, sizeof(table)), 0);
    CHECK(gets_through(other));
    CHECK(gets_through(group));
    CHECK(!gets_through(third));
    CHECK_EQ(command(1, 1, third, 6), 0); /* an address of the driver's choice */
    CHECK(gets_through(third));
    CHECK(!gets_through(own));
    CHECK_EQ(guest_config(guest, 5, 1), 8);
    /* Commands that are none, or lie about their length. */
    CHECK_EQ(command(0, 0, on, 0), 1);
    CHECK_EQ(command(0, 77, on, 1), 1);
    CHECK_EQ(command(9, 0, on, 1), 1);
    CHECK_EQ(command(1, 1, third, 5), 1);
    le32_store(table, 0xffffffff);
    CHECK_EQ(command(1, 0, table, sizeof(table)), 1);
    CHECK_EQ(command(4, 0, table, 2), 1); /* not negotiated */
    /* A reset forgets all that. */
    guest_start(guest, guest->features, 3, 64);
    CHECK_EQ(guest_config(guest, 5, 1), 3);
    CHECK(gets_through(other));
    tear_down();
}

static void vlans(void)
{
    set_up(GUEST_MMIO, VIRTIO_BIT(F_CTRL_VQ) | VIRTIO_BIT(F_CTRL_RX) | VIRTIO_BIT(F_CTRL_VLAN), 1, 3);
    uint8_t off = 0, frame[60], id_bytes[2];
    uint16_t id;
    uint32_t used;
    frame_make(frame, own, sizeof(frame));
    be16_store(frame + 12, 0x8100);
    be16_store(frame + 14, 0x2005); /* priority 1, VLAN 5 */
    CHECK_EQ(command(0, 0, &off, 1), 0);
    receive_buffer_add(100);
    guest_kick(guest, 0);
    network_sends(frame, sizeof(frame));
    CHECK(!guest_used(guest, 0, &id, &used));
    le16_store(id_bytes, 5);
    CHECK_EQ(command(2, 0, id_bytes, 2), 0);
    network_sends(frame, sizeof(frame));
    CHECK(guest_used(guest, 0, &id, &used));
    le16_store(id_bytes, 4096);
    CHECK_EQ(command(2, 0, id_bytes, 2), 1);
    tear_down();
}

/* Answers come in on the pair that the question went out on. */
static void queue_pairs(void)
{
    guest = NULL;
    set_up(GUEST_PCI_MSIX, VIRTIO_BIT(F_CTRL_VQ) | VIRTIO_BIT(F_MQ), 3, 7);
    CHECK_EQ(guest_config(guest, 8, 2), 3);
    uint64_t at = guest_alloc(guest, 4), ack = guest_alloc(guest, 1);
    const uint8_t set[4] = {4, 0, 3, 0};
    test_ram_put(guest->test, at, set, 4);
    const struct guest_buffer buffers[] = {{at, 4, false}, {ack, 1, true}};
    guest_add(guest, 6, buffers, 2, false); /* control comes behind all pairs */
    guest_kick(guest, 6);
    uint16_t id;
    uint32_t used;
    CHECK(guest_used(guest, 6, &id, &used));
    CHECK_EQ(test_load(guest->test, ack, 1), 0);
    uint8_t frame[HEADER + 60] = {0}, *ip = frame + HEADER + 14;
    frame_make(frame + HEADER, own, 60);
    ip[0] = 0x45;
    ip[9] = 6;
    be32_store(ip + 12, 0x0a000001);
    be32_store(ip + 16, 0x0a000002);
    be16_store(ip + 20, 1111);
    be16_store(ip + 22, 80);
    memcpy(frame + HEADER + 12, "\x08\x00", 2);
    at = guest_alloc(guest, sizeof(frame));
    test_ram_put(guest->test, at, frame, sizeof(frame));
    guest_add(guest, 3, &(struct guest_buffer){at, sizeof(frame), false}, 1, false);
    guest_kick(guest, 3);
    CHECK_EQ(sent_count, 1);
    uint64_t to = guest_alloc(guest, 200);
    guest_add(guest, 2, &(struct guest_buffer){to, 200, true}, 1, false);
    be32_store(ip + 12, 0x0a000002);
    be32_store(ip + 16, 0x0a000001);
    be16_store(ip + 20, 80);
    be16_store(ip + 22, 1111);
    guest_kick(guest, 2);
    network_sends(frame + HEADER, 60);
    CHECK(guest_used(guest, 2, &id, &used));
    tear_down();
}

static void link_state(void)
{
    set_up(GUEST_MMIO, VIRTIO_BIT(F_STATUS), 1, 2);
    CHECK_EQ(guest_config(guest, 6, 2), 1);
    uint32_t generation = (uint32_t)test_load(guest->test, guest->registers + 0xfc, 4);
    host_mutex_lock(&guest->test->machine.lock);
    virtio_net_link_set(device, false);
    host_mutex_unlock(&guest->test->machine.lock);
    CHECK_EQ(guest_config(guest, 6, 2), 0);
    CHECK(test_load(guest->test, guest->registers + 0xfc, 4) != generation);
    CHECK_EQ(test_load(guest->test, guest->registers + 0x60, 4), 2);
    CHECK(guest_interrupted(guest));
    CHECK(!gets_through(own));
    /* A subset that makes no sense together. */
    CHECK(!guest_negotiate(guest, guest_core_features(false, false) | VIRTIO_BIT(F_CTRL_RX)));
    tear_down();
}

/* Before DRIVER_OK and after a break nothing is touched. */
static void frames_nobody_wants(void)
{
    set_up(GUEST_MMIO, 0, 1, 2);
    const uint8_t header[HEADER] = {0}, tiny[1] = {0};
    transmit(header, tiny, 1);
    CHECK_EQ(sent_count, 0);
    guest_status_set(guest, 0);
    uint8_t frame[60];
    frame_make(frame, own, 60);
    network_sends(frame, 60);
    network_sends(frame, 5);
    CHECK_EQ(guest_status(guest), 0);
    tear_down();
}

/* 5.1.6.1: without VERSION_1 and mergeable buffers the header has no number of buffers. */
static void short_header(void)
{
    uint8_t frame[100], bytes[128];
    frame_make(frame, own, sizeof(frame));
    for (unsigned i = 0; i < 2; i++) {
        guest = guest_create(i ? GUEST_LEGACY : GUEST_MMIO);
        net_pair_create(&near, &far);
        net_attach(far, &(struct net_handlers){.receive = far_receive});
        struct virtio_net_config config = {.name = "net0", .port = near};
        memcpy(config.mac, own, 6);
        device = virtio_net_create(&guest->test->machine, &config);
        guest_attach(guest, device);
        guest_start(guest, VIRTIO_BIT(F_MAC), 2, 64);
        sent_count = 0;
        uint64_t at = guest_alloc(guest, 10 + sizeof(frame));
        test_ram_put(guest->test, at + 10, frame, sizeof(frame));
        guest_add(guest, 1, &(struct guest_buffer){at, 10 + sizeof(frame), false}, 1, false);
        guest_kick(guest, 1);
        CHECK_EQ(sent_count, 1);
        CHECK_EQ(sent_len, sizeof(frame));
        CHECK(memcmp(sent, frame, sizeof(frame)) == 0);
        uint64_t in = receive_buffer_add(sizeof(bytes));
        guest_kick(guest, 0);
        network_sends(frame, sizeof(frame));
        uint16_t id;
        uint32_t used;
        CHECK(guest_used(guest, 0, &id, &used));
        CHECK_EQ(used, 10 + sizeof(frame));
        test_ram_get(guest->test, in, bytes, sizeof(bytes));
        CHECK(memcmp(bytes + 10, frame, sizeof(frame)) == 0);
        tear_down();
    }
}

static const struct test_case cases[] = {
    {"both_ways", both_ways},
    {"mergeable_buffers", mergeable_buffers},
    {"large_segments", large_segments},
    {"large_segments_refused", large_segments_refused},
    {"checksums", checksums},
    {"receive_filter", receive_filter},
    {"vlans", vlans},
    {"queue_pairs", queue_pairs},
    {"link_state", link_state},
    {"frames_nobody_wants", frames_nobody_wants},
    {"short_header", short_header},
};
TEST_SUITE(virtio_net_test, "unit", cases);
