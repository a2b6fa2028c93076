/* Virtual I/O Device 1.2, 5.2. Every request is handed to the backend at once and given back when it is done.
 */
#include "devices/virtio/virtio_blk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"

#define VIRTIO_BLK_F_SIZE_MAX     1
#define VIRTIO_BLK_F_SEG_MAX      2
#define VIRTIO_BLK_F_RO           5
#define VIRTIO_BLK_F_BLK_SIZE     6
#define VIRTIO_BLK_F_FLUSH        9
#define VIRTIO_BLK_F_TOPOLOGY     10
#define VIRTIO_BLK_F_CONFIG_WCE   11
#define VIRTIO_BLK_F_MQ           12
#define VIRTIO_BLK_F_DISCARD      13
#define VIRTIO_BLK_F_WRITE_ZEROES 14

#define VIRTIO_BLK_T_IN           0
#define VIRTIO_BLK_T_OUT          1
#define VIRTIO_BLK_T_FLUSH        4
#define VIRTIO_BLK_T_GET_ID       8
#define VIRTIO_BLK_T_DISCARD      11
#define VIRTIO_BLK_T_WRITE_ZEROES 13

#define VIRTIO_BLK_S_OK     0
#define VIRTIO_BLK_S_IOERR  1
#define VIRTIO_BLK_S_UNSUPP 2

/* The configuration space (5.2.4). */
#define CONFIG_CAPACITY                 0
#define CONFIG_SIZE_MAX                 8
#define CONFIG_SEG_MAX                  12
#define CONFIG_BLK_SIZE                 20
#define CONFIG_PHYSICAL_BLOCK_EXP       24
#define CONFIG_MIN_IO_SIZE              26
#define CONFIG_OPT_IO_SIZE              28
#define CONFIG_WRITEBACK                32
#define CONFIG_NUM_QUEUES               34
#define CONFIG_MAX_DISCARD_SECTORS      36
#define CONFIG_MAX_DISCARD_SEG          40
#define CONFIG_DISCARD_SECTOR_ALIGNMENT 44
#define CONFIG_MAX_WRITE_ZEROES_SECTORS 48
#define CONFIG_MAX_WRITE_ZEROES_SEG     52
#define CONFIG_WRITE_ZEROES_MAY_UNMAP   56
#define CONFIG_SIZE                     60

#define SECTOR            512u
#define QUEUE_SIZE        256u
#define SEGMENT_BYTES_MAX (4u << 20)
#define HEADER_SIZE       16u
#define RANGE_SIZE        16u
#define RANGES_MAX        16u
#define RANGE_SECTORS_MAX (1u << 22) /* 2 GiB a range, so that no single request holds a worker for long */
#define RANGE_F_UNMAP     1u
#define SERIAL_SIZE       20u

struct virtio_blk {
    struct virtio_device device;
    struct block *block;
    char serial[SERIAL_SIZE];
    char table_name[sizeof(((struct virtio_device *)0)->name) + 8];
    uint64_t sectors;
    uint8_t writeback;
    bool dropping; /* requests that finish now belong to the life before a reset */
};

struct blk_range {
    uint64_t sector;
    uint32_t sectors, flags;
};

struct blk_request {
    struct virtio_blk *blk;
    struct virtqueue_chain *chain;
    uint32_t type;
    struct block_request io;
    unsigned range, range_count; /* of a discard or a write zeroes: the one under way */
    struct blk_range ranges[RANGES_MAX];
    struct block_vec vecs[];
};

/* Give the chain back with its status: the last byte of what the device writes (5.2.6). */
static void chain_complete(struct virtqueue_chain *chain, uint8_t status)
{
    struct virtqueue *queue = chain->queue;
    virtqueue_chain_write(chain, chain->in_len - 1, &status, 1);
    virtqueue_push(chain, chain->in_len);
    virtqueue_notify(queue);
}

static void request_complete(struct blk_request *request, uint8_t status)
{
    if (request->blk->dropping)
        virtqueue_drop(request->chain);
    else
        chain_complete(request->chain, status);
    free(request);
}

static bool write_through(const struct virtio_blk *blk)
{
    return !virtio_has(&blk->device, VIRTIO_BLK_F_FLUSH) || !blk->writeback;
}

