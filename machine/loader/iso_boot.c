/* What a CD says about the machines it starts: its El Torito record, and the programs EFI firmware looks for.
 */
#include <string.h>

#include "base/bits.h"
#include "machine/loader/iso9660.h"

/* El Torito 2.0. */
#define BOOT_SYSTEM     "EL TORITO SPECIFICATION"
#define BOOT_SYSTEM_AT  7
#define BOOT_CATALOG_AT 0x47
#define ENTRY_BOOTABLE  0x88
#define PLATFORM_X86    0

#define VOLUME_SIZE_AT 80
#define PADDING_MAX    (150 * ISO_SECTOR)

/* UEFI 3.5.1.1: where firmware looks on a medium that can be removed. */
static const struct {
    const char *path;
    enum guest_arch arch;
} efi_programs[] = {
    {"/EFI/BOOT/BOOTX64.EFI", GUEST_X86_64},
    {"/EFI/BOOT/BOOTAA64.EFI", GUEST_AARCH64},
    {"/EFI/BOOT/BOOTRISCV64.EFI", GUEST_RISCV64},
};

static bool catalog_find(const struct source *source, uint64_t *at)
{
    uint8_t descriptor[ISO_SECTOR];
    for (unsigned i = 0; i < ISO_DESCRIPTORS_MAX; i++) {
        if (!iso_descriptor_read(source, i, descriptor, NULL) || descriptor[0] == ISO_DESCRIPTOR_LAST)
            return false;
        *at = (uint64_t)le32_load(descriptor + BOOT_CATALOG_AT) * ISO_SECTOR;
        if (descriptor[0] == ISO_DESCRIPTOR_BOOT &&
            memcmp(descriptor + BOOT_SYSTEM_AT, BOOT_SYSTEM, strlen(BOOT_SYSTEM)) == 0)
            return true;
    }
    return false;
}

/* The validation entry names the platform of the entry behind it. */
static bool starts_from_bios(const struct source *source)
{
    uint8_t entries[64];
    uint64_t catalog;
    return catalog_find(source, &catalog) && source_read(source, catalog, entries, sizeof(entries), NULL) &&
           entries[0] == 1 && entries[1] == PLATFORM_X86 && le16_load(entries + 30) == 0xaa55 &&
           entries[32] == ENTRY_BOOTABLE;
}

bool iso_arch_find(const struct iso *iso, enum guest_arch *arch)
{
    struct iso_file file;
    *arch = GUEST_X86_64;
    if (starts_from_bios(iso->source))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(efi_programs); i++) {
        *arch = efi_programs[i].arch;
        if (iso_find(iso, efi_programs[i].path, &file, NULL))
            return true;
    }
    return false;
}

/* Where the volume ends by its descriptor (ECMA-119, 8.4.8); what fills up the last track may be missing. */
static bool complete(const struct iso *iso, struct error *err)
{
    uint8_t descriptor[ISO_SECTOR];
    const struct source *source = iso->source;
    if (!iso_descriptor_read(source, 0, descriptor, err))
        return false;
    uint64_t size = (uint64_t)le32_load(descriptor + VOLUME_SIZE_AT) * iso->block_size;
    if (size <= source->size + PADDING_MAX)
        return true;
    return error_set(err, ERROR_IMAGE, "%s is truncated: it has %llu bytes, and its volume has %llu",
                     source->path, (unsigned long long)source->size, (unsigned long long)size);
}

bool iso_start_check(const struct iso *iso, bool by_firmware, struct error *err)
{
    uint64_t catalog;
    if (!complete(iso, err))
        return false;
    if (!by_firmware || catalog_find(iso->source, &catalog))
        return true;
    return error_set(
        err, ERROR_IMAGE,
        "%s has no boot record, so no firmware starts it: with --firmware none its boot menu's kernel is "
        "started, and --kernel %s:/PATH names one in it",
        iso->source->path, iso->source->path);
}
