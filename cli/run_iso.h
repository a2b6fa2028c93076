/*
 * A CD given as the kernel: firmware starts it where there is some; without, the kernel that its boot menu
 * names is started directly, with the CD as a disk.
 */
#pragma once

#include "cli/options.h"
#include "machine/loader/detect.h"

/*
 * options->kernel is an ISO image: it becomes a CD-ROM drive, and options->kernel, initrd and append are set
 * where it is started directly. *info says what is known of its kernel's architecture. False and err.
 */
bool iso_start(struct run_options *options, struct image_info *info, struct error *err);
