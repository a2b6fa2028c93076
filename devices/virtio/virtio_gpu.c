/*
 * Virtual I/O Device 1.2, 5.7, without 3D. Every command is finished when it is answered, so a fence is
 * nothing but part of the answer. Commands are done from the event loop, some megabytes at a time: neither
 * the vCPU that sends them nor anybody else who needs the machine lock waits for pixels to be copied.
 */
#include "devices/virtio/virtio_gpu.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/virtio/virtio_gpu_internal.h"

#define QUEUE_CONTROL      0
#define QUEUE_CURSOR       1
#define QUEUE_CONTROL_SIZE 256u
#define QUEUE_CURSOR_SIZE  16u

/* The configuration space (5.7.4). */
#define CONFIG_EVENTS_READ  0
#define CONFIG_EVENTS_CLEAR 4
#define CONFIG_SCANOUTS     8
#define CONFIG_SIZE         16

#define FLAG_FENCE 0x1u

#define WIDTH_DEFAULT  1280u
#define HEIGHT_DEFAULT 800u

/* What is copied before others get their turn, a command counting as a page at least. */
#define WORK_MAX (16 * MIB)

static enum gpu_type capset_info(struct virtio_gpu *gpu, struct gpu_command *command)
{
    (void)gpu, (void)command;
    return GPU_ERR_INVALID_PARAMETER; /* num_capsets is zero: no index is right */
}

static const struct gpu_operation {
    enum gpu_type type;
    unsigned size;   /* of the request's fixed part, without the header */
    uint64_t needed; /* features */
    enum gpu_type (*run)(struct virtio_gpu *gpu, struct gpu_command *command);
} control_operations[] =
    {
        {GPU_CMD_GET_DISPLAY_INFO, 0, 0, gpu_display_info},
        {GPU_CMD_RESOURCE_CREATE_2D, 16, 0, gpu_resource_create_2d},
        {GPU_CMD_RESOURCE_UNREF, 4, 0, gpu_resource_unref},
        {GPU_CMD_SET_SCANOUT, 24, 0, gpu_scanout_set},
        {GPU_CMD_RESOURCE_FLUSH, 20, 0, gpu_flush},
        {GPU_CMD_TRANSFER_TO_HOST_2D, 28, 0, gpu_transfer},
        {GPU_CMD_RESOURCE_ATTACH_BACKING, 8, 0, gpu_backing_attach},
        {GPU_CMD_RESOURCE_DETACH_BACKING, 4, 0, gpu_backing_detach},
        {GPU_CMD_GET_CAPSET_INFO, 4, 0, capset_info},
        {GPU_CMD_GET_EDID, 4, VIRTIO_BIT(VIRTIO_GPU_F_EDID), gpu_edid},
        {GPU_CMD_RESOURCE_CREATE_BLOB, 32, VIRTIO_BIT(VIRTIO_GPU_F_RESOURCE_BLOB), gpu_resource_create_blob},
        {GPU_CMD_SET_SCANOUT_BLOB, 72, VIRTIO_BIT(VIRTIO_GPU_F_RESOURCE_BLOB), gpu_scanout_set_blob},
},
  cursor_operations[] = {
      {GPU_CMD_UPDATE_CURSOR, 28, 0, gpu_cursor_update},
      {GPU_CMD_MOVE_CURSOR, 12, 0, gpu_cursor_move},
};

static const struct gpu_operation *operation_find(const struct virtio_gpu *gpu, unsigned queue, uint32_t type)
{
    const struct gpu_operation *list = queue == QUEUE_CONTROL ? control_operations : cursor_operations;
    size_t count = queue == QUEUE_CONTROL ? ARRAY_LEN(control_operations) : ARRAY_LEN(cursor_operations);
    for (size_t i = 0; i < count; i++) {
        if (list[i].type == type && !(list[i].needed & ~gpu->device.accepted))
            return &list[i];
    }
    return NULL;
}

