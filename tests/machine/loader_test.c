/* Loaders and image detection, with good and malformed images made here from the formats' manuals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#if HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/bits.h"
#include "machine/loader/compress.h"
#include "machine/loader/detect.h"
#include "machine/loader/elf_symbol.h"
#include "machine/loader/loader.h"
#include "tests/harness/test.h"
#include "tests/machine/image_support.h"

#define RAM_BASE  0x80000000ull
#define RAM_SIZE  (16 * MIB)
#define FREE_BASE (RAM_BASE + 2 * MIB)

/* A place for images: RAM, and one source over bytes. */
struct bench {
    struct load_target target;
    struct source source;
    struct loaded loaded;
    struct error err;
};

static void bench_start(struct bench *bench, const uint8_t *bytes, size_t len)
{
    unsigned id;
    *bench = (struct bench){.target = {ram_create(), RAM_BASE, RAM_SIZE}};
    struct ram_block *block = ram_block_create(bench->target.ram, "ram", RAM_SIZE, NULL);
    CHECK(block && ram_map(bench->target.ram, block, 0, gpa(RAM_BASE), RAM_SIZE, RAM_MAPPED, &id));
    source_memory(&bench->source, "image", bytes, len);
}

static void bench_end(struct bench *bench)
{
    source_close(&bench->source);
    ram_destroy(bench->target.ram);
}

static bool mentions(const struct bench *bench, const char *words)
{
    if (bench->err.kind == ERROR_IMAGE && strstr(bench->err.text, words))
        return true;
    FAIL("error \"%s\" does not mention \"%s\"", bench->err.text, words);
    return false;
}

static uint8_t byte_at(struct bench *bench, uint64_t address)
{
    const uint8_t *p = ram_at(bench->target.ram, gpa(address), 1, RAM_READ);
    return p ? *p : 0xee;
}

/* --- ELF --- */

static bool elf_run(struct bench *bench)
{
    return elf_load(&bench->source, &bench->target, IMAGE_ELF_MACHINE, FREE_BASE, &bench->loaded,
                    &bench->err);
}

static void elf_good(void)
{
    uint8_t elf[ELF_SIZE];
    struct bench bench;
    elf_make(elf);
    bench_start(&bench, elf, sizeof(elf));
    ram_fill(bench.target.ram, gpa(0x80400000), 0xff, 0x3000); /* what an earlier run left */
    CHECK(elf_run(&bench));
    CHECK_EQ(bench.loaded.entry, 0x80400010);
    CHECK_EQ(bench.loaded.start, 0x80400000);
    CHECK_EQ(bench.loaded.end, 0x80402000);
    CHECK_EQ(byte_at(&bench, 0x80400000), 0x5a);
    CHECK_EQ(byte_at(&bench, 0x8040003f), 0x5a);
    CHECK_EQ(byte_at(&bench, 0x80400040), 0);
    CHECK_EQ(byte_at(&bench, 0x80401fff), 0);
    CHECK_EQ(byte_at(&bench, 0x80402000), 0xff);
    bench_end(&bench);
}

static void elf_unbound(void)
{
    uint8_t elf[ELF_SIZE];
    struct bench bench;
    elf_make(elf);
    le16_store(elf + 16, 3); /* ET_DYN */
    le64_store(elf + 24, 0);
    le64_store(elf + 64 + 16, 0);
    le64_store(elf + 64 + 24, 0);
    bench_start(&bench, elf, sizeof(elf));
    CHECK(elf_run(&bench));
    CHECK_EQ(bench.loaded.start, FREE_BASE);
    CHECK_EQ(bench.loaded.entry, FREE_BASE);
    bench_end(&bench);
    le64_store(elf + 64 + 48, 2 * MIB); /* p_align */
    bench_start(&bench, elf, sizeof(elf));
    CHECK(elf_load(&bench.source, &bench.target, IMAGE_ELF_MACHINE, FREE_BASE + 0x80000, &bench.loaded,
                   &bench.err));
    CHECK_EQ(bench.loaded.entry, FREE_BASE + 2 * MIB);
    bench_end(&bench);
}

