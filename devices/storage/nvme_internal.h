/* What the files of the NVMe controller share. */
#pragma once

#include "devices/dma.h"
#include "devices/storage/nvme.h"

#define NVME_QUEUES      17 /* the admin pair and the I/O pairs */
#define NVME_ENTRIES_MAX 1024u
#define NVME_BLOCK       512u
#define NVME_EVENTS      4 /* asynchronous event requests at a time */
#define NVME_RANGES      64
#define NVME_MDTS        7 /* 2^7 smallest pages: 512 KiB a transfer */

#define CSTS_READY 0x1u
#define CSTS_FATAL 0x2u

/* Status codes, with their type in bits 8 to 10 (NVMe 1.4, 4.6.1). */
enum nvme_status {
    NVME_OK = 0x000,
    NVME_INVALID_OPCODE = 0x001,
    NVME_INVALID_FIELD = 0x002,
    NVME_DATA_TRANSFER_ERROR = 0x004,
    NVME_INVALID_NAMESPACE = 0x00b,
    NVME_INVALID_PRP_OFFSET = 0x013,
    NVME_LBA_RANGE = 0x080,
    NVME_INVALID_CQ = 0x100,
    NVME_INVALID_QUEUE_ID = 0x101,
    NVME_INVALID_QUEUE_SIZE = 0x102,
    NVME_EVENT_LIMIT = 0x105,
    NVME_INVALID_VECTOR = 0x108,
    NVME_INVALID_LOG = 0x109,
    NVME_INVALID_DELETION = 0x10c,
    NVME_NOT_SAVEABLE = 0x10d,
    NVME_READ_ONLY = 0x182,
    NVME_WRITE_FAULT = 0x280,
    NVME_READ_ERROR = 0x281,
    NVME_PENDING = 0xffff, /* not a status: the command completes later */
};

/* A submission queue entry, taken apart. */
struct nvme_command {
    uint8_t opcode;
    bool sgl; /* data are not described by PRPs */
    uint16_t id;
    uint32_t namespace;
    uint64_t prp1, prp2;
    uint32_t words[6]; /* command words 10 to 15 */
};

struct nvme_sq {
    uint64_t base;
    uint32_t size; /* entries; 0: not there */
    uint32_t head, tail;
    uint16_t cq;
};

struct nvme_cq {
    uint64_t base;
    uint32_t size, head, tail;
    uint16_t vector;
    bool phase, interrupts;
    uint32_t promised; /* entries for commands that are under way */
};

struct nvme {
    struct machine *machine;
    struct pci_function pci;
    char config_name[48];
    struct block *block;
    char serial[21];
    uint32_t intms, cc, csts, aqa;
    uint64_t asq, acq;
    struct nvme_sq sqs[NVME_QUEUES];
    struct nvme_cq cqs[NVME_QUEUES];
    uint16_t events[NVME_EVENTS]; /* commands that wait for an event */
    uint8_t event_count;
    uint32_t event_mask, temperature;
    bool no_write_cache;
    bool dropping; /* requests that finish now are of the time before a reset */
};

/* An I/O command under way. */
struct nvme_request {
    struct nvme *nvme;
    uint16_t sq, id;
    bool flush; /* when the data are there */
    struct dma_list dma;
    struct block_request io;
    unsigned range, range_count; /* of a deallocation */
    struct {
        uint64_t offset, len;
    } ranges[NVME_RANGES];
};

static inline uint64_t nvme_page_size(const struct nvme *nvme)
{
    return (uint64_t)PAGE_SIZE << (nvme->cc >> 7 & 0xf);
}

static inline uint64_t nvme_blocks(const struct nvme *nvme)
{
    return block_size(nvme->block) / NVME_BLOCK;
}

static inline bool nvme_running(const struct nvme *nvme)
{
    return (nvme->csts & (CSTS_READY | CSTS_FATAL)) == CSTS_READY;
}

/* nvme_queue.c: run what is in a submission queue; complete a command of it; every queue gone. */
void nvme_sq_run(struct nvme *nvme, unsigned sq);
void nvme_complete(struct nvme *nvme, unsigned sq, uint16_t id, uint32_t result, enum nvme_status status);
void nvme_doorbell(struct nvme *nvme, unsigned number, uint32_t value);
void nvme_queues_clear(struct nvme *nvme);
void nvme_pin_update(struct nvme *nvme);

/* nvme_admin.c and nvme_io.c: the status, or NVME_PENDING. `result` is the completion's first word. */
enum nvme_status nvme_admin_execute(struct nvme *nvme, const struct nvme_command *command, uint32_t *result);
enum nvme_status nvme_io_execute(struct nvme *nvme, unsigned sq, const struct nvme_command *command);

/* The guest memory that a command's PRPs name, `len` bytes of it (4.3). */
enum nvme_status nvme_prp_map(struct nvme *nvme, const struct nvme_command *command, uint64_t len,
                              struct dma_list *dma);

/* nvme_identify.c: 4096 bytes; what is asked for is in word 10. */
enum nvme_status nvme_identify(struct nvme *nvme, const struct nvme_command *command, uint8_t *data);
