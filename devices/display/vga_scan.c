/*
 * What the CRTC, the sequencer's shift registers and the attribute controller make of the planes: a picture
 * of dots and scan lines as a monitor gets them (so mode 13h, whose pixels are two dots by two lines, is 640
 * by 400).
 */
#include "devices/display/vga_internal.h"

#define CRTC_CELL_MASK  0x1fu
#define CRTC_DOUBLE     0x80u /* of CR9 */
#define CRTC_CURSOR_OFF 0x20u /* of CR10 */
#define CRTC_DWORD      0x40u /* of CR14 */
#define CRTC_COUNT_BY_4 0x20u
#define CRTC_MA13       0x01u /* of CR17: zero takes row scan bit 0 for address bit 13 */
#define CRTC_MA14       0x02u
#define CRTC_COUNT_BY_2 0x08u
#define CRTC_WRAP_64K   0x20u
#define CRTC_BYTE       0x40u

/* Frames of 70 Hz: the cursor changes every 8, blinking characters every 16. */
#define FRAME_NS 14285714u

#define DOTS_MAX (257u * 9)

struct scan {
    struct vga_frame *frame;
    const struct vga *vga;
    unsigned columns, dots; /* character clocks a line, and dots of each */
    unsigned row_scan;
    uint16_t address; /* of the row's first character clock, as the CRTC counts */
    unsigned pan;     /* dots */
    uint32_t colours[16];
    bool cursor_on, blink_on;
    bool changes; /* the line is another at another phase */
    uint32_t line[DOTS_MAX];
};

/* Attribute registers 10h, 12h and 14h: from four bits to the DAC's eight. */
static void colours_make(struct scan *scan)
{
    const uint8_t *attribute = scan->vga->attribute;
    for (unsigned i = 0; i < 16; i++) {
        uint8_t colour = attribute[i & attribute[0x12] & 0xf] & 0x3f;
        if (attribute[0x10] & AR10_P54)
            colour = (uint8_t)((colour & 0x0f) | (attribute[0x14] & 3) << 4);
        colour |= (uint8_t)((attribute[0x14] & 0xc) << 4);
        scan->colours[i] = scan->frame->palette[colour];
    }
}

/* The bytes of the four planes at a character clock of the row. */
static const uint8_t *planes_at(const struct scan *scan, unsigned column)
{
    const uint8_t *crtc = scan->vga->crtc;
    unsigned shift = crtc[0x14] & CRTC_COUNT_BY_4 ? 2 : crtc[0x17] & CRTC_COUNT_BY_2 ? 1 : 0;
    uint16_t count = (uint16_t)(scan->address + (column >> shift));
    uint32_t address = count;
    if (crtc[0x14] & CRTC_DWORD)
        address = (uint32_t)count << 2 | count >> 14;
    else if (!(crtc[0x17] & CRTC_BYTE))
        address = (uint32_t)count << 1 | (count >> (crtc[0x17] & CRTC_WRAP_64K ? 15 : 13) & 1);
    if (!(crtc[0x17] & CRTC_MA13))
        address = (address & ~0x2000u) | (scan->row_scan & 1) << 13;
    if (!(crtc[0x17] & CRTC_MA14))
        address = (address & ~0x4000u) | (scan->row_scan & 2) << 13;
    return scan->vga->memory + 4 * (uint64_t)(address & (VGA_PLANE - 1));
}

/* SR3: bits 5, 3, 2 choose the font of characters with attribute bit 3, bits 4, 1, 0 that of the others. */
static uint32_t font_address(const struct vga *vga, uint8_t attribute)
{
    uint8_t select = vga->sequencer[3];
    unsigned low = attribute & 8 ? select >> 2 & 3u : select & 3u;
    unsigned high = attribute & 8 ? select >> 5 & 1u : select >> 4 & 1u;
    return low * 0x4000 + high * 0x2000;
}

