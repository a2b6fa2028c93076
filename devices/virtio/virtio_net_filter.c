#include "devices/virtio/virtio_net_filter.h"

#include "base/bits.h"

#define CTRL_RX_PROMISC  0
#define CTRL_RX_ALLMULTI 1
#define CTRL_RX_ALLUNI   2
#define CTRL_RX_NOMULTI  3
#define CTRL_RX_NOUNI    4
#define CTRL_RX_NOBCAST  5

#define CTRL_VLAN_ADD 0
#define CTRL_VLAN_DEL 1

#define ETHERTYPE_VLAN 0x8100

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static bool table_has(const struct net_filter *filter, unsigned from, unsigned count, const uint8_t *mac)
{
    for (unsigned i = 0; i < count; i++) {
        if (memcmp(filter->macs + (size_t)(from + i) * 6, mac, 6) == 0)
            return true;
    }
    return false;
}

static bool vlan_accepts(const struct net_filter *filter, const uint8_t *frame, size_t len)
{
    if (!filter->vlan_used || len < 16 || be16_load(frame + 12) != ETHERTYPE_VLAN)
        return true;
    unsigned vlan = be16_load(frame + 14) & 0xfff;
    return filter->vlans[vlan / 32] >> (vlan % 32) & 1;
}

bool net_filter_accepts(const struct net_filter *filter, const uint8_t *mac, const uint8_t *frame, size_t len)
{
    if (filter->promiscuous)
        return true;
    if (!vlan_accepts(filter, frame, len))
        return false;
    if (memcmp(frame, broadcast, 6) == 0)
        return !filter->no_broadcast;
    if (frame[0] & 1)
        return !filter->no_multicast &&
               (filter->all_multicast || filter->multicast_overflow ||
                table_has(filter, filter->unicast_count, filter->multicast_count, frame));
    return !filter->no_unicast &&
           (filter->all_unicast || filter->unicast_overflow || memcmp(frame, mac, 6) == 0 ||
            table_has(filter, 0, filter->unicast_count, frame));
}

bool net_filter_set_mode(struct net_filter *filter, uint8_t command, const uint8_t *data, size_t len)
{
    if (len != 1)
        return false;
    uint8_t on = data[0] != 0;
    switch (command) {
    case CTRL_RX_PROMISC: filter->promiscuous = on; return true;
    case CTRL_RX_ALLMULTI: filter->all_multicast = on; return true;
    case CTRL_RX_ALLUNI: filter->all_unicast = on; return true;
    case CTRL_RX_NOMULTI: filter->no_multicast = on; return true;
    case CTRL_RX_NOUNI: filter->no_unicast = on; return true;
    case CTRL_RX_NOBCAST: filter->no_broadcast = on; return true;
    default: return false;
    }
}

/* One list of addresses, a count before it; how many bytes it takes, or 0 when it does not fit the data. */
static size_t list_size(const uint8_t *data, size_t len)
{
    if (len < 4)
        return 0;
    uint64_t size = 4 + (uint64_t)le32_load(data) * 6;
    return size <= len ? (size_t)size : 0;
}

bool net_filter_set_table(struct net_filter *filter, const uint8_t *data, size_t len)
{
    size_t unicast = list_size(data, len);
    size_t multicast = unicast ? list_size(data + unicast, len - unicast) : 0;
    if (!multicast || unicast + multicast != len)
        return false;
    size_t unicasts = (unicast - 4) / 6, multicasts = (multicast - 4) / 6;
    filter->unicast_overflow = unicasts > NET_FILTER_MACS;
    filter->unicast_count = filter->unicast_overflow ? 0 : (uint8_t)unicasts;
    filter->multicast_overflow = multicasts > (size_t)NET_FILTER_MACS - filter->unicast_count;
    filter->multicast_count = filter->multicast_overflow ? 0 : (uint8_t)multicasts;
    memcpy(filter->macs, data + 4, (size_t)filter->unicast_count * 6);
    memcpy(filter->macs + (size_t)filter->unicast_count * 6, data + unicast + 4,
           (size_t)filter->multicast_count * 6);
    return true;
}

bool net_filter_set_vlan(struct net_filter *filter, uint8_t command, const uint8_t *data, size_t len)
{
    if (len != 2 || command > CTRL_VLAN_DEL)
        return false;
    unsigned vlan = le16_load(data);
    if (vlan >= 4096)
        return false;
    uint32_t bit = 1u << (vlan % 32);
    if (command == CTRL_VLAN_ADD)
        filter->vlans[vlan / 32] |= bit;
    else
        filter->vlans[vlan / 32] &= ~bit;
    return true;
}
