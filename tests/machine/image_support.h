/* Well-formed images of every format the loaders know, made here from the formats' manuals. */
#pragma once

#include "base/types.h"

#define IMAGE_ELF_MACHINE 243 /* EM_RISCV */

#define ELF_SIZE    0x200
#define ELF_DATA_AT 0x100

/* One segment of 0x40 bytes in the file and 0x2000 in memory at 0x80400000, entry 0x10 into it. */
void elf_make(uint8_t elf[static ELF_SIZE]);

#define IMAGE_SIZE 0x1000

/* A riscv Image with an EFI stub's section table, for 0x200000 into RAM and 0x4000 long. */
void image_make(uint8_t image[static IMAGE_SIZE]);

/* The bytes as gzip; how many they become. */
size_t gzip_make(const uint8_t *bytes, size_t len, uint8_t *out, size_t size);
