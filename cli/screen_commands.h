/*
 * What the monitor can do with a machine's screen and keyboard: screenshot, sendkey, type.
 */
#pragma once

#include "debug/monitor.h"
#include "machine/machine_run.h"
#include "ui/typist.h"

struct screen_commands {
    struct machine_run *run;
    struct typist *typist; /* NULL: there is no keyboard */
};

extern const struct monitor_command screen_command_table[];
extern const size_t screen_command_count;
