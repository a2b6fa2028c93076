#include "devices/display/display.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CONSUMERS_MAX 8
#define SOURCES_MAX   4

struct display {
    struct display_surface surface;
    struct display_consumer consumers[CONSUMERS_MAX];
    unsigned count;
    struct display_source sources[SOURCES_MAX]; /* the last draws */
    unsigned source_count;
    unsigned hint_width, hint_height; /* 0: none */
    struct display_cursor cursor;
    uint32_t *cursor_pixels;
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

/* --- sources --- */

static const struct display_source *source(const struct display *display)
{
    static const struct display_source nobody;
    return display->source_count ? &display->sources[display->source_count - 1] : &nobody;
}

struct display_surface display_refresh(struct display *display)
{
    if (source(display)->draw)
        source(display)->draw(source(display)->opaque);
    return display->surface;
}

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
}

void display_source_leave(struct display *display, const void *opaque)
{
    if (source(display)->opaque == opaque)
        display_cursor_set(display, NULL);
    source_remove(display, opaque);
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
