/* What the menu's items and the shortcuts do. */
#if HAVE_SDL2

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/clock.h"
#include "ui/keys.h"
#include "ui/screenshot.h"
#include "ui/window_internal.h"

#define MESSAGE_NS 5000000000ull

void window_say(struct window *window, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(window->menu.message, sizeof(window->menu.message), format, args);
    va_end(args);
    window->message_until = host_clock_ns() + MESSAGE_NS;
    window->menu_stale = true;
}

void window_menu_tick(struct window *window, uint64_t now)
{
    if (!window->menu.message[0] || now < window->message_until)
        return;
    window->menu.message[0] = '\0';
    window->menu_stale = true;
}

/* Whoever looks at the menu does not type into the guest. */
void window_menu_toggle(struct window *window)
{
    window_grab(window, false);
    window_release_all(window);
    menu_open(&window->menu, !window->menu.open);
    window->menu_stale = true;
}

static void screenshot(struct window *window)
{
    char path[64];
    struct error err;
    struct tm now;
    time_t seconds = time(NULL);
    localtime_r(&seconds, &now);
    strftime(path, sizeof(path), "screenshot-%Y%m%d-%H%M%S.png", &now);
    host_mutex_lock(window->machine.lock);
    bool ok = screenshot_write(window->machine.display, window->machine.lock, path, &err);
    host_mutex_unlock(window->machine.lock);
    window_say(window, "%s", ok ? path : err.text);
}

static void paste(struct window *window)
{
    char *text = window->sdl->GetClipboardText();
    if (!window->typist || !text || !*text) {
        window_say(window, "The clipboard has no text");
    } else {
        /* Ctrl and Alt of the shortcut would change what is typed. */
        window_release_all(window);
        host_mutex_lock(window->machine.lock);
        size_t left_out = typist_type(window->typist, text, strlen(text));
        host_mutex_unlock(window->machine.lock);
        if (left_out)
            window_say(window, "Without %zu bytes that no key of a US keyboard types", left_out);
    }
    window->sdl->free(text);
}

static void ctrl_alt_del(struct window *window)
{
    static const unsigned keys[] = {KEY_LEFT_CONTROL, KEY_LEFT_ALT, KEY_DELETE};
    if (window->typist)
        typist_press(window->typist, keys, ARRAY_LEN(keys));
}

/* What is done to the machine, with its lock held. */
static void machine_do(struct window *window, enum menu_action action)
{
    const struct ui_machine *machine = &window->machine;
    switch (action) {
    case MENU_PAUSE:
        if (machine->is_running(machine->opaque))
            machine->pause(machine->opaque);
        else
            machine->resume(machine->opaque);
        break;
    case MENU_RESET: machine->reset(machine->opaque); break;
    case MENU_QUIT: machine->quit(machine->opaque); break;
    case MENU_CTRL_ALT_DEL: ctrl_alt_del(window); break;
    case MENU_POWER_BUTTON:
        if (!machine->power_button(machine->opaque))
            window_say(window, "This machine has no power button");
        break;
    default: break;
    }
}

void window_menu_do(struct window *window, enum menu_action action)
{
    switch (action) {
    case MENU_SCREENSHOT: screenshot(window); break;
    case MENU_PASTE: paste(window); break;
    case MENU_FULL_SCREEN: window_full_screen(window, !window->full_screen); break;
    default:
        host_mutex_lock(window->machine.lock);
        machine_do(window, action);
        host_mutex_unlock(window->machine.lock);
    }
}

#endif
