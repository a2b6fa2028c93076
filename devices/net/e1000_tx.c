/* Transmission: descriptors, checksum insertion, segmentation, VLAN tags (3.3 to 3.5). */
#include "base/bits.h"
#include "devices/net/e1000_internal.h"

/* Commands in the descriptors; IFCS and RPS ask for nothing here. */
#define CMD_EOP  0x01u
#define CMD_IC   0x04u /* legacy: insert a checksum */
#define CMD_TSE  0x04u /* data: segmentation */
#define CMD_RS   0x08u
#define CMD_DEXT 0x20u
#define CMD_VLE  0x40u

#define CONTEXT_TCP 0x01u
#define CONTEXT_IP  0x02u /* IPv4 */

#define OPTION_IP  0x01u
#define OPTION_TCP 0x02u

#define STATUS_DONE 0x01u

/* Bytes of frames, VLAN tag included, that the wire takes without being told of jumbo ones. */
#define ETHERNET_HEADER 14u
#define FRAME_LEAST     60u

#define TCP_FIN  0x01u
#define TCP_PUSH 0x08u

uint32_t e1000_sum(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += be16_load(bytes + i);
    return len & 1 ? sum + ((uint32_t)bytes[len - 1] << 8) : sum;
}

uint16_t e1000_fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* Put the checksum of [start, end] (end 0: to the frame's end) at an offset; nowhere when that is outside. */
static void checksum_put(uint8_t *frame, uint32_t len, uint32_t offset, uint32_t start, uint32_t end)
{
    uint32_t stop = end && end + 1 < len ? end + 1 : len;
    if (start >= stop || offset + 2 > len)
        return;
    uint16_t sum = (uint16_t)~e1000_fold(e1000_sum(frame + start, stop - start));
    be16_store(frame + offset, sum);
}

static void frame_send(struct e1000 *nic, const uint8_t *frame, uint32_t len)
{
    e1000_count_frame(nic, frame, len, false);
    if (*e1000_reg(nic, RCTL) & RCTL_LBM)
        e1000_receive(nic, frame, len);
    else
        net_send(nic->port, frame, len);
}

/* With its tag, if it gets one, and not shorter than Ethernet allows. */
static void packet_send(struct e1000 *nic, const uint8_t *packet, uint32_t len)
{
    static uint8_t frame[E1000_PACKET_MAX + 4];
    uint32_t tag = nic->packet_command & CMD_VLE && *e1000_reg(nic, CTRL) & CTRL_VME && len >= 12 ? 4 : 0;
    if (len > E1000_PACKET_MAX)
        return;
    memcpy(frame, packet, len < 12 ? len : 12);
    if (tag) {
        be16_store(frame + 12, (uint16_t)*e1000_reg(nic, VET));
        be16_store(frame + 14, nic->vlan);
    }
    if (len > 12)
        memcpy(frame + 12 + tag, packet + 12, len - 12);
    len += tag;
    if (len < FRAME_LEAST) {
        memset(frame + len, 0, FRAME_LEAST - len);
        len = FRAME_LEAST;
    }
    frame_send(nic, frame, len);
}

static void checksums_insert(struct e1000 *nic, uint8_t *packet, uint32_t len)
{
    const struct e1000_context *context = &nic->context;
    if (nic->options & OPTION_TCP)
        checksum_put(packet, len, context->tcp_offset, context->tcp_start, context->tcp_end);
    if (nic->options & OPTION_IP)
        checksum_put(packet, len, context->ip_offset, context->ip_start, context->ip_end);
}

/* 3.5.7: the headers of a segment follow from those of the whole. */
static void headers_adapt(struct e1000 *nic, uint8_t *packet, uint32_t len, bool last)
{
    const struct e1000_context *context = &nic->context;
    uint32_t ip = context->ip_start, tcp = context->tcp_start, segment = nic->segments;
    if (context->command & CONTEXT_IP) {
        be16_store(packet + ip + 2, (uint16_t)(len - ip));
        be16_store(packet + ip + 4, (uint16_t)(be16_load(packet + ip + 4) + segment));
    } else {
        be16_store(packet + ip + 4, (uint16_t)(len - ip - 40));
    }
    if (context->command & CONTEXT_TCP) {
        be32_store(packet + tcp + 4, be32_load(packet + tcp + 4) + segment * context->mss);
        if (!last)
            packet[tcp + 13] &= (uint8_t) ~(TCP_FIN | TCP_PUSH);
    } else {
        be16_store(packet + tcp + 4, (uint16_t)(len - tcp));
    }
    /* The driver left the sum of the pseudo-header without the length. */
    if (nic->options & OPTION_TCP) {
        uint8_t *sum = packet + context->tcp_offset;
        be16_store(sum, e1000_fold((uint64_t)be16_load(sum) + (len - tcp)));
    }
}

static void segment_send(struct e1000 *nic, bool last)
{
    static uint8_t packet[E1000_PACKET_MAX];
    memcpy(packet, nic->packet, nic->gathered);
    headers_adapt(nic, packet, nic->gathered, last);
    checksums_insert(nic, packet, nic->gathered);
    packet_send(nic, packet, nic->gathered);
    nic->segments++;
    nic->gathered = nic->context.header;
}

/* Whether all that segmentation changes lies in the headers. */
static bool context_good(const struct e1000_context *context)
{
    uint32_t tcp = context->tcp_start + (context->command & CONTEXT_TCP ? 20u : 8u);
    return context->mss && context->header >= ETHERNET_HEADER && context->ip_start + 20u <= context->header &&
           tcp <= context->header && context->tcp_offset + 2u <= context->header &&
           context->ip_offset + 2u <= context->header && context->tcp_start >= context->ip_start &&
           context->header + context->mss <= E1000_PACKET_MAX;
}

static void bytes_gather(struct e1000 *nic, uint64_t address, uint32_t len)
{
    while (len && !nic->broken) {
        uint32_t most = nic->segmenting ? (uint32_t)nic->context.header + nic->context.mss : E1000_PACKET_MAX;
        uint32_t piece = len < most - nic->gathered ? len : most - nic->gathered;
        if (!piece || !ram_read(nic->machine->mem.ram, gpa(address), nic->packet + nic->gathered, piece)) {
            log_guest("%s: a packet that is too long, or in no RAM", nic->pci.config.name);
            nic->broken = true;
            return;
        }
        nic->gathered += piece;
        address += piece;
        len -= piece;
        if (nic->segmenting && nic->gathered == most && len)
            segment_send(nic, false);
    }
}

static void packet_end(struct e1000 *nic)
{
    if (nic->segmenting && !nic->broken) {
        if (nic->gathered > nic->context.header)
            segment_send(nic, true);
        e1000_count(nic, TSCTC, 1);
    } else if (!nic->broken && nic->gathered) {
        checksums_insert(nic, nic->packet, nic->gathered);
        packet_send(nic, nic->packet, nic->gathered);
    }
    nic->gathering = nic->segmenting = nic->broken = false;
    nic->gathered = nic->segments = 0;
}

static void context_set(struct e1000 *nic, const uint8_t *descriptor)
{
    uint32_t word = le32_load(descriptor + 8);
    nic->context = (struct e1000_context){.ip_start = descriptor[0],
                                          .ip_offset = descriptor[1],
                                          .ip_end = le16_load(descriptor + 2),
                                          .tcp_start = descriptor[4],
                                          .tcp_offset = descriptor[5],
                                          .tcp_end = le16_load(descriptor + 6),
                                          .payload = word & 0xfffff,
                                          .command = (uint8_t)(word >> 24),
                                          .header = descriptor[13],
                                          .mss = le16_load(descriptor + 14)};
}

/* A descriptor with data, extended or legacy. What holds for the packet is in its first one. */
static void data_take(struct e1000 *nic, const uint8_t *descriptor, bool extended)
{
    uint32_t word = le32_load(descriptor + 8);
    uint8_t command = (uint8_t)(word >> 24);
    if (!nic->gathering) {
        nic->gathering = true;
        nic->packet_command = command;
        nic->options = extended ? descriptor[13] : 0;
        nic->segmenting = extended && command & CMD_TSE;
        nic->broken = nic->segmenting && !context_good(&nic->context);
        if (nic->broken)
            log_guest("%s: segmentation with headers that can't be", nic->pci.config.name);
    }
    bytes_gather(nic, le64_load(descriptor), word & (extended ? 0xfffff : 0xffff));
    if (!(command & CMD_EOP))
        return;
    nic->packet_command |= command & CMD_VLE;
    nic->vlan = le16_load(descriptor + 14);
    if (!extended && command & CMD_IC && !nic->broken) /* from CSS to the end, at CSO */
        checksum_put(nic->packet, nic->gathered, descriptor[10], descriptor[13], 0);
    packet_end(nic);
}

static void descriptor_execute(struct e1000 *nic, const uint8_t *descriptor)
{
    bool extended = descriptor[11] & CMD_DEXT;
    unsigned type = descriptor[10] >> 4;
    if (extended && type == 0)
        context_set(nic, descriptor);
    else if (!extended || type == 1)
        data_take(nic, descriptor, extended);
    else
        log_guest("%s: a transmit descriptor of the unknown type %u", nic->pci.config.name, type);
}

void e1000_transmit(struct e1000 *nic)
{
    struct ram *ram = nic->machine->mem.ram;
    uint32_t count = *e1000_reg(nic, TDLEN) / E1000_DESCRIPTOR, reasons = INT_TX_EMPTY;
    uint64_t base = *e1000_reg(nic, TDBAL) | (uint64_t)*e1000_reg(nic, TDBAH) << 32;
    uint32_t *head = e1000_reg(nic, TDH), tail = *e1000_reg(nic, TDT);
    if (!(*e1000_reg(nic, TCTL) & TCTL_EN) || !pci_bus_master(&nic->pci) || *head == tail || *head >= count)
        return;
    /* A tail outside the ring is never reached: once around is enough. */
    for (uint32_t i = 0; i < count && *head != tail; i++) {
        uint8_t descriptor[E1000_DESCRIPTOR];
        gpa_t place = gpa(base + (uint64_t)*head * E1000_DESCRIPTOR);
        if (!ram_read(ram, place, descriptor, sizeof(descriptor))) {
            log_guest("%s: transmit descriptors where no RAM is", nic->pci.config.name);
            break;
        }
        descriptor_execute(nic, descriptor);
        if (descriptor[11] & CMD_RS) {
            descriptor[12] |= STATUS_DONE;
            ram_write(ram, gpa_add(place, 12), descriptor + 12, 1);
            reasons |= INT_TX_WRITTEN;
        }
        *head = *head + 1 == count ? 0 : *head + 1;
    }
    e1000_interrupt(nic, reasons);
}
