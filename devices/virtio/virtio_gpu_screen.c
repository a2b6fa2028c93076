/*
 * The screen and the cursor. A flush only notes what has changed: it is drawn when a consumer of the display
 * asks, so a driver that flushes more often than anybody looks costs no more for it.
 */
#include <string.h>

#include "base/bits.h"
#include "devices/display/edid.h"
#include "devices/virtio/virtio_gpu_internal.h"

/* Smaller pictures are for windows to shrink: monitors have no such modes. */
#define WIDTH_LEAST  640u
#define HEIGHT_LEAST 480u

#define SCANOUTS_MAX 16 /* in the answer, whatever the device has */

void gpu_rect_load(struct gpu_rect *rect, const uint8_t *from)
{
    *rect =
        (struct gpu_rect){le32_load(from), le32_load(from + 4), le32_load(from + 8), le32_load(from + 12)};
}

bool gpu_rect_inside(const struct gpu_rect *rect, uint32_t width, uint32_t height)
{
    return rect->width && rect->height && !range_beyond(rect->x, rect->width, width) &&
           !range_beyond(rect->y, rect->height, height);
}

/* --- what the driver is told --- */

/* What a window would like, or what is preferred before there is one. */
static void preferred_size(const struct virtio_gpu *gpu, unsigned *width, unsigned *height)
{
    if (!display_hint(gpu->display, width, height))
        *width = gpu->width, *height = gpu->height;
    *width = *width > WIDTH_LEAST ? *width : WIDTH_LEAST;
    *height = *height > HEIGHT_LEAST ? *height : HEIGHT_LEAST;
}

enum gpu_type gpu_display_info(struct virtio_gpu *gpu, struct gpu_command *command)
{
    uint8_t *mode = command->response + GPU_HEADER; /* a rectangle, enabled, flags: 24 bytes a scanout */
    unsigned width, height;
    preferred_size(gpu, &width, &height);
    le32_store(mode + 8, width);
    le32_store(mode + 12, height);
    le32_store(mode + 16, 1);
    command->response_len = SCANOUTS_MAX * 24;
    return GPU_OK_DISPLAY_INFO;
}

enum gpu_type gpu_edid(struct virtio_gpu *gpu, struct gpu_command *command)
{
    unsigned width, height;
    if (le32_load(command->request + GPU_HEADER) != 0)
        return GPU_ERR_INVALID_SCANOUT_ID;
    preferred_size(gpu, &width, &height);
    le32_store(command->response + GPU_HEADER, EDID_SIZE);
    edid_make(command->response + GPU_HEADER + 8, width, height);
    command->response_len = 8 + 1024;
    return GPU_OK_EDID;
}

/* --- drawing --- */

#define FORMAT_B8G8R8A8 1

/* Where red, green, blue and alpha are in a little-endian word of each format. */
struct gpu_layout {
    unsigned red, green, blue, alpha;
    bool opaque;
};

static struct gpu_layout layout_of(uint32_t format)
{
    switch (format) {
    case FORMAT_B8G8R8A8: return (struct gpu_layout){16, 8, 0, 24, false};
    case 2: return (struct gpu_layout){16, 8, 0, 24, true};    /* B8G8R8X8 */
    case 3: return (struct gpu_layout){8, 16, 24, 0, false};   /* A8R8G8B8 */
    case 4: return (struct gpu_layout){8, 16, 24, 0, true};    /* X8R8G8B8 */
    case 67: return (struct gpu_layout){0, 8, 16, 24, false};  /* R8G8B8A8 */
    case 68: return (struct gpu_layout){24, 16, 8, 0, true};   /* X8B8G8R8 */
    case 121: return (struct gpu_layout){24, 16, 8, 0, false}; /* A8B8G8R8 */
    default: return (struct gpu_layout){0, 8, 16, 24, true};   /* R8G8B8X8 */
    }
}

/* Words of memory as 0x00RRGGBB, in place. */
static void row_convert(uint32_t *row, unsigned count, struct gpu_layout layout)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t word = le32_load(&row[i]);
        row[i] = (word >> layout.red & 0xff) << 16 | (word >> layout.green & 0xff) << 8 |
                 (word >> layout.blue & 0xff);
    }
}

static void all_changed(struct virtio_gpu *gpu)
{
    gpu->changed = (struct gpu_rect){0, 0, gpu->scanout.rect.width, gpu->scanout.rect.height};
}

