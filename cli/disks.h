/* The disks and CDs of a machine, as options name them: FILE and keys after commas. */
#pragma once

#include "cli/options.h"
#include "machine/config.h"

#define DISKS_MAX (2 * OPTION_LIST_MAX)

/*
 * Fill in `disks` (room for DISKS_MAX) from --disk and --cdrom, and with them the configuration, whose
 * architecture and transport are known. What they point to lives as long as the program. False and err
 * (ERROR_USAGE).
 */
bool disks_parse(const struct run_options *options, struct machine_config *config, struct disk_config *disks,
                 struct error *err);
