#include "cli/display.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/parse.h"
#include "host/file.h"

#define SCALE_MAX      8
#define VNC_NUMBER_MAX (65535 - VNC_PORT)
#define LOOPBACK       "127.0.0.1"

struct screen {
    struct window *window;
    struct vnc *vnc;
};

/* --- the option --- */

/* The first line of a file. */
static bool password_read(struct display_choice *choice, const char *path, struct error *err)
{
    struct host_file file;
    char text[VNC_PASSWORD_MAX + 2] = "";
    if (!host_file_open(&file, path, err))
        return false;
    size_t len = file.size < sizeof(text) - 1 ? file.size : sizeof(text) - 1;
    bool ok = host_file_read(&file, 0, text, len, err);
    host_file_close(&file);
    if (!ok)
        return false;
    text[strcspn(text, "\r\n")] = '\0';
    len = strlen(text);
    if (len == 0 || len > VNC_PASSWORD_MAX)
        return error_set(
            err, ERROR_IMAGE,
            "the VNC password in %s has to be one line of 1 to %u characters: VNC knows no longer", path,
            VNC_PASSWORD_MAX);
    memcpy(choice->password, text, len + 1);
    choice->vnc.password = choice->password;
    return true;
}

static bool window_option(struct display_choice *choice, const char *part, struct error *err)
{
    uint64_t scale;
    if (strcmp(part, "fullscreen") == 0) {
        choice->window.full_screen = true;
        return true;
    }
    if (strncmp(part, "scale=", 6) == 0 && parse_number(part + 6, 1, SCALE_MAX, &scale)) {
        choice->window.scale = (unsigned)scale;
        return true;
    }
    return error_set(err, ERROR_USAGE, "--display sdl knows fullscreen and scale=1 to scale=%u, not %s",
                     SCALE_MAX, part);
}

static bool vnc_option(struct display_choice *choice, const char *part, struct error *err)
{
    if (strncmp(part, "password=", 9) == 0)
        return password_read(choice, part + 9, err);
    if (strncmp(part, "listen=", 7) == 0 && part[7] && strlen(part + 7) < sizeof(choice->address)) {
        memcpy(choice->address, part + 7, strlen(part + 7) + 1);
        return true;
    }
    return error_set(err, ERROR_USAGE, "--display vnc knows password=FILE and listen=ADDRESS, not %s", part);
}

