#include "devices/storage/nvme.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/storage/nvme_internal.h"

/* The identity of the peer's controller, which drivers treat as a good one. */
#define NVME_VENDOR           0x1b36
#define NVME_DEVICE           0x0010
#define NVME_CLASS            0x010802
#define NVME_REVISION         2
#define NVME_SUBSYSTEM_VENDOR 0x1af4
#define NVME_SUBSYSTEM        0x1100

#define BAR          0
#define BAR_SIZE     0x4000u
#define BAR_DOORBELL 0x1000u
#define BAR_TABLE    0x2000u
#define BAR_PENDING  0x3000u

/* NVMe 1.4, 3.1. */
enum {
    CAP = 0x00, /* 64 bits */
    VS = 0x08,
    INTMS = 0x0c,
    INTMC = 0x10,
    CC = 0x14,
    CSTS = 0x1c,
    AQA = 0x24,
    ASQ = 0x28, /* 64 bits, as is ACQ */
    ACQ = 0x30,
};
#define VERSION 0x00010400u

/* Entries, queues in one piece, 10 s to be ready, the NVM command set, pages of 4 to 64 KiB. */
#define CAP_VALUE                                                                                            \
    ((NVME_ENTRIES_MAX - 1) | (uint64_t)1 << 16 | (uint64_t)20 << 24 | (uint64_t)1 << 37 | (uint64_t)4 << 52)
#define PAGE_SHIFT_MAX 4u

#define CC_ENABLE          0x1u
#define CSTS_SHUTDOWN      0x8u /* complete */
#define CSTS_SHUTDOWN_MASK 0xcu

static uint32_t register_read(const struct nvme *nvme, uint64_t offset)
{
    switch (offset) {
    case CAP: return (uint32_t)CAP_VALUE;
    case CAP + 4: return (uint32_t)(CAP_VALUE >> 32);
    case VS: return VERSION;
    case INTMS:
    case INTMC: return nvme->intms;
    case CC: return nvme->cc;
    case CSTS: return nvme->csts;
    case AQA: return nvme->aqa;
    case ASQ: return (uint32_t)nvme->asq;
    case ASQ + 4: return (uint32_t)(nvme->asq >> 32);
    case ACQ: return (uint32_t)nvme->acq;
    case ACQ + 4: return (uint32_t)(nvme->acq >> 32);
    default: return 0;
    }
}

/* What is on the way to the image can't be called back: it is waited for. */
static void controller_stop(struct nvme *nvme)
{
    nvme->dropping = true;
    block_drain(nvme->block);
    nvme->dropping = false;
    nvme_queues_clear(nvme);
}

/* 7.6.1: the admin queues are as AQA, ASQ and ACQ say. */
static bool controller_start(struct nvme *nvme)
{
    uint32_t sq = (nvme->aqa & 0xfff) + 1, cq = (nvme->aqa >> 16 & 0xfff) + 1;
    uint64_t page = nvme_page_size(nvme);
    bool page_good = (nvme->cc >> 7 & 0xf) <= PAGE_SHIFT_MAX, set_good = !(nvme->cc >> 4 & 7);
    if (!page_good || !set_good || sq < 2 || cq < 2 || (nvme->asq | nvme->acq) & (page - 1)) {
        log_guest("NVMe: the controller can't start with CC %#x and AQA %#x", nvme->cc, nvme->aqa);
        return false;
    }
    nvme->sqs[0] = (struct nvme_sq){.base = nvme->asq, .size = sq};
    nvme->cqs[0] = (struct nvme_cq){.base = nvme->acq, .size = cq, .phase = true, .interrupts = true};
    return true;
}

static void cc_write(struct nvme *nvme, uint32_t value)
{
    uint32_t old = nvme->cc;
    bool shutdown = value >> 14 & 3;
    nvme->cc = value & 0x00fffff1;
    if (value & ~old & CC_ENABLE) {
        nvme->csts = controller_start(nvme) ? CSTS_READY : CSTS_FATAL;
    } else if (old & ~value & CC_ENABLE) {
        controller_stop(nvme);
        nvme->csts &= ~(CSTS_READY | CSTS_FATAL);
    }
    if (shutdown && !(old >> 14 & 3)) {
        block_drain(nvme->block);
        nvme->csts |= CSTS_SHUTDOWN;
    } else if (!shutdown) {
        nvme->csts &= ~CSTS_SHUTDOWN_MASK;
    }
}

static void register_write(struct nvme *nvme, uint64_t offset, uint32_t value)
{
    bool stopped = !(nvme->cc & CC_ENABLE);
    switch (offset) {
    case INTMS: nvme->intms |= value; break;
    case INTMC: nvme->intms &= ~value; break;
    case CC: cc_write(nvme, value); break;
    case AQA: nvme->aqa = stopped ? value & 0x0fff0fff : nvme->aqa; break;
    case ASQ: nvme->asq = bits_set(nvme->asq, 0, 32, value & 0xfffff000); break;
    case ASQ + 4: nvme->asq = bits_set(nvme->asq, 32, 32, value); break;
    case ACQ: nvme->acq = bits_set(nvme->acq, 0, 32, value & 0xfffff000); break;
    case ACQ + 4: nvme->acq = bits_set(nvme->acq, 32, 32, value); break;
    default: break;
    }
    nvme_pin_update(nvme);
}

