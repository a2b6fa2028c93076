#include "guests/demo/fdt.h"

#define FDT_MAGIC      0xd00dfeedu
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE   2
#define FDT_PROP       3
#define FDT_NOP        4

#define DEPTH_MAX 8

static uint32_t word(const void *p)
{
    const uint8_t *b = p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* A number of `cells` words, the first ones being the higher; more than two don't fit and lose their top. */
static uint64_t cells_read(const uint8_t *p, unsigned cells)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < cells; i++)
        value = value << 32 | word(p + 4 * i);
    return value;
}

struct walk {
    struct fdt_node node[DEPTH_MAX];
    unsigned address_cells[DEPTH_MAX], size_cells[DEPTH_MAX]; /* for the children of the node at that depth */
};

static void property(struct walk *walk, unsigned depth, const char *name, const uint8_t *value, uint32_t len)
{
    struct fdt_node *node = &walk->node[depth];
    unsigned parent = depth ? depth - 1 : 0;
    if (text_equal(name, "#address-cells"))
        walk->address_cells[depth] = word(value);
    else if (text_equal(name, "#size-cells"))
        walk->size_cells[depth] = word(value);
    else if (text_equal(name, "compatible"))
        node->compatible = (const char *)value;
    else if (text_equal(name, "device_type"))
        node->device_type = (const char *)value;
    else if (text_equal(name, "model"))
        node->model = (const char *)value;
    else if (text_equal(name, "reg") && len >= 4 * (walk->address_cells[parent] + walk->size_cells[parent])) {
        node->has_reg = true;
        node->base = cells_read(value, walk->address_cells[parent]);
        node->size = cells_read(value + 4 * walk->address_cells[parent], walk->size_cells[parent]);
    }
}

bool fdt_each(const void *blob, void (*fn)(void *opaque, const struct fdt_node *node), void *opaque)
{
    const uint8_t *base = blob, *at = base + word(base + 8);
    const char *strings = (const char *)base + word(base + 12);
    unsigned depth = 0; /* of the node being read, plus one */
    static struct walk walk;
    if (word(base) != FDT_MAGIC)
        return false;
    for (;;) {
        uint32_t token = word(at);
        at += 4;
        if (token == FDT_BEGIN_NODE) {
            /* The properties of a node come before its children: it is complete when the first child starts.
             */
            if (depth == DEPTH_MAX)
                return false;
            walk.node[depth] = (struct fdt_node){.name = (const char *)at, .depth = depth};
            walk.address_cells[depth] = 2;
            walk.size_cells[depth] = 1;
            depth++;
            while (*at)
                at++;
            at = base + ((size_t)(at - base) + 4) / 4 * 4;
        } else if (token == FDT_PROP) {
            uint32_t len = word(at);
            property(&walk, depth - 1, strings + word(at + 4), at + 8, len);
            at += 8 + (len + 3) / 4 * 4;
        } else if (token == FDT_END_NODE) {
            fn(opaque, &walk.node[--depth]);
            if (depth == 0)
                return true;
        } else if (token != FDT_NOP) {
            return true;
        }
    }
}
