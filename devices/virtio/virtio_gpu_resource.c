/*
 * Resources. Their pixels, and the lists of guest memory behind them, lie in a RAM block of the device's own:
 * it bounds what a guest can take of the host, and is saved and cloned like all RAM. Places in it are found
 * first fit and given back to the host when they are free.
 */
#include <string.h>

#include "base/bits.h"
#include "devices/virtio/virtio_gpu_internal.h"

#define ENTRY_SIZE 16u /* struct virtio_gpu_mem_entry: address, length, padding */

#define BLOB_MEM_GUEST 1u
#define BLOB_FLAGS     0x7u /* mappable, shareable, across devices: nothing to do for any */

struct gpu_resource *gpu_resource_find(struct virtio_gpu *gpu, uint32_t id)
{
    for (unsigned i = 0; id && i < GPU_RESOURCES; i++) {
        if (gpu->resources[i].id == id)
            return &gpu->resources[i];
    }
    return NULL;
}

bool gpu_format_known(uint32_t format)
{
    return (format >= 1 && format <= 4) || format == 67 || format == 68 || format == 121 || format == 134;
}

/* --- the device's memory --- */

static uint64_t pages(uint64_t bytes)
{
    return align_up(bytes, PAGE_SIZE);
}

static uint64_t entry_bytes(const struct gpu_resource *resource)
{
    return pages((uint64_t)resource->entry_count * ENTRY_SIZE);
}

/* Where a place at `at` would hit something, and where that ends; 0: nowhere. */
static uint64_t collision_end(const struct virtio_gpu *gpu, uint64_t at, uint64_t size)
{
    for (unsigned i = 0; i < GPU_RESOURCES; i++) {
        const struct gpu_resource *resource = &gpu->resources[i];
        if (!resource->id)
            continue;
        if (ranges_overlap(at, size, resource->place, resource->size))
            return resource->place + resource->size;
        if (ranges_overlap(at, size, resource->entries, entry_bytes(resource)))
            return resource->entries + entry_bytes(resource);
    }
    return 0;
}

/* Zeroed room of whole pages. False: there is none. */
static bool place_find(const struct virtio_gpu *gpu, uint64_t size, uint64_t *place)
{
    uint64_t at = 0, end;
    while (!range_beyond(at, size, gpu->memory_size)) {
        end = collision_end(gpu, at, size);
        if (!end) {
            *place = at;
            return true;
        }
        at = end;
    }
    return false;
}

static void place_free(struct virtio_gpu *gpu, uint64_t place, uint64_t size)
{
    if (size)
        ram_block_discard(gpu->block, place, size);
}

/* --- making and unmaking --- */

/* A free place for a resource of this number; what is wrong with the number in *wrong. */
static struct gpu_resource *slot_find(struct virtio_gpu *gpu, uint32_t id, enum gpu_type *wrong)
{
    *wrong = GPU_ERR_INVALID_RESOURCE_ID;
    if (!id || gpu_resource_find(gpu, id))
        return NULL;
    *wrong = GPU_ERR_OUT_OF_MEMORY;
    for (unsigned i = 0; i < GPU_RESOURCES; i++) {
        if (!gpu->resources[i].id)
            return &gpu->resources[i];
    }
    return NULL;
}

enum gpu_type gpu_resource_create_2d(struct virtio_gpu *gpu, struct gpu_command *command)
{
    const uint8_t *request = command->request + GPU_HEADER;
    struct gpu_resource made = {.id = le32_load(request),
                                .format = le32_load(request + 4),
                                .width = le32_load(request + 8),
                                .height = le32_load(request + 12)};
    enum gpu_type wrong;
    struct gpu_resource *resource = slot_find(gpu, made.id, &wrong);
    if (!resource)
        return wrong;
    if (!gpu_format_known(made.format) || !made.width || !made.height || made.width > GPU_SIDE_MAX ||
        made.height > GPU_SIDE_MAX)
        return GPU_ERR_INVALID_PARAMETER;
    made.size = pages((uint64_t)made.width * made.height * GPU_PIXEL);
    if (!place_find(gpu, made.size, &made.place))
        return GPU_ERR_OUT_OF_MEMORY;
    *resource = made;
    return GPU_OK_NODATA;
}

static void backing_drop(struct virtio_gpu *gpu, struct gpu_resource *resource)
{
    place_free(gpu, resource->entries, entry_bytes(resource));
    resource->entry_count = 0;
    resource->entries = resource->backing_size = 0;
}

