/* Expected values are those of Intel's developer's manual 317453; checksums are made here by RFC 1071. */
#include "devices/net/e1000.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "tests/devices/pci_support.h"

#define DEVFN   (4 << 3)
#define RX_RING TEST_RAM_BASE
#define TX_RING (TEST_RAM_BASE + 0x1000)
#define BUFFERS (TEST_RAM_BASE + 0x10000)
#define PACKET  (TEST_RAM_BASE + 0x80000)
#define COUNT   16u

enum { CTRL = 0, STATUS = 8, EECD = 0x10, EERD = 0x14, MDIC = 0x20, ICR = 0xc0, ITR = 0xc4, ICS = 0xc8 };
enum { IMS = 0xd0, IMC = 0xd8, RCTL = 0x100, TCTL = 0x400, RDH = 0x2810, RDT = 0x2818, TDH = 0x3810 };
enum { TDT = 0x3818, RXCSUM = 0x5000, MTA = 0x5200, RAL = 0x5400, VFTA = 0x5600 };

static const uint8_t own[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
static struct test_machine *test;
static struct test_pci pci;
static struct net_port *near, *far;
static uint64_t bar;
static unsigned rx_next, tx_next;

static uint8_t sent[40][2048];
static size_t sent_len[40];
static unsigned sent_count;

static bool far_receive(void *opaque, const uint8_t *frame, size_t len)
{
    (void)opaque;
    if (sent_count < ARRAY_LEN(sent) && len <= sizeof(sent[0])) {
        memcpy(sent[sent_count], frame, len);
        sent_len[sent_count] = len;
    }
    sent_count++;
    return true;
}

static uint32_t get(unsigned offset)
{
    return (uint32_t)test_load(test, bar + offset, 4);
}

static void put(unsigned offset, uint32_t value)
{
    test_store(test, bar + offset, 4, value);
}

static void start(void)
{
    test = test_machine_create(2 * MIB);
    test_pci_start(&pci, test);
    net_pair_create(&near, &far);
    net_attach(far, &(struct net_handlers){.receive = far_receive});
    struct e1000_config config = {.name = "net0", .bus = pci.bus, .devfn = DEVFN, .port = near};
    memcpy(config.mac, own, 6);
    CHECK(e1000_create(&test->machine, &config, NULL) != NULL);
    bar = test_pci_bar(&pci, DEVFN, 0);
    sent_count = rx_next = tx_next = 0;
}

/* Rings as a driver makes them; all but one receive descriptor given. */
static void start_rings(void)
{
    start();
    for (unsigned i = 0; i < COUNT; i++) {
        uint8_t descriptor[16] = {0};
        le64_store(descriptor, BUFFERS + i * 2048);
        test_ram_put(test, RX_RING + 16 * i, descriptor, 16);
    }
    put(0x2800, (uint32_t)RX_RING);
    put(0x2808, COUNT * 16);
    put(0x3800, (uint32_t)TX_RING);
    put(0x3808, COUNT * 16);
    put(RDT, COUNT - 1);
    put(RCTL, 0x04008002); /* on, broadcasts, without the check sequence */
    put(TCTL, 0x0103f0fa);
}

static void finish(void)
{
    test_machine_destroy(test);
    test_pci_finish(&pci);
    net_close(far);
}

static void frame_make(uint8_t *frame, const uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        frame[i] = (uint8_t)(i * 7);
    memcpy(frame, to, 6);
    be16_store(frame + 12, 0x88b5);
}

static void arrive(const uint8_t *frame, size_t len)
{
    host_mutex_lock(&test->machine.lock);
    net_send(far, frame, len);
    host_mutex_unlock(&test->machine.lock);
}

/* The next received descriptor, given back; false: there is none. */
static bool received(uint8_t descriptor[16])
{
    test_ram_get(test, RX_RING + 16 * rx_next, descriptor, 16);
    if (!(descriptor[12] & 1))
        return false;
    uint8_t empty[8] = {0};
    test_ram_put(test, RX_RING + 16 * rx_next + 8, empty, 8);
    put(RDT, rx_next);
    rx_next = (rx_next + 1) % COUNT;
    return true;
}

static void tx_put(uint64_t address, uint32_t low, uint32_t high)
{
    uint8_t descriptor[16];
    le64_store(descriptor, address);
    le32_store(descriptor + 8, low);
    le32_store(descriptor + 12, high);
    test_ram_put(test, TX_RING + 16 * tx_next, descriptor, 16);
    tx_next = (tx_next + 1) % COUNT;
}

static uint16_t sum_of(const uint8_t *bytes, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++)
        sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void identity(void)
{
    start();
    CHECK_EQ(test_pci_get(&pci, DEVFN, 0, 4), 0x100e8086);
    CHECK_EQ(get(STATUS) & 0xc3, 0x83);
    CHECK_EQ(get(RAL), 0x12005452);
    CHECK_EQ(get(RAL + 4), 0x80005634);
    uint16_t sum = 0;
    for (uint32_t i = 0; i < 64; i++) {
        put(EERD, i << 8 | 1);
        uint32_t value = get(EERD);
        CHECK_EQ(value & 0x10, 0x10);
        sum = (uint16_t)(sum + (value >> 16));
        if (i < 3)
            CHECK_EQ(value >> 16, own[2 * i] | own[2 * i + 1] << 8);
    }
    CHECK_EQ(sum, 0xbaba);
    uint64_t ports = test_pci_bar(&pci, DEVFN, 1);
    test_out(test, (uint16_t)ports, 4, RAL);
    CHECK_EQ(test_in(test, (uint16_t)ports + 4, 4), 0x12005452);
    finish();
}

static void eeprom_bit(bool bit)
{
    put(EECD, 0x42 | (bit ? 4 : 0));
    put(EECD, 0x43 | (bit ? 4 : 0));
    put(EECD, 0x42 | (bit ? 4 : 0));
}

/* By hand, as drivers do that know no EERD. */
static void eeprom_serial(void)
{
    start();
    put(EECD, 0x40);
    CHECK_EQ(get(EECD) & 0x1c0, 0x1c0); /* granted, and there is one */
    for (unsigned word = 0; word < 3; word++) {
        unsigned command = 6 << 6 | word;
        uint16_t value = 0;
        put(EECD, 0x42);
        for (int i = 8; i >= 0; i--)
            eeprom_bit(command >> i & 1);
        CHECK_EQ(get(EECD) & 8, 0); /* the zero before the word */
        for (unsigned i = 0; i < 16; i++) {
            eeprom_bit(false);
            value = (uint16_t)(value << 1 | (get(EECD) >> 3 & 1));
        }
        put(EECD, 0x40);
        CHECK_EQ(value, own[2 * word] | own[2 * word + 1] << 8);
    }
    finish();
}

static uint32_t phy(unsigned reg)
{
    put(MDIC, 2u << 26 | 1u << 21 | reg << 16);
    CHECK_EQ(get(MDIC) >> 28 & 5, 1);
    return get(MDIC) & 0xffff;
}

static void phy_registers(void)
{
    start();
    CHECK_EQ(phy(1) & 0x24, 0x24);
    CHECK_EQ(phy(2), 0x0141);
    CHECK_EQ(phy(3), 0x0c20);
    CHECK_EQ(phy(17), 0xac08);
    put(MDIC, 1u << 26 | 1u << 21 | 4 << 16 | 0x01e1);
    CHECK_EQ(phy(4), 0x01e1);
    put(MDIC, 1u << 26 | 1u << 21 | 2 << 16 | 0xffff);
    CHECK_EQ(phy(2), 0x0141);
    put(IMS, 4);
    put(MDIC, 1u << 26 | 1u << 21 | 0 << 16 | 0x1200); /* negotiate again */
    CHECK_EQ(phy(0), 0x1000);
    CHECK(test_pci_pin(&pci));
    CHECK_EQ(get(ICR), 4);
    put(MDIC, 2u << 26 | 2u << 21); /* no such PHY */
    CHECK_EQ(get(MDIC) >> 30 & 1, 1);
    finish();
}

static void interrupts(void)
{
    start();
    put(ICS, 0x80);
    CHECK(!test_pci_pin(&pci));
    put(IMS, 0x80);
    CHECK(test_pci_pin(&pci));
    put(IMC, 0x80);
    CHECK(!test_pci_pin(&pci));
    CHECK_EQ(get(IMS), 0);
    put(IMS, 0x84);
    CHECK_EQ(get(ICR), 0x80); /* cleared by the read */
    CHECK_EQ(get(ICR), 0);
    CHECK(!test_pci_pin(&pci));
    put(ICS, 0x84);
    put(ICR, 0x80);
    CHECK_EQ(get(ICR), 4);
    put(ITR, 1000); /* 256 us */
    put(ICS, 0x80);
    CHECK(test_pci_pin(&pci));
    get(ICR);
    put(ICS, 0x80);
    CHECK(!test_pci_pin(&pci));
    test_advance(test, 255000);
    CHECK(!test_pci_pin(&pci));
    test_advance(test, 1000);
    CHECK(test_pci_pin(&pci));
    finish();
}

static void receives(void)
{
    uint8_t frame[1514], descriptor[16], data[1600];
    start_rings();
    put(IMS, 0x80);
    frame_make(frame, own, 1514);
    arrive(frame, 1514);
    CHECK(test_pci_pin(&pci));
    CHECK(get(ICR) & 0x80);
    CHECK(received(descriptor));
    CHECK_EQ(le16_load(descriptor + 8), 1514);
    CHECK_EQ(descriptor[12], 0x07); /* done, end, no checksums checked */
    CHECK_EQ(descriptor[13], 0);
    test_ram_get(test, BUFFERS, data, 1514);
    CHECK_MEM(data, frame, 1514);
    /* With the check sequence, and made as long as the shortest. */
    put(RCTL, 0x00008002);
    arrive(frame, 20);
    CHECK(received(descriptor));
    CHECK_EQ(le16_load(descriptor + 8), 64);
    test_ram_get(test, BUFFERS + 2048, data, 64);
    CHECK_MEM(data, frame, 20);
    CHECK_EQ(le32_load(data + 60), crc32(0, data, 60));
    /* Over several buffers of 256 bytes. */
    put(RCTL, 0x04038002);
    arrive(frame, 600);
    CHECK(received(descriptor) && descriptor[12] == 1 && le16_load(descriptor + 8) == 256);
    CHECK(received(descriptor) && descriptor[12] == 1 && le16_load(descriptor + 8) == 256);
    CHECK(received(descriptor) && descriptor[12] == 7 && le16_load(descriptor + 8) == 88);
    put(RCTL, 0);
    arrive(frame, 100);
    CHECK(!received(descriptor));
    finish();
}

static void full_ring(void)
{
    uint8_t frame[100], descriptor[16];
    start_rings();
    put(IMS, 0x50);
    frame_make(frame, own, sizeof(frame));
    for (unsigned i = 0; i < COUNT + 4; i++) {
        frame[20] = (uint8_t)i;
        arrive(frame, sizeof(frame));
    }
    CHECK_EQ(get(RDH), COUNT - 1);
    CHECK_EQ(get(ICR) & 0x50, 0x50); /* few left, none left */
    unsigned count = 0;
    uint8_t data;
    for (unsigned next = rx_next; received(descriptor); next = rx_next) {
        test_ram_get(test, BUFFERS + next * 2048 + 20, &data, 1);
        CHECK_EQ(data, count);
        count++;
    }
    CHECK(count >= COUNT); /* those that waited came when there was room */
    finish();
}

static bool takes(const uint8_t *to)
{
    uint8_t frame[80], descriptor[16];
    frame_make(frame, to, sizeof(frame));
    arrive(frame, sizeof(frame));
    return received(descriptor);
}

static void filters(void)
{
    static const uint8_t other[6] = {0x52, 0x54, 0, 9, 9, 9}, all[6] = {255, 255, 255, 255, 255, 255};
    static const uint8_t group[6] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb};
    start_rings();
    CHECK(takes(own));
    CHECK(takes(all));
    CHECK(!takes(other));
    CHECK(!takes(group));
    put(RCTL, 0x04000002);
    CHECK(!takes(all));
    put(RCTL, 0x0400800a); /* all stations */
    CHECK(takes(other) && !takes(group));
    put(RCTL, 0x04008012); /* all groups */
    CHECK(!takes(other) && takes(group));
    put(RCTL, 0x04008002);
    unsigned hash = (0xfb00 >> 4) & 0xfff; /* bits 47 to 36 of the address */
    put(MTA + 4 * (hash / 32), 1u << (hash & 31));
    CHECK(takes(group));
    put(RAL + 8, 0x09005452);
    put(RAL + 12, 0x80000909);
    CHECK(takes(other));
    finish();
}

