/* Raw disks, and what the asynchronous layer promises for every format. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/devices/disk_support.h"

#define DISK_SIZE (2 * MIB)

static struct test_machine *test;
static const char *folder;
static char path[128];

static void set_up(const char *command)
{
    test = test_machine_create(MIB);
    folder = disk_folder_create();
    snprintf(path, sizeof(path), "%s/disk", folder);
    CHECK_EQ(disk_shell("cd %s && %s", folder, command), 0);
}

static void tear_down(void)
{
    test_machine_destroy(test);
    disk_folder_remove(folder);
}

static void raw_exercise(void)
{
    set_up("truncate -s 2M disk");
    struct disk_model model = {calloc(1, DISK_SIZE), DISK_SIZE};
    struct block *block = disk_open(test, path, NULL, false);
    disk_exercise(test, block, &model, 300);
    disk_matches(test, block, &model);
    CHECK_STR(block_name(block), "disk");
    block_close(block);
    struct disk_model file = {malloc(DISK_SIZE), DISK_SIZE};
    CHECK(disk_model_read(&file, path));
    CHECK_MEM(file.bytes, model.bytes, DISK_SIZE);
    free(file.bytes);
    free(model.bytes);
    tear_down();
}

/* 1000 bytes are two sectors, the second with zeroes at its end. */
static void odd_size(void)
{
    set_up("head -c 1000 /dev/zero | tr '\\0' x >disk");
    struct block *block = disk_open(test, path, "raw", false);
    uint8_t bytes[1024], expected[1024] = {0};
    memset(expected, 'x', 1000);
    CHECK_EQ(block_size(block), 1024);
    CHECK(block_read(block, 0, bytes, 1024));
    CHECK_MEM(bytes, expected, 1024);
    CHECK(block_write(block, 512, expected, 512));
    CHECK(block_read(block, 512, bytes, 512));
    CHECK_MEM(bytes, expected, 512);
    block_close(block);
    tear_down();
}

static void discard_makes_holes(void)
{
    set_up("head -c 2M /dev/zero | tr '\\0' x >disk");
    struct block *block = disk_open(test, path, "raw", false);
    CHECK_EQ(disk_request(test, block, BLOCK_DISCARD, 0, NULL, DISK_SIZE, true), 0);
    uint8_t byte = 1;
    CHECK(block_read(block, DISK_SIZE / 2, &byte, 1));
    CHECK_EQ(byte, 0);
    block_close(block);
    CHECK_EQ(disk_shell("test $(du -k %s | cut -f1) -lt 64", path), 0);
    CHECK_EQ(disk_shell("test $(stat -c %%s %s) -eq %llu", path, (unsigned long long)DISK_SIZE), 0);
    tear_down();
}

static void bounds(void)
{
    set_up("truncate -s 2M disk");
    struct block *block = disk_open(test, path, "raw", false);
    uint8_t bytes[1024] = {0};
    CHECK_EQ(disk_request(test, block, BLOCK_READ, DISK_SIZE - 512, bytes, 513, false), EINVAL);
    CHECK_EQ(disk_request(test, block, BLOCK_WRITE, ~0ull - 100, bytes, 512, false), EINVAL);
    CHECK_EQ(disk_request(test, block, BLOCK_READ, DISK_SIZE - 512, bytes, 512, false), 0);
    CHECK_EQ(disk_request(test, block, BLOCK_READ, DISK_SIZE, bytes, 0, false), 0);
    block_close(block);
    block = disk_open(test, path, "raw", true);
    CHECK_EQ(disk_request(test, block, BLOCK_WRITE, 0, bytes, 512, false), EROFS);
    CHECK_EQ(disk_request(test, block, BLOCK_FLUSH, 0, NULL, 0, false), 0);
    block_close(block);
    tear_down();
}

/* The header of another format can't be written to a disk whose format was guessed. */
static void guessed_format_stays(void)
{
    set_up("truncate -s 2M disk");
    uint8_t sector[512] = {'Q', 'F', 'I', 0xfb}, got[4];
    struct block *block = disk_open(test, path, NULL, false);
    CHECK_EQ(disk_request(test, block, BLOCK_WRITE, 0, sector, 512, false), EPERM);
    CHECK(block_read(block, 0, got, 4));
    CHECK_EQ(got[0], 0);
    block_close(block);
    block = disk_open(test, path, "raw", false);
    CHECK_EQ(disk_request(test, block, BLOCK_WRITE, 0, sector, 512, false), 0);
    block_close(block);
    tear_down();
}

/* --- many requests at a time --- */

#define MANY  256
#define PIECE 3072 /* neighbours share sectors' clusters */

struct many {
    unsigned done;
    struct block_request requests[MANY];
    struct block_vec vecs[MANY];
};

static void many_done(struct block_request *request, int error)
{
    CHECK_EQ(error, 0);
    ((struct many *)request->opaque)->done++;
}

static bool many_all_done(void *opaque)
{
    return ((struct many *)opaque)->done == MANY;
}

/* Each request its own piece of the disk, in an order that has them meet in clusters. */
static void many_submit(struct many *many, struct block *block, enum block_op op, uint8_t *bytes)
{
    many->done = 0;
    host_mutex_lock(&test->machine.lock);
    for (unsigned i = 0; i < MANY; i++) {
        uint64_t offset = (uint64_t)(i * 37 % MANY) * PIECE;
        many->vecs[i] = (struct block_vec){bytes + offset, PIECE};
        many->requests[i] = (struct block_request){
            .op = op,
            .offset = offset,
            .len = PIECE,
            .vecs = &many->vecs[i],
            .vec_count = 1,
            .done = many_done,
            .opaque = many,
        };
        block_submit(block, &many->requests[i]);
    }
    host_mutex_unlock(&test->machine.lock);
}

