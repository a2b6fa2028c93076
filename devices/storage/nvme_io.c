/* The NVM command set (NVMe 1.4, 6), and PRPs. */
#include <errno.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/storage/nvme_internal.h"

enum {
    IO_FLUSH = 0x00,
    IO_WRITE = 0x01,
    IO_READ = 0x02,
    IO_WRITE_ZEROES = 0x08,
    IO_DATASET = 0x09,
};
#define ANY_NAMESPACE      0xffffffffu
#define FORCE_UNIT_ACCESS  (1u << 30)
#define ZEROES_DEALLOCATE  (1u << 25)
#define DATASET_DEALLOCATE (1u << 2)
#define DATASET_RANGE      16u

/* 4.3: a page number; only the first may begin inside a page. */
static enum nvme_status page_add(struct nvme *nvme, uint64_t prp, uint64_t *left, struct dma_list *dma)
{
    uint64_t page = nvme_page_size(nvme), piece = page < *left ? page : *left;
    if (prp & (page - 1))
        return NVME_INVALID_PRP_OFFSET;
    if (!dma_add(dma, gpa(prp), piece))
        return NVME_DATA_TRANSFER_ERROR;
    *left -= piece;
    return NVME_OK;
}

/* A list fills a page; its last entry is the next list's place when there are more pages. */
static enum nvme_status list_add(struct nvme *nvme, uint64_t list, uint64_t *left, struct dma_list *dma)
{
    uint64_t page = nvme_page_size(nvme);
    uint8_t bytes[8];
    while (*left) {
        if (list & 7)
            return NVME_INVALID_PRP_OFFSET;
        if (!ram_read(nvme->machine->mem.ram, gpa(list), bytes, sizeof(bytes)))
            return NVME_DATA_TRANSFER_ERROR;
        uint64_t entry = le64_load(bytes);
        bool last = (list & (page - 1)) == page - 8;
        if (last && *left > page) {
            if (entry & (page - 1))
                return NVME_INVALID_PRP_OFFSET;
            list = entry;
            continue;
        }
        enum nvme_status status = page_add(nvme, entry, left, dma);
        if (status)
            return status;
        list += 8;
    }
    return NVME_OK;
}

enum nvme_status nvme_prp_map(struct nvme *nvme, const struct nvme_command *command, uint64_t len,
                              struct dma_list *dma)
{
    uint64_t page = nvme_page_size(nvme), room = page - (command->prp1 & (page - 1));
    uint64_t left = len > room ? len - room : 0;
    if (command->sgl)
        return NVME_INVALID_FIELD;
    if (command->prp1 & 3)
        return NVME_INVALID_PRP_OFFSET;
    if (!dma_add(dma, gpa(command->prp1), len - left))
        return NVME_DATA_TRANSFER_ERROR;
    if (!left)
        return NVME_OK;
    return left <= page ? page_add(nvme, command->prp2, &left, dma)
                        : list_add(nvme, command->prp2, &left, dma);
}

static void request_free(struct nvme_request *request)
{
    dma_free(&request->dma);
    free(request);
}

static void range_submit(struct nvme_request *request)
{
    request->io.offset = request->ranges[request->range].offset;
    request->io.len = request->ranges[request->range].len;
    block_submit(request->nvme->block, &request->io);
}

static void request_complete(struct nvme_request *request, enum nvme_status status)
{
    struct nvme *nvme = request->nvme;
    unsigned sq = request->sq;
    uint16_t id = request->id;
    bool dropping = nvme->dropping;
    request_free(request);
    if (!dropping)
        nvme_complete(nvme, sq, id, 0, status);
}

static void request_done(struct block_request *io, int error)
{
    struct nvme_request *request = io->opaque;
    struct nvme *nvme = request->nvme;
    bool hint = io->op == BLOCK_DISCARD; /* that the image may not know how to take */
    if (error && !(hint && error == ENOTSUP)) {
        log_warn("%s: the image fails with error %d", nvme->pci.config.name, error);
        request_complete(request, io->op == BLOCK_READ ? NVME_READ_ERROR : NVME_WRITE_FAULT);
        return;
    }
    if (io->op == BLOCK_READ)
        dma_written(&request->dma, request->dma.bytes);
    if (request->range + 1 < request->range_count) {
        request->range++;
        range_submit(request);
    } else if (request->flush && !nvme->dropping) {
        request->flush = false;
        io->op = BLOCK_FLUSH;
        block_submit(nvme->block, io);
    } else {
        request_complete(request, NVME_OK);
    }
}

static struct nvme_request *request_create(struct nvme *nvme, unsigned sq, const struct nvme_command *command,
                                           enum block_op op)
{
    struct nvme_request *request = machine_alloc(sizeof(*request));
    request->nvme = nvme;
    request->sq = (uint16_t)sq;
    request->id = command->id;
    request->io = (struct block_request){.op = op, .done = request_done, .opaque = request};
    dma_init(&request->dma, nvme->machine->mem.ram, op == BLOCK_READ ? RAM_WRITE : RAM_READ);
    return request;
}