static void vlan(void)
{
    uint8_t frame[104], descriptor[16], data[128];
    start_rings();
    frame_make(frame, own, sizeof(frame));
    be16_store(frame + 12, 0x8100);
    be16_store(frame + 14, 0x6065);
    be16_store(frame + 16, 0x88b5);
    put(RCTL, 0x04048002); /* filtered */
    arrive(frame, sizeof(frame));
    CHECK(!received(descriptor));
    put(VFTA + 4 * (0x65 / 32), 1u << (0x65 & 31));
    put(CTRL, get(CTRL) | 1u << 30);
    arrive(frame, sizeof(frame));
    CHECK(received(descriptor));
    CHECK_EQ(descriptor[12] & 8, 8);
    CHECK_EQ(le16_load(descriptor + 14), 0x6065);
    CHECK_EQ(le16_load(descriptor + 8), 100);
    test_ram_get(test, BUFFERS, data, 100);
    CHECK_EQ(be16_load(data + 12), 0x88b5);
    /* And out again with a tag put in. */
    test_ram_put(test, PACKET, data, 100);
    tx_put(PACKET, 100 | 0x4b000000u, 0x60650000);
    put(TDT, tx_next);
    CHECK_EQ(sent_len[0], 104);
    CHECK_MEM(sent[0], frame, 104);
    finish();
}

