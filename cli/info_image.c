/* vm-cli info IMAGE: what a file is, and which architecture, mode and boot method it would get. */
#include "cli/info_image.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "cli/run_iso.h"
#include "machine/loader/compress.h"
#include "modes/mode.h"

/* What vm-cli does with a kind of image: the option it is given to, and how it starts. */
struct use {
    const char *option;
    const char *boot;
    bool guest; /* it starts a machine; else it is a part of one */
};

static const struct use uses[IMAGE_KIND_COUNT] = {
    [IMAGE_UNKNOWN] = {"kernel", "if it is a program, from its first byte, where the board's programs begin",
                       true},
    [IMAGE_ELF] = {"kernel", "at its entry point, without firmware", true},
    [IMAGE_SOLO5] = {"kernel", "by Solo5's rules, as `vm-cli hvt` does", true},
    [IMAGE_LINUX] = {"kernel", "by Linux's boot protocol, with a device tree", true},
    [IMAGE_BZIMAGE] = {"kernel", "by Linux's 64-bit boot protocol, without firmware", true},
    [IMAGE_MULTIBOOT] = {"kernel", "by the multiboot protocol, without firmware", true},
    [IMAGE_PE] = {"kernel", "by EFI firmware", true},
    [IMAGE_FLASH] = {"firmware", "as the machine's firmware, in its flash", true},
    [IMAGE_ISO] = {"kernel", "as a CD", true},
    [IMAGE_QCOW2] = {"disk", "as a disk, by firmware", true},
    [IMAGE_DISK] = {"disk", "as a disk, by firmware", true},
    [IMAGE_FDT] = {"dtb", "with a kernel, as its device tree", false},
    [IMAGE_CPIO] = {"initrd", "with a kernel, as its first file system", false},
};

static void menu_print(const char *path, const struct boot_entry *entry)
{
    printf("  menu:         %s\n                %s:%s\n", entry->title, path, entry->kernel);
    if (entry->initrd[0])
        printf("                --initrd %s:%s\n", path, entry->initrd);
    if (entry->append[0])
        printf("                --append \"%s\"\n", entry->append);
}

/* The kernel that a CD's menu names says for which architecture the CD is. */
static bool iso_look(const struct source *source, struct image_info *info, struct boot_entry *entry)
{
    struct iso iso;
    struct source kernel;
    struct image_info inside = {.arch_known = false};
    if (!iso_open(&iso, source, NULL) || !iso_kernel_find(&iso, info, entry, &kernel, NULL))
        return false;
    if (image_detect(&kernel, &inside, NULL) && inside.arch_known) {
        info->arch_known = true;
        info->arch = inside.arch;
    }
    return true;
}

static void firmware_print(const struct image_info *info)
{
    char path[FIRMWARE_PATH_MAX];
    bool efi = info->kind == IMAGE_PE && info->arch == GUEST_X86_64; /* not what starts disks there */
    enum firmware_kind kind = efi ? FIRMWARE_OVMF : disk_firmware(info->arch);
    if (firmware_find(kind, path))
        printf("  firmware:     %s (%s)\n", firmware_name(kind), path);
    else
        printf("  firmware:     %s is not found: --firmware FILE gives one\n", firmware_name(kind));
}

static void use_print(const char *path, const struct image_info *info)
{
    const struct use *use = &uses[info->kind];
    bool disk = info->kind == IMAGE_DISK || info->kind == IMAGE_QCOW2;
    const struct mode *mode = mode_find("auto", &(struct machine_config){.arch = info->arch}, info, NULL);
    if (use->option && use->guest)
        printf("  mode:         %s\n", mode ? mode->name : "none that is built in");
    if (!use->option) {
        printf("  boot:         none: no machine starts it\n");
        return;
    }
    printf("  boot:         %s\n", use->boot);
    if (info->arch_known && (disk || info->kind == IMAGE_ISO || info->kind == IMAGE_PE))
        firmware_print(info);
    printf("  start with:   vm-cli run%s --%s %s\n",
           !use->guest        ? " --kernel KERNEL"
           : info->arch_known ? ""
                              : " --arch ARCHITECTURE",
           use->option, path);
}

static bool source_look(const char *path, struct source *source, struct error *err)
{
    struct image_info outside, info;
    struct boot_entry entry;
    if (!image_detect(source, &outside, err) || !source_unpack(source, err) ||
        !image_detect(source, &info, err))
        return false;
    bool menu = info.kind == IMAGE_ISO && iso_look(source, &info, &entry);
    printf("%s: %s", path, image_kind_name(outside.kind));
    if (outside.kind != info.kind)
        printf(", in it %s", image_kind_name(info.kind));
    printf("\n  architecture: %s\n", info.arch_known ? guest_arch_name(info.arch) : "it doesn't say");
    use_print(path, &info);
    if (menu)
        menu_print(path, &entry);
    return true;
}

bool info_image(const char *path, struct error *err)
{
    struct source source;
    if (!source_open(&source, path, NULL, err))
        return false;
    bool ok = source_look(path, &source, err);
    source_close(&source);
    return ok;
}
