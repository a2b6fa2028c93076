/* The display interface of Bochs's VBE: modes beyond VGA, set by registers at ports 0x1ce and 0x1cf. */
#include "base/bits.h"
#include "devices/display/vga_internal.h"

/* What VBE_GETCAPS tells. */
#define WIDTH_MAX  4096u
#define HEIGHT_MAX 4096u
#define DEPTH_MAX  32u

static unsigned depth(const struct vga *vga)
{
    return vga->vbe[VBE_BPP];
}

/* 15 bits take 16. */
static unsigned pixel_bits(const struct vga *vga)
{
    return (depth(vga) + 7) & ~7u;
}

uint64_t vga_vbe_pitch(const struct vga *vga)
{
    uint64_t width = vga->vbe[VBE_VIRTUAL_WIDTH];
    return depth(vga) == 4 ? width / 8 : width * pixel_bits(vga) / 8;
}

uint64_t vga_vbe_start(const struct vga *vga)
{
    uint64_t x = vga->vbe[VBE_X_OFFSET], y = vga->vbe[VBE_Y_OFFSET];
    uint64_t left = depth(vga) == 4 ? x / 8 : x * pixel_bits(vga) / 8;
    return y * vga_vbe_pitch(vga) + left;
}

/* Memory that lines share: all of it, or a plane. */
static uint64_t line_memory(const struct vga *vga)
{
    return depth(vga) == 4 ? vga->size / 4 : vga->size;
}

static void geometry_fit(struct vga *vga)
{
    uint16_t *vbe = vga->vbe;
    if (vbe[VBE_VIRTUAL_WIDTH] < vbe[VBE_XRES])
        vbe[VBE_VIRTUAL_WIDTH] = vbe[VBE_XRES];
    uint64_t lines = line_memory(vga) / (vga_vbe_pitch(vga) ? vga_vbe_pitch(vga) : 1);
    vbe[VBE_VIRTUAL_HEIGHT] = (uint16_t)(lines < UINT16_MAX ? lines : UINT16_MAX);
    if (vbe[VBE_YRES] > vbe[VBE_VIRTUAL_HEIGHT])
        vbe[VBE_YRES] = vbe[VBE_VIRTUAL_HEIGHT] ? vbe[VBE_VIRTUAL_HEIGHT] : 1;
    /* The part that is shown stays inside. */
    if (vbe[VBE_X_OFFSET] > vbe[VBE_VIRTUAL_WIDTH] - vbe[VBE_XRES])
        vbe[VBE_X_OFFSET] = vbe[VBE_VIRTUAL_WIDTH] - vbe[VBE_XRES];
    if (vbe[VBE_Y_OFFSET] + vbe[VBE_YRES] > vbe[VBE_VIRTUAL_HEIGHT])
        vbe[VBE_Y_OFFSET] = vbe[VBE_VIRTUAL_HEIGHT] - vbe[VBE_YRES];
}

static bool depth_exists(uint16_t bits)
{
    return bits == 4 || bits == 8 || bits == 15 || bits == 16 || bits == 24 || bits == 32;
}

static uint16_t clamp(uint16_t value, unsigned low, unsigned high)
{
    return (uint16_t)(value < low ? low : value > high ? high : value);
}

void vga_vbe_restored(struct vga *vga)
{
    uint16_t *vbe = vga->vbe;
    vbe[VBE_XRES] = clamp(vbe[VBE_XRES], 8, WIDTH_MAX) & 0xfff8;
    vbe[VBE_YRES] = clamp(vbe[VBE_YRES], 1, HEIGHT_MAX);
    if (!depth_exists(vbe[VBE_BPP]))
        vbe[VBE_BPP] = 8;
    vbe[VBE_VIRTUAL_WIDTH] &= 0xfff8;
    geometry_fit(vga);
}

/* The VGA's own registers are set too: what reads them finds a graphics mode with a window of 64 KiB. */
static void graphics_set(struct vga *vga)
{
    vga->graphics[6] = (uint8_t)((vga->graphics[6] & ~0x0c) | 0x04 | GR6_GRAPHICS);
    vga->attribute[0x10] |= AR10_GRAPHICS;
    vga->misc |= MISC_RAM;
    vga->sequencer[1] &= (uint8_t)~SR1_HALF_CLOCK;
    vga->sequencer[2] |= 0x0f;
    vga->sequencer[4] |= SR4_SEQUENTIAL;
    if (depth(vga) == 4) {
        vga->graphics[5] &= (uint8_t) ~(GR5_256 | GR5_INTERLEAVED);
        vga->sequencer[4] &= (uint8_t)~SR4_CHAIN4;
    } else {
        vga->graphics[5] |= GR5_256;
        vga->sequencer[4] |= SR4_CHAIN4;
    }
}

