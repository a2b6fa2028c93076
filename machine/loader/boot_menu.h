/*
 * What a CD's boot menu starts by default: isolinux's and GRUB's configuration files are read well enough to
 * find the kernel, the initrd and the command line of the entry a user would get by waiting.
 */
#pragma once

#include "machine/loader/iso9660.h"

#define BOOT_MENU_TEXT_MAX 1024

struct boot_entry {
    char title[128];
    char kernel[BOOT_MENU_TEXT_MAX];
    char initrd[BOOT_MENU_TEXT_MAX]; /* "" when there is none */
    char append[BOOT_MENU_TEXT_MAX];
};

/* Find the default entry of an image's menu; paths are from the image's root. False and err: there is no
 * menu, or none of its entries starts a Linux kernel. */
bool boot_menu_find(const struct iso *iso, struct boot_entry *entry, struct error *err);

/* The two kinds of configuration, for tests: `read` gives the text of a file (the caller frees it), or NULL.
 */
struct menu_files {
    char *(*read)(void *opaque, const char *path);
    void *opaque;
};
bool isolinux_menu_find(const struct menu_files *files, const char *path, struct boot_entry *entry);
bool grub_menu_find(const struct menu_files *files, const char *path, struct boot_entry *entry);
