/* What of a unikernel's file is taken, and every way in which one may be wrong. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "modes/hvt/pages.h"
#include "tests/harness/test.h"
#include "tests/modes/hvt_support.h"

static bool read_bytes(struct hvt_image *image, const uint8_t *bytes, size_t len, struct error *err)
{
    struct source source;
    source_memory(&source, "unikernel", bytes, len);
    bool ok = hvt_image_read(image, &source, err);
    source_close(&source);
    return ok;
}

static void taken(void)
{
    uint8_t bytes[UNIKERNEL_SIZE];
    struct hvt_image image;
    struct error err = {0};
    unikernel_make(bytes);
    if (!CHECK(read_bytes(&image, bytes, sizeof(bytes), &err))) {
        FAIL("%s", err.text);
        return;
    }
    CHECK_EQ(image.arch, GUEST_RISCV64);
    CHECK_EQ(image.entry, 0x100010);
    CHECK_EQ(image.end, 0x107000);
    CHECK_EQ(image.segment_count, 3);
    CHECK(image.segments[0].executable && !image.segments[0].writable);
    CHECK(!image.segments[1].executable && !image.segments[1].writable);
    CHECK(!image.segments[2].executable && image.segments[2].writable);
    CHECK_EQ(image.segments[1].end, 0x102000);
    CHECK_EQ(image.device_count, 3);
    CHECK_EQ(hvt_device_find(&image, HVT_MFT_TYPE_BLOCK, "disk"), 1);
    CHECK_EQ(hvt_device_find(&image, HVT_MFT_TYPE_NET, "net0"), 2);
    CHECK_EQ(hvt_device_find(&image, HVT_MFT_TYPE_NET, "disk"), 0);
    CHECK_EQ(hvt_device_find(&image, HVT_MFT_TYPE_NOTHING, ""), 0);
}

static void loaded(void)
{
    uint8_t bytes[UNIKERNEL_SIZE], *memory = calloc(1, 0x107000);
    struct hvt_image image;
    struct source source;
    unikernel_make(bytes);
    source_memory(&source, "unikernel", bytes, sizeof(bytes));
    CHECK(hvt_image_read(&image, &source, NULL) && hvt_image_load(&image, &source, memory, NULL));
    CHECK_MEM(memory + 0x100000, bytes + 0x1000, 0x1000);
    CHECK_MEM(memory + 0x102000, bytes + 0x3000, 0x1800);
    CHECK_EQ(memory[0x1037ff], 0xda);
    CHECK_EQ(memory[0x103800], 0);
    source_close(&source);
    free(memory);
}

/* --- what must be refused --- */

/* A value at a place, and what the sentence about it has in it. */
struct change {
    const char *what, *mention;
    uint32_t at;
    uint8_t width;
    uint64_t value;
};

#define PROGRAM(n, field) (UNIKERNEL_PROGRAMS + 56 * UNIKERNEL_##n + (field))
#define ABI(field)        (UNIKERNEL_ABI_NOTE + (field))
#define MFT(field)        (UNIKERNEL_MANIFEST_NOTE + (field))
#define ENTRY(n, field)   MFT(32 + 104 * (n) + (field))