enum gpu_type gpu_resource_unref(struct virtio_gpu *gpu, struct gpu_command *command)
{
    struct gpu_resource *resource = gpu_resource_find(gpu, le32_load(command->request + GPU_HEADER));
    if (!resource)
        return GPU_ERR_INVALID_RESOURCE_ID;
    gpu_screen_forget(gpu, resource->id);
    backing_drop(gpu, resource);
    place_free(gpu, resource->place, resource->size);
    *resource = (struct gpu_resource){0};
    return GPU_OK_NODATA;
}

/* --- backing --- */

/* Every entry has to be RAM when it is attached; what becomes of it later is looked at with every use. */
static bool entries_check(struct virtio_gpu *gpu, struct gpu_resource *resource)
{
    const uint8_t *entry = gpu->memory + resource->entries;
    resource->backing_size = 0;
    for (uint32_t i = 0; i < resource->entry_count; i++, entry += ENTRY_SIZE) {
        gpa_t at = gpa(le64_load(entry));
        uint32_t len = le32_load(entry + 8);
        if (!ram_at(gpu->device.machine->mem.ram, at, len, RAM_READ)) {
            log_guest("%s: the backing of resource %u is not in RAM (%#llx)", gpu->device.name, resource->id,
                      (unsigned long long)at.a);
            return false;
        }
        resource->backing_size += len;
    }
    return true;
}

/* Take the list that follows the request's fixed part. */
static enum gpu_type entries_take(struct virtio_gpu *gpu, struct gpu_resource *resource, uint32_t count,
                                  struct gpu_command *command, unsigned fixed)
{
    uint64_t bytes = (uint64_t)count * ENTRY_SIZE, place;
    if (!count || count > GPU_ENTRIES_MAX || command->chain->out_len < fixed + bytes)
        return GPU_ERR_INVALID_PARAMETER;
    if (!place_find(gpu, pages(bytes), &place))
        return GPU_ERR_OUT_OF_MEMORY;
    virtqueue_chain_read(command->chain, fixed, gpu->memory + place, bytes);
    ram_block_written(gpu->block, place, bytes);
    command->work += bytes;
    resource->entries = place;
    resource->entry_count = count;
    if (entries_check(gpu, resource))
        return GPU_OK_NODATA;
    backing_drop(gpu, resource);
    return GPU_ERR_INVALID_PARAMETER;
}

enum gpu_type gpu_backing_attach(struct virtio_gpu *gpu, struct gpu_command *command)
{
    const uint8_t *request = command->request + GPU_HEADER;
    struct gpu_resource *resource = gpu_resource_find(gpu, le32_load(request));
    if (!resource)
        return GPU_ERR_INVALID_RESOURCE_ID;
    if (resource->entry_count || !resource->size)
        return GPU_ERR_UNSPEC; /* it has one; a blob's is part of it */
    return entries_take(gpu, resource, le32_load(request + 4), command, GPU_HEADER + 8);
}

enum gpu_type gpu_backing_detach(struct virtio_gpu *gpu, struct gpu_command *command)
{
    struct gpu_resource *resource = gpu_resource_find(gpu, le32_load(command->request + GPU_HEADER));
    if (!resource)
        return GPU_ERR_INVALID_RESOURCE_ID;
    if (!resource->entry_count || !resource->size)
        return GPU_ERR_UNSPEC;
    backing_drop(gpu, resource);
    return GPU_OK_NODATA;
}

enum gpu_type gpu_resource_create_blob(struct virtio_gpu *gpu, struct gpu_command *command)
{
    const uint8_t *request = command->request + GPU_HEADER;
    struct gpu_resource made = {.id = le32_load(request), .blob_size = le64_load(request + 24)};
    uint32_t memory = le32_load(request + 4), flags = le32_load(request + 8);
    enum gpu_type wrong;
    struct gpu_resource *resource = slot_find(gpu, made.id, &wrong);
    if (!resource)
        return wrong;
    if (memory != BLOB_MEM_GUEST || flags & ~BLOB_FLAGS || !made.blob_size)
        return GPU_ERR_INVALID_PARAMETER;
    wrong = entries_take(gpu, &made, le32_load(request + 12), command, GPU_HEADER + 32);
    if (wrong != GPU_OK_NODATA)
        return wrong;
    if (made.backing_size < made.blob_size) {
        backing_drop(gpu, &made);
        return GPU_ERR_INVALID_PARAMETER;
    }
    *resource = made;
    return GPU_OK_NODATA;
}