/* Whether the cursor is here, seen or not. */
static bool cursor_at(const struct scan *scan, unsigned column)
{
    const uint8_t *crtc = scan->vga->crtc;
    uint16_t place = (uint16_t)(crtc[0x0e] << 8 | crtc[0x0f]);
    return !(crtc[0x0a] & CRTC_CURSOR_OFF) && (uint16_t)(scan->address + column) == place &&
           scan->row_scan >= (crtc[0x0a] & CRTC_CELL_MASK) && scan->row_scan <= (crtc[0x0b] & CRTC_CELL_MASK);
}

static void character_draw(struct scan *scan, unsigned column, uint32_t *to)
{
    const struct vga *vga = scan->vga;
    const uint8_t *cell = planes_at(scan, column);
    uint8_t code = cell[0], attribute = cell[1], mode = vga->attribute[0x10];
    uint32_t font = font_address(vga, attribute) + code * 32u + scan->row_scan;
    unsigned bits = vga->memory[4 * (uint64_t)(font & (VGA_PLANE - 1)) + 2];
    unsigned front = attribute & 0xf, back = attribute >> 4;
    bool at_cursor = cursor_at(scan, column), blinks = mode & AR10_BLINK && attribute & 0x80;
    bool cursor = at_cursor && scan->cursor_on;
    scan->changes |= at_cursor || blinks;
    if (mode & AR10_BLINK)
        back &= 7;
    if (blinks && !scan->blink_on)
        front = back;
    if (mode & AR10_MONO && (attribute & 7) == 1 && scan->row_scan == (vga->crtc[0x14] & CRTC_CELL_MASK))
        bits = 0xff;
    if (cursor)
        bits = 0xff;
    /* The ninth dot: background, or in line graphics the eighth again. */
    bool joined = mode & AR10_LINE && code >= 0xc0 && code <= 0xdf;
    bits = bits << 1 | (joined || cursor ? bits & 1 : 0);
    for (unsigned i = 0; i < scan->dots; i++)
        to[i] = scan->colours[bits >> (8 - i) & 1 ? front : back];
}

static void planar_draw(const struct scan *scan, const uint8_t *planes, uint32_t *to)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned shift = 7 - i, colour = 0;
        for (unsigned plane = 0; plane < 4; plane++)
            colour |= (planes[plane] >> shift & 1u) << plane;
        to[i] = scan->colours[colour];
    }
}

/* Pixels of two bits: four from planes 0 and 2, four from 1 and 3. */
static void interleaved_draw(const struct scan *scan, const uint8_t *planes, uint32_t *to)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned plane = i / 4, shift = 6 - 2 * (i % 4);
        unsigned colour = (planes[plane] >> shift & 3u) | (planes[plane + 2] >> shift & 3u) << 2;
        to[i] = scan->colours[colour];
    }
}

static void packed_draw(const struct scan *scan, const uint8_t *planes, uint32_t *to)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = scan->frame->palette[planes[i / 2]];
}

static void graphics_draw(const struct scan *scan, unsigned column, uint32_t *to)
{
    const uint8_t *planes = planes_at(scan, column);
    uint8_t mode = scan->vga->graphics[5];
    if (mode & GR5_256)
        packed_draw(scan, planes, to);
    else if (mode & GR5_INTERLEAVED)
        interleaved_draw(scan, planes, to);
    else
        planar_draw(scan, planes, to);
    if (scan->dots == 9)
        to[8] = to[7];
}

static bool is_graphics(const struct vga *vga)
{
    return vga->attribute[0x10] & AR10_GRAPHICS;
}

static void line_draw(struct scan *scan)
{
    scan->changes = false;
    for (unsigned i = 0; i <= scan->columns; i++) { /* one more, for what panning brings in */
        uint32_t *to = scan->line + i * scan->dots;
        if (is_graphics(scan->vga))
            graphics_draw(scan, i, to);
        else
            character_draw(scan, i, to);
    }
}