/* clang-format off */
static const struct change changes[] = {
    {"magic", "not an ELF", 0, 1, 0x7e},
    {"32 bits", "64-bit", 4, 1, 1},
    {"big-endian", "little-endian", 5, 1, 2},
    {"ELF version", "64-bit ELF", 20, 4, 2},
    {"relocatable", "fixed address", 16, 2, 1},
    {"position-independent", "fixed address", 16, 2, 3},
    {"machine", "x86_64, aarch64 or riscv64", 18, 2, 40},
    {"size of the header", "sizes of their own", 52, 2, 65},
    {"size of a program header", "sizes of their own", 54, 2, 32},
    {"no program headers", "no program headers", 56, 2, 0},
    {"65 program headers", "too many", 56, 2, 65},
    {"65535 program headers", "too many", 56, 2, 65535},
    {"program headers beyond the end", "truncated", 32, 8, UNIKERNEL_SIZE - 100},
    {"program headers that wrap", "truncated", 32, 8, UINT64_MAX - 8},
    {"entry in data", "entry point", 24, 8, 0x102000},
    {"entry below", "entry point", 24, 8, 0xfffff},
    {"entry behind the code", "entry point", 24, 8, 0x101000},

    {"write and execute", "both writable and executable", PROGRAM(TEXT, 4), 4, 3},
    {"read, write and execute", "both writable and executable", PROGRAM(DATA, 4), 4, 7},
    {"segment in the tender's memory", "below 1 MiB", PROGRAM(TEXT, 16), 8, 0xff000},
    {"segment at 0", "below 1 MiB", PROGRAM(TEXT, 16), 8, 0},
    {"segment beyond 4 GiB", "beyond 4 GiB", PROGRAM(DATA, 16), 8, 0x100000000},
    {"segment up to beyond 4 GiB", "beyond 4 GiB", PROGRAM(DATA, 40), 8, 0x100000000},
    {"segment that wraps", "beyond 4 GiB", PROGRAM(DATA, 40), 8, UINT64_MAX},
    {"segment at the end of the world", "beyond 4 GiB", PROGRAM(DATA, 16), 8, UINT64_MAX - 0xfff},
    {"segments over each other", "overlap", PROGRAM(RODATA, 40), 8, 0x1001},
    {"segments out of order", "overlap", PROGRAM(TEXT, 16), 8, 0x200000},
    {"segments on one page", "overlap", PROGRAM(DATA, 16), 8, 0x101900},
    {"more in the file than in memory", "more bytes in the file", PROGRAM(DATA, 40), 8, 0x17ff},
    {"bytes beyond the end", "truncated", PROGRAM(DATA, 8), 8, UNIKERNEL_SIZE - 0x17ff},
    {"bytes that wrap", "truncated", PROGRAM(DATA, 8), 8, UINT64_MAX - 0xff},
    {"alignment that is none", "aligned", PROGRAM(DATA, 48), 8, 0x1800},
    {"note beyond the end", "truncated", PROGRAM(ABI, 8), 8, UNIKERNEL_SIZE},

    {"no ABI note", "no Solo5 ABI note", PROGRAM(ABI, 0), 4, 0},
    {"another's note", "no Solo5 ABI note", ABI(12), 1, 'T'},
    {"two ABI notes", "two notes", MFT(8), 4, 0x31494241},
    {"ABI note's size", "size of its own", ABI(4), 4, 12},
    {"ABI note too long for its place", "truncated", ABI(4), 4, 0xffffffff},
    {"a name of 4 GiB", "truncated", ABI(0), 4, 0xffffffff},
    {"for spt", "for spt", ABI(20), 4, 2},
    {"for xen", "for xen", ABI(20), 4, 6},
    {"for who knows", "unknown target", ABI(20), 4, 0xffffffff},
    {"ABI version 1", "version 1", ABI(24), 4, 1},
    {"ABI version 3", "version 3", ABI(24), 4, 3},

    {"no manifest", "no manifest", PROGRAM(MANIFEST, 0), 4, 0},
    {"manifest of 3 bytes", "empty", MFT(4), 4, 3},
    {"manifest of 10 bytes", "too short", MFT(4), 4, 10},
    {"manifest's size", "contradict", MFT(4), 4, 4 + 8 + 3 * 104 - 1},
    {"manifest's version", "version 2", MFT(24), 4, 2},
    {"no entries", "no entries", MFT(28), 4, 0},
    {"65 entries", "too many entries", MFT(28), 4, 65},
    {"4 Gi entries", "too many entries", MFT(28), 4, 0xffffffff},
    {"fewer entries", "contradict", MFT(28), 4, 2},
    {"first entry's type", "reserved entry", ENTRY(0, 68), 4, 1},
    {"first entry's name", "reserved entry", ENTRY(0, 0), 1, 'x'},
    {"another reserved entry", "unknown type", ENTRY(1, 68), 4, 0x40000000},
    {"device type", "unknown type", ENTRY(2, 68), 4, 3},
    {"name without an end", "well-formed", ENTRY(1, 67), 1, 'x'},
    {"attached already", "well-formed", ENTRY(1, 96), 1, 1},
    {"no name", "without a name", ENTRY(1, 0), 1, 0},
    {"an odd name", "letters and digits", ENTRY(1, 1), 1, '\n'},
    {"the same name", "disk twice", ENTRY(2, 0), 8, 0x6b736964},
};
/* clang-format on */

