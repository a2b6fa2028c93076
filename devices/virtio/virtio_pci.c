/* The PCI transport (Virtual I/O Device 1.2, 4.1.4 has the structures). */
#include "devices/virtio/virtio_pci.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/virtio/virtio_legacy.h"
#include "devices/virtio/virtio_pci_internal.h"

#define VENDOR_ID      0x1af4
#define DEVICE_ID_BASE 0x1040
#define REVISION       1 /* not transitional (4.1.2.1) */

/* What the memory BAR holds, a page each. Behind the ports of the legacy interface it is the last one. */
#define BAR_SIZE    0x8000
#define AREA_SIZE   0x1000
#define AREA_COMMON 0x0000
#define AREA_ISR    0x1000
#define AREA_DEVICE 0x2000
#define AREA_NOTIFY 0x3000
#define AREAS_END   0x4000
#define MSIX_TABLE  0x4000
#define MSIX_PBA    0x5000

#define NOTIFY_MULTIPLIER 4 /* queue i is notified at offset 4 * i */

/* Capabilities (4.1.4). */
#define CAP_COMMON     1
#define CAP_NOTIFY     2
#define CAP_ISR        3
#define CAP_DEVICE     4
#define CAP_PCI        5
#define CAP_LENGTH_AT  2
#define CAP_TYPE_AT    3
#define CAP_BAR_AT     4
#define CAP_OFFSET_AT  8
#define CAP_SIZE_AT    12
#define CAP_SIZE       16
#define CAP_EXTRA_AT   16 /* the notify multiplier, the window of the PCI configuration access */
#define CAP_EXTRA_SIZE 20

/* The common configuration structure (4.1.4.3). */
#define COMMON_DEVICE_FEATURE_SELECT 0
#define COMMON_DEVICE_FEATURE        4
#define COMMON_DRIVER_FEATURE_SELECT 8
#define COMMON_DRIVER_FEATURE        12
#define COMMON_CONFIG_VECTOR         16
#define COMMON_NUM_QUEUES            18
#define COMMON_STATUS                20
#define COMMON_GENERATION            21
#define COMMON_QUEUE_SELECT          22
#define COMMON_QUEUE_SIZE            24
#define COMMON_QUEUE_VECTOR          26
#define COMMON_QUEUE_ENABLE          28
#define COMMON_QUEUE_NOTIFY_OFF      30
#define COMMON_QUEUE_DESC            32
#define COMMON_QUEUE_DRIVER          40
#define COMMON_QUEUE_DEVICE          48
#define COMMON_QUEUE_NOTIFY_DATA     56
#define COMMON_QUEUE_RESET           58
#define COMMON_SIZE                  60

/* --- interrupts (4.1.5.1, 4.1.5.2) --- */

static void intx_update(void *opaque)
{
    struct virtio_pci *vp = opaque;
    pci_intx_set(&vp->pci, vp->device->isr != 0);
}

static void interrupt(struct virtio_pci *vp, uint16_t vector, uint8_t isr)
{
    if (vp->vectors && pci_msix_enabled(&vp->pci)) {
        if (vector != VIRTIO_NO_VECTOR)
            pci_msix_notify(&vp->pci, vector);
        return;
    }
    vp->device->isr |= isr;
    intx_update(vp);
}

static void queue_interrupt(void *opaque, struct virtqueue *queue)
{
    interrupt(opaque, queue->vector, VIRTIO_ISR_QUEUE);
}

static void config_interrupt(void *opaque)
{
    struct virtio_pci *vp = opaque;
    interrupt(vp, vp->device->config_vector, VIRTIO_ISR_CONFIG);
}

/* 4.1.5.1.2: a vector that can't be had reads back as none. */
uint16_t virtio_pci_vector(const struct virtio_pci *vp, uint64_t vector)
{
    return vector < vp->vectors ? (uint16_t)vector : VIRTIO_NO_VECTOR;
}

/* --- the common configuration structure --- */

