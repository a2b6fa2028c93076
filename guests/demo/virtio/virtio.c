#include "guests/demo/virtio/virtio.h"

#include "guests/demo/virtio/pci.h"

#define VENDOR       0x1af4
#define DEVICE_FIRST 0x1040
#define CAP_VENDOR   0x09

/* Kinds of capabilities (4.1.4), and the common configuration's registers (4.1.4.3). */
#define CAP_COMMON            1
#define CAP_NOTIFY            2
#define CAP_DEVICE            4
#define DRIVER_FEATURE_SELECT 8
#define DRIVER_FEATURE        12
#define STATUS                20
#define QUEUE_SELECT          22
#define QUEUE_SIZE_AT         24
#define QUEUE_ENABLE          28
#define QUEUE_NOTIFY_OFF      30
#define QUEUE_DESC            32
#define QUEUE_DRIVER          40
#define QUEUE_DEVICE          48

#define STATUS_ACKNOWLEDGED 1
#define STATUS_DRIVER       2
#define STATUS_DRIVER_OK    4
#define STATUS_FEATURES_OK  8
#define VERSION_1           1 /* in the second word of features */

#define DESC_NEXT  1
#define DESC_WRITE 2

static void store8(struct virtio *device, unsigned at, uint8_t value)
{
    device->common[at] = value;
}

static void store16(struct virtio *device, unsigned at, uint16_t value)
{
    *(volatile uint16_t *)(device->common + at) = value;
}

static void store32(struct virtio *device, unsigned at, uint32_t value)
{
    *(volatile uint32_t *)(device->common + at) = value;
}

static void store_address(struct virtio *device, unsigned at, const void *address)
{
    store32(device, at, (uint32_t)(uint64_t)address);
    store32(device, at + 4, (uint32_t)((uint64_t)address >> 32));
}

static void capability_take(struct virtio *device, unsigned function, unsigned at)
{
    uint32_t head = config_read(function, at);
    unsigned kind = head >> 24;
    if ((head & 0xff) != CAP_VENDOR || (kind != CAP_COMMON && kind != CAP_NOTIFY && kind != CAP_DEVICE))
        return;
    unsigned bar = config_read(function, at + 4) & 0xff;
    volatile uint8_t *place = (volatile uint8_t *)(pci_bar(function, bar) + config_read(function, at + 8));
    if (kind == CAP_COMMON)
        device->common = place;
    if (kind == CAP_DEVICE)
        device->config = place;
    if (kind == CAP_NOTIFY) {
        device->notify = place;
        device->notify_multiplier = config_read(function, at + 16);
    }
}

bool virtio_open(struct virtio *device, unsigned type, unsigned n)
{
    int function = pci_find(VENDOR, (uint16_t)(DEVICE_FIRST + type), n);
    if (function < 0)
        return false;
    for (unsigned at = config_read((unsigned)function, PCI_CAPABILITIES) & 0xfc; at;
         at = config_read((unsigned)function, at) >> 8 & 0xfc)
        capability_take(device, (unsigned)function, at);
    store8(device, STATUS, 0);
    store8(device, STATUS, STATUS_ACKNOWLEDGED | STATUS_DRIVER);
    store32(device, DRIVER_FEATURE_SELECT, 0);
    store32(device, DRIVER_FEATURE, 0);
    store32(device, DRIVER_FEATURE_SELECT, 1);
    store32(device, DRIVER_FEATURE, VERSION_1);
    store8(device, STATUS, STATUS_ACKNOWLEDGED | STATUS_DRIVER | STATUS_FEATURES_OK);
    return device->common[STATUS] & STATUS_FEATURES_OK;
}

void virtio_queue_open(struct virtio *device, struct virtio_queue *queue, uint16_t number)
{
    store16(device, QUEUE_SELECT, number);
    store16(device, QUEUE_SIZE_AT, QUEUE_SIZE);
    store_address(device, QUEUE_DESC, queue->desc);
    store_address(device, QUEUE_DRIVER, &queue->avail);
    store_address(device, QUEUE_DEVICE, &queue->used);
    uint16_t off = *(volatile uint16_t *)(device->common + QUEUE_NOTIFY_OFF);
    queue->notify = (volatile uint16_t *)(device->notify + off * device->notify_multiplier);
    queue->number = number;
    queue->avail.flags = 1; /* no interrupts: it is polled */
    store16(device, QUEUE_ENABLE, 1);
}

void virtio_ready(struct virtio *device)
{
    store8(device, STATUS, STATUS_ACKNOWLEDGED | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

void virtio_send(struct virtio_queue *queue, uint16_t first, const void *out, uint32_t out_len, void *in,
                 uint32_t in_len)
{
    uint16_t second = out ? first + 1 : first;
    if (out)
        queue->desc[first] = (struct virtio_desc){(uint64_t)out, out_len, in ? DESC_NEXT : 0, second};
    if (in)
        queue->desc[second] = (struct virtio_desc){(uint64_t)in, in_len, DESC_WRITE, 0};
    queue->avail.ring[queue->avail.index % QUEUE_SIZE] = first;
    __atomic_store_n(&queue->avail.index, queue->avail.index + 1, __ATOMIC_SEQ_CST);
    *queue->notify = queue->number;
}

int virtio_take(struct virtio_queue *queue)
{
    if (__atomic_load_n(&queue->used.index, __ATOMIC_ACQUIRE) == queue->taken)
        return -1;
    return (int)queue->used.ring[queue->taken++ % QUEUE_SIZE].id;
}
