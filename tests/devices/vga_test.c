/*
 * Expected values are those of the IBM VGA's technical reference; the register tables are those of its BIOS's
 * standard modes. The VBE registers are as Bochs documents them.
 */
#include "devices/display/vga.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tests/devices/pci_support.h"

#define DEVFN  (1 << 3)
#define MEMORY (16 * MIB)

static struct test_machine *test;
static struct test_pci pci;
static struct display *display;
static struct display_surface shown;

struct mode {
    uint8_t misc, sequencer[5], crtc[25], graphics[9], attribute[21];
};

/* clang-format off */
static const struct mode text_80x25 = {
    0x67, {0x03, 0x00, 0x03, 0x00, 0x02},
    {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
     0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff},
    {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c,
     0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00}};
static const struct mode graphics_320x200x256 = {
    0x63, {0x03, 0x01, 0x0f, 0x00, 0x0e},
    {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff},
    {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c,
     0x0d, 0x0e, 0x0f, 0x41, 0x00, 0x0f, 0x00, 0x00}};
static const struct mode graphics_640x480x16 = {
    0xe3, {0x03, 0x01, 0x0f, 0x00, 0x06},
    {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff},
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff},
    {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c,
     0x3d, 0x3e, 0x3f, 0x01, 0x00, 0x0f, 0x00, 0x00}};
static const struct mode graphics_320x200x4 = {
    0x63, {0x03, 0x09, 0x03, 0x00, 0x02},
    {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff},
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x0f, 0x0f, 0xff},
    {0x00, 0x13, 0x15, 0x17, 0x02, 0x04, 0x06, 0x07, 0x10, 0x11, 0x12, 0x13, 0x14,
     0x15, 0x16, 0x17, 0x01, 0x00, 0x03, 0x00, 0x00}};
/* clang-format on */

static void out(uint16_t port, uint8_t value)
{
    test_out(test, port, 1, value);
}

static uint8_t in(uint16_t port)
{
    return (uint8_t)test_in(test, port, 1);
}

static void indexed(uint16_t port, uint8_t index, uint8_t value)
{
    out(port, index);
    out(port + 1, value);
}

static void attribute(uint8_t index, uint8_t value)
{
    in(0x3da);
    out(0x3c0, index);
    out(0x3c0, value);
    out(0x3c0, 0x20);
}

/* Colours that are easy to tell: number i is i in red, 2i in green, 63 - i in blue. */
static uint32_t colour(unsigned i)
{
    unsigned parts[3] = {i & 63, 2 * i & 63, (63 - i) & 63}, value = 0;
    for (unsigned k = 0; k < 3; k++)
        value = value << 8 | (parts[k] << 2 | (parts[k] & 1) * 3);
    return value;
}

static void mode_set(const struct mode *mode)
{
    out(0x3c2, mode->misc);
    for (uint8_t i = 0; i < 5; i++)
        indexed(0x3c4, i, mode->sequencer[i]);
    indexed(0x3d4, 0x11, 0); /* opens the others */
    for (uint8_t i = 0; i < 25; i++)
        indexed(0x3d4, i, mode->crtc[i]);
    for (uint8_t i = 0; i < 9; i++)
        indexed(0x3ce, i, mode->graphics[i]);
    in(0x3da);
    for (uint8_t i = 0; i < 21; i++) {
        out(0x3c0, i);
        out(0x3c0, mode->attribute[i]);
    }
    out(0x3c0, 0x20);
    out(0x3c8, 0);
    for (unsigned i = 0; i < 256; i++) {
        out(0x3c9, i & 63);
        out(0x3c9, 2 * i & 63);
        out(0x3c9, (63 - i) & 63);
    }
}

static void start(void)
{
    test = test_machine_create(MIB);
    test_pci_start(&pci, test);
    display = display_create();
    struct ram_block *rom = ram_block_create(test->machine.mem.ram, "vga.rom", 64 * KIB, NULL);
    le16_store(ram_block_host(rom), 0xaa55);
    CHECK(vga_create(&test->machine,
                     &(struct vga_config){
                         .bus = pci.bus, .devfn = DEVFN, .memory = MEMORY, .rom = rom, .display = display},
                     NULL) != NULL);
}

static void finish(void)
{
    test_machine_destroy(test);
    test_pci_finish(&pci);
    display_destroy(display);
}

static void refresh(void)
{
    host_mutex_lock(&test->machine.lock);
    shown = display_refresh(display);
    host_mutex_unlock(&test->machine.lock);
}

