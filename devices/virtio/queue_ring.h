/*
 * What the two ring formats share inside devices/virtio: descriptors fetched once, chains built piece by
 * piece, and access to ring memory that other vCPUs change at the same time.
 */
#pragma once

#include "base/bits.h"
#include "base/log.h"
#include "devices/virtio/virtio.h"

#define DESC_SIZE 16u

#define DESC_F_NEXT     0x1u
#define DESC_F_WRITE    0x2u
#define DESC_F_INDIRECT 0x4u
#define DESC_F_AVAIL    0x80u   /* packed */
#define DESC_F_USED     0x8000u /* packed */

/* A descriptor as copied from guest memory. The last two fields trade places between the formats. */
struct ring_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next; /* split: index of the next; packed: buffer id */
};

/* A chain in the making. */
struct chain_builder {
    struct virtqueue *queue;
    unsigned count, out_count;
    uint64_t out_len, in_len;
    struct virtqueue_vec vecs[VIRTQUEUE_CHAIN_MAX];
};

void chain_begin(struct chain_builder *builder, struct virtqueue *queue);
/* Add the buffer of a descriptor that is not indirect. False: the ring is broken, and said so. */
bool chain_add(struct chain_builder *builder, const struct ring_desc *desc);
struct virtqueue_chain *chain_finish(const struct chain_builder *builder, uint16_t id, uint16_t slots);

/* Check an indirect descriptor and find its table; *entries is how many it has. NULL: broken. */
const uint8_t *chain_indirect_table(struct virtqueue *queue, const struct ring_desc *desc, uint32_t *entries);

/* `len` bytes of a ring's area. NULL: the driver put it where there is no RAM; the ring is broken. */
void *ring_at(struct virtqueue *queue, uint64_t address, uint64_t len, enum ram_access access);

/* Ring words are naturally aligned (checked when the queue is enabled) and shared with other vCPUs. */
static inline uint16_t ring_load(const void *p)
{
    uint16_t v = __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE);
    return BITS_HOST_BIG ? __builtin_bswap16(v) : v;
}

static inline void ring_store(void *p, uint16_t v)
{
    __atomic_store_n((uint16_t *)p, BITS_HOST_BIG ? __builtin_bswap16(v) : v, __ATOMIC_RELEASE);
}

/* Between a store of ours and a load of what the driver may have stored before it saw ours. */
static inline void ring_barrier(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* What each format implements; queue.c chooses. */
struct ring_format {
    struct virtqueue_chain *(*pop)(struct virtqueue *queue);
    void (*push)(struct virtqueue *queue, uint16_t id, uint16_t slots, uint32_t written);
    void (*unpop)(struct virtqueue *queue, uint16_t slots);
    /* Whether the driver wants to hear of the last `count` slots given back. */
    bool (*interrupt_wanted)(struct virtqueue *queue, unsigned count);
};

extern const struct ring_format ring_split, ring_packed;
