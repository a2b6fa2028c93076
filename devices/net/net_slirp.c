/*
 * The user-mode network of libslirp. The library is told of sockets and timers through the event loop, and is
 * entered on the loop's thread only: frames of the guest, which come from vCPU threads, wait in a queue until
 * the loop has been woken.
 */
#include "devices/net/net_backends.h"
#include "devices/net/net_hostfwd.h"

#if HAVE_SLIRP

#include <errno.h>
#include <libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"

#define NS_PER_MS 1000000u

struct slirp_port;

/* A socket of the library's that the loop watches. Its place in the array is what the library knows it by. */
struct slirp_socket {
    struct slirp_port *slirp;
    int fd;
    struct host_watch *watch;
    unsigned events; /* what is watched for */
    int ready;       /* SLIRP_POLL_*: what came */
    bool wanted;     /* the library asked for it in this round */
};

struct slirp_timer {
    struct slirp_port *slirp;
    struct host_timer *timer;
    SlirpTimerCb fire;
    void *opaque;
};

struct slirp_port {
    struct net_port port;
    struct machine *machine;
    Slirp *slirp;
    struct net_queue to_guest, from_guest;
    struct host_timer *wake; /* frames are waiting, or the library's own time-out is over */
    struct slirp_socket **sockets;
    int socket_room;
};

static struct slirp_port *slirp_of(struct net_port *port)
{
    return container_of(port, struct slirp_port, port);
}

/* --- sockets, on the loop's thread --- */

static int socket_ready_take(int index, void *opaque)
{
    struct slirp_port *slirp = opaque;
    struct slirp_socket *socket = index >= 0 && index < slirp->socket_room ? slirp->sockets[index] : NULL;
    int ready = socket ? socket->ready : 0;
    if (socket)
        socket->ready = 0;
    return ready;
}

static void slirp_update(struct slirp_port *slirp);

/* Errors and hang-ups are told as readable; the library finds out when it reads. */
static void socket_ready(void *opaque, unsigned events)
{
    struct slirp_socket *socket = opaque;
    struct slirp_port *slirp = socket->slirp;
    socket->ready |=
        (events & HOST_READABLE ? SLIRP_POLL_IN : 0) | (events & HOST_WRITABLE ? SLIRP_POLL_OUT : 0);
    slirp_pollfds_poll(slirp->slirp, 0, socket_ready_take, slirp); /* may forget the socket */
    slirp_update(slirp);
}

static void socket_forget(struct slirp_port *slirp, int index)
{
    host_watch_destroy(slirp->sockets[index]->watch);
    free(slirp->sockets[index]);
    slirp->sockets[index] = NULL;
}

static int socket_add(struct slirp_port *slirp, int fd)
{
    struct slirp_socket *socket = machine_alloc(sizeof(*socket));
    socket->slirp = slirp;
    socket->fd = fd;
    socket->watch = host_watch_create(slirp->machine->loop, fd, socket_ready, socket, NULL);
    if (!socket->watch) {
        free(socket);
        return -1;
    }
    int index = 0;
    while (index < slirp->socket_room && slirp->sockets[index])
        index++;
    if (index == slirp->socket_room) {
        int room = slirp->socket_room ? 2 * slirp->socket_room : 16;
        slirp->sockets = realloc(slirp->sockets, (size_t)room * sizeof(*slirp->sockets));
        if (!slirp->sockets)
            abort();
        while (slirp->socket_room < room)
            slirp->sockets[slirp->socket_room++] = NULL;
    }
    slirp->sockets[index] = socket;
    return index;
}

static int socket_find(const struct slirp_port *slirp, int fd)
{
    for (int i = 0; i < slirp->socket_room; i++) {
        if (slirp->sockets[i] && slirp->sockets[i]->fd == fd)
            return i;
    }
    return -1;
}

/* The library wants to know when something happens on a socket. */
static int socket_want(int fd, int poll, void *opaque)
{
    struct slirp_port *slirp = opaque;
    int index = socket_find(slirp, fd);
    if (index < 0)
        index = socket_add(slirp, fd);
    if (index < 0)
        return -1;
    struct slirp_socket *socket = slirp->sockets[index];
    unsigned events = (poll & (SLIRP_POLL_IN | SLIRP_POLL_PRI | SLIRP_POLL_HUP) ? HOST_READABLE : 0) |
                      (poll & SLIRP_POLL_OUT ? HOST_WRITABLE : 0);
    if (socket->events != events)
        host_watch_set(socket->watch, events);
    socket->events = events;
    socket->wanted = true;
    return index;
}