static void many_at_once(const char *command)
{
    static struct many many;
    set_up(command);
    struct block *block = disk_open(test, path, NULL, false);
    uint8_t *bytes = malloc(MANY * PIECE), *back = calloc(1, MANY * PIECE);
    for (size_t i = 0; i < MANY * PIECE; i++)
        bytes[i] = (uint8_t)test_random();
    many_submit(&many, block, BLOCK_WRITE, bytes);
    CHECK(test_loop_until(test, many_all_done, &many));
    many_submit(&many, block, BLOCK_READ, back);
    CHECK(test_loop_until(test, many_all_done, &many));
    CHECK_MEM(back, bytes, MANY * PIECE);
    /* The same with nobody running the loop. */
    memset(back, 0, MANY * PIECE);
    many_submit(&many, block, BLOCK_READ, back);
    host_mutex_lock(&test->machine.lock);
    block_drain(block);
    host_mutex_unlock(&test->machine.lock);
    CHECK_EQ(many.done, MANY);
    CHECK_MEM(back, bytes, MANY * PIECE);
    free(bytes);
    free(back);
    block_close(block);
    tear_down();
}

/* Writes, zeroes and discards of neighbours at the same time, again and again, and then what became of it. */
static void many_mixed(void)
{
    static struct many many;
    static uint8_t bytes[MANY * PIECE];
    if (!disk_tools_found())
        return;
    set_up("qemu-img create -f qcow2 -o cluster_size=4096 disk 2M && qemu-io -c 'write -P 3 0 2M' disk && "
           "qemu-img snapshot -c one disk");
    struct disk_model model = {malloc(DISK_SIZE), DISK_SIZE};
    memset(model.bytes, 3, DISK_SIZE);
    struct block *block = disk_open(test, path, NULL, false);
    for (unsigned round = 0; round < 8; round++) {
        static const enum block_op ops[] = {BLOCK_WRITE, BLOCK_WRITE, BLOCK_WRITE_ZEROES, BLOCK_DISCARD};
        many.done = 0;
        host_mutex_lock(&test->machine.lock);
        for (unsigned i = 0; i < MANY; i++) {
            uint64_t offset = (uint64_t)(i * 37 % MANY) * PIECE;
            enum block_op op = ops[test_random() % 4];
            memset(bytes + offset, op == BLOCK_WRITE ? (int)(1 + test_random() % 255) : 0, PIECE);
            many.vecs[i] = (struct block_vec){bytes + offset, PIECE};
            many.requests[i] = (struct block_request){.op = op,
                                                      .unmap = round & 1,
                                                      .offset = offset,
                                                      .len = PIECE,
                                                      .vecs = &many.vecs[i],
                                                      .vec_count = 1,
                                                      .done = many_done,
                                                      .opaque = &many};
            block_submit(block, &many.requests[i]);
        }
        host_mutex_unlock(&test->machine.lock);
        CHECK(test_loop_until(test, many_all_done, &many));
        memcpy(model.bytes, bytes, sizeof(bytes));
        disk_matches(test, block, &model);
        CHECK_EQ(disk_request(test, block, BLOCK_FLUSH, 0, NULL, 0, false), 0);
    }
    block_close(block);
    CHECK_EQ(disk_shell("qemu-img check %s", path), 0);
    free(model.bytes);
    tear_down();
}

static void many_raw(void)
{
    many_at_once("truncate -s 2M disk");
}

static void many_qcow2(void)
{
    if (disk_tools_found())
        many_at_once("qemu-img create -f qcow2 disk 2M");
}

/* The file at any moment, as a process that is killed leaves it: clusters may leak, nothing may be wrong; and
 * what was flushed is there. */
static void killed_any_time(void)
{
    if (!disk_tools_found())
        return;
    set_up("qemu-img create -f qcow2 -o cluster_size=512 disk 2M && qemu-io -c 'write -P 7 0 1M' disk && "
           "qemu-img snapshot -c one disk");
    struct disk_model model = {calloc(1, DISK_SIZE), DISK_SIZE};
    memset(model.bytes, 7, MIB);
    struct block *block = disk_open(test, path, NULL, false);
    for (unsigned i = 0; i < 40; i++) {
        disk_exercise(test, block, &model, 12);
        CHECK_EQ(disk_shell("cp %s %s.killed; qemu-img check %s.killed; test $? -eq 0 -o $? -eq 3", path,
                            path, path),
                 0);
        if (i % 4)
            continue;
        CHECK_EQ(disk_request(test, block, BLOCK_FLUSH, 0, NULL, 0, false), 0);
        CHECK_EQ(disk_shell("cp %s %s.killed", path, path), 0);
        char killed[160];
        snprintf(killed, sizeof(killed), "%s.killed", path);
        struct block *other = disk_open(test, killed, NULL, true);
        disk_matches(test, other, &model);
        block_close(other);
    }
    block_close(block);
    free(model.bytes);
    tear_down();
}

static const struct test_case cases[] = {
    {"raw_exercise", raw_exercise},
    {"odd_size", odd_size},
    {"discard_makes_holes", discard_makes_holes},
    {"bounds", bounds},
    {"guessed_format_stays", guessed_format_stays},
    {"many_raw", many_raw},
    {"many_qcow2", many_qcow2},
    {"many_mixed", many_mixed},
    {"killed_any_time", killed_any_time},
};
TEST_SUITE(block_test, "unit", cases);
