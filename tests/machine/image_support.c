#include "tests/machine/image_support.h"

#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "tests/harness/test.h"

void elf_make(uint8_t elf[static ELF_SIZE])
{
    memset(elf, 0, ELF_SIZE);
    memcpy(elf, "\177ELF\2\1\1", 7);
    le16_store(elf + 16, 2); /* ET_EXEC */
    le16_store(elf + 18, IMAGE_ELF_MACHINE);
    le32_store(elf + 20, 1);
    le64_store(elf + 24, 0xffffffff80000010); /* e_entry, virtual */
    le64_store(elf + 32, 64);                 /* e_phoff */
    le16_store(elf + 52, 64);
    le16_store(elf + 54, 56);
    le16_store(elf + 56, 1);
    uint8_t *program = elf + 64;
    le32_store(program, 1); /* PT_LOAD */
    le64_store(program + 8, ELF_DATA_AT);
    le64_store(program + 16, 0xffffffff80000000); /* p_vaddr */
    le64_store(program + 24, 0x80400000);         /* p_paddr */
    le64_store(program + 32, 0x40);
    le64_store(program + 40, 0x2000);
    memset(elf + ELF_DATA_AT, 0x5a, 0x40);
}

void image_make(uint8_t image[static IMAGE_SIZE])
{
    memset(image, 0x11, IMAGE_SIZE);
    memset(image, 0, 0x200);
    memcpy(image, "MZ", 2);
    le64_store(image + 8, 0x200000);
    le64_store(image + 16, 0x4000);
    memcpy(image + 0x30, "RISCV\0\0\0RSC\5", 12);
    le32_store(image + 0x3c, 0x40);
    memcpy(image + 0x40, "PE\0\0\x64\x50", 6);
    le16_store(image + 0x46, 1);    /* sections */
    le16_store(image + 0x54, 0xa0); /* size of the optional header */
    uint8_t *section = image + 0x58 + 0xa0;
    le32_store(section + 16, 0xc00); /* raw size */
    le32_store(section + 20, 0x400); /* raw offset: to the file's end */
}

size_t gzip_make(const uint8_t *bytes, size_t len, uint8_t *out, size_t size)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes,
                       .avail_in = (uInt)len,
                       .next_out = out,
                       .avail_out = (uInt)size};
    CHECK(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    size_t made = stream.total_out;
    deflateEnd(&stream);
    return made;
}
