#include "modes/hvt/image.h"

#include <string.h>

#include "base/bits.h"
#include "machine/loader/detect.h"
#include "modes/hvt/notes.h"

/* The ELF-64 object file format: the fields used of the file header and of a program header. */
#define ELF_HEADER_SIZE 64
#define ELF_CLASS       4 /* 2: 64 bit */
#define ELF_DATA        5 /* 1: little-endian */
#define ELF_TYPE        16
#define ELF_MACHINE     18
#define ELF_VERSION     20
#define ELF_ENTRY       24
#define ELF_PHOFF       32
#define ELF_EHSIZE      52
#define ELF_PHENTSIZE   54
#define ELF_PHNUM       56
#define ET_EXEC         2

#define PROGRAM_SIZE   56
#define PROGRAM_TYPE   0
#define PROGRAM_FLAGS  4
#define PROGRAM_OFFSET 8
#define PROGRAM_VADDR  16
#define PROGRAM_FILESZ 32
#define PROGRAM_MEMSZ  40
#define PROGRAM_ALIGN  48
#define PT_LOAD        1
#define PT_NOTE        4
#define PF_X           1
#define PF_W           2

#define PROGRAMS_MAX 64

/* What a program header says of a part of the file. */
struct program {
    uint32_t type, flags;
    uint64_t offset, address, file_size, size, align;
};

static bool bad(const struct source *source, const char *why, struct error *err)
{
    return error_set(err, ERROR_IMAGE, "%s is no unikernel that can be started: %s", source->path, why);
}

static bool arch_of(const uint8_t *header, enum guest_arch *arch)
{
    for (int i = 0; i < GUEST_ARCH_COUNT; i++) {
        *arch = (enum guest_arch)i;
        if (le16_load(header + ELF_MACHINE) == guest_arch_elf_machine(*arch))
            return true;
    }
    return false;
}

static bool header_check(struct hvt_image *image, const struct source *source, const uint8_t *header,
                         struct error *err)
{
    unsigned count = le16_load(header + ELF_PHNUM);
    if (memcmp(header, "\177ELF", 4) != 0)
        return bad(source, "it is not an ELF file", err);
    if (header[ELF_CLASS] != 2 || header[ELF_DATA] != 1 || le32_load(header + ELF_VERSION) != 1)
        return bad(source, "it is not a little-endian 64-bit ELF file", err);
    if (!arch_of(header, &image->arch))
        return bad(source, "it is not for x86_64, aarch64 or riscv64", err);
    if (le16_load(header + ELF_TYPE) != ET_EXEC)
        return bad(source, "it is an ELF file that is not linked to run at a fixed address", err);
    if (le16_load(header + ELF_EHSIZE) != ELF_HEADER_SIZE ||
        le16_load(header + ELF_PHENTSIZE) != PROGRAM_SIZE)
        return bad(source, "its ELF headers have sizes of their own", err);
    if (count == 0 || count > PROGRAMS_MAX)
        return bad(source, count ? "it has too many program headers" : "it has no program headers", err);
    if (range_beyond(le64_load(header + ELF_PHOFF), (uint64_t)count * PROGRAM_SIZE, source->size))
        return bad(source, "it is truncated (its program headers lie beyond its end)", err);
    return true;
}

static bool program_read(struct program *program, const struct source *source, uint64_t at, struct error *err)
{
    uint8_t bytes[PROGRAM_SIZE];
    if (!source_read(source, at, bytes, sizeof(bytes), err))
        return false;
    *program = (struct program){
        .type = le32_load(bytes + PROGRAM_TYPE),
        .flags = le32_load(bytes + PROGRAM_FLAGS),
        .offset = le64_load(bytes + PROGRAM_OFFSET),
        .address = le64_load(bytes + PROGRAM_VADDR),
        .file_size = le64_load(bytes + PROGRAM_FILESZ),
        .size = le64_load(bytes + PROGRAM_MEMSZ),
        .align = le64_load(bytes + PROGRAM_ALIGN),
    };
    if (program->type != PT_LOAD && program->type != PT_NOTE)
        return true;
    return !range_beyond(program->offset, program->file_size, source->size) ||
           bad(source, "it is truncated (a part of it lies beyond its end)", err);
}

