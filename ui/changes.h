/*
 * The parts of a display that have changed since somebody looked, as a few rectangles: what a consumer
 * copies. A storm of changes takes no more memory than one.
 */
#pragma once

#include "devices/display/display.h"

struct changed_rectangle {
    unsigned x, y, width, height;
};

#define CHANGES_MAX 8

struct changes {
    struct display *display;
    struct changed_rectangle rectangles[CHANGES_MAX];
    unsigned count;
    bool resized; /* everything is new; the rectangles say so too */
    bool cursor;  /* the cursor has another picture, or none any more */
    bool moved;   /* it is somewhere else */
};

/* All with the machine lock held. A display begins as changed all over, and its cursor too. */
void changes_attach(struct changes *changes, struct display *display);
void changes_detach(struct changes *changes);

/* Everything counts as seen. */
void changes_clear(struct changes *changes);

/* Copy the rectangles from the display's surface to another with rows of `stride` pixels. */
void changes_copy(const struct changes *changes, uint32_t *pixels, size_t stride);
