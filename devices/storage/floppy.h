/*
 * The PC's diskette controller, an Intel 82077AA in its AT mode, with two drives. A drive's kind follows from
 * the size of its image, as diskettes of each kind have one.
 */
#pragma once

#include "devices/misc/i8237.h"
#include "devices/storage/block.h"

#define FLOPPY_DRIVES 2
#define FLOPPY_MAX    (2880 * KIB)

struct floppy_config {
    struct irq_line irq;
    struct i8237 *dma;
    unsigned channel;
    struct block *blocks[FLOPPY_DRIVES]; /* the images; the controller closes them. NULL: no such drive */
};

struct floppy;

/* Ports 0x3f2 to 0x3f5 and 0x3f7. NULL and err: overlap, or an image that is larger than any diskette. */
struct floppy *floppy_create(struct machine *machine, const struct floppy_config *config, struct error *err);

/* What a PC's CMOS memory says of an image's drive (and ACPI's _FDI): 0 none, 1 360K, 2 1.2M, 3 720K,
 * 4 1.44M, 5 2.88M. */
struct floppy_geometry {
    uint8_t drive_type;
    uint8_t tracks, heads, sectors; /* sectors a track */
};
struct floppy_geometry floppy_geometry(const struct block *block);
