#include "cli/automation.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "devices/input/input.h"
#include "host/clock.h"
#include "ui/screenshot.h"
#include "ui/typist.h"

#define NS_PER_SECOND 1000000000.0
#define SECONDS_MOST  1e6

struct action {
    struct automation *automation;
    struct host_timer *timer;
    const char *text; /* the file's name, or what is to be typed */
    bool photograph;
};

struct automation {
    struct machine_run *run;
    struct typist *typist; /* NULL: there is no keyboard */
    struct action actions[2 * OPTION_LIST_MAX];
    unsigned count;
};

static void due(void *opaque)
{
    struct action *action = opaque;
    struct machine_run *run = action->automation->run;
    struct error err;
    if (!action->photograph)
        typist_type_escaped(action->automation->typist, action->text);
    else if (!screenshot_write(run->display, &run->machine.lock, action->text, &err))
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
    if (run->input) {
        automation->typist = typist_create(run->machine.loop, run->input, err);
        ok = automation->typist != NULL;
    }
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
    typist_destroy(automation->typist);
    free(automation);
}
