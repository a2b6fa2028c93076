/*
 * A screen: a display device draws into its surface, and consumers (a window, VNC, a screenshot) show it. The
 * device draws when a consumer asks for it, and tells which parts have changed. Going back, a consumer says
 * what size it would like (a hint).
 *
 * Everything runs with the machine lock held, but for display_look.
 */
#pragma once

#include "host/thread.h"
#include "softmmu/ram.h"

struct display;

/* Pixels as 0x00RRGGBB in rows from the top; the display's own until the next resize. */
struct display_surface {
    uint32_t *pixels;
    unsigned width, height;
    unsigned stride; /* pixels from one row to the next */
};

/* No device shows more than this. */
#define DISPLAY_SIDE_MAX 8192u

/* No pointer has a larger picture. */
#define DISPLAY_CURSOR_MAX 256u

/* The pointer's picture where the device keeps it apart from the surface. */
struct display_cursor {
    const uint32_t *pixels; /* 0xAARRGGBB, colours multiplied by alpha, `width` a row; the display's own */
    unsigned width, height; /* 0: the guest shows no pointer, or draws it itself */
    unsigned hot_x, hot_y;  /* the pixel that points, in the picture */
    int x, y;               /* and where that is on the screen */
};

/* What a consumer is told; each may be NULL. */
struct display_consumer {
    void (*resized)(void *opaque); /* the old surface is gone */
    void (*changed)(void *opaque, unsigned x, unsigned y, unsigned width, unsigned height);
    void (*cursor)(void *opaque, bool moved); /* another picture, or (moved) the same at another place */
    void *opaque;
};

/* Guest memory that a picture is made of: whole pages of a block. */
struct display_memory {
    struct ram *ram;
    struct ram_block *block; /* NULL: the picture is not made of memory, or it is not known of which */
    uint64_t offset, size;
};

/* Who draws. */
struct display_source {
    void (*draw)(void *opaque);   /* what changed, into the surface; may be NULL */
    void (*hinted)(void *opaque); /* display_hint is another; NULL: the size is the guest's business alone */
    void *opaque;
    struct display_memory memory;
};

/* A display with a black surface of 640 by 480. */
struct display *display_create(void);
void display_destroy(struct display *display);

/* --- for consumers --- */

/* The consumer is copied; its opaque names it for the removal. */
void display_attach(struct display *display, const struct display_consumer *consumer);
void display_detach(struct display *display, const void *opaque);

/* Let the device draw, with a look at all that its picture is made of; the surface after it. */
struct display_surface display_refresh(struct display *display);

/*
 * The same for who looks again and again: a device that draws from memory looks only where the guest has
 * written to since the last look. To find that out may take waiting for vCPUs, so this is called without the
 * machine lock, and returns with it.
 */
struct display_surface display_look(struct display *display, struct host_mutex *lock);

struct display_cursor display_cursor(const struct display *display);

/* The size that would suit the consumer, cut to what a surface can have; the last wish counts. */
void display_hint_set(struct display *display, unsigned width, unsigned height);

/* Whether the guest hears of hints now; otherwise a consumer scales. */
bool display_takes_hints(const struct display *display);

/* --- for devices --- */

/* This one draws from now on, until it leaves or another comes; when that one leaves, it does again. Copied;
 * its opaque names it. At most four. Who draws from another memory says so by this as well. */
void display_source_set(struct display *display, const struct display_source *source);
void display_source_leave(struct display *display, const void *opaque);

/* The size last hinted at; false: none was. For a device's EDID and display information. */
bool display_hint(const struct display *display, unsigned *width, unsigned *height);

/* A picture (copied; x and y count too), or NULL: none. Each side is at most DISPLAY_CURSOR_MAX, and the hot
 * spot in the picture. Goes with the source. */
void display_cursor_set(struct display *display, const struct display_cursor *cursor);
void display_cursor_move(struct display *display, int x, int y);

/* The surface as it is, without a draw. */
struct display_surface display_surface(const struct display *display);

/* Another size, at most DISPLAY_SIDE_MAX each way and at least 1; the surface becomes black. Nothing when it
 * is that size already. */
void display_resize(struct display *display, unsigned width, unsigned height);

/* While drawing: whether [offset, offset + len) of the source's block may be new since the last time. True
 * for everything when nobody knows, and when the surface is not as the source left it. */
bool display_memory_changed(const struct display *display, uint64_t offset, uint64_t len);

/* While drawing: a row of the picture, of the surface's width. What differs is copied and told. */
void display_row_put(struct display *display, unsigned y, const uint32_t *pixels);

/* Pixels were changed; the rectangle lies in the surface. */
void display_changed(struct display *display, unsigned x, unsigned y, unsigned width, unsigned height);
