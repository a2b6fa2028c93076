#include "devices/virtio/virtio_net_offload.h"

#include "base/bits.h"

#define ETHERNET_SIZE 14u
#define ETHERNET_TYPE 12u
#define TYPE_IPV4     0x0800
#define TYPE_IPV6     0x86dd
#define IPV4_SIZE_MIN 20u
#define IPV4_LENGTH   2u
#define IPV4_PROTOCOL 9u
#define IPV4_CHECKSUM 10u
#define IPV4_SOURCE   12u /* and the destination after it */
#define IPV6_SIZE     40u
#define IPV6_LENGTH   4u
#define IPV6_NEXT     6u
#define IPV6_SOURCE   8u
#define TCP_SIZE_MIN  20u
#define TCP_CHECKSUM  16u
#define PROTOCOL_TCP  6u

/* RFC 1071: the sum of 16-bit words in ones' complement, to go on with. */
static uint64_t sum_add(uint64_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += be16_load(bytes + i);
    return len % 2 ? sum + ((uint64_t)bytes[len - 1] << 8) : sum;
}

static uint16_t sum_fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

bool net_checksum_fill(uint8_t *frame, size_t len, size_t start, size_t offset)
{
    if (start > len || offset + 2 > len - start)
        return false;
    uint16_t folded = (uint16_t)~sum_fold(sum_add(0, frame + start, len - start));
    be16_store(frame + start + offset,
               folded ? folded : 0xffff); /* zero means none in UDP, and equals this */
    return true;
}

/* The segment behind IP's header, with the pseudo header (RFC 9293, 3.1) of these addresses. */
static bool tcp_finish(uint8_t *frame, size_t len, size_t tcp, const uint8_t *addresses, size_t addresses_len)
{
    if (tcp + TCP_SIZE_MIN > len)
        return false;
    uint64_t sum = sum_add(PROTOCOL_TCP + (len - tcp), addresses, addresses_len);
    be16_store(frame + tcp + TCP_CHECKSUM, sum_fold(sum));
    return net_checksum_fill(frame, len, tcp, TCP_CHECKSUM);
}

static bool ipv4_finish(uint8_t *frame, size_t len)
{
    uint8_t *ip = frame + ETHERNET_SIZE;
    size_t header = (size_t)(ip[0] & 15) * 4;
    if (be16_load(frame + ETHERNET_TYPE) != TYPE_IPV4 || ip[0] >> 4 != 4 || header < IPV4_SIZE_MIN ||
        ETHERNET_SIZE + header > len || ip[IPV4_PROTOCOL] != PROTOCOL_TCP || len - ETHERNET_SIZE > UINT16_MAX)
        return false;
    be16_store(ip + IPV4_LENGTH, (uint16_t)(len - ETHERNET_SIZE));
    be16_store(ip + IPV4_CHECKSUM, 0);
    be16_store(ip + IPV4_CHECKSUM, (uint16_t)~sum_fold(sum_add(0, ip, header)));
    return tcp_finish(frame, len, ETHERNET_SIZE + header, ip + IPV4_SOURCE, 8);
}

static bool ipv6_finish(uint8_t *frame, size_t len)
{
    uint8_t *ip = frame + ETHERNET_SIZE;
    if (be16_load(frame + ETHERNET_TYPE) != TYPE_IPV6 || ip[0] >> 4 != 6 || ip[IPV6_NEXT] != PROTOCOL_TCP ||
        len - ETHERNET_SIZE - IPV6_SIZE > UINT16_MAX)
        return false;
    be16_store(ip + IPV6_LENGTH, (uint16_t)(len - ETHERNET_SIZE - IPV6_SIZE));
    return tcp_finish(frame, len, ETHERNET_SIZE + IPV6_SIZE, ip + IPV6_SOURCE, 32);
}

bool net_segment_finish(uint8_t *frame, size_t len, unsigned gso_type)
{
    if (gso_type == GSO_TCPV4)
        return len >= ETHERNET_SIZE + IPV4_SIZE_MIN && ipv4_finish(frame, len);
    return gso_type == GSO_TCPV6 && len >= ETHERNET_SIZE + IPV6_SIZE && ipv6_finish(frame, len);
}
