#include "ui/screenshot.h"

#include <fcntl.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/test.h"

static struct host_mutex lock;

/* With the lock, as everybody calls it. */
static bool photograph(struct display *display, const char *path, struct error *err)
{
    host_mutex_init(&lock);
    host_mutex_lock(&lock);
    bool good = screenshot_write(display, &lock, path, err);
    host_mutex_unlock(&lock);
    host_mutex_destroy(&lock);
    return good;
}

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
    CHECK(photograph(display, path, NULL));
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
    CHECK(!photograph(display, "/nowhere/at/all.png", &err));
    CHECK_EQ(err.kind, ERROR_IMAGE);
    CHECK(strstr(err.text, "/nowhere/at/all.png") != NULL);
    display_destroy(display);
}

struct reader {
    struct display *display;
    char path[32];
    size_t bytes;
};

/* At the other end of a pipe, whose writer waits: the machine goes on, and its picture changes. */
static void *slow_disk(void *opaque)
{
    struct reader *reader = opaque;
    char bytes[4096];
    host_mutex_lock(&lock);
    display_resize(reader->display, 10, 10);
    host_mutex_unlock(&lock);
    int file = open(reader->path, O_RDONLY);
    for (ssize_t got; (got = read(file, bytes, sizeof(bytes))) > 0;)
        reader->bytes += (size_t)got;
    close(file);
    return NULL;
}

static void machine_goes_on(void)
{
    struct reader reader = {display_create(), "/var/tmp/triarch-test-XXXXXX", 0};
    struct host_thread thread;
    display_resize(reader.display, 400, 300);
    struct display_surface surface = display_surface(reader.display);
    for (unsigned i = 0; i < 400 * 300; i++)
        surface.pixels[i] = (uint32_t)test_random() & 0xffffff;
    CHECK(mkdtemp(reader.path) != NULL && rmdir(reader.path) == 0 && mkfifo(reader.path, 0600) == 0);
    host_mutex_init(&lock);
    host_mutex_lock(&lock);
    CHECK(host_thread_create(&thread, "reader", slow_disk, &reader, NULL));
    CHECK(screenshot_write(reader.display, &lock, reader.path, NULL));
    host_mutex_unlock(&lock);
    host_thread_join(&thread);
    CHECK(reader.bytes > 400 * 300 * 3); /* noise, that nobody packs */
    unlink(reader.path);
    host_mutex_destroy(&lock);
    display_destroy(reader.display);
}

static const struct test_case cases[] = {
    {"same_pixels", same_pixels}, {"refusals", refusals}, {"machine_goes_on", machine_goes_on}};
TEST_SUITE(screenshot_test, "unit", cases);
