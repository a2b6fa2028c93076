/* What the window does without a window: scaling, changed areas, the menu and its letters. */
#include <stdlib.h>
#include <string.h>

#include "devices/display/font.h"
#include "devices/input/input.h"
#include "tests/harness/test.h"
#include "ui/changes.h"
#include "ui/menu.h"
#include "ui/scale.h"

static void check_scale(const unsigned sizes[4], struct scale expected)
{
    struct scale scale = scale_fit(sizes[0], sizes[1], sizes[2], sizes[3]);
    test_context("%u x %u in %u x %u", sizes[0], sizes[1], sizes[2], sizes[3]);
    CHECK_EQ(scale.x, expected.x);
    CHECK_EQ(scale.y, expected.y);
    CHECK_EQ(scale.width, expected.width);
    CHECK_EQ(scale.height, expected.height);
    CHECK_EQ(scale.smooth, expected.smooth);
    test_context(NULL);
}

static void scaling(void)
{
    check_scale((unsigned[]){640, 480, 640, 480}, (struct scale){0, 0, 640, 480, false});
    check_scale((unsigned[]){720, 400, 1920, 1080}, (struct scale){240, 140, 1440, 800, false});
    check_scale((unsigned[]){640, 480, 1279, 960}, (struct scale){319, 240, 640, 480, false});
    check_scale((unsigned[]){1600, 1200, 800, 800}, (struct scale){0, 100, 800, 600, true});
    check_scale((unsigned[]){1000, 1000, 500, 250}, (struct scale){125, 0, 250, 250, true});
    check_scale((unsigned[]){8192, 1, 100, 100}, (struct scale){0, 49, 100, 1, true});
}

/* The first and the last pixel of the picture are the ends; what is beside it counts as its edge. */
static void pointing(void)
{
    CHECK_EQ(scale_absolute(240, 240, 1440, INPUT_ABSOLUTE_MAX), 0);
    CHECK_EQ(scale_absolute(1679, 240, 1440, INPUT_ABSOLUTE_MAX), INPUT_ABSOLUTE_MAX);
    CHECK_EQ(scale_absolute(-5, 240, 1440, INPUT_ABSOLUTE_MAX), 0);
    CHECK_EQ(scale_absolute(5000, 240, 1440, INPUT_ABSOLUTE_MAX), INPUT_ABSOLUTE_MAX);
    CHECK_EQ(scale_absolute(10, 0, 21, 100), 50);
    CHECK_EQ(scale_absolute(7, 0, 1, 100), 0);
}

/* --- changed areas --- */

/* Every pixel that was changed is in some rectangle, whatever their number; and a copy makes two pictures the
 * same. */
static void changes_are_complete(void)
{
    struct display *display = display_create();
    struct changes changes;
    uint32_t *copy = calloc(640 * 480, sizeof(*copy));
    changes_attach(&changes, display);
    CHECK(changes.resized);
    CHECK_EQ(changes.count, 1);
    CHECK_EQ(changes.rectangles[0].width, 640);
    for (unsigned round = 0; round < 50; round++) {
        struct display_surface surface = display_surface(display);
        changes_clear(&changes);
        for (unsigned i = 0; i < round; i++) {
            unsigned x = (unsigned)(test_random() % 640), y = (unsigned)(test_random() % 480);
            unsigned width = 1 + (unsigned)(test_random() % (640 - x)),
                     height = 1 + (unsigned)(test_random() % 9);
            height = height > 480 - y ? 480 - y : height;
            for (unsigned row = 0; row < height; row++)
                memset(surface.pixels + (y + row) * surface.stride + x, (int)test_random(), width * 4);
            display_changed(display, x, y, width, height);
        }
        CHECK(changes.count <= CHANGES_MAX);
        changes_copy(&changes, copy, 640);
        CHECK(memcmp(copy, surface.pixels, 640 * 480 * sizeof(*copy)) == 0);
    }
    changes_detach(&changes);
    free(copy);
    display_destroy(display);
}

