/* The common half of virtqueues, and the split ring (Virtual I/O Device 1.2, 2.7). */
#include <stdlib.h>

#include "devices/virtio/queue_ring.h"

/* Available ring: flags, idx, ring[size], used_event. Used ring: flags, idx, {id, len}[size], avail_event. */
#define RING_FLAGS   0u
#define RING_IDX     2u
#define RING_ENTRIES 4u

#define AVAIL_F_NO_INTERRUPT 0x1u
#define USED_F_NO_NOTIFY     0x1u

static const struct ring_format *ring_format(const struct virtqueue *queue)
{
    return virtio_has(queue->device, VIRTIO_F_RING_PACKED) ? &ring_packed : &ring_split;
}

static bool queue_usable(const struct virtqueue *queue)
{
    return queue->enabled && virtio_running(queue->device);
}

struct virtqueue_chain *virtqueue_pop(struct virtqueue *queue)
{
    if (!queue_usable(queue))
        return NULL;
    if (queue->budget == 0) {
        queue->starved = true;
        return NULL;
    }
    if (queue->budget != VIRTIO_BUDGET_NONE)
        queue->budget--;
    return ring_format(queue)->pop(queue);
}

void virtqueue_push(struct virtqueue_chain *chain, uint32_t written)
{
    struct virtqueue *queue = chain->queue;
    if (!queue_usable(queue)) {
        virtqueue_drop(chain);
        return;
    }
    /* The pieces were marked when they were popped; a core may have decoded or harvested them since. */
    uint32_t left = written;
    for (unsigned i = 0; i < chain->in_count && left; i++) {
        const struct virtqueue_vec *vec = &chain->vecs[chain->out_count + i];
        uint32_t piece = left < vec->len ? left : vec->len;
        ram_written(queue->device->machine->mem.ram, vec->at, piece);
        left -= piece;
    }
    queue->in_flight -= chain->slots;
    ring_format(queue)->push(queue, chain->id, chain->slots, written - left);
    free(chain);
}

void virtqueue_unpop(struct virtqueue_chain *chain)
{
    struct virtqueue *queue = chain->queue;
    if (queue_usable(queue)) {
        queue->in_flight -= chain->slots;
        ring_format(queue)->unpop(queue, chain->slots);
    }
    free(chain);
}

void virtqueue_drop(struct virtqueue_chain *chain)
{
    free(chain);
}

void virtqueue_notify(struct virtqueue *queue)
{
    unsigned count = queue->unsignalled;
    if (!count || !queue_usable(queue))
        return;
    queue->unsignalled = 0;
    /* The used entries are written; only now look at what the driver wants (2.7.7.2). */
    ring_barrier();
    if (ring_format(queue)->interrupt_wanted(queue, count) && queue->device->transport.queue_interrupt)
        queue->device->transport.queue_interrupt(queue->device->transport.opaque, queue);
}

/* Ask the driver for a notification of the next chain, or ask it not to send any. */
static bool split_mute(struct virtqueue *queue, bool mute)
{
    bool event_idx = virtio_has(queue->device, VIRTIO_F_EVENT_IDX);
    uint64_t offset = event_idx ? RING_ENTRIES + 8ull * queue->size : RING_FLAGS;
    /* With event indices, an index that has passed mutes by itself. */
    if (event_idx && mute)
        return true;
    uint8_t *word = ring_at(queue, queue->device_area + offset, 2, RAM_WRITE);
    if (!word)
        return false;
    ring_store(word, event_idx ? queue->avail_index : mute ? USED_F_NO_NOTIFY : 0);
    queue->muted = mute;
    return true;
}

/* How many chains the driver has made available beyond what was popped; false: broken. */
static bool split_available(struct virtqueue *queue, const uint8_t *avail, uint16_t *count)
{
    *count = (uint16_t)(ring_load(avail + RING_IDX) - queue->avail_index);
    if (*count <= queue->size)
        return true;
    log_guest("%s: queue %u has its available index jump by %u", queue->device->name, queue->index, *count);
    virtio_break(queue->device);
    return false;
}

