/*
 * What the window shows: the guest's picture in a texture of which only changed parts are sent again, the
 * pointer where the guest leaves it to us, and the menu.
 */
#if HAVE_SDL2

#include <stdlib.h>

#include "ui/window_internal.h"

static SDL_Texture *texture_create(struct window *window, unsigned width, unsigned height)
{
    SDL_Texture *texture = window->sdl->CreateTexture(window->renderer, SDL_PIXELFORMAT_ARGB8888,
                                                      SDL_TEXTUREACCESS_STREAMING, (int)width, (int)height);
    if (texture)
        window->sdl->SetTextureBlendMode(texture, SDL_BLENDMODE_BLEND);
    return texture;
}

static void texture_drop(struct window *window, SDL_Texture **texture)
{
    if (*texture)
        window->sdl->DestroyTexture(*texture);
    *texture = NULL;
}

/* --- the guest's picture --- */

/* What has changed is copied with the machine lock, and drawn without it. */
static bool picture_take(struct window *window, struct changes *seen)
{
    struct display_surface surface = display_look(window->machine.display, window->machine.lock);
    *seen = window->changes;
    changes_clear(&window->changes);
    if (seen->resized) {
        free(window->shadow);
        window->shadow = malloc((size_t)surface.width * surface.height * sizeof(*window->shadow));
        if (!window->shadow)
            abort();
    }
    window->width = surface.width;
    window->height = surface.height;
    changes_copy(seen, window->shadow, surface.width);
    bool absolute = window->machine.input && input_takes_absolute(window->machine.input);
    seen->cursor |= absolute != window->absolute;
    window->absolute = absolute;
    if (seen->cursor || seen->moved)
        window_cursor_take(window, seen->cursor);
    host_mutex_unlock(window->machine.lock);
    return seen->count || seen->cursor || (seen->moved && !absolute);
}

static void picture_send(struct window *window, const struct changes *seen)
{
    if (seen->resized || !window->texture) {
        texture_drop(window, &window->texture);
        window->texture = texture_create(window, window->width, window->height);
        if (window->texture)
            window->sdl->SetTextureBlendMode(window->texture, SDL_BLENDMODE_NONE);
    }
    for (unsigned i = 0; window->texture && i < seen->count; i++) {
        const struct changed_rectangle *part = &seen->rectangles[i];
        SDL_Rect place = {(int)part->x, (int)part->y, (int)part->width, (int)part->height};
        window->sdl->UpdateTexture(window->texture, &place,
                                   window->shadow + (size_t)part->y * window->width + part->x,
                                   (int)(window->width * sizeof(*window->shadow)));
    }
}

/* --- the menu --- */

static void menu_update(struct window *window)
{
    struct menu_picture *picture = &window->menu_picture;
    bool shown = window->menu.open || window->menu.message[0];
    if (!shown || picture->width != window->output_width || picture->height != window->output_height) {
        texture_drop(window, &window->menu_texture);
        free(picture->pixels);
        *picture = (struct menu_picture){NULL, window->output_width, window->output_height};
    }
    if (!shown)
        return;
    if (!window->menu_texture) {
        window->menu_texture = texture_create(window, picture->width, picture->height);
        picture->pixels = calloc((size_t)picture->width * picture->height, sizeof(*picture->pixels));
        if (!picture->pixels)
            abort();
    }
    menu_draw(&window->menu, picture);
    if (window->menu_texture)
        window->sdl->UpdateTexture(window->menu_texture, NULL, picture->pixels,
                                   (int)(picture->width * sizeof(*picture->pixels)));
}

/* --- the whole --- */

static void render(struct window *window)
{
    const struct sdl *sdl = window->sdl;
    const struct scale *scale = &window->scale;
    SDL_Rect place = {(int)scale->x, (int)scale->y, (int)scale->width, (int)scale->height};
    sdl->SetRenderDrawColor(window->renderer, 0, 0, 0, 255);
    sdl->RenderClear(window->renderer);
    if (window->texture) {
        sdl->SetTextureScaleMode(window->texture, scale->smooth ? SDL_ScaleModeLinear : SDL_ScaleModeNearest);
        sdl->RenderCopy(window->renderer, window->texture, NULL, &place);
    }
    window_cursor_draw(window, &place);
    if (window->menu_texture)
        sdl->RenderCopy(window->renderer, window->menu_texture, NULL, NULL);
    sdl->RenderPresent(window->renderer);
}

static void output_measure(struct window *window)
{
    int width, height;
    if (window->sdl->GetRendererOutputSize(window->renderer, &width, &height) != 0 || width < 1 || height < 1)
        return;
    if ((unsigned)width != window->output_width || (unsigned)height != window->output_height)
        window->stale = window->menu_stale = true;
    window->output_width = (unsigned)width;
    window->output_height = (unsigned)height;
    window->scale = scale_fit(window->width, window->height, window->output_width, window->output_height);
}

bool window_draw(struct window *window)
{
    struct changes seen;
    bool changed = picture_take(window, &seen);
    if (!changed && !window->stale && !window->menu_stale)
        return false;
    if (seen.resized)
        window_follow(window);
    picture_send(window, &seen);
    if (window->absolute)
        window_grab(window, false);
    if (seen.cursor)
        window_cursor_update(window);
    output_measure(window);
    if (!window->output_width)
        return false;
    if (window->menu_stale)
        menu_update(window);
    window->stale = window->menu_stale = false;
    render(window);
    window->frames++;
    return true;
}

void window_draw_lost(struct window *window)
{
    texture_drop(window, &window->texture);
    texture_drop(window, &window->menu_texture);
    window_cursor_end(window);
    free(window->menu_picture.pixels);
    window->menu_picture = (struct menu_picture){0};
    host_mutex_lock(window->machine.lock);
    struct display *display = window->machine.display;
    changes_detach(&window->changes);
    changes_attach(&window->changes, display);
    host_mutex_unlock(window->machine.lock);
    window->menu_stale = true;
}

void window_draw_end(struct window *window)
{
    texture_drop(window, &window->texture);
    texture_drop(window, &window->menu_texture);
    window_cursor_end(window);
    free(window->menu_picture.pixels);
    free(window->shadow);
}

#endif
