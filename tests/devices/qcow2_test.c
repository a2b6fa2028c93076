/* qcow2 against the peer's tools: images they make, checked and read by them after we wrote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/devices/disk_support.h"

#define DISK_SIZE (6 * MIB)

struct fixture {
    struct test_machine *test;
    const char *folder;
    char image[128];
    struct disk_model model;
};

static bool fixture_init(struct fixture *f)
{
    if (!disk_tools_found())
        return false;
    f->test = test_machine_create(MIB);
    f->folder = disk_folder_create();
    snprintf(f->image, sizeof(f->image), "%s/disk.qcow2", f->folder);
    f->model = (struct disk_model){calloc(1, DISK_SIZE), DISK_SIZE};
    return true;
}

static void fixture_fini(struct fixture *f)
{
    test_context(NULL);
    test_machine_destroy(f->test);
    disk_folder_remove(f->folder);
    free(f->model.bytes);
}

/* Bytes with runs of zeroes and of something that compresses. */
static void model_fill(struct disk_model *model)
{
    for (uint64_t at = 0; at < model->size; at += 8192) {
        unsigned kind = test_random() % 4;
        for (uint64_t i = 0; i < 8192; i++)
            model->bytes[at + i] = kind == 0 ? 0 : kind == 1 ? (uint8_t)test_random() : (uint8_t)(at >> 13);
    }
}

/* The peer's view of the image: consistent, without leaks, and with the model's bytes. */
static void peer_agrees(struct fixture *f)
{
    char raw[160];
    snprintf(raw, sizeof(raw), "%s/model.raw", f->folder);
    CHECK_EQ(disk_shell("qemu-img check %s", f->image), 0);
    CHECK(disk_model_write(&f->model, raw));
    CHECK_EQ(disk_shell("qemu-img compare -f raw -F qcow2 %s %s", raw, f->image), 0);
}

/* Write to an image in two sittings; compare at every end. */
static void image_use(struct fixture *f, unsigned requests)
{
    for (int sitting = 0; sitting < 2; sitting++) {
        struct block *block = disk_open(f->test, f->image, NULL, false);
        if (!block)
            return;
        disk_matches(f->test, block, &f->model);
        disk_exercise(f->test, block, &f->model, requests);
        disk_matches(f->test, block, &f->model);
        block_close(block);
        peer_agrees(f);
    }
}

static void variants(void)
{
    static const char *const options[] = {
        "compat=1.1",
        "compat=0.10",
        "compat=1.1,cluster_size=512",
        "compat=1.1,cluster_size=4096,refcount_bits=1",
        "compat=1.1,cluster_size=1024,refcount_bits=2",
        "compat=1.1,cluster_size=2048,refcount_bits=4",
        "compat=1.1,cluster_size=8192,refcount_bits=8",
        "compat=1.1,cluster_size=512,refcount_bits=32",
        "compat=1.1,cluster_size=512,refcount_bits=64",
        "compat=1.1,cluster_size=2M",
        "compat=1.1,lazy_refcounts=on",
        "compat=1.1,preallocation=metadata",
        "compat=1.1,cluster_size=4096,preallocation=falloc",
    };
    struct fixture f;
    if (!fixture_init(&f))
        return;
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        test_context("%s", options[i]);
        memset(f.model.bytes, 0, f.model.size);
        if (CHECK_EQ(disk_shell("qemu-img create -f qcow2 -o %s %s %llu", options[i], f.image,
                                (unsigned long long)DISK_SIZE),
                     0))
            image_use(&f, 60);
    }
    fixture_fini(&f);
}

/* An overlay in front of an image of `format` with the model's bytes; shorter, to see zeroes behind its end.
 */
static void overlay_use(struct fixture *f, const char *format, const char *overlay_options,
                        uint64_t behind_size)
{
    char raw[160];
    snprintf(raw, sizeof(raw), "%s/fill.raw", f->folder);
    model_fill(&f->model);
    memset(f->model.bytes + behind_size, 0, f->model.size - behind_size);
    CHECK(disk_model_write(&f->model, raw));
    CHECK_EQ(disk_shell(
                 "cd %s && qemu-img resize -f raw --shrink fill.raw %llu && qemu-img convert -f raw -O %s "
                 "fill.raw behind.img && qemu-img create -f qcow2 -o %s -b behind.img -F %s disk.qcow2 %llu",
                 f->folder, (unsigned long long)behind_size, format, overlay_options, format,
                 (unsigned long long)f->model.size),
             0);
    image_use(f, 60);
}

static void backing_files(void)
{
    struct fixture f;
    if (!fixture_init(&f))
        return;
    overlay_use(&f, "raw", "compat=1.1", DISK_SIZE);
    overlay_use(&f, "raw", "compat=1.1", DISK_SIZE - 1000 * 512);
    overlay_use(&f, "qcow2", "compat=1.1,cluster_size=4096", DISK_SIZE / 2);
    overlay_use(&f, "raw", "compat=0.10", DISK_SIZE);
    fixture_fini(&f);
}

static void compressed(void)
{
    static const char *const types[] = {"zlib", "zstd"};
    struct fixture f;
    if (!fixture_init(&f))
        return;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (!HAVE_ZSTD && i == 1)
            continue;
        test_context("%s", types[i]);
        char raw[160];
        snprintf(raw, sizeof(raw), "%s/fill.raw", f.folder);
        model_fill(&f.model);
        CHECK(disk_model_write(&f.model, raw));
        CHECK_EQ(
            disk_shell("qemu-img convert -c -O qcow2 -o compression_type=%s %s %s", types[i], raw, f.image),
            0);
        image_use(&f, 80);
    }
    fixture_fini(&f);
}