static struct ring_desc desc_fetch(const uint8_t *table, uint32_t index)
{
    uint8_t bytes[DESC_SIZE];
    memcpy(bytes, table + (size_t)index * DESC_SIZE, DESC_SIZE);
    /* From here on the copy is what counts, whatever a vCPU does to the original. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return (struct ring_desc){le64_load(bytes), le32_load(bytes + 8), le16_load(bytes + 12),
                              le16_load(bytes + 14)};
}

static bool split_index_wild(struct virtqueue *queue, uint32_t index, uint32_t entries)
{
    if (index < entries)
        return false;
    log_guest("%s: queue %u names descriptor %u of a table of %u", queue->device->name, queue->index, index,
              entries);
    virtio_break(queue->device);
    return true;
}

/* Collect the chain that starts at `head` of the queue's table. */
static bool split_walk(struct virtqueue *queue, uint16_t head, struct chain_builder *builder)
{
    uint32_t entries = queue->size, index = head;
    const uint8_t *table = ring_at(queue, queue->desc_area, (uint64_t)entries * DESC_SIZE, RAM_READ);
    bool indirect = false;
    /* A chain visits no descriptor twice: more steps than entries is a loop, which chain_add's limit on the
     * whole ends for large tables. */
    for (uint32_t steps = 0; table; steps++) {
        if (split_index_wild(queue, index, entries))
            return false;
        if (steps == entries) {
            log_guest("%s: queue %u has a chain that loops", queue->device->name, queue->index);
            virtio_break(queue->device);
            return false;
        }
        struct ring_desc desc = desc_fetch(table, index);
        if (desc.flags & DESC_F_INDIRECT) {
            if (indirect) {
                log_guest("%s: queue %u has an indirect table inside one", queue->device->name, queue->index);
                virtio_break(queue->device);
                return false;
            }
            table = chain_indirect_table(queue, &desc, &entries);
            indirect = true;
            index = 0;
            steps = UINT32_MAX; /* 0 after the increment: the table has its own count */
            continue;
        }
        if (!chain_add(builder, &desc))
            return false;
        if (!(desc.flags & DESC_F_NEXT))
            return true;
        index = desc.next;
    }
    return false;
}

static struct virtqueue_chain *split_pop(struct virtqueue *queue)
{
    const uint8_t *avail = ring_at(queue, queue->driver_area, RING_ENTRIES + 2ull * queue->size, RAM_READ);
    uint16_t count;
    if (!avail || !split_available(queue, avail, &count))
        return NULL;
    if (count == 0) {
        /* Ask for a notification first and look again then: what the driver adds in between is either seen
         * here or notified (2.7.10). */
        if (!split_mute(queue, false))
            return NULL;
        ring_barrier();
        if (!split_available(queue, avail, &count) || count == 0)
            return NULL;
    }
    if (!queue->muted && !split_mute(queue, true))
        return NULL;
    uint16_t head = ring_load(avail + RING_ENTRIES + 2u * (queue->avail_index & (queue->size - 1u)));
    struct chain_builder builder;
    chain_begin(&builder, queue);
    if (split_index_wild(queue, head, queue->size) || !split_walk(queue, head, &builder))
        return NULL;
    struct virtqueue_chain *chain = chain_finish(&builder, head, 1);
    if (chain)
        queue->avail_index++;
    return chain;
}

static void split_push(struct virtqueue *queue, uint16_t id, uint16_t slots, uint32_t written)
{
    uint64_t entry = RING_ENTRIES + 8ull * (queue->used_index & (queue->size - 1u));
    uint8_t *element = ring_at(queue, queue->device_area + entry, 8, RAM_WRITE);
    uint8_t *idx = element ? ring_at(queue, queue->device_area + RING_IDX, 2, RAM_WRITE) : NULL;
    if (!idx)
        return;
    le32_store(element, id);
    le32_store(element + 4, written);
    queue->used_index += slots;
    queue->unsignalled += slots;
    ring_store(idx, queue->used_index); /* a release: the element is there before the index says so */
}

static void split_unpop(struct virtqueue *queue, uint16_t slots)
{
    queue->avail_index -= slots;
}

static bool split_interrupt_wanted(struct virtqueue *queue, unsigned count)
{
    if (!virtio_has(queue->device, VIRTIO_F_EVENT_IDX)) {
        const uint8_t *flags = ring_at(queue, queue->driver_area + RING_FLAGS, 2, RAM_READ);
        return flags && !(ring_load(flags) & AVAIL_F_NO_INTERRUPT);
    }
    const uint8_t *event =
        ring_at(queue, queue->driver_area + RING_ENTRIES + 2ull * queue->size, 2, RAM_READ);
    /* 2.7.7.2: interrupt when the index the driver named is among those just written. */
    return event && (uint16_t)(queue->used_index - 1 - ring_load(event)) < count;
}

const struct ring_format ring_split = {
    .pop = split_pop,
    .push = split_push,
    .unpop = split_unpop,
    .interrupt_wanted = split_interrupt_wanted,
};
