/* The packed ring (Virtual I/O Device 1.2, 2.8). */
#include "devices/virtio/queue_ring.h"

/* Offsets in a descriptor, and in an event suppression structure. */
#define DESC_ID       12u
#define DESC_FLAGS    14u
#define EVENT_OFFSET  0u /* position in 15 bits, wrap counter above it */
#define EVENT_FLAGS   2u
#define EVENT_WRAP    15u
#define EVENT_ENABLE  0u
#define EVENT_DISABLE 1u
#define EVENT_DESC    2u

static uint8_t *desc_at(struct virtqueue *queue, uint16_t index, enum ram_access access)
{
    return ring_at(queue, queue->desc_area + (uint64_t)index * DESC_SIZE, DESC_SIZE, access);
}

static struct ring_desc desc_fetch(const uint8_t *at)
{
    uint8_t bytes[DESC_SIZE];
    memcpy(bytes, at, DESC_SIZE);
    /* From here on the copy is what counts, whatever a vCPU does to the original. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return (struct ring_desc){le64_load(bytes), le32_load(bytes + 8), le16_load(bytes + DESC_FLAGS),
                              le16_load(bytes + DESC_ID)};
}

static void position_advance(const struct virtqueue *queue, uint16_t *index, uint8_t *wrap, uint16_t slots)
{
    unsigned next = *index + (unsigned)slots;
    if (next >= queue->size) {
        next -= queue->size;
        *wrap ^= 1;
    }
    *index = (uint16_t)next;
}

/* 2.8.1: available when the flag of that name equals the wrap counter and the other differs. */
static bool packed_available(struct virtqueue *queue, const uint8_t *desc)
{
    uint16_t flags = ring_load(desc + DESC_FLAGS);
    return !!(flags & DESC_F_AVAIL) == queue->avail_wrap && !!(flags & DESC_F_USED) != queue->avail_wrap;
}

static bool packed_mute(struct virtqueue *queue, bool mute)
{
    uint8_t *event = ring_at(queue, queue->device_area, 4, RAM_WRITE);
    if (!event)
        return false;
    uint16_t flags = mute ? EVENT_DISABLE : EVENT_ENABLE;
    if (!mute && virtio_has(queue->device, VIRTIO_F_EVENT_IDX)) {
        ring_store(event + EVENT_OFFSET,
                   (uint16_t)(queue->avail_index | (uint16_t)queue->avail_wrap << EVENT_WRAP));
        flags = EVENT_DESC;
    }
    ring_store(event + EVENT_FLAGS, flags);
    queue->muted = mute;
    return true;
}

/* An indirect table is read from its start to its end; its descriptors' next flags mean nothing (2.8.8). */
static bool packed_walk_table(struct chain_builder *builder, const struct ring_desc *desc)
{
    uint32_t entries;
    const uint8_t *table = chain_indirect_table(builder->queue, desc, &entries);
    for (uint32_t i = 0; table && i < entries; i++) {
        struct ring_desc inner = desc_fetch(table + (size_t)i * DESC_SIZE);
        if (inner.flags & DESC_F_INDIRECT) {
            log_guest("%s: queue %u has an indirect table inside one", builder->queue->device->name,
                      builder->queue->index);
            virtio_break(builder->queue->device);
            return false;
        }
        if (!chain_add(builder, &inner))
            return false;
    }
    return table != NULL;
}

/* Collect the chain that starts at avail_index; its last descriptor has the buffer's id. */
static bool packed_walk(struct virtqueue *queue, struct chain_builder *builder, uint16_t *id, uint16_t *slots)
{
    uint16_t index = queue->avail_index;
    uint8_t wrap = queue->avail_wrap;
    for (*slots = 1;; ++*slots) {
        const uint8_t *at = desc_at(queue, index, RAM_READ);
        if (!at)
            return false;
        struct ring_desc desc = desc_fetch(at);
        *id = desc.next;
        /* 2.8.8: a list has descriptors of one kind, so an indirect one stands alone. */
        if (desc.flags & DESC_F_INDIRECT && *slots == 1)
            return packed_walk_table(builder, &desc);
        if (desc.flags & DESC_F_INDIRECT || *slots > queue->size) {
            log_guest("%s: queue %u has a chain that %s", queue->device->name, queue->index,
                      *slots > queue->size ? "never ends" : "mixes direct and indirect descriptors");
            virtio_break(queue->device);
            return false;
        }
        if (!chain_add(builder, &desc))
            return false;
        if (!(desc.flags & DESC_F_NEXT))
            return true;
        position_advance(queue, &index, &wrap, 1);
    }
}

static struct virtqueue_chain *packed_pop(struct virtqueue *queue)
{
    const uint8_t *desc = desc_at(queue, queue->avail_index, RAM_READ);
    if (!desc)
        return NULL;
    if (!packed_available(queue, desc)) {
        /* As in the split ring: ask for a notification, then look once more. */
        if (!packed_mute(queue, false))
            return NULL;
        ring_barrier();
        if (!packed_available(queue, desc))
            return NULL;
    }
    if (!queue->muted && !packed_mute(queue, true))
        return NULL;
    struct chain_builder builder;
    chain_begin(&builder, queue);
    uint16_t id, slots;
    if (!packed_walk(queue, &builder, &id, &slots))
        return NULL;
    struct virtqueue_chain *chain = chain_finish(&builder, id, slots);
    if (chain)
        position_advance(queue, &queue->avail_index, &queue->avail_wrap, slots);
    return chain;
}

static void packed_push(struct virtqueue *queue, uint16_t id, uint16_t slots, uint32_t written)
{
    uint8_t *desc = desc_at(queue, queue->used_index, RAM_WRITE);
    if (!desc)
        return;
    le32_store(desc + 8, written);
    le16_store(desc + DESC_ID, id);
    uint16_t flags = queue->used_wrap ? DESC_F_AVAIL | DESC_F_USED : 0;
    if (written)
        flags |= DESC_F_WRITE; /* 2.8.5: something was written */
    ring_store(desc + DESC_FLAGS, flags);
    queue->unsignalled += slots;
    position_advance(queue, &queue->used_index, &queue->used_wrap, slots);
}

static void packed_unpop(struct virtqueue *queue, uint16_t slots)
{
    if (queue->avail_index < slots) {
        queue->avail_index += queue->size;
        queue->avail_wrap ^= 1;
    }
    queue->avail_index -= slots;
}

static bool packed_interrupt_wanted(struct virtqueue *queue, unsigned count)
{
    const uint8_t *event = ring_at(queue, queue->driver_area, 4, RAM_READ);
    if (!event)
        return false;
    unsigned flags = ring_load(event + EVENT_FLAGS) & 3u;
    if (flags != EVENT_DESC || !virtio_has(queue->device, VIRTIO_F_EVENT_IDX))
        return flags != EVENT_DISABLE;
    /* 2.8.10: when the position the driver named is among those just used. Positions of the lap before this
     * one count as negative. */
    uint16_t wanted = ring_load(event + EVENT_OFFSET);
    int position = wanted & 0x7fff;
    if (wanted >> EVENT_WRAP != queue->used_wrap)
        position -= queue->size;
    return position < queue->used_index && position >= (int)queue->used_index - (int)count;
}

const struct ring_format ring_packed = {
    .pop = packed_pop,
    .push = packed_push,
    .unpop = packed_unpop,
    .interrupt_wanted = packed_interrupt_wanted,
};
