/* Chains of checked host buffers, for both ring formats. */
#include <stdlib.h>

#include "devices/virtio/queue_ring.h"

void *ring_at(struct virtqueue *queue, uint64_t address, uint64_t len, enum ram_access access)
{
    void *host = ram_at(queue->device->machine->mem.ram, gpa(address), len, access);
    if (!host) {
        log_guest("%s: queue %u has its rings outside RAM (%#llx)", queue->device->name, queue->index,
                  (unsigned long long)address);
        virtio_break(queue->device);
    }
    return host;
}

void chain_begin(struct chain_builder *builder, struct virtqueue *queue)
{
    builder->queue = queue;
    builder->count = builder->out_count = 0;
    builder->out_len = builder->in_len = 0;
}

/* 2.6.4.2: at most queue-size descriptors; drivers with indirect tables go beyond it, but not beyond this. */
static bool chain_too_long(struct chain_builder *builder)
{
    struct virtqueue *queue = builder->queue;
    log_guest("%s: queue %u has a chain that loops or is longer than %u descriptors", queue->device->name,
              queue->index, VIRTQUEUE_CHAIN_MAX);
    virtio_break(queue->device);
    return false;
}

/* The largest piece at the start of [at, at + len) that lies in one mapping. */
static uint8_t *piece_at(struct ram *ram, gpa_t at, uint32_t *len, enum ram_access access)
{
    uint32_t piece = *len;
    uint8_t *host = ram_at(ram, at, piece, access);
    while (!host && piece > 1) {
        /* Mappings end at page boundaries: halve, keeping the end of the piece on one. */
        uint64_t in_page = PAGE_SIZE - (at.a & (PAGE_SIZE - 1));
        if (piece <= in_page)
            return NULL;
        uint64_t half = piece / 2 <= in_page ? in_page : align_down(at.a + piece / 2, PAGE_SIZE) - at.a;
        piece = (uint32_t)half;
        host = ram_at(ram, at, piece, access);
    }
    *len = piece;
    return host;
}

static bool chain_add_buffer(struct chain_builder *builder, uint64_t addr, uint32_t len, bool in)
{
    struct virtqueue *queue = builder->queue;
    while (len) {
        if (builder->count == VIRTQUEUE_CHAIN_MAX)
            return chain_too_long(builder);
        uint32_t piece = len;
        uint8_t *host =
            piece_at(queue->device->machine->mem.ram, gpa(addr), &piece, in ? RAM_WRITE : RAM_READ);
        if (!host) {
            log_guest("%s: queue %u has a buffer outside RAM (%#llx, %u bytes)", queue->device->name,
                      queue->index, (unsigned long long)addr, len);
            virtio_break(queue->device);
            return false;
        }
        builder->vecs[builder->count++] = (struct virtqueue_vec){.host = host, .len = piece, .at = gpa(addr)};
        addr += piece;
        len -= piece;
    }
    return true;
}

bool chain_add(struct chain_builder *builder, const struct ring_desc *desc)
{
    struct virtqueue *queue = builder->queue;
    const char *wrong = NULL;
    bool in = desc->flags & DESC_F_WRITE;
    uint64_t *total = in ? &builder->in_len : &builder->out_len;
    if (desc->len == 0)
        wrong = "an empty buffer";
    else if (!in && builder->in_len)
        wrong = "a readable buffer behind a writable one"; /* 2.6.4.2 */
    else if (*total + desc->len > UINT32_MAX)
        wrong = "buffers of 4 GiB"; /* 2.7.5.2: no more than 2^32 bytes in total */
    if (wrong) {
        log_guest("%s: queue %u has %s in a chain", queue->device->name, queue->index, wrong);
        virtio_break(queue->device);
        return false;
    }
    if (!chain_add_buffer(builder, desc->addr, desc->len, in))
        return false;
    *total += desc->len;
    if (!in)
        builder->out_count = builder->count;
    return true;
}

struct virtqueue_chain *chain_finish(const struct chain_builder *builder, uint16_t id, uint16_t slots)
{
    struct virtqueue *queue = builder->queue;
    if (queue->in_flight + slots > queue->size) {
        log_guest("%s: queue %u has more chains under way than it has room for", queue->device->name,
                  queue->index);
        virtio_break(queue->device);
        return NULL;
    }
    struct virtqueue_chain *chain = malloc(sizeof(*chain) + builder->count * sizeof(chain->vecs[0]));
    if (!chain)
        abort();
    *chain = (struct virtqueue_chain){
        .queue = queue,
        .id = id,
        .slots = slots,
        .out_count = builder->out_count,
        .in_count = builder->count - builder->out_count,
        .out_len = (uint32_t)builder->out_len,
        .in_len = (uint32_t)builder->in_len,
    };
    memcpy(chain->vecs, builder->vecs, builder->count * sizeof(chain->vecs[0]));
    queue->in_flight += slots;
    return chain;
}

const uint8_t *chain_indirect_table(struct virtqueue *queue, const struct ring_desc *desc, uint32_t *entries)
{
    const char *wrong = NULL;
    const uint8_t *table = NULL;
    if (!virtio_has(queue->device, VIRTIO_F_INDIRECT_DESC))
        wrong = "was not negotiated";
    else if (desc->flags & DESC_F_NEXT)
        wrong = "has a next one"; /* 2.7.5.3.1 */
    else if (desc->len == 0 || desc->len % DESC_SIZE)
        wrong = "is not a whole number of descriptors";
    else if (!(table = ram_at(queue->device->machine->mem.ram, gpa(desc->addr), desc->len, RAM_READ)))
        wrong = "lies outside RAM";
    if (wrong) {
        log_guest("%s: queue %u has an indirect table (%#llx, %u bytes) that %s", queue->device->name,
                  queue->index, (unsigned long long)desc->addr, desc->len, wrong);
        virtio_break(queue->device);
        return NULL;
    }
    *entries = desc->len / DESC_SIZE;
    return table;
}

/* Copy between `buffer` and the vectors from `offset` on, in the direction `store` says. */
static size_t vecs_copy(const struct virtqueue_vec *vecs, unsigned count, size_t offset, uint8_t *buffer,
                        size_t len, bool store)
{
    size_t done = 0;
    for (unsigned i = 0; i < count && done < len; i++) {
        if (offset >= vecs[i].len) {
            offset -= vecs[i].len;
            continue;
        }
        size_t piece = vecs[i].len - offset;
        if (piece > len - done)
            piece = len - done;
        if (store)
            memcpy(vecs[i].host + offset, buffer + done, piece);
        else
            memcpy(buffer + done, vecs[i].host + offset, piece);
        offset = 0;
        done += piece;
    }
    return done;
}

size_t virtqueue_chain_read(const struct virtqueue_chain *chain, size_t offset, void *to, size_t len)
{
    return vecs_copy(chain->vecs, chain->out_count, offset, to, len, false);
}

size_t virtqueue_chain_write(const struct virtqueue_chain *chain, size_t offset, const void *from, size_t len)
{
    /* Only read from: the direction says so. */
    uint8_t *bytes = (uint8_t *)(uintptr_t)from;
    return vecs_copy(chain->vecs + chain->out_count, chain->in_count, offset, bytes, len, true);
}
