/* Submission and completion queues, doorbells and interrupts (NVMe 1.4, 4.1 and 7.5). */
#include "base/bits.h"
#include "devices/storage/nvme_internal.h"

#define SQ_ENTRY 64u
#define CQ_ENTRY 16u

/* 7.5.1.1: the pin is up while a queue of an unmasked vector has entries that were not taken. */
void nvme_pin_update(struct nvme *nvme)
{
    bool level = false;
    for (unsigned i = 0; i < NVME_QUEUES; i++) {
        const struct nvme_cq *cq = &nvme->cqs[i];
        bool waits = cq->size && cq->interrupts && cq->head != cq->tail;
        level |= waits && !(nvme->intms >> (cq->vector & 31) & 1);
    }
    pci_intx_set(&nvme->pci, level);
}

void nvme_complete(struct nvme *nvme, unsigned number, uint16_t id, uint32_t result, enum nvme_status status)
{
    struct nvme_sq *sq = &nvme->sqs[number];
    struct nvme_cq *cq = &nvme->cqs[sq->cq];
    uint8_t entry[CQ_ENTRY] = {0};
    le32_store(entry, result);
    le16_store(entry + 8, (uint16_t)sq->head);
    le16_store(entry + 10, (uint16_t)number);
    le16_store(entry + 12, id);
    /* An error of these kinds comes again when the command is tried again. */
    bool final = status && status != NVME_READ_ERROR && status != NVME_WRITE_FAULT;
    le16_store(entry + 14, (uint16_t)(status << 1 | cq->phase | (final ? 0x8000 : 0)));
    if (!ram_write(nvme->machine->mem.ram, gpa(cq->base + cq->tail * CQ_ENTRY), entry, CQ_ENTRY))
        log_guest("NVMe: completion queue %u is where no RAM is", sq->cq);
    cq->promised--;
    if (++cq->tail == cq->size) {
        cq->tail = 0;
        cq->phase = !cq->phase;
    }
    if (cq->interrupts && pci_msix_enabled(&nvme->pci))
        pci_msix_notify(&nvme->pci, cq->vector);
    nvme_pin_update(nvme);
}

static bool cq_has_room(const struct nvme_cq *cq)
{
    uint32_t used = (cq->tail + cq->size - cq->head) % cq->size;
    return used + cq->promised + 1 < cq->size;
}

static struct nvme_command command_decode(const uint8_t *entry)
{
    struct nvme_command command = {.opcode = entry[0],
                                   .sgl = entry[1] & 0xc0,
                                   .id = le16_load(entry + 2),
                                   .namespace = le32_load(entry + 4),
                                   .prp1 = le64_load(entry + 24),
                                   .prp2 = le64_load(entry + 32)};
    for (unsigned i = 0; i < 6; i++)
        command.words[i] = le32_load(entry + 40 + 4 * i);
    return command;
}

/* Every command gets its place among the completions before it begins, so that none ever lacks one. */
void nvme_sq_run(struct nvme *nvme, unsigned number)
{
    struct nvme_sq *sq = &nvme->sqs[number];
    uint8_t entry[SQ_ENTRY];
    while (nvme_running(nvme) && sq->size && sq->head != sq->tail && cq_has_room(&nvme->cqs[sq->cq])) {
        bool there = ram_read(nvme->machine->mem.ram, gpa(sq->base + sq->head * SQ_ENTRY), entry, SQ_ENTRY);
        if (!there) {
            log_guest("NVMe: submission queue %u is where no RAM is", number);
            nvme->csts |= CSTS_FATAL;
            return;
        }
        sq->head = (sq->head + 1) % sq->size;
        nvme->cqs[sq->cq].promised++;
        struct nvme_command command = command_decode(entry);
        uint32_t result = 0;
        enum nvme_status status =
            number ? nvme_io_execute(nvme, number, &command) : nvme_admin_execute(nvme, &command, &result);
        if (status != NVME_PENDING)
            nvme_complete(nvme, number, command.id, result, status);
    }
}

static void cq_taken(struct nvme *nvme, unsigned number, uint32_t head)
{
    struct nvme_cq *cq = &nvme->cqs[number];
    cq->head = head;
    nvme_pin_update(nvme);
    for (unsigned i = 0; i < NVME_QUEUES; i++) {
        if (nvme->sqs[i].size && nvme->sqs[i].cq == number)
            nvme_sq_run(nvme, i);
    }
}

/* 3.1.25: even numbers are submission queues' tails, odd ones completion queues' heads. */
void nvme_doorbell(struct nvme *nvme, unsigned number, uint32_t value)
{
    unsigned queue = number / 2;
    uint32_t size = 0;
    if (queue < NVME_QUEUES)
        size = number & 1 ? nvme->cqs[queue].size : nvme->sqs[queue].size;
    if (!nvme_running(nvme) || value >= size) {
        log_guest("NVMe: doorbell %u can't be %u", number, value);
        return;
    }
    if (number & 1) {
        cq_taken(nvme, queue, value);
    } else {
        nvme->sqs[queue].tail = value;
        nvme_sq_run(nvme, queue);
    }
}

void nvme_queues_clear(struct nvme *nvme)
{
    for (unsigned i = 0; i < NVME_QUEUES; i++) {
        nvme->sqs[i] = (struct nvme_sq){0};
        nvme->cqs[i] = (struct nvme_cq){0};
    }
    nvme->event_count = 0;
    nvme_pin_update(nvme);
}
