/* The network backends as net_open calls them; a device includes net.h only. */
#pragma once

#include "devices/net/net.h"

/* A user-mode network with NAT, DHCP and DNS, 10.0.2.0/24 and fec0::/64. `options` is what follows "user,"
 * and is consumed; NULL: none. */
struct net_port *net_slirp_create(struct machine *machine, char *options, struct error *err);

/* The host's tap device of that name. */
struct net_port *net_tap_create(struct machine *machine, const char *ifname, struct error *err);

/* What is behind a descriptor that this program was started with: a tap device, or a socket that keeps the
 * borders of messages. */
struct net_port *net_fd_create(struct machine *machine, const char *number, struct error *err);

/* Frames that wait for a receiver; the oldest first. When it is full, new ones are lost. */
#define NET_QUEUE_FRAMES 1024

struct net_frame {
    struct net_frame *next;
    size_t len;
    uint8_t bytes[];
};

struct net_queue {
    struct net_frame *first, **last;
    unsigned count;
};

void net_queue_init(struct net_queue *queue);
void net_queue_add(struct net_queue *queue, const uint8_t *frame, size_t len);
struct net_frame *net_queue_take(struct net_queue *queue); /* NULL: empty; the caller frees it */
void net_queue_clear(struct net_queue *queue);

/* Hand waiting frames to the port's device until it has no more room. */
void net_queue_deliver(struct net_queue *queue, struct net_port *port);

/* Hand a frame to the port's device behind those that wait, or let it wait. */
void net_queue_receive(struct net_queue *queue, struct net_port *port, const uint8_t *frame, size_t len);