static uint32_t dot(unsigned x, unsigned y)
{
    return shown.pixels[(size_t)y * shown.stride + x];
}

static void poke(uint32_t address, uint8_t value)
{
    test_store(test, address, 1, value);
}

static uint8_t peek(uint32_t address)
{
    return (uint8_t)test_load(test, address, 1);
}

static void identity(void)
{
    start();
    CHECK_EQ(test_pci_get(&pci, DEVFN, 0, 4), 0x11111234);
    CHECK_EQ(test_pci_get(&pci, DEVFN, 8, 4) >> 8, 0x030000);
    test_pci_put(&pci, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    test_pci_put(&pci, DEVFN, PCI_ROM_ADDRESS, 4, 0xd0000001);
    CHECK_EQ(test_load(test, 0xd0000000, 2), 0xaa55);
    test_pci_put(&pci, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
    CHECK_EQ(test_pci_get(&pci, DEVFN, PCI_COMMAND, 2), PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
    finish();
}

/* The monitor's EDID, at the start of the BAR with the registers. */
static void monitor(void)
{
    start();
    uint64_t bar = test_pci_bar(&pci, DEVFN, 2);
    uint8_t sum = 0;
    CHECK_EQ(test_load(test, bar, 4), 0xffffff00);
    CHECK_EQ(test_load(test, bar + 4, 4), 0x00ffffff);
    for (unsigned i = 0; i < 128; i++)
        sum += (uint8_t)test_load(test, bar + i, 1);
    CHECK_EQ(sum, 0);
    CHECK_EQ(test_load(test, bar + 56, 1), 1280 & 0xff);
    display_hint_set(display, 1024, 768);
    CHECK_EQ(test_load(test, bar + 56, 1) | (test_load(test, bar + 58, 1) & 0xf0) << 4, 1024);
    finish();
}

static void registers(void)
{
    start();
    mode_set(&text_80x25);
    CHECK_EQ(in(0x3cc), 0x67);
    out(0x3d4, 0x13);
    CHECK_EQ(in(0x3d5), 0x28);
    indexed(0x3d4, 0x01, 0x27); /* protected */
    CHECK_EQ(in(0x3d5), 0x4f);
    indexed(0x3d4, 0x07, 0xff); /* but for the line compare bit */
    CHECK_EQ(in(0x3d5), 0x1f);
    indexed(0x3d4, 0x07, 0x00);
    CHECK_EQ(in(0x3d5), 0x0f);
    CHECK_EQ(in(0x3b5), 0xff); /* the colour ports are in use */
    out(0x3c2, 0x66);
    CHECK_EQ(in(0x3d5), 0xff);
    out(0x3b4, 0x13);
    CHECK_EQ(in(0x3b5), 0x28);
    out(0x3c2, 0x67);
    indexed(0x3c4, 0x04, 0xff);
    CHECK_EQ(in(0x3c5), 0x0e);
    in(0x3da);
    out(0x3c0, 0x06);
    CHECK_EQ(in(0x3c1), 0x14);
    out(0x3c0, 0x3f);
    CHECK_EQ(in(0x3c1), 0x3f);
    out(0x3c0, 0x26); /* connected: it can't be changed */
    out(0x3c0, 0x00);
    CHECK_EQ(in(0x3c1), 0x3f);
    out(0x3c7, 5);
    CHECK_EQ(in(0x3c7), 3);
    CHECK_EQ(in(0x3c9), 5);
    CHECK_EQ(in(0x3c9), 10);
    CHECK_EQ(in(0x3c9), 58);
    CHECK_EQ(in(0x3c9), 6); /* the next */
    out(0x3c8, 9);
    CHECK_EQ(in(0x3c7), 0);
    CHECK_EQ(in(0x3c8), 9);
    finish();
}

/* The bits that software waits for come and go with the frame: 70 a second in this mode. */
static void retraces(void)
{
    start();
    mode_set(&text_80x25);
    unsigned retraces = 0, blanks = 0;
    bool before = false;
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t status = in(0x3da);
        retraces += (status & 8) && !before;
        before = status & 8;
        blanks += status & 1;
        test_advance(test, 10000);
    }
    CHECK(retraces >= 69 && retraces <= 71);
    CHECK(blanks > 20000 && blanks < 50000);
    finish();
}

static void write_modes(void)
{
    start();
    mode_set(&graphics_640x480x16);
    /* Mode 0: map mask, bit mask, set/reset, rotation and functions. */
    indexed(0x3c4, 2, 0x05);
    poke(0xa0000, 0xf0);
    indexed(0x3ce, 4, 0);
    CHECK_EQ(peek(0xa0000), 0xf0);
    indexed(0x3ce, 4, 1);
    CHECK_EQ(peek(0xa0000), 0x00);
    indexed(0x3c4, 2, 0x0f);
    indexed(0x3ce, 8, 0x0f);
    peek(0xa0000);
    poke(0xa0000, 0x0a); /* only the low half */
    indexed(0x3ce, 4, 2);
    CHECK_EQ(peek(0xa0000), 0xfa);
    CHECK_EQ((indexed(0x3ce, 4, 3), peek(0xa0000)), 0x0a);
    indexed(0x3ce, 8, 0xff);
    indexed(0x3ce, 0, 0x08);
    indexed(0x3ce, 1, 0x0c); /* planes 2 and 3 from set/reset */
    poke(0xa0001, 0x55);
    static const uint8_t set[4] = {0x55, 0x55, 0x00, 0xff};
    for (uint8_t plane = 0; plane < 4; plane++) {
        indexed(0x3ce, 4, plane);
        CHECK_EQ(peek(0xa0001), set[plane]);
    }
    indexed(0x3ce, 1, 0);
    indexed(0x3ce, 3, 0x18 | 4); /* XOR with the latch, turned by four */
    peek(0xa0001);
    poke(0xa0001, 0x21);
    indexed(0x3ce, 4, 0);
    CHECK_EQ(peek(0xa0001), 0x55 ^ 0x12);
    indexed(0x3ce, 3, 0);
    /* Mode 1 copies the latches. */
    indexed(0x3ce, 5, 1);
    peek(0xa0001);
    poke(0xa0100, 0x99);
    indexed(0x3ce, 4, 3);
    CHECK_EQ(peek(0xa0100), 0xff ^ 0x12);
    /* Mode 2 spreads a colour over the planes. */
    indexed(0x3ce, 5, 2);
    indexed(0x3ce, 8, 0x81);
    peek(0xa0200);
    poke(0xa0200, 0x0a);
    indexed(0x3ce, 4, 1);
    CHECK_EQ(peek(0xa0200), 0x81);
    indexed(0x3ce, 4, 2);
    CHECK_EQ(peek(0xa0200), 0x00);
    /* Mode 3: set/reset where the data and the mask say. */
    indexed(0x3ce, 5, 3);
    indexed(0x3ce, 0, 0x0f);
    indexed(0x3ce, 8, 0x3c);
    peek(0xa0300);
    poke(0xa0300, 0x18);
    CHECK_EQ(peek(0xa0300), 0x18);
    /* Read mode 1 compares colours. */
    indexed(0x3ce, 5, 0x08);
    indexed(0x3ce, 2, 0x0f);
    indexed(0x3ce, 7, 0x0f);
    CHECK_EQ(peek(0xa0300), 0x18);
    indexed(0x3ce, 2, 0x00);
    CHECK_EQ(peek(0xa0300), 0xe7);
    indexed(0x3ce, 7, 0x00); /* no plane matters */
    CHECK_EQ(peek(0xa0300), 0xff);
    finish();
}

static void text_memory(void)
{
    start();
    mode_set(&text_80x25);
    poke(0xb8000, 'A');
    poke(0xb8001, 0x1e);
    CHECK_EQ(peek(0xb8000), 'A');
    CHECK_EQ(peek(0xb8001), 0x1e);
    CHECK_EQ(peek(0xa0000), 0xff); /* not mapped here */
    CHECK_EQ(peek(0xb0000), 0xff);
    out(0x3c2, 0x65); /* memory off */
    CHECK_EQ(peek(0xb8000), 0xff);
    finish();
}

/* Put a glyph into a font of plane 2, as a BIOS does, and go back to text. */
static void glyph(uint32_t font, uint8_t code, const uint8_t rows[16])
{
    indexed(0x3c4, 2, 0x04);
    indexed(0x3c4, 4, 0x07);
    indexed(0x3ce, 5, 0x00);
    indexed(0x3ce, 6, 0x04);
    for (uint32_t i = 0; i < 16; i++)
        poke(0xa0000 + font + code * 32u + i, rows[i]);
    indexed(0x3c4, 2, 0x03);
    indexed(0x3c4, 4, 0x02);
    indexed(0x3ce, 5, 0x10);
    indexed(0x3ce, 6, 0x0e);
}

static void text(void)
{
    static const uint8_t bars[16] = {0x80, 0x81, 0x7e}, other[16] = {0x01};
    start();
    mode_set(&text_80x25);
    glyph(0, 'A', bars);
    glyph(0, 0xc4, bars);
    glyph(0x4000, 'A', other);
    indexed(0x3d4, 0x0e, 0xff); /* the cursor out of sight */
    poke(0xb8000, 'A'), poke(0xb8001, 0x1e);
    poke(0xb8002, 0xc4), poke(0xb8003, 0x2f);
    poke(0xb8000 + 160, 'A'), poke(0xb8001 + 160, 0x07);
    refresh();
    CHECK_EQ(shown.width, 720);
    CHECK_EQ(shown.height, 400);
    /* Foreground 14 is palette entry 0x3e, background 1 is 0x01. */
    CHECK_EQ(dot(0, 0), colour(0x3e));
    CHECK_EQ(dot(1, 0), colour(0x01));
    CHECK_EQ(dot(7, 1), colour(0x3e));
    CHECK_EQ(dot(8, 1), colour(0x01)); /* the ninth dot */
    CHECK_EQ(dot(9 + 7, 1), colour(0x3f));
    CHECK_EQ(dot(9 + 8, 1), colour(0x3f)); /* of a line drawing */
    CHECK_EQ(dot(9 + 8, 2), colour(0x02));
    CHECK_EQ(dot(0, 3), colour(0x01));
    CHECK_EQ(dot(0, 16), colour(0x07));
    CHECK_EQ(dot(1, 16), colour(0x00));
    /* The start address, and the second font by attribute bit 3. */
    indexed(0x3d4, 0x0d, 1);
    refresh();
    CHECK_EQ(dot(7, 1), colour(0x3f));
    indexed(0x3d4, 0x0d, 0);
    indexed(0x3c4, 3, 0x04);
    refresh();
    CHECK_EQ(dot(0, 0), colour(0x01));
    CHECK_EQ(dot(7, 0), colour(0x3e));
    finish();
}

static void cursor_and_blinking(void)
{
    static const uint8_t full[16] = {0xff};
    start();
    mode_set(&text_80x25);
    glyph(0, 'B', full);
    indexed(0x3d4, 0x0f, 81); /* second row, second column; lines 13 and 14 */
    for (uint32_t i = 0; i < 2000; i++)
        poke(0xb8000 + 2 * i, 0), poke(0xb8001 + 2 * i, 0x07);
    poke(0xb8000, 'B'), poke(0xb8001, 0x87);
    refresh();
    CHECK_EQ(dot(9, 16 + 13), colour(0x07));
    CHECK_EQ(dot(17, 16 + 14), colour(0x07));
    CHECK_EQ(dot(9, 16 + 12), colour(0x00));
    CHECK_EQ(dot(9, 16 + 15), colour(0x00));
    CHECK_EQ(dot(8, 16 + 13), colour(0x00));
    CHECK_EQ(dot(0, 0), colour(0x07));
    test_advance(test, 16 * 14285714); /* the cursor on again, the character off */
    refresh();
    CHECK_EQ(dot(9, 16 + 13), colour(0x07));
    CHECK_EQ(dot(0, 0), colour(0x00));
    test_advance(test, 8 * 14285714);
    refresh();
    CHECK_EQ(dot(9, 16 + 13), colour(0x00));
    test_advance(test, 8 * 14285714);
    indexed(0x3d4, 0x0a, 0x2d);
    refresh();
    CHECK_EQ(dot(9, 16 + 13), colour(0x00));
    attribute(0x10, 0x04); /* bright backgrounds in place of blinking */
    refresh();
    CHECK_EQ(dot(0, 1), colour(0x38));
    finish();
}

static void packed_256(void)
{
    start();
    mode_set(&graphics_320x200x256);
    for (uint32_t i = 0; i < 64000; i++)
        poke(0xa0000 + i, (uint8_t)(i % 320 + i / 320));
    CHECK_EQ(peek(0xa0000 + 321), 2);
    refresh();
    CHECK_EQ(shown.width, 640);
    CHECK_EQ(shown.height, 400);
    for (unsigned y = 0; y < 400; y += 33) {
        for (unsigned x = 0; x < 640; x += 7)
            CHECK_EQ(dot(x, y), colour((x / 2 + y / 2) & 0xff));
    }
    out(0x3c6, 0x0f); /* the DAC's mask */
    refresh();
    CHECK_EQ(dot(2 * 100, 0), colour(100 & 0x0f));
    /* Without the chain, four pixels a byte address: 320 by 200 of mode X. */
    out(0x3c6, 0xff);
    indexed(0x3c4, 4, 0x06);
    indexed(0x3d4, 0x14, 0x00);
    indexed(0x3d4, 0x17, 0xe3);
    for (uint8_t plane = 0; plane < 4; plane++) {
        indexed(0x3c4, 2, (uint8_t)(1 << plane));
        for (uint32_t i = 0; i < 16000; i++)
            poke(0xa0000 + i, (uint8_t)(plane * 10 + i % 80));
    }
    refresh();
    for (unsigned x = 0; x < 320; x++)
        CHECK_EQ(dot(2 * x, 100), colour(x % 4 * 10 + x / 4));
    finish();
}

static void planar_16(void)
{
    start();
    mode_set(&graphics_640x480x16);
    for (uint8_t plane = 0; plane < 4; plane++) {
        indexed(0x3c4, 2, (uint8_t)(1 << plane));
        poke(0xa0000 + 80 * 479 + 79, (uint8_t)(0x55 << (plane & 1)));
        poke(0xa0000, plane == 3 ? 0x80 : 0);
    }
    refresh();
    CHECK_EQ(shown.width, 640);
    CHECK_EQ(shown.height, 480);
    CHECK_EQ(dot(0, 0), colour(0x38)); /* 8 through the palette */
    CHECK_EQ(dot(639, 479), colour(0x05));
    CHECK_EQ(dot(638, 479), colour(0x3a));
    attribute(0x13, 1); /* one dot to the left */
    refresh();
    CHECK_EQ(dot(0, 0), colour(0x00));
    CHECK_EQ(dot(638, 479), colour(0x05));
    attribute(0x13, 0);
    attribute(0x12, 0x07); /* without plane 3 */
    refresh();
    CHECK_EQ(dot(638, 479), colour(0x02));
    attribute(0x12, 0x0f);
    /* Split at line 99: from 100 on, the memory's beginning. */
    indexed(0x3d4, 0x0c, 0x80);
    indexed(0x3d4, 0x07, 0x2e);
    indexed(0x3d4, 0x09, 0x00);
    indexed(0x3d4, 0x18, 99);
    refresh();
    CHECK_EQ(dot(0, 0), colour(0x00));
    CHECK_EQ(dot(0, 99), colour(0x00));
    CHECK_EQ(dot(0, 100), colour(0x38));
    finish();
}

static void interleaved_4(void)
{
    start();
    mode_set(&graphics_320x200x4);
    poke(0xb8000, 0x1b); /* pixels 0 1 2 3 */
    poke(0xb8001, 0xe4);
    poke(0xba000, 0xc0); /* second line */
    refresh();
    CHECK_EQ(shown.width, 640);
    CHECK_EQ(shown.height, 400);
    static const uint8_t expected[8] = {0x00, 0x13, 0x15, 0x17, 0x17, 0x15, 0x13, 0x00};
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(dot(2 * i, 0), colour(expected[i]));
        CHECK_EQ(dot(2 * i + 1, 1), colour(expected[i]));
    }
    CHECK_EQ(dot(0, 2), colour(0x17));
    CHECK_EQ(dot(2, 2), colour(0x00));
    finish();
}

static void blanks(void)
{
    start();
    mode_set(&graphics_320x200x256);
    poke(0xa0000, 5);
    refresh();
    CHECK_EQ(dot(0, 0), colour(5));
    indexed(0x3c4, 1, 0x21);
    refresh();
    CHECK_EQ(dot(0, 0), 0);
    indexed(0x3c4, 1, 0x01);
    in(0x3da);
    out(0x3c0, 0x00);
    refresh();
    CHECK_EQ(dot(0, 0), 0);
    out(0x3c0, 0x00);
    out(0x3c0, 0x20);
    refresh();
    CHECK_EQ(dot(0, 0), colour(5));
    finish();
}

static void vbe(unsigned reg, uint16_t value)
{
    test_out(test, 0x1ce, 2, reg);
    test_out(test, 0x1cf, 2, value);
}

static uint16_t vbe_get(unsigned reg)
{
    test_out(test, 0x1ce, 2, reg);
    return (uint16_t)test_in(test, 0x1cf, 2);
}

static void vbe_mode(uint16_t width, uint16_t height, uint16_t depth, uint16_t flags)
{
    vbe(4, 0);
    vbe(1, width);
    vbe(2, height);
    vbe(3, depth);
    vbe(4, 1 | flags);
}

static void vbe_registers(void)
{
    start();
    CHECK_EQ(vbe_get(0), 0xb0c5);
    vbe(0, 0xb0c0);
    CHECK_EQ(vbe_get(0), 0xb0c0);
    vbe(0, 0xb0ff);
    CHECK_EQ(vbe_get(0), 0xb0c0);
    CHECK_EQ(vbe_get(10), MEMORY / 65536);
    CHECK_EQ(test_in(test, 0x1ce, 2), 10);
    CHECK_EQ(test_in(test, 0x1d0, 2), MEMORY / 65536);
    vbe_mode(1024, 768, 32, 0x40);
    CHECK_EQ(vbe_get(1), 1024);
    CHECK_EQ(vbe_get(2), 768);
    CHECK_EQ(vbe_get(6), 1024);
    CHECK_EQ(vbe_get(7), MEMORY / 4096);
    vbe(1, 800); /* not while it is on */
    CHECK_EQ(vbe_get(1), 1024);
    vbe(8, 5000); /* what is shown stays inside */
    CHECK_EQ(vbe_get(8), 0);
    vbe(4, 3);
    CHECK(vbe_get(1) >= 2560);
    CHECK_EQ(vbe_get(3), 32);
    uint64_t registers = test_pci_bar(&pci, DEVFN, 2);
    CHECK_EQ(test_load(test, registers + 0x500, 2), 0xb0c0);
    test_store(test, registers + 0x508, 2, 0);
    CHECK_EQ(vbe_get(4), 0);
    CHECK_EQ(test_load(test, registers + 0x604, 4), 0x1e1e1e1e);
    test_store(test, registers + 0x402, 1, 0x67);
    CHECK_EQ(in(0x3cc), 0x67);
    finish();
}

static void vbe_frame_buffer(void)
{
    static const struct {
        uint16_t depth;
        uint64_t value;
        uint32_t shown;
    } cases[] = {{32, 0xff123456, 0x123456},
                 {24, 0x123456, 0x123456},
                 {16, 0xf81f, 0xff00ff},
                 {16, 0x0410, 0x008284},
                 {15, 0x7c1f, 0xff00ff}};
    start();
    mode_set(&text_80x25);
    uint64_t memory = test_pci_bar(&pci, DEVFN, 0);
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned bytes = (cases[i].depth + 7u) / 8;
        test_context("%u bits", cases[i].depth);
        vbe_mode(800, 600, cases[i].depth, 0x40);
        uint8_t pixel[8];
        le64_store(pixel, cases[i].value);
        for (unsigned k = 0; k < bytes; k++)
            test_store(test, memory + (599 * 800 + 799) * bytes + k, 1, pixel[k]);
        refresh();
        CHECK_EQ(shown.width, 800);
        CHECK_EQ(shown.height, 600);
        CHECK_EQ(dot(799, 599), cases[i].shown);
        CHECK_EQ(dot(0, 0), 0);
    }
    test_context(NULL);
    /* A larger picture behind, moved about. */
    vbe_mode(640, 480, 32, 0x40);
    vbe(6, 1024);
    test_store(test, memory + (100 * 1024 + 50) * 4, 4, 0xabcdef);
    vbe(8, 50);
    vbe(9, 100);
    refresh();
    CHECK_EQ(dot(0, 0), 0xabcdef);
    /* On again without clearing, then with. */
    vbe_mode(640, 480, 32, 0xc0);
    CHECK_EQ(test_load(test, memory + (100 * 1024 + 50) * 4, 4), 0xabcdef);
    vbe_mode(640, 480, 32, 0x40);
    CHECK_EQ(test_load(test, memory + (100 * 1024 + 50) * 4, 4), 0);
    vbe(4, 0);
    refresh();
    CHECK_EQ(shown.width, 720);
    finish();
}

