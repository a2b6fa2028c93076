/* The MMIO transport (Virtual I/O Device 1.2, 4.2.2, and 4.2.4 the legacy interface). */
#include "devices/virtio/virtio_mmio.h"

#include <stdlib.h>

#include "base/bits.h"
#include "devices/virtio/virtio_legacy.h"

#define REG_MAGIC               0x000
#define REG_VERSION             0x004
#define REG_DEVICE_ID           0x008
#define REG_VENDOR_ID           0x00c
#define REG_DEVICE_FEATURES     0x010
#define REG_DEVICE_FEATURES_SEL 0x014
#define REG_DRIVER_FEATURES     0x020
#define REG_DRIVER_FEATURES_SEL 0x024
#define REG_GUEST_PAGE_SIZE     0x028 /* legacy */
#define REG_QUEUE_SEL           0x030
#define REG_QUEUE_NUM_MAX       0x034
#define REG_QUEUE_NUM           0x038
#define REG_QUEUE_ALIGN         0x03c /* legacy */
#define REG_QUEUE_PFN           0x040 /* legacy */
#define REG_QUEUE_READY         0x044
#define REG_QUEUE_NOTIFY        0x050
#define REG_INTERRUPT_STATUS    0x060
#define REG_INTERRUPT_ACK       0x064
#define REG_STATUS              0x070
#define REG_QUEUE_DESC_LOW      0x080
#define REG_QUEUE_DESC_HIGH     0x084
#define REG_QUEUE_DRIVER_LOW    0x090
#define REG_QUEUE_DRIVER_HIGH   0x094
#define REG_QUEUE_DEVICE_LOW    0x0a0
#define REG_QUEUE_DEVICE_HIGH   0x0a4
#define REG_SHM_LEN_LOW         0x0b0
#define REG_SHM_LEN_HIGH        0x0b4
#define REG_SHM_BASE_LOW        0x0b8
#define REG_SHM_BASE_HIGH       0x0bc
#define REG_QUEUE_RESET         0x0c0
#define REG_CONFIG_GENERATION   0x0fc
#define REG_CONFIG              0x100

#define MAGIC          0x74726976 /* "virt" */
#define VERSION        2
#define VERSION_LEGACY 1
#define VENDOR_ID      0x554d4551 /* "QEMU", of whose boards these are: there are drivers that ask */

#define LEGACY_ALIGN_BITS 12 /* where a driver does not say */

struct virtio_mmio {
    const char *name;
    struct irq_line irq;
    struct virtio_device *device;
    bool legacy;

    /* What the state table saves, of the legacy interface. */
    uint8_t page_bits;
    uint8_t align_bits[VIRTIO_QUEUES_MAX];
};

static void irq_update(void *opaque)
{
    struct virtio_mmio *mmio = opaque;
    irq_line_set(&mmio->irq, mmio->device->isr != 0);
}

static void queue_interrupt(void *opaque, struct virtqueue *queue)
{
    struct virtio_mmio *mmio = opaque;
    (void)queue;
    mmio->device->isr |= VIRTIO_ISR_QUEUE;
    irq_update(mmio);
}

static void config_interrupt(void *opaque)
{
    struct virtio_mmio *mmio = opaque;
    mmio->device->isr |= VIRTIO_ISR_CONFIG;
    irq_update(mmio);
}

/* --- the legacy interface's own registers --- */

/* The exponent of a power of two, or what holds for a driver that says nothing. */
static uint8_t legacy_bits(const struct virtio_mmio *mmio, const char *what, uint32_t value, uint8_t unsaid)
{
    if (is_pow2(value))
        return (uint8_t)__builtin_ctz(value);
    if (value)
        log_guest("%s: %s of %u bytes, which is no power of two", mmio->name, what, value);
    return unsaid;
}

static uint64_t legacy_align(const struct virtio_mmio *mmio, const struct virtqueue *queue)
{
    return (uint64_t)1 << (queue ? mmio->align_bits[queue->index] & 31 : LEGACY_ALIGN_BITS);
}

