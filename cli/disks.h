/* The disks and CDs of a machine, as options name them: FILE and keys after commas. */
#pragma once

#include "cli/options.h"
#include "machine/config.h"

#define DISKS_MAX (2 * OPTION_LIST_MAX + 1) /* one may be there already */

/*
 * Add what --disk and --cdrom say to the configuration's disks, which are `disks` (room for DISKS_MAX). Its
 * architecture and transport are known. What they point to lives as long as the program. False and err
 * (ERROR_USAGE).
 */
bool disks_parse(const struct run_options *options, struct machine_config *config, struct disk_config *disks,
                 struct error *err);
