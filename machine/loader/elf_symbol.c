/* Symbol tables as the ELF object file format has them ("Sections", "Symbol Table"). */
#include "machine/loader/elf_symbol.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

#define HEADER_SIZE     64
#define HEADER_SHOFF    40
#define HEADER_SHENTNUM 60

#define SECTION_SIZE    64
#define SECTION_TYPE    4
#define SECTION_OFFSET  24
#define SECTION_BYTES   32
#define SECTION_LINK    40
#define SHT_SYMTAB      2
#define SECTIONS_MAX    4096
#define TABLE_BYTES_MAX (256 * MIB)

#define SYMBOL_SIZE    24
#define SYMBOL_NAME    0
#define SYMBOL_SECTION 6 /* 0: not defined here */
#define SYMBOL_VALUE   8

/* A section's bytes, which the caller frees, with a zero behind them; NULL: damaged. */
static uint8_t *section_read(const struct source *source, const uint8_t *section, uint64_t *size)
{
    uint64_t offset = le64_load(section + SECTION_OFFSET);
    *size = le64_load(section + SECTION_BYTES);
    if (range_beyond(offset, *size, source->size) || *size > TABLE_BYTES_MAX)
        return NULL;
    uint8_t *bytes = malloc(*size + 1);
    if (bytes && source_read(source, offset, bytes, *size, NULL)) {
        bytes[*size] = 0;
        return bytes;
    }
    free(bytes);
    return NULL;
}

static void symbol_match(const uint8_t *entry, const char *name, struct elf_symbol *symbols, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (symbols[i].found || strcmp(symbols[i].name, name) != 0)
            continue;
        symbols[i].found = true;
        symbols[i].value = le64_load(entry + SYMBOL_VALUE);
    }
}

static void table_search(const struct source *source, const uint8_t *table, const uint8_t *strings,
                         struct elf_symbol *symbols, unsigned count)
{
    uint64_t size, names_size;
    uint8_t *entries = section_read(source, table, &size),
            *names = section_read(source, strings, &names_size);
    for (uint64_t at = 0; entries && names && at + SYMBOL_SIZE <= size; at += SYMBOL_SIZE) {
        const uint8_t *entry = entries + at;
        uint32_t name = le32_load(entry + SYMBOL_NAME);
        if (name < names_size && le16_load(entry + SYMBOL_SECTION) != 0)
            symbol_match(entry, (const char *)names + name, symbols, count);
    }
    free(entries);
    free(names);
}

static void sections_search(const struct source *source, uint64_t at, unsigned sections,
                            struct elf_symbol *symbols, unsigned count)
{
    uint8_t table[SECTION_SIZE], strings[SECTION_SIZE];
    for (unsigned i = 0; i < sections; i++) {
        if (!source_read(source, at + (uint64_t)i * SECTION_SIZE, table, sizeof(table), NULL))
            return;
        uint32_t link = le32_load(table + SECTION_LINK);
        if (le32_load(table + SECTION_TYPE) == SHT_SYMTAB && link < sections &&
            source_read(source, at + (uint64_t)link * SECTION_SIZE, strings, sizeof(strings), NULL))
            table_search(source, table, strings, symbols, count);
    }
}

bool elf_symbols_find(const struct source *source, struct elf_symbol *symbols, unsigned count)
{
    uint8_t header[HEADER_SIZE];
    bool all = true;
    for (unsigned i = 0; i < count; i++)
        symbols[i].found = false;
    if (source->size < sizeof(header) || !source_read(source, 0, header, sizeof(header), NULL) ||
        memcmp(header, "\177ELF\2\1", 6) != 0)
        return false;
    uint64_t at = le64_load(header + HEADER_SHOFF);
    unsigned sections = le16_load(header + HEADER_SHENTNUM);
    if (sections <= SECTIONS_MAX && !range_beyond(at, (uint64_t)sections * SECTION_SIZE, source->size))
        sections_search(source, at, sections, symbols, count);
    for (unsigned i = 0; i < count; i++)
        all &= symbols[i].found;
    return all;
}