static enum gpu_type command_do(struct virtio_gpu *gpu, unsigned queue, struct gpu_command *command,
                                size_t len)
{
    uint32_t type = le32_load(command->request);
    const struct gpu_operation *operation = operation_find(gpu, queue, type);
    if (len < GPU_HEADER || !operation) {
        log_guest("%s: command %#x is not known", gpu->device.name, type);
        return GPU_ERR_UNSPEC;
    }
    enum gpu_type answer =
        len < GPU_HEADER + operation->size ? GPU_ERR_INVALID_PARAMETER : operation->run(gpu, command);
    if (answer >= GPU_ERR_UNSPEC)
        log_guest("%s: command %#x is answered with error %#x", gpu->device.name, type, answer);
    return answer;
}

/* Do what a chain asks for and answer; the bytes it took to do. */
static uint64_t chain_do(struct virtio_gpu *gpu, struct virtqueue_chain *chain)
{
    static struct gpu_command command; /* under the machine lock, one at a time */
    unsigned queue = chain->queue->index;
    command = (struct gpu_command){.chain = chain};
    size_t len = virtqueue_chain_read(chain, 0, command.request, sizeof(command.request));
    enum gpu_type answer = command_do(gpu, queue, &command, len);
    if (answer >= GPU_ERR_UNSPEC)
        command.response_len = 0;
    le32_store(command.response, answer);
    if (le32_load(command.request + 4) & FLAG_FENCE) { /* 5.7.6.8: the fence and its context come back */
        le32_store(command.response + 4, FLAG_FENCE);
        memcpy(command.response + 8, command.request + 8, 12);
    }
    virtqueue_push(chain, (uint32_t)virtqueue_chain_write(chain, 0, command.response,
                                                          GPU_HEADER + command.response_len));
    return PAGE_SIZE + command.work;
}

/* Both queues, for as long as a turn lasts; the cursor's last, as it may use what the other has just set up.
 */
static void work(void *opaque)
{
    struct virtio_gpu *gpu = opaque;
    uint64_t done = 0;
    for (unsigned i = QUEUE_CONTROL; i <= QUEUE_CURSOR; i++) {
        struct virtqueue *queue = &gpu->device.queues[i];
        struct virtqueue_chain *chain;
        while (done < WORK_MAX && (chain = virtqueue_pop(queue)))
            done += chain_do(gpu, chain);
        virtqueue_notify(queue);
    }
    if (done >= WORK_MAX)
        host_timer_set(gpu->work, 0);
}

static void gpu_notify(struct virtio_device *device, struct virtqueue *queue)
{
    (void)queue;
    host_timer_set(container_of(device, struct virtio_gpu, device)->work, 0);
}

/* --- configuration --- */

static void gpu_config_read(struct virtio_device *device, uint8_t *config)
{
    const struct virtio_gpu *gpu = container_of(device, struct virtio_gpu, device);
    le32_store(config + CONFIG_EVENTS_READ, gpu->events);
    le32_store(config + CONFIG_SCANOUTS, 1);
}

static void gpu_config_write(struct virtio_device *device, unsigned offset, unsigned width, uint64_t value)
{
    struct virtio_gpu *gpu = container_of(device, struct virtio_gpu, device);
    if (offset == CONFIG_EVENTS_CLEAR && width == 4)
        gpu->events &= ~(uint32_t)value;
    else
        log_guest("%s: write to offset %u of the configuration, which is read-only", device->name, offset);
}

/* --- state --- */

#define RESOURCE_FIELD(member) STATE_EACH(struct virtio_gpu, resources, member)

