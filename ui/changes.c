#include "ui/changes.h"

#include <string.h>

/* The least rectangle around both. */
static struct changed_rectangle around(const struct changed_rectangle *a, const struct changed_rectangle *b)
{
    unsigned left = a->x < b->x ? a->x : b->x, top = a->y < b->y ? a->y : b->y;
    unsigned right_a = a->x + a->width, right_b = b->x + b->width;
    unsigned bottom_a = a->y + a->height, bottom_b = b->y + b->height;
    return (struct changed_rectangle){left, top, (right_a > right_b ? right_a : right_b) - left,
                                      (bottom_a > bottom_b ? bottom_a : bottom_b) - top};
}

static uint64_t area(const struct changed_rectangle *rectangle)
{
    return (uint64_t)rectangle->width * rectangle->height;
}

/* Two that overlap or touch so that nothing unchanged comes in are made one; with no room left, it goes into
 * that to which it adds the least. */
static void changed(void *opaque, unsigned x, unsigned y, unsigned width, unsigned height)
{
    struct changes *changes = opaque;
    struct changed_rectangle added = {x, y, width, height};
    unsigned best = 0;
    uint64_t best_cost = UINT64_MAX;
    if (!width || !height)
        return;
    for (unsigned i = 0; i < changes->count; i++) {
        const struct changed_rectangle *old = &changes->rectangles[i];
        struct changed_rectangle both = around(old, &added);
        uint64_t apart = area(old) + area(&added);
        uint64_t cost = area(&both) > apart ? area(&both) - apart : 0;
        if (cost < best_cost) {
            best = i;
            best_cost = cost;
        }
    }
    if (best_cost == 0 || changes->count == CHANGES_MAX)
        changes->rectangles[best] = around(&changes->rectangles[best], &added);
    else
        changes->rectangles[changes->count++] = added;
}

static void resized(void *opaque)
{
    struct changes *changes = opaque;
    struct display_surface surface = display_surface(changes->display);
    changes->resized = true;
    changes->count = 0;
    changed(changes, 0, 0, surface.width, surface.height);
}

static void cursor(void *opaque, bool moved)
{
    struct changes *changes = opaque;
    changes->moved = true;
    changes->cursor |= !moved;
}

void changes_attach(struct changes *changes, struct display *display)
{
    *changes = (struct changes){.display = display, .cursor = true, .moved = true};
    display_attach(display, &(struct display_consumer){resized, changed, cursor, changes});
    resized(changes);
}

void changes_detach(struct changes *changes)
{
    display_detach(changes->display, changes);
}

void changes_clear(struct changes *changes)
{
    changes->count = 0;
    changes->resized = changes->cursor = changes->moved = false;
}

void changes_copy(const struct changes *changes, uint32_t *pixels, size_t stride)
{
    struct display_surface surface = display_surface(changes->display);
    for (unsigned i = 0; i < changes->count; i++) {
        const struct changed_rectangle *part = &changes->rectangles[i];
        for (unsigned y = part->y; y < part->y + part->height; y++)
            memcpy(pixels + y * stride + part->x, surface.pixels + (size_t)y * surface.stride + part->x,
                   part->width * sizeof(*pixels));
    }
}