static void vbe_banks(void)
{
    start();
    mode_set(&graphics_320x200x256);
    uint64_t memory = test_pci_bar(&pci, DEVFN, 0);
    vbe_mode(640, 480, 8, 0);
    vbe(5, 4);
    poke(0xa0000 + 480, 77); /* 4 * 65536 + 480 is pixel (224, 410) */
    CHECK_EQ(peek(0xa0000 + 480), 77);
    CHECK_EQ(test_load(test, memory + 4 * 65536 + 480, 1), 77);
    refresh();
    CHECK_EQ(dot(224, 410), colour(77));
    vbe(4, 0x21); /* eight bits a colour: what is there is made wider */
    out(0x3c7, 77);
    CHECK_EQ(in(0x3c9), (77 & 63) << 2);
    out(0x3c8, 77);
    out(0x3c9, 0x81), out(0x3c9, 0x82), out(0x3c9, 0x83);
    refresh();
    CHECK_EQ(dot(224, 410), 0x818283);
    /* 16 colours by planes. */
    vbe_mode(800, 600, 4, 0);
    indexed(0x3c4, 2, 0x0a);
    poke(0xa0000 + 100 * 599 + 99, 0x01);
    refresh();
    CHECK_EQ(dot(798, 599), colour(0));
    CHECK_EQ(dot(799, 599), colour(10));
    finish();
}

