/* The core of every virtio device: negotiation, status, queues' set-up, configuration. */
#include "devices/virtio/virtio.h"

#include <assert.h>
#include <stdio.h>

#include "base/bits.h"

/* What every device of ours offers; VIRTIO_F_ACCESS_PLATFORM is not among it: devices use physical addresses.
 */
#define CORE_FEATURES                                                                                        \
    (VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) | VIRTIO_BIT(VIRTIO_F_EVENT_IDX) | VIRTIO_BIT(VIRTIO_F_VERSION_1) |  \
     VIRTIO_BIT(VIRTIO_F_RING_PACKED) | VIRTIO_BIT(VIRTIO_F_RING_RESET))

static void queue_restored(struct virtqueue *queue)
{
    /* Zero is what a reset leaves, and nothing a driver could have set: the size is the largest offered. */
    if (queue->size == 0 || queue->size > queue->size_max)
        queue->size = queue->size_max;
    queue->in_flight = 0;
}

static void device_restored(void *object)
{
    struct virtio_device *device = object;
    for (unsigned i = 0; i < device->queue_count; i++)
        queue_restored(&device->queues[i]);
    if (device->class->quiesce)
        device->class->quiesce(device);
    if (device->transport.isr_changed)
        device->transport.isr_changed(device->transport.opaque);
}

static const struct state_field device_fields[] = {
    STATE(struct virtio_device, accepted),
    STATE(struct virtio_device, device_feature_select),
    STATE(struct virtio_device, driver_feature_select),
    STATE(struct virtio_device, queue_select),
    STATE(struct virtio_device, config_vector, .reset = VIRTIO_NO_VECTOR),
    STATE(struct virtio_device, generation),
    STATE(struct virtio_device, status),
    STATE(struct virtio_device, isr),
    STATE(struct virtio_device, legacy),
    STATE_EACH(struct virtio_device, queues, desc_area),
    STATE_EACH(struct virtio_device, queues, driver_area),
    STATE_EACH(struct virtio_device, queues, device_area),
    STATE_EACH(struct virtio_device, queues, size),
    STATE_EACH(struct virtio_device, queues, vector, .reset = VIRTIO_NO_VECTOR),
    STATE_EACH(struct virtio_device, queues, enabled),
    STATE_EACH(struct virtio_device, queues, avail_index),
    STATE_EACH(struct virtio_device, queues, used_index),
    STATE_EACH(struct virtio_device, queues, avail_wrap, .reset = 1),
    STATE_EACH(struct virtio_device, queues, used_wrap, .reset = 1),
    STATE_EACH(struct virtio_device, queues, muted),
    STATE_EACH(struct virtio_device, queues, unsignalled),
};

static const struct state_table device_table = {
    .name = "virtio",
    .version = 1,
    .fields = device_fields,
    .count = ARRAY_LEN(device_fields),
    .restored = device_restored,
};

static void device_destroy(void *object)
{
    struct virtio_device *device = object;
    host_timer_destroy(device->resume);
    device->class->destroy(device);
}

static void queues_resume(void *opaque)
{
    struct virtio_device *device = opaque;
    for (unsigned i = 0; i < device->queue_count; i++) {
        bool starved = device->queues[i].starved;
        device->queues[i].starved = false;
        if (starved)
            virtio_queue_kick(device, i);
    }
}

void virtio_device_init(struct virtio_device *device, struct machine *machine, const char *name,
                        const struct virtio_class *class, uint64_t features)
{
    device->class = class;
    device->machine = machine;
    device->offered = features | CORE_FEATURES;
    snprintf(device->name, sizeof(device->name), "%s", name);
    struct error err;
    device->resume = host_timer_create(machine->loop, queues_resume, device, &err);
    if (!device->resume)
        log_warn("%s: a guest may keep it busy for long, as there is no timer: %s", name, err.text);
    machine_device_add(machine, device->name, &device_table, device, device_destroy);
}

struct virtqueue *virtio_queue_add(struct virtio_device *device, uint16_t size_max)
{
    assert(device->queue_count < VIRTIO_QUEUES_MAX && is_pow2(size_max));
    struct virtqueue *queue = &device->queues[device->queue_count];
    queue->device = device;
    queue->index = (uint16_t)device->queue_count++;
    queue->budget = VIRTIO_BUDGET_NONE;
    queue->size = queue->size_max = size_max;
    return queue;
}

bool virtio_running(const struct virtio_device *device)
{
    /* 3.1.2: drivers of the legacy interface use their queues before they set DRIVER_OK. */
    bool ready = device->legacy || device->status & VIRTIO_STATUS_DRIVER_OK;
    return ready && !(device->status & VIRTIO_STATUS_NEEDS_RESET);
}