/* An IPv4 packet with TCP; every field a driver leaves to the controller may be wrong. */
static void tcp_make(uint8_t *packet, size_t payload)
{
    frame_make(packet, own, 54 + payload);
    be16_store(packet + 12, 0x0800);
    uint8_t *ip = packet + 14, *tcp = packet + 34;
    memcpy(ip, "\x45\0\0\0\x12\x34\x40\0\x40\x06\0\0\x0a\0\0\x01\x0a\0\0\x02", 20);
    be16_store(ip + 2, (uint16_t)(40 + payload));
    memcpy(tcp, "\x04\xd2\0\x50\0\x01\0\0\0\0\0\0\x50\x19\x10\0\0\0\0\0", 20);
}

static bool ip_sum_good(const uint8_t *packet)
{
    return sum_of(packet + 14, 20, 0) == 0xffff;
}

static bool tcp_sum_good(const uint8_t *packet)
{
    uint32_t len = be16_load(packet + 16) - 20u;
    return sum_of(packet + 34, len, sum_of(packet + 26, 8, 6 + len)) == 0xffff;
}

static void receive_checksums(void)
{
    uint8_t packet[254], descriptor[16];
    start_rings();
    tcp_make(packet, 200);
    be16_store(packet + 24, (uint16_t)~sum_of(packet + 14, 20, 0));
    be16_store(packet + 50, (uint16_t)~sum_of(packet + 34, 220, sum_of(packet + 26, 8, 6 + 220)));
    CHECK(ip_sum_good(packet) && tcp_sum_good(packet));
    arrive(packet, sizeof(packet));
    CHECK(received(descriptor));
    CHECK_EQ(descriptor[12] & 0x64, 0x60);
    CHECK_EQ(descriptor[13], 0);
    packet[100] ^= 1;
    arrive(packet, sizeof(packet));
    CHECK(received(descriptor));
    CHECK_EQ(descriptor[13], 0x20);
    packet[100] ^= 1;
    packet[22] ^= 1; /* the time to live */
    arrive(packet, sizeof(packet));
    CHECK(received(descriptor));
    CHECK_EQ(descriptor[13], 0x40);
    put(RXCSUM, 0x0e); /* only the sum from byte 14 on */
    arrive(packet, sizeof(packet));
    CHECK(received(descriptor));
    CHECK_EQ(descriptor[12] & 0x64, 0x04);
    CHECK_EQ(le16_load(descriptor + 10), sum_of(packet + 14, sizeof(packet) - 14, 0));
    finish();
}

