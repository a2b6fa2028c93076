#include "ui/window.h"

#include <stdlib.h>
#include <string.h>

#if HAVE_SDL2

#include <stdio.h>

#include "base/log.h"
#include "host/clock.h"
#include "ui/window_internal.h"

#define MS            1000000ull
#define FRAME_NS      (16 * MS)
#define IDLE_NS       (50 * MS)  /* nothing happens */
#define HIDDEN_NS     (100 * MS) /* nobody sees the window */
#define HINT_DELAY_NS (250 * MS) /* a window being pulled has many sizes */
#define LEAST_WIDTH   160
#define LEAST_HEIGHT  100

bool window_possible(void)
{
#ifdef __APPLE__
    return true;
#else
    return getenv("DISPLAY") || getenv("WAYLAND_DISPLAY") || getenv("SDL_VIDEODRIVER");
#endif
}

/* --- size --- */

/* A window that would reach over the screen's edge goes to its middle. */
static void place_set(struct window *window, int screen, const SDL_Rect *room)
{
    int x, y;
    window->sdl->GetWindowPosition(window->handle, &x, &y);
    bool inside = x >= room->x && y >= room->y && x + window->asked_width <= room->x + room->w &&
                  y + window->asked_height <= room->y + room->h;
    if (!inside)
        window->sdl->SetWindowPosition(window->handle, (int)SDL_WINDOWPOS_CENTERED_DISPLAY((unsigned)screen),
                                       (int)SDL_WINDOWPOS_CENTERED_DISPLAY((unsigned)screen));
}

/* As large as the guest's picture, cut to what the screen has room for. */
static void size_set(struct window *window)
{
    SDL_Rect room = {0};
    int width = (int)(window->width * window->config.scale);
    int height = (int)(window->height * window->config.scale);
    int screen = window->sdl->GetWindowDisplayIndex(window->handle);
    bool known = screen >= 0 && window->sdl->GetDisplayUsableBounds(screen, &room) == 0 && room.w > 0;
    if (known) {
        width = width > room.w ? room.w : width;
        height = height > room.h ? room.h : height;
    }
    window->asked_width = width < LEAST_WIDTH ? LEAST_WIDTH : width;
    window->asked_height = height < LEAST_HEIGHT ? LEAST_HEIGHT : height;
    window->sdl->SetWindowSize(window->handle, window->asked_width, window->asked_height);
    if (known)
        place_set(window, screen, &room);
}

void window_follow(struct window *window)
{
    bool large = window->sdl->GetWindowFlags(window->handle) & SDL_WINDOW_MAXIMIZED;
    if (!window->full_screen && !window->user_sized && !large)
        size_set(window);
}

void window_full_screen(struct window *window, bool full)
{
    uint32_t flags = full ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0;
    if (window->sdl->SetWindowFullscreen(window->handle, flags) != 0) {
        window_say(window, "no full screen: %s", window->sdl->GetError());
        return;
    }
    window->full_screen = full;
    window->stale = true;
    if (!full)
        window_follow(window);
}

static void size_changed(struct window *window, const SDL_WindowEvent *event)
{
    bool ours = event->data1 == window->asked_width && event->data2 == window->asked_height;
    if (event->event == SDL_WINDOWEVENT_RESIZED && !window->full_screen && !ours)
        window->user_sized = true;
    if (window->user_sized || window->full_screen)
        window->hint_at = host_clock_ns() + HINT_DELAY_NS;
    window->stale = window->menu_stale = true;
}

static void hint_give(struct window *window, uint64_t now)
{
    int width, height;
    if (!window->hint_at || now < window->hint_at)
        return;
    window->hint_at = 0;
    if (window->sdl->GetRendererOutputSize(window->renderer, &width, &height) != 0)
        return;
    host_mutex_lock(window->machine.lock);
    if (display_takes_hints(window->machine.display))
        display_hint_set(window->machine.display, (unsigned)width / window->config.scale,
                         (unsigned)height / window->config.scale);
    host_mutex_unlock(window->machine.lock);
}

/* --- events --- */

/* The first time a running guest is asked; who closes again, or a guest that can't hear it, ends. */
static void close_asked(struct window *window)
{
    const struct ui_machine *machine = &window->machine;
    host_mutex_lock(machine->lock);
    bool ask = !window->close_asked && machine->is_running(machine->opaque);
    bool heard = ask && machine->power_button(machine->opaque);
    if (!ask)
        machine->quit(machine->opaque);
    host_mutex_unlock(machine->lock);
    window->close_asked = true;
    if (ask)
        window_say(window, "%s; close again to end it at once",
                   heard ? "The guest is asked to power off" : "This machine has no power button");
}

static void window_event(struct window *window, const SDL_WindowEvent *event)
{
    switch (event->event) {
    case SDL_WINDOWEVENT_SIZE_CHANGED:
    case SDL_WINDOWEVENT_RESIZED: size_changed(window, event); break;
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_RESTORED: window->stale = true; break;
    /* On X11, SDL hears of a new owner of the clipboard only when it was the old one. */
    case SDL_WINDOWEVENT_FOCUS_GAINED: window->clipboard_changed = true; break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        window_grab(window, false);
        window_release_all(window);
        break;
    default: break;
    }
}

static void event_handle(struct window *window, const SDL_Event *event)
{
    if (event->type != SDL_MOUSEMOTION)
        window_motion_flush(window);
    switch (event->type) {
    case SDL_QUIT: close_asked(window); break;
    case SDL_WINDOWEVENT: window_event(window, &event->window); break;
    case SDL_KEYDOWN:
    case SDL_KEYUP: window_key(window, &event->key); break;
    case SDL_MOUSEMOTION: window_motion(window, &event->motion); break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP: window_button(window, &event->button); break;
    case SDL_MOUSEWHEEL: window_wheel(window, &event->wheel); break;
    case SDL_CLIPBOARDUPDATE: window->clipboard_changed = true; break;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET: window_draw_lost(window); break;
    default: break;
    }
}

