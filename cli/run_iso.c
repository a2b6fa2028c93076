#include "cli/run_iso.h"

#include <string.h>

#include "base/log.h"
#include "cli/parse.h"

enum firmware_kind disk_firmware(enum guest_arch arch)
{
    static const enum firmware_kind kinds[GUEST_ARCH_COUNT] = {
        [GUEST_RISCV64] = FIRMWARE_EDK2_RISCV64,
        [GUEST_X86_64] = FIRMWARE_SEABIOS,
        [GUEST_AARCH64] = FIRMWARE_EDK2_AARCH64,
    };
    return kinds[arch];
}

bool iso_kernel_find(const struct iso *iso, struct image_info *info, struct boot_entry *entry,
                     struct source *kernel, struct error *err)
{
    struct iso_file file;
    info->arch_known = iso_arch_find(iso, &info->arch);
    if (!boot_menu_find(iso, entry, err) || !iso_find(iso, entry->kernel, &file, err))
        return false;
    *kernel = *iso->source;
    kernel->start += file.offset;
    kernel->size = file.size;
    return true;
}

/* What is started without firmware; *info gets the architecture of it, or else of the CD. */
static bool kernel_look(const struct iso *iso, struct image_info *info, struct boot_entry *entry,
                        const char **name, struct error *err)
{
    struct source kernel;
    struct image_info inside;
    if (!iso_kernel_find(iso, info, entry, &kernel, err))
        return false;
    kernel.path = *name = text_keep("%s:%s", iso->source->path, entry->kernel);
    if (!image_detect(&kernel, &inside, err))
        return false;
    if (inside.arch_known)
        *info = inside;
    return true;
}

static bool iso_choose(struct run_options *options, const struct iso *iso, struct image_info *info,
                       struct error *err)
{
    struct boot_entry entry;
    struct error menu_error;
    char found[FIRMWARE_PATH_MAX];
    const char *path = iso->source->path, *kernel = NULL;
    const char *firmware = options->firmware ? options->firmware : "auto";
    bool readable = kernel_look(iso, info, &entry, &kernel, &menu_error);
    info->kind = IMAGE_ISO;
    bool direct = strcmp(firmware, "none") == 0 || strcmp(firmware, "builtin") == 0 ||
                  (strcmp(firmware, "auto") == 0 && info->arch_known &&
                   !firmware_find(disk_firmware(info->arch), found));
    if (!iso_start_check(iso, !direct, err))
        return false;
    if (!direct)
        return true;
    if (!readable)
        return error_set(err, menu_error.kind, "%s", menu_error.text);
    log_info("boot menu: %s: %s", entry.title, entry.kernel);
    options->kernel = kernel;
    options->firmware = "builtin";
    if (entry.initrd[0] && !options->initrd)
        options->initrd = text_keep("%s:%s", path, entry.initrd);
    options->append =
        options->append ? text_keep("%s %s", entry.append, options->append) : text_keep("%s", entry.append);
    return true;
}

bool iso_start(struct run_options *options, struct image_info *info, struct error *err)
{
    struct source source;
    struct iso iso;
    const char *path = options->kernel;
    if (options->cdroms.count == OPTION_LIST_MAX)
        return error_set(err, ERROR_USAGE, "there are too many --cdrom options for %s to be one more", path);
    options->cdroms.items[options->cdroms.count++] = path;
    options->kernel = NULL;
    *info = (struct image_info){.kind = IMAGE_ISO};
    if (!source_open(&source, path, NULL, err))
        return false;
    bool ok = iso_open(&iso, &source, err) && iso_choose(options, &iso, info, err);
    source_close(&source);
    return ok;
}
