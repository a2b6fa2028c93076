/*
 * Virtual I/O Device 1.2, 5.1. Queues: receive and transmit of each pair, then control. Checksums a driver
 * leaves to the card are computed here, so that no backend needs to know of them.
 */
#include "devices/virtio/virtio_net.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/virtio/virtio_net_filter.h"
#include "devices/virtio/virtio_net_offload.h"

#define VIRTIO_NET_F_CSUM          0
#define VIRTIO_NET_F_GUEST_CSUM    1
#define VIRTIO_NET_F_MAC           5
#define VIRTIO_NET_F_HOST_TSO4     11
#define VIRTIO_NET_F_HOST_TSO6     12
#define VIRTIO_NET_F_MRG_RXBUF     15
#define VIRTIO_NET_F_STATUS        16
#define VIRTIO_NET_F_CTRL_VQ       17
#define VIRTIO_NET_F_CTRL_RX       18
#define VIRTIO_NET_F_CTRL_VLAN     19
#define VIRTIO_NET_F_CTRL_RX_EXTRA 20
#define VIRTIO_NET_F_MQ            22
#define VIRTIO_NET_F_CTRL_MAC_ADDR 23
#define VIRTIO_NET_F_SPEED_DUPLEX  63

/* The configuration space (5.1.4). */
#define CONFIG_MAC       0
#define CONFIG_STATUS    6
#define CONFIG_MAX_PAIRS 8
#define CONFIG_SPEED     12
#define CONFIG_DUPLEX    16
#define CONFIG_SIZE      17
#define STATUS_LINK_UP   1
#define SPEED_MBIT       10000
#define DUPLEX_FULL      1

/* The header before every frame (5.1.6). */
#define HEADER_FLAGS       0
#define HEADER_GSO_TYPE    1
#define HEADER_CSUM_START  6
#define HEADER_CSUM_OFFSET 8
#define HEADER_NUM_BUFFERS 10
#define HEADER_SIZE        12u
#define HEADER_LEGACY      10u /* without the number of buffers */
#define HDR_F_NEEDS_CSUM   1u
#define HDR_F_DATA_VALID   2u

/* The control queue (5.1.6.5): class, command, data, acknowledgement. */
#define CTRL_CLASS_RX      0
#define CTRL_CLASS_MAC     1
#define CTRL_CLASS_VLAN    2
#define CTRL_CLASS_MQ      4
#define CTRL_MAC_TABLE_SET 0
#define CTRL_MAC_ADDR_SET  1
#define CTRL_MQ_PAIRS_SET  0
#define CTRL_ACK_OK        0
#define CTRL_ACK_ERROR     1
#define CTRL_COMMAND_MAX   8192u

#define QUEUE_SIZE 256u
#define PAIRS_MAX  ((VIRTIO_QUEUES_MAX - 1) / 2)
#define FRAME_MIN  14u
#define FLOWS      256u

struct virtio_net {
    struct virtio_device device;
    char table_name[sizeof(((struct virtio_device *)0)->name) + 8];
    struct net_port *port;
    unsigned pairs_max;
    uint8_t factory_mac[6];
    bool link_up;

    /* What the state table saves. */
    uint8_t mac[6];
    uint16_t pairs;       /* in use */
    uint8_t flows[FLOWS]; /* by hash: the pair that last sent a frame of the flow */
    struct net_filter filter;

    uint8_t frame[HEADER_SIZE + NET_FRAME_MAX];
};

static struct virtio_net *net_of(struct virtio_device *device)
{
    return container_of(device, struct virtio_net, device);
}

/* --- receive steering (5.1.6.5.6): a flow comes in on the pair that its other direction goes out on --- */