/* --- the title --- */

static void title_set(struct window *window)
{
    char title[sizeof(window->title)];
    host_mutex_lock(window->machine.lock);
    bool running = window->machine.is_running(window->machine.opaque);
    host_mutex_unlock(window->machine.lock);
    window->menu_stale |= running != window->menu.running;
    window->menu.running = running;
    snprintf(title, sizeof(title), "%s%s - %s", window->machine.name, running ? "" : " [paused]",
             window->grabbed ? "Ctrl-Alt-G releases the pointer" : "Ctrl-Alt-M: menu");
    if (!strcmp(title, window->title))
        return;
    memcpy(window->title, title, sizeof(title));
    window->sdl->SetWindowTitle(window->handle, title);
}

/* --- once a frame --- */

static void look(struct window *window)
{
    SDL_Event event;
    uint64_t now = host_clock_ns();
    bool hidden = window->sdl->GetWindowFlags(window->handle) & (SDL_WINDOW_HIDDEN | SDL_WINDOW_MINIMIZED);
    bool active = false;
    while (window->sdl->PollEvent(&event)) {
        event_handle(window, &event);
        active = true;
    }
    window_motion_flush(window);
    hint_give(window, now);
    title_set(window);
    window_menu_tick(window, now);
    window_clipboard_tick(window);
    if (!hidden)
        active |= window_draw(window);
    uint64_t slower = hidden ? HIDDEN_NS : 2 * window->pause < IDLE_NS ? 2 * window->pause : IDLE_NS;
    window->pause = active ? FRAME_NS : slower;
    /* However long it takes to draw, half of the time is the loop's for others. */
    uint64_t after = host_clock_ns(), cost = after - now;
    host_timer_set(window->timer, after + (cost > window->pause ? cost : window->pause));
}

static void due(void *opaque)
{
    struct window *window = opaque;
    host_mutex_unlock(window->machine.lock);
    look(window);
    host_mutex_lock(window->machine.lock);
}

/* --- life cycle --- */

static bool sdl_start(struct window *window, struct error *err)
{
    const struct sdl *sdl = window->sdl = sdl_load(err);
    if (!sdl)
        return false;
    sdl->SetMainReady();
    sdl->SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    sdl->SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    sdl->SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    sdl->SetHint(SDL_HINT_MOUSE_FOCUS_CLICKTHROUGH, "1");
    if (sdl->InitSubSystem(SDL_INIT_VIDEO) == 0)
        return true;
    error_set(err, ERROR_HOST, "no window can be opened: %s (use --display vnc=:1 or none)", sdl->GetError());
    window->sdl = NULL;
    return false;
}

static bool parts_create(struct window *window, struct error *err)
{
    const struct sdl *sdl = window->sdl;
    uint32_t flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI;
    window->handle =
        sdl->CreateWindow(window->machine.name, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED,
                          (int)(640 * window->config.scale), (int)(480 * window->config.scale), flags);
    /* Not in step with the screen: waiting for it would hold up the event loop. */
    window->renderer = window->handle ? sdl->CreateRenderer(window->handle, -1, 0) : NULL;
    if (!window->renderer)
        return error_set(err, ERROR_HOST, "no window can be opened: %s (use --display vnc=:1 or none)",
                         sdl->GetError());
    sdl->SetWindowMinimumSize(window->handle, LEAST_WIDTH, LEAST_HEIGHT);
    sdl->StopTextInput();
    if (window->machine.input)
        window->typist = typist_create(window->machine.loop, window->machine.input, err);
    if (window->machine.input && !window->typist)
        return false;
    window->timer = host_timer_create(window->machine.loop, due, window, err);
    return window->timer != NULL;
}

struct window *window_create(const struct ui_machine *machine, const struct window_config *config,
                             struct error *err)
{
    struct window *window = calloc(1, sizeof(*window));
    if (!window)
        abort();
    window->machine = *machine;
    window->config = *config;
    window->held.input = machine->input;
    window->menu.running = true;
    if (!sdl_start(window, err) || !parts_create(window, err)) {
        window_destroy(window);
        return NULL;
    }
    host_mutex_lock(machine->lock);
    changes_attach(&window->changes, machine->display);
    host_mutex_unlock(machine->lock);
    window->attached = true;
    if (config->full_screen)
        window_full_screen(window, true);
    title_set(window);
    host_timer_set(window->timer, host_clock_ns());
    return window;
}

void window_destroy(struct window *window)
{
    if (!window)
        return;
    host_mutex_lock(window->machine.lock);
    if (window->attached)
        changes_detach(&window->changes);
    held_release_all(&window->held);
    typist_destroy(window->typist);
    host_timer_destroy(window->timer);
    host_mutex_unlock(window->machine.lock);
    if (window->sdl) {
        log_info("window: %llu frames were drawn", (unsigned long long)window->frames);
        window_draw_end(window);
        if (window->renderer)
            window->sdl->DestroyRenderer(window->renderer);
        if (window->handle)
            window->sdl->DestroyWindow(window->handle);
        window->sdl->QuitSubSystem(SDL_INIT_VIDEO);
    }
    free(window);
}

#else

bool window_possible(void)
{
    return false;
}

struct window *window_create(const struct ui_machine *machine, const struct window_config *config,
                             struct error *err)
{
    (void)machine, (void)config;
    error_set(err, ERROR_HOST,
              "no window: the program was built without SDL2 (install libsdl2-dev and build again)");
    return NULL;
}

void window_destroy(struct window *window)
{
    (void)window;
}

#endif
