/*
 * Kernels that bring a multiboot header (Multiboot Specification 0.6.96, 3.1): what the header says, and
 * loading by it or by the ELF file that it lies in.
 */
#pragma once

#include "machine/loader/loader.h"

/* 3.1.2: what the kernel wants. */
#define MULTIBOOT_ALIGN_MODULES 0x00000001u
#define MULTIBOOT_MEMORY_INFO   0x00000002u
#define MULTIBOOT_VIDEO_MODE    0x00000004u
#define MULTIBOOT_ADDRESSES     0x00010000u
#define MULTIBOOT_MUST          0x0000ffffu /* those that a loader may not overlook */
#define MULTIBOOT_KNOWN         (MULTIBOOT_ALIGN_MODULES | MULTIBOOT_MEMORY_INFO | MULTIBOOT_VIDEO_MODE)

struct multiboot_header {
    bool there;
    uint32_t at; /* in the file */
    uint32_t flags;
    uint32_t header, load, load_end, bss_end, entry; /* addresses, with MULTIBOOT_ADDRESSES */
    uint32_t mode, width, height, depth;             /* with MULTIBOOT_VIDEO_MODE; mode 1 is text */
};

/* Look for it; none is no error. False and err: the file can't be read. */
bool multiboot_header_find(const struct source *source, struct multiboot_header *header, struct error *err);

/* Put the kernel where its header or its ELF headers say. False and err. */
bool multiboot_load(const struct source *source, const struct multiboot_header *header,
                    const struct load_target *target, struct loaded *loaded, struct error *err);