/* The same for both directions of a flow: sums of both ends' addresses and ports. */
static unsigned flow_hash(const uint8_t *frame, size_t len)
{
    const uint8_t *ip = frame + 14;
    uint32_t sum = 0;
    if (len >= 14 + 20 + 4 && be16_load(frame + 12) == 0x0800) {
        size_t header = (size_t)(ip[0] & 15) * 4;
        sum = be32_load(ip + 12) + be32_load(ip + 16);
        if (14 + header + 4 <= len && (ip[9] == 6 || ip[9] == 17))
            sum += (uint32_t)be16_load(ip + header) + be16_load(ip + header + 2);
    } else if (len >= 14 + 40 + 4 && be16_load(frame + 12) == 0x86dd) {
        for (unsigned i = 0; i < 32; i += 4)
            sum += be32_load(ip + 8 + i);
        if (ip[6] == 6 || ip[6] == 17)
            sum += (uint32_t)be16_load(ip + 40) + be16_load(ip + 42);
    }
    return (sum ^ sum >> 8 ^ sum >> 16 ^ sum >> 24) % FLOWS;
}

/* 5.1.6.1: before version 1 the number of buffers was there with mergeable ones only. */
static unsigned header_size(const struct virtio_net *net)
{
    bool whole =
        virtio_has(&net->device, VIRTIO_F_VERSION_1) || virtio_has(&net->device, VIRTIO_NET_F_MRG_RXBUF);
    return whole ? HEADER_SIZE : HEADER_LEGACY;
}

/* --- transmit --- */

/* What the driver left to do; false: it left what was not offered, or it can't be done. */
static bool frame_finish(const struct virtio_net *net, const uint8_t *header, uint8_t *frame, size_t len)
{
    unsigned gso = header[HEADER_GSO_TYPE];
    unsigned needed = gso == GSO_TCPV4   ? VIRTIO_NET_F_HOST_TSO4
                      : gso == GSO_TCPV6 ? VIRTIO_NET_F_HOST_TSO6
                                         : VIRTIO_NET_F_CSUM;
    bool checksum = header[HEADER_FLAGS] & HDR_F_NEEDS_CSUM;
    if (gso == GSO_NONE && !checksum)
        return true;
    if (!virtio_has(&net->device, needed))
        return false;
    if (gso != GSO_NONE)
        return net_segment_finish(frame, len, gso);
    return net_checksum_fill(frame, len, le16_load(header + HEADER_CSUM_START),
                             le16_load(header + HEADER_CSUM_OFFSET));
}

/* Copy a frame out of guest memory and make it ready to send; its length, or 0 when there is none. */
static size_t frame_fetch(struct virtio_net *net, const struct virtqueue_chain *chain)
{
    unsigned header = header_size(net);
    if (chain->out_len < header + FRAME_MIN || chain->out_len > sizeof(net->frame))
        return 0;
    size_t len = virtqueue_chain_read(chain, 0, net->frame, sizeof(net->frame)) - header;
    return frame_finish(net, net->frame, net->frame + header, len) ? len : 0;
}

static void transmit(struct virtio_net *net, struct virtqueue *queue)
{
    struct virtqueue_chain *chain;
    while ((chain = virtqueue_pop(queue))) {
        size_t len = frame_fetch(net, chain);
        const uint8_t *frame = net->frame + header_size(net);
        if (len) {
            if (net->pairs > 1)
                net->flows[flow_hash(frame, len)] = (uint8_t)(queue->index / 2);
            if (net->link_up)
                net_send(net->port, frame, len);
        } else {
            log_guest("%s: a frame of %u bytes that can't be sent", net->device.name, chain->out_len);
        }
        virtqueue_push(chain, 0);
    }
    virtqueue_notify(queue);
}

/* --- receive --- */

/* Pop chains until they hold `need` bytes: one, or with mergeable buffers as many as it takes. Returns how
 * many, 0 when there is no room now. */
static unsigned chains_collect(struct virtqueue *queue, size_t need, struct virtqueue_chain **chains,
                               unsigned max, bool *too_small)
{
    size_t room = 0;
    unsigned count = 0;
    *too_small = false;
    while (room < need && count < max) {
        struct virtqueue_chain *chain = virtqueue_pop(queue);
        if (!chain)
            break;
        chains[count++] = chain;
        room += chain->in_len;
    }
    if (room >= need)
        return count;
    *too_small = count == max;
    while (count)
        virtqueue_unpop(chains[--count]);
    return 0;
}