static uint64_t nvme_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct nvme *nvme = opaque;
    uint64_t low = register_read(nvme, offset);
    return width == 8 ? low | (uint64_t)register_read(nvme, offset + 4) << 32 : low;
}

static void nvme_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct nvme *nvme = opaque;
    register_write(nvme, offset, (uint32_t)value);
    if (width == 8)
        register_write(nvme, offset + 4, (uint32_t)(value >> 32));
}

static uint64_t doorbell_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return 0;
}

static void doorbell_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    nvme_doorbell(opaque, (unsigned)(offset / 4), value & 0xffff);
}

/* Loaded numbers that index are made fit; after a reset there is nothing under way. */
static void restored(void *object)
{
    struct nvme *nvme = object;
    if (!nvme->csts)
        controller_stop(nvme);
    for (unsigned i = 0; i < NVME_QUEUES; i++) {
        struct nvme_sq *sq = &nvme->sqs[i];
        struct nvme_cq *cq = &nvme->cqs[i];
        sq->cq %= NVME_QUEUES;
        if (sq->head >= sq->size || sq->tail >= sq->size || !nvme->cqs[sq->cq].size)
            sq->size = 0;
        if (cq->head >= cq->size || cq->tail >= cq->size)
            cq->size = 0;
        cq->vector %= NVME_QUEUES;
        cq->promised = 0;
    }
    if (nvme->event_count > NVME_EVENTS)
        nvme->event_count = NVME_EVENTS;
    nvme_pin_update(nvme);
}

/* A save is made with the requests to the image finished. */
static const struct state_field fields[] = {
    STATE(struct nvme, intms),
    STATE(struct nvme, cc),
    STATE(struct nvme, csts),
    STATE(struct nvme, aqa),
    STATE(struct nvme, asq),
    STATE(struct nvme, acq),
    STATE_EACH(struct nvme, cqs, base),
    STATE_EACH(struct nvme, cqs, size),
    STATE_EACH(struct nvme, cqs, head),
    STATE_EACH(struct nvme, cqs, tail),
    STATE_EACH(struct nvme, cqs, vector),
    STATE_EACH(struct nvme, cqs, phase),
    STATE_EACH(struct nvme, cqs, interrupts),
    STATE_EACH(struct nvme, sqs, base),
    STATE_EACH(struct nvme, sqs, size),
    STATE_EACH(struct nvme, sqs, head),
    STATE_EACH(struct nvme, sqs, tail),
    STATE_EACH(struct nvme, sqs, cq),
    STATE_ARRAY(struct nvme, events),
    STATE(struct nvme, event_count),
    STATE(struct nvme, event_mask),
    STATE(struct nvme, temperature, .reset = 0x157),
    STATE(struct nvme, no_write_cache),
};
static const struct state_table table = {"nvme", 1, fields, ARRAY_LEN(fields), restored};

static void nvme_destroy(void *object)
{
    struct nvme *nvme = object;
    controller_stop(nvme);
    pci_function_fini(&nvme->pci);
    block_close(nvme->block);
    free(nvme);
}

static void bar_define(struct nvme *nvme)
{
    const struct bus_region registers = {.name = "nvme",
                                         .size = BAR_DOORBELL,
                                         .min_width = 4,
                                         .read = nvme_read,
                                         .write = nvme_write,
                                         .opaque = nvme};
    const struct bus_region doorbells = {.name = "nvme-doorbells",
                                         .base = BAR_DOORBELL,
                                         .size = BAR_TABLE - BAR_DOORBELL,
                                         .min_width = 4,
                                         .max_width = 4,
                                         .read = doorbell_read,
                                         .write = doorbell_write,
                                         .opaque = nvme};
    pci_bar_add(&nvme->pci, BAR, BAR_SIZE, PCI_BAR_64);
    pci_bar_region(&nvme->pci, BAR, &registers);
    pci_bar_region(&nvme->pci, BAR, &doorbells);
    pci_msix_add(&nvme->pci, NVME_QUEUES, BAR, BAR_TABLE, BAR_PENDING);
    pci_express_add(&nvme->pci);
}

struct nvme *nvme_create(struct machine *machine, const struct nvme_config *config, struct error *err)
{
    struct nvme *nvme = machine_alloc(sizeof(*nvme));
    snprintf(nvme->config_name, sizeof(nvme->config_name), "%s-config", config->name);
    struct pci_config pci = {.name = nvme->config_name,
                             .devfn = config->devfn,
                             .vendor = NVME_VENDOR,
                             .device = NVME_DEVICE,
                             .subsystem_vendor = NVME_SUBSYSTEM_VENDOR,
                             .subsystem = NVME_SUBSYSTEM,
                             .class_code = NVME_CLASS,
                             .revision = NVME_REVISION,
                             .interrupt_pin = 1};
    nvme->machine = machine;
    nvme->block = config->block;
    snprintf(nvme->serial, sizeof(nvme->serial), "%s",
             config->serial ? config->serial : block_name(config->block));
    if (!pci_function_init(&nvme->pci, machine, config->bus, &pci, err)) {
        block_close(nvme->block);
        free(nvme);
        return NULL;
    }
    bar_define(nvme);
    machine_device_add(machine, config->name, &table, nvme, nvme_destroy);
    return nvme;
}
