#include "devices/display/display.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

#define CONSUMERS_MAX 24
#define SOURCES_MAX   4

/* What a look has to know of the memory that the source draws from. */
struct watch {
    struct display_memory memory;
    uint64_t number; /* another one for another source, or memory */
    bool tracked;    /* the RAM keeps account of what is written to */
};

/* Rows one below another that have changed, not told yet; none when top is bottom. */
struct band {
    unsigned left, right, top, bottom;
};

struct display {
    struct display_surface surface;
    struct display_consumer consumers[CONSUMERS_MAX];
    unsigned count;
    struct display_source sources[SOURCES_MAX]; /* the last draws */
    unsigned source_count;
    unsigned hint_width, hint_height; /* 0: none */
    struct display_cursor cursor;
    uint32_t *cursor_pixels;
    struct watch watch;
    const void *drawn_by;  /* whose picture the surface holds */
    const uint64_t *dirty; /* while drawing: a bit a page of the memory; NULL: all may have changed */
    struct band band;
};

struct display *display_create(void)
{
    struct display *display = calloc(1, sizeof(*display));
    if (!display)
        abort();
    display_resize(display, 640, 480);
    return display;
}

void display_destroy(struct display *display)
{
    if (!display)
        return;
    free(display->surface.pixels);
    free(display->cursor_pixels);
    free(display);
}

void display_attach(struct display *display, const struct display_consumer *consumer)
{
    assert(display->count < CONSUMERS_MAX);
    display->consumers[display->count++] = *consumer;
}

void display_detach(struct display *display, const void *opaque)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < display->count; i++) {
        if (display->consumers[i].opaque != opaque)
            display->consumers[kept++] = display->consumers[i];
    }
    display->count = kept;
}

static const struct display_source *source(const struct display *display)
{
    static const struct display_source nobody;
    return display->source_count ? &display->sources[display->source_count - 1] : &nobody;
}

/* --- drawing --- */

static void band_tell(struct display *display)
{
    const struct band band = display->band;
    display->band = (struct band){0};
    if (band.top != band.bottom)
        display_changed(display, band.left, band.top, band.right - band.left, band.bottom - band.top);
}

void display_row_put(struct display *display, unsigned y, const uint32_t *pixels)
{
    const struct display_surface *surface = &display->surface;
    struct band *band = &display->band;
    uint32_t *row = surface->pixels + (size_t)y * surface->stride;
    unsigned left = 0, right = surface->width;
    if (!memcmp(row, pixels, right * sizeof(*row)))
        return;
    while (row[left] == pixels[left])
        left++;
    while (row[right - 1] == pixels[right - 1])
        right--;
    memcpy(row + left, pixels + left, (right - left) * sizeof(*row));
    if (band->top == band->bottom || band->bottom != y) {
        band_tell(display);
        *band = (struct band){left, right, y, y};
    }
    band->left = left < band->left ? left : band->left;
    band->right = right > band->right ? right : band->right;
    band->bottom = y + 1;
}

bool display_memory_changed(const struct display *display, uint64_t offset, uint64_t len)
{
    const struct display_memory *memory = &display->watch.memory;
    if (!display->dirty || len == 0 || offset < memory->offset ||
        range_beyond(offset - memory->offset, len, memory->size))
        return true;
    uint64_t first = (offset - memory->offset) >> PAGE_BITS;
    uint64_t last = (offset - memory->offset + len - 1) >> PAGE_BITS;
    for (uint64_t page = first; page <= last; page++) {
        if (display->dirty[page / 64] >> (page % 64) & 1)
            return true;
    }
    return false;
}

static void draw(struct display *display, const uint64_t *dirty)
{
    const struct display_source now = *source(display);
    display->dirty = display->drawn_by == now.opaque ? dirty : NULL;
    if (now.draw)
        now.draw(now.opaque);
    band_tell(display);
    display->drawn_by = now.opaque;
    display->dirty = NULL;
}

struct display_surface display_refresh(struct display *display)
{
    draw(display, NULL);
    return display->surface;
}

/* Lock not held. What was written to since the last call; NULL: not known, as the account begins now. */
static uint64_t *harvest(const struct watch *watch)
{
    const struct display_memory *memory = &watch->memory;
    if (!watch->tracked) {
        ram_dirty_track(memory->ram, memory->block, RAM_DIRTY_DISPLAY, true);
        return NULL;
    }
    uint64_t *dirty = calloc((memory->size >> PAGE_BITS) / 64 + 1, sizeof(*dirty));
    if (!dirty)
        abort();
    ram_dirty_harvest(memory->ram, memory->block, RAM_DIRTY_DISPLAY, memory->offset, memory->size, dirty);
    return dirty;
}

/* Not a small part of a block of which only the whole can be watched. */
static bool is_watchable(const struct display_memory *memory)
{
    return memory->block && (ram_dirty_by_page(memory->ram) || memory->size == ram_block_size(memory->block));
}

