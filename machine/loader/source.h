/*
 * An image as its loader reads it, by position: a file, or the memory a compressed one was unpacked into.
 * Every error names the file.
 */
#pragma once

#include "host/file.h"

/* What an unpacked image may grow to: more than any kernel, less than a mistake costs. */
#define SOURCE_UNPACKED_MAX ((uint64_t)512 << 20)

/* Told while a big image is read: bytes so far of the total. NULL: nobody looks. */
typedef void (*load_progress)(const char *path, uint64_t done, uint64_t total);

struct source {
    const char *path;     /* the caller's */
    uint64_t start, size; /* in the file: all of it, or one that lies inside a CD image */
    struct host_file file;
    const uint8_t *memory; /* NULL: the file's own bytes */
    uint8_t *unpacked;     /* memory of SOURCE_UNPACKED_MAX to give back, or NULL */
    load_progress progress;
};

/* Open a file as it is, or one inside a CD image: "debian.iso:/install/vmlinuz". False and err (ERROR_IMAGE).
 */
bool source_open(struct source *source, const char *path, load_progress progress, struct error *err);

/* Open a file as it is. False and err. */
bool source_file_open(struct source *source, const char *path, load_progress progress, struct error *err);

/* An image in memory, which stays the caller's. */
void source_memory(struct source *source, const char *name, const uint8_t *bytes, size_t size);
void source_close(struct source *source);

/* Read [offset, offset + len). False and err when the image ends before or can't be read. */
bool source_read(const struct source *source, uint64_t offset, void *to, uint64_t len, struct error *err);
