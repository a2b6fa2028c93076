/*
 * The processor's window to the four planes: odd/even and chained addressing, the read and write modes, and
 * the latches between them.
 */
#include "base/bits.h"
#include "devices/display/vga_internal.h"

/* Where in the planes an access goes. */
struct place {
    uint32_t address; /* in each plane */
    uint8_t planes;   /* that a write may reach */
    uint8_t read_plane;
};

/* GR6, bits 3 and 2: which part of the window is video memory. False: not this address. */
static bool window_offset(const struct vga *vga, uint64_t *offset)
{
    static const struct {
        uint32_t base, size;
    } windows[4] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    unsigned map = vga->graphics[6] >> 2 & 3;
    if (!(vga->misc & MISC_RAM) || *offset < windows[map].base ||
        *offset - windows[map].base >= windows[map].size)
        return false;
    *offset -= windows[map].base;
    return true;
}

static uint64_t bank(const struct vga *vga)
{
    return vga_vbe_shows(vga) ? (uint64_t)vga->vbe[VBE_BANK] << 16 : 0;
}

static struct place place_find(const struct vga *vga, uint64_t offset)
{
    uint8_t mask = vga->sequencer[2] & 0xf;
    struct place place = {.planes = mask, .read_plane = vga->graphics[4] & 3};
    if (vga->sequencer[4] & SR4_CHAIN4) { /* the low address bits choose the plane */
        place.planes = (uint8_t)(mask & 1u << (offset & 3));
        place.read_plane = offset & 3;
        place.address = (uint32_t)offset & 0xfffc;
    } else {
        bool odd = offset & 1, odd_even = !(vga->sequencer[4] & SR4_SEQUENTIAL);
        if (odd_even)
            place.planes = mask & (odd ? 0xa : 0x5);
        if (vga->graphics[5] & GR5_ODD_EVEN)
            place.read_plane = (uint8_t)((place.read_plane & 2) | odd);
        place.address = (uint32_t)(offset + bank(vga));
        if (odd_even)
            place.address &= ~1u;
    }
    place.address &= vga_vbe_shows(vga) ? (uint32_t)(vga->size / 4 - 1) : VGA_PLANE - 1;
    return place;
}

static uint8_t *plane_bytes(struct vga *vga, uint32_t address)
{
    return vga->memory + 4 * (uint64_t)address;
}

static uint8_t planar_read(struct vga *vga, uint64_t offset)
{
    struct place place = place_find(vga, offset);
    const uint8_t *bytes = plane_bytes(vga, place.address);
    memcpy(vga->latch, bytes, 4);
    if (!(vga->graphics[5] & GR5_READ_COMPARE))
        return bytes[place.read_plane];
    /* Read mode 1: where all the planes that are cared for have the colour to compare with. */
    uint8_t equal = 0xff;
    for (unsigned plane = 0; plane < 4; plane++) {
        uint8_t colour = vga->graphics[2] >> plane & 1 ? 0xff : 0;
        if (vga->graphics[7] >> plane & 1)
            equal &= (uint8_t) ~(bytes[plane] ^ colour);
    }
    return equal;
}

static uint8_t rotate(const struct vga *vga, uint8_t value)
{
    unsigned count = vga->graphics[3] & 7;
    return (uint8_t)(value >> count | value << (8 - count));
}

/* GR3, bits 4 and 3: how what is written meets the latch. */
static uint8_t combine(const struct vga *vga, uint8_t value, uint8_t latch)
{
    switch (vga->graphics[3] >> 3 & 3) {
    case 1: return value & latch;
    case 2: return value | latch;
    case 3: return value ^ latch;
    default: return value;
    }
}

/* What the write mode makes of a written byte for a plane. */
static uint8_t plane_value(const struct vga *vga, unsigned plane, uint8_t written)
{
    uint8_t latch = vga->latch[plane], mask = vga->graphics[8], value;
    bool set = vga->graphics[0] >> plane & 1;
    switch (vga->graphics[5] & 3) {
    case 0: value = vga->graphics[1] >> plane & 1 ? (set ? 0xff : 0) : rotate(vga, written); break;
    case 1: return latch;
    case 2: value = written >> plane & 1 ? 0xff : 0; break;
    default:
        mask &= rotate(vga, written);
        value = set ? 0xff : 0;
        break;
    }
    return (uint8_t)((combine(vga, value, latch) & mask) | (latch & ~mask));
}

static void planar_write(struct vga *vga, uint64_t offset, uint8_t value)
{
    struct place place = place_find(vga, offset);
    uint8_t *bytes = plane_bytes(vga, place.address);
    for (unsigned plane = 0; plane < 4; plane++) {
        if (place.planes >> plane & 1)
            bytes[plane] = plane_value(vga, plane, value);
    }
    ram_block_written(vga->block, (uint64_t)(bytes - vga->memory), 4);
}

uint64_t vga_memory_read(void *opaque, uint64_t offset, unsigned width)
{
    struct vga *vga = opaque;
    (void)width;
    if (!window_offset(vga, &offset))
        return 0xff;
    if (vga_vbe_linear(vga))
        return vga->memory[(bank(vga) + offset) & (vga->size - 1)];
    return planar_read(vga, offset);
}

void vga_memory_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct vga *vga = opaque;
    (void)width;
    if (!window_offset(vga, &offset))
        return;
    if (vga_vbe_linear(vga)) {
        uint64_t place = (bank(vga) + offset) & (vga->size - 1);
        vga->memory[place] = (uint8_t)value;
        ram_block_written(vga->block, place, 1);
    } else {
        planar_write(vga, offset, (uint8_t)value);
    }
}
