#include "tests/modes/hvt_support.h"

#include <string.h>

#include "base/bits.h"

static void program_put(uint8_t *bytes, unsigned n, const uint64_t values[8])
{
    uint8_t *at = unikernel_program(bytes, n);
    le32_store(at, (uint32_t)values[0]);
    le32_store(at + 4, (uint32_t)values[1]);
    for (unsigned i = 2; i < 8; i++)
        le64_store(at + 8 + 8 * (i - 2), values[i]);
}

static void note_put(uint8_t *at, uint32_t type, uint32_t size)
{
    le32_store(at, 6);
    le32_store(at + 4, size);
    le32_store(at + 8, type);
    memcpy(at + 12, "Solo5\0\0", 8);
}

static void entry_put(uint8_t *at, const char *name, uint32_t type)
{
    memcpy(at, name, strlen(name));
    le32_store(at + 68, type);
}

uint8_t *unikernel_program(uint8_t *bytes, unsigned n)
{
    return bytes + UNIKERNEL_PROGRAMS + 56 * n;
}

void unikernel_make(uint8_t bytes[UNIKERNEL_SIZE])
{
    /* type, flags, offset, vaddr, paddr, filesz, memsz, align */
    static const uint64_t programs[UNIKERNEL_PROGRAM_COUNT][8] = {
        {1, 1, 0x1000, 0x100000, 0, 0x1000, 0x1000, 0x1000},
        {1, 4, 0x2000, 0x101000, 0, 0x800, 0x800, 0x1000},
        {1, 6, 0x3000, 0x102000, 0, 0x1800, 0x5000, 0x1000},
        {4, 4, UNIKERNEL_ABI_NOTE, 0x101000, 0, 36, 36, 4},
        {4, 4, UNIKERNEL_MANIFEST_NOTE, 0x101040, 0, 24 + 8 + 3 * 104, 24 + 8 + 3 * 104, 8},
    };
    memset(bytes, 0, UNIKERNEL_SIZE);
    memcpy(bytes, "\177ELF\2\1\1", 7);
    le16_store(bytes + 16, 2);
    le16_store(bytes + 18, UNIKERNEL_MACHINE);
    le32_store(bytes + 20, 1);
    le64_store(bytes + 24, 0x100010);
    le64_store(bytes + 32, UNIKERNEL_PROGRAMS);
    le16_store(bytes + 52, 64);
    le16_store(bytes + 54, 56);
    le16_store(bytes + 56, UNIKERNEL_PROGRAM_COUNT);
    for (unsigned i = 0; i < UNIKERNEL_PROGRAM_COUNT; i++)
        program_put(bytes, i, programs[i]);
    memset(bytes + 0x1000, 0x13, 0x1000);
    memset(bytes + 0x3000, 0xda, 0x1800);

    note_put(bytes + UNIKERNEL_ABI_NOTE, 0x31494241, 16);
    le32_store(bytes + UNIKERNEL_ABI_NOTE + 20, 1);
    le32_store(bytes + UNIKERNEL_ABI_NOTE + 24, 2);

    uint8_t *note = bytes + UNIKERNEL_MANIFEST_NOTE;
    note_put(note, 0x3154464d, 4 + 8 + 3 * 104);
    le32_store(note + 24, 1);
    le32_store(note + 28, 3);
    entry_put(note + 32, "", 0x40000000);
    entry_put(note + 32 + 104, "disk", 1);
    entry_put(note + 32 + 208, "net0", 2);
}
