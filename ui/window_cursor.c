/*
 * The pointer's picture that the guest's device keeps apart from its screen: the host's own pointer takes it
 * where the two are at the same place, and otherwise it is drawn where the guest has it.
 */
#if HAVE_SDL2

#include "ui/window_internal.h"

/* A colour that was multiplied by alpha, without that. */
static uint32_t divided(uint32_t pixel)
{
    uint32_t alpha = pixel >> 24, out = alpha << 24;
    for (unsigned shift = 0; alpha && shift < 24; shift += 8) {
        uint32_t value = ((pixel >> shift & 0xff) * 255 + alpha / 2) / alpha;
        out |= (value > 255 ? 255 : value) << shift;
    }
    return out;
}

void window_cursor_take(struct window *window, bool picture)
{
    window->cursor = display_cursor(window->machine.display);
    for (unsigned i = 0; picture && i < window->cursor.width * window->cursor.height; i++)
        window->cursor_pixels[i] = divided(window->cursor.pixels[i]);
    window->cursor.pixels = window->cursor_pixels;
}

static SDL_Surface *surface_create(struct window *window)
{
    const struct display_cursor *cursor = &window->cursor;
    return window->sdl->CreateRGBSurfaceWithFormatFrom(
        window->cursor_pixels, (int)cursor->width, (int)cursor->height, 32,
        (int)(cursor->width * sizeof(uint32_t)), SDL_PIXELFORMAT_ARGB8888);
}

void window_cursor_update(struct window *window)
{
    const struct sdl *sdl = window->sdl;
    const struct display_cursor *cursor = &window->cursor;
    window_cursor_end(window);
    if (!cursor->width || !cursor->height)
        return;
    if (window->absolute) {
        SDL_Surface *surface = surface_create(window);
        if (!surface)
            return;
        window->host_cursor = sdl->CreateColorCursor(surface, (int)cursor->hot_x, (int)cursor->hot_y);
        sdl->FreeSurface(surface);
        if (window->host_cursor)
            sdl->SetCursor(window->host_cursor);
        return;
    }
    window->cursor_texture =
        sdl->CreateTexture(window->renderer, SDL_PIXELFORMAT_ARGB8888, SDL_TEXTUREACCESS_STATIC,
                           (int)cursor->width, (int)cursor->height);
    if (!window->cursor_texture)
        return;
    sdl->SetTextureBlendMode(window->cursor_texture, SDL_BLENDMODE_BLEND);
    sdl->UpdateTexture(window->cursor_texture, NULL, window->cursor_pixels,
                       (int)(cursor->width * sizeof(uint32_t)));
}

void window_cursor_draw(struct window *window, const SDL_Rect *place)
{
    const struct display_cursor *cursor = &window->cursor;
    if (!window->cursor_texture || !window->width || !window->height)
        return;
    int64_t x = cursor->x - (int64_t)cursor->hot_x, y = cursor->y - (int64_t)cursor->hot_y;
    /* Far outside there is nothing to see, and no place that could be counted in pixels. */
    if (x < -(int64_t)cursor->width || y < -(int64_t)cursor->height || x > window->width ||
        y > window->height)
        return;
    SDL_Rect to = {place->x + (int)(x * place->w / window->width),
                   place->y + (int)(y * place->h / window->height),
                   (int)((int64_t)cursor->width * place->w / window->width),
                   (int)((int64_t)cursor->height * place->h / window->height)};
    window->sdl->RenderCopy(window->renderer, window->cursor_texture, NULL, &to);
}

void window_cursor_end(struct window *window)
{
    if (window->host_cursor) {
        window->sdl->SetCursor(window->sdl->GetDefaultCursor());
        window->sdl->FreeCursor(window->host_cursor);
    }
    if (window->cursor_texture)
        window->sdl->DestroyTexture(window->cursor_texture);
    window->host_cursor = NULL;
    window->cursor_texture = NULL;
}

#endif