/* The blocks that words 10 to 12 name. */
static enum nvme_status blocks_decode(const struct nvme *nvme, const struct nvme_command *command,
                                      uint64_t *first, uint64_t *count)
{
    *first = command->words[0] | (uint64_t)command->words[1] << 32;
    *count = (command->words[2] & 0xffff) + 1u;
    return range_beyond(*first, *count, nvme_blocks(nvme)) ? NVME_LBA_RANGE : NVME_OK;
}

static enum nvme_status transfer(struct nvme *nvme, unsigned sq, const struct nvme_command *command,
                                 bool write)
{
    uint64_t first, count;
    enum nvme_status status = blocks_decode(nvme, command, &first, &count);
    if (status)
        return status;
    if (count * NVME_BLOCK > PAGE_SIZE << NVME_MDTS)
        return NVME_INVALID_FIELD;
    if (write && block_readonly(nvme->block))
        return NVME_READ_ONLY;
    struct nvme_request *request = request_create(nvme, sq, command, write ? BLOCK_WRITE : BLOCK_READ);
    status = nvme_prp_map(nvme, command, count * NVME_BLOCK, &request->dma);
    if (status) {
        request_free(request);
        return status;
    }
    request->flush = write && (nvme->no_write_cache || command->words[2] & FORCE_UNIT_ACCESS);
    request->io.offset = first * NVME_BLOCK;
    request->io.len = count * NVME_BLOCK;
    request->io.vecs = request->dma.vecs;
    request->io.vec_count = request->dma.count;
    block_submit(nvme->block, &request->io);
    return NVME_PENDING;
}

static enum nvme_status zeroes_write(struct nvme *nvme, unsigned sq, const struct nvme_command *command)
{
    uint64_t first, count;
    enum nvme_status status = blocks_decode(nvme, command, &first, &count);
    if (status)
        return status;
    if (block_readonly(nvme->block))
        return NVME_READ_ONLY;
    struct nvme_request *request = request_create(nvme, sq, command, BLOCK_WRITE_ZEROES);
    request->io.offset = first * NVME_BLOCK;
    request->io.len = count * NVME_BLOCK;
    request->io.unmap = command->words[2] & ZEROES_DEALLOCATE;
    request->flush = nvme->no_write_cache || command->words[2] & FORCE_UNIT_ACCESS;
    block_submit(nvme->block, &request->io);
    return NVME_PENDING;
}

/* 6.7: of the hints only deallocation does something. */
static enum nvme_status ranges_fetch(struct nvme *nvme, const struct nvme_command *command,
                                     struct nvme_request *request)
{
    unsigned count = (command->words[0] & 0xff) + 1;
    if (count > NVME_RANGES)
        return NVME_INVALID_FIELD;
    enum nvme_status status = nvme_prp_map(nvme, command, count * DATASET_RANGE, &request->dma);
    for (unsigned i = 0; i < count && !status; i++) {
        uint8_t bytes[DATASET_RANGE];
        dma_get(&request->dma, i * DATASET_RANGE, bytes, sizeof(bytes));
        uint64_t blocks = le32_load(bytes + 4), first = le64_load(bytes + 8);
        if (range_beyond(first, blocks, nvme_blocks(nvme)))
            return NVME_LBA_RANGE;
        if (!blocks)
            continue;
        request->ranges[request->range_count].offset = first * NVME_BLOCK;
        request->ranges[request->range_count++].len = blocks * NVME_BLOCK;
    }
    return status;
}

static enum nvme_status dataset_manage(struct nvme *nvme, unsigned sq, const struct nvme_command *command)
{
    if (block_readonly(nvme->block))
        return NVME_READ_ONLY;
    struct nvme_request *request = request_create(nvme, sq, command, BLOCK_DISCARD);
    enum nvme_status status = ranges_fetch(nvme, command, request);
    if (status || !request->range_count || !(command->words[1] & DATASET_DEALLOCATE)) {
        request_free(request);
        return status;
    }
    range_submit(request);
    return NVME_PENDING;
}

static enum nvme_status flush(struct nvme *nvme, unsigned sq, const struct nvme_command *command)
{
    struct nvme_request *request = request_create(nvme, sq, command, BLOCK_FLUSH);
    block_submit(nvme->block, &request->io);
    return NVME_PENDING;
}

enum nvme_status nvme_io_execute(struct nvme *nvme, unsigned sq, const struct nvme_command *command)
{
    bool everywhere = command->opcode == IO_FLUSH && command->namespace == ANY_NAMESPACE;
    if (command->namespace != 1 && !everywhere)
        return NVME_INVALID_NAMESPACE;
    switch (command->opcode) {
    case IO_FLUSH: return flush(nvme, sq, command);
    case IO_WRITE: return transfer(nvme, sq, command, true);
    case IO_READ: return transfer(nvme, sq, command, false);
    case IO_WRITE_ZEROES: return zeroes_write(nvme, sq, command);
    case IO_DATASET: return dataset_manage(nvme, sq, command);
    default: return NVME_INVALID_OPCODE;
    }
}
