#include <stdio.h>

#include "base/bits.h"
#include "machine/loader/loader.h"

void *load_place(const struct source *source, const struct load_target *target, uint64_t address,
                 uint64_t size, struct error *err)
{
    if (address < target->base || range_beyond(address - target->base, size, target->size)) {
        bool below = address < target->base;
        error_set(err, ERROR_IMAGE,
                  "%s needs memory at 0x%llx to 0x%llx, and this machine has 0x%llx to 0x%llx%s",
                  source->path, (unsigned long long)address, (unsigned long long)(address + size),
                  (unsigned long long)target->base, (unsigned long long)(target->base + target->size),
                  below ? ": it was linked for another machine" : ": give it more with --memory");
        return NULL;
    }
    void *host = ram_at(target->ram, gpa(address), size, RAM_WRITE);
    if (!host)
        error_set(err, ERROR_IMAGE, "%s has nothing to load", source->path);
    return host;
}

void load_zero(const struct load_target *target, uint64_t address, uint64_t size)
{
    uint64_t first = align_up(address, PAGE_SIZE), last = align_down(address + size, PAGE_SIZE);
    if (first >= last) {
        ram_fill(target->ram, gpa(address), 0, size);
        return;
    }
    ram_fill(target->ram, gpa(address), 0, first - address);
    ram_discard(target->ram, gpa(first), last - first);
    ram_fill(target->ram, gpa(last), 0, address + size - last);
}
