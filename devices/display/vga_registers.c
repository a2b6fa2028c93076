/* The VGA's ports (IBM PS/2 Hardware Interface Technical Reference, video subsystem). */
#include "base/bits.h"
#include "devices/display/vga_internal.h"

/* Offsets from 0x3b0. */
enum {
    MONO_CRTC_INDEX = 0x04,
    MONO_CRTC_DATA = 0x05,
    MONO_STATUS = 0x0a,
    ATTRIBUTE_WRITE = 0x10,
    ATTRIBUTE_READ = 0x11,
    MISC_WRITE = 0x12, /* reads: input status 0 */
    SEQUENCER_INDEX = 0x14,
    SEQUENCER_DATA = 0x15,
    DAC_MASK = 0x16,
    DAC_READ_INDEX = 0x17, /* reads: the DAC's state */
    DAC_WRITE_INDEX = 0x18,
    DAC_DATA = 0x19,
    FEATURE_READ = 0x1a,
    MISC_READ = 0x1c,
    GRAPHICS_INDEX = 0x1e,
    GRAPHICS_DATA = 0x1f,
    CRTC_INDEX = 0x24,
    CRTC_DATA = 0x25,
    STATUS = 0x2a, /* input status 1; writes: feature control */
};

#define CRTC_PROTECT 0x80u /* of CR11: 0 to 7 are read-only, but for a bit of 7 */

#define STATUS_BLANK   0x01u
#define STATUS_RETRACE 0x08u

unsigned vga_vertical_total(const struct vga *vga)
{
    const uint8_t *crtc = vga->crtc;
    return (crtc[6] | (crtc[7] & 0x01u) << 8 | (crtc[7] & 0x20u) << 4) + 2;
}

unsigned vga_vertical_end(const struct vga *vga)
{
    const uint8_t *crtc = vga->crtc;
    return (crtc[0x12] | (crtc[7] & 0x02u) << 7 | (crtc[7] & 0x40u) << 3) + 1;
}

unsigned vga_retrace_start(const struct vga *vga)
{
    const uint8_t *crtc = vga->crtc;
    return crtc[0x10] | (crtc[7] & 0x04u) << 6 | (crtc[7] & 0x80u) << 2;
}

struct timing {
    unsigned line_dots, shown_dots;
    unsigned lines, shown_lines, retrace_start, retrace_lines;
};

/* Before anybody has set a mode the registers say nothing; then it is 640 by 400 at 70 Hz. */
static struct timing timing_get(const struct vga *vga)
{
    unsigned dots = vga->sequencer[1] & SR1_EIGHT_DOTS ? 8 : 9, start = vga_retrace_start(vga);
    struct timing timing = {.line_dots = (vga->crtc[0] + 5u) * dots,
                            .shown_dots = (vga->crtc[1] + 1u) * dots,
                            .lines = vga_vertical_total(vga),
                            .shown_lines = vga_vertical_end(vga),
                            .retrace_start = start,
                            .retrace_lines = ((vga->crtc[0x11] - start - 1) & 0xf) + 1};
    if (start + timing.retrace_lines > timing.lines || !vga->crtc[0])
        return (struct timing){800, 640, 449, 400, 412, 2};
    return timing;
}

/* Where the beam is, from the machine clock: software waits for retraces with this. */
static uint8_t status_read(const struct vga *vga)
{
    uint64_t hz = vga->misc & MISC_CLOCK_28 ? 28322000 : 25175000;
    struct timing timing = timing_get(vga);
    if (vga->sequencer[1] & SR1_HALF_CLOCK)
        hz /= 2;
    uint64_t now = clock_scale(clock_now(vga->machine->clock), hz, 1000000000);
    uint64_t at = now % ((uint64_t)timing.line_dots * timing.lines);
    uint64_t line = at / timing.line_dots, dot = at % timing.line_dots;
    bool retrace = line >= timing.retrace_start && line < timing.retrace_start + timing.retrace_lines;
    bool blank = line >= timing.shown_lines || dot >= timing.shown_dots;
    return (uint8_t)((retrace ? STATUS_RETRACE : 0) | (blank || retrace ? STATUS_BLANK : 0));
}

static uint8_t dac_data_read(struct vga *vga)
{
    uint8_t value = vga->dac[vga->dac_read][vga->dac_component];
    if (++vga->dac_component == 3) {
        vga->dac_component = 0;
        vga->dac_read++;
    }
    return value;
}

static void dac_data_write(struct vga *vga, uint8_t value)
{
    bool wide = vga->vbe[VBE_ENABLE] & VBE_8BIT_DAC;
    vga->dac[vga->dac_write][vga->dac_component] = wide ? value : value & 0x3f;
    if (++vga->dac_component == 3) {
        vga->dac_component = 0;
        vga->dac_write++;
    }
}

