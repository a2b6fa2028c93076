/* The display between devices and consumers: who draws, hints, the cursor. */
#include "devices/display/display.h"
#include "tests/harness/test.h"

struct device {
    struct display *display;
    unsigned draws, hints, width, height;
};

static void draw(void *opaque)
{
    ((struct device *)opaque)->draws++;
}

static void hinted(void *opaque)
{
    struct device *device = opaque;
    device->hints++;
    CHECK(display_hint(device->display, &device->width, &device->height));
}

static void source_that_leaves_gives_way(void)
{
    struct display *display = display_create();
    struct device vga = {.display = display}, gpu = {.display = display};
    display_source_set(display, &(struct display_source){.draw = draw, .opaque = &vga});
    display_refresh(display);
    CHECK(!display_takes_hints(display));
    display_source_set(display, &(struct display_source){.draw = draw, .hinted = hinted, .opaque = &gpu});
    display_refresh(display);
    CHECK(display_takes_hints(display));
    CHECK_EQ(vga.draws, 1);
    CHECK_EQ(gpu.draws, 1);
    display_source_leave(display, &gpu);
    display_refresh(display);
    CHECK_EQ(vga.draws, 2);
    display_source_leave(display, &vga);
    display_source_leave(display, &vga);
    display_refresh(display);
    CHECK_EQ(vga.draws, 2);
    CHECK_EQ(gpu.draws, 1);
    display_destroy(display);
}

static void hint_reaches_the_source(void)
{
    struct display *display = display_create();
    struct device gpu = {.display = display};
    unsigned width, height;
    CHECK(!display_hint(display, &width, &height));
    display_source_set(display, &(struct display_source){.draw = draw, .hinted = hinted, .opaque = &gpu});
    display_hint_set(display, 1000, 700);
    display_hint_set(display, 1000, 700);
    CHECK_EQ(gpu.hints, 1);
    CHECK_EQ(gpu.width, 1000);
    CHECK_EQ(gpu.height, 700);
    display_hint_set(display, 0, 100000);
    CHECK_EQ(gpu.width, 1);
    CHECK_EQ(gpu.height, DISPLAY_SIDE_MAX);
    display_destroy(display);
}

struct told {
    unsigned pictures, moves;
};

static void cursor_told(void *opaque, bool moved)
{
    struct told *told = opaque;
    if (moved)
        told->moves++;
    else
        told->pictures++;
}

static void cursor_goes_with_its_source(void)
{
    struct display *display = display_create();
    struct device vga = {.display = display}, gpu = {.display = display};
    struct told told = {0, 0};
    uint32_t pixels[2] = {0xff102030, 0x80000040};
    struct display_cursor picture = {pixels, 2, 1, 1, 0, 30, -4};
    display_attach(display, &(struct display_consumer){.cursor = cursor_told, .opaque = &told});
    display_source_set(display, &(struct display_source){.draw = draw, .opaque = &vga});
    display_source_set(display, &(struct display_source){.draw = draw, .opaque = &gpu});
    CHECK_EQ(told.pictures, 0);
    display_cursor_set(display, &picture);
    pixels[1] = 0;
    struct display_cursor cursor = display_cursor(display);
    CHECK_EQ(cursor.pixels[1], 0x80000040);
    CHECK_EQ(cursor.x, 30);
    CHECK_EQ(cursor.y, -4);
    display_cursor_move(display, 30, -4);
    CHECK_EQ(told.moves, 0);
    display_cursor_move(display, 31, -4);
    CHECK_EQ(told.moves, 1);
    CHECK_EQ(told.pictures, 1);
    display_source_leave(display, &gpu);
    CHECK_EQ(told.pictures, 2);
    CHECK_EQ(display_cursor(display).width, 0);
    display_destroy(display);
}

static const struct test_case cases[] = {
    {"source_that_leaves_gives_way", source_that_leaves_gives_way},
    {"hint_reaches_the_source", hint_reaches_the_source},
    {"cursor_goes_with_its_source", cursor_goes_with_its_source},
};

TEST_SUITE(display_test, "unit", cases);
