/*
 * Drawing of the screen when a consumer asks for it. A VGA has many ways to change a picture: so all of it is
 * made again when any register is another than when the last one was made. When none is, what it is made of
 * has changed only where the guest has written to memory.
 */
#include <string.h>

#include "devices/display/vga_internal.h"

/* The registers that make the picture; which bank or index a guest has chosen does not. */
struct registers {
    uint8_t misc, sequencer[VGA_SEQUENCER], crtc[VGA_CRTC], graphics[VGA_GRAPHICS], attribute[VGA_ATTRIBUTE];
    uint8_t attribute_shown, dac_mask, dac[256][3];
    uint16_t vbe[VBE_REGISTERS];
};

struct vga_drawn {
    uint64_t phase;
    unsigned blink_top, blink_bottom; /* rows where a cursor is, or characters blink */
    struct registers registers;
};

static void registers_get(const struct vga *vga, struct registers *now)
{
    memset(now, 0, sizeof(*now));
    now->misc = vga->misc;
    now->dac_mask = vga->dac_mask;
    now->attribute_shown = vga->attribute_index & ATTRIBUTE_SHOWN;
    memcpy(now->sequencer, vga->sequencer, sizeof(now->sequencer));
    memcpy(now->crtc, vga->crtc, sizeof(now->crtc));
    memcpy(now->graphics, vga->graphics, sizeof(now->graphics));
    memcpy(now->attribute, vga->attribute, sizeof(now->attribute));
    memcpy(now->dac, vga->dac, sizeof(now->dac));
    memcpy(now->vbe, vga->vbe, sizeof(now->vbe));
    now->vbe[VBE_BANK] = 0;
}

/* Whether the registers are as they were for the last picture; and note them for the next time. */
static bool same_registers(struct vga *vga)
{
    struct registers now;
    registers_get(vga, &now);
    if (!vga->drawn)
        vga->drawn = machine_alloc(sizeof(*vga->drawn));
    else if (memcmp(&vga->drawn->registers, &now, sizeof(now)) == 0)
        return true;
    vga->drawn->registers = now;
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
        display_row_put(frame->vga->display, y, black);
}

/* Rows of a plane lie across all of them, and characters' shapes anywhere: such pictures are made as a whole,
 * but for what blinks. */
static void rows_choose(struct vga_frame *frame)
{
    struct vga *vga = frame->vga;
    uint64_t phase = vga_blink_phase(vga), memory = vga_vbe_shows(vga) ? vga->size : 4 * VGA_PLANE;
    bool same =
        frame->same_registers && (vga_vbe_linear(vga) || !display_memory_changed(vga->display, 0, memory));
    frame->bottom = frame->surface.height;
    if (same && !vga_vbe_linear(vga)) {
        frame->top = vga->drawn->blink_top;
        frame->bottom = phase == vga->drawn->phase ? 0 : vga->drawn->blink_bottom;
    }
    vga->drawn->phase = phase;
}

void vga_draw(void *opaque)
{
    struct vga *vga = opaque;
    struct vga_frame frame = {.vga = vga, .same_registers = same_registers(vga)};
    if (vga_vbe_shows(vga))
        display_resize(vga->display, vga->vbe[VBE_XRES], vga->vbe[VBE_YRES]);
    else if (!is_blank(vga))
        display_resize(vga->display, vga_scan_width(vga), vga_vertical_end(vga));
    frame.surface = display_surface(vga->display);
    rows_choose(&frame);
    if (frame.top >= frame.bottom)
        return;
    palette_make(&frame);
    if (is_blank(vga))
        blank(&frame);
    else if (vga_vbe_shows(vga))
        vga_scan_vbe(&frame);
    else
        vga_scan(&frame);
    vga->drawn->blink_top = frame.blink_top;
    vga->drawn->blink_bottom = frame.blink_bottom;
}
