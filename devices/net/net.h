/*
 * A network backend: Ethernet frames to and from a user-mode network, a tap device or a test. Everything runs
 * with the machine lock held.
 */
#pragma once

#include "devices/machine.h"

struct net_port;

#define NET_FRAME_MAX 65550 /* an Ethernet header and the largest payload a backend hands over */

struct net_ops {
    /* A frame from the guest; taken or dropped at once. */
    void (*send)(struct net_port *port, const uint8_t *frame, size_t len);
    /* The device can receive again after `receive` returned false. */
    void (*receive_ready)(struct net_port *port);
    void (*close)(struct net_port *port);
};

struct net_handlers {
    /* A frame for the guest; false: no room now, keep it (or drop it, as the backend likes) until
     * receive_ready. */
    bool (*receive)(void *opaque, const uint8_t *frame, size_t len);
    void *opaque;
};

/* Backends embed this first. A NULL port is a cable that is not plugged in. */
struct net_port {
    const struct net_ops *ops;
    struct net_handlers handlers;
    uint16_t mtu;        /* the longest payload of the network behind it; 0: Ethernet's own 1500 */
    bool checksums_good; /* every frame it hands over has checksums that need no check by the guest */
    bool takes_large;    /* TCP segments as long as IP allows, whatever the mtu: it ends their connections */
};

void net_attach(struct net_port *port, const struct net_handlers *handlers);
void net_send(struct net_port *port, const uint8_t *frame, size_t len);
void net_receive_ready(struct net_port *port);
void net_close(struct net_port *port);

/* Two ports back to back, for tests: what one's device sends the other's receives. */
void net_pair_create(struct net_port **a, struct net_port **b);

/* --net SPEC: user[,hostfwd=tcp:[ADDR]:PORT-[ADDR]:PORT]...|tap,ifname=NAME|tap,fd=N|none. As char_open. */
struct net_port *net_open(struct machine *machine, const char *spec, struct error *err);

/* What a guest sees at the end of the cable: the `model=` of --net SPEC, which is cut out of it in place;
 * virtio where it names none. False and err (ERROR_USAGE): another one. */
enum net_model {
    NET_VIRTIO,
    NET_E1000,
};
bool net_model_take(char *spec, enum net_model *model, struct error *err);
