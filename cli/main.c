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

static int unknown_command(const char *word)
{
    const char *names[ARRAY_LEN(commands)];
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        names[i] = commands[i].name;
    const char *near = nearest_word(word, names, ARRAY_LEN(names));
    if (near)
        fprintf(stderr, "vm-cli: there is no command %s: did you mean %s?\n", word, near);
    else
        fprintf(stderr, "vm-cli: there is no command \"%s\": vm-cli help lists them\n", word);
    return EXIT_STATUS_USAGE;
}

static const struct command *command_find(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(word, commands[i].name) == 0)
            return &commands[i];
    }
    return NULL;
}

/* Of a command, what its --help says. */
static int help_command(int count, char **words)
{
    static char option[] = "--help";
    const struct command *command = count > 0 ? command_find(words[0]) : NULL;
    if (count > 0 && !command && words[0][0] != '-')
        return unknown_command(words[0]);
    if (command && command->run != help_command)
        return command->run(1, (char *[]){option});
    help_commands(stdout, commands, ARRAY_LEN(commands));
    return EXIT_STATUS_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help_commands(stderr, commands, ARRAY_LEN(commands));
        return EXIT_STATUS_USAGE;
    }
    const struct command *command = command_find(argv[1]);
    if (command)
        return command->run(argc - 2, argv + 2);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help_command(0, NULL);
    if (strcmp(argv[1], "--version") == 0) {
        printf("vm-cli " TRIARCH_VERSION "\n");
        return EXIT_STATUS_OK;
    }
    return unknown_command(argv[1]);
}
