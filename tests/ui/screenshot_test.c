#include "ui/screenshot.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/test.h"

/* A picture whose file, read by the library's other half, has the same pixels. */
static void same_pixels(void)
{
    char path[] = "/var/tmp/triarch-test-XXXXXX";
    struct display *display = display_create();
    display_resize(display, 33, 7);
    struct display_surface surface = display_surface(display);
    for (unsigned i = 0; i < 33 * 7; i++)
        surface.pixels[i] = (uint32_t)test_random() & 0xffffff;
    close(mkstemp(path));
    CHECK(screenshot_write(display, path, NULL));
    png_image image = {.version = PNG_IMAGE_VERSION};
    CHECK(png_image_begin_read_from_file(&image, path));
    image.format = PNG_FORMAT_RGB;
    CHECK_EQ(image.width, 33);
    CHECK_EQ(image.height, 7);
    uint8_t bytes[33 * 7 * 3];
    CHECK(PNG_IMAGE_SIZE(image) == sizeof(bytes) && png_image_finish_read(&image, NULL, bytes, 0, NULL));
    for (unsigned i = 0; i < 33 * 7; i++)
        CHECK_EQ(bytes[3 * i] << 16 | bytes[3 * i + 1] << 8 | bytes[3 * i + 2], surface.pixels[i]);
    unlink(path);
    display_destroy(display);
}

static void refusals(void)
{
    struct error err = {0};
    struct display *display = display_create();
    CHECK(!screenshot_write(display, "/nowhere/at/all.png", &err));
    CHECK_EQ(err.kind, ERROR_IMAGE);
    CHECK(strstr(err.text, "/nowhere/at/all.png") != NULL);
    display_destroy(display);
}

static const struct test_case cases[] = {{"same_pixels", same_pixels}, {"refusals", refusals}};
TEST_SUITE(screenshot_test, "unit", cases);
