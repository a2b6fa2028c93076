#include "guests/vga/pictures.h"

/* What a BIOS loads for a mode: miscellaneous output, sequencer, CRTC, graphics and attribute controller. */
struct mode {
    uint8_t misc, sequencer[5], crtc[25], graphics[9], attribute[20];
};

#define TEXT_COLOURS 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f
#define LOW_COLOURS  0, 1, 2, 3, 4, 5, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17

/* clang-format off */
static const struct mode
    text_40 = { /* 00h and 01h, with characters of 8 dots */
        0x63, {3, 0x09, 3, 0, 2},
        {0x2d, 0x27, 0x28, 0x90, 0x2b, 0xa0, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x14, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
        {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff}, {TEXT_COLOURS, 0x0c, 0, 0x0f, 8}},
    text_80 = { /* 02h and 03h */
        0x67, {3, 0x00, 3, 0, 2},
        {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
        {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff}, {TEXT_COLOURS, 0x0c, 0, 0x0f, 8}},
    cga_4 = { /* 04h and 05h */
        0x63, {3, 0x09, 3, 0, 2},
        {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff},
        {0, 0, 0, 0, 0, 0x30, 0x0f, 0, 0xff}, {0, 0x13, 0x15, 0x17, 2, 4, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x01, 0, 0x03, 0}},
    cga_2 = { /* 06h */
        0x63, {3, 0x01, 1, 0, 6},
        {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x00, 0x96, 0xb9, 0xc2, 0xff},
        {0, 0, 0, 0, 0, 0x00, 0x0d, 0, 0xff}, {0, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x01, 0, 0x01, 0}},
    ega_320 = { /* 0Dh */
        0x63, {3, 0x09, 0x0f, 0, 6},
        {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc0, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xe3, 0xff},
        {0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff}, {LOW_COLOURS, 0x01, 0, 0x0f, 0}},
    ega_640 = { /* 0Eh */
        0x63, {3, 0x01, 0x0f, 0, 6},
        {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0xc0, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x00, 0x96, 0xb9, 0xe3, 0xff},
        {0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff}, {LOW_COLOURS, 0x01, 0, 0x0f, 0}},
    ega_350 = { /* 10h */
        0xa3, {3, 0x01, 0x0f, 0, 6},
        {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x40, 0, 0, 0, 0, 0, 0, 0x83, 0x85, 0x5d, 0x28, 0x0f, 0x63, 0xba, 0xe3, 0xff},
        {0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff}, {TEXT_COLOURS, 0x01, 0, 0x0f, 0}},
    vga_2 = { /* 11h */
        0xe3, {3, 0x01, 0x0f, 0, 6},
        {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xc3, 0xff},
        {0, 0, 0, 0, 0, 0x00, 0x05, 0x01, 0xff}, {0, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x01, 0, 0x0f, 0}},
    vga_16 = { /* 12h */
        0xe3, {3, 0x01, 0x0f, 0, 6},
        {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff},
        {0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff}, {TEXT_COLOURS, 0x01, 0, 0x0f, 0}},
    vga_256 = { /* 13h */
        0x63, {3, 0x01, 0x0f, 0, 0x0e},
        {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
        {0, 0, 0, 0, 0, 0x40, 0x05, 0x0f, 0xff}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0, 0x0f, 0}};
/* clang-format on */

/* --- the hardware --- */

static void out(const struct vga_io *io, uint16_t port, uint8_t value)
{
    io->out(io->opaque, port, value);
}

static void indexed(const struct vga_io *io, uint16_t port, uint8_t index, uint8_t value)
{
    out(io, port, index);
    out(io, port + 1, value);
}

static void sequencer(const struct vga_io *io, uint8_t index, uint8_t value)
{
    indexed(io, 0x3c4, index, value);
}

static void graphics(const struct vga_io *io, uint8_t index, uint8_t value)
{
    indexed(io, 0x3ce, index, value);
}

static void crtc(const struct vga_io *io, uint8_t index, uint8_t value)
{
    indexed(io, 0x3d4, index, value);
}

static void attribute(const struct vga_io *io, uint8_t index, uint8_t value)
{
    io->in(io->opaque, 0x3da);
    out(io, 0x3c0, index);
    out(io, 0x3c0, value);
    out(io, 0x3c0, 0x20);
}

static void store(const struct vga_io *io, uint32_t address, const uint8_t *bytes, size_t len)
{
    io->store(io->opaque, address, bytes, len);
}

/* 256 colours, no two alike. */
static void palette(const struct vga_io *io)
{
    out(io, 0x3c6, 0xff);
    out(io, 0x3c8, 0);
    for (unsigned i = 0; i < 256; i++) {
        out(io, 0x3c9, (uint8_t)(i & 63));
        out(io, 0x3c9, (uint8_t)((3 * i + i / 64) & 63));
        out(io, 0x3c9, (uint8_t)((63 - i / 4) & 63));
    }
}

/* The registers of Bochs VBE. */
enum {
    VBE_XRES = 1,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRTUAL_WIDTH,
    VBE_X_OFFSET = 8,
    VBE_Y_OFFSET
};
#define VBE_ON        0x01
#define VBE_WIDE_DAC  0x20
#define VBE_IN_MEMORY 0x40

static void vbe(const struct vga_io *io, uint16_t index, uint16_t value)
{
    io->out16(io->opaque, 0x1ce, index);
    io->out16(io->opaque, 0x1cf, value);
}

static void mode_set(const struct vga_io *io, const struct mode *mode)
{
    vbe(io, VBE_ENABLE, 0);
    out(io, 0x3c2, mode->misc);
    sequencer(io, 0, 1); /* held while its clock changes */
    for (uint8_t i = 1; i < 5; i++)
        sequencer(io, i, mode->sequencer[i]);
    sequencer(io, 0, 3);
    crtc(io, 0x11, 0); /* opens the others */
    for (uint8_t i = 0; i < 25; i++)
        crtc(io, i, mode->crtc[i]);
    for (uint8_t i = 0; i < 9; i++)
        graphics(io, i, mode->graphics[i]);
    io->in(io->opaque, 0x3da);
    for (uint8_t i = 0; i < 20; i++) {
        out(io, 0x3c0, i);
        out(io, 0x3c0, mode->attribute[i]);
    }
    out(io, 0x3c0, 0x14);
    out(io, 0x3c0, 0);
    out(io, 0x3c0, 0x20);
    palette(io);
}

/* --- patterns --- */

/* A byte that depends on all of its place. */
static uint8_t noise(uint32_t at)
{
    at = (at + 1) * 2654435761u;
    return (uint8_t)(at >> 24 ^ at >> 13);
}

#define PIECE 4096

static void noise_fill(const struct vga_io *io, uint32_t address, uint32_t len, uint32_t seed)
{
    static uint8_t bytes[PIECE];
    for (uint32_t done = 0; done < len; done += PIECE) {
        for (uint32_t i = 0; i < PIECE; i++)
            bytes[i] = noise(seed + done + i);
        store(io, address + done, bytes, len - done < PIECE ? len - done : PIECE);
    }
}

/* The last dot of a glyph's row: not in the characters which only some take for line graphics. */
static uint8_t last_dot(unsigned character)
{
    return character >= 0xb0 && character < 0xc0 ? 0xfe : 0xff;
}

/* A font of glyphs that all differ, put into plane 2 as a BIOS does. */
static void font_load(const struct vga_io *io, const struct mode *mode, uint32_t at, uint32_t seed)
{
    static uint8_t glyphs[PIECE];
    sequencer(io, 2, 4);
    sequencer(io, 4, 6);
    graphics(io, 5, 0);
    graphics(io, 6, 5);
    for (unsigned half = 0; half < 2; half++) {
        for (unsigned i = 0; i < PIECE; i++)
            glyphs[i] = i % 32 < 16 ? noise(seed + half * PIECE + i) & last_dot(half * 128 + i / 32) : 0;
        store(io, 0xa0000 + at + half * PIECE, glyphs, PIECE);
    }
    sequencer(io, 2, mode->sequencer[2]);
    sequencer(io, 4, mode->sequencer[4]);
    graphics(io, 5, mode->graphics[5]);
    graphics(io, 6, mode->graphics[6]);
}

/* Every character and every attribute below `attributes`. */
static void characters_fill(const struct vga_io *io, unsigned count, unsigned attributes)
{
    static uint8_t cells[2 * 80 * 50];
    for (unsigned i = 0; i < count; i++) {
        cells[2 * i] = (uint8_t)i;
        cells[2 * i + 1] = (uint8_t)((i + i / 256 * 37) % attributes);
    }
    store(io, 0xb8000, cells, 2 * count);
}

/* --- text --- */

static void text_begin(const struct vga_io *io, const struct mode *mode, unsigned attributes)
{
    mode_set(io, mode);
    font_load(io, mode, 0, 0);
    characters_fill(io, 4000, attributes);
    crtc(io, 0x0a, 0x20); /* no cursor */
}

/* The first, and the only one with a cursor: machines that are compared may blink at different times. */
static void text_80_columns(const struct vga_io *io)
{
    text_begin(io, &text_80, 128);
    crtc(io, 0x0e, 0x01);
    crtc(io, 0x0f, 0x23);
    crtc(io, 0x0a, 0x03);
}

static void text_40_columns(const struct vga_io *io)
{
    text_begin(io, &text_40, 128);
}

/* Eight dots a character, sixteen background colours. */
static void text_8_dots(const struct vga_io *io)
{
    text_begin(io, &text_80, 256);
    sequencer(io, 1, 1);
    attribute(io, 0x10, 0x04);
}

/* 80 by 50. */
static void text_50_rows(const struct vga_io *io)
{
    text_begin(io, &text_80, 128);
    crtc(io, 0x09, 0x47);
}

/* Bit 3 of the attribute chooses the font. */
static void text_two_fonts(const struct vga_io *io)
{
    text_begin(io, &text_80, 128);
    font_load(io, &text_80, 0x4000, 777);
    sequencer(io, 3, 0x04);
}

/* The picture begins in the middle of the memory, with other gaps between rows. */
static void text_elsewhere(const struct vga_io *io)
{
    text_begin(io, &text_80, 128);
    crtc(io, 0x0c, 0x01);
    crtc(io, 0x0d, 0x07);
    crtc(io, 0x13, 0x2b);
}

/* Colours through every part of the attribute controller. */
static void text_colours(const struct vga_io *io)
{
    text_begin(io, &text_80, 128);
    for (uint8_t i = 0; i < 16; i++)
        attribute(io, i, (uint8_t)(i * 5 & 0x3f));
    attribute(io, 0x10, 0x8c);
    attribute(io, 0x14, 0x0b);
}

/* --- graphics --- */

static void planes_fill(const struct vga_io *io, uint32_t len)
{
    for (unsigned plane = 0; plane < 4; plane++) {
        sequencer(io, 2, (uint8_t)(1u << plane));
        noise_fill(io, 0xa0000, len, 100000 * plane);
    }
    sequencer(io, 2, 0x0f);
}

static void mode_04(const struct vga_io *io)
{
    mode_set(io, &cga_4);
    noise_fill(io, 0xb8000, 0x4000, 4);
}

static void mode_06(const struct vga_io *io)
{
    mode_set(io, &cga_2);
    noise_fill(io, 0xb8000, 0x4000, 6);
}

static void mode_0d(const struct vga_io *io)
{
    mode_set(io, &ega_320);
    planes_fill(io, 8000);
}

static void mode_0e(const struct vga_io *io)
{
    mode_set(io, &ega_640);
    planes_fill(io, 16000);
}

static void mode_10(const struct vga_io *io)
{
    mode_set(io, &ega_350);
    planes_fill(io, 28000);
}

static void mode_11(const struct vga_io *io)
{
    mode_set(io, &vga_2);
    noise_fill(io, 0xa0000, 38400, 11);
}

static void mode_12(const struct vga_io *io)
{
    mode_set(io, &vga_16);
    planes_fill(io, 38400);
}

static void mode_13(const struct vga_io *io)
{
    mode_set(io, &vga_256);
    noise_fill(io, 0xa0000, 64000, 13);
}

/* All that a write can go through: modes 0 to 3 with rotation, functions, set/reset and masks. */
static void write_modes(const struct vga_io *io)
{
    mode_set(io, &vga_16);
    planes_fill(io, 38400);
    for (uint32_t i = 0; i < 3000; i++) {
        uint8_t value = noise(i);
        graphics(io, 0, noise(i + 10000) & 0x0f);
        graphics(io, 1, noise(i + 20000) & 0x0f);
        graphics(io, 3, noise(i + 30000) & 0x1f);
        graphics(io, 5, i & 3);
        graphics(io, 8, noise(i + 40000));
        sequencer(io, 2, noise(i + 50000) & 0x0f);
        io->load(io->opaque, 0xa0000 + noise(i + 60000) * 131);
        store(io, 0xa0000 + i * 12, &value, 1);
    }
}

/* What a read gives, put where it can be seen: mode 0 of each plane and mode 1, the comparison. */
static void read_modes(const struct vga_io *io)
{
    mode_set(io, &vga_16);
    planes_fill(io, 38400);
    for (uint32_t i = 0; i < 2000; i++) {
        graphics(io, 2, noise(i) & 0x0f);
        graphics(io, 4, i >> 1 & 3);
        graphics(io, 5, i & 1 ? 8 : 0);
        graphics(io, 7, noise(i + 999) & 0x0f);
        uint8_t value = io->load(io->opaque, 0xa0000 + i * 7);
        graphics(io, 5, 0);
        store(io, 0xa0000 + 20000 + i, &value, 1);
    }
}

/* Planes one by one, 320 by 240, four pages: what games call mode X. */
static void mode_x(const struct vga_io *io)
{
    mode_set(io, &vga_256);
    sequencer(io, 4, 0x06);
    crtc(io, 0x11, 0x2c);
    crtc(io, 0x06, 0x0d);
    crtc(io, 0x07, 0x3e);
    crtc(io, 0x10, 0xea);
    crtc(io, 0x11, 0xac);
    crtc(io, 0x12, 0xdf);
    crtc(io, 0x14, 0x00);
    crtc(io, 0x15, 0xe7);
    crtc(io, 0x16, 0x06);
    crtc(io, 0x17, 0xe3);
    out(io, 0x3c2, 0xe3);
    planes_fill(io, 0x10000);
    crtc(io, 0x0c, 0x4b);
}

/* The lower part shows the memory's beginning. */
static void split_screen(const struct vga_io *io)
{
    mode_set(io, &vga_16);
    planes_fill(io, 0x10000);
    crtc(io, 0x0c, 0x40);
    crtc(io, 0x18, 0x20);
    crtc(io, 0x07, 0x3e);
    crtc(io, 0x09, 0x00);
}

static void scrolled(const struct vga_io *io)
{
    mode_set(io, &ega_320);
    planes_fill(io, 0x4000);
    crtc(io, 0x13, 0x20);
    crtc(io, 0x0d, 0x55);
}

/* Three of four planes shown, colours by groups of 16. */
static void plane_mask(const struct vga_io *io)
{
    mode_set(io, &vga_16);
    planes_fill(io, 38400);
    attribute(io, 0x12, 0x0b);
    attribute(io, 0x14, 0x06);
}

static void dac_mask(const struct vga_io *io)
{
    mode_set(io, &vga_256);
    noise_fill(io, 0xa0000, 64000, 14);
    out(io, 0x3c6, 0xff);
    out(io, 0x3c8, 17);
    for (unsigned i = 0; i < 30; i++)
        out(io, 0x3c9, (uint8_t)(i + 0x40)); /* the two highest bits are not there */
}

/* --- Bochs VBE --- */

static void vbe_mode(const struct vga_io *io, uint16_t width, uint16_t height, uint16_t bits, uint16_t flags)
{
    mode_set(io, &vga_256);
    vbe(io, VBE_XRES, width);
    vbe(io, VBE_YRES, height);
    vbe(io, VBE_BPP, bits);
    vbe(io, VBE_ENABLE, (uint16_t)(VBE_ON | flags));
}

/* Through the window, bank after bank. */
static void banks_fill(const struct vga_io *io, uint32_t bytes)
{
    for (uint32_t bank = 0; bank * 0x10000 < bytes; bank++) {
        uint32_t left = bytes - bank * 0x10000;
        vbe(io, VBE_BANK, (uint16_t)bank);
        noise_fill(io, 0xa0000, left < 0x10000 ? left : 0x10000, bank * 0x10000);
    }
}

static void vbe_8(const struct vga_io *io)
{
    vbe_mode(io, 640, 400, 8, VBE_IN_MEMORY);
    banks_fill(io, 640 * 400);
}

static void vbe_8_wide(const struct vga_io *io)
{
    vbe_mode(io, 320, 200, 8, VBE_WIDE_DAC);
    out(io, 0x3c8, 0);
    for (unsigned i = 0; i < 768; i++)
        out(io, 0x3c9, noise(i));
    banks_fill(io, 320 * 200);
}

static void vbe_15(const struct vga_io *io)
{
    vbe_mode(io, 320, 200, 15, VBE_IN_MEMORY);
    banks_fill(io, 320 * 200 * 2);
}

static void vbe_16(const struct vga_io *io)
{
    vbe_mode(io, 320, 200, 16, VBE_IN_MEMORY);
    banks_fill(io, 320 * 200 * 2);
}

static void vbe_24(const struct vga_io *io)
{
    vbe_mode(io, 320, 200, 24, VBE_IN_MEMORY);
    banks_fill(io, 320 * 200 * 3);
}

static void vbe_32(const struct vga_io *io)
{
    vbe_mode(io, 400, 300, 32, VBE_IN_MEMORY);
    banks_fill(io, 400 * 300 * 4);
}

/* A view of a larger picture. */
static void vbe_panned(const struct vga_io *io)
{
    vbe_mode(io, 320, 200, 16, VBE_IN_MEMORY);
    /* An even number: some count the offset in words of four bytes. */
    vbe(io, VBE_VIRTUAL_WIDTH, 512);
    banks_fill(io, 512 * 300 * 2);
    vbe(io, VBE_X_OFFSET, 38);
    vbe(io, VBE_Y_OFFSET, 55);
}

/* Back from VBE: the window is the VGA's again. */
static void vga_after_vbe(const struct vga_io *io)
{
    vbe_32(io);
    text_elsewhere(io);
}

/* clang-format off */
const struct vga_picture vga_pictures[] = {
    {"text_80_columns", text_80_columns}, {"text_40_columns", text_40_columns}, {"text_8_dots", text_8_dots},
    {"text_50_rows", text_50_rows}, {"text_two_fonts", text_two_fonts}, {"text_elsewhere", text_elsewhere},
    {"text_colours", text_colours}, {"mode_04", mode_04}, {"mode_06", mode_06}, {"mode_0d", mode_0d},
    {"mode_0e", mode_0e}, {"mode_10", mode_10}, {"mode_11", mode_11}, {"mode_12", mode_12}, {"mode_13", mode_13},
    {"write_modes", write_modes}, {"read_modes", read_modes}, {"mode_x", mode_x}, {"split_screen", split_screen},
    {"scrolled", scrolled}, {"plane_mask", plane_mask}, {"dac_mask", dac_mask}, {"vbe_8", vbe_8},
    {"vbe_8_wide", vbe_8_wide}, {"vbe_15", vbe_15}, {"vbe_16", vbe_16}, {"vbe_24", vbe_24}, {"vbe_32", vbe_32},
    {"vbe_panned", vbe_panned}, {"vga_after_vbe", vga_after_vbe},
};
/* clang-format on */
const size_t vga_picture_count = sizeof(vga_pictures) / sizeof(vga_pictures[0]);
