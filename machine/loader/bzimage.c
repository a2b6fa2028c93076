#include "machine/loader/bzimage.h"

#include <string.h>

#include "base/bits.h"
#include "machine/loader/compress.h"

/* Fields of the setup header, by their place in the file. */
#define SETUP_SECTS        0x1f1
#define SYSSIZE            0x1f4
#define JUMP_OFFSET        0x201 /* the second byte of a short jump: the header ends where it leads */
#define VERSION            0x206
#define LOADFLAGS          0x211
#define INITRD_ADDR_MAX    0x22c
#define KERNEL_ALIGNMENT   0x230
#define RELOCATABLE_KERNEL 0x234
#define MIN_ALIGNMENT      0x235
#define XLOADFLAGS         0x236
#define CMDLINE_SIZE       0x238
#define PREF_ADDRESS       0x258
#define PAYLOAD_OFFSET     0x248 /* of the compressed kernel, from where the image is loaded */
#define PAYLOAD_LENGTH     0x24c
#define INIT_SIZE          0x260
#define HEADER_LEAST       0x264

#define VERSION_INITRD_MAX 0x0203 /* what came with which version */
#define VERSION_CMDLINE    0x0206
#define VERSION_INIT_SIZE  0x020a
#define CMDLINE_OLD        255
#define SETUP_ROOM         (32 * KIB) /* for the boot sector and what else is for real mode */

#define LOADED_HIGH    0x01u
#define XLF_KERNEL_64  0x0001u
#define VERSION_64BIT  0x020c /* 2.12 has xloadflags */
#define ENTRY_64       0x200  /* from where the kernel was loaded */
#define SECTOR         512u
#define SECTS_DEFAULT  4
#define LOWEST         MIB
#define ALIGNMENT_MOST (GIB)

struct header {
    const uint8_t *bytes; /* of the file, from its start */
    uint64_t payload_at, payload_size;
    uint64_t size; /* with the room for unpacking */
    uint64_t preferred, alignment, least_alignment;
    bool relocatable;
};

static bool bad(const struct source *source, const char *why, struct error *err)
{
    return error_set(err, ERROR_IMAGE, "%s can't be used: %s", source->path, why);
}

static bool protocol_check(const struct source *source, const uint8_t *bytes, struct error *err)
{
    uint16_t version = le16_load(bytes + VERSION);
    unsigned end = JUMP_OFFSET + 1 + bytes[JUMP_OFFSET];
    if (version < VERSION_64BIT)
        return error_set(
            err, ERROR_IMAGE,
            "%s can't be started directly: it has boot protocol %u.%02u, and the 64-bit entry came "
            "with 2.12",
            source->path, version >> 8, version & 0xff);
    if (!(le16_load(bytes + XLOADFLAGS) & XLF_KERNEL_64))
        return bad(source,
                   "it is a 32-bit kernel, without the 64-bit entry that this program starts: give "
                   "--firmware seabios, "
                   "which enters it in real mode",
                   err);
    if (end < HEADER_LEAST || end > BZIMAGE_SETUP_END)
        return bad(source, "its setup header is damaged (it ends in the wrong place)", err);
    if (!(bytes[LOADFLAGS] & LOADED_HIGH))
        return bad(source, "it is a zImage, which is loaded below 1 MiB", err);
    return true;
}

/* The last paragraph of 16 bytes need not be complete. */
static bool payload_find(const struct source *source, struct header *header, struct error *err)
{
    const uint8_t *bytes = header->bytes;
    unsigned sectors = bytes[SETUP_SECTS] ? bytes[SETUP_SECTS] : SECTS_DEFAULT;
    uint64_t size = (uint64_t)le32_load(bytes + SYSSIZE) * 16;
    header->payload_at = (uint64_t)(sectors + 1) * SECTOR;
    if (size == 0)
        return bad(source, "its setup header says that there is no kernel in it", err);
    if (header->payload_at + size > source->size + 15)
        return error_set(err, ERROR_IMAGE, "%s is truncated: it has %llu bytes and %llu are needed",
                         source->path, (unsigned long long)source->size,
                         (unsigned long long)(header->payload_at + size));
    uint64_t rest = source->size - header->payload_at;
    header->payload_size = size < rest ? size : rest;
    return true;
}

static bool place_read(const struct source *source, struct header *header, struct error *err)
{
    const uint8_t *bytes = header->bytes;
    uint64_t room = le32_load(bytes + INIT_SIZE);
    header->size = room > header->payload_size ? room : header->payload_size;
    header->preferred = le64_load(bytes + PREF_ADDRESS);
    header->alignment = le32_load(bytes + KERNEL_ALIGNMENT);
    header->relocatable = bytes[RELOCATABLE_KERNEL] != 0;
    bool power = header->alignment && !(header->alignment & (header->alignment - 1));
    if (!power || header->alignment > ALIGNMENT_MOST || bytes[MIN_ALIGNMENT] > 30)
        return bad(source, "its setup header is damaged (the alignment makes no sense)", err);
    header->least_alignment = (uint64_t)1 << bytes[MIN_ALIGNMENT];
    if (header->least_alignment > header->alignment || header->least_alignment < PAGE_SIZE)
        header->least_alignment = header->alignment;
    return true;
}

