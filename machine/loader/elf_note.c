/* Notes as the ELF object file format and the System V ABI ("Note Section") have them. */
#include "machine/loader/elf_note.h"

#include <string.h>

#include "base/bits.h"

#define HEADER_SIZE  64
#define HEADER_CLASS 4 /* 1: 32 bit, 2: 64 bit */
#define HEADER_DATA  5 /* 1: little-endian */

/* Where the fields are in files of 32 and of 64 bits. */
struct layout {
    uint8_t word, phoff, phentsize, phnum, program, offset, filesz;
};
static const struct layout layouts[] = {{4, 28, 42, 44, 32, 4, 16}, {8, 32, 54, 56, 56, 8, 32}};

#define PROGRAM_MAX 56
#define PT_NOTE     4

#define NOTE_HEAD      12 /* the lengths of name and description, the type */
#define NOTE_ALIGNMENT 4
#define NAME_MAX_LEN   16
#define PROGRAMS_MAX   64
#define NOTES_MAX      64

struct wanted {
    const struct source *source;
    const char *name;
    uint32_t type;
    void *description;
    size_t len;
};

static bool bytes_read(const struct source *source, uint64_t offset, void *to, uint64_t len)
{
    return !range_beyond(offset, len, source->size) && source_read(source, offset, to, len, NULL);
}

static bool name_is(const struct wanted *wanted, uint64_t at, uint32_t len)
{
    char name[NAME_MAX_LEN];
    size_t size = strlen(wanted->name) + 1;
    return len == size && size <= sizeof(name) && bytes_read(wanted->source, at, name, size) &&
           memcmp(name, wanted->name, size) == 0;
}

/* The notes in [at, end) of the file. */
static bool notes_search(const struct wanted *wanted, uint64_t at, uint64_t end)
{
    for (unsigned i = 0; i < NOTES_MAX && at < end && end - at >= NOTE_HEAD; i++) {
        uint8_t head[NOTE_HEAD];
        if (!bytes_read(wanted->source, at, head, sizeof(head)))
            return false;
        uint32_t name_len = le32_load(head), len = le32_load(head + 4);
        uint64_t description = at + NOTE_HEAD + align_up(name_len, NOTE_ALIGNMENT);
        if (le32_load(head + 8) == wanted->type && name_is(wanted, at + NOTE_HEAD, name_len) &&
            len >= wanted->len && description + wanted->len <= end)
            return bytes_read(wanted->source, description, wanted->description, wanted->len);
        at = description + align_up(len, NOTE_ALIGNMENT);
    }
    return false;
}

static bool programs_search(const struct wanted *wanted, const struct layout *layout, const uint8_t *header)
{
    uint64_t at = le_load(header + layout->phoff, layout->word);
    uint8_t program[PROGRAM_MAX];
    if (le16_load(header + layout->phentsize) != layout->program)
        return false;
    for (unsigned i = 0; i < le16_load(header + layout->phnum) && i < PROGRAMS_MAX; i++) {
        if (!bytes_read(wanted->source, at + (uint64_t)i * layout->program, program, layout->program))
            return false;
        uint64_t offset = le_load(program + layout->offset, layout->word);
        uint64_t size = le_load(program + layout->filesz, layout->word);
        if (le32_load(program) == PT_NOTE && !range_beyond(offset, size, wanted->source->size) &&
            notes_search(wanted, offset, offset + size))
            return true;
    }
    return false;
}

bool elf_note_find(const struct source *source, const char *name, uint32_t type, void *description,
                   size_t len)
{
    const struct wanted wanted = {source, name, type, description, len};
    uint8_t header[HEADER_SIZE];
    if (len > ELF_NOTE_MAX || !bytes_read(source, 0, header, sizeof(header)) ||
        memcmp(header, "\177ELF", 4) != 0 || header[HEADER_DATA] != 1 ||
        (header[HEADER_CLASS] != 1 && header[HEADER_CLASS] != 2))
        return false;
    return programs_search(&wanted, &layouts[header[HEADER_CLASS] - 1], header);
}