static void config_interrupt(struct virtio_device *device)
{
    if (device->status & VIRTIO_STATUS_DRIVER_OK && device->transport.config_interrupt)
        device->transport.config_interrupt(device->transport.opaque);
}

void virtio_config_changed(struct virtio_device *device)
{
    device->generation++;
    config_interrupt(device);
}

void virtio_break(struct virtio_device *device)
{
    if (device->status & VIRTIO_STATUS_NEEDS_RESET)
        return;
    device->status |= VIRTIO_STATUS_NEEDS_RESET;
    config_interrupt(device); /* 2.1.2: after DRIVER_OK the driver is told */
}

void virtio_transport_attach(struct virtio_device *device, const struct virtio_transport *transport)
{
    device->transport = *transport;
}

/* --- feature negotiation (2.2) and the status machine (2.1, 3.1) --- */

uint32_t virtio_device_features(const struct virtio_device *device)
{
    unsigned select = device->device_feature_select;
    return select < 2 ? (uint32_t)(device->offered >> (32 * select)) : 0;
}

uint32_t virtio_driver_features(const struct virtio_device *device)
{
    unsigned select = device->driver_feature_select;
    return select < 2 ? (uint32_t)(device->accepted >> (32 * select)) : 0;
}

void virtio_driver_features_write(struct virtio_device *device, uint32_t value)
{
    if (device->status & VIRTIO_STATUS_FEATURES_OK) {
        log_guest("%s: features written after FEATURES_OK", device->name);
        return;
    }
    unsigned select = device->driver_feature_select;
    if (select < 2)
        device->accepted = bits_set(device->accepted, 32 * select, 32, value);
    else if (value)
        log_guest("%s: features beyond 64 accepted", device->name);
}

static bool features_acceptable(struct virtio_device *device)
{
    if (device->accepted & ~device->offered) {
        log_guest("%s: the driver accepts features that were not offered (%#llx)", device->name,
                  (unsigned long long)(device->accepted & ~device->offered));
        return false;
    }
    if (!virtio_has(device, VIRTIO_F_VERSION_1)) {
        log_guest("%s: the driver does not know version 1 of the specification", device->name);
        return false;
    }
    return !device->class->features_acceptable ||
           device->class->features_acceptable(device, device->accepted);
}

void virtio_status_write(struct virtio_device *device, uint8_t value)
{
    if (value == 0) {
        state_reset(&device_table, device, false);
        if (device->class->reset)
            device->class->reset(device);
        return;
    }
    uint8_t set = value & ~device->status & ~VIRTIO_STATUS_NEEDS_RESET;
    if (device->status & ~value & ~VIRTIO_STATUS_NEEDS_RESET)
        log_guest("%s: the driver takes back status bits (%#x to %#x)", device->name, device->status, value);
    if (set & VIRTIO_STATUS_FEATURES_OK && !features_acceptable(device))
        set &= ~VIRTIO_STATUS_FEATURES_OK; /* 2.2.2: the driver reads back that it is not set */
    if (set & VIRTIO_STATUS_DRIVER_OK && !device->legacy &&
        !((device->status | set) & VIRTIO_STATUS_FEATURES_OK)) {
        log_guest("%s: DRIVER_OK without FEATURES_OK", device->name);
        set &= ~VIRTIO_STATUS_DRIVER_OK;
    }
    device->status |= set;
    if (set & VIRTIO_STATUS_DRIVER_OK && virtio_running(device) && device->class->start)
        device->class->start(device);
}

void virtio_isr_clear(struct virtio_device *device, uint8_t bits)
{
    device->isr &= ~bits;
    if (device->transport.isr_changed)
        device->transport.isr_changed(device->transport.opaque);
}

/* --- queues --- */

struct virtqueue *virtio_queue_selected(struct virtio_device *device)
{
    return device->queue_select < device->queue_count ? &device->queues[device->queue_select] : NULL;
}

/* The selected queue if its set-up may be changed: it exists and is not enabled. */
static struct virtqueue *queue_open(struct virtio_device *device)
{
    struct virtqueue *queue = virtio_queue_selected(device);
    if (queue && !queue->enabled)
        return queue;
    log_guest("%s: set-up of queue %u, which %s", device->name, device->queue_select,
              queue ? "is enabled" : "does not exist");
    return NULL;
}

void virtio_queue_size_write(struct virtio_device *device, uint16_t size)
{
    struct virtqueue *queue = queue_open(device);
    if (!queue)
        return;
    bool packed = virtio_has(device, VIRTIO_F_RING_PACKED);
    if (size == 0 || size > queue->size_max || (!packed && !is_pow2(size)))
        log_guest("%s: queue %u can't have size %u", device->name, queue->index, size);
    else
        queue->size = size;
}

