/* Disk images for tests: a folder that goes away, the peer's tools, and a model of a disk to compare with. */
#pragma once

#include "devices/storage/block.h"
#include "tests/devices/machine_support.h"

/* A new empty folder; its name stays valid until disk_folder_remove. */
const char *disk_folder_create(void);
void disk_folder_remove(const char *folder);

/* Run a shell command quietly; its exit status. */
int disk_shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Whether the peer's image tools are there; skips the test when not. */
bool disk_tools_found(void);

/* Open a disk or fail the test. */
struct block *disk_open(struct test_machine *test, const char *path, const char *format, bool readonly);

/* One request, waited for; the errno it ended with. */
int disk_request(struct test_machine *test, struct block *block, enum block_op op, uint64_t offset,
                 void *bytes, uint64_t len, bool unmap);

/* A disk that must behave like an array. */
struct disk_model {
    uint8_t *bytes;
    uint64_t size;
};

/* `count` random requests, kept in the model as well, each read compared. */
void disk_exercise(struct test_machine *test, struct block *block, struct disk_model *model, unsigned count);

/* Whether the whole disk reads like the model. */
bool disk_matches(struct test_machine *test, struct block *block, const struct disk_model *model);

/* A file's bytes from or to the model. */
bool disk_model_read(struct disk_model *model, const char *path);
bool disk_model_write(const struct disk_model *model, const char *path);