static void refused(void)
{
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        uint8_t bytes[UNIKERNEL_SIZE];
        struct hvt_image image;
        struct error err = {0};
        unikernel_make(bytes);
        le_store(bytes + changes[i].at, changes[i].width, changes[i].value);
        test_context("%s", changes[i].what);
        CHECK(!read_bytes(&image, bytes, sizeof(bytes), &err));
        CHECK_EQ(err.kind, ERROR_IMAGE);
        if (!CHECK(strstr(err.text, changes[i].mention)))
            FAIL("the sentence was: %s", err.text);
    }
    test_context(NULL);
}

static void cut(void)
{
    uint8_t bytes[UNIKERNEL_SIZE];
    unikernel_make(bytes);
    /* Data ends at 0x4800; what is behind it nobody needs. */
    for (size_t len = 0; len < 0x4800; len += len < 0x200 ? 1 : 37) {
        struct hvt_image image;
        struct error err = {0};
        uint8_t *copy = malloc(len + 1); /* exactly, for a sanitizer */
        memcpy(copy, bytes, len);
        CHECK(!read_bytes(&image, copy, len, &err) && err.kind == ERROR_IMAGE);
        free(copy);
    }
}

/* Several notes in one part of the file, as some linkers put them. */
static void notes_together(void)
{
    uint8_t bytes[UNIKERNEL_SIZE];
    struct hvt_image image;
    unikernel_make(bytes);
    uint8_t *abi = unikernel_program(bytes, UNIKERNEL_ABI);
    memmove(bytes + UNIKERNEL_ABI_NOTE + 36, bytes + UNIKERNEL_MANIFEST_NOTE, 24 + 8 + 3 * 104);
    le64_store(abi + 32, 36 + 24 + 8 + 3 * 104);
    le32_store(unikernel_program(bytes, UNIKERNEL_MANIFEST), 0);
    CHECK(read_bytes(&image, bytes, sizeof(bytes), NULL));
    CHECK_EQ(image.device_count, 3);
}

/* --- protection --- */

static void access_is(const struct hvt_image *image, uint64_t address, const char *expected)
{
    uint64_t end;
    struct hvt_access access = hvt_access_at(image, 4 * MIB, address, &end);
    char text[4] = "---";
    if (access.readable)
        text[0] = 'r';
    if (access.writable)
        text[1] = 'w';
    if (access.executable)
        text[2] = 'x';
    test_context("at %#llx", (unsigned long long)address);
    CHECK_STR(text, expected);
    CHECK(end > address);
    test_context(NULL);
}

static void protection(void)
{
    uint8_t bytes[UNIKERNEL_SIZE];
    struct hvt_image image;
    unikernel_make(bytes);
    le64_store(unikernel_program(bytes, UNIKERNEL_DATA) + 16, 0x103000); /* with a gap before it */
    if (!CHECK(read_bytes(&image, bytes, sizeof(bytes), NULL)))
        return;
    access_is(&image, 0, "---");
    access_is(&image, 0xffff, "---");
    access_is(&image, 0x10000, "r--");
    access_is(&image, 0x3ffff, "r--");
    access_is(&image, 0x40000, "---");
    access_is(&image, 0xfffff, "---");
    access_is(&image, 0x100000, "r-x");
    access_is(&image, 0x100fff, "r-x");
    access_is(&image, 0x101000, "r--");
    access_is(&image, 0x102000, "rw-");
    access_is(&image, 0x103000, "rw-");
    access_is(&image, 0x3fffff, "rw-");
}

static const struct test_case cases[] = {
    {"taken", taken},
    {"loaded", loaded},
    {"refused", refused},
    {"cut", cut},
    {"notes_together", notes_together},
    {"protection", protection},
};
TEST_SUITE(hvt_image_test, "unit", cases);
