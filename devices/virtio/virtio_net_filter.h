/*
 * Which frames a virtio network card lets through to its driver (Virtual I/O Device 1.2, 5.1.6.5): receive
 * modes, MAC address table and VLANs, as set through the control queue.
 */
#pragma once

#include "base/types.h"

#define NET_FILTER_MACS 64

struct net_filter {
    uint8_t promiscuous, all_multicast, all_unicast, no_multicast, no_unicast, no_broadcast;
    uint8_t unicast_overflow, multicast_overflow; /* the driver has more addresses than the table */
    uint8_t unicast_count, multicast_count;
    uint8_t macs[NET_FILTER_MACS * 6]; /* unicast ones first */
    uint8_t vlan_used;
    uint32_t vlans[4096 / 32];
};

/* Whether a frame (of at least 14 bytes) for the card with address `mac` goes through. */
bool net_filter_accepts(const struct net_filter *filter, const uint8_t *mac, const uint8_t *frame,
                        size_t len);

/* Commands of the control queue: false when they are not understood. */
bool net_filter_set_mode(struct net_filter *filter, uint8_t command, const uint8_t *data, size_t len);
bool net_filter_set_table(struct net_filter *filter, const uint8_t *data, size_t len);
bool net_filter_set_vlan(struct net_filter *filter, uint8_t command, const uint8_t *data, size_t len);
