/* The notes of a unikernel: found while its program headers are read, and looked into when all are known. */
#pragma once

#include "modes/hvt/image.h"

/* Where the contents of Solo5's notes are in the file. */
struct hvt_notes {
    uint64_t abi, manifest;
    uint32_t abi_size, manifest_size;
    bool abi_found, manifest_found;
};

/* Find Solo5's notes among those in [at, at + size) of the file, which has these bytes; `align` is what the
 * program header says. False and err. */
bool hvt_notes_look(struct hvt_notes *notes, const struct source *source, uint64_t at, uint64_t size,
                    uint64_t align, struct error *err);

/* The ABI is ours, and the manifest makes sense: its devices are the image's. False and err. */
bool hvt_notes_check(const struct hvt_notes *notes, struct hvt_image *image, const struct source *source,
                     struct error *err);
