/* Reception: address filters, descriptors, checksum checking, VLAN tags (3.2). */
#include <zlib.h>

#include "base/bits.h"
#include "devices/net/e1000_internal.h"

/* Status and errors in a descriptor. */
#define RX_DONE      0x01u
#define RX_END       0x02u
#define RX_UNCHECKED 0x04u
#define RX_VLAN      0x08u
#define RX_TCP       0x20u
#define RX_IP        0x40u
#define RX_INEXACT   0x80u
#define RX_TCP_BAD   0x20u
#define RX_IP_BAD    0x40u

#define RXCSUM_START 0xffu
#define RXCSUM_IP    0x100u
#define RXCSUM_TCP   0x200u

#define RAH_VALID 0x80000000u

#define FRAME_LEAST 60u
#define FRAME_MOST  1518u /* with a VLAN tag, without the check sequence */
#define CRC_SIZE    4u

/* 13.4.22: 12 bits of the address choose one of 4096 in the table. */
static bool multicast_wanted(const struct e1000 *nic, const uint8_t *address)
{
    static const uint8_t shifts[4] = {4, 3, 2, 0};
    unsigned shift = shifts[nic->registers[RCTL / 4] >> 12 & 3];
    unsigned hash = (unsigned)(le16_load(address + 4) >> shift) & 0xfff;
    return nic->registers[MTA / 4 + hash / 32] >> (hash & 31) & 1;
}

/* The sixteen exact addresses. */
static bool address_listed(const struct e1000 *nic, const uint8_t *address)
{
    for (unsigned i = 0; i < 16; i++) {
        uint32_t low = nic->registers[RAL / 4 + 2 * i], high = nic->registers[RAL / 4 + 2 * i + 1];
        if (high & RAH_VALID && le32_load(address) == low && le16_load(address + 4) == (high & 0xffff))
            return true;
    }
    return false;
}

static bool is_broadcast(const uint8_t *address)
{
    return le32_load(address) == 0xffffffff && le16_load(address + 4) == 0xffff;
}

static bool vlan_wanted(const struct e1000 *nic, uint16_t tag)
{
    uint32_t word = nic->registers[VFTA / 4 + (tag >> 5 & 0x7f)];
    return !(nic->registers[RCTL / 4] & RCTL_VFE) || word >> (tag & 31) & 1;
}

/* Whether the frame is for this station; *status tells when that is only likely. */
static bool frame_wanted(const struct e1000 *nic, const uint8_t *frame, uint8_t *status)
{
    uint32_t rctl = nic->registers[RCTL / 4];
    if (is_broadcast(frame) && rctl & (RCTL_BAM | RCTL_MPE))
        return true;
    if (address_listed(nic, frame))
        return true;
    *status |= RX_INEXACT;
    return frame[0] & 1 ? rctl & RCTL_MPE || multicast_wanted(nic, frame) : (rctl & RCTL_UPE) != 0;
}

static uint32_t buffer_size(const struct e1000 *nic)
{
    uint32_t rctl = nic->registers[RCTL / 4], size = 2048u >> (rctl >> 16 & 3);
    if (!(rctl & RCTL_BSEX))
        return size;
    return size == 2048 ? 2048 : size * 16;
}

static uint32_t ring_count(const struct e1000 *nic)
{
    return nic->registers[RDLEN / 4] / E1000_DESCRIPTOR;
}

/* Descriptors the driver has given; none when the registers make no ring. */
static uint32_t ring_free(const struct e1000 *nic)
{
    uint32_t count = ring_count(nic), head = nic->registers[RDH / 4], tail = nic->registers[RDT / 4];
    if (head >= count || tail >= count)
        return 0;
    return (tail + count - head) % count;
}

struct checks {
    uint8_t status, errors;
    uint16_t sum;
};

/* IPv4 and, whole in this packet, TCP or UDP: with its checks in order, or told that it is not. */
static void ipv4_check(const struct e1000 *nic, const uint8_t *ip, size_t len, struct checks *checks)
{
    uint32_t wanted = nic->registers[RXCSUM / 4];
    size_t header = (ip[0] & 0xfu) * 4, total = len < 20 ? 0 : be16_load(ip + 2);
    if (header < 20 || total < header || total > len)
        return;
    bool trusted = nic->port && nic->port->checksums_good;
    if (wanted & RXCSUM_IP) {
        checks->status |= RX_IP;
        if (!trusted && e1000_fold(e1000_sum(ip, header)) != 0xffff)
            checks->errors |= RX_IP_BAD;
    }
    uint8_t protocol = ip[9];
    bool fragment = be16_load(ip + 6) & 0x3fff;
    size_t payload = total - header;
    if (!(wanted & RXCSUM_TCP) || fragment ||
        !(protocol == 6 ? payload >= 20 : protocol == 17 && payload >= 8))
        return;
    if (protocol == 17 && !be16_load(ip + header + 6)) /* sent without */
        return;
    uint64_t sum = (uint64_t)e1000_sum(ip + 12, 8) + protocol + payload + e1000_sum(ip + header, payload);
    checks->status |= RX_TCP;
    if (!trusted && e1000_fold(sum) != 0xffff)
        checks->errors |= RX_TCP_BAD;
}