struct display_surface display_look(struct display *display, struct host_mutex *lock)
{
    host_mutex_lock(lock);
    const struct watch watch = display->watch;
    host_mutex_unlock(lock);
    uint64_t *dirty = is_watchable(&watch.memory) ? harvest(&watch) : NULL;
    host_mutex_lock(lock);
    bool current = watch.number == display->watch.number;
    if (current)
        display->watch.tracked = is_watchable(&watch.memory);
    else if (!watch.tracked && watch.memory.block && watch.memory.block != display->watch.memory.block)
        /* Begun in vain, as another draws. */
        ram_dirty_track(watch.memory.ram, watch.memory.block, RAM_DIRTY_DISPLAY, false);
    draw(display, current ? dirty : NULL);
    free(dirty);
    return display->surface;
}

/* Another source draws, or the same from other memory. */
static void watch_restart(struct display *display)
{
    struct watch *watch = &display->watch;
    if (watch->tracked)
        ram_dirty_track(watch->memory.ram, watch->memory.block, RAM_DIRTY_DISPLAY, false);
    *watch = (struct watch){.memory = source(display)->memory, .number = watch->number + 1};
    display->drawn_by = NULL;
}

/* --- who draws --- */

static void source_remove(struct display *display, const void *opaque)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < display->source_count; i++) {
        if (display->sources[i].opaque != opaque)
            display->sources[kept++] = display->sources[i];
    }
    display->source_count = kept;
}

void display_source_set(struct display *display, const struct display_source *added)
{
    if (source(display)->opaque != added->opaque)
        display_cursor_set(display, NULL);
    source_remove(display, added->opaque);
    assert(display->source_count < SOURCES_MAX);
    display->sources[display->source_count++] = *added;
    watch_restart(display);
}

void display_source_leave(struct display *display, const void *opaque)
{
    if (source(display)->opaque == opaque)
        display_cursor_set(display, NULL);
    source_remove(display, opaque);
    watch_restart(display);
}

/* --- hints --- */

static unsigned side_cut(unsigned side)
{
    return side < 1 ? 1 : side > DISPLAY_SIDE_MAX ? DISPLAY_SIDE_MAX : side;
}

void display_hint_set(struct display *display, unsigned width, unsigned height)
{
    width = side_cut(width);
    height = side_cut(height);
    if (width == display->hint_width && height == display->hint_height)
        return;
    display->hint_width = width;
    display->hint_height = height;
    if (source(display)->hinted)
        source(display)->hinted(source(display)->opaque);
}

bool display_takes_hints(const struct display *display)
{
    return source(display)->hinted != NULL;
}

bool display_hint(const struct display *display, unsigned *width, unsigned *height)
{
    *width = display->hint_width;
    *height = display->hint_height;
    return display->hint_width != 0;
}

/* --- the cursor --- */

static void cursor_tell(struct display *display, bool moved)
{
    for (unsigned i = 0; i < display->count; i++) {
        if (display->consumers[i].cursor)
            display->consumers[i].cursor(display->consumers[i].opaque, moved);
    }
}

struct display_cursor display_cursor(const struct display *display)
{
    return display->cursor;
}

void display_cursor_set(struct display *display, const struct display_cursor *cursor)
{
    static const struct display_cursor none;
    if (!cursor && !display->cursor.width)
        return;
    display->cursor = cursor ? *cursor : none;
    const struct display_cursor *now = &display->cursor;
    assert(now->width <= DISPLAY_CURSOR_MAX && now->height <= DISPLAY_CURSOR_MAX);
    free(display->cursor_pixels);
    display->cursor_pixels = NULL;
    if (now->width && now->height) {
        size_t size = (size_t)now->width * now->height * sizeof(*now->pixels);
        display->cursor_pixels = malloc(size);
        if (!display->cursor_pixels)
            abort();
        memcpy(display->cursor_pixels, now->pixels, size);
    }
    display->cursor.pixels = display->cursor_pixels;
    cursor_tell(display, false);
}

void display_cursor_move(struct display *display, int x, int y)
{
    if (display->cursor.x == x && display->cursor.y == y)
        return;
    display->cursor.x = x;
    display->cursor.y = y;
    cursor_tell(display, true);
}

/* --- the surface --- */

struct display_surface display_surface(const struct display *display)
{
    return display->surface;
}

void display_resize(struct display *display, unsigned width, unsigned height)
{
    struct display_surface *surface = &display->surface;
    assert(width && height && width <= DISPLAY_SIDE_MAX && height <= DISPLAY_SIDE_MAX);
    if (surface->width == width && surface->height == height)
        return;
    free(surface->pixels);
    surface->pixels = calloc((size_t)width * height, sizeof(*surface->pixels));
    if (!surface->pixels)
        abort();
    surface->width = surface->stride = width;
    surface->height = height;
    display->drawn_by = NULL;
    display->dirty = NULL;
    display->band = (struct band){0};
    for (unsigned i = 0; i < display->count; i++) {
        if (display->consumers[i].resized)
            display->consumers[i].resized(display->consumers[i].opaque);
    }
}

void display_changed(struct display *display, unsigned x, unsigned y, unsigned width, unsigned height)
{
    for (unsigned i = 0; i < display->count; i++) {
        const struct display_consumer *consumer = &display->consumers[i];
        if (consumer->changed)
            consumer->changed(consumer->opaque, x, y, width, height);
    }
}
