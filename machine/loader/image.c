#include <string.h>

#include "base/bits.h"
#include "machine/loader/loader.h"

/*
 * The header of an Image (Linux, Documentation/arch/riscv/boot-image-header.rst and arch/arm64/booting.rst):
 * the same layout for both but for the place of the magic number, which image_detect has seen.
 */
#define IMAGE_HEADER_SIZE 64
#define IMAGE_TEXT_OFFSET 8
#define IMAGE_SIZE        16
#define IMAGE_FLAGS       24
#define IMAGE_BIG_ENDIAN  1u
#define IMAGE_ARM64_MAGIC 0x38
#define IMAGE_PE_OFFSET   0x3c

/* What text offsets are counted from is any multiple of this, but for the first one in RAM on riscv. */
#define IMAGE_ALIGN (2 * MIB)

/* arm64 kernels before 3.17 give no size, and their text offset is not to be believed but this. */
#define ARM64_OLD_TEXT_OFFSET 0x80000

#define PE_SECTION_SIZE 40
#define PE_SECTIONS_MAX 96

/*
 * The header's size counts the part that is zeroed at run time, so a file cut short is not noticed by it. A
 * kernel with an EFI stub has a PE section table as well, which says where the file must end.
 */
static bool sections_complete(const struct source *source, const uint8_t *header, struct error *err)
{
    uint8_t coff[24], section[PE_SECTION_SIZE];
    uint64_t pe = le32_load(header + IMAGE_PE_OFFSET);
    if (memcmp(header, "MZ", 2) != 0 || pe < IMAGE_HEADER_SIZE)
        return true;
    if (!source_read(source, pe, coff, sizeof(coff), err))
        return false;
    if (memcmp(coff, "PE\0\0", 4) != 0)
        return true;
    unsigned count = le16_load(coff + 6);
    uint64_t table = pe + sizeof(coff) + le16_load(coff + 20);
    if (count > PE_SECTIONS_MAX)
        return error_set(err, ERROR_IMAGE, "%s is damaged: its EFI header claims %u sections", source->path,
                         count);
    for (unsigned i = 0; i < count; i++) {
        if (!source_read(source, table + i * PE_SECTION_SIZE, section, sizeof(section), err))
            return false;
        uint64_t end = (uint64_t)le32_load(section + 16) + le32_load(section + 20);
        if (end > source->size)
            return error_set(err, ERROR_IMAGE, "%s is truncated: it has %llu bytes of at least %llu",
                             source->path, (unsigned long long)source->size, (unsigned long long)end);
    }
    return true;
}

/*
 * Where the text offset leads to. A kernel of arm64 that wants none leaves the start of RAM to others, as
 * there are programs of this format that are linked for that place; one of riscv that wants to be where its
 * firmware is gets the place behind it.
 */
static uint64_t image_place(uint64_t base, uint64_t offset, uint64_t free_base, bool arm64)
{
    if (arm64)
        return base + offset + (offset < PAGE_SIZE ? IMAGE_ALIGN : 0);
    return base + offset < free_base ? free_base : base + offset;
}

bool linux_image_load(const struct source *source, const struct load_target *target, uint64_t free_base,
                      struct loaded *loaded, struct error *err)
{
    uint8_t header[IMAGE_HEADER_SIZE];
    if (!source_read(source, 0, header, sizeof(header), err))
        return false;
    uint64_t offset = le64_load(header + IMAGE_TEXT_OFFSET), size = le64_load(header + IMAGE_SIZE);
    if (le64_load(header + IMAGE_FLAGS) & IMAGE_BIG_ENDIAN)
        return error_set(err, ERROR_IMAGE, "%s is a big-endian kernel, and this machine is little-endian",
                         source->path);
    if (!sections_complete(source, header, err))
        return false;
    bool arm64 = memcmp(header + IMAGE_ARM64_MAGIC, "ARM\x64", 4) == 0;
    if (size == 0 && arm64)
        offset = ARM64_OLD_TEXT_OFFSET;
    if (size < source->size)
        size = source->size;
    if (offset % PAGE_SIZE || range_beyond(offset, size, UINT64_MAX - target->base))
        return error_set(err, ERROR_IMAGE, "%s is damaged: its header asks for %llu bytes at offset 0x%llx",
                         source->path, (unsigned long long)size, (unsigned long long)offset);
    uint64_t address = image_place(target->base, offset, free_base, arm64);
    void *host = load_place(source, target, address, size, err);
    if (!host || !source_read(source, 0, host, source->size, err))
        return false;
    load_zero(target, address + source->size, size - source->size);
    *loaded = (struct loaded){.start = address, .end = address + size, .entry = address};
    return true;
}