static void line_show(struct scan *scan, unsigned y)
{
    uint32_t doubled[2 * DOTS_MAX];
    const uint32_t *dots = scan->line + scan->pan;
    struct vga_frame *frame = scan->frame;
    if (scan->changes) {
        frame->blink_top = frame->blink_bottom ? frame->blink_top : y;
        frame->blink_bottom = y + 1;
    }
    if (!(scan->vga->sequencer[1] & SR1_HALF_CLOCK)) {
        display_row_put(scan->vga->display, y, dots);
        return;
    }
    for (unsigned i = 0; i < scan->frame->surface.width; i++)
        doubled[i] = dots[i / 2];
    display_row_put(scan->vga->display, y, doubled);
}

/* AR13: in 9-dot modes 8 is no shift at all, and 0 is one dot. */
static unsigned pan_dots(const struct scan *scan)
{
    unsigned pan = scan->vga->attribute[0x13] & 0xf;
    if (scan->dots == 9 && !is_graphics(scan->vga))
        return pan >= 8 ? 0 : pan + 1;
    return pan & 7;
}

unsigned vga_scan_width(const struct vga *vga)
{
    unsigned dots = vga->sequencer[1] & SR1_EIGHT_DOTS ? 8 : 9;
    return (vga->crtc[1] + 1u) * dots * (vga->sequencer[1] & SR1_HALF_CLOCK ? 2 : 1);
}

uint64_t vga_blink_phase(const struct vga *vga)
{
    return clock_now(vga->machine->clock) / FRAME_NS / 8;
}

static void scan_begin(struct scan *scan)
{
    const struct vga *vga = scan->vga;
    uint64_t phase = vga_blink_phase(vga);
    scan->columns = vga->crtc[1] + 1u;
    scan->dots = vga->sequencer[1] & SR1_EIGHT_DOTS ? 8 : 9;
    scan->row_scan = vga->crtc[8] & CRTC_CELL_MASK;
    scan->address = (uint16_t)((vga->crtc[0x0c] << 8 | vga->crtc[0x0d]) + (vga->crtc[8] >> 5 & 3));
    scan->pan = pan_dots(scan);
    scan->cursor_on = !(phase & 1);
    scan->blink_on = !(phase / 2 & 1);
    colours_make(scan);
}

void vga_scan(struct vga_frame *frame)
{
    struct scan scan = {.frame = frame, .vga = frame->vga};
    const uint8_t *crtc = frame->vga->crtc, *attribute = frame->vga->attribute;
    unsigned compare = crtc[0x18] | (crtc[7] & 0x10u) << 4 | (crtc[9] & 0x40u) << 3;
    bool doubled = crtc[9] & CRTC_DOUBLE, half = false;
    /* Lines of a graphics row differ only where the row scan is part of the address. */
    bool same = is_graphics(frame->vga) && (crtc[0x17] & 3) == 3, drawn = false;
    uint16_t row;
    scan_begin(&scan);
    row = scan.address;
    for (unsigned y = 0; y < frame->bottom; y++) {
        if (y >= frame->top && (!drawn || !same)) {
            line_draw(&scan);
            drawn = true;
        }
        if (y >= frame->top)
            line_show(&scan, y);
        half = doubled && !half;
        if (!half && scan.row_scan++ == (crtc[9] & CRTC_CELL_MASK)) {
            scan.row_scan = 0;
            row = (uint16_t)(row + 2 * crtc[0x13]);
            drawn = false;
        }
        scan.row_scan &= CRTC_CELL_MASK;
        if (y == compare) { /* a split screen: the lower part shows the memory's beginning */
            row = 0;
            scan.row_scan = 0;
            scan.pan = attribute[0x10] & AR10_PAN_TOP ? (scan.dots == 9 ? scan.pan : 0) : scan.pan;
            drawn = half = false;
        }
        scan.address = row;
    }
}