/* A snapshot made by the peer keeps its bytes while we write, and can be gone back to. */
static void snapshots(void)
{
    struct fixture f;
    if (!fixture_init(&f))
        return;
    char raw[160];
    snprintf(raw, sizeof(raw), "%s/fill.raw", f.folder);
    model_fill(&f.model);
    CHECK(disk_model_write(&f.model, raw));
    CHECK_EQ(disk_shell("qemu-img convert -O qcow2 -o cluster_size=4096 %s %s && qemu-img snapshot -c one %s",
                        raw, f.image, f.image),
             0);
    struct disk_model before = {malloc(DISK_SIZE), DISK_SIZE};
    memcpy(before.bytes, f.model.bytes, DISK_SIZE);
    image_use(&f, 60);
    CHECK_EQ(disk_shell("qemu-img snapshot -a one %s", f.image), 0);
    memcpy(f.model.bytes, before.bytes, DISK_SIZE);
    peer_agrees(&f);
    image_use(&f, 20);
    free(before.bytes);
    fixture_fini(&f);
}

/* Enough clusters for the refcount table to move: 512-byte clusters, 64-bit counts, 4 KiB a block. */
static void refcount_table_growth(void)
{
    struct fixture f;
    if (!fixture_init(&f))
        return;
    CHECK_EQ(disk_shell("qemu-img create -f qcow2 -o cluster_size=512,refcount_bits=64 %s %llu", f.image,
                        (unsigned long long)DISK_SIZE),
             0);
    model_fill(&f.model);
    for (uint64_t i = 0; i < DISK_SIZE; i++)
        f.model.bytes[i] |= 1; /* everything is allocated */
    struct block *block = disk_open(f.test, f.image, "qcow2", false);
    if (block) {
        CHECK_EQ(disk_request(f.test, block, BLOCK_WRITE, 0, f.model.bytes, DISK_SIZE, false), 0);
        disk_matches(f.test, block, &f.model);
        block_close(block);
        peer_agrees(&f);
    }
    fixture_fini(&f);
}

/* What was discarded takes no place on the host any more. */
static void discard_gives_back(void)
{
    struct fixture f;
    if (!fixture_init(&f))
        return;
    CHECK_EQ(disk_shell("qemu-img create -f qcow2 %s %llu", f.image, (unsigned long long)DISK_SIZE), 0);
    memset(f.model.bytes, 0x5a, DISK_SIZE);
    struct block *block = disk_open(f.test, f.image, "qcow2", false);
    if (block) {
        CHECK_EQ(disk_request(f.test, block, BLOCK_WRITE, 0, f.model.bytes, DISK_SIZE, false), 0);
        CHECK_EQ(disk_request(f.test, block, BLOCK_DISCARD, 0, NULL, DISK_SIZE, true), 0);
        memset(f.model.bytes, 0, DISK_SIZE);
        disk_matches(f.test, block, &f.model);
        block_close(block);
        peer_agrees(&f);
        CHECK_EQ(disk_shell("test $(du -k %s | cut -f1) -lt 1024", f.image), 0);
    }
    fixture_fini(&f);
}

/* An image with lazy refcounts that its writer left without closing it. */
static void lazy_refcounts_repair(void)
{
    struct fixture f;
    if (!fixture_init(&f))
        return;
    CHECK_EQ(disk_shell("qemu-img create -f qcow2 -o lazy_refcounts=on %s %llu", f.image,
                        (unsigned long long)DISK_SIZE),
             0);
    /* The tool kills itself before it writes the counts back. */
    disk_shell("qemu-io -c 'write -P 0x11 0 1M' -c flush -c 'sigraise 9' %s", f.image);
    memset(f.model.bytes, 0x11, MIB);
    CHECK(disk_shell("qemu-img check -U %s", f.image) != 0); /* there is something to mend */
    if (CHECK_EQ(disk_shell("qemu-img info -U %s | grep -q 'corrupt: false'", f.image), 0))
        image_use(&f, 30);
    fixture_fini(&f);
}

/* A run whose writes go to an overlay leaves the image as it was. */
static void snapshot_run(void)
{
    struct fixture f;
    if (!fixture_init(&f))
        return;
    char raw[160];
    snprintf(raw, sizeof(raw), "%s/fill.raw", f.folder);
    model_fill(&f.model);
    CHECK(disk_model_write(&f.model, raw));
    struct error err = {0};
    struct block *block = block_open(
        &f.test->machine, &(struct block_config){.path = raw, .format = "raw", .snapshot = true}, &err);
    if (CHECK(block != NULL)) {
        CHECK(!block_readonly(block));
        disk_exercise(f.test, block, &f.model, 50);
        disk_matches(f.test, block, &f.model);
        block_close(block);
        CHECK_EQ(disk_shell("qemu-img convert -f raw -O qcow2 %s %s", raw, f.image), 0);
        block = disk_open(f.test, f.image, "qcow2", true);
        struct disk_model original = {malloc(DISK_SIZE), DISK_SIZE};
        CHECK(disk_model_read(&original, raw));
        disk_matches(f.test, block, &original);
        CHECK(block_readonly(block));
        CHECK(!block_write(block, 0, "x", 1));
        free(original.bytes);
        block_close(block);
    }
    fixture_fini(&f);
}

static const struct test_case cases[] = {
    {"variants", variants},
    {"backing_files", backing_files},
    {"compressed", compressed},
    {"snapshots", snapshots},
    {"refcount_table_growth", refcount_table_growth},
    {"discard_gives_back", discard_gives_back},
    {"lazy_refcounts_repair", lazy_refcounts_repair},
    {"snapshot_run", snapshot_run},
};
TEST_SUITE(qcow2_test, "unit", cases);
