/*
 * Virtqueues (Virtual I/O Device 1.2, 2.6 to 2.8): split and packed rings behind one interface. A pop gives a
 * chain of checked host buffers, a push gives it back; everything the guest wrote is fetched once and
 * bounded, and a ring that breaks the rules marks its device broken (DEVICE_NEEDS_RESET).
 */
#pragma once

#include "base/types.h"

struct virtio_device;

/* The longest chain, in descriptors: what a driver may build from a queue of the largest size offered. */
#define VIRTQUEUE_CHAIN_MAX 1024

#define VIRTIO_NO_VECTOR 0xffff

struct virtqueue {
    /* As the driver set it up (2.7, 2.8): guest physical addresses of the three areas. */
    uint64_t desc_area, driver_area, device_area;
    uint16_t size;
    uint16_t vector; /* MSI-X, or VIRTIO_NO_VECTOR */
    uint8_t enabled;

    /* How far the device is. */
    uint16_t avail_index, used_index; /* split: free running; packed: a position in the ring */
    uint8_t avail_wrap, used_wrap;    /* packed: the wrap counters */
    uint8_t muted;                    /* the driver was told not to notify; else it was told to */
    uint16_t unsignalled;             /* ring slots given back since the last virtqueue_notify */
    uint16_t in_flight;               /* ring slots popped and not pushed */

    /* Fixed when the device is made. */
    struct virtio_device *device;
    uint16_t index, size_max;

    unsigned budget; /* pops left before the device has to let others have the machine lock */
    bool starved;    /* it stopped for that reason, and will be called again */
};

/* A piece of guest memory. The bytes may change under the reader's eyes: copy, then look. */
struct virtqueue_vec {
    uint8_t *host;
    uint32_t len;
    gpa_t at;
};

/* Buffers the driver handed over: first those the device reads (out), then those it writes (in). */
struct virtqueue_chain {
    struct virtqueue *queue;
    uint16_t id;    /* what the driver knows the chain by */
    uint16_t slots; /* the ring slots it takes */
    unsigned out_count, in_count;
    uint32_t out_len, in_len;
    struct virtqueue_vec vecs[];
};

/*
 * The next chain, owned by the caller until it is pushed, unpopped or dropped. NULL: nothing there, and the
 * driver will notify when it adds some; or the queue is off, or broken. While chains are being popped the
 * driver is told not to notify, so who stops before NULL comes back by itself.
 */
struct virtqueue_chain *virtqueue_pop(struct virtqueue *queue);

/*
 * Give a chain back after `written` bytes were stored at the start of its in part, and free it. The bytes are
 * marked as changed. The driver hears of it with the next virtqueue_notify. After a reset it only frees.
 */
void virtqueue_push(struct virtqueue_chain *chain, uint32_t written);

/* Put back what was popped last, as if it had not been popped, and free it. */
void virtqueue_unpop(struct virtqueue_chain *chain);

/* Free a chain without telling the driver: the device was reset or is broken. */
void virtqueue_drop(struct virtqueue_chain *chain);

/* Interrupt the driver if something was pushed and it wants to know. */
void virtqueue_notify(struct virtqueue *queue);

/* Copy from the out part or to the in part, from `offset` on; returns how many bytes there were to copy. */
size_t virtqueue_chain_read(const struct virtqueue_chain *chain, size_t offset, void *to, size_t len);
size_t virtqueue_chain_write(const struct virtqueue_chain *chain, size_t offset, const void *from,
                             size_t len);