static void transmits(void)
{
    uint8_t frame[1514], status;
    start_rings();
    put(IMS, 1);
    frame_make(frame, own, sizeof(frame));
    test_ram_put(test, PACKET, frame, sizeof(frame));
    tx_put(PACKET, 700, 0); /* in two parts */
    tx_put(PACKET + 700, 814 | 0x0b000000u, 0);
    put(TDT, tx_next);
    CHECK_EQ(get(TDH), 2);
    CHECK_EQ(sent_count, 1);
    CHECK_EQ(sent_len[0], 1514);
    CHECK_MEM(sent[0], frame, 1514);
    test_ram_get(test, TX_RING + 12, &status, 1);
    CHECK_EQ(status, 0); /* no report was asked for */
    test_ram_get(test, TX_RING + 28, &status, 1);
    CHECK_EQ(status, 1);
    CHECK(test_pci_pin(&pci));
    CHECK_EQ(get(ICR) & 3, 3);
    tx_put(PACKET, 10 | 0x03000000u, 0); /* filled up */
    put(TDT, tx_next);
    CHECK_EQ(sent_len[1], 60);
    CHECK_EQ(sent[1][10], 0);
    /* A checksum as the legacy descriptor has it: from byte 20 on, at byte 30. */
    tx_put(PACKET, 100 | 30u << 16 | 0x07000000u, 20u << 8);
    put(TDT, tx_next);
    CHECK_EQ(be16_load(sent[2] + 30), (uint16_t)~sum_of(frame + 20, 80, 0));
    /* Around the ring. */
    for (unsigned i = 0; i < 3 * COUNT; i++) {
        tx_put(PACKET, 100 | 0x01000000u, 0);
        put(TDT, tx_next);
    }
    CHECK_EQ(sent_count, 3 + 3 * COUNT);
    finish();
}

