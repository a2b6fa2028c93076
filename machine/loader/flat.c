#include "base/bits.h"
#include "machine/loader/loader.h"

bool flat_load(const struct source *source, const struct load_target *target, uint64_t address,
               struct loaded *loaded, struct error *err)
{
    void *host = load_place(source, target, address, source->size, err);
    if (!host || !source_read(source, 0, host, source->size, err))
        return false;
    *loaded = (struct loaded){.start = address, .end = address + source->size, .entry = address};
    return true;
}

bool initrd_load(const struct source *source, const struct load_target *target, const struct loaded *taken,
                 uint64_t below, struct loaded *loaded, struct error *err)
{
    uint64_t room = below - target->base;
    uint64_t address = source->size <= room ? align_down(below - source->size, PAGE_SIZE) : 0;
    if (address < target->base ||
        ranges_overlap(address, source->size, taken->start, taken->end - taken->start)) {
        return error_set(
            err, ERROR_IMAGE,
            "%s (%llu MiB) doesn't fit beside the kernel into %llu MiB of memory: give the machine "
            "more with --memory",
            source->path, (unsigned long long)(source->size / MIB), (unsigned long long)(target->size / MIB));
    }
    return flat_load(source, target, address, loaded, err);
}
