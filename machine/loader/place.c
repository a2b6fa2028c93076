#include <stdio.h>

#include "base/bits.h"
#include "machine/loader/loader.h"

/* For people: whole units where there are such. */
static void amount(uint64_t value, char *text, size_t size)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    while (unit + 1 < ARRAY_LEN(units) && value && value % KIB == 0) {
        value /= KIB;
        unit++;
    }
    snprintf(text, size, "%llu %s", (unsigned long long)value, units[unit]);
}

void *load_place(const struct source *source, const struct load_target *target, uint64_t address,
                 uint64_t size, struct error *err)
{
    char at[32], has[32];
    amount(address, at, sizeof(at));
    amount(target->size, has, sizeof(has));
    if (address < target->base || range_beyond(address - target->base, size, target->size)) {
        bool below = address < target->base;
        error_set(err, ERROR_IMAGE,
                  "%s needs memory at %s (0x%llx to 0x%llx), and this machine has %s (0x%llx to 0x%llx)%s",
                  source->path, at, (unsigned long long)address, (unsigned long long)(address + size), has,
                  (unsigned long long)target->base, (unsigned long long)(target->base + target->size),
                  below ? ": it was linked for another machine" : ": give it more with --memory");
        return NULL;
    }
    void *host = size ? ram_at(target->ram, gpa(address), size, RAM_WRITE) : NULL;
    if (!host && size)
        error_set(err, ERROR_IMAGE, "%s needs memory at 0x%llx to 0x%llx, where this machine has a gap",
                  source->path, (unsigned long long)address, (unsigned long long)(address + size));
    else if (!host)
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