static unsigned changes, change_rows, resizes;
static struct {
    unsigned x, y, width, height;
} change; /* the last */

static void changed(void *opaque, unsigned x, unsigned y, unsigned width, unsigned height)
{
    (void)opaque;
    changes++;
    change_rows += height;
    change.x = x, change.y = y, change.width = width, change.height = height;
}

static void resized(void *opaque)
{
    (void)opaque;
    resizes++;
}

static void tells_changes(void)
{
    start();
    changes = resizes = 0;
    display_attach(display,
                   &(struct display_consumer){.resized = resized, .changed = changed, .opaque = &changes});
    mode_set(&graphics_320x200x256);
    refresh();
    CHECK_EQ(resizes, 1);
    changes = change_rows = 0;
    refresh();
    CHECK_EQ(changes, 0);
    poke(0xa0000 + 320 * 50, 1);
    poke(0xa0000 + 320 * 60 + 9, 1);
    poke(0xa0000 + 320 * 61 + 7, 1);
    refresh();
    CHECK_EQ(changes, 2); /* what lies apart is told apart, with no more columns than it has */
    CHECK_EQ(change_rows, 2 + 4);
    CHECK_EQ(change.y, 120);
    CHECK_EQ(change.x, 14);
    CHECK_EQ(change.width, 6);
    display_detach(display, &changes);
    poke(0xa0000, 1);
    refresh();
    CHECK_EQ(changes, 2);
    finish();
}

