/* The symbols of an ELF file: where a program says that others find something of it. */
#pragma once

#include "machine/loader/source.h"

struct elf_symbol {
    const char *name;
    uint64_t value;
    bool found;
};

/*
 * Look the symbols up, by name, in the table of a little-endian file of 64 bits; the first of a name counts.
 * True when all are found; a file of another kind has none, and one that is damaged none that can be reached.
 */
bool elf_symbols_find(const struct source *source, struct elf_symbol *symbols, unsigned count);