static void range_submit(struct blk_request *request)
{
    const struct blk_range *range = &request->ranges[request->range];
    request->io.offset = range->sector * SECTOR;
    request->io.len = (uint64_t)range->sectors * SECTOR;
    request->io.unmap = range->flags & RANGE_F_UNMAP;
    block_submit(request->blk->block, &request->io);
}

static void request_done(struct block_request *io, int error)
{
    struct blk_request *request = io->opaque;
    struct virtio_blk *blk = request->blk;
    if (error) {
        request_complete(request, error == ENOTSUP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR);
        return;
    }
    if (request->range + 1 < request->range_count) {
        request->range++;
        range_submit(request);
        return;
    }
    bool changed = io->op == BLOCK_WRITE || io->op == BLOCK_DISCARD || io->op == BLOCK_WRITE_ZEROES;
    if (changed && write_through(blk) && !blk->dropping) {
        io->op = BLOCK_FLUSH;
        block_submit(blk->block, io);
        return;
    }
    request_complete(request, VIRTIO_BLK_S_OK);
}

static struct blk_request *request_create(struct virtio_blk *blk, struct virtqueue_chain *chain,
                                          enum block_op op)
{
    size_t vecs = chain->out_count + chain->in_count;
    struct blk_request *request = machine_alloc(sizeof(*request) + vecs * sizeof(request->vecs[0]));
    request->blk = blk;
    request->chain = chain;
    request->io =
        (struct block_request){.op = op, .vecs = request->vecs, .done = request_done, .opaque = request};
    return request;
}

/* The bytes [skip, skip + len) of the vectors as the backend's. */
static unsigned vecs_slice(const struct virtqueue_vec *from, unsigned count, uint32_t skip, uint32_t len,
                           struct block_vec *to)
{
    unsigned used = 0;
    for (unsigned i = 0; i < count && len; i++) {
        if (skip >= from[i].len) {
            skip -= from[i].len;
            continue;
        }
        uint32_t piece = from[i].len - skip < len ? from[i].len - skip : len;
        to[used++] = (struct block_vec){from[i].host + skip, piece};
        skip = 0;
        len -= piece;
    }
    return used;
}

static bool sectors_beyond(const struct virtio_blk *blk, uint64_t sector, uint64_t count)
{
    return range_beyond(sector, count, blk->sectors);
}

static void transfer(struct virtio_blk *blk, struct virtqueue_chain *chain, uint64_t sector, bool write)
{
    uint32_t len = write ? chain->out_len - HEADER_SIZE : chain->in_len - 1;
    if (len % SECTOR || sectors_beyond(blk, sector, len / SECTOR) || (write && block_readonly(blk->block))) {
        log_guest("%s: %s of %u bytes at sector %llu refused", blk->device.name, write ? "write" : "read",
                  len, (unsigned long long)sector);
        chain_complete(chain, VIRTIO_BLK_S_IOERR);
        return;
    }
    struct blk_request *request = request_create(blk, chain, write ? BLOCK_WRITE : BLOCK_READ);
    request->io.offset = sector * SECTOR;
    request->io.len = len;
    request->io.vec_count =
        write ? vecs_slice(chain->vecs, chain->out_count, HEADER_SIZE, len, request->vecs)
              : vecs_slice(chain->vecs + chain->out_count, chain->in_count, 0, len, request->vecs);
    block_submit(blk->block, &request->io);
}

/* Fetch and check the ranges of a discard or a write zeroes; the status they deserve. */
static uint8_t ranges_fetch(struct virtio_blk *blk, const struct virtqueue_chain *chain, bool discard,
                            struct blk_request *request)
{
    uint32_t len = chain->out_len - HEADER_SIZE;
    if (block_readonly(blk->block) || len == 0 || len % RANGE_SIZE || len / RANGE_SIZE > RANGES_MAX)
        return VIRTIO_BLK_S_IOERR;
    request->range_count = len / RANGE_SIZE;
    for (unsigned i = 0; i < request->range_count; i++) {
        uint8_t bytes[RANGE_SIZE];
        virtqueue_chain_read(chain, HEADER_SIZE + i * RANGE_SIZE, bytes, RANGE_SIZE);
        struct blk_range *range = &request->ranges[i];
        *range = (struct blk_range){le64_load(bytes), le32_load(bytes + 8), le32_load(bytes + 12)};
        /* 5.2.6.2: unmap means something for write zeroes only; other flags are reserved. */
        if (range->flags & (discard ? ~0u : ~RANGE_F_UNMAP))
            return VIRTIO_BLK_S_UNSUPP;
        if (range->sectors > RANGE_SECTORS_MAX || sectors_beyond(blk, range->sector, range->sectors))
            return VIRTIO_BLK_S_IOERR;
    }
    return VIRTIO_BLK_S_OK;
}