static struct checks frame_check(const struct e1000 *nic, const uint8_t *frame, size_t len)
{
    struct checks checks = {0};
    uint32_t start = nic->registers[RXCSUM / 4] & RXCSUM_START;
    if (start < len)
        checks.sum = e1000_fold(e1000_sum(frame + start, len - start));
    if (len >= 34 && be16_load(frame + 12) == 0x0800)
        ipv4_check(nic, frame + 14, len - 14, &checks);
    if (!(checks.status & (RX_IP | RX_TCP)))
        checks.status |= RX_UNCHECKED;
    return checks;
}

/* One buffer of the frame; false: the descriptor or its buffer is no RAM. */
static bool buffer_fill(struct e1000 *nic, const uint8_t *bytes, uint32_t len, bool last,
                        const struct checks *checks, uint16_t vlan)
{
    struct ram *ram = nic->machine->mem.ram;
    uint32_t *head = e1000_reg(nic, RDH);
    uint64_t base = *e1000_reg(nic, RDBAL) | (uint64_t)*e1000_reg(nic, RDBAH) << 32;
    gpa_t place = gpa(base + (uint64_t)*head * E1000_DESCRIPTOR);
    uint8_t descriptor[E1000_DESCRIPTOR];
    bool there = ram_read(ram, place, descriptor, sizeof(descriptor));
    if (there && le64_load(descriptor)) /* a buffer at 0 is none */
        there = ram_write(ram, gpa(le64_load(descriptor)), bytes, len);
    le16_store(descriptor + 8, (uint16_t)len);
    le16_store(descriptor + 10, checks->sum);
    descriptor[12] = last ? checks->status | RX_DONE | RX_END : RX_DONE;
    descriptor[13] = last ? checks->errors : 0;
    le16_store(descriptor + 14, last ? vlan : 0);
    there = there && ram_write(ram, gpa_add(place, 8), descriptor + 8, 8);
    *head = *head + 1 == ring_count(nic) ? 0 : *head + 1;
    return there;
}

static void frame_store(struct e1000 *nic, const uint8_t *frame, uint32_t len, const struct checks *checks,
                        uint16_t vlan)
{
    uint32_t size = buffer_size(nic);
    for (uint32_t done = 0; done < len; done += size) {
        uint32_t piece = len - done < size ? len - done : size;
        if (!buffer_fill(nic, frame + done, piece, done + piece == len, checks, vlan))
            log_guest("%s: receive descriptors or buffers where no RAM is", nic->pci.config.name);
    }
    /* RDMTS: half, a quarter or an eighth of the descriptors are left. */
    uint32_t rctl = *e1000_reg(nic, RCTL), low = ring_count(nic) >> ((rctl >> 8 & 3) + 1);
    e1000_interrupt(nic, INT_RX | (ring_free(nic) <= low ? INT_RX_LOW : 0));
}

bool e1000_receive(void *opaque, const uint8_t *frame, size_t len)
{
    struct e1000 *nic = opaque;
    static uint8_t copy[NET_FRAME_MAX + FRAME_LEAST + CRC_SIZE];
    uint32_t rctl = *e1000_reg(nic, RCTL);
    uint8_t inexact = 0;
    uint16_t vlan = 0;
    bool tagged = len >= 18 && be16_load(frame + 12) == (uint16_t)*e1000_reg(nic, VET);
    if (!(rctl & RCTL_EN) || !pci_bus_master(&nic->pci) || len < 14 || len > NET_FRAME_MAX ||
        (tagged && !vlan_wanted(nic, be16_load(frame + 14))) || !frame_wanted(nic, frame, &inexact))
        return true;
    if (len > FRAME_MOST && !(rctl & RCTL_LPE)) {
        e1000_count(nic, ROC, 1);
        return true;
    }
    uint32_t size = (uint32_t)len, most = size + FRAME_LEAST + CRC_SIZE;
    if ((uint64_t)ring_free(nic) * buffer_size(nic) < most) {
        e1000_count(nic, RNBC, 1);
        e1000_interrupt(nic, INT_RX_OVERRUN);
        return false;
    }
    e1000_count_frame(nic, frame, len, true);
    memcpy(copy, frame, size);
    if (tagged && *e1000_reg(nic, CTRL) & CTRL_VME) {
        vlan = be16_load(frame + 14);
        memmove(copy + 12, copy + 16, size - 16);
        size -= 4;
    }
    struct checks checks = frame_check(nic, copy, size);
    checks.status |= inexact | (vlan || (tagged && *e1000_reg(nic, CTRL) & CTRL_VME) ? RX_VLAN : 0);
    if (size < FRAME_LEAST) {
        memset(copy + size, 0, FRAME_LEAST - size);
        size = FRAME_LEAST;
    }
    if (!(rctl & RCTL_SECRC)) {
        le32_store(copy + size, (uint32_t)crc32(0, copy, size));
        size += CRC_SIZE;
    }
    frame_store(nic, copy, size, &checks, vlan);
    return true;
}
