/* The admin command set (NVMe 1.4, 5): queues, features, logs. */
#include <string.h>

#include "base/bits.h"
#include "devices/storage/nvme_internal.h"

enum {
    ADMIN_DELETE_SQ = 0x00,
    ADMIN_CREATE_SQ = 0x01,
    ADMIN_LOG = 0x02,
    ADMIN_DELETE_CQ = 0x04,
    ADMIN_CREATE_CQ = 0x05,
    ADMIN_IDENTIFY = 0x06,
    ADMIN_ABORT = 0x08,
    ADMIN_SET_FEATURES = 0x09,
    ADMIN_GET_FEATURES = 0x0a,
    ADMIN_EVENT = 0x0c,
};

enum {
    FEATURE_ARBITRATION = 0x01,
    FEATURE_POWER = 0x02,
    FEATURE_TEMPERATURE = 0x04,
    FEATURE_RECOVERY = 0x05,
    FEATURE_WRITE_CACHE = 0x06,
    FEATURE_QUEUES = 0x07,
    FEATURE_COALESCING = 0x08,
    FEATURE_VECTOR = 0x09,
    FEATURE_ATOMICITY = 0x0a,
    FEATURE_EVENTS = 0x0b,
};

#define LOG_ERRORS   0x01
#define LOG_HEALTH   0x02
#define LOG_FIRMWARE 0x03

#define DATA_SIZE 4096u

/* Words 10 and 11 of the create commands: number, size less one, and whether the memory is one piece. */
static enum nvme_status queue_decode(const struct nvme *nvme, const struct nvme_command *command,
                                     unsigned *number, uint32_t *size)
{
    *number = command->words[0] & 0xffff;
    *size = (command->words[0] >> 16) + 1;
    if (*number == 0 || *number >= NVME_QUEUES)
        return NVME_INVALID_QUEUE_ID;
    if (*size < 2 || *size > NVME_ENTRIES_MAX)
        return NVME_INVALID_QUEUE_SIZE;
    if (!(command->words[1] & 1))
        return NVME_INVALID_FIELD;
    return command->prp1 & (nvme_page_size(nvme) - 1) ? NVME_INVALID_PRP_OFFSET : NVME_OK;
}

static enum nvme_status cq_create(struct nvme *nvme, const struct nvme_command *command)
{
    unsigned number;
    uint32_t size;
    enum nvme_status status = queue_decode(nvme, command, &number, &size);
    uint16_t vector = (uint16_t)(command->words[1] >> 16);
    if (status)
        return status;
    if (nvme->cqs[number].size)
        return NVME_INVALID_QUEUE_ID;
    if (vector >= NVME_QUEUES || (vector && !pci_msix_enabled(&nvme->pci)))
        return NVME_INVALID_VECTOR;
    nvme->cqs[number] = (struct nvme_cq){.base = command->prp1,
                                         .size = size,
                                         .vector = vector,
                                         .phase = true,
                                         .interrupts = command->words[1] >> 1 & 1};
    return NVME_OK;
}

static enum nvme_status sq_create(struct nvme *nvme, const struct nvme_command *command)
{
    unsigned number;
    uint32_t size;
    enum nvme_status status = queue_decode(nvme, command, &number, &size);
    uint16_t cq = (uint16_t)(command->words[1] >> 16);
    if (status)
        return status;
    if (nvme->sqs[number].size)
        return NVME_INVALID_QUEUE_ID;
    if (cq == 0 || cq >= NVME_QUEUES || !nvme->cqs[cq].size)
        return NVME_INVALID_CQ;
    nvme->sqs[number] = (struct nvme_sq){.base = command->prp1, .size = size, .cq = cq};
    return NVME_OK;
}

/* 5.6: the commands of the queue that are under way complete before it goes. */
static enum nvme_status sq_delete(struct nvme *nvme, unsigned number)
{
    if (number == 0 || number >= NVME_QUEUES || !nvme->sqs[number].size)
        return NVME_INVALID_QUEUE_ID;
    block_drain(nvme->block);
    nvme->sqs[number] = (struct nvme_sq){0};
    return NVME_OK;
}

static enum nvme_status cq_delete(struct nvme *nvme, unsigned number)
{
    if (number == 0 || number >= NVME_QUEUES || !nvme->cqs[number].size)
        return NVME_INVALID_QUEUE_ID;
    for (unsigned i = 0; i < NVME_QUEUES; i++) {
        if (nvme->sqs[i].size && nvme->sqs[i].cq == number)
            return NVME_INVALID_DELETION;
    }
    nvme->cqs[number] = (struct nvme_cq){0};
    nvme_pin_update(nvme);
    return NVME_OK;
}

static enum nvme_status data_put(struct nvme *nvme, const struct nvme_command *command, const uint8_t *data,
                                 uint64_t len)
{
    struct dma_list dma;
    dma_init(&dma, nvme->machine->mem.ram, RAM_WRITE);
    enum nvme_status status = nvme_prp_map(nvme, command, len, &dma);
    if (!status)
        dma_put(&dma, 0, data, len);
    dma_free(&dma);
    return status;
}

static enum nvme_status identify(struct nvme *nvme, const struct nvme_command *command)
{
    uint8_t data[DATA_SIZE] = {0};
    enum nvme_status status = nvme_identify(nvme, command, data);
    return status ? status : data_put(nvme, command, data, sizeof(data));
}