static void context_put(uint8_t command, uint8_t header, uint16_t mss, uint32_t payload)
{
    /* IP from 14 to 33, its sum at 24; TCP from 34 to the end, its sum at 50. */
    tx_put(14 | 24u << 8 | 33u << 16 | (uint64_t)34 << 32 | (uint64_t)50 << 40,
           payload | (uint32_t)command << 24, (uint32_t)header << 8 | (uint32_t)mss << 16);
}

static void transmit_checksums(void)
{
    uint8_t packet[254];
    start_rings();
    tcp_make(packet, 200);
    be16_store(packet + 50, sum_of(packet + 26, 8, 6 + 220)); /* the pseudo header's */
    test_ram_put(test, PACKET, packet, sizeof(packet));
    context_put(0x20 | 3, 0, 0, 0);
    tx_put(PACKET, 54 | 1u << 20 | 0x20000000u, 0x0300);
    tx_put(PACKET + 54, 200 | 1u << 20 | 0x2b000000u, 0x0300);
    put(TDT, tx_next);
    CHECK_EQ(sent_len[0], 254);
    CHECK(ip_sum_good(sent[0]));
    CHECK(tcp_sum_good(sent[0]));
    CHECK_MEM(sent[0] + 54, packet + 54, 200);
    finish();
}

