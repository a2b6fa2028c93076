#include "softmmu/physmem.h"

#include "base/bits.h"

/* One host access where the address is aligned, so that the guest's accesses are as indivisible as it thinks.
 */
static uint64_t host_load(const void *host, unsigned width)
{
    switch (width) {
    case 1: return *(const uint8_t *)host;
    case 2: return le16_load(host);
    case 4: return le32_load(host);
    default: return le64_load(host);
    }
}

static void host_store(void *host, unsigned width, uint64_t value)
{
    switch (width) {
    case 1: *(uint8_t *)host = (uint8_t)value; break;
    case 2: le16_store(host, (uint16_t)value); break;
    case 4: le32_store(host, (uint32_t)value); break;
    default: le64_store(host, value); break;
    }
}

bool physmem_load(const struct physmem *mem, gpa_t p, unsigned width, uint64_t *value)
{
    const void *host = ram_at(mem->ram, p, width, RAM_READ);
    if (host) {
        *value = host_load(host, width);
        return true;
    }
    uint8_t bytes[8];
    if (ram_read(mem->ram, p, bytes, width)) { /* across two mappings */
        *value = le_load(bytes, width);
        return true;
    }
    return bus_read(mem->mmio, p.a, width, value);
}

bool physmem_store(const struct physmem *mem, gpa_t p, unsigned width, uint64_t value)
{
    void *host = ram_at(mem->ram, p, width, RAM_WRITE);
    if (host) {
        host_store(host, width, value);
        ram_written(mem->ram, p, width);
        return true;
    }
    uint8_t bytes[8];
    le_store(bytes, width, value);
    return ram_write(mem->ram, p, bytes, width) || bus_write(mem->mmio, p.a, value, width);
}
