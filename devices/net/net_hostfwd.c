#include "devices/net/net_hostfwd.h"

#include <string.h>

/* Copy an address up to its colon, brackets taken off; NULL: not an address. */
static const char *address_parse(const char *at, char *address, size_t size, bool *ipv6)
{
    const char *start = at, *end;
    *ipv6 = *at == '[';
    if (*ipv6) {
        start++;
        end = strchr(at, ']');
        if (!end || end[1] != ':' || end == start)
            return NULL;
        at = end + 2;
    } else {
        end = strchr(at, ':');
        if (!end)
            return NULL;
        at = end + 1;
    }
    size_t len = (size_t)(end - start);
    if (len >= size || strspn(start, *ipv6 ? "0123456789abcdefABCDEF:." : "0123456789.") < len)
        return NULL;
    memcpy(address, start, len);
    address[len] = 0;
    return at;
}

/* A decimal port; NULL: not one. Where the host may choose, 0 is allowed. */
static const char *port_parse(const char *at, uint16_t *port, bool zero)
{
    unsigned value = 0, digits = 0;
    for (; *at >= '0' && *at <= '9' && digits < 6; at++, digits++)
        value = value * 10 + (unsigned)(*at - '0');
    *port = (uint16_t)value;
    return digits && value <= UINT16_MAX && (value || zero) ? at : NULL;
}

bool net_hostfwd_parse(struct net_hostfwd *forward, const char *text, struct error *err)
{
    *forward = (struct net_hostfwd){0};
    bool host_ipv6 = false, guest_ipv6 = false;
    const char *at = NULL;
    if (strncmp(text, "tcp:", 4) == 0 || strncmp(text, "udp:", 4) == 0)
        at = text + 4;
    forward->udp = text[0] == 'u';
    if (at)
        at = address_parse(at, forward->host_address, sizeof(forward->host_address), &host_ipv6);
    if (at)
        at = port_parse(at, &forward->host_port, true);
    if (at)
        at = *at == '-' ? at + 1 : NULL;
    if (at)
        at = address_parse(at, forward->guest_address, sizeof(forward->guest_address), &guest_ipv6);
    if (at)
        at = port_parse(at, &forward->guest_port, false);
    if (!at || *at)
        return error_set(
            err, ERROR_USAGE,
            "hostfwd=%s is not understood: write hostfwd=tcp:[ADDRESS]:PORT-[ADDRESS]:PORT, for example "
            "hostfwd=tcp:127.0.0.1:2222-:22",
            text);
    forward->ipv6 = host_ipv6 || guest_ipv6;
    bool mixed = host_ipv6 != guest_ipv6 && forward->host_address[0] && forward->guest_address[0];
    if (mixed || (forward->ipv6 && !guest_ipv6))
        return error_set(
            err, ERROR_USAGE,
            "hostfwd=%s: both addresses have to be of one kind, and with IPv6 the guest's has to be given",
            text);
    return true;
}
