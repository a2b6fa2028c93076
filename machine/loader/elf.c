#include <string.h>

#include "base/bits.h"
#include "machine/loader/loader.h"

/* The ELF object file format: the fields used of the file header and of a program header, which lie at other
 * places in files of 32 and of 64 bits. */
#define ELF_HEADER_MAX 64
#define ELF_CLASS      4 /* 1: 32 bit, 2: 64 bit */
#define ELF_DATA       5 /* 1: little-endian */
#define ELF_TYPE       16
#define ELF_MACHINE    18
#define ELF_ENTRY      24
#define CLASS_32       1
#define CLASS_64       2
#define ET_EXEC        2
#define ET_DYN         3
#define EM_386         3

#define PROGRAM_MAX  56
#define PROGRAM_TYPE 0
#define PT_LOAD      1
#define PT_INTERP    3

/* Where the fields are, and how wide addresses and sizes. */
struct layout {
    uint8_t word, header, phoff, phentsize, phnum;
    uint8_t program, offset, vaddr, paddr, filesz, memsz, align;
};
static const struct layout layout_32 = {4, 52, 28, 42, 44, 32, 4, 8, 12, 16, 20, 28};
static const struct layout layout_64 = {8, 64, 32, 54, 56, 56, 8, 16, 24, 32, 40, 48};

#define PROGRAMS_MAX 64
#define ALIGN_MAX    (2 * MIB) /* what is beyond that is not asked of a loader */

struct segment {
    uint64_t offset, vaddr, paddr, filesz, memsz;
};

struct elf {
    const struct source *source;
    const struct layout *layout;
    uint16_t type;
    uint64_t entry;
    uint64_t headers_end; /* in the file */
    uint64_t align;       /* the largest that a segment asks for */
    unsigned count;
    struct segment segments[PROGRAMS_MAX];
};

static bool elf_bad(const struct source *source, const char *why, struct error *err)
{
    return error_set(err, ERROR_IMAGE, "%s can't be used: %s", source->path, why);
}

static bool header_check(const struct source *source, const uint8_t *header, const struct layout *layout,
                         struct error *err)
{
    uint16_t type = le16_load(header + ELF_TYPE);
    if (header[ELF_DATA] != 1)
        return elf_bad(source, "it is a big-endian ELF file", err);
    if (type != ET_EXEC && type != ET_DYN)
        return elf_bad(source, "it is an ELF file that is not linked into a program", err);
    if (le16_load(header + layout->phentsize) != layout->program || le16_load(header + layout->phnum) == 0)
        return elf_bad(source, "it is an ELF file without program headers", err);
    if (le16_load(header + layout->phnum) > PROGRAMS_MAX)
        return elf_bad(source, "it is an ELF file with too many program headers", err);
    return true;
}

bool elf_look(const struct source *source, struct elf_facts *facts, struct error *err)
{
    uint8_t header[ELF_ENTRY];
    if (!source_read(source, 0, header, sizeof(header), err))
        return false;
    if (memcmp(header, "\177ELF", 4) != 0)
        return elf_bad(source, "it is no ELF file", err);
    *facts = (struct elf_facts){.wide = header[ELF_CLASS] == CLASS_64,
                                .machine = le16_load(header + ELF_MACHINE),
                                .movable = le16_load(header + ELF_TYPE) == ET_DYN};
    return true;
}

/* Keep a loadable segment; the addresses are checked against RAM when they are final. */
static bool segment_add(struct elf *elf, const uint8_t *program, struct error *err)
{
    const struct layout *layout = elf->layout;
    struct segment segment = {
        .offset = le_load(program + layout->offset, layout->word),
        .vaddr = le_load(program + layout->vaddr, layout->word),
        .paddr = le_load(program + layout->paddr, layout->word),
        .filesz = le_load(program + layout->filesz, layout->word),
        .memsz = le_load(program + layout->memsz, layout->word),
    };
    uint32_t type = le32_load(program + PROGRAM_TYPE);
    uint64_t align = le_load(program + layout->align, layout->word);
    if (type == PT_INTERP)
        return elf_bad(elf->source, "it is a dynamically linked program, not a kernel", err);
    if (type != PT_LOAD || segment.memsz == 0)
        return true;
    if (segment.filesz > segment.memsz || range_beyond(segment.paddr, segment.memsz, UINT64_MAX))
        return elf_bad(elf->source, "it is a damaged ELF file (a segment's sizes contradict each other)",
                       err);
    if (range_beyond(segment.offset, segment.filesz, elf->source->size))
        return elf_bad(elf->source, "it is truncated (a segment lies beyond the end of the file)", err);
    if (is_pow2(align) && align <= ALIGN_MAX && align > elf->align)
        elf->align = align;
    elf->segments[elf->count++] = segment;
    return true;
}

static bool programs_read(struct elf *elf, struct error *err)
{
    uint8_t header[ELF_HEADER_MAX], program[PROGRAM_MAX];
    const struct layout *layout = elf->layout;
    if (!source_read(elf->source, 0, header, layout->header, err) ||
        !header_check(elf->source, header, layout, err))
        return false;
    elf->type = le16_load(header + ELF_TYPE);
    elf->entry = le_load(header + ELF_ENTRY, layout->word);
    uint64_t at = le_load(header + layout->phoff, layout->word);
    unsigned count = le16_load(header + layout->phnum);
    if (range_beyond(at, (uint64_t)count * layout->program, elf->source->size))
        return elf_bad(elf->source, "it is truncated (its program headers lie beyond the end of the file)",
                       err);
    elf->headers_end = at + (uint64_t)count * layout->program;
    for (unsigned i = 0; i < count; i++) {
        if (!source_read(elf->source, at + i * layout->program, program, layout->program, err) ||
            !segment_add(elf, program, err))
            return false;
    }
    return true;
}

