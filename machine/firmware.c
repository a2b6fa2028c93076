#include "machine/firmware.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/file.h"

#define PLACES_MAX 3

static const struct {
    const char *name;
    const char *cached; /* below the cache folder that scripts/fetch fills */
    const char *places[PLACES_MAX];
} kinds[FIRMWARE_KINDS] = {
    [FIRMWARE_OPENSBI] = {"OpenSBI",
                          "opensbi/fw_dynamic.bin",
                          {"/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin",
                           "/usr/share/opensbi/lp64/generic/firmware/fw_dynamic.bin",
                           "/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin"}},
    [FIRMWARE_EDK2_RISCV64] = {"EDK2 for riscv64",
                               "edk2-riscv64/code.fd",
                               {"/usr/share/qemu-efi-riscv64/RISCV_VIRT_CODE.fd",
                                "/usr/share/edk2/riscv/RISCV_VIRT_CODE.fd"}},
    [FIRMWARE_EDK2_RISCV64_VARS] = {"EDK2 variables for riscv64",
                                    "edk2-riscv64/vars.fd",
                                    {"/usr/share/qemu-efi-riscv64/RISCV_VIRT_VARS.fd",
                                     "/usr/share/edk2/riscv/RISCV_VIRT_VARS.fd"}},
};

const char *firmware_name(enum firmware_kind kind)
{
    return kinds[kind].name;
}

/* $TRIARCH_CACHE, or triarch in the user's cache folder. False: neither is known, or the path is too long. */
static bool cached_path(enum firmware_kind kind, char *path)
{
    const char *cache = getenv("TRIARCH_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int len = -1;
    if (cache && *cache)
        len = snprintf(path, FIRMWARE_PATH_MAX, "%s/%s", cache, kinds[kind].cached);
    else if (xdg && *xdg)
        len = snprintf(path, FIRMWARE_PATH_MAX, "%s/triarch/%s", xdg, kinds[kind].cached);
    else if (home && *home)
        len = snprintf(path, FIRMWARE_PATH_MAX, "%s/.cache/triarch/%s", home, kinds[kind].cached);
    return len >= 0 && len < FIRMWARE_PATH_MAX;
}

bool firmware_find(enum firmware_kind kind, char path[static FIRMWARE_PATH_MAX])
{
    for (size_t i = 0; i < PLACES_MAX && kinds[kind].places[i]; i++) {
        snprintf(path, FIRMWARE_PATH_MAX, "%s", kinds[kind].places[i]);
        if (host_file_exists(path))
            return true;
    }
    return cached_path(kind, path) && host_file_exists(path);
}
