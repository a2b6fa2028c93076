#include "devices/net/net.h"

#include <stdlib.h>
#include <string.h>

#include "devices/net/net_backends.h"

void net_attach(struct net_port *port, const struct net_handlers *handlers)
{
    if (port)
        port->handlers = *handlers;
}

void net_send(struct net_port *port, const uint8_t *frame, size_t len)
{
    if (port)
        port->ops->send(port, frame, len);
}

void net_receive_ready(struct net_port *port)
{
    if (port && port->ops->receive_ready)
        port->ops->receive_ready(port);
}

void net_close(struct net_port *port)
{
    if (port)
        port->ops->close(port);
}

/* --- queues of frames --- */

void net_queue_init(struct net_queue *queue)
{
    *queue = (struct net_queue){.last = &queue->first};
}

void net_queue_add(struct net_queue *queue, const uint8_t *frame, size_t len)
{
    if (queue->count == NET_QUEUE_FRAMES)
        return;
    struct net_frame *copy = malloc(sizeof(*copy) + len);
    if (!copy)
        return;
    copy->next = NULL;
    copy->len = len;
    memcpy(copy->bytes, frame, len);
    *queue->last = copy;
    queue->last = &copy->next;
    queue->count++;
}

struct net_frame *net_queue_take(struct net_queue *queue)
{
    struct net_frame *frame = queue->first;
    if (frame) {
        queue->first = frame->next;
        queue->count--;
        if (!queue->first)
            queue->last = &queue->first;
    }
    return frame;
}

void net_queue_clear(struct net_queue *queue)
{
    struct net_frame *frame;
    while ((frame = net_queue_take(queue)))
        free(frame);
}

static bool device_receive(struct net_port *port, const uint8_t *frame, size_t len)
{
    /* Nobody there: as if taken. */
    return !port->handlers.receive || port->handlers.receive(port->handlers.opaque, frame, len);
}

void net_queue_deliver(struct net_queue *queue, struct net_port *port)
{
    while (queue->first && device_receive(port, queue->first->bytes, queue->first->len))
        free(net_queue_take(queue));
}

void net_queue_receive(struct net_queue *queue, struct net_port *port, const uint8_t *frame, size_t len)
{
    net_queue_deliver(queue, port);
    if (queue->first || !device_receive(port, frame, len))
        net_queue_add(queue, frame, len);
}

/* --- a pair of ports --- */

struct pair_port {
    struct net_port port;
    struct pair_port *peer; /* NULL: it was closed */
    struct net_queue queue; /* for this port's device */
};

static void pair_send(struct net_port *port, const uint8_t *frame, size_t len)
{
    struct pair_port *peer = container_of(port, struct pair_port, port)->peer;
    if (peer)
        net_queue_receive(&peer->queue, &peer->port, frame, len);
}

static void pair_receive_ready(struct net_port *port)
{
    net_queue_deliver(&container_of(port, struct pair_port, port)->queue, port);
}

static void pair_close(struct net_port *port)
{
    struct pair_port *pair = container_of(port, struct pair_port, port);
    if (pair->peer)
        pair->peer->peer = NULL;
    net_queue_clear(&pair->queue);
    free(pair);
}

static const struct net_ops pair_ops = {
    .send = pair_send,
    .receive_ready = pair_receive_ready,
    .close = pair_close,
};

void net_pair_create(struct net_port **a, struct net_port **b)
{
    struct pair_port *first = machine_alloc(sizeof(*first)), *second = machine_alloc(sizeof(*second));
    first->port.ops = second->port.ops = &pair_ops;
    first->peer = second;
    second->peer = first;
    net_queue_init(&first->queue);
    net_queue_init(&second->queue);
    *a = &first->port;
    *b = &second->port;
}

/* --- --net --- */

static struct net_port *tap_open(struct machine *machine, char *options, struct error *err)
{
    if (options && strncmp(options, "ifname=", 7) == 0 && options[7] && !strchr(options, ','))
        return net_tap_create(machine, options + 7, err);
    if (options && strncmp(options, "fd=", 3) == 0)
        return net_fd_create(machine, options + 3, err);
    error_set(err, ERROR_USAGE,
              "--net tap needs the name of the interface, or the number of a descriptor, and nothing else: "
              "tap,ifname=NAME or tap,fd=N");
    return NULL;
}

struct net_port *net_open(struct machine *machine, const char *spec, struct error *err)
{
    char *kind = strdup(spec);
    if (!kind)
        abort();
    char *options = strchr(kind, ',');
    if (options)
        *options++ = 0;
    struct net_port *port = NULL;
    if (strcmp(kind, "user") == 0)
        port = net_slirp_create(machine, options, err);
    else if (strcmp(kind, "tap") == 0)
        port = tap_open(machine, options, err);
    else if (strcmp(kind, "none") != 0)
        error_set(err, ERROR_USAGE,
                  "--net %s is not understood: use user[,hostfwd=...], tap,ifname=NAME, tap,fd=N or none",
                  spec);
    else if (options)
        error_set(err, ERROR_USAGE, "--net none has no options");
    free(kind);
    return port;
}

bool net_model_take(char *spec, enum net_model *model, struct error *err)
{
    static const char *const names[] = {[NET_VIRTIO] = "virtio", [NET_E1000] = "e1000"};
    char *at = strstr(spec, ",model=");
    *model = NET_VIRTIO;
    if (!at)
        return true;
    char *name = at + strlen(",model=");
    size_t len = strcspn(name, ",");
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0) {
            *model = (enum net_model)i;
            memmove(at, name + len, strlen(name + len) + 1);
            return true;
        }
    }
    return error_set(err, ERROR_USAGE, "--net knows the models virtio and e1000, not %.*s", (int)len, name);
}
