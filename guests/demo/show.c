/*
 * The picture: a title with a ball that runs along under it, and below them the same text as on the serial
 * console, where the keyboard types and the pointer moves.
 */
#include "guests/demo/draw.h"

#define BACKGROUND 0x102030u
#define TITLE      0xf0c040u
#define LINE       0x405878u
#define BALL       0xe05038u
#define TEXT       0xd0d8e0u
#define ARROW      0xffffffu

#define MARGIN      24
#define TITLE_SCALE 6
#define TRACK_TOP   (MARGIN + 8 * TITLE_SCALE + 8)
#define BALL_SIZE   16
#define BALL_STEP   6
#define TEXT_TOP    (TRACK_TOP + BALL_SIZE + 16)
#define TEXT_SCALE  2
#define CELL_WIDTH  (6 * TEXT_SCALE)
#define CELL_HEIGHT (9 * TEXT_SCALE)
#define ARROW_SIZE  16
#define SCROLL_ROWS 4 /* fewer than the smallest screen has */
#define STEP_NS     30000000u
#define FRAMES      64u

static struct screen screen;
static bool open;
static int columns, rows, column, row; /* of the text */
static int ball_x, ball_step = BALL_STEP;
static uint64_t ball_time;
static int pointer_x, pointer_y;
static bool pointer_known, pointer_drawn, shift;
static uint32_t under[ARROW_SIZE * ARROW_SIZE]; /* what the pointer hides */

static void flush(int x, int y, int width, int height)
{
    x = x < 0 ? 0 : x;
    y = y < 0 ? 0 : y;
    if (x + width > (int)screen.width)
        width = (int)screen.width - x;
    if (y + height > (int)screen.height)
        height = (int)screen.height - y;
    if (screen.flush && width > 0 && height > 0)
        screen.flush((unsigned)x, (unsigned)y, (unsigned)width, (unsigned)height);
}

/* --- the pointer, which lies over everything --- */

/* An arrow: as wide in each row as the row is far from its tip, and a stump below. */
static int arrow_width(int y)
{
    return y < 11 ? y + 1 : 4;
}

static void pointer_swap(bool draw)
{
    for (int y = 0; y < ARROW_SIZE && pointer_y + y < (int)screen.height; y++) {
        volatile uint32_t *line = screen.pixels + (size_t)(pointer_y + y) * screen.stride + pointer_x;
        for (int x = 0; x < arrow_width(y) && pointer_x + x < (int)screen.width; x++) {
            if (draw)
                under[y * ARROW_SIZE + x] = line[x];
            line[x] = draw ? ARROW : under[y * ARROW_SIZE + x];
        }
    }
    pointer_drawn = draw;
}

static void pointer_hide(void)
{
    if (pointer_drawn)
        pointer_swap(false);
}

static void pointer_show(void)
{
    if (pointer_known)
        pointer_swap(true);
}

static int between(int value, int limit)
{
    return value < 0 ? 0 : value >= limit ? limit - 1 : value;
}

static void pointer_move(int x, int y)
{
    int old_x = pointer_x, old_y = pointer_y;
    pointer_hide();
    pointer_x = between(x, (int)screen.width);
    pointer_y = between(y, (int)screen.height);
    pointer_known = true;
    pointer_show();
    flush(old_x, old_y, ARROW_SIZE, ARROW_SIZE);
    flush(pointer_x, pointer_y, ARROW_SIZE, ARROW_SIZE);
}

/* --- the text --- */

/* By several rows at once, as all the pixels have to be moved. */
static void scroll(void)
{
    int height = rows * CELL_HEIGHT, step = SCROLL_ROWS * CELL_HEIGHT;
    for (int y = TEXT_TOP; y < TEXT_TOP + height - step; y++) {
        volatile uint32_t *to = screen.pixels + (size_t)y * screen.stride;
        const volatile uint32_t *from = to + (size_t)step * screen.stride;
        for (int x = MARGIN; x < MARGIN + columns * CELL_WIDTH; x++)
            to[x] = from[x];
    }
    draw_box(&screen, MARGIN, TEXT_TOP + height - step, columns * CELL_WIDTH, step, BACKGROUND);
    flush(MARGIN, TEXT_TOP, columns * CELL_WIDTH, height);
    row -= SCROLL_ROWS;
}

static void line_end(void)
{
    column = 0;
    if (row + 1 == rows)
        scroll();
    row++;
}

static void character_put(char c)
{
    if (column == columns)
        line_end();
    int x = MARGIN + column++ * CELL_WIDTH, y = TEXT_TOP + row * CELL_HEIGHT;
    draw_character(&screen, x, y, c, TEXT_SCALE, TEXT, BACKGROUND);
    flush(x, y, CELL_WIDTH, CELL_HEIGHT);
}

