/* Keys and the pointer on their way from the window to the guest, and what the window keeps for itself. */
#if HAVE_SDL2

#include "devices/input/usage.h"
#include "ui/keys.h"
#include "ui/window_internal.h"

/* --- keys --- */

/* Beyond USB's page of keyboards SDL numbers what USB calls consumer controls. */
static const struct {
    SDL_Scancode scancode;
    uint8_t key;
} media[] = {
    {SDL_SCANCODE_AUDIONEXT, 163}, {SDL_SCANCODE_AUDIOPREV, 165},  {SDL_SCANCODE_AUDIOSTOP, 166},
    {SDL_SCANCODE_AUDIOPLAY, 164}, {SDL_SCANCODE_AUDIOMUTE, 113},  {SDL_SCANCODE_WWW, 150},
    {SDL_SCANCODE_MAIL, 155},      {SDL_SCANCODE_CALCULATOR, 140}, {SDL_SCANCODE_AC_SEARCH, 217},
    {SDL_SCANCODE_AC_HOME, 172},   {SDL_SCANCODE_AC_BACK, 158},    {SDL_SCANCODE_AC_FORWARD, 159},
    {SDL_SCANCODE_AC_STOP, 128},   {SDL_SCANCODE_AC_REFRESH, 173}, {SDL_SCANCODE_AC_BOOKMARKS, 156},
    {SDL_SCANCODE_EJECT, 161},     {SDL_SCANCODE_SLEEP, 142},
};

/* By its place on the keyboard: the guest has a layout of its own. */
static unsigned key_of_scancode(SDL_Scancode scancode)
{
    for (size_t i = 0; i < ARRAY_LEN(media); i++) {
        if (media[i].scancode == scancode)
            return media[i].key;
    }
    return key_of_usage((unsigned)scancode);
}

/* Ctrl-Alt with these is the window's, by what is printed on the key. False: it is the guest's. */
static bool shortcut(struct window *window, const SDL_KeyboardEvent *event)
{
    uint16_t mod = event->keysym.mod;
    if (!(mod & KMOD_CTRL) || !(mod & KMOD_LALT) || mod & KMOD_SHIFT)
        return false;
    switch (event->keysym.sym) {
    case SDLK_g: window_grab(window, !window->grabbed); return true;
    case SDLK_m: window_menu_toggle(window); return true;
    case SDLK_f: window_menu_do(window, MENU_FULL_SCREEN); return true;
    case SDLK_s: window_menu_do(window, MENU_SCREENSHOT); return true;
    case SDLK_v: window_menu_do(window, MENU_PASTE); return true;
    default: return false;
    }
}

static void menu_pressed(struct window *window, SDL_Keycode key)
{
    static const struct {
        SDL_Keycode key;
        enum menu_key means;
    } keys[] = {{SDLK_UP, MENU_UP},           {SDLK_DOWN, MENU_DOWN},    {SDLK_RETURN, MENU_CHOOSE},
                {SDLK_KP_ENTER, MENU_CHOOSE}, {SDLK_SPACE, MENU_CHOOSE}, {SDLK_ESCAPE, MENU_LEAVE}};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (keys[i].key == key)
            window_menu_do(window, menu_key(&window->menu, keys[i].means));
    }
    window->menu_stale = true;
}

void window_key(struct window *window, const SDL_KeyboardEvent *event)
{
    bool pressed = event->type == SDL_KEYDOWN;
    if (event->repeat && !window->menu.open)
        return;
    if (pressed && !event->repeat && shortcut(window, event))
        return;
    if (pressed && window->menu.open) {
        menu_pressed(window, event->keysym.sym);
        return;
    }
    host_mutex_lock(window->machine.lock);
    held_change(&window->held, key_of_scancode(event->keysym.scancode), pressed);
    host_mutex_unlock(window->machine.lock);
}

void window_release_all(struct window *window)
{
    host_mutex_lock(window->machine.lock);
    held_release_all(&window->held);
    host_mutex_unlock(window->machine.lock);
}

/* --- the pointer --- */

void window_grab(struct window *window, bool grab)
{
    grab = grab && !window->absolute && window->machine.input;
    if (grab == window->grabbed)
        return;
    window->sdl->SetRelativeMouseMode(grab ? SDL_TRUE : SDL_FALSE);
    window->sdl->SetWindowKeyboardGrab(window->handle, grab ? SDL_TRUE : SDL_FALSE);
    window->grabbed = grab;
    if (!grab)
        window_release_all(window);
}

