/* The ports of the legacy interface (Virtual I/O Device 1.2, 4.1.4.10). */
#include <assert.h>

#include "devices/virtio/virtio_legacy.h"
#include "devices/virtio/virtio_pci_internal.h"

#define BAR_PORTS  0
#define PORTS_SIZE 128u

enum {
    DEVICE_FEATURES = 0,
    DRIVER_FEATURES = 4,
    QUEUE_PAGE = 8,
    QUEUE_SIZE = 12,
    QUEUE_SELECT = 14,
    QUEUE_NOTIFY = 16,
    STATUS = 18,
    ISR = 19,
    CONFIG_VECTOR = 20, /* these two only while MSI-X is on; else the configuration begins here */
    QUEUE_VECTOR = 22,
    REGISTERS_END = 24,
};

/* Where the device's own configuration begins now. */
static unsigned config_at(const struct virtio_pci *vp)
{
    return pci_msix_enabled(&vp->pci) ? REGISTERS_END : CONFIG_VECTOR;
}

static uint64_t ports_read(void *opaque, uint64_t offset, unsigned width)
{
    struct virtio_pci *vp = opaque;
    struct virtio_device *device = vp->device;
    const struct virtqueue *queue = virtio_queue_selected(device);
    if (offset >= config_at(vp))
        return virtio_config_load(device, (unsigned)offset - config_at(vp), width);
    switch (offset) {
    case DEVICE_FEATURES: return virtio_legacy_features(device);
    case DRIVER_FEATURES: return (uint32_t)device->accepted;
    case QUEUE_PAGE: return virtio_legacy_page(device);
    case QUEUE_SIZE: return queue ? queue->size_max : 0;
    case QUEUE_SELECT: return device->queue_select;
    case STATUS: return device->status;
    case ISR: return virtio_pci_isr_take(vp);
    case CONFIG_VECTOR: return device->config_vector;
    case QUEUE_VECTOR: return queue ? queue->vector : VIRTIO_NO_VECTOR;
    default: return 0;
    }
}

/* Whether the function may access memory is not asked: the first drivers did not say so. */
static void register_write(struct virtio_pci *vp, uint64_t offset, uint32_t value)
{
    struct virtio_device *device = vp->device;
    struct virtqueue *queue = virtio_queue_selected(device);
    switch (offset) {
    case DRIVER_FEATURES: virtio_legacy_features_write(device, value); break;
    case QUEUE_PAGE: virtio_legacy_page_write(device, value); break;
    case QUEUE_SELECT: device->queue_select = (uint16_t)value; break;
    case QUEUE_NOTIFY: virtio_queue_kick(device, value & 0xffff); break;
    case STATUS: virtio_status_write(device, (uint8_t)value); break;
    case CONFIG_VECTOR: device->config_vector = virtio_pci_vector(vp, value & 0xffff); break;
    case QUEUE_VECTOR:
        if (queue)
            queue->vector = virtio_pci_vector(vp, value & 0xffff);
        break;
    default: log_guest("%s: write to port %u, which takes none", device->name, (unsigned)offset);
    }
}

static void ports_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct virtio_pci *vp = opaque;
    bool resets = offset == STATUS && (value & 0xff) == 0;
    if (!resets)
        virtio_legacy_begin(vp->device);
    if (offset >= config_at(vp))
        virtio_config_store(vp->device, (unsigned)offset - config_at(vp), width, value);
    else
        register_write(vp, offset, (uint32_t)value);
}

void virtio_pci_ports_add(struct virtio_pci *vp)
{
    assert((unsigned)REGISTERS_END + vp->device->class->config_size <= PORTS_SIZE);
    const struct bus_region ports = {
        .name = vp->pci.config.name,
        .size = PORTS_SIZE,
        .min_width = 1,
        .max_width = 4,
        .read = ports_read,
        .write = ports_write,
        .opaque = vp,
    };
    pci_bar_add(&vp->pci, BAR_PORTS, PORTS_SIZE, PCI_BAR_IO);
    pci_bar_region(&vp->pci, BAR_PORTS, &ports);
}
