/* The notes of an ELF file: what its maker says about it to those who look before they load it. */
#pragma once

#include "machine/loader/source.h"

#define ELF_NOTE_MAX 64 /* of a description: more than any note that is asked for */

/*
 * Find the first note of that name and type in a little-endian file, and copy the first `len` bytes
 * (ELF_NOTE_MAX at most) of its description. False when there is none, when it is shorter, or when what leads
 * to it is damaged.
 */
bool elf_note_find(const struct source *source, const char *name, uint32_t type, void *description,
                   size_t len);