/* The file's headers and their padding may lie below RAM, where a linker puts them; nothing else. */
static void elf_headers_below(void)
{
    uint8_t elf[ELF_SIZE];
    struct bench bench;
    elf_make(elf);
    uint8_t *program = elf + 64;
    le64_store(elf + 24, RAM_BASE + 4);
    le64_store(program + 8, 0);
    le64_store(program + 16, RAM_BASE - ELF_DATA_AT);
    le64_store(program + 24, RAM_BASE - ELF_DATA_AT);
    le64_store(program + 32, ELF_DATA_AT + 0x40);
    le64_store(program + 40, ELF_DATA_AT + 0x80);
    bench_start(&bench, elf, sizeof(elf));
    CHECK(elf_run(&bench));
    CHECK_EQ(bench.loaded.start, RAM_BASE);
    CHECK_EQ(bench.loaded.end, RAM_BASE + 0x80);
    CHECK_EQ(bench.loaded.entry, RAM_BASE + 4);
    CHECK_EQ(byte_at(&bench, RAM_BASE), 0x5a);
    CHECK_EQ(byte_at(&bench, RAM_BASE + 0x3f), 0x5a);
    CHECK_EQ(byte_at(&bench, RAM_BASE + 0x40), 0);
    bench_end(&bench);
    elf[ELF_DATA_AT - 1] = 1;
    bench_start(&bench, elf, sizeof(elf));
    CHECK(!elf_run(&bench));
    CHECK(strstr(bench.err.text, "linked for another machine"));
    bench_end(&bench);
}

/* A field of an image that gets a wrong value, and what the error says of it. */
struct fault {
    const char *name;
    unsigned offset, width;
    uint64_t value;
    const char *words;
};

static void faults_check(uint8_t *image, size_t size, bool (*load)(struct bench *bench),
                         const struct fault *faults, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bench bench;
        uint64_t good = le_load(image + faults[i].offset, faults[i].width);
        test_context("%s", faults[i].name);
        le_store(image + faults[i].offset, faults[i].width, faults[i].value);
        bench_start(&bench, image, size);
        CHECK(!load(&bench));
        mentions(&bench, faults[i].words);
        bench_end(&bench);
        le_store(image + faults[i].offset, faults[i].width, good);
    }
}

static const struct fault elf_faults[] = {
    {"32-bit", 4, 1, 1, "32-bit"},
    {"big-endian", 5, 1, 2, "big-endian"},
    {"x86", 18, 2, 62, "another architecture"},
    {"relocatable", 16, 2, 1, "not linked"},
    {"entry size", 54, 2, 32, "without program headers"},
    {"no headers", 56, 2, 0, "without program headers"},
    {"headers far away", 32, 8, UINT64_MAX - 10, "truncated"},
    {"too many headers", 56, 2, 0xffff, "too many"},
    {"interpreter", 64, 4, 3, "dynamically linked"},
    {"nothing to load", 64, 4, 0, "nothing to load"},
    {"beyond the file", 64 + 8, 8, ELF_SIZE, "truncated"},
    {"offset wraps", 64 + 8, 8, UINT64_MAX - 4, "truncated"},
    {"more file than memory", 64 + 40, 8, 0x20, "damaged"},
    {"address wraps", 64 + 24, 8, UINT64_MAX - 0x100, "damaged"},
    {"below RAM", 64 + 24, 8, 0x40000000, "another machine"},
    {"beyond RAM", 64 + 24, 8, 0x90000000, "--memory"},
    {"size beyond RAM", 64 + 40, 8, 0x40000000, "--memory"},
    {"entry elsewhere", 24, 8, 0x1000, "entry"},
};

static void elf_malformed(void)
{
    uint8_t elf[ELF_SIZE];
    elf_make(elf);
    faults_check(elf, sizeof(elf), elf_run, elf_faults, ARRAY_LEN(elf_faults));
}

/* Every truncation gives an error, and none reads beyond the bytes there are. */
static void elf_truncated(void)
{
    uint8_t elf[ELF_SIZE];
    elf_make(elf);
    for (size_t len = 1; len < ELF_DATA_AT + 0x40; len++) {
        struct bench bench;
        uint8_t *copy = malloc(len);
        memcpy(copy, elf, len);
        test_context("%zu bytes", len);
        bench_start(&bench, copy, len);
        CHECK(!elf_run(&bench));
        CHECK_EQ(bench.err.kind, ERROR_IMAGE);
        bench_end(&bench);
        free(copy);
    }
}

