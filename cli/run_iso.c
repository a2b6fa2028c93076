#include "cli/run_iso.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "machine/firmware.h"
#include "machine/loader/boot_menu.h"

/* The firmware that starts CDs on each architecture's board. */
static bool firmware_found(enum guest_arch arch)
{
    char path[FIRMWARE_PATH_MAX];
    switch (arch) {
    case GUEST_RISCV64: return firmware_find(FIRMWARE_EDK2_RISCV64, path);
    case GUEST_AARCH64: return firmware_find(FIRMWARE_EDK2_AARCH64, path);
    case GUEST_X86_64: return firmware_find(FIRMWARE_SEABIOS, path);
    default: return false;
    }
}

/* For the program's life: options hold pointers. */
static const char *text_keep(const char *before, const char *between, const char *after)
{
    char *text = NULL;
    if (asprintf(&text, "%s%s%s", before, between, after) < 0)
        abort();
    return text;
}

/* The menu's default entry; and for which architecture the CD is, in case its kernel doesn't say. */
static bool menu_read(const char *path, struct boot_entry *entry, struct image_info *info, struct error *err)
{
    struct source source;
    struct iso iso;
    if (!source_open(&source, path, NULL, err))
        return false;
    bool ok = iso_open(&iso, &source, err);
    if (ok)
        info->arch_known = iso_arch_find(&iso, &info->arch);
    ok = ok && boot_menu_find(&iso, entry, err);
    source_close(&source);
    return ok;
}

static bool start_check(const char *path, bool by_firmware, struct error *err)
{
    struct source source;
    struct iso iso;
    if (!source_open(&source, path, NULL, err))
        return false;
    bool ok = iso_open(&iso, &source, err) && iso_start_check(&iso, by_firmware, err);
    source_close(&source);
    return ok;
}

static bool kernel_detect(const char *path, struct image_info *info, struct error *err)
{
    struct source source;
    if (!source_open(&source, path, NULL, err))
        return false;
    bool ok = image_detect(&source, info, err);
    source_close(&source);
    return ok;
}

bool iso_start(struct run_options *options, struct image_info *info, struct error *err)
{
    struct boot_entry entry;
    struct error menu_error;
    const char *path = options->kernel, *firmware = options->firmware ? options->firmware : "auto";
    if (options->cdroms.count == OPTION_LIST_MAX)
        return error_set(err, ERROR_USAGE, "there are too many --cdrom options for %s to be one more", path);
    options->cdroms.items[options->cdroms.count++] = path;
    options->kernel = NULL;
    *info = (struct image_info){.kind = IMAGE_ISO};

    struct image_info inside = {.arch_known = false};
    bool readable = menu_read(path, &entry, info, &menu_error);
    const char *kernel = readable ? text_keep(path, ":", entry.kernel) : NULL;
    if (readable && !kernel_detect(kernel, &inside, &menu_error))
        readable = false;
    if (inside.arch_known)
        *info = inside;
    info->kind = IMAGE_ISO;
    bool direct = strcmp(firmware, "none") == 0 || strcmp(firmware, "builtin") == 0 ||
                  (strcmp(firmware, "auto") == 0 && info->arch_known && !firmware_found(info->arch));
    if (!start_check(path, !direct, err))
        return false;
    if (!direct)
        return true;
    if (!readable)
        return error_set(err, menu_error.kind, "%s", menu_error.text);
    log_info("boot menu: %s: %s", entry.title, entry.kernel);
    options->kernel = kernel;
    options->firmware = "builtin";
    if (entry.initrd[0] && !options->initrd)
        options->initrd = text_keep(path, ":", entry.initrd);
    options->append =
        options->append ? text_keep(entry.append, " ", options->append) : text_keep(entry.append, "", "");
    return true;
}
