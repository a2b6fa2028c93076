/* Texts for people: the commands, and the options of `run` by group with examples. */
#pragma once

#include <stdio.h>

#include "cli/commands.h"

void help_commands(FILE *to, const struct command *commands, size_t count);
void help_run(FILE *to);
