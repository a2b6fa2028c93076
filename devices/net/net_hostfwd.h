/* Port forwardings as --net user,hostfwd= gives them. */
#pragma once

#include "base/error.h"

struct net_hostfwd {
    bool udp, ipv6;
    char host_address[64], guest_address[64]; /* numeric; empty: any, or the first address DHCP gives */
    uint16_t host_port, guest_port;
};

/* Parse tcp|udp:[ADDRESS]:PORT-[ADDRESS]:PORT; IPv6 addresses stand in brackets. False and err. */
bool net_hostfwd_parse(struct net_hostfwd *forward, const char *text, struct error *err);
