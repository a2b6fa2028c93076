/*
 * What an image is, by its first bytes, and for which architecture: so that the right loader gets it, and an
 * error about the wrong kind of file can name what the file is.
 */
#pragma once

#include "cpu/cpu.h"
#include "machine/loader/source.h"

enum image_kind {
    IMAGE_UNKNOWN, /* perhaps a flat binary */
    IMAGE_ELF,
    IMAGE_SOLO5,     /* an ELF file with a note that it is a unikernel for a Solo5 hvt tender */
    IMAGE_LINUX,     /* the Image of riscv and arm64 */
    IMAGE_BZIMAGE,   /* Linux on x86 */
    IMAGE_MULTIBOOT, /* that is no ELF file */
    IMAGE_GZIP,
    IMAGE_ZSTD,
    IMAGE_ZBOOT, /* an EFI program that unpacks a kernel */
    IMAGE_PE,    /* another EFI program */
    IMAGE_FLASH, /* an EFI firmware volume */
    IMAGE_FDT,
    IMAGE_UIMAGE,
    IMAGE_ISO,
    IMAGE_QCOW2,
    IMAGE_DISK, /* bytes of a disk or diskette, with a boot sector or a file system */
    IMAGE_CPIO,
    IMAGE_TEXT,
    IMAGE_KIND_COUNT,
};

struct image_info {
    enum image_kind kind;
    bool arch_known;
    enum guest_arch arch;
};

/* Look at a source. False and err only when it can't be read. */
bool image_detect(const struct source *source, struct image_info *info, struct error *err);

/* The same with a file, or one inside a CD image. */
bool image_file_detect(const char *path, struct image_info *info, struct error *err);

/* With its article, for a sentence: "an ELF program". */
const char *image_kind_name(enum image_kind kind);

/* "riscv64", also for architectures that are not built yet. */
const char *guest_arch_name(enum guest_arch arch);

/* The ELF e_machine of an architecture. */
uint16_t guest_arch_elf_machine(enum guest_arch arch);