static uint32_t legacy_page_number(const struct virtio_mmio *mmio, const struct virtqueue *queue)
{
    return queue && queue->enabled ? (uint32_t)(queue->desc_area >> (mmio->page_bits & 31)) : 0;
}

/* False: none of these. */
static bool legacy_write(struct virtio_mmio *mmio, uint64_t offset, uint32_t value)
{
    struct virtio_device *device = mmio->device;
    const struct virtqueue *queue = virtio_queue_selected(device);
    switch (offset) {
    case REG_DRIVER_FEATURES:
        if (device->driver_feature_select == 0)
            virtio_legacy_features_write(device, value);
        return true;
    case REG_GUEST_PAGE_SIZE: mmio->page_bits = legacy_bits(mmio, "pages", value, 0); return true;
    case REG_QUEUE_ALIGN:
        if (queue)
            mmio->align_bits[queue->index] = legacy_bits(mmio, "an alignment", value, LEGACY_ALIGN_BITS);
        return true;
    case REG_QUEUE_PFN:
        virtio_legacy_queue_place(device, (uint64_t)value << (mmio->page_bits & 31),
                                  legacy_align(mmio, queue));
        return true;
    default: return false;
    }
}

/* --- registers --- */

static uint32_t queue_register_read(const struct virtio_mmio *mmio, uint64_t offset)
{
    const struct virtqueue *queue = virtio_queue_selected(mmio->device);
    if (offset == REG_QUEUE_NUM_MAX)
        return queue ? queue->size_max : 0;
    if (mmio->legacy)
        return offset == REG_QUEUE_PFN ? legacy_page_number(mmio, queue) : 0;
    switch (offset) {
    case REG_QUEUE_READY: return queue ? queue->enabled : 0;
    case REG_SHM_LEN_LOW:
    case REG_SHM_LEN_HIGH:
    case REG_SHM_BASE_LOW:
    case REG_SHM_BASE_HIGH: return ~0u; /* 4.2.2: no such region */
    case REG_CONFIG_GENERATION: return mmio->device->generation;
    case REG_QUEUE_RESET: return 0; /* a reset is done when the write returns */
    default: return 0;              /* write-only */
    }
}

static uint32_t register_read(struct virtio_mmio *mmio, uint64_t offset)
{
    struct virtio_device *device = mmio->device;
    switch (offset) {
    case REG_MAGIC: return MAGIC;
    case REG_VERSION: return mmio->legacy ? VERSION_LEGACY : VERSION;
    case REG_DEVICE_ID: return device ? device->class->type : 0;
    case REG_VENDOR_ID: return VENDOR_ID;
    default: break;
    }
    if (!device)
        return 0;
    switch (offset) {
    case REG_DEVICE_FEATURES:
        if (mmio->legacy)
            return device->device_feature_select ? 0 : virtio_legacy_features(device);
        return virtio_device_features(device);
    case REG_INTERRUPT_STATUS: return device->isr;
    case REG_STATUS: return device->status;
    default: return queue_register_read(mmio, offset);
    }
}

static uint64_t mmio_read(void *opaque, uint64_t offset, unsigned width)
{
    struct virtio_mmio *mmio = opaque;
    if (offset >= REG_CONFIG)
        return mmio->device ? virtio_config_load(mmio->device, (unsigned)(offset - REG_CONFIG), width) : 0;
    if (width != 4 || offset % 4) {
        log_guest("%s: registers are read 32 bits at a time (offset %#llx, width %u)", mmio->name,
                  (unsigned long long)offset, width);
        return 0;
    }
    return register_read(mmio, offset);
}

