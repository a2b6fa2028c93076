/* Virtual I/O Device 1.2, 5.4: one queue of buffers to fill. */
#include "devices/virtio/virtio_rng.h"

#include <stdlib.h>

#include "host/random.h"

#define QUEUE_SIZE 256u
/* A request gets no more than this at once: the rest of a larger buffer stays as it was (5.4.6.2 allows it).
 */
#define FILL_MAX 4096u

static void rng_notify(struct virtio_device *device, struct virtqueue *queue)
{
    (void)device;
    struct virtqueue_chain *chain;
    while ((chain = virtqueue_pop(queue))) {
        uint8_t bytes[FILL_MAX];
        size_t len = chain->in_len < FILL_MAX ? chain->in_len : FILL_MAX;
        host_random(bytes, len);
        virtqueue_push(chain, (uint32_t)virtqueue_chain_write(chain, 0, bytes, len));
    }
    virtqueue_notify(queue);
}

static void rng_destroy(struct virtio_device *device)
{
    free(device);
}

static const struct virtio_class rng_class = {
    .name = "virtio-rng",
    .type = VIRTIO_TYPE_ENTROPY,
    .pci_class = 0x00ff00, /* unclassified */
    .notify = rng_notify,
    .destroy = rng_destroy,
};

struct virtio_device *virtio_rng_create(struct machine *machine, const char *name)
{
    struct virtio_device *device = machine_alloc(sizeof(*device));
    virtio_device_init(device, machine, name, &rng_class, 0);
    virtio_queue_add(device, QUEUE_SIZE);
    return device;
}
