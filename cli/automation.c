#include "cli/automation.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "devices/input/input.h"
#include "host/clock.h"
#include "ui/screenshot.h"

#define NS_PER_SECOND 1000000000.0
#define KEY_TIME_NS   20000000ull /* between two changes of a key */
#define SECONDS_MOST  1e6

struct action {
    struct automation *automation;
    struct host_timer *timer;
    const char *text; /* the file's name, or what is still to be typed */
    bool photograph;
    bool down; /* the key of the next character is */
};

struct automation {
    struct machine_run *run;
    struct action actions[2 * OPTION_LIST_MAX];
    unsigned count;
};

/* --- keys, as on a US keyboard, by their numbers in Linux --- */

#define KEY_LEFT_SHIFT 42u

static const char plain[] = "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0\0\0 ";
static const char shifted[] = "\0\0!@#$%^&*()_+\0\0QWERTYUIOP{}\0\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0\0\0";

/* 0: there is no such key. */
static unsigned key_of(char c, bool *shift)
{
    for (unsigned i = 1; i < sizeof(plain); i++) {
        *shift = i < sizeof(shifted) && shifted[i] == c;
        if (c && (plain[i] == c || *shift))
            return i;
    }
    return 0;
}

/* The next character, with \n, \t, \e and \\ for what can't be written; how many bytes it took. */
static unsigned character_take(const char *text, char *c)
{
    static const char names[] = "nte\\", values[] = "\n\t\033\\";
    const char *at = text[0] == '\\' && text[1] ? strchr(names, text[1]) : NULL;
    *c = at ? values[at - names] : text[0];
    return at ? 2 : 1;
}

static void type(struct action *action)
{
    struct input *input = action->automation->run->input;
    bool shift;
    char c;
    unsigned len = character_take(action->text, &c);
    unsigned key = key_of(c, &shift);
    action->down = !action->down;
    if (shift && action->down)
        input_key(input, KEY_LEFT_SHIFT, true);
    if (key)
        input_key(input, key, action->down);
    if (shift && !action->down)
        input_key(input, KEY_LEFT_SHIFT, false);
    input_sync(input);
    if (!action->down)
        action->text += len;
    if (*action->text)
        host_timer_set(action->timer, host_clock_ns() + KEY_TIME_NS);
}

/* --- actions --- */

static void due(void *opaque)
{
    struct action *action = opaque;
    struct error err;
    if (!action->photograph)
        type(action);
    else if (!screenshot_write(action->automation->run->display, action->text, &err))
        log_warn("%s", err.text);
}

/* "SECONDS:TEXT" */
static bool action_add(struct automation *automation, const char *spec, bool photograph, struct error *err)
{
    const char *name = photograph ? "screenshot-at" : "type-at";
    char *end;
    double seconds = strtod(spec, &end);
    struct machine_run *run = automation->run;
    if (end == spec || *end != ':' || !(seconds >= 0 && seconds < SECONDS_MOST) || !end[1])
        return error_set(err, ERROR_USAGE, "--%s %s is not SECONDS:%s", name, spec,
                         photograph ? "FILE" : "TEXT");
    if (photograph ? !run->display : !run->input)
        return error_set(err, ERROR_USAGE, "--%s: this machine has no %s", name,
                         photograph ? "screen" : "keyboard");
    struct action *action = &automation->actions[automation->count];
    *action = (struct action){.automation = automation, .text = end + 1, .photograph = photograph};
    action->timer = host_timer_create(run->machine.loop, due, action, err);
    if (!action->timer)
        return false;
    automation->count++;
    host_timer_set(action->timer, host_clock_ns() + (uint64_t)(seconds * NS_PER_SECOND));
    return true;
}

struct automation *automation_create(struct machine_run *run, const struct run_options *options,
                                     struct error *err)
{
    struct automation *automation = machine_alloc(sizeof(*automation));
    bool ok = true;
    automation->run = run;
    for (unsigned i = 0; ok && i < options->screenshots.count; i++)
        ok = action_add(automation, options->screenshots.items[i], true, err);
    for (unsigned i = 0; ok && i < options->typed.count; i++)
        ok = action_add(automation, options->typed.items[i], false, err);
    if (ok)
        return automation;
    automation_destroy(automation);
    return NULL;
}

void automation_destroy(struct automation *automation)
{
    if (!automation)
        return;
    for (unsigned i = 0; i < automation->count; i++)
        host_timer_destroy(automation->actions[i].timer);
    free(automation);
}