/* Protection is by the page, so a part begins at one: by its own address or by its alignment. */
static bool page_aligned(const struct program *program)
{
    if (program->align & (program->align - 1))
        return false;
    return program->align >= PAGE_SIZE || program->address % PAGE_SIZE == 0;
}

static bool segment_add(struct hvt_image *image, const struct source *source, const struct program *program,
                        struct error *err)
{
    if (program->size == 0)
        return true;
    if (image->segment_count == HVT_SEGMENTS_MAX)
        return bad(source, "it has too many segments", err);
    if (program->file_size > program->size)
        return bad(source, "a segment has more bytes in the file than in memory", err);
    if (program->address < HVT_LOAD_BASE)
        return bad(source, "a segment lies below 1 MiB, where the tender's own things are", err);
    if (range_beyond(program->address, program->size, HVT_MEMORY_MAX))
        return bad(source, "a segment lies beyond 4 GiB", err);
    if (!page_aligned(program))
        return bad(source, "a segment is not aligned to pages", err);
    if (program->flags & PF_W && program->flags & PF_X)
        return bad(source, "a segment is to be both writable and executable", err);
    struct hvt_segment segment = {
        .start = align_down(program->address, PAGE_SIZE),
        .end = align_up(program->address + program->size, PAGE_SIZE),
        .address = program->address,
        .offset = program->offset,
        .file_size = program->file_size,
        .writable = program->flags & PF_W,
        .executable = program->flags & PF_X,
    };
    if (segment.start < image->end)
        return bad(source, "its segments overlap, or are not in the order of their addresses", err);
    image->segments[image->segment_count++] = segment;
    image->end = segment.end;
    return true;
}

static bool entry_check(const struct hvt_image *image, const struct source *source, struct error *err)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct hvt_segment *s = &image->segments[i];
        if (s->executable && image->entry >= s->start && image->entry < s->end)
            return true;
    }
    return bad(source, "its entry point is not in an executable segment", err);
}

bool hvt_image_read(struct hvt_image *image, const struct source *source, struct error *err)
{
    uint8_t header[ELF_HEADER_SIZE];
    struct hvt_notes notes = {0};
    *image = (struct hvt_image){0};
    if (source->size < sizeof(header))
        return bad(source, "it is too small for an ELF file", err);
    if (!source_read(source, 0, header, sizeof(header), err) || !header_check(image, source, header, err))
        return false;
    image->entry = le64_load(header + ELF_ENTRY);
    for (unsigned i = 0; i < le16_load(header + ELF_PHNUM); i++) {
        struct program program;
        if (!program_read(&program, source, le64_load(header + ELF_PHOFF) + i * PROGRAM_SIZE, err))
            return false;
        if (program.type == PT_LOAD && !segment_add(image, source, &program, err))
            return false;
        if (program.type == PT_NOTE &&
            !hvt_notes_look(&notes, source, program.offset, program.file_size, program.align, err))
            return false;
    }
    return hvt_notes_check(&notes, image, source, err) && entry_check(image, source, err);
}

bool hvt_image_load(const struct hvt_image *image, const struct source *source, uint8_t *memory,
                    struct error *err)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct hvt_segment *s = &image->segments[i];
        if (!source_read(source, s->offset, memory + s->address, s->file_size, err))
            return false;
    }
    return true;
}

unsigned hvt_device_find(const struct hvt_image *image, uint32_t type, const char *name)
{
    for (unsigned i = 1; i < image->device_count; i++) {
        if (image->devices[i].type == type && strcmp(image->devices[i].name, name) == 0)
            return i;
    }
    return 0;
}

const char *hvt_device_type_name(uint32_t type)
{
    return type == HVT_MFT_TYPE_BLOCK ? "block device" : "network";
}
