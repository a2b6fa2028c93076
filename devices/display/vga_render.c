/*
 * Drawing of the whole screen when a consumer asks for it. Every row is made anew and compared with what is
 * shown: a VGA has so many ways to change a picture that nothing else is exact.
 */
#include <string.h>

#include "devices/display/vga_internal.h"

/* A component of the DAC: 8 bits, or 6, whose lowest is repeated: so do other emulators, and pictures can be
 * compared. */
static uint32_t component(const struct vga *vga, uint8_t value)
{
    if (vga->vbe[VBE_ENABLE] & VBE_8BIT_DAC)
        return value;
    return ((uint32_t)(value & 0x3f) << 2) | ((value & 1) * 3u);
}

static void palette_make(struct vga_frame *frame)
{
    const struct vga *vga = frame->vga;
    for (unsigned i = 0; i < 256; i++) {
        const uint8_t *colour = vga->dac[i & vga->dac_mask];
        frame->palette[i] =
            component(vga, colour[0]) << 16 | component(vga, colour[1]) << 8 | component(vga, colour[2]);
    }
}

void vga_row_put(struct vga_frame *frame, unsigned y, const uint32_t *pixels)
{
    uint32_t *row = frame->surface.pixels + (size_t)y * frame->surface.stride;
    size_t bytes = frame->surface.width * sizeof(*row);
    if (!memcmp(row, pixels, bytes))
        return;
    memcpy(row, pixels, bytes);
    if (frame->first_changed > y)
        frame->first_changed = y;
    frame->last_changed = y;
}

/* The sequencer is held in reset or told to stop, or the palette is in the processor's hands. */
static bool is_blank(const struct vga *vga)
{
    if (vga_vbe_shows(vga))
        return false;
    return (vga->sequencer[0] & 3) != 3 || vga->sequencer[1] & SR1_OFF ||
           !(vga->attribute_index & ATTRIBUTE_SHOWN);
}

static void blank(struct vga_frame *frame)
{
    static const uint32_t black[DISPLAY_SIDE_MAX];
    for (unsigned y = 0; y < frame->surface.height; y++)
        vga_row_put(frame, y, black);
}

void vga_draw(void *opaque)
{
    struct vga *vga = opaque;
    struct vga_frame frame = {.vga = vga, .first_changed = DISPLAY_SIDE_MAX};
    if (vga_vbe_shows(vga))
        display_resize(vga->display, vga->vbe[VBE_XRES], vga->vbe[VBE_YRES]);
    else if (!is_blank(vga))
        display_resize(vga->display, vga_scan_width(vga), vga_vertical_end(vga));
    frame.surface = display_surface(vga->display);
    palette_make(&frame);
    if (is_blank(vga))
        blank(&frame);
    else if (vga_vbe_shows(vga))
        vga_scan_vbe(&frame);
    else
        vga_scan(&frame);
    if (frame.first_changed <= frame.last_changed)
        display_changed(vga->display, 0, frame.first_changed, frame.surface.width,
                        frame.last_changed - frame.first_changed + 1);
}