static bool fits(const struct load_target *target, uint64_t address, uint64_t size)
{
    return address >= LOWEST && address >= target->base &&
           !range_beyond(address - target->base, size, target->size);
}

/* Its own choice, else with its own alignment, else with the least it can do with. */
static uint64_t place_choose(const struct header *header, const struct load_target *target)
{
    uint64_t aligned = align_up(LOWEST, header->alignment);
    if (fits(target, header->preferred, header->size) || !header->relocatable)
        return header->preferred;
    if (fits(target, aligned, header->size))
        return aligned;
    return align_up(LOWEST, header->least_alignment);
}

static void facts_take(const uint8_t *bytes, struct bzimage *image)
{
    unsigned end = JUMP_OFFSET + 1 + bytes[JUMP_OFFSET];
    memcpy(image->setup, bytes + BZIMAGE_SETUP, end - BZIMAGE_SETUP);
    image->version = le16_load(bytes + VERSION);
    image->initrd_end = (uint64_t)le32_load(bytes + INITRD_ADDR_MAX) + 1;
    image->command_line_max = le32_load(bytes + CMDLINE_SIZE);
}

bool bzimage_load(const struct source *source, const struct load_target *target, struct bzimage *image,
                  struct error *err)
{
    uint8_t bytes[BZIMAGE_SETUP_END];
    struct header header = {.bytes = bytes};
    *image = (struct bzimage){.version = 0};
    if (!source_read(source, 0, bytes, sizeof(bytes), err) || !protocol_check(source, bytes, err) ||
        !payload_find(source, &header, err) || !place_read(source, &header, err))
        return false;
    facts_take(bytes, image);
    uint64_t address = place_choose(&header, target);
    if (address < LOWEST)
        return bad(source, "its setup header asks for an address below 1 MiB", err);
    uint8_t *host = load_place(source, target, address, header.size, err);
    if (!host || !source_read(source, header.payload_at, host, header.payload_size, err))
        return false;
    image->kernel =
        (struct loaded){.start = address, .end = address + header.size, .entry = address + ENTRY_64};
    return true;
}

bool bzimage_kernel_load(struct source *source, const struct load_target *target, uint16_t machine,
                         struct bzimage *image, struct error *err)
{
    uint8_t bytes[BZIMAGE_SETUP_END];
    struct header header = {.bytes = bytes};
    *image = (struct bzimage){.version = 0};
    if (!source_read(source, 0, bytes, sizeof(bytes), err) || !protocol_check(source, bytes, err) ||
        !payload_find(source, &header, err))
        return false;
    uint64_t offset = le32_load(bytes + PAYLOAD_OFFSET), len = le32_load(bytes + PAYLOAD_LENGTH);
    if (range_beyond(offset, len, header.payload_size))
        return bad(source, "its setup header is damaged (the packed kernel would end beyond it)", err);
    facts_take(bytes, image);
    return source_part_unpack(source, header.payload_at + offset, len, err) &&
           elf_load(source, target, machine, 0, &image->kernel, err);
}

/* --- for a BIOS --- */

static uint64_t unpacked_end(const struct header *header, uint16_t version)
{
    uint64_t end = LOWEST + header->payload_size, preferred = le64_load(header->bytes + PREF_ADDRESS);
    if (version < VERSION_INIT_SIZE)
        return end;
    uint64_t room = le32_load(header->bytes + INIT_SIZE);
    uint64_t start = preferred > LOWEST && preferred < 4 * GIB ? preferred : LOWEST;
    return start + room > end ? start + room : end;
}

bool bzimage_real_check(const struct source *source, struct bzimage_real *real, struct error *err)
{
    uint8_t bytes[BZIMAGE_SETUP_END];
    struct header header = {.bytes = bytes};
    if (!source_read(source, 0, bytes, sizeof(bytes), err))
        return false;
    uint16_t version = le16_load(bytes + VERSION);
    if (version < VERSION_INITRD_MAX)
        return error_set(err, ERROR_IMAGE,
                         "%s can't be started: it has boot protocol %u.%02u, and 2.03 is needed",
                         source->path, version >> 8, version & 0xff);
    if (!(bytes[LOADFLAGS] & LOADED_HIGH))
        return bad(source, "it is a zImage, which is loaded below 1 MiB", err);
    if (!payload_find(source, &header, err))
        return false;
    if (header.payload_at > SETUP_ROOM)
        return bad(source, "its setup header is damaged (it has more than 32 KiB for real mode)", err);
    real->command_line_max = version >= VERSION_CMDLINE ? le32_load(bytes + CMDLINE_SIZE) : CMDLINE_OLD;
    real->initrd_end = (uint64_t)le32_load(bytes + INITRD_ADDR_MAX) + 1;
    real->end = unpacked_end(&header, version);
    return true;
}
