/*
 * qcow2 images with bytes changed: whatever they say, opening gives one sentence or a disk, and requests end.
 * TRIARCH_FUZZ_ITERATIONS says how many (default: seconds' worth); TRIARCH_TEST_SEED which.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tests/devices/disk_support.h"

#define DISK_SIZE MIB

struct file {
    uint8_t *bytes;
    size_t len;
};

static struct file file_read(const char *path)
{
    struct file file = {0};
    FILE *in = fopen(path, "rb");
    if (!in)
        return file;
    fseek(in, 0, SEEK_END);
    file.len = (size_t)ftell(in);
    rewind(in);
    file.bytes = malloc(file.len);
    if (fread(file.bytes, 1, file.len, in) != file.len)
        file.len = 0;
    fclose(in);
    return file;
}

static void file_write(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *out = fopen(path, "wb");
    if (out) {
        fwrite(bytes, 1, len, out);
        fclose(out);
    }
}

/* A number that is likely to hurt. */
static uint64_t value_wild(size_t file_len)
{
    switch (test_random() % 8) {
    case 0: return 0;
    case 1: return ~0ull;
    case 2: return test_random();
    case 3: return 1ull << (test_random() % 64);
    case 4: return test_random() % file_len;
    case 5: return test_random() % file_len / 512 * 512;
    case 6: return (test_random() % file_len / 512 * 512) | 1ull << 63;
    default: return test_random() % 256;
    }
}

/* Change the header, or one of the tables that the header and L1 point to, or anything. */
static void bytes_change(uint8_t *bytes, size_t len)
{
    static const uint8_t header_fields[] = {0,  4,  8,  16, 20, 24, 32, 36,  40, 48,
                                            56, 60, 64, 72, 80, 88, 96, 100, 104};
    unsigned changes = 1 + (unsigned)test_random() % 4;
    for (unsigned i = 0; i < changes; i++) {
        uint64_t at;
        unsigned width = 1u << (test_random() % 4);
        switch (test_random() % 4) {
        case 0: at = header_fields[test_random() % sizeof(header_fields)]; break;
        case 1: at = be64_load(bytes + 40) + 8 * (test_random() % 8), width = 8; break;
        case 2: at = be64_load(bytes + 48) + 8 * (test_random() % 4), width = 8; break;
        default: at = test_random() % len; break;
        }
        if (at > len - 8)
            continue;
        uint8_t wild[8];
        be64_store(wild, value_wild(len));
        memcpy(bytes + at, wild + 8 - width, width);
    }
}

/* Use what opened: requests may fail, but end. */
static void disk_use(struct test_machine *test, struct block *block)
{
    static uint8_t buffer[64 << 10];
    uint64_t size = block_size(block);
    for (unsigned i = 0; i < 24 && size; i++) {
        uint64_t offset =
            test_random() % 2 ? test_random() % size : test_random() % (size < MIB ? size : MIB);
        uint64_t len = test_random() % sizeof(buffer);
        if (len > size - offset)
            len = size - offset;
        static const enum block_op ops[] = {BLOCK_READ,         BLOCK_READ,    BLOCK_WRITE, BLOCK_WRITE,
                                            BLOCK_WRITE_ZEROES, BLOCK_DISCARD, BLOCK_FLUSH};
        enum block_op op = ops[test_random() % ARRAY_LEN(ops)];
        int error =
            disk_request(test, block, op, offset, op == BLOCK_READ || op == BLOCK_WRITE ? buffer : NULL, len,
                         test_random() & 1);
        CHECK(error >= 0);
    }
}

static void images(const char *create)
{
    if (!disk_tools_found())
        return;
    const char *wanted = test_env("TRIARCH_FUZZ_ITERATIONS");
    unsigned iterations = wanted ? (unsigned)strtoul(wanted, NULL, 0) : 400;
    struct test_machine *test = test_machine_create(MIB);
    const char *folder = disk_folder_create();
    char path[160];
    snprintf(path, sizeof(path), "%s/good", folder);
    CHECK_EQ(disk_shell("cd %s && %s", folder, create), 0);
    struct file good = file_read(path);
    snprintf(path, sizeof(path), "%s/bad", folder);
    uint8_t *bad = malloc(good.len + 1);
    enum log_level level = log_level_get();
    log_level_set(LOG_QUIET);
    unsigned opened = 0;
    for (unsigned i = 0; i < iterations && CHECK(good.len > 512); i++) {
        test_context("iteration %u", i);
        memcpy(bad, good.bytes, good.len);
        bytes_change(bad, good.len);
        file_write(path, bad, test_random() % 16 ? good.len : test_random() % good.len);
        struct error err = {0};
        struct block_config config = {.path = path, .format = "qcow2", .readonly = test_random() % 4 == 0};
        struct block *block = block_open(&test->machine, &config, &err);
        if (!block) {
            CHECK(err.kind == ERROR_IMAGE && err.text[0]);
            continue;
        }
        opened++;
        disk_use(test, block);
        block_close(block);
    }
    test_context(NULL);
    /* If none got through the checks, nothing behind them was tried. */
    CHECK(opened > iterations / 10);
    log_level_set(level);
    free(bad);
    free(good.bytes);
    disk_folder_remove(folder);
    test_machine_destroy(test);
}

#define FILL "head -c 1M /dev/urandom | head -c 300000 >fill && truncate -s 1M fill && "

static void plain(void)
{
    images(FILL "qemu-img convert -O qcow2 -o cluster_size=4096 fill good");
}

static void tiny_clusters(void)
{
    images(FILL "qemu-img convert -O qcow2 -o cluster_size=512,refcount_bits=1 fill good");
}

static void compressed_with_snapshot(void)
{
    images("yes | head -c 1M >fill && qemu-img convert -c -O qcow2 -o cluster_size=4096 fill good && "
           "qemu-io -c 'write 0 64k' good && qemu-img snapshot -c one good");
}

static void old_version_with_backing(void)
{
    images(FILL "qemu-img create -f qcow2 -o compat=0.10,cluster_size=1024 -b fill -F raw good && "
                "qemu-io -c 'write 100k 64k' good");
}

/* With the dirty bit: everything is counted on opening. */
static void left_dirty(void)
{
    images(FILL "qemu-img convert -O qcow2 -o cluster_size=4096,lazy_refcounts=on fill good && "
                "printf '\\001' | dd of=good bs=1 seek=79 conv=notrunc");
}

static const struct test_case cases[] = {
    {"plain", plain},
    {"tiny_clusters", tiny_clusters},
    {"compressed_with_snapshot", compressed_with_snapshot},
    {"old_version_with_backing", old_version_with_backing},
    {"left_dirty", left_dirty},
};
TEST_SUITE(qcow2_fuzz_test, "fuzz", cases);
