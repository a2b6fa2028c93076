#include "machine/firmware.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/file.h"

#define PLACES_MAX 4

/* In order of preference; a path that is not absolute is below the cache folder, which scripts/fetch fills.
 */
static const struct {
    const char *name;
    const char *places[PLACES_MAX];
} kinds[FIRMWARE_KINDS] = {
    [FIRMWARE_OPENSBI] = {"OpenSBI",
                          {"/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin",
                           "/usr/share/opensbi/lp64/generic/firmware/fw_dynamic.bin",
                           "opensbi/fw_dynamic.bin",
                           "/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin"}},
    [FIRMWARE_EDK2_RISCV64] = {"EDK2 for riscv64",
                               {"/usr/share/qemu-efi-riscv64/RISCV_VIRT_CODE.fd",
                                "/usr/share/edk2/riscv/RISCV_VIRT_CODE.fd", "edk2-riscv64/code.fd"}},
    [FIRMWARE_EDK2_RISCV64_VARS] = {"EDK2 variables for riscv64",
                                    {"/usr/share/qemu-efi-riscv64/RISCV_VIRT_VARS.fd",
                                     "/usr/share/edk2/riscv/RISCV_VIRT_VARS.fd", "edk2-riscv64/vars.fd"}},
    [FIRMWARE_EDK2_AARCH64] = {"EDK2 for aarch64",
                               {"/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd", "/usr/share/AAVMF/AAVMF_CODE.fd",
                                "/usr/share/edk2/aarch64/QEMU_EFI-silent-pflash.raw", "edk2-arm64/code.fd"}},
    [FIRMWARE_EDK2_AARCH64_VARS] = {"EDK2 variables for aarch64",
                                    {"/usr/share/AAVMF/AAVMF_VARS.fd",
                                     "/usr/share/edk2/aarch64/vars-template-pflash.raw",
                                     "edk2-arm64/vars.fd"}},
    [FIRMWARE_SEABIOS] = {"SeaBIOS",
                          {"/usr/share/seabios/bios-256k.bin", "seabios/bios-256k.bin",
                           "/usr/share/qemu/bios-256k.bin"}},
    [FIRMWARE_VGABIOS] = {"the VGA BIOS",
                          {"/usr/share/seabios/vgabios-stdvga.bin", "seabios/vgabios.bin",
                           "/usr/share/qemu/vgabios-stdvga.bin"}},
    [FIRMWARE_OVMF] = {"EDK2 for x86_64",
                       {"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE.fd",
                        "/usr/share/edk2/x64/OVMF_CODE.4m.fd", "ovmf/code.fd"}},
    [FIRMWARE_OVMF_VARS] = {"EDK2 variables for x86_64",
                            {"/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd",
                             "/usr/share/edk2/x64/OVMF_VARS.4m.fd", "ovmf/vars.fd"}},
};

const char *firmware_name(enum firmware_kind kind)
{
    return kinds[kind].name;
}

bool firmware_path_keep(char to[static FIRMWARE_PATH_MAX], const char *path, struct error *err)
{
    if ((size_t)snprintf(to, FIRMWARE_PATH_MAX, "%s", path) < FIRMWARE_PATH_MAX)
        return true;
    return error_set(err, ERROR_USAGE, "a file name of more than %u characters can't be used",
                     FIRMWARE_PATH_MAX);
}

/* A path below $TRIARCH_CACHE, or below triarch in the user's cache folder. False: neither is known, or the
 * path is too long. */
static bool cached_path(const char *place, char *path)
{
    const char *cache = getenv("TRIARCH_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int len = -1;
    if (cache && *cache)
        len = snprintf(path, FIRMWARE_PATH_MAX, "%s/%s", cache, place);
    else if (xdg && *xdg)
        len = snprintf(path, FIRMWARE_PATH_MAX, "%s/triarch/%s", xdg, place);
    else if (home && *home)
        len = snprintf(path, FIRMWARE_PATH_MAX, "%s/.cache/triarch/%s", home, place);
    return len >= 0 && len < FIRMWARE_PATH_MAX;
}

bool firmware_find(enum firmware_kind kind, char path[static FIRMWARE_PATH_MAX])
{
    for (size_t i = 0; i < PLACES_MAX && kinds[kind].places[i]; i++) {
        const char *place = kinds[kind].places[i];
        if (place[0] == '/')
            snprintf(path, FIRMWARE_PATH_MAX, "%s", place);
        else if (!cached_path(place, path))
            continue;
        if (host_file_exists(path))
            return true;
    }
    path[0] = '\0';
    return false;
}