/* The width of the field at an offset; 64-bit ones are two of 32. 0: no field starts there. */
static unsigned common_width(uint64_t offset)
{
    if (offset < COMMON_CONFIG_VECTOR || (offset >= COMMON_QUEUE_DESC && offset < COMMON_QUEUE_NOTIFY_DATA))
        return offset % 4 ? 0 : 4;
    if (offset == COMMON_STATUS || offset == COMMON_GENERATION)
        return 1;
    return offset % 2 || offset >= COMMON_SIZE ? 0 : 2;
}

static enum virtio_area area_of(uint64_t offset)
{
    return offset < COMMON_QUEUE_DRIVER   ? VIRTIO_AREA_DESC
           : offset < COMMON_QUEUE_DEVICE ? VIRTIO_AREA_DRIVER
                                          : VIRTIO_AREA_DEVICE;
}

static uint64_t common_queue_read(struct virtio_device *device, uint64_t offset)
{
    if (offset >= COMMON_QUEUE_DESC && offset < COMMON_QUEUE_NOTIFY_DATA)
        return virtio_queue_address_read(device, area_of(offset), offset & 4);
    const struct virtqueue *queue = virtio_queue_selected(device);
    switch (offset) {
    case COMMON_QUEUE_SIZE: return queue ? queue->size : 0;
    case COMMON_QUEUE_VECTOR: return queue ? queue->vector : VIRTIO_NO_VECTOR;
    case COMMON_QUEUE_ENABLE: return queue ? queue->enabled : 0;
    case COMMON_QUEUE_NOTIFY_OFF:
    case COMMON_QUEUE_NOTIFY_DATA: return queue ? queue->index : 0;
    default: return 0; /* a queue's reset is done when the write returns */
    }
}

static uint64_t common_read(struct virtio_pci *vp, uint64_t offset)
{
    struct virtio_device *device = vp->device;
    switch (offset) {
    case COMMON_DEVICE_FEATURE_SELECT: return device->device_feature_select;
    case COMMON_DEVICE_FEATURE: return virtio_device_features(device);
    case COMMON_DRIVER_FEATURE_SELECT: return device->driver_feature_select;
    case COMMON_DRIVER_FEATURE: return virtio_driver_features(device);
    case COMMON_CONFIG_VECTOR: return device->config_vector;
    case COMMON_NUM_QUEUES: return device->queue_count;
    case COMMON_STATUS: return device->status;
    case COMMON_GENERATION: return device->generation & 0xff;
    case COMMON_QUEUE_SELECT: return device->queue_select;
    default: return common_queue_read(device, offset);
    }
}

static void common_queue_write(struct virtio_pci *vp, uint64_t offset, uint32_t value)
{
    struct virtio_device *device = vp->device;
    struct virtqueue *queue = virtio_queue_selected(device);
    switch (offset) {
    case COMMON_QUEUE_SIZE: virtio_queue_size_write(device, (uint16_t)value); break;
    case COMMON_QUEUE_VECTOR:
        if (queue)
            queue->vector = virtio_pci_vector(vp, value);
        break;
    case COMMON_QUEUE_ENABLE:
        if (value == 1)
            virtio_queue_enable(device);
        break;
    case COMMON_QUEUE_RESET:
        if (value == 1)
            virtio_queue_reset(device);
        break;
    default:
        if (offset >= COMMON_QUEUE_DESC && offset < COMMON_QUEUE_NOTIFY_DATA)
            virtio_queue_address_write(device, area_of(offset), offset & 4, value);
        break;
    }
}

static void common_write(struct virtio_pci *vp, uint64_t offset, uint32_t value)
{
    struct virtio_device *device = vp->device;
    switch (offset) {
    case COMMON_DEVICE_FEATURE_SELECT: device->device_feature_select = value; break;
    case COMMON_DRIVER_FEATURE_SELECT: device->driver_feature_select = value; break;
    case COMMON_DRIVER_FEATURE: virtio_driver_features_write(device, value); break;
    case COMMON_CONFIG_VECTOR: device->config_vector = virtio_pci_vector(vp, value); break;
    case COMMON_STATUS: virtio_status_write(device, (uint8_t)value); break;
    case COMMON_QUEUE_SELECT: device->queue_select = (uint16_t)value; break;
    default: common_queue_write(vp, offset, value); break;
    }
}

/* --- the BAR --- */

