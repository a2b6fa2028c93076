/* A driver for virtio devices on PCI (Virtual I/O Device 1.2), with split queues that are polled. */
#pragma once

#include "guests/demo/demo.h"

#define QUEUE_SIZE 16

struct virtio_desc {
    uint64_t address;
    uint32_t len;
    uint16_t flags, next;
};

struct virtio_queue {
    struct virtio_desc desc[QUEUE_SIZE] __attribute__((aligned(16)));
    struct {
        uint16_t flags, index, ring[QUEUE_SIZE];
    } avail __attribute__((aligned(4)));
    struct {
        uint16_t flags, index;
        struct {
            uint32_t id, len;
        } ring[QUEUE_SIZE];
    } used __attribute__((aligned(4)));
    uint16_t taken; /* of the used ones */
    volatile uint16_t *notify;
    uint16_t number;
};

struct virtio {
    volatile uint8_t *common, *notify, *config;
    uint32_t notify_multiplier;
};

/* Find the n-th device of a type and negotiate with it; queues come next, then virtio_ready. False: none. */
bool virtio_open(struct virtio *device, unsigned type, unsigned n);
void virtio_queue_open(struct virtio *device, struct virtio_queue *queue, uint16_t number);
void virtio_ready(struct virtio *device);

/* Hand over descriptor `first`: a buffer to read and, behind it, one to write; either may be NULL. */
void virtio_send(struct virtio_queue *queue, uint16_t first, const void *out, uint32_t out_len, void *in,
                 uint32_t in_len);
/* The descriptor of a chain the device is done with; -1: none. */
int virtio_take(struct virtio_queue *queue);

/* The frame buffer of a graphics adapter; the next event of any input device. */
struct screen;
struct event;
bool virtio_screen_open(struct screen *screen);
bool virtio_event_next(struct event *event);