/* The alignments of 2.7 and 2.8: ring words are accessed atomically. */
static bool queue_aligned(const struct virtio_device *device, const struct virtqueue *queue)
{
    bool packed = virtio_has(device, VIRTIO_F_RING_PACKED);
    return queue->desc_area % 16 == 0 && queue->driver_area % (packed ? 4 : 2) == 0 &&
           queue->device_area % 4 == 0;
}

void virtio_queue_enable(struct virtio_device *device)
{
    struct virtqueue *queue = queue_open(device);
    if (!queue)
        return;
    if (!(device->status & VIRTIO_STATUS_FEATURES_OK)) {
        log_guest("%s: queue %u enabled before FEATURES_OK", device->name, queue->index);
        return;
    }
    if (!queue_aligned(device, queue)) {
        log_guest("%s: queue %u has misaligned areas", device->name, queue->index);
        virtio_break(device);
        return;
    }
    queue->enabled = 1;
}

static void queue_stop(struct virtqueue *queue)
{
    if (queue->enabled && queue->device->class->queue_stop)
        queue->device->class->queue_stop(queue->device, queue);
    queue->enabled = 0;
    queue->in_flight = 0;
}

void virtio_queue_disable(struct virtio_device *device)
{
    struct virtqueue *queue = virtio_queue_selected(device);
    if (queue)
        queue_stop(queue);
}

void virtio_queue_reset(struct virtio_device *device)
{
    struct virtqueue *queue = virtio_queue_selected(device);
    if (!queue || !virtio_has(device, VIRTIO_F_RING_RESET)) {
        log_guest("%s: reset of queue %u, which %s", device->name, device->queue_select,
                  queue ? "was not negotiated" : "does not exist");
        return;
    }
    queue_stop(queue);
    *queue = (struct virtqueue){
        .size = queue->size_max,
        .vector = VIRTIO_NO_VECTOR,
        .avail_wrap = 1,
        .used_wrap = 1,
        .device = device,
        .index = queue->index,
        .size_max = queue->size_max,
        .budget = VIRTIO_BUDGET_NONE,
    };
}

static uint64_t *queue_area(struct virtqueue *queue, enum virtio_area area)
{
    return area == VIRTIO_AREA_DESC     ? &queue->desc_area
           : area == VIRTIO_AREA_DRIVER ? &queue->driver_area
                                        : &queue->device_area;
}

uint32_t virtio_queue_address_read(struct virtio_device *device, enum virtio_area area, bool high)
{
    struct virtqueue *queue = virtio_queue_selected(device);
    return queue ? (uint32_t)(*queue_area(queue, area) >> (high ? 32 : 0)) : 0;
}

void virtio_queue_address_write(struct virtio_device *device, enum virtio_area area, bool high,
                                uint32_t value)
{
    struct virtqueue *queue = queue_open(device);
    if (!queue)
        return;
    uint64_t *address = queue_area(queue, area);
    *address = bits_set(*address, high ? 32 : 0, 32, value);
}

void virtio_queue_kick(struct virtio_device *device, unsigned index)
{
    if (index >= device->queue_count) {
        log_guest("%s: notification of queue %u, which does not exist", device->name, index);
        return;
    }
    struct virtqueue *queue = &device->queues[index];
    /* 2.1.2: before DRIVER_OK, and after NEEDS_RESET, nothing is consumed. */
    if (!virtio_running(device) || !queue->enabled)
        return;
    /* A guest can add chains as fast as they are handled: stop after two rings full, so that others get the
     * machine lock, and go on from the event loop. */
    if (device->resume)
        queue->budget = 2u * queue->size;
    device->class->notify(device, queue);
    queue->budget = VIRTIO_BUDGET_NONE;
    if (queue->starved)
        host_timer_set(device->resume, 0);
}

/* --- the configuration space (2.5) --- */

uint64_t virtio_config_load(struct virtio_device *device, unsigned offset, unsigned width)
{
    uint8_t config[VIRTIO_CONFIG_MAX + 8] = {0};
    if (offset >= device->class->config_size || !device->class->config_read)
        return 0;
    device->class->config_read(device, config);
    return le_load(config + offset, width);
}

void virtio_config_store(struct virtio_device *device, unsigned offset, unsigned width, uint64_t value)
{
    if (device->class->config_write && !range_beyond(offset, width, device->class->config_size))
        device->class->config_write(device, offset, width, value);
    else
        log_guest("%s: write to offset %u of the configuration, which is read-only", device->name, offset);
}