/* The surface is another when somebody else has drawn meanwhile. */
static void surface_fit(struct virtio_gpu *gpu)
{
    const struct gpu_rect *rect = &gpu->scanout.rect;
    struct display_surface surface = display_surface(gpu->display);
    if (surface.width == rect->width && surface.height == rect->height)
        return;
    display_resize(gpu->display, rect->width, rect->height);
    all_changed(gpu);
}

static void draw(void *opaque)
{
    struct virtio_gpu *gpu = opaque;
    surface_fit(gpu);
    const struct gpu_scanout *scanout = &gpu->scanout;
    const struct gpu_resource *resource = gpu_resource_find(gpu, scanout->resource);
    struct gpu_rect rect = gpu->changed;
    gpu->changed.width = 0;
    if (!resource || !rect.width)
        return;
    struct display_surface surface = display_surface(gpu->display);
    struct gpu_layout layout = layout_of(scanout->format);
    struct gpu_backing_reader reader = {.gpu = gpu, .resource = resource};
    uint64_t bytes = (uint64_t)rect.width * GPU_PIXEL;
    uint64_t at = scanout->offset + (uint64_t)(scanout->rect.y + rect.y) * scanout->stride +
                  (uint64_t)(scanout->rect.x + rect.x) * GPU_PIXEL;
    unsigned first = rect.height, last = 0;
    for (unsigned y = 0; y < rect.height; y++, at += scanout->stride) {
        uint32_t *to = surface.pixels + (size_t)(rect.y + y) * surface.stride + rect.x;
        if (resource->size)
            memcpy(gpu->row, gpu->memory + resource->place + at, bytes);
        else if (!gpu_backing_read(&reader, at, gpu->row, bytes))
            break; /* the guest took the RAM away */
        row_convert(gpu->row, rect.width, layout);
        if (!memcmp(to, gpu->row, bytes))
            continue;
        memcpy(to, gpu->row, bytes);
        first = first < y ? first : y;
        last = y;
    }
    if (first <= last)
        display_changed(gpu->display, rect.x, rect.y + first, rect.width, last - first + 1);
}

/* A driver's pictures are multiplied by their alpha, as displays have them. */
static void cursor_show(struct virtio_gpu *gpu)
{
    const struct gpu_cursor *cursor = &gpu->cursor;
    const struct display_cursor shown = {.pixels = cursor->pixels,
                                         .width = GPU_CURSOR_SIDE,
                                         .height = GPU_CURSOR_SIDE,
                                         .hot_x = cursor->hot_x,
                                         .hot_y = cursor->hot_y,
                                         .x = (int)cursor->x,
                                         .y = (int)cursor->y};
    if (gpu->draws)
        display_cursor_set(gpu->display, cursor->shown ? &shown : NULL);
}

/* --- what is shown --- */

static void black(struct virtio_gpu *gpu)
{
    struct display_surface surface = display_surface(gpu->display);
    for (unsigned y = 0; y < surface.height; y++)
        memset(surface.pixels + (size_t)y * surface.stride, 0, surface.width * sizeof(*surface.pixels));
    display_changed(gpu->display, 0, 0, surface.width, surface.height);
}

void gpu_screen_leave(struct virtio_gpu *gpu)
{
    gpu->scanout.resource = 0;
    gpu->changed.width = 0;
    if (!gpu->draws)
        return;
    gpu->draws = false;
    display_source_leave(gpu->display, gpu);
    black(gpu);
}

void gpu_screen_forget(struct virtio_gpu *gpu, uint32_t resource)
{
    if (gpu->scanout.resource == resource)
        gpu_screen_leave(gpu);
}

/* Whether the display can have that size, and the resource has every byte that would be shown. */
static bool scanout_fits(const struct gpu_scanout *scanout, const struct gpu_resource *resource)
{
    const struct gpu_rect *rect = &scanout->rect;
    if (!rect->width || !rect->height || rect->width > DISPLAY_SIDE_MAX || rect->height > DISPLAY_SIDE_MAX ||
        (uint64_t)rect->x + rect->width > scanout->stride / GPU_PIXEL)
        return false;
    uint64_t before = scanout->offset + (uint64_t)rect->y * scanout->stride + (uint64_t)rect->x * GPU_PIXEL;
    uint64_t bytes = (uint64_t)(rect->height - 1) * scanout->stride + (uint64_t)rect->width * GPU_PIXEL;
    return !range_beyond(before, bytes, resource->size ? resource->size : resource->blob_size);
}

