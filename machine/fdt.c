#include "machine/fdt.h"

#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

/* Keep the first failure; whatever follows it does nothing. */
static void latch(struct dt *dt, int status)
{
    if (!dt->failed && status < 0)
        dt->failed = status;
}

void dt_begin(struct dt *dt)
{
    /* The largest there can be: memory that is not written costs nothing. */
    *dt = (struct dt){.blob = malloc(DT_SIZE_MAX)};
    if (!dt->blob) {
        dt->failed = -FDT_ERR_NOSPACE;
        return;
    }
    latch(dt, fdt_create(dt->blob, (int)DT_SIZE_MAX));
    if (!dt->failed)
        latch(dt, fdt_finish_reservemap(dt->blob));
}

void *dt_finish(struct dt *dt, struct error *err)
{
    if (!dt->failed)
        latch(dt, fdt_finish(dt->blob));
    if (!dt->failed)
        return dt->blob;
    error_set(err, ERROR_HOST, "can't build the device tree: %s", fdt_strerror(dt->failed));
    free(dt->blob);
    return NULL;
}

size_t dt_size(const void *blob)
{
    return fdt_totalsize(blob);
}

void dt_node(struct dt *dt, const char *fmt, ...)
{
    char name[64];
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);
    if (!dt->failed)
        latch(dt, fdt_begin_node(dt->blob, name));
}

void dt_node_end(struct dt *dt)
{
    if (!dt->failed)
        latch(dt, fdt_end_node(dt->blob));
}

void dt_bytes(struct dt *dt, const char *name, const void *value, size_t len)
{
    if (!dt->failed)
        latch(dt, fdt_property(dt->blob, name, value, (int)len));
}

void dt_flag(struct dt *dt, const char *name)
{
    dt_bytes(dt, name, NULL, 0);
}

void dt_u32(struct dt *dt, const char *name, uint32_t value)
{
    dt_cells(dt, name, &value, 1);
}

void dt_u64(struct dt *dt, const char *name, uint64_t value)
{
    dt_cells(dt, name, (const uint32_t[]){(uint32_t)(value >> 32), (uint32_t)value}, 2);
}

void dt_cells(struct dt *dt, const char *name, const uint32_t *cells, size_t count)
{
    void *place = NULL;
    if (dt->failed)
        return;
    latch(dt, fdt_property_placeholder(dt->blob, name, (int)(count * sizeof(*cells)), &place));
    for (size_t i = 0; !dt->failed && i < count; i++)
        be32_store((uint8_t *)place + i * sizeof(*cells), cells[i]);
}

void dt_reg(struct dt *dt, uint64_t base, uint64_t size)
{
    dt_cells(dt, "reg", (const uint32_t[]){DT_REG(base, size)}, 4);
}

void dt_string(struct dt *dt, const char *name, const char *value)
{
    dt_bytes(dt, name, value, strlen(value) + 1);
}

static int chosen_fill(void *tree, const struct dt_chosen *chosen)
{
    int node = fdt_path_offset(tree, "/chosen");
    if (node == -FDT_ERR_NOTFOUND)
        node = fdt_add_subnode(tree, 0, "chosen");
    if (node < 0)
        return node;
    int status = 0;
    if (chosen->bootargs)
        status = fdt_setprop_string(tree, node, "bootargs", chosen->bootargs);
    if (!status && chosen->initrd_end != chosen->initrd_start)
        status = fdt_setprop_u64(tree, node, "linux,initrd-start", chosen->initrd_start);
    if (!status && chosen->initrd_end != chosen->initrd_start)
        status = fdt_setprop_u64(tree, node, "linux,initrd-end", chosen->initrd_end);
    if (!status && chosen->rng_seed)
        status = fdt_setprop(tree, node, "rng-seed", chosen->rng_seed, DT_SEED_SIZE);
    return status;
}

void *dt_adopt(const void *blob, size_t len, const char *name, const struct dt_chosen *chosen,
               struct error *err)
{
    if (len > DT_SIZE_MAX || fdt_check_full(blob, len) != 0) {
        error_set(err, ERROR_IMAGE, "%s is not a valid device tree", name);
        return NULL;
    }
    void *tree = malloc(DT_SIZE_MAX);
    int status = tree ? fdt_open_into(blob, tree, (int)DT_SIZE_MAX) : -FDT_ERR_NOSPACE;
    if (!status)
        status = chosen_fill(tree, chosen);
    if (!status)
        status = fdt_pack(tree);
    if (!status)
        return tree;
    error_set(err, ERROR_IMAGE, "can't complete the device tree %s: %s", name, fdt_strerror(status));
    free(tree);
    return NULL;
}
