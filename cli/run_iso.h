/*
 * A CD given as the kernel: firmware starts it where there is some; without, the kernel that its boot menu
 * names is started directly, with the CD as a disk.
 */
#pragma once

#include "cli/options.h"
#include "machine/firmware.h"
#include "machine/loader/boot_menu.h"
#include "machine/loader/detect.h"

/*
 * options->kernel is an ISO image: it becomes a CD-ROM drive, and options->kernel, initrd and append are set
 * where it is started directly. *info says what is known of its kernel's architecture. False and err.
 */
bool iso_start(struct run_options *options, struct image_info *info, struct error *err);

/* The firmware that an architecture's machines start disks and CDs with. */
enum firmware_kind disk_firmware(enum guest_arch arch);

/*
 * What a CD says of itself: its architecture by its boot record (into *info), its menu's default entry, and
 * that entry's kernel, which is read through the CD's own source. False and err when there is no such kernel.
 */
bool iso_kernel_find(const struct iso *iso, struct image_info *info, struct boot_entry *entry,
                     struct source *kernel, struct error *err);