/* 5.7.5: the driver hears of the event, asks for the display information again, and may set another mode. */
static void hinted(void *opaque)
{
    struct virtio_gpu *gpu = opaque;
    gpu->events |= GPU_EVENT_DISPLAY;
    virtio_config_changed(&gpu->device);
}

/* Take the display from whoever drew there. */
static void scanout_show(struct virtio_gpu *gpu, const struct gpu_scanout *scanout)
{
    const struct display_source source = {.draw = draw, .hinted = hinted, .opaque = gpu};
    gpu->scanout = *scanout;
    surface_fit(gpu);
    all_changed(gpu);
    if (gpu->draws)
        return;
    gpu->draws = true;
    display_source_set(gpu->display, &source);
    cursor_show(gpu);
}

/* What both commands begin with: rectangle, scanout, resource. False: *answer has been decided. */
static bool scanout_begin(struct virtio_gpu *gpu, const uint8_t *request, struct gpu_scanout *scanout,
                          struct gpu_resource **resource, enum gpu_type *answer)
{
    gpu_rect_load(&scanout->rect, request);
    scanout->resource = le32_load(request + 20);
    *resource = gpu_resource_find(gpu, scanout->resource);
    *answer = GPU_ERR_INVALID_RESOURCE_ID;
    if (le32_load(request + 16) != 0) {
        *answer = GPU_ERR_INVALID_SCANOUT_ID;
        return false;
    }
    if (!scanout->resource) { /* 5.7.6.7: the scanout is disabled */
        gpu_screen_leave(gpu);
        *answer = GPU_OK_NODATA;
    }
    return *resource;
}

enum gpu_type gpu_scanout_set(struct virtio_gpu *gpu, struct gpu_command *command)
{
    struct gpu_scanout scanout = {0};
    struct gpu_resource *resource;
    enum gpu_type answer;
    if (!scanout_begin(gpu, command->request + GPU_HEADER, &scanout, &resource, &answer))
        return answer;
    scanout.format = resource->format;
    scanout.stride = resource->width * GPU_PIXEL;
    if (!resource->size || !gpu_rect_inside(&scanout.rect, resource->width, resource->height) ||
        !scanout_fits(&scanout, resource))
        return GPU_ERR_INVALID_PARAMETER;
    scanout_show(gpu, &scanout);
    return GPU_OK_NODATA;
}

enum gpu_type gpu_scanout_set_blob(struct virtio_gpu *gpu, struct gpu_command *command)
{
    const uint8_t *request = command->request + GPU_HEADER;
    struct gpu_scanout scanout = {0};
    struct gpu_resource *resource;
    enum gpu_type answer;
    if (!scanout_begin(gpu, request, &scanout, &resource, &answer))
        return answer;
    uint32_t width = le32_load(request + 24), height = le32_load(request + 28);
    scanout.format = le32_load(request + 32);
    scanout.stride = le32_load(request + 40);
    scanout.offset = le32_load(request + 56);
    if (resource->size || !gpu_format_known(scanout.format) ||
        !gpu_rect_inside(&scanout.rect, width, height) || !scanout_fits(&scanout, resource))
        return GPU_ERR_INVALID_PARAMETER;
    scanout_show(gpu, &scanout);
    return GPU_OK_NODATA;
}

/* --- flushing --- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* A part of the resource has changed: add what of it is on the screen. */
static void changed_add(struct virtio_gpu *gpu, const struct gpu_rect *rect)
{
    const struct gpu_rect *shown = &gpu->scanout.rect;
    struct gpu_rect *all = &gpu->changed;
    uint64_t x0 = most(rect->x, shown->x),
             x1 = least((uint64_t)rect->x + rect->width, (uint64_t)shown->x + shown->width);
    uint64_t y0 = most(rect->y, shown->y),
             y1 = least((uint64_t)rect->y + rect->height, (uint64_t)shown->y + shown->height);
    if (x0 >= x1 || y0 >= y1)
        return;
    x0 -= shown->x, x1 -= shown->x;
    y0 -= shown->y, y1 -= shown->y;
    if (all->width) {
        x0 = least(x0, all->x), x1 = most(x1, (uint64_t)all->x + all->width);
        y0 = least(y0, all->y), y1 = most(y1, (uint64_t)all->y + all->height);
    }
    *all = (struct gpu_rect){(uint32_t)x0, (uint32_t)y0, (uint32_t)(x1 - x0), (uint32_t)(y1 - y0)};
}

