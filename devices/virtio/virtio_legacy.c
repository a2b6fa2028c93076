#include "devices/virtio/virtio_legacy.h"

#include "base/bits.h"

/* 6.3: descriptors may be cut in any way. From version 1 on this is a matter of course and has no bit. */
#define ANY_LAYOUT 27

/* 2.7.2: the used ring begins on the next of these. */
#define LEGACY_PAGE 4096u

uint16_t virtio_legacy_pci_id(enum virtio_type type)
{
    switch (type) {
    case VIRTIO_TYPE_NET: return 0x1000;
    case VIRTIO_TYPE_BLOCK: return 0x1001;
    case VIRTIO_TYPE_CONSOLE: return 0x1003;
    case VIRTIO_TYPE_ENTROPY: return 0x1005;
    default: return 0;
    }
}

void virtio_legacy_begin(struct virtio_device *device)
{
    device->legacy = true;
}

uint32_t virtio_legacy_features(const struct virtio_device *device)
{
    return (uint32_t)(device->offered | VIRTIO_BIT(ANY_LAYOUT));
}

/* Without FEATURES_OK there is no way to refuse: what was not offered doesn't take. */
void virtio_legacy_features_write(struct virtio_device *device, uint32_t value)
{
    if (device->status & VIRTIO_STATUS_DRIVER_OK)
        log_guest("%s: features written after DRIVER_OK", device->name);
    else
        device->accepted = value & virtio_legacy_features(device);
}

uint32_t virtio_legacy_page(struct virtio_device *device)
{
    const struct virtqueue *queue = virtio_queue_selected(device);
    return queue && queue->enabled ? (uint32_t)(queue->desc_area / LEGACY_PAGE) : 0;
}

/* 2.7.2: descriptors, the available ring with used_event, and on the next page the used ring. */
static void queue_place(struct virtqueue *queue, uint32_t page)
{
    queue->size = queue->size_max;
    queue->desc_area = (uint64_t)page * LEGACY_PAGE;
    queue->driver_area = queue->desc_area + 16u * queue->size;
    queue->device_area = align_up(queue->driver_area + 6 + 2u * queue->size, LEGACY_PAGE);
    queue->avail_index = queue->used_index = queue->unsignalled = 0;
    queue->muted = false;
    queue->enabled = page != 0;
}

void virtio_legacy_page_write(struct virtio_device *device, uint32_t page)
{
    struct virtqueue *queue = virtio_queue_selected(device);
    if (!queue) {
        log_guest("%s: set-up of queue %u, which does not exist", device->name, device->queue_select);
        return;
    }
    virtio_queue_disable(device);
    queue_place(queue, page);
}