static void deallocate(struct virtio_blk *blk, struct virtqueue_chain *chain, bool discard)
{
    struct blk_request *request = request_create(blk, chain, discard ? BLOCK_DISCARD : BLOCK_WRITE_ZEROES);
    uint8_t status = ranges_fetch(blk, chain, discard, request);
    if (status == VIRTIO_BLK_S_OK) {
        range_submit(request);
        return;
    }
    log_guest("%s: %s refused", blk->device.name, discard ? "discard" : "write zeroes");
    request_complete(request, status);
}

static void identify(struct virtio_blk *blk, struct virtqueue_chain *chain)
{
    uint32_t room = chain->in_len - 1;
    virtqueue_chain_write(chain, 0, blk->serial, room < SERIAL_SIZE ? room : SERIAL_SIZE);
    chain_complete(chain, VIRTIO_BLK_S_OK);
}

static void chain_handle(struct virtio_blk *blk, struct virtqueue_chain *chain)
{
    uint8_t header[HEADER_SIZE];
    if (chain->in_len == 0 || virtqueue_chain_read(chain, 0, header, HEADER_SIZE) < HEADER_SIZE) {
        log_guest("%s: a request without its header or its status byte", blk->device.name);
        virtqueue_drop(chain);
        virtio_break(&blk->device);
        return;
    }
    uint64_t sector = le64_load(header + 8);
    switch (le32_load(header)) {
    case VIRTIO_BLK_T_IN: transfer(blk, chain, sector, false); break;
    case VIRTIO_BLK_T_OUT: transfer(blk, chain, sector, true); break;
    case VIRTIO_BLK_T_FLUSH: block_submit(blk->block, &request_create(blk, chain, BLOCK_FLUSH)->io); break;
    case VIRTIO_BLK_T_GET_ID: identify(blk, chain); break;
    case VIRTIO_BLK_T_DISCARD: deallocate(blk, chain, true); break;
    case VIRTIO_BLK_T_WRITE_ZEROES: deallocate(blk, chain, false); break;
    default: chain_complete(chain, VIRTIO_BLK_S_UNSUPP); break;
    }
}

static void blk_notify(struct virtio_device *device, struct virtqueue *queue)
{
    struct virtio_blk *blk = container_of(device, struct virtio_blk, device);
    struct virtqueue_chain *chain;
    while ((chain = virtqueue_pop(queue)))
        chain_handle(blk, chain);
}

static void blk_config_read(struct virtio_device *device, uint8_t *config)
{
    const struct virtio_blk *blk = container_of(device, struct virtio_blk, device);
    le64_store(config + CONFIG_CAPACITY, blk->sectors);
    le32_store(config + CONFIG_SIZE_MAX, SEGMENT_BYTES_MAX);
    le32_store(config + CONFIG_SEG_MAX, QUEUE_SIZE - 2); /* a header and a status go with them */
    le32_store(config + CONFIG_BLK_SIZE, SECTOR);
    config[CONFIG_PHYSICAL_BLOCK_EXP] = 3; /* 4 KiB */
    le16_store(config + CONFIG_MIN_IO_SIZE, 8);
    le32_store(config + CONFIG_OPT_IO_SIZE, 0);
    config[CONFIG_WRITEBACK] = blk->writeback;
    le16_store(config + CONFIG_NUM_QUEUES, (uint16_t)device->queue_count);
    le32_store(config + CONFIG_MAX_DISCARD_SECTORS, RANGE_SECTORS_MAX);
    le32_store(config + CONFIG_MAX_DISCARD_SEG, RANGES_MAX);
    le32_store(config + CONFIG_DISCARD_SECTOR_ALIGNMENT, 8);
    le32_store(config + CONFIG_MAX_WRITE_ZEROES_SECTORS, RANGE_SECTORS_MAX);
    le32_store(config + CONFIG_MAX_WRITE_ZEROES_SEG, RANGES_MAX);
    config[CONFIG_WRITE_ZEROES_MAY_UNMAP] = 1;
}