/* Put header and frame into the receive queue; false: no room now. */
static bool frame_deliver(struct virtio_net *net, struct virtqueue *queue, const uint8_t *frame, size_t len)
{
    struct virtqueue_chain *chains[64];
    bool mergeable = virtio_has(&net->device, VIRTIO_NET_F_MRG_RXBUF), too_small;
    unsigned size = header_size(net);
    unsigned count = chains_collect(queue, size + len, chains, mergeable ? ARRAY_LEN(chains) : 1, &too_small);
    if (count == 0) {
        if (too_small)
            log_guest("%s: receive buffers too small for a frame of %zu bytes, which is lost",
                      net->device.name, len);
        return too_small;
    }
    uint8_t header[HEADER_SIZE] = {0};
    if (net->port->checksums_good && virtio_has(&net->device, VIRTIO_NET_F_GUEST_CSUM))
        header[HEADER_FLAGS] = HDR_F_DATA_VALID;
    le16_store(header + HEADER_NUM_BUFFERS, (uint16_t)count);
    /* 5.1.6.4: a buffer may be too small for the header as well, without mergeable ones no more than that. */
    size_t done = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t used = 0;
        if (done < size)
            used = virtqueue_chain_write(chains[i], 0, header + done, size - done);
        if (done + used >= size)
            used += virtqueue_chain_write(chains[i], used, frame + (done + used - size),
                                          size + len - done - used);
        done += used;
        virtqueue_push(chains[i], (uint32_t)used);
    }
    virtqueue_notify(queue);
    return true;
}

static bool port_receive(void *opaque, const uint8_t *frame, size_t len)
{
    struct virtio_net *net = opaque;
    if (!virtio_running(&net->device) || !net->link_up || len < FRAME_MIN || len > NET_FRAME_MAX ||
        !net_filter_accepts(&net->filter, net->mac, frame, len))
        return true; /* nobody wants it */
    unsigned pair = net->pairs > 1 ? net->flows[flow_hash(frame, len)] % net->pairs : 0;
    return frame_deliver(net, &net->device.queues[2 * pair], frame, len);
}

/* --- control --- */

static bool mac_command(struct virtio_net *net, uint8_t command, const uint8_t *data, size_t len)
{
    if (command == CTRL_MAC_TABLE_SET)
        return net_filter_set_table(&net->filter, data, len);
    if (command != CTRL_MAC_ADDR_SET || len != sizeof(net->mac))
        return false;
    memcpy(net->mac, data, sizeof(net->mac));
    return true;
}

static bool pairs_command(struct virtio_net *net, uint8_t command, const uint8_t *data, size_t len)
{
    if (command != CTRL_MQ_PAIRS_SET || len != 2)
        return false;
    unsigned pairs = le16_load(data);
    if (pairs == 0 || pairs > net->pairs_max)
        return false;
    net->pairs = (uint16_t)pairs;
    return true;
}

static bool command_run(struct virtio_net *net, const uint8_t *command, size_t len)
{
    const struct virtio_device *device = &net->device;
    const uint8_t *data = command + 2;
    size_t left = len - 2;
    switch (command[0]) {
    case CTRL_CLASS_RX:
        return virtio_has(device, command[1] < 2 ? VIRTIO_NET_F_CTRL_RX : VIRTIO_NET_F_CTRL_RX_EXTRA) &&
               net_filter_set_mode(&net->filter, command[1], data, left);
    case CTRL_CLASS_MAC: return mac_command(net, command[1], data, left);
    case CTRL_CLASS_VLAN:
        return virtio_has(device, VIRTIO_NET_F_CTRL_VLAN) &&
               net_filter_set_vlan(&net->filter, command[1], data, left);
    case CTRL_CLASS_MQ:
        return virtio_has(device, VIRTIO_NET_F_MQ) && pairs_command(net, command[1], data, left);
    default: return false;
    }
}

