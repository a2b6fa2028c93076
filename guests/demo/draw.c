#include "guests/demo/draw.h"

#define CELL_WIDTH  6
#define CELL_HEIGHT 8

void draw_box(const struct screen *screen, int x, int y, int width, int height, uint32_t colour)
{
    int right = x + width, bottom = y + height;
    x = x < 0 ? 0 : x;
    y = y < 0 ? 0 : y;
    right = right > (int)screen->width ? (int)screen->width : right;
    bottom = bottom > (int)screen->height ? (int)screen->height : bottom;
    for (int row = y; row < bottom; row++) {
        volatile uint32_t *to = screen->pixels + (size_t)row * screen->stride;
        for (int column = x; column < right; column++)
            to[column] = colour;
    }
}

void draw_character(const struct screen *screen, int x, int y, char c, unsigned scale, uint32_t front,
                    uint32_t back)
{
    const uint8_t *glyph = font_glyphs[c >= FONT_FIRST && c <= FONT_LAST ? c - FONT_FIRST : '?' - FONT_FIRST];
    int size = (int)scale;
    for (int row = 0; row < CELL_HEIGHT; row++) {
        unsigned dots = row < FONT_ROWS ? glyph[row] : 0;
        for (int column = 0; column < CELL_WIDTH; column++) {
            bool dot = column < CELL_WIDTH - 1 && dots >> (CELL_WIDTH - 2 - column) & 1;
            draw_box(screen, x + column * size, y + row * size, size, size, dot ? front : back);
        }
    }
}

void draw_text(const struct screen *screen, int x, int y, const char *text, unsigned scale, uint32_t front,
               uint32_t back)
{
    for (; *text; text++, x += CELL_WIDTH * (int)scale)
        draw_character(screen, x, y, *text, scale, front, back);
}
