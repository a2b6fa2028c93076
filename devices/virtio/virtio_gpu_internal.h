/*
 * What the files of the graphics adapter share: virtio_gpu.c (queues, commands), virtio_gpu_resource.c
 * (resources and their backing in guest memory), virtio_gpu_screen.c (what is shown of them).
 */
#pragma once

#include "devices/virtio/virtio_gpu.h"

#define GPU_RESOURCES   512u
#define GPU_SIDE_MAX    16384u
#define GPU_ENTRIES_MAX 65536u /* of a resource's backing: 256 MiB in single pages */
#define GPU_PIXEL       4u     /* bytes, in every format there is */
#define GPU_CURSOR_SIDE 64u

/* In the configuration space (5.7.4). */
#define GPU_EVENT_DISPLAY 0x1u

/* Feature bits (5.7.3). */
#define VIRTIO_GPU_F_EDID          1
#define VIRTIO_GPU_F_RESOURCE_BLOB 3

/* Types of requests and responses (5.7.6.7). */
enum gpu_type {
    GPU_CMD_GET_DISPLAY_INFO = 0x0100,
    GPU_CMD_RESOURCE_CREATE_2D,
    GPU_CMD_RESOURCE_UNREF,
    GPU_CMD_SET_SCANOUT,
    GPU_CMD_RESOURCE_FLUSH,
    GPU_CMD_TRANSFER_TO_HOST_2D,
    GPU_CMD_RESOURCE_ATTACH_BACKING,
    GPU_CMD_RESOURCE_DETACH_BACKING,
    GPU_CMD_GET_CAPSET_INFO,
    GPU_CMD_GET_CAPSET,
    GPU_CMD_GET_EDID,
    GPU_CMD_RESOURCE_ASSIGN_UUID,
    GPU_CMD_RESOURCE_CREATE_BLOB,
    GPU_CMD_SET_SCANOUT_BLOB,
    GPU_CMD_UPDATE_CURSOR = 0x0300,
    GPU_CMD_MOVE_CURSOR,
    GPU_OK_NODATA = 0x1100,
    GPU_OK_DISPLAY_INFO,
    GPU_OK_CAPSET_INFO,
    GPU_OK_CAPSET,
    GPU_OK_EDID,
    GPU_ERR_UNSPEC = 0x1200,
    GPU_ERR_OUT_OF_MEMORY,
    GPU_ERR_INVALID_SCANOUT_ID,
    GPU_ERR_INVALID_RESOURCE_ID,
    GPU_ERR_INVALID_CONTEXT_ID,
    GPU_ERR_INVALID_PARAMETER,
};

#define GPU_HEADER       24u
#define GPU_REQUEST_MAX  96u
#define GPU_RESPONSE_MAX (GPU_HEADER + 8 + 1024)

/* A request on its way: what was read of it, and what will be answered. */
struct gpu_command {
    const struct virtqueue_chain *chain; /* entries of a backing follow the request there */
    uint8_t request[GPU_REQUEST_MAX];    /* with its header; zeroes beyond what the driver sent */
    uint8_t response[GPU_RESPONSE_MAX];
    unsigned response_len; /* beyond the header */
    uint64_t work;         /* bytes it moved */
};

struct gpu_rect {
    uint32_t x, y, width, height;
};

/* Pixels in the device's memory, or a blob, whose bytes are the guest's. Both may have a backing. */
struct gpu_resource {
    uint32_t id; /* 0: the place is free */
    uint32_t format, width, height;
    uint32_t entry_count;  /* 0: no backing */
    uint64_t place, size;  /* of the pixels in the device's memory, whole pages; size 0: a blob */
    uint64_t entries;      /* where the backing's list is in the device's memory */
    uint64_t backing_size; /* the sum of its entries */
    uint64_t blob_size;
};

/* What the screen shows: a rectangle of a resource whose rows are `stride` bytes, from `offset` on. */
struct gpu_scanout {
    uint32_t resource; /* 0: nothing */
    uint32_t format, stride;
    uint64_t offset;
    struct gpu_rect rect;
};