static void control(struct virtio_net *net, struct virtqueue *queue)
{
    struct virtqueue_chain *chain;
    while ((chain = virtqueue_pop(queue))) {
        uint8_t command[CTRL_COMMAND_MAX];
        if (chain->in_len == 0 || chain->out_len < 2) {
            log_guest("%s: a control command without its header or its acknowledgement", net->device.name);
            virtqueue_drop(chain);
            virtio_break(&net->device);
            return;
        }
        size_t len = virtqueue_chain_read(chain, 0, command, sizeof(command));
        uint8_t ack = chain->out_len <= CTRL_COMMAND_MAX && command_run(net, command, len) ? CTRL_ACK_OK
                                                                                           : CTRL_ACK_ERROR;
        virtqueue_chain_write(chain, 0, &ack, 1);
        virtqueue_push(chain, 1);
    }
    virtqueue_notify(queue);
}

/* --- the device --- */

static void net_notify(struct virtio_device *device, struct virtqueue *queue)
{
    struct virtio_net *net = net_of(device);
    /* 5.1.2: without VIRTIO_NET_F_MQ the driver knows of one pair, and control comes right after it. */
    unsigned pairs = virtio_has(device, VIRTIO_NET_F_MQ) ? net->pairs_max : 1;
    if (queue->index == 2 * pairs)
        control(net, queue);
    else if (queue->index > 2 * pairs)
        return;
    else if (queue->index % 2)
        transmit(net, queue);
    else
        net_receive_ready(net->port);
}

static bool net_features_acceptable(struct virtio_device *device, uint64_t features)
{
    /* 5.1.3.1: all of these are commands of the control queue. */
    uint64_t needing_control = VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_VLAN) |
                               VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) | VIRTIO_BIT(VIRTIO_NET_F_MQ) |
                               VIRTIO_BIT(VIRTIO_NET_F_CTRL_MAC_ADDR);
    uint64_t needing_checksums = VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO6);
    const char *missing = NULL;
    if (features & needing_control && !(features & VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ)))
        missing = "VIRTIO_NET_F_CTRL_VQ";
    else if (features & needing_checksums && !(features & VIRTIO_BIT(VIRTIO_NET_F_CSUM)))
        missing = "VIRTIO_NET_F_CSUM";
    if (missing)
        log_guest("%s: features that need %s accepted without it", device->name, missing);
    return !missing;
}

static void net_config_read(struct virtio_device *device, uint8_t *config)
{
    const struct virtio_net *net = net_of(device);
    memcpy(config + CONFIG_MAC, net->mac, sizeof(net->mac));
    le16_store(config + CONFIG_STATUS, net->link_up ? STATUS_LINK_UP : 0);
    le16_store(config + CONFIG_MAX_PAIRS, (uint16_t)net->pairs_max);
    le32_store(config + CONFIG_SPEED, SPEED_MBIT);
    config[CONFIG_DUPLEX] = DUPLEX_FULL;
}

/* 5.1.4.1: without a command for it, a driver from before version 1 sets the address here. */
static void net_config_write(struct virtio_device *device, unsigned offset, unsigned width, uint64_t value)
{
    struct virtio_net *net = net_of(device);
    if (!virtio_has(device, VIRTIO_F_VERSION_1) && !range_beyond(offset, width, sizeof(net->mac)))
        le_store(net->mac + offset, width, value);
    else
        log_guest("%s: write to offset %u of the configuration, which is read-only", device->name, offset);
}

static void net_restored(void *object)
{
    struct virtio_net *net = object;
    static const uint8_t none[6];
    /* A reset takes back what CTRL_MAC_ADDR_SET changed. */
    if (memcmp(net->mac, none, sizeof(none)) == 0)
        memcpy(net->mac, net->factory_mac, sizeof(net->mac));
    if (net->pairs > net->pairs_max)
        net->pairs = 1;
    net->filter.unicast_count %= NET_FILTER_MACS + 1;
    if (net->filter.multicast_count > NET_FILTER_MACS - net->filter.unicast_count)
        net->filter.multicast_count = 0;
}

