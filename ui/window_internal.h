/* What the files of the window share. */
#pragma once

#if HAVE_SDL2

#include "ui/changes.h"
#include "ui/held.h"
#include "ui/menu.h"
#include "ui/scale.h"
#include "ui/sdl.h"
#include "ui/typist.h"
#include "ui/window.h"

struct window {
    struct ui_machine machine;
    struct window_config config;
    const struct sdl *sdl;
    SDL_Window *handle;
    SDL_Renderer *renderer;
    struct host_timer *timer;
    bool attached; /* to the display */

    /* window_draw.c */
    struct changes changes;
    uint32_t *shadow; /* the guest's picture as the window last took it */
    unsigned width, height;
    SDL_Texture *texture;
    bool stale; /* what is on the screen is to be drawn again */
    uint64_t frames;
    struct scale scale;
    unsigned output_width, output_height; /* the window in pixels */

    bool absolute; /* the guest's pointer follows the host's: nothing to grab */
    struct display_cursor cursor;
    uint32_t cursor_pixels[DISPLAY_CURSOR_MAX * DISPLAY_CURSOR_MAX]; /* alpha not multiplied in */
    SDL_Texture *cursor_texture;
    SDL_Cursor *host_cursor;

    struct menu menu;
    struct menu_picture menu_picture;
    SDL_Texture *menu_texture;
    bool menu_stale;
    uint64_t message_until;

    /* window_input.c */
    struct held held;
    struct typist *typist;
    bool grabbed, grab_explained;
    bool moved;
    int dx, dy; /* since it was told last */
    unsigned x, y;

    /* window_clipboard.c */
    bool clipboard_changed; /* on the host, and the guest was not told */
    bool guest_listened;
    uint64_t clipboard_seen; /* what the guest copied last, and the host has */

    /* window.c */
    bool full_screen;
    bool user_sized; /* the window has the size that somebody gave it, and keeps it */
    int asked_width, asked_height;
    uint64_t hint_at; /* when to tell the guest about the window's size; 0: no need */
    bool close_asked;
    uint64_t pause; /* until the window is looked after again */
    char title[128];
};

/* window_draw.c: bring the screen up to date. Whether there was anything to draw. */
bool window_draw(struct window *window);
/* Textures hold nothing any more. */
void window_draw_lost(struct window *window);
void window_draw_end(struct window *window);

/* window_cursor.c: the pointer's picture; `place` is the guest's picture in the window. */
void window_cursor_take(struct window *window, bool picture); /* with the lock; not only its place */
void window_cursor_update(struct window *window);
void window_cursor_draw(struct window *window, const SDL_Rect *place);
void window_cursor_end(struct window *window);

/* window_input.c */
void window_key(struct window *window, const SDL_KeyboardEvent *event);
void window_motion(struct window *window, const SDL_MouseMotionEvent *event);
void window_button(struct window *window, const SDL_MouseButtonEvent *event);
void window_wheel(struct window *window, const SDL_MouseWheelEvent *event);
/* What was collected, to the guest. */
void window_motion_flush(struct window *window);
void window_grab(struct window *window, bool grab);
void window_release_all(struct window *window);
/* The pixel of the window that a point of its coordinates is. */
void window_pixel(const struct window *window, int *x, int *y);

/* window_clipboard.c: once in a while. */
void window_clipboard_tick(struct window *window);

/* window_menu.c */
void window_menu_toggle(struct window *window);
void window_menu_do(struct window *window, enum menu_action action);
void window_say(struct window *window, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A message has been there long enough. */
void window_menu_tick(struct window *window, uint64_t now);

/* window.c */
void window_full_screen(struct window *window, bool full);
/* The guest's picture has another size. */
void window_follow(struct window *window);

#endif
