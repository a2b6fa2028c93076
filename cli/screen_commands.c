#include "cli/screen_commands.h"

#include <stdio.h>
#include <string.h>

#include "ui/keys.h"
#include "ui/screenshot.h"

static void say(const struct monitor_output *output, const char *what, const char *text)
{
    char line[sizeof(((struct error *)NULL)->text) + 64];
    snprintf(line, sizeof(line), "%s%s\n", what, text);
    output->print(output->opaque, line);
}

static void screenshot(void *opaque, const char *path, const struct monitor_output *output)
{
    struct screen_commands *commands = opaque;
    struct error err;
    if (!commands->run->display)
        say(output, "this machine has no screen", "");
    else if (!screenshot_write(commands->run->display, &commands->run->machine.lock, path, &err))
        say(output, "", err.text);
}

static void sendkey(void *opaque, const char *text, const struct monitor_output *output)
{
    struct screen_commands *commands = opaque;
    unsigned keys[KEYS_CHORD_MAX], count = keys_of_chord(text, keys);
    if (!commands->typist)
        say(output, "this machine has no keyboard", "");
    else if (!count)
        say(output, "no such keys (write ctrl-alt-delete, f1 or a): ", text);
    else
        typist_press(commands->typist, keys, count);
}

static void type(void *opaque, const char *text, const struct monitor_output *output)
{
    struct screen_commands *commands = opaque;
    if (!commands->typist)
        say(output, "this machine has no keyboard", "");
    else if (typist_type_escaped(commands->typist, text))
        say(output, "some of that has no key on a US keyboard, and was left out", "");
}

const struct monitor_command screen_command_table[] = {
    {"screenshot", "FILE.png", "write what the screen shows", screenshot},
    {"sendkey", "KEY[-KEY...]", "press keys together, as in ctrl-alt-delete", sendkey},
    {"type", "TEXT", "type; \\n is Enter, \\e Escape, \\t Tab", type},
};
const size_t screen_command_count = ARRAY_LEN(screen_command_table);
