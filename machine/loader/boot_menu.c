#include "machine/loader/boot_menu.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

#define CONFIG_MAX (1 * MIB)

/* Where the two boot loaders look, in order. */
static const char *const isolinux_places[] = {
    "/isolinux/isolinux.cfg", "/boot/isolinux/isolinux.cfg", "/isolinux.cfg",
    "/syslinux/syslinux.cfg", "/boot/syslinux/syslinux.cfg", "/syslinux.cfg"};
static const char *const grub_places[] = {"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/EFI/BOOT/grub.cfg",
                                          "/EFI/debian/grub.cfg", "/grub/grub.cfg"};

static char *iso_text_read(void *opaque, const char *path)
{
    const struct iso *iso = opaque;
    struct iso_file file;
    if (!iso_find(iso, path, &file, NULL) || file.directory || file.size > CONFIG_MAX)
        return NULL;
    char *text = malloc(file.size + 1);
    if (!text || !source_read(iso->source, file.offset, text, file.size, NULL)) {
        free(text);
        return NULL;
    }
    text[file.size] = '\0';
    return text;
}

bool boot_menu_find(const struct iso *iso, struct boot_entry *entry, struct error *err)
{
    struct iso copy = *iso;
    const struct menu_files files = {iso_text_read, &copy};
    for (size_t i = 0; i < ARRAY_LEN(isolinux_places); i++) {
        if (isolinux_menu_find(&files, isolinux_places[i], entry))
            return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(grub_places); i++) {
        if (grub_menu_find(&files, grub_places[i], entry))
            return true;
    }
    return error_set(
        err, ERROR_IMAGE,
        "%s has no isolinux or GRUB menu that starts a Linux kernel: start it through firmware, or give "
        "its kernel with --kernel %s:/PATH",
        iso->source->path, iso->source->path);
}
