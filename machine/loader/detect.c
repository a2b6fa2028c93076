#include "machine/loader/detect.h"

#include <string.h>

#include "base/bits.h"
#include "machine/loader/elf_note.h"
#include "machine/loader/multiboot.h"

/* ISO 9660 puts its first volume descriptor in sector 16, "CD001" one byte in. */
#define ISO_MAGIC_AT 0x8001
#define HEAD_SIZE    0x440
#define ELF_MAGIC    "\177ELF"
#define ELF_386      3 /* runs on x86_64 as well */

static const struct {
    const char *name;
    uint16_t elf_machine;
    uint16_t pe_machine;
} arches[GUEST_ARCH_COUNT] = {
    [GUEST_RISCV64] = {"riscv64", 243, 0x5064},
    [GUEST_X86_64] = {"x86_64", 62, 0x8664},
    [GUEST_AARCH64] = {"aarch64", 183, 0xaa64},
};

static const char *const kind_names[IMAGE_KIND_COUNT] = {
    [IMAGE_UNKNOWN] = "an unknown kind of file",
    [IMAGE_ELF] = "an ELF file",
    [IMAGE_SOLO5] = "a Solo5 unikernel",
    [IMAGE_LINUX] = "a Linux Image",
    [IMAGE_BZIMAGE] = "a Linux bzImage for x86",
    [IMAGE_GZIP] = "a gzip file",
    [IMAGE_ZSTD] = "a zstd file",
    [IMAGE_ZBOOT] = "an EFI zboot kernel",
    [IMAGE_MULTIBOOT] = "a multiboot kernel",
    [IMAGE_PE] = "an EFI (PE) program",
    [IMAGE_FLASH] = "a firmware flash image",
    [IMAGE_FDT] = "a device tree",
    [IMAGE_UIMAGE] = "a U-Boot legacy image (uImage)",
    [IMAGE_ISO] = "an ISO 9660 image",
    [IMAGE_QCOW2] = "a qcow2 disk image",
    [IMAGE_DISK] = "a disk image",
    [IMAGE_CPIO] = "a cpio archive (an initrd)",
    [IMAGE_TEXT] = "a text file",
};

const char *image_kind_name(enum image_kind kind)
{
    return kind_names[kind];
}

const char *guest_arch_name(enum guest_arch arch)
{
    return arches[arch].name;
}

uint16_t guest_arch_elf_machine(enum guest_arch arch)
{
    return arches[arch].elf_machine;
}

static void arch_by_elf(struct image_info *info, uint16_t machine)
{
    for (int i = 0; i < GUEST_ARCH_COUNT; i++) {
        if (arches[i].elf_machine == machine || (machine == ELF_386 && i == GUEST_X86_64)) {
            info->arch_known = true;
            info->arch = (enum guest_arch)i;
        }
    }
}

/* The PE header is where the DOS header's last word says, in practice within its first KiB. */
static void arch_by_pe(struct image_info *info, const uint8_t *head, uint64_t len)
{
    uint32_t pe = le32_load(head + 0x3c);
    if (range_beyond(pe, 6, len) || memcmp(head + pe, "PE\0\0", 4) != 0)
        return;
    for (int i = 0; i < GUEST_ARCH_COUNT; i++) {
        if (arches[i].pe_machine == le16_load(head + pe + 4)) {
            info->arch_known = true;
            info->arch = (enum guest_arch)i;
        }
    }
}

static void arch_is(struct image_info *info, enum image_kind kind, enum guest_arch arch)
{
    *info = (struct image_info){.kind = kind, .arch_known = true, .arch = arch};
}

/* A magic number at a fixed place, where that alone says what the file is. */
static const struct {
    uint16_t offset;
    uint8_t len;
    char magic[8];
    enum image_kind kind;
} magics[] = {
    {0, 3, "\x1f\x8b\x08", IMAGE_GZIP},
    {0, 4, "\x28\xb5\x2f\xfd", IMAGE_ZSTD},
    {0x28, 4, "_FVH", IMAGE_FLASH},
    {0, 4, "\xd0\x0d\xfe\xed", IMAGE_FDT},
    {0, 4, "\x27\x05\x19\x56", IMAGE_UIMAGE},
    {0, 4, "QFI\xfb", IMAGE_QCOW2},
    {0, 6, {'0', '7', '0', '7', '0', '1'}, IMAGE_CPIO},
    {0, 6, {'0', '7', '0', '7', '0', '2'}, IMAGE_CPIO},
};

