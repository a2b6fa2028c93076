/* What a bare core of any architecture has beside it in a test: RAM, and registers of a device. */
#pragma once

#include "softmmu/physmem.h"

/* RAM of `size` bytes at `base`, and the device on the bus of *mem, which is filled in. Never NULL. */
struct ram_block *bare_memory_make(struct physmem *mem, uint64_t base, uint64_t size,
                                   const struct bus_region *device);
void bare_memory_free(struct physmem *mem);

/* At physical addresses, little-endian; the test fails where there is no RAM. */
void bare_words_put(const struct physmem *mem, uint64_t address, const uint32_t *words, size_t count);
uint64_t bare_memory_load(const struct physmem *mem, uint64_t address);
void bare_memory_store(const struct physmem *mem, uint64_t address, uint64_t value);
