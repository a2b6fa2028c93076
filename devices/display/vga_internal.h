/* What the files of the VGA share: the registers as the IBM VGA's manual names them, and the Bochs VBE ones.
 */
#pragma once

#include "devices/display/vga.h"

#define VGA_SEQUENCER 8
#define VGA_CRTC      25
#define VGA_GRAPHICS  9
#define VGA_ATTRIBUTE 21
#define VGA_PLANE     0x10000u /* bytes of each of the four planes */

#define MISC_COLOUR     0x01u /* CRTC at 3d4 */
#define MISC_RAM        0x02u
#define MISC_CLOCK_28   0x04u
#define MISC_CLOCK_MASK 0x0cu

#define SR1_EIGHT_DOTS 0x01u
#define SR1_HALF_CLOCK 0x08u
#define SR1_OFF        0x20u
#define SR4_SEQUENTIAL 0x04u /* no odd/even addressing */
#define SR4_CHAIN4     0x08u

#define GR5_READ_COMPARE 0x08u
#define GR5_ODD_EVEN     0x10u
#define GR5_INTERLEAVED  0x20u
#define GR5_256          0x40u
#define GR6_GRAPHICS     0x01u

#define AR10_GRAPHICS   0x01u
#define AR10_MONO       0x02u
#define AR10_LINE       0x04u
#define AR10_BLINK      0x08u
#define AR10_PAN_TOP    0x20u
#define AR10_8BIT       0x40u
#define AR10_P54        0x80u
#define ATTRIBUTE_SHOWN 0x20u /* of the attribute controller's index: the palette is connected */

enum {
    VBE_ID,
    VBE_XRES,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRTUAL_WIDTH,
    VBE_VIRTUAL_HEIGHT,
    VBE_X_OFFSET,
    VBE_Y_OFFSET,
    VBE_MEMORY_64K,
    VBE_REGISTERS,
};
#define VBE_ID_FIRST 0xb0c0u
#define VBE_ID_LAST  0xb0c5u
#define VBE_ENABLED  0x01u
#define VBE_GETCAPS  0x02u
#define VBE_8BIT_DAC 0x20u
#define VBE_LFB      0x40u
#define VBE_NO_CLEAR 0x80u

/* What the last picture was made of, but for memory. */
struct vga_drawn;

struct vga {
    struct machine *machine;
    struct pci_function pci;
    struct display *display;
    struct ram_block *block;
    uint8_t *memory; /* plane p of address a is byte 4 * a + p; with VBE, pixels as they are */
    uint64_t size;
    struct vga_drawn *drawn; /* vga_render.c's; NULL: nothing was drawn yet */

    uint8_t misc, feature;
    uint8_t sequencer_index, sequencer[VGA_SEQUENCER];
    uint8_t crtc_index, crtc[VGA_CRTC];
    uint8_t graphics_index, graphics[VGA_GRAPHICS];
    uint8_t attribute_index, attribute[VGA_ATTRIBUTE];
    bool attribute_data; /* the next write of 3c0 is data */
    uint8_t latch[4];

    uint8_t dac[256][3];
    uint8_t dac_mask, dac_read, dac_write, dac_component;
    bool dac_reading;

    uint16_t vbe_index, vbe[VBE_REGISTERS];
    uint8_t vbe_low; /* of a data write by bytes */
};

static inline bool vga_vbe_shows(const struct vga *vga)
{
    return vga->vbe[VBE_ENABLE] & VBE_ENABLED;
}

/* Memory is addressed as pixels lie, and not by planes. */
static inline bool vga_vbe_linear(const struct vga *vga)
{
    return vga_vbe_shows(vga) && vga->vbe[VBE_BPP] != 4;
}

/* vga_memory.c: the window at 0xa0000. */
uint64_t vga_memory_read(void *vga, uint64_t offset, unsigned width);
void vga_memory_write(void *vga, uint64_t offset, uint64_t value, unsigned width);

/* vga_registers.c: ports from 0x3b0. */
uint64_t vga_port_read(void *vga, uint64_t offset, unsigned width);
void vga_port_write(void *vga, uint64_t offset, uint64_t value, unsigned width);

/* vga_vbe.c: ports from 0x1ce, and a register by its number. */
uint64_t vga_vbe_port_read(void *vga, uint64_t offset, unsigned width);
void vga_vbe_port_write(void *vga, uint64_t offset, uint64_t value, unsigned width);
uint16_t vga_vbe_get(const struct vga *vga, unsigned reg);
void vga_vbe_set(struct vga *vga, unsigned reg, uint16_t value);
/* Bytes from one line to the next (of a plane for 4 bits a pixel), and of the first pixel shown. */
uint64_t vga_vbe_pitch(const struct vga *vga);
uint64_t vga_vbe_start(const struct vga *vga);
/* Loaded values are made fit. */
void vga_vbe_restored(struct vga *vga);

/* vga_scan.c: a number that changes when the cursor or blinking characters do. */
uint64_t vga_blink_phase(const struct vga *vga);

/* vga_render.c: into the display. */
void vga_draw(void *vga);
struct vga_frame {
    struct vga *vga;
    struct display_surface surface;
    bool same_registers;  /* as those of the last picture: only what was written to memory is new */
    unsigned top, bottom; /* rows to draw: from one to before the other */
    unsigned blink_top, blink_bottom; /* rows found to be others at another phase */
    uint32_t palette[256];
};

/* vga_scan.c and vga_scan_vbe.c: all rows of the mode that is set. */
void vga_scan(struct vga_frame *frame);
void vga_scan_vbe(struct vga_frame *frame);
unsigned vga_scan_width(const struct vga *vga);

/* The CRTC's vertical values with their bits from the overflow registers, in scan lines. */
unsigned vga_vertical_total(const struct vga *vga);
unsigned vga_vertical_end(const struct vga *vga);
unsigned vga_retrace_start(const struct vga *vga);