/* --- looks at what was written to --- */

static uint8_t *memory_host(void)
{
    return ram_block_host(ram_block_find(test->machine.mem.ram, "vga.memory"));
}

/* How many rows were told. */
static unsigned look(void)
{
    change_rows = 0;
    shown = display_look(display, &test->machine.lock);
    host_mutex_unlock(&test->machine.lock);
    return change_rows;
}

/* A mode, seen once; then the byte at `secret` is changed behind everybody's back: whoever shows it has
 * looked at more than was written to. */
static void secret_put(uint64_t secret)
{
    look();
    memory_host()[secret]++;
    CHECK_EQ(look(), 0);
}

static void look_start(void)
{
    start();
    mode_set(&text_80x25);
    display_attach(display,
                   &(struct display_consumer){.resized = resized, .changed = changed, .opaque = &changes});
}

static void look_finish(void)
{
    display_detach(display, &changes);
    finish();
}

static void looks_where_written(void)
{
    look_start();
    uint64_t memory = test_pci_bar(&pci, DEVFN, 0), row = 1024 * 4;
    vbe_mode(1024, 768, 32, 0x40);
    secret_put(10 * row);
    test_store(test, memory + 700 * row + 16, 4, 0xffffff);
    CHECK_EQ(look(), 1);
    CHECK_EQ(change.x, 4);
    CHECK_EQ(change.width, 1);
    CHECK_EQ(dot(4, 700), 0xffffff);
    uint32_t pixels[3] = {1, 2, 3}; /* as by a device's DMA */
    test_ram_put(test, memory + 20 * row - 4, pixels, sizeof(pixels));
    CHECK_EQ(look(), 2);
    CHECK_EQ(dot(1023, 19), 1);
    CHECK_EQ(dot(1, 20), 3);
    vbe(5, 1);
    poke(0xa0000, 0x44); /* through the window: 64 KiB on, row 16 */
    CHECK_EQ(look(), 1);
    CHECK_EQ(dot(0, 16), 0x44);
    CHECK_EQ(dot(0, 10), 0);
    refresh();
    CHECK_EQ(dot(0, 10), 1);
    CHECK_EQ(look(), 0);
    look_finish();
}

