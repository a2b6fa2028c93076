/* vm-cli: finds the subcommand. */
#include <string.h>

#include "base/types.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/parse.h"

static int help_command(int count, char **words);

static const struct command commands[] = {
    {"run", "start a guest", run_command},
    {"hvt", "run a Solo5 unikernel, with solo5-hvt's options", hvt_command},
    {"info", "what this program and this host offer; or, of an image, how it would be started", info_command},
    {"help", "this text", help_command},
};

static int help_command(int count, char **words)
{
    if (count > 0 && strcmp(words[0], "run") == 0)
        help_run(stdout);
    else
        help_commands(stdout, commands, ARRAY_LEN(commands));
    return EXIT_STATUS_OK;
}

static int unknown_command(const char *word)
{
    const char *names[ARRAY_LEN(commands)];
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        names[i] = commands[i].name;
    const char *near = nearest_word(word, names, ARRAY_LEN(names));
    if (near)
        fprintf(stderr, "vm-cli: there is no command %s: did you mean %s?\n", word, near);
    else
        fprintf(stderr, "vm-cli: there is no command %s: vm-cli help lists them\n", word);
    return EXIT_STATUS_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help_commands(stderr, commands, ARRAY_LEN(commands));
        return EXIT_STATUS_USAGE;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help_command(0, NULL);
    if (strcmp(argv[1], "--version") == 0) {
        printf("vm-cli " TRIARCH_VERSION "\n");
        return EXIT_STATUS_OK;
    }
    return unknown_command(argv[1]);
}