static const struct state_field net_fields[] = {
    STATE_ARRAY(struct virtio_net, mac),
    STATE(struct virtio_net, pairs, .reset = 1),
    STATE_ARRAY(struct virtio_net, flows),
    STATE(struct virtio_net, filter.promiscuous, .reset = 1), /* until the driver says otherwise */
    STATE(struct virtio_net, filter.all_multicast),
    STATE(struct virtio_net, filter.all_unicast),
    STATE(struct virtio_net, filter.no_multicast),
    STATE(struct virtio_net, filter.no_unicast),
    STATE(struct virtio_net, filter.no_broadcast),
    STATE(struct virtio_net, filter.unicast_overflow),
    STATE(struct virtio_net, filter.multicast_overflow),
    STATE(struct virtio_net, filter.unicast_count),
    STATE(struct virtio_net, filter.multicast_count),
    STATE_ARRAY(struct virtio_net, filter.macs),
    STATE(struct virtio_net, filter.vlan_used),
    STATE_ARRAY(struct virtio_net, filter.vlans),
};

static const struct state_table net_table = {
    .name = "virtio-net",
    .version = 1,
    .fields = net_fields,
    .count = ARRAY_LEN(net_fields),
    .restored = net_restored,
};

static void net_start(struct virtio_device *device)
{
    struct virtio_net *net = net_of(device);
    net->filter.vlan_used = virtio_has(device, VIRTIO_NET_F_CTRL_VLAN);
    net_receive_ready(net->port);
}

static void net_reset(struct virtio_device *device)
{
    state_reset(&net_table, net_of(device), false);
}

static void net_destroy(struct virtio_device *device)
{
    struct virtio_net *net = net_of(device);
    if (net->port)
        net_attach(net->port, &(struct net_handlers){0});
    free(net);
}

static const struct virtio_class net_class = {
    .name = "virtio-net",
    .type = VIRTIO_TYPE_NET,
    .pci_class = 0x020000, /* Ethernet controller */
    .config_size = CONFIG_SIZE,
    .features_acceptable = net_features_acceptable,
    .config_read = net_config_read,
    .config_write = net_config_write,
    .start = net_start,
    .reset = net_reset,
    .notify = net_notify,
    .destroy = net_destroy,
};

static uint64_t net_features(const struct virtio_net *net)
{
    uint64_t features = VIRTIO_BIT(VIRTIO_NET_F_CSUM) | VIRTIO_BIT(VIRTIO_NET_F_MAC) |
                        VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF) | VIRTIO_BIT(VIRTIO_NET_F_STATUS) |
                        VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX) |
                        VIRTIO_BIT(VIRTIO_NET_F_CTRL_VLAN) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) |
                        VIRTIO_BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) | VIRTIO_BIT(VIRTIO_NET_F_SPEED_DUPLEX);
    if (net->port && net->port->checksums_good)
        features |= VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM);
    if (net->port && net->port->takes_large)
        features |= VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO6);
    if (net->pairs_max > 1)
        features |= VIRTIO_BIT(VIRTIO_NET_F_MQ);
    return features;
}

struct virtio_device *virtio_net_create(struct machine *machine, const struct virtio_net_config *config)
{
    struct virtio_net *net = machine_alloc(sizeof(*net));
    net->port = config->port;
    net->link_up = config->port != NULL;
    net->pairs_max = config->queue_pairs ? config->queue_pairs : 1;
    if (net->pairs_max > PAIRS_MAX)
        net->pairs_max = PAIRS_MAX;
    memcpy(net->factory_mac, config->mac, sizeof(net->factory_mac));
    virtio_device_init(&net->device, machine, config->name, &net_class, net_features(net));
    for (unsigned i = 0; i < 2 * net->pairs_max + 1; i++)
        virtio_queue_add(&net->device, QUEUE_SIZE);
    snprintf(net->table_name, sizeof(net->table_name), "%s.net", net->device.name);
    machine_device_add(machine, net->table_name, &net_table, net, NULL);
    if (net->port)
        net_attach(net->port, &(struct net_handlers){.receive = port_receive, .opaque = net});
    return &net->device;
}

void virtio_net_link_set(struct virtio_device *device, bool up)
{
    struct virtio_net *net = net_of(device);
    if (net->link_up == up)
        return;
    net->link_up = up;
    if (virtio_has(device, VIRTIO_NET_F_STATUS))
        virtio_config_changed(device);
}