/* Another picture from the same memory is looked at as a whole. */
static void looks_again_after_mode_changes(void)
{
    look_start();
    uint64_t memory = test_pci_bar(&pci, DEVFN, 0), row = 640;
    vbe_mode(640, 480, 8, 0x40);
    for (unsigned i = 0; i < 16; i++)
        out(0x3c8, (uint8_t)i), out(0x3c9, (uint8_t)i), out(0x3c9, (uint8_t)i), out(0x3c9, (uint8_t)i);
    test_store(test, memory + 600 * row, 1, 2); /* below what is seen */
    secret_put(5 * row);
    out(0x3c8, 1);
    out(0x3c9, 63), out(0x3c9, 0), out(0x3c9, 0);
    CHECK_EQ(look(), 1); /* a palette */
    CHECK_EQ(dot(0, 5), 0xff0000);
    secret_put(7 * row);
    vbe(9, 200); /* a page flip */
    look();
    CHECK_EQ(dot(0, 400), 0x080808);
    CHECK_EQ(look(), 0);
    vbe(9, 0);
    look();
    CHECK_EQ(dot(0, 7), 0xff0000);
    secret_put(9 * row);
    vbe_mode(640, 480, 16, 0xc0); /* a depth; the memory is kept */
    CHECK(look() > 0);
    CHECK_EQ(dot(0, 300), 0x000010); /* byte 600 * 640 is pixel 300 * 640 */
    CHECK_EQ(look(), 0);
    vbe(4, 0); /* text again */
    CHECK(look() > 0);
    CHECK_EQ(look(), 0);
    look_finish();
}