/* Ask the library what it waits for now. */
static void slirp_update(struct slirp_port *slirp)
{
    uint32_t timeout = UINT32_MAX; /* milliseconds */
    slirp_pollfds_fill(slirp->slirp, &timeout, socket_want, slirp);
    for (int i = 0; i < slirp->socket_room; i++) {
        struct slirp_socket *socket = slirp->sockets[i];
        if (socket && !socket->wanted)
            socket_forget(slirp, i);
        else if (socket)
            socket->wanted = false;
    }
    uint64_t deadline = timeout == UINT32_MAX ? UINT64_MAX : host_clock_ns() + (uint64_t)timeout * NS_PER_MS;
    host_timer_set(slirp->wake, slirp->from_guest.first ? 0 : deadline);
}

static void slirp_woken(void *opaque)
{
    struct slirp_port *slirp = opaque;
    struct net_frame *frame;
    while ((frame = net_queue_take(&slirp->from_guest))) {
        slirp_input(slirp->slirp, frame->bytes, (int)frame->len);
        free(frame);
    }
    slirp_pollfds_poll(slirp->slirp, 0, socket_ready_take, slirp);
    slirp_update(slirp);
}

/* --- what the library calls --- */

static ssize_t packet_send(const void *frame, size_t len, void *opaque)
{
    struct slirp_port *slirp = opaque;
    net_queue_receive(&slirp->to_guest, &slirp->port, frame, len);
    return (ssize_t)len;
}

static void guest_error(const char *text, void *opaque)
{
    (void)opaque;
    log_guest("user network: %s", text);
}

static int64_t clock_get(void *opaque)
{
    (void)opaque;
    return (int64_t)host_clock_ns();
}

static void timer_fired(void *opaque)
{
    struct slirp_timer *timer = opaque;
    struct slirp_port *slirp = timer->slirp;
    timer->fire(timer->opaque);
    slirp_update(slirp);
}

static void *timer_new(SlirpTimerCb fire, void *fire_opaque, void *opaque)
{
    struct slirp_timer *timer = machine_alloc(sizeof(*timer));
    *timer = (struct slirp_timer){.slirp = opaque, .fire = fire, .opaque = fire_opaque};
    /* Without one, a timer that never fires: the library only announces IPv6 routes with it. */
    timer->timer = host_timer_create(timer->slirp->machine->loop, timer_fired, timer, NULL);
    return timer;
}

static void timer_free(void *object, void *opaque)
{
    struct slirp_timer *timer = object;
    (void)opaque;
    host_timer_destroy(timer->timer);
    free(timer);
}

static void timer_mod(void *object, int64_t ms, void *opaque)
{
    struct slirp_timer *timer = object;
    (void)opaque;
    if (timer->timer)
        host_timer_set(timer->timer, (uint64_t)ms * NS_PER_MS);
}

static void fd_register(int fd, void *opaque)
{
    (void)fd;
    (void)opaque; /* slirp_pollfds_fill tells of it */
}

/* The descriptor is about to be closed, and its number may be another one's soon. */
static void fd_unregister(int fd, void *opaque)
{
    struct slirp_port *slirp = opaque;
    int index = socket_find(slirp, fd);
    if (index >= 0)
        socket_forget(slirp, index);
}

static void notified(void *opaque)
{
    host_timer_set(((struct slirp_port *)opaque)->wake, 0);
}

static const SlirpCb callbacks = {
    .send_packet = packet_send,
    .guest_error = guest_error,
    .clock_get_ns = clock_get,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = fd_register,
    .unregister_poll_fd = fd_unregister,
    .notify = notified,
};

/* --- the port --- */

static void slirp_send(struct net_port *port, const uint8_t *frame, size_t len)
{
    struct slirp_port *slirp = slirp_of(port);
    bool first = !slirp->from_guest.first;
    net_queue_add(&slirp->from_guest, frame, len);
    if (first)
        host_timer_set(slirp->wake, 0);
}

static void slirp_receive_ready(struct net_port *port)
{
    net_queue_deliver(&slirp_of(port)->to_guest, port);
}

static void slirp_close(struct net_port *port)
{
    struct slirp_port *slirp = slirp_of(port);
    if (slirp->slirp)
        slirp_cleanup(slirp->slirp);
    for (int i = 0; i < slirp->socket_room; i++) {
        if (slirp->sockets[i])
            socket_forget(slirp, i);
    }
    host_timer_destroy(slirp->wake);
    net_queue_clear(&slirp->to_guest);
    net_queue_clear(&slirp->from_guest);
    free(slirp->sockets);
    free(slirp);
}

static const struct net_ops slirp_ops = {
    .send = slirp_send,
    .receive_ready = slirp_receive_ready,
    .close = slirp_close,
};

