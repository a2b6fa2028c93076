/* Where firmware that other packages bring is found: the host's own places first, then this program's cache.
 */
#pragma once

#include "base/error.h"

#define FIRMWARE_PATH_MAX 4096

enum firmware_kind {
    FIRMWARE_OPENSBI,           /* fw_dynamic.bin */
    FIRMWARE_EDK2_RISCV64,      /* the code bank */
    FIRMWARE_EDK2_RISCV64_VARS, /* a fresh bank of variables */
    FIRMWARE_EDK2_AARCH64,
    FIRMWARE_EDK2_AARCH64_VARS,
    FIRMWARE_SEABIOS,
    FIRMWARE_VGABIOS, /* the expansion ROM of the VGA */
    FIRMWARE_OVMF,    /* EDK2 for x86_64: the code, which ends at 4 GiB */
    FIRMWARE_OVMF_VARS,
    FIRMWARE_KINDS,
};

/* "OpenSBI" */
const char *firmware_name(enum firmware_kind kind);

/* Keep the path of a file the user names. False and err. */
bool firmware_path_keep(char to[static FIRMWARE_PATH_MAX], const char *path, struct error *err);

/* The path of the first one found, in `path`. False: none. */
bool firmware_find(enum firmware_kind kind, char path[static FIRMWARE_PATH_MAX]);
