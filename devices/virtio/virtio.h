/*
 * What every virtio device shares (Virtual I/O Device 1.2, chapter 2): feature negotiation, the status
 * machine, queues, the configuration space and its generation. A device is a virtio_class over this, a
 * transport (virtio_mmio, virtio_pci) shows it to the guest; neither knows the other.
 */
#pragma once

#include "devices/machine.h"
#include "devices/virtio/queue.h"

#define VIRTIO_QUEUES_MAX 32
#define VIRTIO_CONFIG_MAX 256

/* The specification's number of a device (chapter 5). */
enum virtio_type {
    VIRTIO_TYPE_NET = 1,
    VIRTIO_TYPE_BLOCK = 2,
    VIRTIO_TYPE_CONSOLE = 3,
    VIRTIO_TYPE_ENTROPY = 4,
    VIRTIO_TYPE_GPU = 16,
    VIRTIO_TYPE_INPUT = 18,
};

/* Device status (2.1). */
#define VIRTIO_STATUS_ACKNOWLEDGE 0x01
#define VIRTIO_STATUS_DRIVER      0x02
#define VIRTIO_STATUS_DRIVER_OK   0x04
#define VIRTIO_STATUS_FEATURES_OK 0x08
#define VIRTIO_STATUS_NEEDS_RESET 0x40
#define VIRTIO_STATUS_FAILED      0x80

/* Interrupt status (4.1.4.5, 4.2.2). */
#define VIRTIO_ISR_QUEUE  0x1
#define VIRTIO_ISR_CONFIG 0x2

/* Feature bits of the core (chapter 6), as numbers. */
#define VIRTIO_F_INDIRECT_DESC 28
#define VIRTIO_F_EVENT_IDX     29
#define VIRTIO_F_VERSION_1     32
#define VIRTIO_F_RING_PACKED   34
#define VIRTIO_F_RING_RESET    40

#define VIRTIO_BIT(number) ((uint64_t)1 << (number))

/* A kind of device. Every call comes with the machine lock held. */
struct virtio_class {
    const char *name; /* "virtio-blk" */
    enum virtio_type type;
    uint32_t pci_class; /* the 24-bit class code of its PCI function */
    uint16_t config_size;
    /* Whether the driver's choice makes sense together; NULL: every subset does. */
    bool (*features_acceptable)(struct virtio_device *device, uint64_t features);
    /* Fill the configuration space (config_size bytes, zero before). NULL where there is none. */
    void (*config_read)(struct virtio_device *device, uint8_t *config);
    /* The driver wrote to it; NULL: nothing there can be written. */
    void (*config_write)(struct virtio_device *device, unsigned offset, unsigned width, uint64_t value);
    /* The driver is ready (DRIVER_OK): queues may be used from now on. May be NULL. */
    void (*start)(struct virtio_device *device);
    /* Let go of every chain: guest memory is not touched afterwards. Before the driver or the machine resets
     * the device, or a saved state is loaded. May be NULL. */
    void (*quiesce)(struct virtio_device *device);
    /* The driver resets the device: forget what it set in the device's own state table. (The machine does
     * that by itself.) May be NULL. */
    void (*reset)(struct virtio_device *device);
    /* Finish or drop the chains of one queue, which is about to go off. NULL: the device holds no chains
     * between calls. */
    void (*queue_stop)(struct virtio_device *device, struct virtqueue *queue);
    /* The driver put something into the queue. Pop until NULL, or go on later by virtio_queue_kick. */
    void (*notify)(struct virtio_device *device, struct virtqueue *queue);
    /* The machine is being taken down: free what the device holds, and itself. */
    void (*destroy)(struct virtio_device *device);
};

/* How a transport is told; the machine lock is held. */
struct virtio_transport {
    void (*queue_interrupt)(void *opaque, struct virtqueue *queue);
    void (*config_interrupt)(void *opaque);
    void (*isr_changed)(void *opaque); /* device->isr was cleared or loaded */
    void *opaque;
};

/* Devices embed this first. */
struct virtio_device {
    const struct virtio_class *class;
    struct machine *machine;
    char name[32];
    uint64_t offered; /* features */
    unsigned queue_count;
    struct virtio_transport transport;
    struct host_timer *resume; /* calls the queues that ran out of budget again */

    /* What the state table saves. */
    uint64_t accepted; /* features */
    uint32_t device_feature_select, driver_feature_select;
    uint16_t queue_select, config_vector;
    uint32_t generation;
    uint8_t status, isr;
    uint8_t legacy; /* the driver uses the interface of before version 1 (virtio_legacy.h) */
    struct virtqueue queues[VIRTIO_QUEUES_MAX];
};

/* --- for devices --- */

#define VIRTIO_BUDGET_NONE ~0u

/* Make the core part and put it into the machine (which resets it, so that the class's quiesce is called here
 * already); queues are added next. */
void virtio_device_init(struct virtio_device *device, struct machine *machine, const char *name,
                        const struct virtio_class *class, uint64_t features);
struct virtqueue *virtio_queue_add(struct virtio_device *device, uint16_t size_max);

static inline bool virtio_has(const struct virtio_device *device, unsigned feature)
{
    return device->accepted >> feature & 1;
}

/* The driver has finished its set-up, as far as it tells, and nothing is broken: queues may be used. */
bool virtio_running(const struct virtio_device *device);

/* The configuration space changed by the device's own doing: new generation, and an interrupt. */
void virtio_config_changed(struct virtio_device *device);

/* The driver broke the rules in a way the device can't go on from (2.1.2); the caller has logged it. */
void virtio_break(struct virtio_device *device);

/* --- for transports --- */

void virtio_transport_attach(struct virtio_device *device, const struct virtio_transport *transport);

/* 32 bits of the offered and the accepted features, as the select registers say. */
uint32_t virtio_device_features(const struct virtio_device *device);
uint32_t virtio_driver_features(const struct virtio_device *device);
void virtio_driver_features_write(struct virtio_device *device, uint32_t value);

void virtio_status_write(struct virtio_device *device, uint8_t value);
void virtio_isr_clear(struct virtio_device *device, uint8_t bits);

/* The queue the driver selected; NULL when there is none of that number. */
struct virtqueue *virtio_queue_selected(struct virtio_device *device);
void virtio_queue_size_write(struct virtio_device *device, uint16_t size);
void virtio_queue_enable(struct virtio_device *device);
void virtio_queue_disable(struct virtio_device *device);
void virtio_queue_reset(struct virtio_device *device);

/* Which of a queue's areas an address register is of, and its 32-bit halves. */
enum virtio_area { VIRTIO_AREA_DESC, VIRTIO_AREA_DRIVER, VIRTIO_AREA_DEVICE };
uint32_t virtio_queue_address_read(struct virtio_device *device, enum virtio_area area, bool high);
void virtio_queue_address_write(struct virtio_device *device, enum virtio_area area, bool high,
                                uint32_t value);

/* The driver's notification of queue `index`; also how a device goes on with a queue it had to leave. */
void virtio_queue_kick(struct virtio_device *device, unsigned index);

/* Access to the configuration space; bytes beyond it read as zero and are not written. */
uint64_t virtio_config_load(struct virtio_device *device, unsigned offset, unsigned width);
void virtio_config_store(struct virtio_device *device, unsigned offset, unsigned width, uint64_t value);
