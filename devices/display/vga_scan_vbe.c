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

static uint32_t pixel(const struct vga_frame *frame, const uint8_t *at, unsigned depth)
{
    unsigned value;
    switch (depth) {
    case 8: return frame->palette[*at];
    case 15:
        value = le16_load(at);
        return widen(value >> 10, 5) << 16 | widen(value >> 5, 5) << 8 | widen(value, 5);
    case 16:
        value = le16_load(at);
        return widen(value >> 11, 5) << 16 | widen(value >> 5, 6) << 8 | widen(value, 5);
    case 24: return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    default: return le32_load(at) & 0xffffff;
    }
}

static void row_packed(const struct vga_frame *frame, const uint8_t *from, uint32_t *to)
{
    unsigned depth = frame->vga->vbe[VBE_BPP], bytes = (depth + 7) / 8;
    for (unsigned x = 0; x < frame->surface.width; x++)
        to[x] = pixel(frame, from + (size_t)x * bytes, depth);
}

void vga_scan_vbe(struct vga_frame *frame)
{
    const struct vga *vga = frame->vga;
    uint32_t row[DISPLAY_SIDE_MAX];
    uint64_t pitch = vga_vbe_pitch(vga), start = vga_vbe_start(vga);
    unsigned bytes = (vga->vbe[VBE_BPP] + 7u) / 8;
    for (unsigned y = 0; y < frame->surface.height; y++) {
        uint64_t at = start + y * pitch;
        if (vga->vbe[VBE_BPP] == 4)
            row_16_colours(frame, at, row);
        else if (!range_beyond(at, (uint64_t)frame->surface.width * bytes, vga->size))
            row_packed(frame, vga->memory + at, row);
        else
            memset(row, 0, frame->surface.width * sizeof(*row));
        vga_row_put(frame, y, row);
    }
}
