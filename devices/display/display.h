/*
 * A screen: a display device draws into its surface, and consumers (a window, VNC, a screenshot) show it. The
 * device draws when a consumer asks for it, and tells which parts have changed.
 *
 * Everything runs with the machine lock held.
 */
#pragma once

#include "base/types.h"

struct display;

/* Pixels as 0x00RRGGBB in rows from the top; the display's own until the next resize. */
struct display_surface {
    uint32_t *pixels;
    unsigned width, height;
    unsigned stride; /* pixels from one row to the next */
};

/* No device shows more than this. */
#define DISPLAY_SIDE_MAX 8192u

/* What a consumer is told; each may be NULL. */
struct display_consumer {
    void (*resized)(void *opaque); /* the old surface is gone */
    void (*changed)(void *opaque, unsigned x, unsigned y, unsigned width, unsigned height);
    void *opaque;
};

/* A display with a black surface of 640 by 480. */
struct display *display_create(void);
void display_destroy(struct display *display);

/* --- for consumers --- */

/* The consumer is copied; its opaque names it for the removal. */
void display_attach(struct display *display, const struct display_consumer *consumer);
void display_detach(struct display *display, const void *opaque);

/* Let the device draw what has changed; the surface after it. */
struct display_surface display_refresh(struct display *display);

/* --- for devices --- */

/* Who draws from now on; NULL: nobody. A device that is switched on may take the display from another. */
void display_source_set(struct display *display, void (*draw)(void *opaque), void *opaque);

/* The surface as it is, without a draw. */
struct display_surface display_surface(const struct display *display);

/* Another size, at most DISPLAY_SIDE_MAX each way and at least 1; the surface becomes black. Nothing when it
 * is that size already. */
void display_resize(struct display *display, unsigned width, unsigned height);

/* Pixels were changed; the rectangle lies in the surface. */
void display_changed(struct display *display, unsigned x, unsigned y, unsigned width, unsigned height);
