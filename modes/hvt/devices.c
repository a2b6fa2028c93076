/* What the user gives for the devices of the manifest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/file.h"
#include "host/random.h"
#include "modes/hvt/board.h"

#define SECTOR_DEFAULT 512
#define SECTOR_MAX     4096
#define MTU_DEFAULT    1500
#define FRAMES_MAX     256 /* that wait for the guest at one device */

static uint32_t manifest_type(const struct hvt_resource *resource)
{
    return resource->type == HVT_RESOURCE_BLOCK ? HVT_MFT_TYPE_BLOCK : HVT_MFT_TYPE_NET;
}

/* --- block devices --- */

/* Bytes that are no whole sectors would be padded silently. */
static bool size_check(const struct hvt_resource *resource, uint32_t sector_size, struct error *err)
{
    struct host_file file;
    if (!host_file_open(&file, resource->block.path, err))
        return false;
    uint64_t size = file.size;
    host_file_close(&file);
    bool raw = resource->block.format && strcmp(resource->block.format, "raw") == 0;
    if (!raw || (size && size % sector_size == 0))
        return true;
    return error_set(err, ERROR_IMAGE,
                     "%s, the block device %s, has %llu bytes, which are not whole sectors of %u bytes",
                     resource->block.path, resource->name, (unsigned long long)size, sector_size);
}

static bool block_attach(struct hvt_attached *device, const struct hvt_resource *resource, struct error *err)
{
    device->sector_size = resource->sector_size ? resource->sector_size : SECTOR_DEFAULT;
    uint32_t size = device->sector_size;
    if (size < SECTOR_DEFAULT || size > SECTOR_MAX || size & (size - 1))
        return error_set(err, ERROR_USAGE,
                         "the block device %s can't have sectors of %u bytes: use 512, 1024, 2048 or 4096",
                         resource->name, size);
    if (!size_check(resource, size, err))
        return false;
    device->block = block_open(&device->board->run->machine, &resource->block, err);
    if (!device->block)
        return false;
    return block_size(device->block) % size == 0 ||
           error_set(err, ERROR_IMAGE, "%s, the block device %s, does not have whole sectors of %u bytes",
                     resource->block.path, resource->name, size);
}

/* --- networks --- */

/* A frame came; with the machine lock held. */
static bool frame_arrived(void *opaque, const uint8_t *frame, size_t len)
{
    struct hvt_attached *device = opaque;
    struct hvt_board *board = device->board;
    if (device->frames.count >= FRAMES_MAX)
        return false;
    net_queue_add(&device->frames, frame, len);
    if (!device->frames.first)
        return true; /* there was no memory for it: lost */
    __atomic_or_fetch(&board->ready, 1ull << device->handle, __ATOMIC_SEQ_CST);
    vcpu_kick(board->run->vcpus[0]);
    return true;
}

/* A locally administered address of one station (IEEE 802-2014, 8.4). */
static void mac_make_up(uint8_t mac[HVT_MAC_SIZE])
{
    host_random(mac, HVT_MAC_SIZE);
    mac[0] = (uint8_t)((mac[0] & ~1) | 2);
}

static bool net_attach_to(struct hvt_attached *device, const struct hvt_resource *resource, struct error *err)
{
    static const uint8_t counted_mac[HVT_MAC_SIZE] = {0x52, 0x54, 0, 0x12, 0x34};
    struct error none = {0};
    device->net = net_open(&device->board->run->machine, resource->net, &none);
    if (none.kind != ERROR_NONE)
        return error_set(err, none.kind, "the network %s: %s", resource->name, none.text);
    device->mtu = device->net && device->net->mtu ? device->net->mtu : MTU_DEFAULT;
    if (resource->mac_chosen) {
        memcpy(device->mac, resource->mac, HVT_MAC_SIZE);
    } else if (device->board->config->deterministic) {
        memcpy(device->mac, counted_mac, HVT_MAC_SIZE);
        device->mac[HVT_MAC_SIZE - 1] = (uint8_t)device->handle;
    } else {
        mac_make_up(device->mac);
    }
    net_queue_init(&device->frames);
    net_attach(device->net, &(struct net_handlers){.receive = frame_arrived, .opaque = device});
    return true;
}

/* --- all of them --- */

/* The option that would attach a device, for who forgot it. */
static void missing_add(const struct hvt_device *device, char *text, size_t size)
{
    size_t used = strlen(text);
    bool block = device->type == HVT_MFT_TYPE_BLOCK;
    if (used < size)
        snprintf(text + used, size - used, "%sthe %s %s (--%s:%s=%s)", used ? ", " : "",
                 hvt_device_type_name(device->type), device->name, block ? "block" : "net", device->name,
                 block ? "FILE" : "INTERFACE");
}

static bool missing_check(const struct hvt_board *board, struct error *err)
{
    char missing[700] = "";
    for (unsigned i = 1; i < board->image.device_count; i++) {
        if (!board->devices[i].attached)
            missing_add(&board->image.devices[i], missing, sizeof(missing));
    }
    return !missing[0] ||
           error_set(err, ERROR_USAGE, "%s needs what it was not given: %s", board->source.path, missing);
}

/* A device of that name but the other type is worth a word. */
static bool surplus(const struct hvt_board *board, const struct hvt_resource *resource, struct error *err)
{
    uint32_t type = manifest_type(resource);
    uint32_t other = type == HVT_MFT_TYPE_BLOCK ? HVT_MFT_TYPE_NET : HVT_MFT_TYPE_BLOCK;
    if (hvt_device_find(&board->image, other, resource->name))
        return error_set(err, ERROR_USAGE, "%s of %s is a %s, not a %s", resource->name, board->source.path,
                         hvt_device_type_name(other), hvt_device_type_name(type));
    return error_set(err, ERROR_USAGE, "%s has no %s %s in its manifest: leave it out", board->source.path,
                     hvt_device_type_name(type), resource->name);
}

static bool attach(struct hvt_board *board, const struct hvt_resource *resource, struct error *err)
{
    unsigned handle = hvt_device_find(&board->image, manifest_type(resource), resource->name);
    struct hvt_attached *device = &board->devices[handle];
    if (handle == 0)
        return surplus(board, resource, err);
    if (device->attached)
        return error_set(err, ERROR_USAGE, "the %s %s is given twice",
                         hvt_device_type_name(manifest_type(resource)), resource->name);
    device->attached = true;
    device->board = board;
    device->handle = handle;
    return resource->type == HVT_RESOURCE_BLOCK ? block_attach(device, resource, err)
                                                : net_attach_to(device, resource, err);
}

bool hvt_devices_open(struct hvt_board *board, struct error *err)
{
    for (unsigned i = 0; i < board->config->hvt_resource_count; i++) {
        if (!attach(board, &board->config->hvt_resources[i], err))
            return false;
    }
    return missing_check(board, err);
}

void hvt_devices_close(struct hvt_board *board)
{
    for (unsigned i = 1; i < HVT_MFT_ENTRIES_MAX; i++) {
        struct hvt_attached *device = &board->devices[i];
        if (device->block)
            block_close(device->block);
        net_close(device->net);
        if (device->frames.last)
            net_queue_clear(&device->frames);
    }
}

struct hvt_attached *hvt_device_at(struct hvt_board *board, uint64_t handle, uint32_t type)
{
    if (handle >= board->image.device_count || board->image.devices[handle].type != type)
        return NULL;
    return &board->devices[handle];
}