static bool kind_set(struct display_choice *choice, const char *name, struct error *err)
{
    static const char *const names[] = {"auto", "sdl", "vnc", "none"};
    uint64_t number;
    if (strcmp(name, "auto") == 0) {
        choice->kind = DISPLAY_AUTO;
    } else if (strcmp(name, "none") == 0) {
        choice->kind = DISPLAY_NONE;
    } else if (strcmp(name, "sdl") == 0) {
        choice->kind = DISPLAY_WINDOW;
    } else if (strncmp(name, "vnc=:", 5) == 0 && parse_number(name + 5, 0, VNC_NUMBER_MAX, &number)) {
        choice->kind = DISPLAY_VNC;
        choice->vnc.port = VNC_PORT + (unsigned)number;
    } else if (strncmp(name, "vnc", 3) == 0) {
        return error_set(err, ERROR_USAGE,
                         "--display %s: write vnc=:N, which listens on port %u + N (N up to %u)", name,
                         VNC_PORT, VNC_NUMBER_MAX);
    } else {
        const char *near = nearest_word(name, names, ARRAY_LEN(names));
        return error_set(err, ERROR_USAGE, "--display %s is not known: use auto, sdl, vnc=:N or none%s%s%s",
                         name, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
    }
    return true;
}

static bool parts_parse(struct display_choice *choice, char *rest, struct error *err)
{
    const char *name = parse_part(&rest);
    if (!kind_set(choice, name ? name : "", err))
        return false;
    for (const char *part; (part = parse_part(&rest)) != NULL;) {
        bool ok =
            choice->kind == DISPLAY_WINDOW ? window_option(choice, part, err)
            : choice->kind == DISPLAY_VNC
                ? vnc_option(choice, part, err)
                : error_set(err, ERROR_USAGE, "--display %s takes no options, and was given %s", name, part);
        if (!ok)
            return false;
    }
    return true;
}

bool display_choice_parse(struct display_choice *choice, const char *text, bool sandboxed, struct error *err)
{
    *choice = (struct display_choice){
        .kind = DISPLAY_AUTO, .sandboxed = sandboxed, .window.scale = 1, .address = LOOPBACK};
    char *copy = text ? strdup(text) : NULL;
    bool ok = !copy || parts_parse(choice, copy, err);
    free(copy);
    choice->vnc.address = choice->address;
    if (ok && choice->kind == DISPLAY_WINDOW && sandboxed)
        return error_set(err, ERROR_USAGE,
                         "--sandbox on has no window: use --display vnc=:1, or leave the sandbox out");
    if (ok && choice->kind == DISPLAY_VNC && !choice->password[0] && strcmp(choice->address, LOOPBACK) != 0)
        log_warn("--display vnc: no password is asked for, and others than this host can connect");
    return ok;
}

static bool window_allowed(const struct display_choice *choice)
{
    return !choice->sandboxed && window_possible();
}

bool display_choice_shows(const struct display_choice *choice)
{
    return choice->kind == DISPLAY_AUTO ? window_allowed(choice) : choice->kind != DISPLAY_NONE;
}

bool display_choice_clipboard(const struct display_choice *choice, const char *text, bool deterministic,
                              bool *shared, struct error *err)
{
    bool shows = display_choice_shows(choice);
    *shared = text && strcmp(text, "on") == 0;
    if (*shared && !shows)
        return error_set(err, ERROR_USAGE,
                         "--clipboard on: nobody shows the screen, so there is no clipboard to share (use "
                         "--display sdl or vnc=:1 as well)");
    if (*shared || (text && strcmp(text, "off") == 0))
        return true;
    /* A guest that is not trusted doesn't get to see what is copied on the host. */
    *shared = shows && !choice->sandboxed && !deterministic;
    return !text || strcmp(text, "auto") == 0 ||
           error_set(err, ERROR_USAGE, "--clipboard is auto, on or off, not %s", text);
}

/* --- the machine, as the screen sees it --- */

static bool machine_runs(void *opaque)
{
    return machine_run_state(opaque) == MACHINE_RUNNING;
}

static void machine_stop(void *opaque)
{
    machine_pause(opaque);
}

static void machine_go_on(void *opaque)
{
    machine_resume(opaque);
}

static void machine_restart(void *opaque)
{
    machine_reset_request(opaque);
}

static bool machine_ask_off(void *opaque)
{
    return machine_power_button(opaque);
}

static void machine_quit(void *opaque)
{
    machine_end(opaque, 0);
}

static struct ui_machine seen_machine(struct machine_run *run, const char *name)
{
    return (struct ui_machine){.name = name,
                               .loop = run->machine.loop,
                               .lock = &run->machine.lock,
                               .display = run->display,
                               .input = run->input,
                               .clipboard = run->clipboard,
                               .is_running = machine_runs,
                               .pause = machine_stop,
                               .resume = machine_go_on,
                               .reset = machine_restart,
                               .power_button = machine_ask_off,
                               .quit = machine_quit,
                               .opaque = run};
}

/* --- opening --- */

/* Without being told to, a window is opened where that works; where not, the user is told what is left. */
static bool window_try(struct screen *screen, const struct ui_machine *machine,
                       const struct display_choice *choice)
{
    struct error err = {.text = "this host has no display"};
    if (choice->sandboxed)
        error_set(&err, ERROR_USAGE, "there is no window in the sandbox");
    else if (window_possible())
        screen->window = window_create(machine, &choice->window, &err);
    if (!screen->window)
        log_warn(
            "the guest's screen is not shown (%s): its console is the serial port; --display vnc=:1 serves "
            "the screen, --display none says nothing",
            err.text);
    return true;
}

static bool screen_open_kind(struct screen *screen, const struct ui_machine *machine,
                             const struct display_choice *choice, struct error *err)
{
    switch (choice->kind) {
    case DISPLAY_WINDOW:
        screen->window = window_create(machine, &choice->window, err);
        return screen->window != NULL;
    case DISPLAY_VNC: screen->vnc = vnc_create(machine, &choice->vnc, err); return screen->vnc != NULL;
    case DISPLAY_AUTO: return !machine->display || window_try(screen, machine, choice);
    case DISPLAY_NONE: break;
    }
    return true;
}

struct screen *screen_open(struct machine_run *run, const struct display_choice *choice, const char *name,
                           struct error *err)
{
    bool asked = choice->kind == DISPLAY_WINDOW || choice->kind == DISPLAY_VNC;
    if (asked && !run->display) {
        error_set(err, ERROR_USAGE, "--display: this machine has no screen (use --display none)");
        return NULL;
    }
    struct screen *screen = machine_alloc(sizeof(*screen));
    struct ui_machine machine = seen_machine(run, name);
    if (screen_open_kind(screen, &machine, choice, err))
        return screen;
    free(screen);
    return NULL;
}

void screen_close(struct screen *screen)
{
    if (!screen)
        return;
    window_destroy(screen->window);
    vnc_destroy(screen->vnc);
    free(screen);
}
