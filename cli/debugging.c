#include "cli/debugging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/gdb_server.h"
#include "cli/screen_commands.h"
#include "debug/monitor.h"
#include "machine/device_print.h"

#define LINE_MAX_LEN 200
#define PROMPT       "(vm-cli) "

#define KEY_BACKSPACE 0x08
#define KEY_DELETE    0x7f
#define KEY_KILL      0x15 /* Ctrl-U */
#define KEY_END       0x04 /* Ctrl-D */

/* The monitor on the terminal that is the guest's console: Ctrl-A c takes the keys away from the guest and
 * gives them back. */
struct debugging {
    struct vm *vm;
    struct machine_run *run;
    struct monitor monitor;
    bool open;
    size_t len;
    char line[LINE_MAX_LEN + 1];
    struct gdb_server *gdb;
    struct screen_commands screen;
};

static void terminal_write(struct debugging *debugging, const char *text, size_t len)
{
    char_write(debugging->run->console, (const uint8_t *)text, len);
}

/* The terminal is in raw mode: a new line starts with a carriage return. */
static void terminal_print(void *opaque, const char *text)
{
    for (;;) {
        size_t len = strcspn(text, "\n");
        terminal_write(opaque, text, len);
        if (!text[len])
            return;
        terminal_write(opaque, "\r\n", 2);
        text += len + 1;
    }
}

static void line_done(struct debugging *debugging)
{
    debugging->line[debugging->len] = '\0';
    debugging->len = 0;
    terminal_print(debugging, "\n");
    monitor_command(&debugging->monitor, debugging->line, terminal_print, debugging);
    terminal_print(debugging, PROMPT);
}

static void line_key(struct debugging *debugging, uint8_t key)
{
    char echo = (char)key;
    if (key == '\r' || key == '\n') {
        line_done(debugging);
    } else if ((key == KEY_BACKSPACE || key == KEY_DELETE) && debugging->len) {
        debugging->len--;
        terminal_print(debugging, "\b \b");
    } else if (key == KEY_KILL) {
        while (debugging->len)
            line_key(debugging, KEY_DELETE);
    } else if (key >= ' ' && key < KEY_DELETE && debugging->len < LINE_MAX_LEN) {
        debugging->line[debugging->len++] = echo;
        terminal_write(debugging, &echo, 1);
    }
}

static void monitor_open(struct debugging *debugging, bool open);

static void keys_take(void *opaque, const uint8_t *bytes, size_t len)
{
    struct debugging *debugging = opaque;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == KEY_END)
            monitor_open(debugging, false);
        else
            line_key(debugging, bytes[i]);
    }
}

static void monitor_open(struct debugging *debugging, bool open)
{
    debugging->open = open;
    debugging->len = 0;
    char_stdio_divert(debugging->run->console, open ? keys_take : NULL, debugging);
    terminal_print(debugging, open ? "\nthe monitor: help lists its commands, Ctrl-A c goes back\n" PROMPT
                                   : "\nback in the guest\n");
}

static void escape_command(void *opaque, char key)
{
    struct debugging *debugging = opaque;
    if (key == 'c')
        monitor_open(debugging, !debugging->open);
}

static void gdb_monitor(void *opaque, const char *text, void (*print)(void *print_opaque, const char *line),
                        void *print_opaque)
{
    struct debugging *debugging = opaque;
    monitor_command(&debugging->monitor, text, print, print_opaque);
}

static void devices_show(void *opaque, const char *name, void (*print)(void *print_opaque, const char *text),
                         void *print_opaque)
{
    struct debugging *debugging = opaque;
    machine_devices_print(&debugging->run->machine, name, print, print_opaque);
}

static void vm_show(void *opaque, void (*print)(void *print_opaque, const char *text), void *print_opaque)
{
    const struct vm *vm = ((struct debugging *)opaque)->vm;
    char line[160];
    snprintf(line, sizeof(line), "%u %s: mode %s, %s\n", vm->id, vm->name, vm->mode->name,
             machine_state_name(vm_state(vm)));
    print(print_opaque, line);
}

struct debugging *debugging_create(struct vm *vm, const struct run_options *options, struct error *err)
{
    struct debugging *debugging = machine_alloc(sizeof(*debugging));
    struct machine_run *run = vm->run;
    debugging->vm = vm;
    debugging->run = run;
    debugging->monitor = (struct monitor){.target = &run->debug,
                                          .vm = vm_show,
                                          .devices = devices_show,
                                          .opaque = debugging,
                                          .added = screen_command_table,
                                          .added_count = screen_command_count,
                                          .added_opaque = &debugging->screen};
    debugging->screen.run = run;
    if (run->input)
        debugging->screen.typist = typist_create(run->machine.loop, run->input, err);
    if (run->input && !debugging->screen.typist) {
        debugging_destroy(debugging);
        return NULL;
    }
    char_stdio_escape_set(run->console, escape_command, debugging);
    if (!options->gdb)
        return debugging;
    struct gdb_server_config config = {.run = run,
                                       .port = options->gdb[0] ? options->gdb : GDB_PORT_DEFAULT,
                                       .command = gdb_monitor,
                                       .opaque = debugging};
    debugging->gdb = gdb_server_create(&config, err);
    if (debugging->gdb)
        return debugging;
    debugging_destroy(debugging);
    return NULL;
}

void debugging_destroy(struct debugging *debugging)
{
    if (!debugging)
        return;
    gdb_server_destroy(debugging->gdb);
    typist_destroy(debugging->screen.typist);
    char_stdio_escape_set(debugging->run->console, NULL, NULL);
    char_stdio_divert(debugging->run->console, NULL, NULL);
    free(debugging);
}
