#include "tests/devices/disk_support.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

const char *disk_folder_create(void)
{
    static char name[64];
    strcpy(name, "/var/tmp/triarch-test-XXXXXX");
    if (!mkdtemp(name))
        abort();
    return name;
}

void disk_folder_remove(const char *folder)
{
    disk_shell("rm -rf %s", folder);
}

int disk_shell(const char *fmt, ...)
{
    char command[2048], quiet[2200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    snprintf(quiet, sizeof(quiet), "{ %s; } >/dev/null 2>&1", command);
    int status = system(quiet);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool disk_tools_found(void)
{
    if (disk_shell("command -v qemu-img && command -v qemu-io") == 0)
        return true;
    SKIP("qemu-img and qemu-io are missing: scripts/peers fetches them");
    return false;
}

struct block *disk_open(struct test_machine *test, const char *path, const char *format, bool readonly)
{
    struct error err = {0};
    struct block *block = block_open(
        &test->machine, &(struct block_config){.path = path, .format = format, .readonly = readonly}, &err);
    if (!block)
        FAIL("can't open %s: %s", path, err.text);
    return block;
}

static void request_done(struct block_request *request, int error)
{
    *(int *)request->opaque = error;
}

int disk_request(struct test_machine *test, struct block *block, enum block_op op, uint64_t offset,
                 void *bytes, uint64_t len, bool unmap)
{
    int error = -1;
    /* Two vectors, so that transfers cross from one to the other. */
    size_t first = len > 1 ? len / 3 : 0;
    struct block_vec vecs[2] = {{bytes, first}, {(uint8_t *)bytes + first, len - first}};
    struct block_request request = {
        .op = op,
        .unmap = unmap,
        .offset = offset,
        .len = len,
        .vecs = vecs,
        .vec_count = bytes ? 2 : 0,
        .done = request_done,
        .opaque = &error,
    };
    host_mutex_lock(&test->machine.lock);
    block_submit(block, &request);
    block_drain(block);
    host_mutex_unlock(&test->machine.lock);
    return error;
}

static void bytes_random(uint8_t *bytes, uint64_t len)
{
    for (uint64_t i = 0; i < len; i += 8) {
        uint64_t random = test_random();
        memcpy(bytes + i, &random, len - i < 8 ? len - i : 8);
    }
}

/* A place and a length, small ones more often, at byte, sector or page granularity. */
static void place_random(const struct disk_model *model, uint64_t *offset, uint64_t *len)
{
    static const uint64_t limits[] = {700, 9000, 150000, 700000};
    static const uint64_t grains[] = {1, 512, 4096, 65536};
    uint64_t grain = grains[test_random() % 4];
    *offset = test_random() % model->size / grain * grain;
    *len = test_random() % limits[test_random() % 4] / grain * grain + grain;
    if (*len > model->size - *offset)
        *len = model->size - *offset;
}

void disk_exercise(struct test_machine *test, struct block *block, struct disk_model *model, unsigned count)
{
    uint8_t *buffer = malloc(model->size);
    for (unsigned i = 0; i < count; i++) {
        uint64_t offset, len;
        place_random(model, &offset, &len);
        unsigned what = test_random() % 16;
        int error = 0;
        if (what < 7) {
            bytes_random(buffer, len);
            memcpy(model->bytes + offset, buffer, len);
            error = disk_request(test, block, BLOCK_WRITE, offset, buffer, len, false);
        } else if (what < 12) {
            error = disk_request(test, block, BLOCK_READ, offset, buffer, len, false);
            if (!CHECK_MEM(buffer, model->bytes + offset, len))
                break;
        } else if (what < 15) {
            enum block_op op = what == 12 ? BLOCK_DISCARD : BLOCK_WRITE_ZEROES;
            error = disk_request(test, block, op, offset, NULL, len, what == 13);
            memset(model->bytes + offset, 0, len);
        } else {
            error = disk_request(test, block, BLOCK_FLUSH, 0, NULL, 0, false);
        }
        if (!CHECK_EQ(error, 0))
            break;
    }
    free(buffer);
}

bool disk_matches(struct test_machine *test, struct block *block, const struct disk_model *model)
{
    uint8_t *buffer = malloc(model->size);
    bool same = CHECK_EQ(block_size(block), model->size) &&
                CHECK_EQ(disk_request(test, block, BLOCK_READ, 0, buffer, model->size, false), 0) &&
                CHECK_MEM(buffer, model->bytes, model->size);
    free(buffer);
    return same;
}

bool disk_model_read(struct disk_model *model, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    bool all = fread(model->bytes, 1, model->size, file) == model->size;
    fclose(file);
    return all;
}

bool disk_model_write(const struct disk_model *model, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    bool all = fwrite(model->bytes, 1, model->size, file) == model->size;
    return fclose(file) == 0 && all;
}