static void blk_config_write(struct virtio_device *device, unsigned offset, unsigned width, uint64_t value)
{
    struct virtio_blk *blk = container_of(device, struct virtio_blk, device);
    if (offset == CONFIG_WRITEBACK && width == 1 && virtio_has(device, VIRTIO_BLK_F_CONFIG_WCE))
        blk->writeback = value & 1;
    else
        log_guest("%s: write to offset %u of the configuration, which is read-only", device->name, offset);
}

static const struct state_field blk_fields[] = {STATE(struct virtio_blk, writeback, .reset = 1)};

static const struct state_table blk_table = {
    .name = "virtio-blk",
    .version = 1,
    .fields = blk_fields,
    .count = ARRAY_LEN(blk_fields),
};

static void blk_start(struct virtio_device *device)
{
    struct virtio_blk *blk = container_of(device, struct virtio_blk, device);
    /* 5.2.5.2: a driver that can't flush gets writes that are durable when they complete. */
    if (!virtio_has(device, VIRTIO_BLK_F_FLUSH))
        blk->writeback = 0;
}

static void blk_quiesce(struct virtio_device *device)
{
    struct virtio_blk *blk = container_of(device, struct virtio_blk, device);
    blk->dropping = true;
    block_drain(blk->block);
    blk->dropping = false;
}

static void blk_reset(struct virtio_device *device)
{
    state_reset(&blk_table, container_of(device, struct virtio_blk, device), false);
}

static void blk_queue_stop(struct virtio_device *device, struct virtqueue *queue)
{
    (void)queue;
    block_drain(container_of(device, struct virtio_blk, device)->block);
}

static void blk_destroy(struct virtio_device *device)
{
    blk_quiesce(device);
    free(container_of(device, struct virtio_blk, device));
}

static const struct virtio_class blk_class = {
    .name = "virtio-blk",
    .type = VIRTIO_TYPE_BLOCK,
    .pci_class = 0x010000, /* SCSI storage, as the transitional devices had it */
    .config_size = CONFIG_SIZE,
    .config_read = blk_config_read,
    .config_write = blk_config_write,
    .start = blk_start,
    .quiesce = blk_quiesce,
    .reset = blk_reset,
    .queue_stop = blk_queue_stop,
    .notify = blk_notify,
    .destroy = blk_destroy,
};

struct virtio_device *virtio_blk_create(struct machine *machine, const struct virtio_blk_config *config)
{
    struct virtio_blk *blk = machine_alloc(sizeof(*blk));
    unsigned queues = config->queues ? config->queues : 1;
    blk->block = config->block;
    blk->sectors = block_size(config->block) / SECTOR;
    /* Not terminated when all 20 bytes are used (5.2.6.1). */
    if (config->serial)
        memcpy(blk->serial, config->serial, strnlen(config->serial, SERIAL_SIZE));
    uint64_t features = VIRTIO_BIT(VIRTIO_BLK_F_SIZE_MAX) | VIRTIO_BIT(VIRTIO_BLK_F_SEG_MAX) |
                        VIRTIO_BIT(VIRTIO_BLK_F_BLK_SIZE) | VIRTIO_BIT(VIRTIO_BLK_F_FLUSH) |
                        VIRTIO_BIT(VIRTIO_BLK_F_TOPOLOGY) | VIRTIO_BIT(VIRTIO_BLK_F_CONFIG_WCE) |
                        VIRTIO_BIT(VIRTIO_BLK_F_MQ);
    if (block_readonly(config->block))
        features |= VIRTIO_BIT(VIRTIO_BLK_F_RO);
    else
        features |= VIRTIO_BIT(VIRTIO_BLK_F_DISCARD) | VIRTIO_BIT(VIRTIO_BLK_F_WRITE_ZEROES);
    virtio_device_init(&blk->device, machine, config->name, &blk_class, features);
    for (unsigned i = 0; i < queues && i < VIRTIO_QUEUES_MAX; i++)
        virtio_queue_add(&blk->device, QUEUE_SIZE);
    snprintf(blk->table_name, sizeof(blk->table_name), "%s.blk", blk->device.name);
    machine_device_add(machine, blk->table_name, &blk_table, blk, NULL);
    return &blk->device;
}