static bool elf_read(struct elf *elf, uint16_t machine, struct error *err)
{
    struct elf_facts facts;
    if (!elf_look(elf->source, &facts, err))
        return false;
    if (facts.machine == machine && facts.wide != (machine != EM_386))
        return elf_bad(
            elf->source,
            facts.wide ? "it is a 64-bit ELF file for a 32-bit processor" : "it is a 32-bit ELF file", err);
    if (facts.machine != machine)
        return elf_bad(elf->source, "it is an ELF file for another architecture", err);
    elf->layout = facts.wide ? &layout_64 : &layout_32;
    if (!programs_read(elf, err))
        return false;
    if (elf->count == 0)
        return elf_bad(elf->source, "it is an ELF file with nothing to load", err);
    return true;
}

/* What to add to physical addresses: nothing for an image that says where it belongs. */
static uint64_t elf_bias(const struct elf *elf, const struct load_target *target, uint64_t free_base)
{
    uint64_t lowest = UINT64_MAX;
    for (unsigned i = 0; i < elf->count; i++) {
        if (elf->segments[i].paddr < lowest)
            lowest = elf->segments[i].paddr;
    }
    bool unbound = lowest < target->base && (elf->type == ET_DYN || align_down(lowest, 2 * MIB) == 0);
    uint64_t align = elf->align > PAGE_SIZE ? elf->align : PAGE_SIZE;
    return unbound ? align_up(free_base, align) - align_down(lowest, align) : 0;
}

/* The entry is a virtual address: the physical one is in the segment that holds it. Kernels that start before
 * they have set up virtual memory may give the physical one at once. */
static bool elf_entry(const struct elf *elf, uint64_t bias, uint64_t *entry, struct error *err)
{
    for (unsigned i = 0; i < elf->count; i++) {
        const struct segment *s = &elf->segments[i];
        if (elf->entry - s->vaddr < s->memsz) {
            *entry = elf->entry - s->vaddr + s->paddr + bias;
            return true;
        }
    }
    for (unsigned i = 0; i < elf->count; i++) {
        const struct segment *s = &elf->segments[i];
        if (elf->entry - s->paddr < s->memsz) {
            *entry = elf->entry + bias;
            return true;
        }
    }
    return elf_bad(elf->source, "it is an ELF file whose entry point lies in none of its segments", err);
}

/*
 * Linkers put the file's own headers, with padding behind them, before a program whose first section is bound
 * to the start of RAM. What of a segment is below RAM, and nothing but that, is left away.
 */
static bool segment_trim(const struct elf *elf, struct segment *segment, uint64_t base, struct error *err)
{
    uint8_t bytes[256];
    uint64_t cut = base - segment->paddr;
    if (segment->paddr >= base || segment->offset || cut >= segment->filesz)
        return true;
    for (uint64_t at = elf->headers_end; at < cut; at += sizeof(bytes)) {
        uint64_t len = cut - at < sizeof(bytes) ? cut - at : sizeof(bytes);
        if (!source_read(elf->source, at, bytes, len, err))
            return false;
        for (uint64_t i = 0; i < len; i++) {
            if (bytes[i])
                return true;
        }
    }
    segment->offset += cut;
    segment->vaddr += cut;
    segment->paddr += cut;
    segment->filesz -= cut;
    segment->memsz -= cut;
    return true;
}

/* Of a program that is bound to its addresses. */
static bool segments_trim(struct elf *elf, uint64_t base, struct error *err)
{
    for (unsigned i = 0; i < elf->count; i++) {
        if (!segment_trim(elf, &elf->segments[i], base, err))
            return false;
    }
    return true;
}

static bool segment_load(const struct source *source, const struct load_target *target,
                         const struct segment *segment, uint64_t address, struct error *err)
{
    uint8_t *host = load_place(source, target, address, segment->memsz, err);
    if (!host || !source_read(source, segment->offset, host, segment->filesz, err))
        return false;
    load_zero(target, address + segment->filesz, segment->memsz - segment->filesz);
    return true;
}

bool elf_load(const struct source *source, const struct load_target *target, uint16_t machine,
              uint64_t free_base, struct loaded *loaded, struct error *err)
{
    struct elf elf = {.source = source};
    if (!elf_read(&elf, machine, err))
        return false;
    uint64_t bias = elf_bias(&elf, target, free_base);
    *loaded = (struct loaded){.start = UINT64_MAX};
    if (bias == 0 && !segments_trim(&elf, target->base, err))
        return false;
    if (!elf_entry(&elf, bias, &loaded->entry, err))
        return false;
    for (unsigned i = 0; i < elf.count; i++) {
        const struct segment *s = &elf.segments[i];
        uint64_t address = s->paddr + bias;
        if (!segment_load(source, target, s, address, err))
            return false;
        if (address < loaded->start)
            loaded->start = address;
        if (address + s->memsz > loaded->end)
            loaded->end = address + s->memsz;
    }
    return true;
}
