#include "devices/display/display.h"

#include <assert.h>
#include <stdlib.h>

#define CONSUMERS_MAX 8

struct display {
    struct display_surface surface;
    struct display_consumer consumers[CONSUMERS_MAX];
    unsigned count;
    void (*draw)(void *opaque);
    void *draw_opaque;
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

struct display_surface display_refresh(struct display *display)
{
    if (display->draw)
        display->draw(display->draw_opaque);
    return display->surface;
}

void display_source_set(struct display *display, void (*draw)(void *opaque), void *opaque)
{
    display->draw = draw;
    display->draw_opaque = opaque;
}

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