/* An ELF file with the symbols "a" (not defined here), "tohost" and "begin" in a table. */
#define SYMBOLS_AT    0x100
#define NAMES_AT      0x180
#define SECTIONS_AT   0x1c0
#define SYMBOLED_SIZE 0x300

static void symboled_make(uint8_t elf[static SYMBOLED_SIZE])
{
    static const char names[] = "\0a\0tohost\0begin";
    static const struct {
        uint32_t name;
        uint16_t section;
        uint64_t value;
    } symbols[] = {{0, 0, 0}, {1, 0, 5}, {3, 1, 0x80001000}, {10, 1, 0x80002000}};
    memset(elf, 0, SYMBOLED_SIZE);
    elf_make(elf);
    le64_store(elf + 40, SECTIONS_AT);
    le16_store(elf + 58, 64);
    le16_store(elf + 60, 3);
    memcpy(elf + NAMES_AT, names, sizeof(names));
    for (unsigned i = 0; i < ARRAY_LEN(symbols); i++) {
        uint8_t *symbol = elf + SYMBOLS_AT + 24 * i;
        le32_store(symbol, symbols[i].name);
        le16_store(symbol + 6, symbols[i].section);
        le64_store(symbol + 8, symbols[i].value);
    }
    uint8_t *table = elf + SECTIONS_AT + 64, *strings = table + 64;
    le32_store(table + 4, 2); /* SHT_SYMTAB */
    le64_store(table + 24, SYMBOLS_AT);
    le64_store(table + 32, 24 * ARRAY_LEN(symbols));
    le32_store(table + 40, 2);
    le32_store(strings + 4, 3); /* SHT_STRTAB */
    le64_store(strings + 24, NAMES_AT);
    le64_store(strings + 32, sizeof(names));
}

static bool symbols_look(const uint8_t *elf, size_t len, struct elf_symbol symbols[static 2])
{
    struct source source;
    source_memory(&source, "image", elf, len);
    symbols[0] = (struct elf_symbol){.name = "tohost"};
    symbols[1] = (struct elf_symbol){.name = "begin"};
    bool all = elf_symbols_find(&source, symbols, 2);
    source_close(&source);
    return all;
}

static void elf_symbols(void)
{
    uint8_t elf[SYMBOLED_SIZE], copy[SYMBOLED_SIZE];
    struct elf_symbol symbols[2];
    symboled_make(elf);
    CHECK(symbols_look(elf, sizeof(elf), symbols));
    CHECK_EQ(symbols[0].value, 0x80001000);
    CHECK_EQ(symbols[1].value, 0x80002000);
    le16_store(elf + SYMBOLS_AT + 24 * 3 + 6, 0); /* one of them defined elsewhere */
    CHECK(!symbols_look(elf, sizeof(elf), symbols));
    CHECK(symbols[0].found && !symbols[1].found);
    /* Shorter, and damaged: something, nothing, but no harm. */
    for (size_t len = 0; len < sizeof(elf); len++)
        symbols_look(elf, len, symbols);
    for (unsigned round = 0; round < 20000; round++) {
        memcpy(copy, elf, sizeof(copy));
        for (unsigned i = 0; i < 4; i++)
            copy[i % 2 ? test_random() % 64 : SECTIONS_AT + test_random() % 192] = (uint8_t)test_random();
        symbols_look(copy, sizeof(copy), symbols);
    }
}

/* Random damage: an error or a result inside RAM, nothing else. */
static void elf_damaged(void)
{
    for (int i = 0; i < 3000; i++) {
        uint8_t elf[ELF_SIZE];
        struct bench bench;
        elf_make(elf);
        for (int n = 0; n < 4; n++)
            elf[test_random() % 0x80] = (uint8_t)test_random();
        bench_start(&bench, elf, sizeof(elf));
        if (elf_run(&bench))
            CHECK(bench.loaded.start >= RAM_BASE && bench.loaded.end <= RAM_BASE + RAM_SIZE);
        else
            CHECK_EQ(bench.err.kind, ERROR_IMAGE);
        bench_end(&bench);
    }
}

/* --- Linux Image --- */

static bool image_run(struct bench *bench)
{
    return linux_image_load(&bench->source, &bench->target, FREE_BASE, &bench->loaded, &bench->err);
}