static bool common_access_legal(const struct virtio_pci *vp, uint64_t offset, unsigned width)
{
    if (common_width(offset) == width)
        return true;
    log_guest("%s: access of %u bytes at offset %#llx of the common configuration", vp->device->name, width,
              (unsigned long long)offset);
    return false;
}

uint8_t virtio_pci_isr_take(struct virtio_pci *vp)
{
    uint8_t isr = vp->device->isr;
    virtio_isr_clear(vp->device, isr); /* 4.1.4.5: reading clears it and lowers the pin */
    return isr;
}

static uint64_t bar_read(void *opaque, uint64_t offset, unsigned width)
{
    struct virtio_pci *vp = opaque;
    uint64_t at = offset % AREA_SIZE;
    switch (offset - at) {
    case AREA_COMMON: return common_access_legal(vp, at, width) ? common_read(vp, at) : 0;
    case AREA_ISR: return at == 0 ? virtio_pci_isr_take(vp) : 0;
    case AREA_DEVICE: return virtio_config_load(vp->device, (unsigned)at, width);
    default: return 0;
    }
}

static void notify_write(struct virtio_pci *vp, uint64_t at)
{
    if (pci_bus_master(&vp->pci))
        virtio_queue_kick(vp->device, (unsigned)(at / NOTIFY_MULTIPLIER));
    else
        log_guest("%s: notified while it may not access memory", vp->device->name);
}

static void bar_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct virtio_pci *vp = opaque;
    uint64_t at = offset % AREA_SIZE;
    switch (offset - at) {
    case AREA_COMMON:
        if (common_access_legal(vp, at, width))
            common_write(vp, at, (uint32_t)value);
        break;
    case AREA_DEVICE: virtio_config_store(vp->device, (unsigned)at, width, value); break;
    case AREA_NOTIFY: notify_write(vp, at); break;
    default: break;
    }
}

/* --- the window in configuration space (4.1.4.9): for firmware that can't reach the BAR --- */

/* Where the window points to now; false: nowhere it may. */
static bool window_target(const struct virtio_pci *vp, uint32_t *offset, unsigned *width)
{
    *offset = pci_config_get(&vp->pci, vp->window + CAP_OFFSET_AT, 4);
    *width = pci_config_get(&vp->pci, vp->window + CAP_SIZE_AT, 4);
    return pci_config_get(&vp->pci, vp->window + CAP_BAR_AT, 1) == vp->bar &&
           (*width == 1 || *width == 2 || *width == 4) && *offset % *width == 0 && *offset < AREAS_END;
}

static bool config_read(void *opaque, unsigned offset, unsigned width, uint32_t *value)
{
    struct virtio_pci *vp = opaque;
    uint32_t target;
    unsigned size;
    (void)width;
    if (!vp->window || offset != vp->window + CAP_EXTRA_AT || !window_target(vp, &target, &size))
        return false;
    *value = (uint32_t)bar_read(vp, target, size);
    return true;
}

static void config_written(void *opaque, unsigned offset, unsigned width)
{
    struct virtio_pci *vp = opaque;
    uint32_t target;
    unsigned size;
    (void)width;
    if (vp->window && offset == vp->window + CAP_EXTRA_AT && window_target(vp, &target, &size))
        bar_write(vp, target, pci_config_get(&vp->pci, offset, size), size);
}

/* --- construction --- */

static unsigned capability_add(struct virtio_pci *vp, uint8_t type, uint32_t offset, uint32_t size,
                               unsigned length)
{
    unsigned at = pci_capability_add(&vp->pci, PCI_CAP_VENDOR, length);
    pci_config_define(&vp->pci, at + CAP_LENGTH_AT, 1, length, 0);
    pci_config_define(&vp->pci, at + CAP_TYPE_AT, 1, type, 0);
    pci_config_define(&vp->pci, at + CAP_BAR_AT, 1, vp->bar, 0);
    pci_config_define(&vp->pci, at + CAP_OFFSET_AT, 4, offset, 0);
    pci_config_define(&vp->pci, at + CAP_SIZE_AT, 4, size, 0);
    return at;
}