/* 5.14.1.2: in good health at 27 C. */
static void health_log(uint8_t *data)
{
    le16_store(data + 1, 300);
    data[3] = 100; /* spare */
    data[4] = 10;
}

static enum nvme_status log_get(struct nvme *nvme, const struct nvme_command *command)
{
    uint8_t data[DATA_SIZE] = {0};
    uint64_t words = (command->words[0] >> 16 | (uint64_t)(command->words[1] & 0xffff) << 16) + 1;
    uint64_t offset = command->words[2] | (uint64_t)command->words[3] << 32, len = 4 * words;
    switch (command->words[0] & 0xff) {
    case LOG_ERRORS: break; /* none */
    case LOG_HEALTH: health_log(data); break;
    case LOG_FIRMWARE:
        data[0] = 1;
        memcpy(data + 8, "1.0     ", 8);
        break;
    default: return NVME_INVALID_LOG;
    }
    if (offset & 3 || offset >= sizeof(data))
        return NVME_INVALID_FIELD;
    uint64_t rest = sizeof(data) - offset;
    return data_put(nvme, command, data + offset, len < rest ? len : rest);
}

static enum nvme_status features_set(struct nvme *nvme, const struct nvme_command *command, uint32_t *result)
{
    uint32_t value = command->words[1];
    if (command->words[0] >> 31)
        return NVME_NOT_SAVEABLE;
    switch (command->words[0] & 0xff) {
    case FEATURE_WRITE_CACHE: nvme->no_write_cache = !(value & 1); return NVME_OK;
    case FEATURE_QUEUES:
        if ((value & 0xffff) == 0xffff || value >> 16 == 0xffff)
            return NVME_INVALID_FIELD;
        *result = (NVME_QUEUES - 2) | (NVME_QUEUES - 2) << 16;
        return NVME_OK;
    case FEATURE_EVENTS: nvme->event_mask = value; return NVME_OK;
    case FEATURE_TEMPERATURE: nvme->temperature = value & 0xffff; return NVME_OK;
    case FEATURE_ARBITRATION: /* taken, and without consequence here */
    case FEATURE_RECOVERY:
    case FEATURE_COALESCING:
    case FEATURE_VECTOR:
    case FEATURE_ATOMICITY: return NVME_OK;
    case FEATURE_POWER: return value & 0x1f ? NVME_INVALID_FIELD : NVME_OK;
    default: return NVME_INVALID_FIELD;
    }
}

static enum nvme_status features_get(struct nvme *nvme, const struct nvme_command *command, uint32_t *result)
{
    uint8_t select = command->words[0] >> 8 & 7;
    uint8_t feature = (uint8_t)command->words[0];
    if (select == 3) { /* what can be done: changed, but not saved */
        *result = feature >= FEATURE_ARBITRATION && feature <= FEATURE_EVENTS ? 4 : 0;
        return NVME_OK;
    }
    switch (feature) {
    case FEATURE_WRITE_CACHE: *result = !nvme->no_write_cache; return NVME_OK;
    case FEATURE_QUEUES: *result = (NVME_QUEUES - 2) | (NVME_QUEUES - 2) << 16; return NVME_OK;
    case FEATURE_EVENTS: *result = nvme->event_mask; return NVME_OK;
    case FEATURE_TEMPERATURE: *result = nvme->temperature; return NVME_OK;
    case FEATURE_VECTOR: *result = command->words[1] & 0xffff; return NVME_OK;
    case FEATURE_ARBITRATION:
    case FEATURE_POWER:
    case FEATURE_RECOVERY:
    case FEATURE_COALESCING:
    case FEATURE_ATOMICITY: return NVME_OK;
    default: return NVME_INVALID_FIELD;
    }
}

/* 5.2: kept until an event comes, and none ever does; it takes no place among the completions meanwhile. */
static enum nvme_status event_request(struct nvme *nvme, const struct nvme_command *command)
{
    if (nvme->event_count == NVME_EVENTS)
        return NVME_EVENT_LIMIT;
    nvme->events[nvme->event_count++] = command->id;
    nvme->cqs[0].promised--;
    return NVME_PENDING;
}

enum nvme_status nvme_admin_execute(struct nvme *nvme, const struct nvme_command *command, uint32_t *result)
{
    switch (command->opcode) {
    case ADMIN_DELETE_SQ: return sq_delete(nvme, command->words[0] & 0xffff);
    case ADMIN_CREATE_SQ: return sq_create(nvme, command);
    case ADMIN_LOG: return log_get(nvme, command);
    case ADMIN_DELETE_CQ: return cq_delete(nvme, command->words[0] & 0xffff);
    case ADMIN_CREATE_CQ: return cq_create(nvme, command);
    case ADMIN_IDENTIFY: return identify(nvme, command);
    case ADMIN_ABORT: *result = 1; return NVME_OK; /* too late: the command goes on */
    case ADMIN_SET_FEATURES: return features_set(nvme, command, result);
    case ADMIN_GET_FEATURES: return features_get(nvme, command, result);
    case ADMIN_EVENT: return event_request(nvme, command);
    default: return NVME_INVALID_OPCODE;
    }
}
