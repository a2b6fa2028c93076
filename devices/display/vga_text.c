/* Text mode 3 as a video BIOS sets it, for a machine without one: registers, colours and letters. */
#include <string.h>

#include "devices/display/font.h"
#include "devices/display/vga_internal.h"

/* IBM PS/2 Hardware Interface Technical Reference: 80 by 25 characters of 9 by 16 dots, 70 Hz. */
static const uint8_t sequencer[VGA_SEQUENCER] = {0x03, 0x00, 0x03, 0x00, 0x02};
static const uint8_t crtc[VGA_CRTC] = {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00,
                                       0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
                                       0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff};
static const uint8_t graphics[VGA_GRAPHICS] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff};
static const uint8_t attribute[VGA_ATTRIBUTE] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14,
                                                 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d,
                                                 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00};
#define MISC_MODE_3 0x67u

#define COLUMNS     80
#define ROWS        25
#define CELL_ROWS   16u
#define GLYPH_ROOM  32u /* of the font, in plane 2 */
#define FONT_PLANE  2
#define BLANK       0x0720u  /* a space, light grey on black */
#define WINDOW_TEXT 0x18000u /* 0xb8000, from 0xa0000 */

/* The EGA's 64 colours: a bit of two thirds and one of a third for each of red, green and blue. */
static void colours_set(struct vga *vga)
{
    for (unsigned i = 0; i < 64; i++) {
        for (unsigned c = 0; c < 3; c++) {
            unsigned strong = i >> (2 - c) & 1, weak = i >> (5 - c) & 1;
            vga->dac[i][c] = (uint8_t)(strong * 0x2a + weak * 0x15);
        }
    }
    vga->dac_mask = 0xff;
}

/* --- letters --- */

/* A dot of the small font becomes two rows of one or two dots: wide enough to be read, and not too black. */
static void letter_draw(uint8_t cell[CELL_ROWS], char letter)
{
    static const uint8_t columns[FONT_COLUMNS] = {0x02, 0x0c, 0x10, 0x60, 0x80}; /* from the right */
    const uint8_t *rows = font_glyph(letter);
    for (unsigned y = 0; y < FONT_ROWS; y++) {
        uint8_t dots = 0;
        for (unsigned x = 0; x < FONT_COLUMNS; x++)
            dots |= rows[y] >> x & 1 ? columns[x] : 0;
        cell[1 + 2 * y] = cell[2 + 2 * y] = dots;
    }
}

/* From here on, lines: for each character its arms up, to the right, down and to the left, of one line or
 * two. */
#define LINES_FIRST 0xb3
static const char lines[][5] = {
    "1010", "1011", "1012", "2021", "0021", "0012", "2022", "2020", "0022", "2002",
    "2001", "1002", "0011", "1100", "1101", "0111", "1110", "0101", "1111", "1210",
    "2120", "2200", "0220", "2202", "0222", "2220", "0202", "2222", "1202", "2101",
    "0212", "0121", "2100", "1200", "0210", "0120", "2121", "1212", "1001", "0110",
};

static void upright_draw(uint8_t cell[CELL_ROWS], char count, unsigned from, unsigned to)
{
    for (unsigned y = from; y < to && count != '0'; y++)
        cell[y] |= count == '1' ? 0x18 : 0x24;
}

static void level_draw(uint8_t cell[CELL_ROWS], char count, uint8_t dots)
{
    if (count == '1')
        cell[7] |= dots;
    if (count == '2')
        cell[6] |= dots, cell[9] |= dots;
}

static void lines_draw(uint8_t cell[CELL_ROWS], const char arms[static 4])
{
    upright_draw(cell, arms[0], 0, arms[1] == '2' || arms[3] == '2' ? 10 : 8);
    upright_draw(cell, arms[2], arms[1] == '2' || arms[3] == '2' ? 6 : 7, CELL_ROWS);
    level_draw(cell, arms[1], arms[0] == '2' || arms[2] == '2' ? 0x3f : 0x1f);
    level_draw(cell, arms[3], arms[0] == '2' || arms[2] == '2' ? 0xfc : 0xf8);
}

/* Shades, and areas that are full in a half: of which rows and which dots. */
static void area_draw(uint8_t cell[CELL_ROWS], uint8_t even, uint8_t odd, unsigned from, unsigned to)
{
    for (unsigned y = from; y < to; y++)
        cell[y] = y & 1 ? odd : even;
}

/* What is neither line nor area, from 0x80 on, as the letter that is most like it. */
static const char likenesses[] = "CueaaaaceeeiiiAAEaAooouuyOUcLYPfaiounNao?--24!<>"
                                 "                                                "
                                 "aBGpEstuFOOd.fen=><()=~o..Vn2#";

static void glyph_draw(uint8_t cell[CELL_ROWS], unsigned code)
{
    switch (code) {
    case 0xb0: area_draw(cell, 0x22, 0x88, 0, CELL_ROWS); return;
    case 0xb1: area_draw(cell, 0x55, 0xaa, 0, CELL_ROWS); return;
    case 0xb2: area_draw(cell, 0xdd, 0x77, 0, CELL_ROWS); return;
    case 0xdb: area_draw(cell, 0xff, 0xff, 0, CELL_ROWS); return;
    case 0xdc: area_draw(cell, 0xff, 0xff, 8, CELL_ROWS); return;
    case 0xdd: area_draw(cell, 0xf0, 0xf0, 0, CELL_ROWS); return;
    case 0xde: area_draw(cell, 0x0f, 0x0f, 0, CELL_ROWS); return;
    case 0xdf: area_draw(cell, 0xff, 0xff, 0, 8); return;
    case 0xfe: area_draw(cell, 0x3c, 0x3c, 6, 11); return;
    default: break;
    }
    if (code >= LINES_FIRST && code < LINES_FIRST + ARRAY_LEN(lines))
        lines_draw(cell, lines[code - LINES_FIRST]);
    else if (code >= 0x80 && code - 0x80 < sizeof(likenesses) - 1)
        letter_draw(cell, likenesses[code - 0x80]);
    else if (code >= 0x20 && code < 0x7f)
        letter_draw(cell, (char)code);
}

/* --- the whole --- */

static void registers_set(struct vga *vga)
{
    vga_vbe_set(vga, VBE_ENABLE, 0);
    vga->misc = MISC_MODE_3;
    memcpy(vga->sequencer, sequencer, sizeof(sequencer));
    memcpy(vga->crtc, crtc, sizeof(crtc));
    memcpy(vga->graphics, graphics, sizeof(graphics));
    memcpy(vga->attribute, attribute, sizeof(attribute));
    vga->attribute_index = ATTRIBUTE_SHOWN;
    vga->attribute_data = false;
}

/* The letters are in plane 2, which is reached while all of the window shows it alone. */
static void letters_put(struct vga *vga)
{
    vga->sequencer[2] = 1u << FONT_PLANE;
    vga->sequencer[4] |= SR4_SEQUENTIAL;
    vga->graphics[5] = vga->graphics[6] = 0;
    for (unsigned code = 0; code < 256; code++) {
        uint8_t cell[CELL_ROWS] = {0};
        glyph_draw(cell, code);
        for (unsigned y = 0; y < CELL_ROWS; y++)
            vga_memory_write(vga, code * GLYPH_ROOM + y, cell[y], 1);
    }
}

void vga_text_set(struct vga *vga)
{
    registers_set(vga);
    colours_set(vga);
    letters_put(vga);
    registers_set(vga);
    for (unsigned i = 0; i < COLUMNS * ROWS; i++)
        vga_memory_write(vga, WINDOW_TEXT + 2 * i, BLANK, 2);
}
