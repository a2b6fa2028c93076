/* A tap device of the host as a network, or what else gives and takes frames by a descriptor. */
#include <stdlib.h>

#include "devices/net/net_backends.h"
#include "host/stream.h"
#include "host/tap.h"

struct tap_port {
    struct net_port port;
    int fd;
    struct host_watch *watch;
    struct host_timer *resume; /* the device has room again: go on, on the loop's thread */
    bool paused;               /* `frame` waits for the device */
    size_t len;
    uint8_t frame[NET_FRAME_MAX];
};

static struct tap_port *tap_of(struct net_port *port)
{
    return container_of(port, struct tap_port, port);
}

static bool frame_deliver(struct tap_port *tap)
{
    const struct net_handlers *handlers = &tap->port.handlers;
    tap->paused = handlers->receive && !handlers->receive(handlers->opaque, tap->frame, tap->len);
    return !tap->paused;
}

/* Frames at a time, so that a flood doesn't keep the machine lock. */
#define BURST 64

static void tap_readable(void *opaque, unsigned events)
{
    struct tap_port *tap = opaque;
    unsigned i = 0;
    (void)events;
    while (i < BURST && (tap->len = host_tap_read(tap->fd, tap->frame, sizeof(tap->frame)))) {
        i++;
        if (!frame_deliver(tap)) {
            host_watch_set(tap->watch, 0);
            return;
        }
    }
    /* The end of a socket can be read for ever. */
    if (i == 0 && !host_stream_connected(tap->fd))
        host_watch_set(tap->watch, 0);
}

static void tap_resume(void *opaque)
{
    struct tap_port *tap = opaque;
    if (tap->paused && frame_deliver(tap))
        host_watch_set(tap->watch, HOST_READABLE);
}

static void tap_receive_ready(struct net_port *port)
{
    struct tap_port *tap = tap_of(port);
    if (tap->paused)
        host_timer_set(tap->resume, 0);
}

static void tap_send(struct net_port *port, const uint8_t *frame, size_t len)
{
    host_tap_write(tap_of(port)->fd, frame, len);
}

static void tap_close(struct net_port *port)
{
    struct tap_port *tap = tap_of(port);
    host_watch_destroy(tap->watch);
    host_timer_destroy(tap->resume);
    host_tap_close(tap->fd);
    free(tap);
}

static const struct net_ops tap_ops = {
    .send = tap_send,
    .receive_ready = tap_receive_ready,
    .close = tap_close,
};

static struct net_port *tap_create(struct machine *machine, int fd, uint16_t mtu, struct error *err)
{
    if (fd < 0)
        return NULL;
    struct tap_port *tap = machine_alloc(sizeof(*tap));
    tap->port.ops = &tap_ops;
    tap->port.mtu = mtu;
    tap->fd = fd;
    tap->resume = host_timer_create(machine->loop, tap_resume, tap, err);
    tap->watch = tap->resume ? host_watch_create(machine->loop, fd, tap_readable, tap, err) : NULL;
    if (!tap->watch) {
        tap_close(&tap->port);
        return NULL;
    }
    host_watch_set(tap->watch, HOST_READABLE);
    return &tap->port;
}

struct net_port *net_tap_create(struct machine *machine, const char *ifname, struct error *err)
{
    return tap_create(machine, host_tap_open(ifname, err), host_tap_mtu(ifname), err);
}

struct net_port *net_fd_create(struct machine *machine, const char *number, struct error *err)
{
    return tap_create(machine, host_tap_adopt(number, err), 0, err);
}
