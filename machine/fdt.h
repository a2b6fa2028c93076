/*
 * Writing a device tree with libfdt, with a latched failure, so that a board's tree reads as the tree and is
 * checked once, at the end; and completing a tree that a user gave.
 */
#pragma once

#include "base/error.h"

/* What Linux maps of a tree while it starts: more would not be seen. */
#define DT_SIZE_MAX ((size_t)2 << 20)

struct dt {
    void *blob;
    int failed; /* libfdt's first error */
};

void dt_begin(struct dt *dt);
/* The finished tree, which the caller frees. NULL and err. */
void *dt_finish(struct dt *dt, struct error *err);
size_t dt_size(const void *blob);

void dt_node(struct dt *dt, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void dt_node_end(struct dt *dt);

void dt_flag(struct dt *dt, const char *name);
void dt_u32(struct dt *dt, const char *name, uint32_t value);
void dt_u64(struct dt *dt, const char *name, uint64_t value);
void dt_cells(struct dt *dt, const char *name, const uint32_t *cells, size_t count);
/* A range, for two address and two size cells, as four of dt_cells. */
#define DT_REG(base, size)                                                                                   \
    (uint32_t)((base) >> 32), (uint32_t)(base), (uint32_t)((uint64_t)(size) >> 32), (uint32_t)(size)
/* `reg`, for two address and two size cells. */
void dt_reg(struct dt *dt, uint64_t base, uint64_t size);
void dt_string(struct dt *dt, const char *name, const char *value);
/* A list of strings, separated by '\0': DT_STRINGS(dt, "compatible", "a,b\0c,d"). */
void dt_bytes(struct dt *dt, const char *name, const void *value, size_t len);
#define DT_STRINGS(dt, name, list) dt_bytes(dt, name, list, sizeof(list))

/* What a boot loader tells a kernel through /chosen. */
struct dt_chosen {
    const char *bootargs;              /* NULL: leave what is there */
    uint64_t initrd_start, initrd_end; /* equal: none */
    const uint8_t *rng_seed;           /* of DT_SEED_SIZE bytes, or NULL */
};
#define DT_SEED_SIZE 32

/*
 * A checked copy of a tree with /chosen completed; the caller frees it. `name` is for the error. NULL and err
 * (ERROR_IMAGE).
 */
void *dt_adopt(const void *blob, size_t len, const char *name, const struct dt_chosen *chosen,
               struct error *err);