void show_put(char c)
{
    if (!open)
        return;
    pointer_hide();
    if (c == '\n')
        line_end();
    else if (c == '\b')
        column -= column > 0;
    else if (c >= ' ')
        character_put(c);
    pointer_show();
}

/* --- what moves --- */

static void ball_move(void)
{
    int old = ball_x, right = (int)screen.width - MARGIN - BALL_SIZE;
    pointer_hide();
    draw_box(&screen, ball_x, TRACK_TOP, BALL_SIZE, BALL_SIZE, BACKGROUND);
    ball_x += ball_step;
    if (ball_x < MARGIN || ball_x > right) {
        ball_step = -ball_step;
        ball_x = ball_x < MARGIN ? MARGIN : right;
    }
    draw_box(&screen, ball_x, TRACK_TOP, BALL_SIZE, BALL_SIZE, BALL);
    pointer_show();
    flush((old < ball_x ? old : ball_x), TRACK_TOP, BALL_SIZE + BALL_STEP, BALL_SIZE);
}

static char key_character(int key)
{
    static const char plain[] = "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
    static const char shifted[] = "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
    if (key < 0 || key >= (int)sizeof(plain))
        return 0;
    return shift ? shifted[key] : plain[key];
}

#define KEY_LEFT_SHIFT  42
#define KEY_RIGHT_SHIFT 54

static int key_take(int key, bool pressed)
{
    if (key == KEY_LEFT_SHIFT || key == KEY_RIGHT_SHIFT)
        shift = pressed;
    char c = pressed ? key_character(key) : 0;
    return c ? c : -1;
}

/* A button leaves a mark. */
static void mark(void)
{
    pointer_hide();
    draw_box(&screen, pointer_x - 2, pointer_y - 2, 4, 4, TITLE);
    pointer_show();
    flush(pointer_x - 2, pointer_y - 2, ARROW_SIZE, ARROW_SIZE);
}

static int event_take(const struct event *event)
{
    switch (event->kind) {
    case EVENT_KEY: return key_take(event->code, event->x);
    case EVENT_MOVE: pointer_move(pointer_x + event->x, pointer_y + event->y); break;
    case EVENT_PLACE_X: pointer_move(event->x * (int)(screen.width - 1) / POINTER_MAX, pointer_y); break;
    case EVENT_PLACE_Y: pointer_move(pointer_x, event->x * (int)(screen.height - 1) / POINTER_MAX); break;
    case EVENT_BUTTON:
        if (event->x)
            mark();
        break;
    }
    return -1;
}

int show_step(void)
{
    struct event event;
    int typed = -1;
    if (!open)
        return -1;
    while (typed < 0 && event_next(&event))
        typed = event_take(&event);
    if (time_now() - ball_time >= STEP_NS) {
        ball_time = time_now();
        ball_move();
    }
    return typed;
}

static void picture_begin(void)
{
    draw_box(&screen, 0, 0, (int)screen.width, (int)screen.height, BACKGROUND);
    draw_text(&screen, MARGIN, MARGIN, "Triarch", TITLE_SCALE, TITLE, BACKGROUND);
    draw_box(&screen, MARGIN, TEXT_TOP - 10, (int)screen.width - 2 * MARGIN, 2, LINE);
    flush(0, 0, (int)screen.width, (int)screen.height);
    column = row = 0;
}

/* Whole screens a second, as text: FRAMES of them took so long. */
static void rate_show(const char *what, uint64_t ns)
{
    print("  %u %s of %u x %u in %lu us: %lu a second\n", FRAMES, what, screen.width, screen.height,
          (unsigned long)(ns / 1000), (unsigned long)(FRAMES * 1000000000ul / (ns + 1)));
}

void show_frames(void)
{
    int width = (int)screen.width, height = (int)screen.height;
    if (!open) {
        print("  there is no screen\n");
        return;
    }
    pointer_hide();
    uint64_t start = time_now();
    for (unsigned i = 0; i < FRAMES; i++)
        draw_box(&screen, 0, 0, width, height, 0x10203 * i);
    uint64_t drawn = time_now();
    for (unsigned i = 0; i < FRAMES; i++)
        flush(0, 0, width, height);
    uint64_t flushed = time_now();
    picture_begin();
    rate_show("pictures drawn", drawn - start);
    rate_show("pictures flushed", flushed - drawn);
}

void show_open(void)
{
    if (!screen_open(&screen) || screen.width < 640 || screen.height < 400)
        return;
    open = true;
    columns = ((int)screen.width - 2 * MARGIN) / CELL_WIDTH;
    rows = ((int)screen.height - TEXT_TOP - MARGIN) / CELL_HEIGHT;
    ball_x = MARGIN;
    picture_begin();
    show_step(); /* from now on keys are not lost */
}
