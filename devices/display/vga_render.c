/*
 * Drawing of the whole screen when a consumer asks for it. A VGA has many ways to change a picture: so a
 * picture is made when any register or any byte of the planes is another than when the last one was made
 * (those of VBE, whose memory is large, always), and its rows are compared with what is shown.
 */
#include <string.h>

#include "devices/display/vga_internal.h"

/* All the registers, which lie between these members. */
#define REGISTERS_AT  offsetof(struct vga, misc)
#define REGISTERS_LEN (offsetof(struct vga, vbe_low) - REGISTERS_AT)

/* So often a picture may be taken for what is shown: then it is made, in case that somebody else has drawn
 * into the display. */
#define SKIPS_MAX 30

struct vga_drawn {
    unsigned skips;
    uint64_t phase;
    uint8_t registers[REGISTERS_LEN];
    uint8_t planes[4 * VGA_PLANE];
};

/* Whether the picture would come out as the last one did; if not, note what it is made of. */
static bool drawn_already(struct vga *vga)
{
    const uint8_t *registers = (const uint8_t *)vga + REGISTERS_AT;
    uint64_t phase = vga->attribute[0x10] & AR10_GRAPHICS ? 0 : vga_blink_phase(vga);
    bool known = vga->drawn && !vga_vbe_shows(vga);
    if (known && vga->drawn->skips < SKIPS_MAX && vga->drawn->phase == phase &&
        memcmp(vga->drawn->registers, registers, REGISTERS_LEN) == 0 &&
        memcmp(vga->drawn->planes, vga->memory, sizeof(vga->drawn->planes)) == 0) {
        vga->drawn->skips++;
        return true;
    }
    if (!vga->drawn)
        vga->drawn = machine_alloc(sizeof(*vga->drawn));
    vga->drawn->skips = 0;
    vga->drawn->phase = phase;
    memcpy(vga->drawn->registers, registers, REGISTERS_LEN);
    if (!vga_vbe_shows(vga))
        memcpy(vga->drawn->planes, vga->memory, sizeof(vga->drawn->planes));
    return false;
}

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
    if (drawn_already(vga))
        return;
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