static void image_good(void)
{
    uint8_t image[IMAGE_SIZE];
    struct bench bench;
    image_make(image);
    bench_start(&bench, image, sizeof(image));
    ram_fill(bench.target.ram, gpa(0x80200000), 0xff, 0x5000);
    CHECK(image_run(&bench));
    CHECK_EQ(bench.loaded.entry, 0x80200000);
    CHECK_EQ(bench.loaded.end, 0x80204000);
    CHECK_EQ(byte_at(&bench, 0x80200fff), 0x11);
    CHECK_EQ(byte_at(&bench, 0x80201000), 0);
    CHECK_EQ(byte_at(&bench, 0x80203fff), 0);
    CHECK_EQ(byte_at(&bench, 0x80204000), 0xff);
    bench_end(&bench);
}

/* An arm64 kernel without a size (Linux before 3.17) lies 512 KiB into RAM. */
static void image_old_arm64(void)
{
    uint8_t image[IMAGE_SIZE];
    struct bench bench;
    image_make(image);
    memset(image + 0x30, 0, 8);
    memcpy(image + 0x38, "ARM\x64", 4);
    le64_store(image + 16, 0);
    bench_start(&bench, image, sizeof(image));
    CHECK(image_run(&bench));
    CHECK_EQ(bench.loaded.entry, 0x80080000);
    CHECK_EQ(bench.loaded.end, 0x80080000 + IMAGE_SIZE);
    bench_end(&bench);
}

/* A kernel of arm64 without an offset leaves the start of RAM free; one of riscv without one does not lie
 * over the firmware there. */
static void image_no_offset(void)
{
    uint8_t image[IMAGE_SIZE];
    struct bench bench;
    image_make(image);
    le64_store(image + 8, 0);
    bench_start(&bench, image, sizeof(image));
    CHECK(image_run(&bench));
    CHECK_EQ(bench.loaded.entry, FREE_BASE);
    bench_end(&bench);
    memset(image + 0x30, 0, 8);
    memcpy(image + 0x38, "ARM\x64", 4);
    bench_start(&bench, image, sizeof(image));
    CHECK(image_run(&bench));
    CHECK_EQ(bench.loaded.entry, RAM_BASE + 2 * MIB);
    bench_end(&bench);
}

static void image_malformed(void)
{
    static const struct fault faults[] = {
        {"big-endian", 24, 8, 1, "big-endian"},
        {"offset odd", 8, 8, 0x200010, "damaged"},
        {"offset wild", 8, 8, 0xfffffffffffff000, "damaged"},
        {"size wild", 16, 8, UINT64_MAX, "damaged"},
        {"size beyond RAM", 16, 8, 0x10000000, "--memory"},
        {"section beyond the file", 0x58 + 0xa0 + 16, 4, 0xc01, "truncated"},
        {"sections beyond the file", 0x54, 2, 0xffff, "truncated"},
        {"many sections", 0x46, 2, 0xffff, "sections"},
        {"PE header beyond the file", 0x3c, 4, 0xfffffff0, "truncated"},
    };
    uint8_t image[IMAGE_SIZE];
    image_make(image);
    faults_check(image, sizeof(image), image_run, faults, ARRAY_LEN(faults));
}

/* --- flat files and the initrd --- */

static void flat_and_initrd(void)
{
    uint8_t bytes[5000];
    struct bench bench;
    struct loaded kernel = {.start = 0x80200000, .end = 0x80300000};
    memset(bytes, 7, sizeof(bytes));
    bench_start(&bench, bytes, sizeof(bytes));
    CHECK(flat_load(&bench.source, &bench.target, RAM_BASE, &bench.loaded, &bench.err));
    CHECK_EQ(bench.loaded.entry, RAM_BASE);
    CHECK_EQ(bench.loaded.end, RAM_BASE + 5000);
    CHECK(!flat_load(&bench.source, &bench.target, RAM_BASE + RAM_SIZE - 4999, &bench.loaded, &bench.err));
    mentions(&bench, "--memory");

    CHECK(initrd_load(&bench.source, &bench.target, &kernel, 0x80800000, &bench.loaded, &bench.err));
    CHECK_EQ(bench.loaded.start, 0x807fe000);
    CHECK_EQ(bench.loaded.end, 0x807fe000 + 5000);
    CHECK(!initrd_load(&bench.source, &bench.target, &kernel, 0x80301000, &bench.loaded, &bench.err));
    mentions(&bench, "--memory");
    CHECK(!initrd_load(&bench.source, &bench.target, &kernel, RAM_BASE + 100, &bench.loaded, &bench.err));
    bench_end(&bench);
}

