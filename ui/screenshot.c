#include "ui/screenshot.h"

#if HAVE_PNG

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libpng leaves by a jump when something fails; what must be given back is the caller's. */
static bool rows_write(png_structp png, png_infop info, FILE *file, const struct display_surface *surface,
                       png_bytep row)
{
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_init_io(png, file);
    png_set_IHDR(png, info, surface->width, surface->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (unsigned y = 0; y < surface->height; y++) {
        const uint32_t *pixels = surface->pixels + (size_t)y * surface->stride;
        for (unsigned x = 0; x < surface->width; x++) {
            row[3 * x] = (png_byte)(pixels[x] >> 16);
            row[3 * x + 1] = (png_byte)(pixels[x] >> 8);
            row[3 * x + 2] = (png_byte)pixels[x];
        }
        png_write_row(png, row);
    }
    png_write_end(png, info);
    return true;
}

static bool file_write(FILE *file, const struct display_surface *surface)
{
    static png_byte row[3 * DISPLAY_SIDE_MAX];
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool good = info && rows_write(png, info, file, surface, row);
    png_destroy_write_struct(&png, &info);
    return good;
}

static bool picture_write(const struct display_surface *surface, const char *path, struct error *err)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return error_errno(err, ERROR_IMAGE, "the screenshot %s can't be made", path);
    bool good = file_write(file, surface);
    if (fclose(file) == 0 && good)
        return true;
    return error_errno(err, ERROR_IMAGE, "the screenshot %s can't be written", path);
}

/* A picture of one's own, which stays as it is. */
static struct display_surface picture_copy(struct display *display)
{
    struct display_surface surface = display_refresh(display);
    size_t size = (size_t)surface.stride * surface.height * sizeof(*surface.pixels);
    uint32_t *pixels = malloc(size);
    if (!pixels)
        abort();
    memcpy(pixels, surface.pixels, size);
    surface.pixels = pixels;
    return surface;
}

bool screenshot_write(struct display *display, struct host_mutex *lock, const char *path, struct error *err)
{
    struct display_surface picture = picture_copy(display);
    host_mutex_unlock(lock);
    bool good = picture_write(&picture, path, err);
    free(picture.pixels);
    host_mutex_lock(lock);
    return good;
}

#else

bool screenshot_write(struct display *display, struct host_mutex *lock, const char *path, struct error *err)
{
    (void)display, (void)lock;
    return error_set(err, ERROR_HOST,
                     "no screenshot %s: the program was built without libpng (install libpng-dev)", path);
}

#endif