enum gpu_type gpu_flush(struct virtio_gpu *gpu, struct gpu_command *command)
{
    const uint8_t *request = command->request + GPU_HEADER;
    struct gpu_rect rect;
    gpu_rect_load(&rect, request);
    const struct gpu_resource *resource = gpu_resource_find(gpu, le32_load(request + 16));
    if (!resource)
        return GPU_ERR_INVALID_RESOURCE_ID;
    /* A blob has no shape but the one it is shown in. */
    if (resource->size && !gpu_rect_inside(&rect, resource->width, resource->height))
        return GPU_ERR_INVALID_PARAMETER;
    if (gpu->scanout.resource == resource->id)
        changed_add(gpu, &rect);
    return GPU_OK_NODATA;
}

/* --- the cursor --- */

/* The resource's pixels as they are now, and what they mean: a blob doesn't say, and is taken as what drivers
 * make of a cursor. False: it is no cursor. */
static bool cursor_read(const struct virtio_gpu *gpu, const struct gpu_resource *resource, uint32_t *words,
                        struct gpu_layout *layout)
{
    enum { SIZE = GPU_CURSOR_SIDE * GPU_CURSOR_SIDE * GPU_PIXEL };
    *layout = layout_of(resource->size ? resource->format : FORMAT_B8G8R8A8);
    if (!resource->size) {
        struct gpu_backing_reader reader = {.gpu = gpu, .resource = resource};
        return resource->blob_size >= SIZE && gpu_backing_read(&reader, 0, words, SIZE);
    }
    if (resource->width != GPU_CURSOR_SIDE || resource->height != GPU_CURSOR_SIDE)
        return false;
    memcpy(words, gpu->memory + resource->place, SIZE);
    return true;
}

static bool cursor_copy(struct virtio_gpu *gpu, const struct gpu_resource *resource)
{
    uint32_t words[GPU_CURSOR_SIDE * GPU_CURSOR_SIDE], *pixels = gpu->cursor.pixels;
    struct gpu_layout layout;
    if (!cursor_read(gpu, resource, words, &layout))
        return false;
    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        uint32_t word = le32_load(&words[i]);
        pixels[i] = words[i];
        row_convert(&pixels[i], 1, layout);
        pixels[i] |= (layout.opaque ? 0xff : word >> layout.alpha & 0xff) << 24;
    }
    return true;
}

/* Both commands begin with the place: scanout, x, y. */
static bool cursor_place(struct virtio_gpu *gpu, const uint8_t *request)
{
    if (le32_load(request) != 0)
        return false;
    gpu->cursor.x = le32_load(request + 4);
    gpu->cursor.y = le32_load(request + 8);
    return true;
}

enum gpu_type gpu_cursor_update(struct virtio_gpu *gpu, struct gpu_command *command)
{
    const uint8_t *request = command->request + GPU_HEADER;
    uint32_t id = le32_load(request + 16), hot_x = le32_load(request + 20), hot_y = le32_load(request + 24);
    const struct gpu_resource *resource = gpu_resource_find(gpu, id);
    if (id && !resource)
        return GPU_ERR_INVALID_RESOURCE_ID;
    if (!cursor_place(gpu, request))
        return GPU_ERR_INVALID_SCANOUT_ID;
    if (id && (hot_x >= GPU_CURSOR_SIDE || hot_y >= GPU_CURSOR_SIDE || !cursor_copy(gpu, resource)))
        return GPU_ERR_INVALID_PARAMETER;
    gpu->cursor.shown = id != 0;
    gpu->cursor.hot_x = hot_x;
    gpu->cursor.hot_y = hot_y;
    cursor_show(gpu);
    return GPU_OK_NODATA;
}

enum gpu_type gpu_cursor_move(struct virtio_gpu *gpu, struct gpu_command *command)
{
    if (!cursor_place(gpu, command->request + GPU_HEADER))
        return GPU_ERR_INVALID_SCANOUT_ID;
    if (gpu->draws)
        display_cursor_move(gpu->display, (int)gpu->cursor.x, (int)gpu->cursor.y);
    return GPU_OK_NODATA;
}

void gpu_screen_restored(struct virtio_gpu *gpu)
{
    const struct gpu_scanout scanout = gpu->scanout;
    const struct gpu_resource *resource = gpu_resource_find(gpu, scanout.resource);
    if (resource && gpu_format_known(scanout.format) && scanout_fits(&scanout, resource))
        scanout_show(gpu, &scanout);
    else
        gpu_screen_leave(gpu);
    gpu->cursor.hot_x %= GPU_CURSOR_SIDE;
    gpu->cursor.hot_y %= GPU_CURSOR_SIDE;
    cursor_show(gpu);
}