void window_pixel(const struct window *window, int *x, int *y)
{
    int width, height;
    window->sdl->GetWindowSize(window->handle, &width, &height);
    if (width > 0 && height > 0) {
        *x = (int)((int64_t)*x * window->output_width / width);
        *y = (int)((int64_t)*y * window->output_height / height);
    }
}

/* Whether what it does is told to the guest. */
static bool pointer_is_ours(const struct window *window)
{
    return window->machine.input && (window->absolute || window->grabbed);
}

void window_motion(struct window *window, const SDL_MouseMotionEvent *event)
{
    int x = event->x, y = event->y;
    window_pixel(window, &x, &y);
    if (window->menu.open) {
        enum menu_action under = menu_at(&window->menu_picture, x, y);
        window->menu_stale |= under && under != window->menu.selected;
        window->menu.selected = under ? under : window->menu.selected;
        return;
    }
    if (!pointer_is_ours(window))
        return;
    window->moved = true;
    window->dx += event->xrel;
    window->dy += event->yrel;
    window->x = scale_absolute(x, window->scale.x, window->scale.width, INPUT_ABSOLUTE_MAX);
    window->y = scale_absolute(y, window->scale.y, window->scale.height, INPUT_ABSOLUTE_MAX);
}

void window_motion_flush(struct window *window)
{
    struct input *input = window->machine.input;
    if (!window->moved || !input)
        return;
    host_mutex_lock(window->machine.lock);
    if (window->grabbed)
        input_relative(input, window->dx, window->dy);
    else
        input_absolute(input, window->x, window->y);
    input_sync(input);
    host_mutex_unlock(window->machine.lock);
    window->moved = false;
    window->dx = window->dy = 0;
}

/* For a guest with a mouse. One that has found a tablet may be about to use it; or firmware has found it, and
 * the guest has no driver for it: who knows that grabs the pointer himself. */
static void click_grab(struct window *window)
{
    const struct input *input = window->machine.input;
    host_mutex_lock(window->machine.lock);
    bool mouse = input && input_takes_relative(input), tablet = input && input_may_take_absolute(input);
    host_mutex_unlock(window->machine.lock);
    if (mouse && !tablet)
        window_grab(window, true);
    else if (mouse && !window->grab_explained)
        window_say(window, "The guest does not use its tablet: Ctrl-Alt-G gives the pointer to its mouse");
    window->grab_explained |= mouse && tablet;
}

/* A click that the window takes: on the menu, or to grab the pointer. */
static bool click_taken(struct window *window, const SDL_MouseButtonEvent *event)
{
    int x = event->x, y = event->y;
    window_pixel(window, &x, &y);
    if (window->menu.open) {
        enum menu_action chosen = menu_at(&window->menu_picture, x, y);
        menu_open(&window->menu, false);
        window->menu_stale = true;
        window_menu_do(window, chosen);
        return true;
    }
    if (pointer_is_ours(window))
        return false;
    click_grab(window);
    return true;
}

void window_button(struct window *window, const SDL_MouseButtonEvent *event)
{
    static const unsigned buttons[] = {
        [SDL_BUTTON_LEFT] = INPUT_BUTTON_LEFT,   [SDL_BUTTON_MIDDLE] = INPUT_BUTTON_MIDDLE,
        [SDL_BUTTON_RIGHT] = INPUT_BUTTON_RIGHT, [SDL_BUTTON_X1] = INPUT_BUTTON_SIDE,
        [SDL_BUTTON_X2] = INPUT_BUTTON_EXTRA,
    };
    bool pressed = event->type == SDL_MOUSEBUTTONDOWN;
    if (pressed && click_taken(window, event))
        return;
    if (event->button >= ARRAY_LEN(buttons))
        return;
    host_mutex_lock(window->machine.lock);
    held_change(&window->held, buttons[event->button], pressed);
    host_mutex_unlock(window->machine.lock);
}

/* SDL counts away from the user, and to the right. */
void window_wheel(struct window *window, const SDL_MouseWheelEvent *event)
{
    int sign = event->direction == SDL_MOUSEWHEEL_FLIPPED ? -1 : 1;
    if (window->menu.open || !pointer_is_ours(window))
        return;
    host_mutex_lock(window->machine.lock);
    input_wheel(window->machine.input, -sign * event->y, sign * event->x);
    input_sync(window->machine.input);
    host_mutex_unlock(window->machine.lock);
}

#endif