bool gpu_backing_read(struct gpu_backing_reader *reader, uint64_t offset, void *to, uint64_t len)
{
    const struct gpu_resource *resource = reader->resource;
    struct ram *ram = reader->gpu->device.machine->mem.ram;
    if (offset < reader->start)
        reader->entry = 0, reader->start = 0;
    while (len) {
        if (reader->entry >= resource->entry_count)
            return false;
        const uint8_t *entry = reader->gpu->memory + resource->entries + (uint64_t)reader->entry * ENTRY_SIZE;
        uint64_t entry_len = le32_load(entry + 8), skip = offset - reader->start;
        if (skip >= entry_len) {
            reader->entry++;
            reader->start += entry_len;
            continue;
        }
        uint64_t piece = len < entry_len - skip ? len : entry_len - skip;
        const void *from = ram_at(ram, gpa(le64_load(entry) + skip), piece, RAM_READ);
        if (!from)
            return false;
        memcpy(to, from, piece);
        to = (uint8_t *)to + piece;
        offset += piece;
        len -= piece;
    }
    return true;
}

/* --- transfers --- */

enum gpu_type gpu_transfer(struct virtio_gpu *gpu, struct gpu_command *command)
{
    const uint8_t *request = command->request + GPU_HEADER;
    struct gpu_rect rect;
    gpu_rect_load(&rect, request);
    uint64_t offset = le64_load(request + 16);
    struct gpu_resource *resource = gpu_resource_find(gpu, le32_load(request + 24));
    if (!resource)
        return GPU_ERR_INVALID_RESOURCE_ID;
    if (!resource->size) /* nothing to do for a blob, as it is the guest's memory; Linux asks nevertheless */
        return GPU_OK_NODATA;
    if (!resource->entry_count)
        return GPU_ERR_UNSPEC;
    uint64_t stride = (uint64_t)resource->width * GPU_PIXEL, len = (uint64_t)rect.width * GPU_PIXEL;
    if (!gpu_rect_inside(&rect, resource->width, resource->height) ||
        range_beyond(offset, (rect.height - 1) * stride + len, resource->backing_size))
        return GPU_ERR_INVALID_PARAMETER;
    /* 5.7.6.7: the backing has the resource's rows, and the rectangle starts at the offset. */
    struct gpu_backing_reader reader = {.gpu = gpu, .resource = resource};
    uint64_t to = resource->place + rect.y * stride + (uint64_t)rect.x * GPU_PIXEL;
    unsigned rows = rect.height;
    if (len == stride) /* whole rows have nothing between them */
        len *= rows, rows = 1;
    bool good = true;
    for (unsigned y = 0; y < rows && good; y++)
        good = gpu_backing_read(&reader, offset + y * stride, gpu->memory + to + y * stride, len);
    ram_block_written(gpu->block, to, (rows - 1) * stride + len);
    command->work += rows * len;
    return good ? GPU_OK_NODATA : GPU_ERR_UNSPEC;
}

/* --- a loaded state: the lists of backings may come later, with the RAM, and are looked at when used --- */

static bool resource_sound(const struct virtio_gpu *gpu, const struct gpu_resource *resource)
{
    uint64_t pixels = (uint64_t)resource->width * resource->height * GPU_PIXEL;
    if ((resource->place | resource->size | resource->entries) & ~PAGE_MASK)
        return false;
    if (range_beyond(resource->place, resource->size, gpu->memory_size) ||
        range_beyond(resource->entries, entry_bytes(resource), gpu->memory_size))
        return false;
    if (!resource->size)
        return resource->entry_count;
    return gpu_format_known(resource->format) && resource->width && resource->height &&
           resource->width <= GPU_SIDE_MAX && resource->height <= GPU_SIDE_MAX && pixels <= resource->size;
}

void gpu_resources_restored(struct virtio_gpu *gpu)
{
    unsigned count = 0;
    for (unsigned i = 0; i < GPU_RESOURCES; i++) {
        struct gpu_resource *resource = &gpu->resources[i];
        if (resource->id && !resource_sound(gpu, resource))
            *resource = (struct gpu_resource){0};
        count += resource->id != 0;
    }
    if (!count)
        ram_block_discard(gpu->block, 0, gpu->memory_size);
}