static void changes_stay_small(void)
{
    struct display *display = display_create();
    struct changes changes;
    changes_attach(&changes, display);
    changes_clear(&changes);
    display_changed(display, 10, 10, 5, 5);
    display_changed(display, 12, 12, 2, 2);
    CHECK_EQ(changes.count, 1);
    display_changed(display, 600, 400, 3, 3);
    CHECK_EQ(changes.count, 2);
    CHECK_EQ(changes.rectangles[0].width * changes.rectangles[0].height, 25);
    display_changed(display, 0, 0, 0, 7);
    CHECK_EQ(changes.count, 2);
    display_resize(display, 320, 200);
    CHECK(changes.resized);
    CHECK_EQ(changes.count, 1);
    CHECK_EQ(changes.rectangles[0].height, 200);
    changes_detach(&changes);
    display_resize(display, 100, 100);
    CHECK_EQ(changes.rectangles[0].height, 200);
    display_destroy(display);
}

/* --- the menu --- */

static void menu_by_keys(void)
{
    struct menu menu = {.running = true};
    menu_open(&menu, true);
    CHECK_EQ(menu.selected, MENU_PAUSE);
    menu_key(&menu, MENU_UP);
    CHECK_EQ(menu.selected, MENU_QUIT);
    menu_key(&menu, MENU_DOWN);
    menu_key(&menu, MENU_DOWN);
    CHECK_EQ(menu_key(&menu, MENU_CHOOSE), MENU_RESET);
    CHECK(!menu.open);
    menu_open(&menu, true);
    CHECK_EQ(menu_key(&menu, MENU_LEAVE), MENU_NOTHING);
    CHECK(!menu.open);
}

/* The item that is drawn selected is the one that is found where it is drawn, at every size of window. */
static void menu_by_pointer(void)
{
    static const unsigned sizes[][2] = {{640, 480}, {1920, 1080}, {160, 100}, {1, 1}, {320, 200}};
    for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
        struct menu_picture picture = {.width = sizes[s][0], .height = sizes[s][1]};
        size_t count = (size_t)picture.width * picture.height;
        uint32_t *plain = calloc(count, sizeof(*plain)), *selected = calloc(count, sizeof(*selected));
        struct menu menu = {.open = true, .message = "a message that is longer than many a window is wide"};
        picture.pixels = plain;
        menu_draw(&menu, &picture);
        picture.pixels = selected;
        menu.selected = MENU_SCREENSHOT;
        menu_draw(&menu, &picture);
        unsigned different = 0;
        for (size_t i = 0; i < count; i++) {
            if (plain[i] == selected[i])
                continue;
            different++;
            CHECK_EQ(menu_at(&picture, (int)(i % picture.width), (int)(i / picture.width)), MENU_SCREENSHOT);
        }
        CHECK((different > 0) == (picture.width > 1));
        CHECK_EQ(menu_at(&picture, -1, -1), MENU_NOTHING);
        CHECK_EQ(menu_at(&picture, 100000, 100000), MENU_NOTHING);
        free(plain);
        free(selected);
    }
}

/* All printable characters can be told apart, and what is none has a glyph, too. */
static void letters(void)
{
    for (int a = ' '; a <= '~'; a++) {
        for (int b = ' '; b < a; b++) {
            test_context("%c and %c", a, b);
            CHECK(memcmp(font_glyph((char)a), font_glyph((char)b), FONT_ROWS) != 0);
        }
    }
    test_context(NULL);
    CHECK(font_glyph('\n') == font_glyph('?'));
    CHECK(font_glyph((char)0xe4) == font_glyph('?'));
}

static const struct test_case cases[] = {
    {"scaling", scaling},
    {"pointing", pointing},
    {"changes_are_complete", changes_are_complete},
    {"changes_stay_small", changes_stay_small},
    {"menu_by_keys", menu_by_keys},
    {"menu_by_pointer", menu_by_pointer},
    {"letters", letters},
};

TEST_SUITE(screen_test, "unit", cases);