struct virtio_gpu {
    struct virtio_device device;
    char table_name[sizeof(((struct virtio_device *)0)->name) + 8];
    struct display *display;
    struct host_timer *work; /* commands are done from the event loop: no vCPU waits for them */
    struct ram_block *block;
    uint8_t *memory; /* the block's */
    uint64_t memory_size;
    unsigned width, height; /* the mode that is preferred */

    struct gpu_resource resources[GPU_RESOURCES];
    uint32_t events; /* that the driver has not seen yet */

    struct gpu_scanout scanout;
    bool draws;              /* the display asks this device for its picture */
    struct gpu_rect changed; /* on the screen, flushed and not drawn yet; no width: nothing */

    struct gpu_cursor {
        uint8_t shown;
        uint32_t x, y, hot_x, hot_y;
        uint32_t pixels[GPU_CURSOR_SIDE * GPU_CURSOR_SIDE]; /* 0xAARRGGBB */
    } cursor;

    uint32_t row[DISPLAY_SIDE_MAX];
};

/* --- virtio_gpu_resource.c --- */

/* NULL: there is none of that number. */
struct gpu_resource *gpu_resource_find(struct virtio_gpu *gpu, uint32_t id);
bool gpu_format_known(uint32_t format);

/* Commands: the type of the response. */
enum gpu_type gpu_resource_create_2d(struct virtio_gpu *gpu, struct gpu_command *command);
enum gpu_type gpu_resource_create_blob(struct virtio_gpu *gpu, struct gpu_command *command);
enum gpu_type gpu_resource_unref(struct virtio_gpu *gpu, struct gpu_command *command);
enum gpu_type gpu_backing_attach(struct virtio_gpu *gpu, struct gpu_command *command);
enum gpu_type gpu_backing_detach(struct virtio_gpu *gpu, struct gpu_command *command);
enum gpu_type gpu_transfer(struct virtio_gpu *gpu, struct gpu_command *command);

/* Copies from a backing, which get cheaper in ascending order. False: it ends before, or is no RAM (now). */
struct gpu_backing_reader {
    const struct virtio_gpu *gpu;
    const struct gpu_resource *resource;
    uint32_t entry;
    uint64_t start; /* of that entry in the whole */
};
bool gpu_backing_read(struct gpu_backing_reader *reader, uint64_t offset, void *to, uint64_t len);

/* Loaded resources are made fit. */
void gpu_resources_restored(struct virtio_gpu *gpu);

/* --- virtio_gpu_screen.c --- */

void gpu_rect_load(struct gpu_rect *rect, const uint8_t *from);
/* Whether all of it is in a width by height area. */
bool gpu_rect_inside(const struct gpu_rect *rect, uint32_t width, uint32_t height);

enum gpu_type gpu_display_info(struct virtio_gpu *gpu, struct gpu_command *command);
enum gpu_type gpu_edid(struct virtio_gpu *gpu, struct gpu_command *command);
enum gpu_type gpu_scanout_set(struct virtio_gpu *gpu, struct gpu_command *command);
enum gpu_type gpu_scanout_set_blob(struct virtio_gpu *gpu, struct gpu_command *command);
enum gpu_type gpu_flush(struct virtio_gpu *gpu, struct gpu_command *command);
enum gpu_type gpu_cursor_update(struct virtio_gpu *gpu, struct gpu_command *command);
enum gpu_type gpu_cursor_move(struct virtio_gpu *gpu, struct gpu_command *command);

/* The resource goes away: it is shown no longer. */
void gpu_screen_forget(struct virtio_gpu *gpu, uint32_t resource);
/* A loaded screen is made fit and shown; after a reset that is nothing. */
void gpu_screen_restored(struct virtio_gpu *gpu);
/* Give the display up. */
void gpu_screen_leave(struct virtio_gpu *gpu);
