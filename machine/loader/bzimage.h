/*
 * Linux kernels for x86 as bzImage (Linux, Documentation/arch/x86/boot.rst), for a start by the 64-bit boot
 * protocol: the loader puts the kernel in place, and tells what the board needs for the rest.
 */
#pragma once

#include "machine/loader/loader.h"

/* Where the setup header lies, in the file and in the zero page, and how far it may go. */
#define BZIMAGE_SETUP     0x1f1
#define BZIMAGE_SETUP_END 0x290

/* What is to be known for a start by the 16-bit protocol, where the kernel lies at 1 MiB at first. */
struct bzimage_real {
    uint64_t end;              /* of the memory that the kernel unpacks itself into */
    uint64_t initrd_end;       /* an initrd lies below this */
    uint32_t command_line_max; /* characters, without the zero at the end */
};

/* Whether it can be started so. False and err. */
bool bzimage_real_check(const struct source *source, struct bzimage_real *real, struct error *err);

struct bzimage {
    struct loaded kernel; /* entry: that of 64-bit mode; end: with the room the kernel unpacks itself into */
    uint8_t setup[BZIMAGE_SETUP_END - BZIMAGE_SETUP]; /* the header, zeroes behind its end */
    uint16_t version;                                 /* of the protocol: 0x020f is 2.15 */
    uint64_t initrd_end;                              /* an initrd lies below this */
    uint32_t command_line_max;                        /* characters, without the zero at the end */
};

/*
 * Put the kernel where it wants to be, or, when that is no RAM and it says it may go elsewhere, as low as
 * possible from 1 MiB on. False and err.
 */
bool bzimage_load(const struct source *source, const struct load_target *target, struct bzimage *image,
                  struct error *err);

/*
 * The same with the kernel that is packed in the image (an ELF file for `machine`), unpacked by this program,
 * where it is linked to: it starts at once, and with no address of it chosen at random. False and err; also
 * when its compression is not known, and the source is as it was.
 */
bool bzimage_kernel_load(struct source *source, const struct load_target *target, uint16_t machine,
                         struct bzimage *image, struct error *err);
