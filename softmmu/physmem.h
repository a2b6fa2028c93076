/*
 * Guest physical space as a core or a bus master sees it: RAM, the MMIO bus, and (x86) the port bus. The slow
 * path of every access ends here.
 */
#pragma once

#include "softmmu/bus.h"
#include "softmmu/ram.h"

struct physmem {
    struct ram *ram;
    struct bus *mmio;
    struct bus *pio; /* NULL where the architecture has none */
};

/* One access of `width` (1, 2, 4, 8) bytes, RAM or device. False: nobody answers there. Machine lock not
 * held. */
bool physmem_load(const struct physmem *mem, gpa_t p, unsigned width, uint64_t *value);
bool physmem_store(const struct physmem *mem, gpa_t p, unsigned width, uint64_t value);