static void enable_write(struct vga *vga, uint16_t value)
{
    bool turned_on = value & VBE_ENABLED && !vga_vbe_shows(vga);
    bool wide = value & VBE_8BIT_DAC, was_wide = vga->vbe[VBE_ENABLE] & VBE_8BIT_DAC;
    vga->vbe[VBE_ENABLE] = value;
    vga->vbe[VBE_BANK] = 0;
    for (unsigned i = 0; i < 256 * 3 && wide != was_wide; i++) {
        uint8_t *component = &vga->dac[i / 3][i % 3];
        *component = (uint8_t)(wide ? *component << 2 : *component >> 2);
    }
    if (!turned_on)
        return;
    vga->vbe[VBE_VIRTUAL_WIDTH] = vga->vbe[VBE_XRES];
    vga->vbe[VBE_X_OFFSET] = vga->vbe[VBE_Y_OFFSET] = 0;
    geometry_fit(vga);
    graphics_set(vga);
    if (!(value & VBE_NO_CLEAR)) {
        memset(vga->memory, 0, vga->size);
        ram_block_written(vga->block, 0, vga->size);
    }
}

uint16_t vga_vbe_get(const struct vga *vga, unsigned reg)
{
    bool capabilities = vga->vbe[VBE_ENABLE] & VBE_GETCAPS;
    if (reg >= VBE_REGISTERS)
        return 0;
    if (capabilities && reg == VBE_XRES)
        return WIDTH_MAX;
    if (capabilities && reg == VBE_YRES)
        return HEIGHT_MAX;
    if (capabilities && reg == VBE_BPP)
        return DEPTH_MAX;
    if (reg == VBE_MEMORY_64K)
        return (uint16_t)(vga->size / (64 * KIB));
    return vga->vbe[reg];
}

void vga_vbe_set(struct vga *vga, unsigned reg, uint16_t value)
{
    bool shown = vga_vbe_shows(vga);
    switch (reg) {
    case VBE_ID:
        if (value >= VBE_ID_FIRST && value <= VBE_ID_LAST)
            vga->vbe[VBE_ID] = value;
        break;
    case VBE_XRES:
        if (!shown)
            vga->vbe[VBE_XRES] = clamp(value, 8, WIDTH_MAX) & 0xfff8;
        break;
    case VBE_YRES:
        if (!shown)
            vga->vbe[VBE_YRES] = clamp(value, 1, HEIGHT_MAX);
        break;
    case VBE_BPP:
        if (!shown && depth_exists(value ? value : 8))
            vga->vbe[VBE_BPP] = value ? value : 8;
        break;
    case VBE_ENABLE: enable_write(vga, value); break;
    case VBE_BANK: vga->vbe[VBE_BANK] = value & (uint16_t)(vga->size / (64 * KIB) - 1); break;
    case VBE_VIRTUAL_WIDTH:
        vga->vbe[VBE_VIRTUAL_WIDTH] = value & 0xfff8;
        geometry_fit(vga);
        break;
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET:
        vga->vbe[reg] = value;
        geometry_fit(vga);
        break;
    default: break;
    }
}

/*
 * Both registers are 16 bits wide; the data is at 0x1cf and, for processors that want it aligned, at 0x1d0.
 * An access at 0x1cf comes in two bytes, low one first.
 */
uint64_t vga_vbe_port_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct vga *vga = opaque;
    uint16_t data = vga_vbe_get(vga, vga->vbe_index);
    if (offset == 0)
        return vga->vbe_index;
    return offset == 2 && width == 1 ? data >> 8 : data;
}

void vga_vbe_port_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct vga *vga = opaque;
    if (offset == 0)
        vga->vbe_index = (uint16_t)value;
    else if (width == 2)
        vga_vbe_set(vga, vga->vbe_index, (uint16_t)value);
    else if (offset == 1)
        vga->vbe_low = (uint8_t)value;
    else if (offset == 2)
        vga_vbe_set(vga, vga->vbe_index, (uint16_t)(vga->vbe_low | value << 8));
}

void vga_linear_set(struct vga *vga, unsigned width, unsigned height)
{
    vga_vbe_set(vga, VBE_ENABLE, 0);
    vga_vbe_set(vga, VBE_XRES, (uint16_t)width);
    vga_vbe_set(vga, VBE_YRES, (uint16_t)height);
    vga_vbe_set(vga, VBE_BPP, 32);
    vga_vbe_set(vga, VBE_ENABLE, VBE_ENABLED | VBE_LFB);
}
