/*
 * A Solo5 unikernel as a file: an ELF program with two notes, the ABI it is made for and the manifest of its
 * devices. Nothing of it is trusted: what comes out has been checked, value by value.
 */
#pragma once

#include "cpu/cpu.h"
#include "machine/loader/source.h"
#include "modes/hvt/abi.h"

#define HVT_SEGMENTS_MAX 16

/* A part of the program. [start, end) are whole pages; the file's bytes begin at `address` in them. */
struct hvt_segment {
    uint64_t start, end;
    uint64_t address, offset, file_size;
    bool writable, executable; /* never both */
};

struct hvt_device {
    char name[HVT_MFT_NAME_SIZE];
    uint32_t type; /* HVT_MFT_TYPE_* */
};

struct hvt_image {
    enum guest_arch arch;
    uint64_t entry;
    uint64_t end;                                  /* of the last segment */
    struct hvt_segment segments[HVT_SEGMENTS_MAX]; /* by address, without overlap */
    unsigned segment_count;
    struct hvt_device devices[HVT_MFT_ENTRIES_MAX]; /* a handle is an index; the first is none */
    unsigned device_count;
};

/* Read and check. False and err (ERROR_IMAGE), one sentence on what is wrong. */
bool hvt_image_read(struct hvt_image *image, const struct source *source, struct error *err);

/* Put the segments' bytes into `memory`, which has image->end bytes, zeroed. False and err. */
bool hvt_image_load(const struct hvt_image *image, const struct source *source, uint8_t *memory,
                    struct error *err);

/* The number of the device of this type and name, or 0. */
unsigned hvt_device_find(const struct hvt_image *image, uint32_t type, const char *name);

/* In words, for a sentence: "block device". */
const char *hvt_device_type_name(uint32_t type);
