/* The pictures of VBE modes, by their depth. */
#include "base/bits.h"
#include "devices/display/vga_internal.h"

static void row_16_colours(const struct vga_frame *frame, uint64_t at, uint32_t *to)
{
    const struct vga *vga = frame->vga;
    for (unsigned x = 0; x < frame->surface.width; x++) {
        const uint8_t *planes = vga->memory + 4 * ((at + x / 8) & (vga->size / 4 - 1));
        unsigned shift = 7 - x % 8, colour = 0;
        for (unsigned plane = 0; plane < 4; plane++)
            colour |= (planes[plane] >> shift & 1u) << plane;
        to[x] = frame->palette[vga->attribute[colour] & 0x3f];
    }
}

/* A colour of fewer than 8 bits a component, its high bits repeated below. */
static uint32_t widen(unsigned value, unsigned bits)
{
    value &= (1u << bits) - 1;
    return value << (8 - bits) | value >> (2 * bits - 8);
}

static uint32_t pixel_15(unsigned value)
{
    return widen(value >> 10, 5) << 16 | widen(value >> 5, 5) << 8 | widen(value, 5);
}

static uint32_t pixel_16(unsigned value)
{
    return widen(value >> 11, 5) << 16 | widen(value >> 5, 6) << 8 | widen(value, 5);
}

static uint32_t pixel_24(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
}

/* A loop for each depth, which compilers turn into vector instructions. */
static void row_packed(const struct vga_frame *frame, const uint8_t *from, uint32_t *to)
{
    unsigned width = frame->surface.width;
    switch (frame->vga->vbe[VBE_BPP]) {
    case 8:
        for (unsigned x = 0; x < width; x++)
            to[x] = frame->palette[from[x]];
        break;
    case 15:
        for (unsigned x = 0; x < width; x++)
            to[x] = pixel_15(le16_load(from + 2 * x));
        break;
    case 16:
        for (unsigned x = 0; x < width; x++)
            to[x] = pixel_16(le16_load(from + 2 * x));
        break;
    case 24:
        for (unsigned x = 0; x < width; x++)
            to[x] = pixel_24(from + 3 * x);
        break;
    default:
        for (unsigned x = 0; x < width; x++)
            to[x] = le32_load(from + 4 * x) & 0xffffff;
        break;
    }
}

void vga_scan_vbe(struct vga_frame *frame)
{
    const struct vga *vga = frame->vga;
    uint32_t row[DISPLAY_SIDE_MAX];
    uint64_t pitch = vga_vbe_pitch(vga), start = vga_vbe_start(vga);
    unsigned bytes = (vga->vbe[VBE_BPP] + 7u) / 8;
    bool linear = vga_vbe_linear(vga);
    for (unsigned y = 0; y < frame->surface.height; y++) {
        uint64_t at = start + y * pitch, len = (uint64_t)frame->surface.width * bytes;
        if (linear && frame->same_registers && !display_memory_changed(vga->display, at, len))
            continue;
        if (!linear)
            row_16_colours(frame, at, row);
        else if (!range_beyond(at, len, vga->size))
            row_packed(frame, vga->memory + at, row);
        else
            memset(row, 0, frame->surface.width * sizeof(*row));
        display_row_put(vga->display, y, row);
    }
}