static void attribute_write(struct vga *vga, uint8_t value)
{
    unsigned index = vga->attribute_index & 0x1f;
    bool data = vga->attribute_data;
    vga->attribute_data = !data;
    if (!data) {
        vga->attribute_index = value & 0x3f;
    } else if (index < 0x10) { /* the palette can be changed only while it is not connected */
        if (!(vga->attribute_index & ATTRIBUTE_SHOWN))
            vga->attribute[index] = value & 0x3f;
    } else if (index < VGA_ATTRIBUTE) {
        vga->attribute[index] = value;
    }
}

static void crtc_write(struct vga *vga, uint8_t value)
{
    unsigned index = vga->crtc_index;
    bool protected = vga->crtc[0x11] & CRTC_PROTECT;
    if (index >= VGA_CRTC)
        return;
    if (protected && index == 7)
        vga->crtc[7] = (uint8_t)((vga->crtc[7] & ~0x10) | (value & 0x10));
    else if (!protected || index > 7)
        vga->crtc[index] = value;
}

/* The CRTC answers at the colour or at the monochrome ports. */
static bool port_is_deaf(const struct vga *vga, uint64_t offset)
{
    bool colour = vga->misc & MISC_COLOUR;
    return colour ? offset < ATTRIBUTE_WRITE : offset >= 0x20;
}

/* At either place. */
static unsigned port_common(uint64_t offset)
{
    switch (offset) {
    case MONO_CRTC_INDEX: return CRTC_INDEX;
    case MONO_CRTC_DATA: return CRTC_DATA;
    case MONO_STATUS: return STATUS;
    default: return (unsigned)offset;
    }
}

static uint8_t indexed(const uint8_t *registers, unsigned count, unsigned index)
{
    return index < count ? registers[index] : 0;
}

uint64_t vga_port_read(void *opaque, uint64_t offset, unsigned width)
{
    struct vga *vga = opaque;
    (void)width;
    if (port_is_deaf(vga, offset))
        return 0xff;
    switch (port_common(offset)) {
    case ATTRIBUTE_WRITE: return vga->attribute_index;
    case ATTRIBUTE_READ: return indexed(vga->attribute, VGA_ATTRIBUTE, vga->attribute_index & 0x1f);
    case MISC_WRITE: return 0x10; /* the switch sense: a colour monitor */
    case SEQUENCER_INDEX: return vga->sequencer_index;
    case SEQUENCER_DATA: return indexed(vga->sequencer, VGA_SEQUENCER, vga->sequencer_index);
    case DAC_MASK: return vga->dac_mask;
    case DAC_READ_INDEX: return vga->dac_reading ? 3 : 0;
    case DAC_WRITE_INDEX: return vga->dac_write;
    case DAC_DATA: return dac_data_read(vga);
    case FEATURE_READ: return vga->feature;
    case MISC_READ: return vga->misc;
    case GRAPHICS_INDEX: return vga->graphics_index;
    case GRAPHICS_DATA: return indexed(vga->graphics, VGA_GRAPHICS, vga->graphics_index);
    case CRTC_INDEX: return vga->crtc_index;
    case CRTC_DATA: return indexed(vga->crtc, VGA_CRTC, vga->crtc_index);
    case STATUS: vga->attribute_data = false; return status_read(vga);
    default: return 0xff;
    }
}

static void sequencer_write(struct vga *vga, uint8_t value)
{
    static const uint8_t writable[VGA_SEQUENCER] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
    if (vga->sequencer_index < VGA_SEQUENCER)
        vga->sequencer[vga->sequencer_index] = value & writable[vga->sequencer_index];
}

static void graphics_write(struct vga *vga, uint8_t value)
{
    static const uint8_t writable[VGA_GRAPHICS] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
    if (vga->graphics_index < VGA_GRAPHICS)
        vga->graphics[vga->graphics_index] = value & writable[vga->graphics_index];
}

void vga_port_write(void *opaque, uint64_t offset, uint64_t written, unsigned width)
{
    struct vga *vga = opaque;
    uint8_t value = (uint8_t)written;
    (void)width;
    if (port_is_deaf(vga, offset))
        return;
    switch (port_common(offset)) {
    case ATTRIBUTE_WRITE: attribute_write(vga, value); break;
    case MISC_WRITE: vga->misc = value & 0xef; break;
    case SEQUENCER_INDEX: vga->sequencer_index = value & 7; break;
    case SEQUENCER_DATA: sequencer_write(vga, value); break;
    case DAC_MASK: vga->dac_mask = value; break;
    case DAC_READ_INDEX:
        vga->dac_read = value;
        vga->dac_component = 0;
        vga->dac_reading = true;
        break;
    case DAC_WRITE_INDEX:
        vga->dac_write = value;
        vga->dac_component = 0;
        vga->dac_reading = false;
        break;
    case DAC_DATA: dac_data_write(vga, value); break;
    case GRAPHICS_INDEX: vga->graphics_index = value & 0xf; break;
    case GRAPHICS_DATA: graphics_write(vga, value); break;
    case CRTC_INDEX: vga->crtc_index = value; break;
    case CRTC_DATA: crtc_write(vga, value); break;
    case STATUS: vga->feature = value & 0x10; break;
    default: break;
    }
}
