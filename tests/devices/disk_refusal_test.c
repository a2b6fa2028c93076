/* Disks that can't be used: each gives one sentence that names the file and what is wrong with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tests/devices/disk_support.h"

static struct test_machine *test;
static const char *folder;

static bool set_up(void)
{
    test = test_machine_create(MIB);
    folder = disk_folder_create();
    return true;
}

static void tear_down(void)
{
    test_context(NULL);
    test_machine_destroy(test);
    disk_folder_remove(folder);
}

/* Opening `name` in the folder fails with a sentence that has the file's name and `phrase` in it. */
static void refused(const char *name, const char *format, bool readonly, const char *phrase)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    struct error err = {0};
    struct block *block = block_open(
        &test->machine, &(struct block_config){.path = path, .format = format, .readonly = readonly}, &err);
    if (!CHECK(block == NULL)) {
        block_close(block);
        return;
    }
    CHECK_EQ(err.kind, ERROR_IMAGE);
    if (!strstr(err.text, name) || !strstr(err.text, phrase))
        FAIL("\"%s\" lacks \"%s\" or \"%s\"", err.text, name, phrase);
    CHECK(!strchr(err.text, '\n'));
}

static void not_files(void)
{
    set_up();
    disk_shell("cd %s && mkdir folder && mkfifo pipe && ln -s /dev/null null", folder);
    refused("absent", NULL, false, "No such file");
    refused("folder", NULL, false, "a directory");
    refused("pipe", NULL, false, "a pipe");
    refused("null", NULL, false, "a character device");
    tear_down();
}

static void in_use(void)
{
    set_up();
    disk_shell("truncate -s 1M %s/disk", folder);
    char path[160];
    snprintf(path, sizeof(path), "%s/disk", folder);
    struct block *block = disk_open(test, path, "raw", false);
    refused("disk", "raw", false, "in use");
    refused("disk", "raw", true, "in use");
    block_close(block);
    /* Readers don't disturb each other. */
    block = disk_open(test, path, "raw", true);
    struct block *second = disk_open(test, path, "raw", true);
    refused("disk", "raw", false, "in use");
    block_close(block);
    block_close(second);
    tear_down();
}

static void other_formats(void)
{
    set_up();
    disk_shell("cd %s && { printf KDMV; head -c 4092 /dev/zero; } >vmdk", folder);
    disk_shell("cd %s && { printf 'QFI\\373\\0\\0\\0\\1'; head -c 4088 /dev/zero; } >one", folder);
    refused("vmdk", NULL, false, "VMDK");
    refused("one", NULL, false, "version 1");
    tear_down();
}

/* A header with one field changed, and what is said of it. */
struct wrong_field {
    const char *phrase;
    unsigned offset, width;
    uint64_t value;
};

static void header_patch(const char *name, unsigned offset, unsigned width, uint64_t value)
{
    char path[160];
    uint8_t bytes[8];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "r+b");
    if (!CHECK(file != NULL))
        return;
    be64_store(bytes, value);
    fseek(file, (long)offset, SEEK_SET);
    fwrite(bytes + 8 - width, 1, width, file);
    fclose(file);
}

static void wild_headers(void)
{
    static const struct wrong_field fields[] = {
        {"version", 4, 4, 4},
        {"backing file", 8, 8, 40},
        {"backing file", 8, 8, 1ull << 40},
        {"cluster size", 20, 4, 8},
        {"cluster size", 20, 4, 22},
        {"cluster size", 20, 4, 0xffffffff},
        {"size", 24, 8, ~0ull},
        {"too large", 24, 8, 1ull << 62},
        {"L1 table is too small", 24, 8, 1ull << 40},
        {"encrypted", 32, 4, 1},
        {"L1 table", 36, 4, 0xffffffff},
        {"L1 table", 40, 8, 0x30001},
        {"L1 table", 40, 8, 1ull << 50},
        {"L1 table", 40, 8, 0},
        {"refcount table", 48, 8, 1ull << 50},
        {"refcount table", 48, 8, 0xfffffffffffff000},
        {"refcount table", 48, 8, 0x10200},
        {"overlap", 40, 8, 0x10000},
        {"refcount table", 56, 4, 0},
        {"refcount table", 56, 4, 0x7fffffff},
        {"snapshots", 60, 4, 0xffffffff},
        {"snapshot table", 60, 4, 1},
        {"external data file", 72, 8, 4},
        {"compression type", 72, 8, 8},
        {"extended L2", 72, 8, 16},
        {"unknown qcow2 feature", 72, 8, 1ull << 40},
        {"corrupt", 72, 8, 2},
        {"reference counts", 96, 4, 7},
        {"header", 100, 4, 96},
        {"header", 100, 4, 0x7ffffff8},
        {"compression type", 104, 1, 9},
    };
    if (!disk_tools_found() || !set_up())
        return;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        test_context("field at %u = %#llx", fields[i].offset, (unsigned long long)fields[i].value);
        CHECK_EQ(disk_shell("qemu-img create -f qcow2 %s/wild 16M", folder), 0);
        header_patch("wild", fields[i].offset, fields[i].width, fields[i].value);
        refused("wild", NULL, false, fields[i].phrase);
    }
    test_context("refcount block");
    CHECK_EQ(disk_shell("qemu-img create -f qcow2 %s/wild 16M", folder), 0);
    header_patch("wild", 0x10000, 8, 0x20100);
    refused("wild", NULL, false, "refcount table");
    test_context("truncated");
    disk_shell("truncate -s 70000 %s/wild", folder);
    refused("wild", NULL, false, "end of the file");
    disk_shell("truncate -s 100 %s/wild", folder);
    refused("wild", NULL, false, "shorter than a header");
    disk_shell("truncate -s 4 %s/wild", folder);
    refused("wild", "qcow2", false, "shorter than a header");
    tear_down();
}

static void backing_chains(void)
{
    if (!disk_tools_found() || !set_up())
        return;
    disk_shell("cd %s && truncate -s 1M base && qemu-img create -f qcow2 -b base -F raw top && rm base",
               folder);
    refused("top", NULL, false, "base");
    disk_shell(
        "cd %s && qemu-img create -f qcow2 loop 1M && qemu-img rebase -u -f qcow2 -b loop -F qcow2 loop",
        folder);
    refused("loop", NULL, true, "loop");
    disk_shell("cd %s && qemu-img create -f qcow2 far 1M && qemu-img rebase -u -b nbd://host/x -F raw far",
               folder);
    refused("far", NULL, false, "not a local file");
    disk_shell(
        "cd %s && qemu-img create -f qcow2 odd 1M && qemu-img rebase -u -b odd2 -F vmdk odd && touch odd2",
        folder);
    refused("odd", NULL, false, "vmdk");
    tear_down();
}

static const struct test_case cases[] = {
    {"not_files", not_files},           {"in_use", in_use},
    {"other_formats", other_formats},   {"wild_headers", wild_headers},
    {"backing_chains", backing_chains},
};
TEST_SUITE(disk_refusal_test, "unit", cases);
