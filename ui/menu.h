/*
 * The menu and the messages that are drawn over the guest's picture. What they look like and which item is
 * meant is decided here, with pixels and no window: whoever has a window shows it and does what was chosen.
 */
#pragma once

#include "base/types.h"

enum menu_action {
    MENU_NOTHING,
    MENU_PAUSE, /* or go on */
    MENU_RESET,
    MENU_POWER_BUTTON,
    MENU_CTRL_ALT_DEL,
    MENU_PASTE,
    MENU_SCREENSHOT,
    MENU_FULL_SCREEN,
    MENU_QUIT,
    MENU_ACTIONS,
};

/* Keys that a menu understands. */
enum menu_key {
    MENU_UP,
    MENU_DOWN,
    MENU_CHOOSE,
    MENU_LEAVE,
};

#define MENU_MESSAGE_MAX 160

struct menu {
    bool open;
    bool running; /* the machine is: the first item says "Pause", or else "Go on" */
    enum menu_action selected;
    char message[MENU_MESSAGE_MAX]; /* a line at the bottom, with the menu or without; empty: none */
};

/* Pixels as 0xAARRGGBB, drawn over something else. */
struct menu_picture {
    uint32_t *pixels;
    unsigned width, height;
};

void menu_open(struct menu *menu, bool open);

/* What was chosen, if that is what the key did; the menu is closed then. */
enum menu_action menu_key(struct menu *menu, enum menu_key key);

/* The item at a point of the picture; MENU_NOTHING: none. The pointer selects what is under it. */
enum menu_action menu_at(const struct menu_picture *picture, int x, int y);

/* Draw what is to be seen; the rest is transparent. */
void menu_draw(const struct menu *menu, const struct menu_picture *picture);
