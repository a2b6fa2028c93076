#include "tests/cpu/bare_memory.h"

#include <stdlib.h>

#include "base/bits.h"
#include "tests/harness/test.h"

struct ram_block *bare_memory_make(struct physmem *mem, uint64_t base, uint64_t size,
                                   const struct bus_region *device)
{
    struct error err = {0};
    *mem = (struct physmem){.ram = ram_create(), .mmio = bus_create("mmio", NULL)};
    struct ram_block *block = ram_block_create(mem->ram, "ram", size, &err);
    if (!block || !ram_map(mem->ram, block, 0, gpa(base), size, RAM_MAPPED, NULL) ||
        !bus_add(mem->mmio, device, NULL, &err)) {
        FAIL("no memory: %s", err.text);
        abort();
    }
    return block;
}

void bare_memory_free(struct physmem *mem)
{
    bus_destroy(mem->mmio);
    ram_destroy(mem->ram);
}

void bare_words_put(const struct physmem *mem, uint64_t address, const uint32_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[4];
        le32_store(bytes, words[i]);
        CHECK(ram_write(mem->ram, gpa(address + 4 * i), bytes, sizeof(bytes)));
    }
}

uint64_t bare_memory_load(const struct physmem *mem, uint64_t address)
{
    uint8_t bytes[8] = {0};
    CHECK(ram_read(mem->ram, gpa(address), bytes, sizeof(bytes)));
    return le64_load(bytes);
}

void bare_memory_store(const struct physmem *mem, uint64_t address, uint64_t value)
{
    uint8_t bytes[8];
    le64_store(bytes, value);
    CHECK(ram_write(mem->ram, gpa(address), bytes, sizeof(bytes)));
}
