/* The subcommands of vm-cli, one file each: they get the words after their name and return the exit status.
 */
#pragma once

struct command {
    const char *name;
    const char *help;
    int (*run)(int count, char **words);
};

int run_command(int count, char **words);
int hvt_command(int count, char **words);
int info_command(int count, char **words);

/* Exit statuses that are not the guest's. */
enum exit_status {
    EXIT_STATUS_OK = 0,
    EXIT_STATUS_HOST = 1,  /* the host refused something */
    EXIT_STATUS_USAGE = 2, /* the command line is wrong */
    EXIT_STATUS_IMAGE = 3, /* an image or a file can't be used */
};
