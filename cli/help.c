#include "cli/help.h"

#include <string.h>

#include "cli/options.h"

#define HELP_COLUMN 30
#define HELP_WIDTH  100

void help_commands(FILE *to, const struct command *commands, size_t count)
{
    fprintf(to, "vm-cli " TRIARCH_VERSION
                ": runs riscv64, aarch64 and x86_64 machines\n\nusage: vm-cli COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < count; i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].help);
    fprintf(to, "\n`vm-cli run --help` lists the options and shows examples.\n");
}

/* Words broken into lines that start at the help's column. */
static void text_print(FILE *to, const char *text, int column)
{
    for (const char *word = text; *word;) {
        int len = (int)strcspn(word, " ");
        if (column + 1 + len > HELP_WIDTH) {
            fprintf(to, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        column += fprintf(to, "%s%.*s", column == HELP_COLUMN ? "" : " ", len, word);
        word += len;
        word += strspn(word, " ");
    }
    fprintf(to, "\n");
}

static void option_print(FILE *to, const struct option *option)
{
    int column = fprintf(to, "  --%s%s%s", option->name, option->argument ? " " : "",
                         option->argument ? option->argument : "");
    if (column >= HELP_COLUMN) {
        fprintf(to, "\n");
        column = 0;
    }
    fprintf(to, "%*s", HELP_COLUMN - column, "");
    text_print(to, option->help, HELP_COLUMN);
}

void help_run(FILE *to)
{
    const char *group = "";
    fprintf(to, "usage: vm-cli run [OPTIONS]\n\n"
                "Starts a guest. With no kernel, disk or CD it is the built-in demo.\n");
    for (size_t i = 0; i < run_option_count; i++) {
        const struct option *option = &run_option_table[i];
        if (strcmp(group, option->group) != 0)
            fprintf(to, "\n%s:\n", option->group);
        group = option->group;
        option_print(to, option);
    }
    fprintf(
        to,
        "\nOn the terminal, Ctrl-A is the escape: Ctrl-A x ends the machine, Ctrl-A c is the monitor,\n"
        "Ctrl-A h lists the keys.\n\n"
        "Exit status: the guest's own where it gives one, 0 for a power-off, 1 for a failure of the host,\n"
        "2 for a wrong command line, 3 for a file that can't be used, 4 for a guest that died, 124 for\n"
        "--timeout.\n\n"
        "Examples:\n"
        "  vm-cli run\n"
        "  vm-cli run --kernel linux --initrd initrd.gz --memory 1G --cpus 4\n"
        "  vm-cli run --kernel linux --append \"root=/dev/vda1\" --disk debian.qcow2 \\\n"
        "             --net user,hostfwd=tcp::2222-:22\n"
        "  vm-cli run --firmware RISCV_VIRT_CODE.fd --firmware-vars vars.fd --cdrom debian.iso\n"
        "  vm-cli run --kernel u-boot.bin --disk disk.img\n"
        "  vm-cli run --firmware none --kernel test.elf --timeout 10\n");
}