static bool is_text(const uint8_t *head, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++) {
        if (head[i] < ' ' && head[i] != '\n' && head[i] != '\r' && head[i] != '\t')
            return false;
    }
    return true;
}

/* `head` is padded with zeroes to HEAD_SIZE. */
static void detect_head(const uint8_t *head, uint64_t len, struct image_info *info)
{
    for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
        if (memcmp(head + magics[i].offset, magics[i].magic, magics[i].len) == 0) {
            info->kind = magics[i].kind;
            return;
        }
    }
    if (memcmp(head, ELF_MAGIC, 4) == 0) {
        info->kind = IMAGE_ELF;
        arch_by_elf(info, le16_load(head + 18));
    } else if (memcmp(head + 0x30, "RISCV\0\0\0", 8) == 0) {
        arch_is(info, IMAGE_LINUX, GUEST_RISCV64);
    } else if (memcmp(head + 0x38, "ARM\x64", 4) == 0) {
        arch_is(info, IMAGE_LINUX, GUEST_AARCH64);
    } else if (le16_load(head + 0x1fe) == 0xaa55 && memcmp(head + 0x202, "HdrS", 4) == 0) {
        arch_is(info, IMAGE_BZIMAGE, GUEST_X86_64);
    } else if (memcmp(head, "MZ", 2) == 0) {
        info->kind = memcmp(head + 4, "zimg", 4) == 0 ? IMAGE_ZBOOT : IMAGE_PE;
        arch_by_pe(info, head, len);
    } else if (is_text(head, len)) {
        info->kind = IMAGE_TEXT;
    }
}

/* A boot sector's mark, or that of an ext4 file system, in something that is nothing else. */
static bool is_disk(const struct source *source, const uint8_t *head)
{
    return source->size && source->size % 512 == 0 &&
           (le16_load(head + 0x1fe) == 0xaa55 || le16_load(head + 0x438) == 0xef53);
}

static bool multiboot_look(const struct source *source, struct image_info *info, struct error *err)
{
    struct multiboot_header header;
    if (!multiboot_header_find(source, &header, err))
        return false;
    if (header.there)
        arch_is(info, IMAGE_MULTIBOOT, GUEST_X86_64);
    return true;
}

/* Solo5's ABI note ("ABI1"): the first word says for which tender the program was linked. */
#define SOLO5_NOTE       "Solo5"
#define SOLO5_ABI        0x31494241u
#define SOLO5_TARGET_HVT 1

static bool is_solo5_hvt(const struct source *source)
{
    uint8_t target[4];
    return elf_note_find(source, SOLO5_NOTE, SOLO5_ABI, target, sizeof(target)) &&
           le32_load(target) == SOLO5_TARGET_HVT;
}

bool image_detect(const struct source *source, struct image_info *info, struct error *err)
{
    uint8_t head[HEAD_SIZE] = {0};
    uint64_t len = source->size < HEAD_SIZE ? source->size : HEAD_SIZE;
    *info = (struct image_info){.kind = IMAGE_UNKNOWN};
    if (!source_read(source, 0, head, len, err))
        return false;
    detect_head(head, len, info);
    if (info->kind == IMAGE_UNKNOWN && !multiboot_look(source, info, err))
        return false;
    if (info->kind == IMAGE_ELF && is_solo5_hvt(source))
        info->kind = IMAGE_SOLO5;
    if (info->kind == IMAGE_UNKNOWN && is_disk(source, head))
        info->kind = IMAGE_DISK;
    uint8_t volume[5];
    if (source->size < ISO_MAGIC_AT + sizeof(volume))
        return true;
    if (!source_read(source, ISO_MAGIC_AT, volume, sizeof(volume), err))
        return false;
    if (memcmp(volume, "CD001", sizeof(volume)) == 0)
        *info = (struct image_info){.kind = IMAGE_ISO};
    return true;
}

bool image_file_detect(const char *path, struct image_info *info, struct error *err)
{
    struct source source;
    if (!source_open(&source, path, NULL, err))
        return false;
    bool ok = image_detect(&source, info, err);
    source_close(&source);
    return ok;
}
