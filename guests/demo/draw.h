/*
 * The demo's screen and what it draws there. A platform finds a frame buffer and where its events come from;
 * the rest is the same for all.
 */
#pragma once

#include "guests/demo/demo.h"

#define FONT_FIRST ' '
#define FONT_LAST  '~'
#define FONT_ROWS  7
extern const uint8_t font_glyphs[FONT_LAST - FONT_FIRST + 1][FONT_ROWS];

/* Pixels as 0x00RRGGBB. */
struct screen {
    volatile uint32_t *pixels;
    unsigned width, height, stride; /* pixels from one row to the next */
    /* Pixels were changed; NULL: the screen sees that by itself. */
    void (*flush)(unsigned x, unsigned y, unsigned width, unsigned height);
};

/* Keys are Linux's numbers; positions go from 0 to POINTER_MAX over the screen. */
enum event_kind { EVENT_KEY, EVENT_BUTTON, EVENT_MOVE, EVENT_PLACE_X, EVENT_PLACE_Y };
#define POINTER_MAX 0x7fff
struct event {
    enum event_kind kind;
    int code, x, y; /* x: pressed, the place, or how far to the right; y: how far down */
};

/* Platform: false when there is no screen; whether there was an event. */
bool screen_open(struct screen *screen);
bool event_next(struct event *event);

/* draw.c */
void draw_box(const struct screen *screen, int x, int y, int width, int height, uint32_t colour);
/* A character of 6 by 8 dots, each `scale` pixels wide and high. */
void draw_character(const struct screen *screen, int x, int y, char c, unsigned scale, uint32_t front,
                    uint32_t back);
void draw_text(const struct screen *screen, int x, int y, const char *text, unsigned scale, uint32_t front,
               uint32_t back);

/* show.c: the picture. Before the first two calls it does nothing; show_put writes into its text. */
void show_open(void);
void show_put(char c);
/* Fill and hand over whole screens, and say how fast that went. */
void show_frames(void);
/* Move what moves, take events; a character that was typed, or -1. */
int show_step(void);