static bool queue_register_write(struct virtio_device *device, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case REG_QUEUE_READY:
        if (value & 1)
            virtio_queue_enable(device);
        else
            virtio_queue_disable(device);
        return true;
    case REG_QUEUE_DESC_LOW: virtio_queue_address_write(device, VIRTIO_AREA_DESC, false, value); return true;
    case REG_QUEUE_DESC_HIGH: virtio_queue_address_write(device, VIRTIO_AREA_DESC, true, value); return true;
    case REG_QUEUE_DRIVER_LOW:
        virtio_queue_address_write(device, VIRTIO_AREA_DRIVER, false, value);
        return true;
    case REG_QUEUE_DRIVER_HIGH:
        virtio_queue_address_write(device, VIRTIO_AREA_DRIVER, true, value);
        return true;
    case REG_QUEUE_DEVICE_LOW:
        virtio_queue_address_write(device, VIRTIO_AREA_DEVICE, false, value);
        return true;
    case REG_QUEUE_DEVICE_HIGH:
        virtio_queue_address_write(device, VIRTIO_AREA_DEVICE, true, value);
        return true;
    case REG_QUEUE_RESET:
        if (value & 1)
            virtio_queue_reset(device);
        return true;
    default: return false;
    }
}

static void register_write(struct virtio_mmio *mmio, uint64_t offset, uint32_t value)
{
    struct virtio_device *device = mmio->device;
    if (mmio->legacy && (offset != REG_STATUS || value))
        virtio_legacy_begin(device);
    if (mmio->legacy && legacy_write(mmio, offset, value))
        return;
    switch (offset) {
    case REG_DEVICE_FEATURES_SEL: device->device_feature_select = value; return;
    case REG_DRIVER_FEATURES_SEL: device->driver_feature_select = value; return;
    case REG_DRIVER_FEATURES: virtio_driver_features_write(device, value); return;
    case REG_QUEUE_NOTIFY: virtio_queue_kick(device, value); return;
    case REG_INTERRUPT_ACK: virtio_isr_clear(device, (uint8_t)value); return;
    case REG_STATUS: virtio_status_write(device, (uint8_t)value); return;
    case REG_QUEUE_SEL: device->queue_select = value > UINT16_MAX ? UINT16_MAX : (uint16_t)value; return;
    case REG_QUEUE_NUM: virtio_queue_size_write(device, value > UINT16_MAX ? 0 : (uint16_t)value); return;
    default: break;
    }
    if (mmio->legacy || !queue_register_write(device, offset, value))
        log_guest("%s: write to offset %#llx, where no register takes one", mmio->name,
                  (unsigned long long)offset);
}

static void mmio_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct virtio_mmio *mmio = opaque;
    if (!mmio->device)
        return;
    if (offset >= REG_CONFIG)
        virtio_config_store(mmio->device, (unsigned)(offset - REG_CONFIG), width, value);
    else if (width != 4 || offset % 4)
        log_guest("%s: registers are written 32 bits at a time (offset %#llx, width %u)", mmio->name,
                  (unsigned long long)offset, width);
    else
        register_write(mmio, offset, (uint32_t)value);
}

/* Everything else the slot would keep is in the device. */
static const struct state_field fields[] = {
    STATE(struct virtio_mmio, page_bits),
    STATE_ARRAY(struct virtio_mmio, align_bits, .reset = LEGACY_ALIGN_BITS),
};

static const struct state_table mmio_table = {
    .name = "virtio-mmio", .version = 1, .fields = fields, .count = ARRAY_LEN(fields)};

struct virtio_mmio *virtio_mmio_create(struct machine *machine, const struct virtio_mmio_config *config,
                                       struct error *err)
{
    struct virtio_mmio *mmio = machine_alloc(sizeof(*mmio));
    *mmio = (struct virtio_mmio){
        .name = config->name, .irq = config->irq, .device = config->device, .legacy = config->legacy};
    const struct bus_region region = {
        .name = config->name,
        .base = config->base.a,
        .size = config->size ? config->size : 0x200,
        .min_width = 1,
        .max_width = 4,
        .read = mmio_read,
        .write = mmio_write,
        .opaque = mmio,
    };
    unsigned id;
    if (!bus_add(machine->mem.mmio, &region, &id, err)) {
        free(mmio);
        return NULL;
    }
    if (mmio->device)
        virtio_transport_attach(mmio->device, &(struct virtio_transport){
                                                  .queue_interrupt = queue_interrupt,
                                                  .config_interrupt = config_interrupt,
                                                  .isr_changed = irq_update,
                                                  .opaque = mmio,
                                              });
    machine_device_add(machine, config->name, &mmio_table, mmio, free);
    return mmio;
}
