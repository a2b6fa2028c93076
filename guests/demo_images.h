/* The built-in demo guests: ELF files as arrays, of size 0 where there was no cross compiler to build one. */
#pragma once

#include <stddef.h>

extern const unsigned char demo_riscv64[];
extern const size_t demo_riscv64_size;

extern const unsigned char demo_x86_64[];
extern const size_t demo_x86_64_size;

extern const unsigned char demo_aarch64[];
extern const size_t demo_aarch64_size;

/* The option ROM by which a BIOS starts Linux (linuxboot/rom.h); likewise. */
extern const unsigned char linuxboot_rom[];
extern const size_t linuxboot_rom_size;