/* --- construction --- */

/* An address and a port as the library takes them; false: not an address. */
static bool address_make(bool ipv6, const char *text, uint16_t port, struct sockaddr_storage *storage,
                         socklen_t *len)
{
    memset(storage, 0, sizeof(*storage));
    if (ipv6) {
        struct sockaddr_in6 *address = (struct sockaddr_in6 *)storage;
        *len = sizeof(*address);
        address->sin6_family = AF_INET6;
        address->sin6_port = htons(port);
        return !text[0] || inet_pton(AF_INET6, text, &address->sin6_addr) == 1;
    }
    struct sockaddr_in *address = (struct sockaddr_in *)storage;
    *len = sizeof(*address);
    address->sin_family = AF_INET;
    address->sin_port = htons(port);
    return !text[0] || inet_pton(AF_INET, text, &address->sin_addr) == 1;
}

static bool hostfwd_add(struct slirp_port *slirp, const char *text, struct error *err)
{
    struct net_hostfwd forward;
    struct sockaddr_storage host, guest;
    socklen_t host_len, guest_len;
    if (!net_hostfwd_parse(&forward, text, err))
        return false;
    if (!address_make(forward.ipv6, forward.host_address, forward.host_port, &host, &host_len) ||
        !address_make(forward.ipv6, forward.guest_address, forward.guest_port, &guest, &guest_len))
        return error_set(err, ERROR_USAGE, "hostfwd=%s has an address that is none", text);
    int flags = (forward.udp ? SLIRP_HOSTFWD_UDP : 0) | (forward.ipv6 ? SLIRP_HOSTFWD_V6ONLY : 0);
    errno = 0;
    if (slirp_add_hostxfwd(slirp->slirp, (struct sockaddr *)&host, host_len, (struct sockaddr *)&guest,
                           guest_len, flags) == 0)
        return true;
    return error_errno(err, ERROR_HOST, "can't listen on port %u of the host for hostfwd=%s",
                       forward.host_port, text);
}

static bool options_apply(struct slirp_port *slirp, char *options, struct error *err)
{
    char *save = NULL;
    for (char *option = options ? strtok_r(options, ",", &save) : NULL; option;
         option = strtok_r(NULL, ",", &save)) {
        if (strncmp(option, "hostfwd=", 8) != 0)
            return error_set(err, ERROR_USAGE, "--net user has no option %s: it has hostfwd=", option);
        if (!hostfwd_add(slirp, option + 8, err))
            return false;
    }
    return true;
}

static Slirp *library_open(struct slirp_port *slirp)
{
    SlirpConfig config = {
        .version = 1,
        .in_enabled = true,
        .vnetwork.s_addr = htonl(0x0a000200),
        .vnetmask.s_addr = htonl(0xffffff00),
        .vhost.s_addr = htonl(0x0a000202),
        .vdhcp_start.s_addr = htonl(0x0a00020f),
        .vnameserver.s_addr = htonl(0x0a000203),
        .in6_enabled = true,
        .vprefix_len = 64,
    };
    inet_pton(AF_INET6, "fec0::", &config.vprefix_addr6);
    inet_pton(AF_INET6, "fec0::2", &config.vhost6);
    inet_pton(AF_INET6, "fec0::3", &config.vnameserver6);
    return slirp_new(&config, &callbacks, slirp);
}

struct net_port *net_slirp_create(struct machine *machine, char *options, struct error *err)
{
    struct slirp_port *slirp = machine_alloc(sizeof(*slirp));
    slirp->port.ops = &slirp_ops;
    slirp->port.checksums_good = true; /* they are made here, and nothing lies between */
    slirp->port.takes_large = true;
    slirp->machine = machine;
    net_queue_init(&slirp->to_guest);
    net_queue_init(&slirp->from_guest);
    slirp->wake = host_timer_create(machine->loop, slirp_woken, slirp, err);
    slirp->slirp = slirp->wake ? library_open(slirp) : NULL;
    if (slirp->wake && !slirp->slirp)
        error_set(err, ERROR_HOST, "libslirp could not be started");
    if (!slirp->slirp || !options_apply(slirp, options, err)) {
        slirp_close(&slirp->port);
        return NULL;
    }
    slirp_update(slirp);
    return &slirp->port;
}

#else

struct net_port *net_slirp_create(struct machine *machine, char *options, struct error *err)
{
    (void)machine;
    (void)options;
    error_set(err, ERROR_USAGE,
              "--net user needs libslirp, which this program was built without: install "
              "libslirp-dev and build again, or use --net tap");
    return NULL;
}

#endif