/* --- compression --- */

static void gzip_unpacked(void)
{
    uint8_t elf[ELF_SIZE], packed[1024];
    struct bench bench;
    elf_make(elf);
    size_t len = gzip_make(elf, sizeof(elf), packed, sizeof(packed));
    bench_start(&bench, packed, len);
    CHECK(source_unpack(&bench.source, &bench.err));
    CHECK_EQ(bench.source.size, ELF_SIZE);
    CHECK(elf_run(&bench));
    bench_end(&bench);
    for (size_t cut = 4; cut < len; cut++) {
        bench_start(&bench, packed, cut);
        CHECK(!source_unpack(&bench.source, &bench.err));
        mentions(&bench, "unpacked");
        bench_end(&bench);
    }
    packed[len / 2] ^= 0x55;
    bench_start(&bench, packed, len);
    CHECK(!source_unpack(&bench.source, &bench.err));
    mentions(&bench, "gzip");
    bench_end(&bench);
}

#if HAVE_ZSTD
static void zstd_unpacked(void)
{
    uint8_t elf[ELF_SIZE], packed[1024];
    struct bench bench;
    elf_make(elf);
    size_t len = ZSTD_compress(packed, sizeof(packed), elf, sizeof(elf), 3);
    bench_start(&bench, packed, len);
    CHECK(source_unpack(&bench.source, &bench.err));
    CHECK_EQ(bench.source.size, ELF_SIZE);
    CHECK(elf_run(&bench));
    bench_end(&bench);
    for (size_t cut = 4; cut < len; cut++) {
        bench_start(&bench, packed, cut);
        CHECK(!source_unpack(&bench.source, &bench.err));
        mentions(&bench, "unpacked");
        bench_end(&bench);
    }
}
#else
static void zstd_unpacked(void)
{
    SKIP("libzstd is not there");
}
#endif

/* A small file that unpacks to more than any kernel is refused, and doesn't take the host's memory. */
static void bomb(void)
{
    uint8_t *zeroes = calloc(1, 64 * KIB), *packed = malloc(2 * MIB);
    z_stream stream = {.next_out = packed, .avail_out = 2 * MIB};
    struct bench bench;
    CHECK(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    for (uint64_t done = 0; done <= SOURCE_UNPACKED_MAX; done += 64 * KIB) {
        stream.next_in = zeroes;
        stream.avail_in = 64 * KIB;
        deflate(&stream, done == SOURCE_UNPACKED_MAX ? Z_FINISH : Z_NO_FLUSH);
    }
    bench_start(&bench, packed, stream.total_out);
    deflateEnd(&stream);
    CHECK(!source_unpack(&bench.source, &bench.err));
    mentions(&bench, "no kernel");
    bench_end(&bench);
    free(zeroes);
    free(packed);
}

/* An EFI zboot kernel around a gzip payload; and its fields gone wrong. */
static void zboot_unpacked(void)
{
    uint8_t elf[ELF_SIZE], file[2048] = {0};
    struct bench bench;
    elf_make(elf);
    size_t len = gzip_make(elf, sizeof(elf), file + 0x200, sizeof(file) - 0x200);
    memcpy(file, "MZ\0\0zimg", 8);
    le32_store(file + 8, 0x200);
    le32_store(file + 12, (uint32_t)len);
    memcpy(file + 24, "gzip", 4);
    bench_start(&bench, file, sizeof(file));
    CHECK(source_unpack(&bench.source, &bench.err));
    CHECK_EQ(bench.source.size, ELF_SIZE);
    bench_end(&bench);
    memcpy(file + 24, "lzma", 4);
    bench_start(&bench, file, sizeof(file));
    CHECK(!source_unpack(&bench.source, &bench.err));
    mentions(&bench, "neither gzip nor zstd");
    bench_end(&bench);
    le32_store(file + 8, 0xffffffff);
    bench_start(&bench, file, sizeof(file));
    CHECK(!source_unpack(&bench.source, &bench.err));
    mentions(&bench, "truncated");
    bench_end(&bench);
}

/* --- detection --- */

static void detection(void)
{
    static const struct {
        unsigned offset;
        const char *magic;
        size_t len;
        enum image_kind kind;
    } rows[] = {
        {0, "\x1f\x8b\x08", 3, IMAGE_GZIP},
        {0, "\x28\xb5\x2f\xfd", 4, IMAGE_ZSTD},
        {0, "QFI\xfb", 4, IMAGE_QCOW2},
        {0x8001, "CD001", 5, IMAGE_ISO},
        {0x28, "_FVH", 4, IMAGE_FLASH},
        {0, "\xd0\x0d\xfe\xed", 4, IMAGE_FDT},
        {0, "070701", 6, IMAGE_CPIO},
        {0, "MZ", 2, IMAGE_PE},
        {0x38, "ARM\x64", 4, IMAGE_LINUX},
        {0x30, "RISCV\0\0\0", 8, IMAGE_LINUX},
        {0, "\x27\x05\x19\x56", 4, IMAGE_UIMAGE},
        {0, "\1", 1, IMAGE_UNKNOWN},
    };
    static uint8_t file[0x9000];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct source source;
        struct image_info info;
        memset(file, 0, sizeof(file));
        memcpy(file + rows[i].offset, rows[i].magic, rows[i].len);
        test_context("row %zu", i);
        source_memory(&source, "file", file, sizeof(file));
        CHECK(image_detect(&source, &info, NULL));
        CHECK_EQ(info.kind, rows[i].kind);
        /* Any length must do. */
        for (size_t len = 1; len < 0x250; len++) {
            source_memory(&source, "file", file, len);
            CHECK(image_detect(&source, &info, NULL));
        }
    }
    struct source source;
    struct image_info info;
    memset(file, 0, sizeof(file));
    memcpy(file + 0x202, "HdrS", 4);
    le16_store(file + 0x1fe, 0xaa55);
    source_memory(&source, "file", file, sizeof(file));
    CHECK(image_detect(&source, &info, NULL));
    CHECK_EQ(info.kind, IMAGE_BZIMAGE);
    CHECK(info.arch_known && info.arch == GUEST_X86_64);
    source_memory(&source, "file", (const uint8_t *)"hello, world\n", 13);
    CHECK(image_detect(&source, &info, NULL));
    CHECK_EQ(info.kind, IMAGE_TEXT);
}

