/*
 * Files of a CD image (ISO 9660 with Rock Ridge or Joliet names), for starting a kernel from one without
 * firmware. Every number in the image is checked; nothing is written.
 */
#pragma once

#include "cpu/cpu.h"
#include "machine/loader/source.h"

struct iso {
    const struct source *source; /* the caller's, open as long as the iso is used */
    uint32_t block_size;
    uint64_t root, root_size; /* of the root directory, in bytes from the image's start */
    bool joliet;
    bool rock_ridge;
    uint8_t skip; /* bytes before the system use fields of each record */
};

struct iso_file {
    uint64_t offset, size; /* in bytes from the image's start; files lie in one piece */
    bool directory;
};

/* Read the volume descriptors. False and err: not an ISO 9660 image, or a broken one. */
bool iso_open(struct iso *iso, const struct source *source, struct error *err);

/* ECMA-119: the n-th volume descriptor. */
#define ISO_SECTOR 2048u
enum iso_descriptor {
    ISO_DESCRIPTOR_BOOT = 0,
    ISO_DESCRIPTOR_PRIMARY = 1,
    ISO_DESCRIPTOR_JOLIET = 2,
    ISO_DESCRIPTOR_LAST = 255,
};
/* Read it; its first byte is one of the above. False: it can't be read, or is none (err). */
bool iso_descriptor_read(const struct source *source, unsigned n, uint8_t descriptor[static ISO_SECTOR],
                         struct error *err);

/* No more than these are looked at, when the last one is missing. */
#define ISO_DESCRIPTORS_MAX 64

/* The architecture of the machines it starts, by its boot record or its EFI programs. False: it doesn't say.
 */
bool iso_arch_find(const struct iso *iso, enum guest_arch *arch);

/* Whether the image is whole and, for a start by firmware, has a boot record. False and err. */
bool iso_start_check(const struct iso *iso, bool by_firmware, struct error *err);

/* Find a file by its path from the root, with symbolic links followed. False and err. */
bool iso_find(const struct iso *iso, const char *path, struct iso_file *file, struct error *err);

/*
 * Open a file inside an image as a source of its own: `path` is "IMAGE:/PATH". False when `path` isn't of
 * that form or IMAGE isn't there (err is not set then: *tried is false), or when the file can't be had (err,
 * *tried is true).
 */
bool iso_source_open(struct source *source, const char *path, load_progress progress, bool *tried,
                     struct error *err);