static const struct state_field gpu_fields[] = {
    STATE(struct virtio_gpu, events),
    RESOURCE_FIELD(id),
    RESOURCE_FIELD(format),
    RESOURCE_FIELD(width),
    RESOURCE_FIELD(height),
    RESOURCE_FIELD(entry_count),
    RESOURCE_FIELD(place),
    RESOURCE_FIELD(size),
    RESOURCE_FIELD(entries),
    RESOURCE_FIELD(backing_size),
    RESOURCE_FIELD(blob_size),
    STATE(struct virtio_gpu, scanout.resource),
    STATE(struct virtio_gpu, scanout.format),
    STATE(struct virtio_gpu, scanout.stride),
    STATE(struct virtio_gpu, scanout.offset),
    STATE(struct virtio_gpu, scanout.rect.x),
    STATE(struct virtio_gpu, scanout.rect.y),
    STATE(struct virtio_gpu, scanout.rect.width),
    STATE(struct virtio_gpu, scanout.rect.height),
    STATE(struct virtio_gpu, cursor.shown),
    STATE(struct virtio_gpu, cursor.x),
    STATE(struct virtio_gpu, cursor.y),
    STATE(struct virtio_gpu, cursor.hot_x),
    STATE(struct virtio_gpu, cursor.hot_y),
    STATE_ARRAY(struct virtio_gpu, cursor.pixels),
};

static void gpu_restored(void *object)
{
    struct virtio_gpu *gpu = object;
    gpu_resources_restored(gpu);
    gpu_screen_restored(gpu);
    host_timer_set(gpu->work, 0); /* what was in the queues when the state was saved */
}

static const struct state_table gpu_table = {
    .name = "virtio-gpu",
    .version = 1,
    .fields = gpu_fields,
    .count = ARRAY_LEN(gpu_fields),
    .restored = gpu_restored,
};

static void gpu_reset(struct virtio_device *device)
{
    state_reset(&gpu_table, container_of(device, struct virtio_gpu, device), false);
}

static void gpu_destroy(struct virtio_device *device)
{
    struct virtio_gpu *gpu = container_of(device, struct virtio_gpu, device);
    gpu_screen_leave(gpu);
    host_timer_destroy(gpu->work);
    free(gpu);
}

static const struct virtio_class gpu_class = {
    .name = "virtio-gpu",
    .type = VIRTIO_TYPE_GPU,
    .pci_class = 0x038000, /* display controller, other */
    .config_size = CONFIG_SIZE,
    .config_read = gpu_config_read,
    .config_write = gpu_config_write,
    .reset = gpu_reset,
    .notify = gpu_notify,
    .destroy = gpu_destroy,
};

struct virtio_device *virtio_gpu_create(struct machine *machine, const struct virtio_gpu_config *config,
                                        struct error *err)
{
    struct virtio_gpu *gpu = machine_alloc(sizeof(*gpu));
    char name[sizeof(gpu->table_name)];
    snprintf(name, sizeof(name), "%s.memory", config->name);
    gpu->display = config->display;
    gpu->width = config->width ? config->width : WIDTH_DEFAULT;
    gpu->height = config->height ? config->height : HEIGHT_DEFAULT;
    gpu->memory_size = config->memory ? config->memory : VIRTIO_GPU_MEMORY;
    gpu->work = host_timer_create(machine->loop, work, gpu, err);
    gpu->block = gpu->work ? ram_block_create(machine->mem.ram, name, gpu->memory_size, err) : NULL;
    if (!gpu->block) {
        host_timer_destroy(gpu->work);
        free(gpu);
        return NULL;
    }
    gpu->memory = ram_block_host(gpu->block);
    virtio_device_init(&gpu->device, machine, config->name, &gpu_class,
                       VIRTIO_BIT(VIRTIO_GPU_F_EDID) | VIRTIO_BIT(VIRTIO_GPU_F_RESOURCE_BLOB));
    virtio_queue_add(&gpu->device, QUEUE_CONTROL_SIZE);
    virtio_queue_add(&gpu->device, QUEUE_CURSOR_SIZE);
    snprintf(gpu->table_name, sizeof(gpu->table_name), "%s.gpu", gpu->device.name);
    machine_device_add(machine, gpu->table_name, &gpu_table, gpu, NULL);
    return &gpu->device;
}
