#include "tests/machine/fdt_support.h"

#include <stdlib.h>

#include "base/bits.h"
#include "tests/harness/test.h"

void *test_tree_get(struct machine_run *run, uint64_t address)
{
    uint8_t header[8];
    if (!CHECK(ram_read(run->machine.mem.ram, gpa(address), header, sizeof(header))))
        return NULL;
    uint32_t size = be32_load(header + 4);
    void *tree = malloc(size);
    if (CHECK(tree && ram_read(run->machine.mem.ram, gpa(address), tree, size) &&
              fdt_check_full(tree, size) == 0))
        return tree;
    free(tree);
    return NULL;
}

void test_cells_check(const void *tree, const char *path, const char *property, const uint32_t *cells,
                      unsigned count)
{
    int len, node = fdt_path_offset(tree, path);
    const uint8_t *value = node >= 0 ? fdt_getprop(tree, node, property, &len) : NULL;
    test_context("%s %s", path, property);
    if (!CHECK(value) || !CHECK_EQ(len, count * 4))
        return;
    for (unsigned i = 0; i < count; i++)
        CHECK_EQ(be32_load(value + 4 * i), cells[i]);
}

void test_strings_check(const void *tree, const char *path, const char *property, const char *list, int size)
{
    int len, node = fdt_path_offset(tree, path);
    const char *value = node >= 0 ? fdt_getprop(tree, node, property, &len) : NULL;
    test_context("%s %s", path, property);
    if (CHECK(value) && CHECK_EQ(len, size))
        CHECK_MEM(value, list, (size_t)size);
}

uint32_t test_phandle(const void *tree, const char *path)
{
    int node = fdt_path_offset(tree, path);
    return node >= 0 ? fdt_get_phandle(tree, node) : 0;
}
