#include "ui/menu.h"

#include <string.h>

#include "devices/display/font.h"

#define BACK      0xe0202830u
#define SELECTED  0xf03060a0u
#define TEXT      0xffffffffu
#define TEXT_DIM  0xffb0b8c0u
#define COLUMN    (FONT_COLUMNS + 1)
#define LINE      (FONT_ROWS + 5)
#define MARGIN    6
#define ROW_CHARS 36
#define KEYS_AT   22 /* the column where a row names its key */

static const struct {
    const char *label, *key;
} items[MENU_ACTIONS] = {
    [MENU_PAUSE] = {"Pause", ""},
    [MENU_RESET] = {"Reset", ""},
    [MENU_POWER_BUTTON] = {"Power button", ""},
    [MENU_CTRL_ALT_DEL] = {"Send Ctrl-Alt-Del", ""},
    [MENU_PASTE] = {"Type the clipboard", "Ctrl-Alt-V"},
    [MENU_SCREENSHOT] = {"Screenshot", "Ctrl-Alt-S"},
    [MENU_FULL_SCREEN] = {"Full screen", "Ctrl-Alt-F"},
    [MENU_QUIT] = {"End the machine", ""},
};

static void fill(const struct menu_picture *picture, unsigned x, unsigned y, unsigned width, unsigned height,
                 uint32_t colour)
{
    for (unsigned row = y; row < y + height && row < picture->height; row++) {
        for (unsigned column = x; column < x + width && column < picture->width; column++)
            picture->pixels[(size_t)row * picture->width + column] = colour;
    }
}

static void glyph(const struct menu_picture *picture, unsigned x, unsigned y, unsigned zoom, uint32_t colour,
                  char character)
{
    const uint8_t *rows = font_glyph(character);
    for (unsigned row = 0; row < FONT_ROWS; row++) {
        for (unsigned column = 0; column < FONT_COLUMNS; column++) {
            if (rows[row] >> (FONT_COLUMNS - 1 - column) & 1)
                fill(picture, x + column * zoom, y + row * zoom, zoom, zoom, colour);
        }
    }
}

static void text(const struct menu_picture *picture, unsigned x, unsigned y, unsigned zoom, uint32_t colour,
                 const char *string)
{
    for (; *string; string++, x += COLUMN * zoom)
        glyph(picture, x, y, zoom, colour, *string);
}

/* Where the box with the items is. */
struct layout {
    unsigned zoom, x, y, width, height;
};

/* Letters are as large as they are easy to read, and as the window has room for. */
static struct layout layout_of(const struct menu_picture *picture)
{
    struct layout layout = {.zoom = picture->height >= 900 ? 3 : 2};
    unsigned width = ROW_CHARS * COLUMN + 2 * MARGIN, height = (MENU_ACTIONS - 1) * LINE + 2 * MARGIN;
    while (layout.zoom > 1 &&
           (layout.zoom * width > picture->width || layout.zoom * height > picture->height))
        layout.zoom--;
    layout.width = layout.zoom * width;
    layout.height = layout.zoom * height;
    layout.x = picture->width > layout.width ? (picture->width - layout.width) / 2 : 0;
    layout.y = picture->height > layout.height ? (picture->height - layout.height) / 2 : 0;
    return layout;
}

static unsigned row_y(const struct layout *layout, unsigned item)
{
    return layout->y + layout->zoom * (MARGIN + (item - 1) * LINE);
}

static void items_draw(const struct menu *menu, const struct menu_picture *picture)
{
    struct layout layout = layout_of(picture);
    unsigned zoom = layout.zoom, left = layout.x + MARGIN * zoom;
    fill(picture, layout.x, layout.y, layout.width, layout.height, BACK);
    for (unsigned i = 1; i < MENU_ACTIONS; i++) {
        unsigned y = row_y(&layout, i);
        if (i == menu->selected)
            fill(picture, layout.x, y, layout.width, LINE * zoom, SELECTED);
        y += (LINE - FONT_ROWS) / 2 * zoom;
        text(picture, left, y, zoom, TEXT, i == MENU_PAUSE && !menu->running ? "Go on" : items[i].label);
        text(picture, left + KEYS_AT * COLUMN * zoom, y, zoom, TEXT_DIM, items[i].key);
    }
}

static void message_draw(const struct menu *menu, const struct menu_picture *picture)
{
    unsigned zoom = layout_of(picture).zoom;
    unsigned width = ((unsigned)strlen(menu->message) * COLUMN + 2 * MARGIN) * zoom;
    while (zoom > 1 && width > picture->width) {
        width = width / zoom * (zoom - 1);
        zoom--;
    }
    unsigned height = LINE * zoom, y = picture->height > height ? picture->height - height : 0;
    fill(picture, 0, y, picture->width, height, BACK);
    text(picture, MARGIN * zoom, y + (LINE - FONT_ROWS) / 2 * zoom, zoom, TEXT, menu->message);
}

void menu_draw(const struct menu *menu, const struct menu_picture *picture)
{
    memset(picture->pixels, 0, (size_t)picture->width * picture->height * sizeof(*picture->pixels));
    if (menu->open)
        items_draw(menu, picture);
    if (menu->message[0])
        message_draw(menu, picture);
}

enum menu_action menu_at(const struct menu_picture *picture, int x, int y)
{
    struct layout layout = layout_of(picture);
    int left = (int)layout.x, top = (int)row_y(&layout, 1);
    if (x < left || x >= left + (int)layout.width || y < top)
        return MENU_NOTHING;
    unsigned item = (unsigned)(y - top) / (LINE * layout.zoom) + 1;
    return item < MENU_ACTIONS ? (enum menu_action)item : MENU_NOTHING;
}

void menu_open(struct menu *menu, bool open)
{
    menu->open = open;
    menu->selected = MENU_PAUSE;
}

enum menu_action menu_key(struct menu *menu, enum menu_key key)
{
    unsigned count = MENU_ACTIONS - 1, at = menu->selected - 1;
    switch (key) {
    case MENU_UP: menu->selected = (enum menu_action)((at + count - 1) % count + 1); break;
    case MENU_DOWN: menu->selected = (enum menu_action)((at + 1) % count + 1); break;
    case MENU_LEAVE: menu->open = false; break;
    case MENU_CHOOSE: menu->open = false; return menu->selected;
    }
    return MENU_NOTHING;
}