static void segmentation(void)
{
    static uint8_t packet[54 + 5000];
    start_rings();
    tcp_make(packet, 5000);
    be16_store(packet + 16, 0);
    be16_store(packet + 50, sum_of(packet + 26, 8, 6)); /* without the length */
    test_ram_put(test, PACKET, packet, sizeof(packet));
    context_put(0x20 | 4 | 3, 54, 1460, 5000);
    tx_put(PACKET, 54 | 1u << 20 | 0x24000000u, 0x0300);
    tx_put(PACKET + 54, 3000 | 1u << 20 | 0x24000000u, 0x0300);
    tx_put(PACKET + 3054, 2000 | 1u << 20 | 0x2d000000u, 0x0300);
    put(TDT, tx_next);
    CHECK_EQ(sent_count, 4);
    for (unsigned i = 0; i < 4; i++) {
        unsigned payload = i < 3 ? 1460 : 5000 - 3 * 1460;
        test_context("segment %u", i);
        CHECK_EQ(sent_len[i], 54 + payload);
        CHECK_EQ(be16_load(sent[i] + 16), 40 + payload);
        CHECK_EQ(be16_load(sent[i] + 18), 0x1234 + i);
        CHECK_EQ(be32_load(sent[i] + 38), 0x10000 + 1460 * i);
        CHECK_EQ(sent[i][47], i < 3 ? 0x10 : 0x19); /* FIN and PSH on the last */
        CHECK(ip_sum_good(sent[i]));
        CHECK(tcp_sum_good(sent[i]));
        CHECK_MEM(sent[i] + 54, packet + 54 + 1460 * i, payload);
    }
    test_context(NULL);
    CHECK_EQ(get(0x40f8), 1);
    /* Headers that can't be, and a packet too long: nothing is sent. */
    context_put(0x20 | 4 | 3, 20, 1460, 5000);
    tx_put(PACKET, 3000 | 1u << 20 | 0x2d000000u, 0x0300);
    tx_put(PACKET, 0xfffff | 1u << 20 | 0x29000000u, 0);
    put(TDT, tx_next);
    CHECK_EQ(sent_count, 4);
    tx_put(PACKET, 100 | 0x01000000u, 0);
    put(TDT, tx_next);
    CHECK_EQ(sent_count, 5);
    finish();
}

static void statistics(void)
{
    uint8_t frame[600];
    static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
    start_rings();
    frame_make(frame, all, sizeof(frame));
    arrive(frame, 60);
    arrive(frame, 600);
    CHECK_EQ(get(0x4074), 2);
    CHECK_EQ(get(0x4074), 0);
    CHECK_EQ(get(0x4078), 2); /* broadcasts */
    CHECK_EQ(get(0x405c), 1);
    CHECK_EQ(get(0x406c), 1); /* 512 to 1023 */
    CHECK_EQ(get(0x40c0), 64 + 604);
    CHECK_EQ(get(0x40c4), 0);
    CHECK_EQ(get(0x40c0), 0);
    tx_put(PACKET, 100 | 0x01000000u, 0);
    put(TDT, tx_next);
    CHECK_EQ(get(0x40d4), 1);
    CHECK_EQ(get(0x4090), 104);
    finish();
}

static void resets(void)
{
    start_rings();
    put(IMS, 0xff);
    put(RAL, 0);
    put(CTRL, get(CTRL) | 1u << 26);
    CHECK_EQ(get(CTRL) >> 26 & 1, 0);
    CHECK_EQ(get(RCTL) | get(TCTL) | get(IMS) | get(RDT), 0);
    CHECK_EQ(get(RAL), 0x12005452);
    put(RAL, 1);
    test_save_load(test);
    CHECK_EQ(get(RAL), 1);
    test_reset(test);
    bar = test_pci_bar(&pci, DEVFN, 0);
    CHECK_EQ(get(RAL), 0x12005452);
    finish();
}

static const struct test_case cases[] = {
    {"identity", identity},
    {"eeprom_serial", eeprom_serial},
    {"phy_registers", phy_registers},
    {"interrupts", interrupts},
    {"receives", receives},
    {"full_ring", full_ring},
    {"filters", filters},
    {"vlan", vlan},
    {"receive_checksums", receive_checksums},
    {"transmits", transmits},
    {"transmit_checksums", transmit_checksums},
    {"segmentation", segmentation},
    {"statistics", statistics},
    {"resets", resets},
};
TEST_SUITE(e1000_test, "unit", cases);