static void looks_at_planes(void)
{
    look_start();
    mode_set(&graphics_640x480x16);
    indexed(0x3c4, 2, 0x0f);
    secret_put(4 * 80 * 10);
    poke(0xa0000 + 80 * 20, 0xff);
    CHECK_EQ(look(), 2); /* all of the picture is made of each byte that changes */
    mode_set(&text_80x25);
    indexed(0x3d4, 0x0a, 0x20); /* no cursor */
    secret_put(1);
    test_advance(test, 500000000);
    CHECK_EQ(look(), 0); /* nothing blinks */
    look_finish();
}

/* Only the rows where something blinks are made again. */
static void looks_at_what_blinks(void)
{
    static const uint8_t full[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    look_start();
    indexed(0x3d4, 0x0a, 0x20);
    glyph(0, 1, full);
    poke(0xb8000 + 2 * 80 * 3, 1);
    poke(0xb8000 + 2 * 80 * 3 + 1, 0x87);
    look();
    test_advance(test, 16 * 14285715);
    CHECK_EQ(look(), 16);
    CHECK_EQ(change.y, 48);
    CHECK_EQ(change.width, 8);
    look_finish();
}

/* Who comes back after another has drawn shows all of its picture. */
static void looks_again_after_another(void)
{
    static int other;
    look_start();
    uint64_t memory = test_pci_bar(&pci, DEVFN, 0);
    vbe_mode(640, 480, 32, 0x40);
    test_store(test, memory, 4, 0x123456);
    look();
    display_source_set(display, &(struct display_source){.opaque = &other});
    test_store(test, memory + 4, 4, 0x654321);
    look();
    display_resize(display, 100, 100);
    display_source_leave(display, &other);
    look();
    CHECK_EQ(shown.width, 640);
    CHECK_EQ(dot(0, 0), 0x123456);
    CHECK_EQ(dot(1, 0), 0x654321);
    CHECK_EQ(look(), 0);
    test_store(test, memory + 8, 4, 0x1);
    CHECK_EQ(look(), 1);
    look_finish();
}

static void state(void)
{
    start();
    mode_set(&graphics_320x200x256);
    poke(0xa0000, 9);
    test_save_load(test);
    refresh();
    CHECK_EQ(shown.width, 640);
    CHECK_EQ(dot(0, 0), colour(9));
    test_reset(test);
    refresh();
    CHECK_EQ(dot(0, 0), 0);
    finish();
}

static const struct test_case cases[] = {
    {"identity", identity},
    {"monitor", monitor},
    {"registers", registers},
    {"retraces", retraces},
    {"write_modes", write_modes},
    {"text_memory", text_memory},
    {"text", text},
    {"cursor_and_blinking", cursor_and_blinking},
    {"packed_256", packed_256},
    {"planar_16", planar_16},
    {"interleaved_4", interleaved_4},
    {"blanks", blanks},
    {"vbe_registers", vbe_registers},
    {"vbe_frame_buffer", vbe_frame_buffer},
    {"vbe_banks", vbe_banks},
    {"tells_changes", tells_changes},
    {"looks_where_written", looks_where_written},
    {"looks_again_after_mode_changes", looks_again_after_mode_changes},
    {"looks_at_planes", looks_at_planes},
    {"looks_at_what_blinks", looks_at_what_blinks},
    {"looks_again_after_another", looks_again_after_another},
    {"state", state},
};
TEST_SUITE(vga_test, "unit", cases);