static void capabilities_define(struct virtio_pci *vp)
{
    const struct virtio_device *device = vp->device;
    capability_add(vp, CAP_COMMON, AREA_COMMON, COMMON_SIZE, CAP_SIZE);
    capability_add(vp, CAP_ISR, AREA_ISR, 1, CAP_SIZE);
    if (device->class->config_size)
        capability_add(vp, CAP_DEVICE, AREA_DEVICE, device->class->config_size, CAP_SIZE);
    unsigned notify =
        capability_add(vp, CAP_NOTIFY, AREA_NOTIFY, NOTIFY_MULTIPLIER * device->queue_count, CAP_EXTRA_SIZE);
    pci_config_define(&vp->pci, notify + CAP_EXTRA_AT, 4, NOTIFY_MULTIPLIER, 0);
    vp->window = capability_add(vp, CAP_PCI, 0, 0, CAP_EXTRA_SIZE);
    pci_config_define(&vp->pci, vp->window + CAP_BAR_AT, 1, 0, 0xff);
    pci_config_define(&vp->pci, vp->window + CAP_OFFSET_AT, 4, 0, ~0u);
    pci_config_define(&vp->pci, vp->window + CAP_SIZE_AT, 4, 0, ~0u);
    pci_config_define(&vp->pci, vp->window + CAP_EXTRA_AT, 4, 0, ~0u);
    /* One vector a queue and one for the configuration. */
    unsigned vectors = device->queue_count + 1;
    if (pci_msix_add(&vp->pci, vectors, vp->bar, MSIX_TABLE, MSIX_PBA))
        vp->vectors = vectors;
}

static void pci_destroy(void *object)
{
    struct virtio_pci *vp = object;
    pci_function_fini(&vp->pci);
    free(vp);
}

/* What the function keeps beyond its configuration space is in the device. */
static const struct state_table pci_table = {.name = "virtio-pci", .version = 1};

/* 4.1.2: a transitional function has a number of its own, and its type in the subsystem's. */
static void identity_set(struct pci_config *function, enum virtio_type type, bool transitional)
{
    uint16_t legacy = transitional ? virtio_legacy_pci_id(type) : 0;
    function->device = legacy ? legacy : (uint16_t)(DEVICE_ID_BASE + type);
    function->subsystem = legacy ? (uint16_t)type : function->device;
    function->revision = legacy ? 0 : REVISION;
}

static void bars_define(struct virtio_pci *vp, bool legacy)
{
    const struct bus_region region = {
        .name = vp->pci.config.name,
        .base = 0,
        .size = AREAS_END,
        .min_width = 1,
        .max_width = 4,
        .read = bar_read,
        .write = bar_write,
        .opaque = vp,
    };
    if (legacy)
        virtio_pci_ports_add(vp);
    vp->bar = legacy ? PCI_BARS - 2 : 0;
    pci_bar_add(&vp->pci, vp->bar, BAR_SIZE, PCI_BAR_64);
    pci_bar_region(&vp->pci, vp->bar, &region);
}

struct virtio_pci *virtio_pci_create(struct machine *machine, const struct virtio_pci_config *config,
                                     struct error *err)
{
    struct virtio_pci *vp = machine_alloc(sizeof(*vp));
    const struct virtio_class *class = config->device->class;
    struct pci_config function = {
        .name = config->name,
        .devfn = config->devfn,
        .vendor = VENDOR_ID,
        .subsystem_vendor = VENDOR_ID,
        .class_code = class->pci_class,
        .interrupt_pin = 1,
        .config_written = config_written,
        .config_read = config_read,
        .opaque = vp,
    };
    identity_set(&function, class->type, config->transitional);
    vp->device = config->device;
    if (!pci_function_init(&vp->pci, machine, config->bus, &function, err)) {
        free(vp);
        return NULL;
    }
    bars_define(vp, function.revision != REVISION);
    pci_express_add(&vp->pci);
    capabilities_define(vp);
    virtio_transport_attach(vp->device, &(struct virtio_transport){
                                            .queue_interrupt = queue_interrupt,
                                            .config_interrupt = config_interrupt,
                                            .isr_changed = intx_update,
                                            .opaque = vp,
                                        });
    snprintf(vp->table_name, sizeof(vp->table_name), "%s.virtio", config->name);
    machine_device_add(machine, vp->table_name, &pci_table, vp, pci_destroy);
    return vp;
}