/* --- files --- */

static void files(void)
{
    struct source source;
    struct error err = {0};
    char path[] = "/tmp/triarch-loader-XXXXXX";
    uint8_t bytes[100];
    CHECK(!source_open(&source, "/nonexistent/kernel", NULL, &err));
    CHECK(err.kind == ERROR_IMAGE && strstr(err.text, "/nonexistent/kernel"));
    CHECK(!source_open(&source, "/", NULL, &err));
    CHECK(strstr(err.text, "directory"));
    int fd = mkstemp(path);
    CHECK(fd >= 0 && !source_open(&source, path, NULL, &err));
    CHECK(strstr(err.text, "empty"));
    CHECK(write(fd, "0123456789", 10) == 10);
    if (CHECK(source_open(&source, path, NULL, &err))) {
        CHECK_EQ(source.size, 10);
        CHECK(source_read(&source, 2, bytes, 8, &err));
        CHECK_MEM(bytes, "23456789", 8);
        CHECK(!source_read(&source, 2, bytes, 9, &err));
        CHECK(!source_read(&source, UINT64_MAX, bytes, 2, &err));
        /* The file shrinks while it is read. */
        CHECK(ftruncate(fd, 4) == 0);
        CHECK(!source_read(&source, 0, bytes, 10, &err));
        CHECK(strstr(err.text, "shorter"));
        source_close(&source);
    }
    close(fd);
    unlink(path);
}

static const struct test_case cases[] = {
    {"elf_good", elf_good},
    {"elf_unbound", elf_unbound},
    {"elf_headers_below", elf_headers_below},
    {"elf_malformed", elf_malformed},
    {"elf_truncated", elf_truncated},
    {"elf_symbols", elf_symbols},
    {"elf_damaged", elf_damaged},
    {"image_good", image_good},
    {"image_old_arm64", image_old_arm64},
    {"image_no_offset", image_no_offset},
    {"image_malformed", image_malformed},
    {"flat_and_initrd", flat_and_initrd},
    {"gzip_unpacked", gzip_unpacked},
    {"zstd_unpacked", zstd_unpacked},
    {"bomb", bomb},
    {"zboot_unpacked", zboot_unpacked},
    {"detection", detection},
    {"files", files},
};
TEST_SUITE(loader_test, "unit", cases);
