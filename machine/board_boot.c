#include "machine/board_boot.h"

#include <stdlib.h>

#include "base/bits.h"
#include "host/random.h"
#include "machine/loader/compress.h"
#include "machine/loader/detect.h"

bool board_payload_load(struct board_boot *boot, struct source *source, uint64_t base, struct loaded *loaded,
                        struct error *err)
{
    struct image_info info;
    enum guest_arch arch = boot->config->arch;
    if (!source_unpack(source, err) || !image_detect(source, &info, err))
        return false;
    if (info.arch_known && info.arch != arch)
        return error_set(err, ERROR_IMAGE, "%s is for %s (%s), and this machine is for %s", source->path,
                         guest_arch_name(info.arch), image_kind_name(info.kind), guest_arch_name(arch));
    switch (info.kind) {
    case IMAGE_ELF: return elf_load(source, &boot->target, guest_arch_elf_machine(arch), base, loaded, err);
    case IMAGE_LINUX: return linux_image_load(source, &boot->target, base, loaded, err);
    case IMAGE_UNKNOWN: return flat_load(source, &boot->target, base, loaded, err);
    default:
        return error_set(err, ERROR_IMAGE, "%s is %s, and can't be started as a kernel", source->path,
                         image_kind_name(info.kind));
    }
}

bool board_file_load(struct board_boot *boot, const char *path, uint64_t base, struct loaded *loaded,
                     struct error *err)
{
    struct source source;
    if (!source_open(&source, path, boot->config->progress, err))
        return false;
    bool ok = board_payload_load(boot, &source, base, loaded, err);
    source_close(&source);
    return ok;
}

#define DTB_ROOM_SMALL (64 * KIB)
#define SMALL_MEMORY   (32 * MIB)

/* Below programs that are linked for half a MiB into RAM, with their headers before that. */
#define TREE_ROOM_FIRST (256 * KIB)

static bool initrd_place(struct board_boot *boot, struct error *err)
{
    struct source source;
    const struct machine_config *config = boot->config;
    uint64_t ram_end = boot->target.base + boot->target.size;
    if (!config->initrd)
        return true;
    if (!source_open(&source, config->initrd, config->progress, err))
        return false;
    bool ok = initrd_load(&source, &boot->target, &boot->kernel, boot->dtb, &boot->initrd, err);
    if (!ok && ram_end - boot->dtb > source.size + DT_SIZE_MAX)
        ok = initrd_load(&source, &boot->target, &boot->kernel, ram_end, &boot->initrd, err);
    source_close(&source);
    return ok;
}

static void *dtb_make(const struct board_boot *boot, const struct dt_chosen *chosen, struct error *err)
{
    struct source source;
    const char *path = boot->config->dtb;
    if (!path)
        return boot->tree_make(boot->opaque, chosen, err);
    if (!source_open(&source, path, NULL, err))
        return NULL;
    void *blob = source.size <= DT_SIZE_MAX ? malloc(source.size) : NULL, *tree = NULL;
    if (!blob)
        error_set(err, ERROR_IMAGE, "%s is too large for a device tree", path);
    else if (source_read(&source, 0, blob, source.size, err))
        tree = dt_adopt(blob, source.size, path, chosen, err);
    free(blob);
    source_close(&source);
    return tree;
}

bool board_tree_place(struct board_boot *boot, uint64_t room, struct error *err)
{
    uint8_t seed[DT_SEED_SIZE] = {0};
    /* A deterministic machine has the same seed every time. */
    if (!boot->config->deterministic)
        host_random(seed, sizeof(seed));
    struct dt_chosen chosen = {.bootargs = boot->config->append,
                               .initrd_start = boot->initrd.start,
                               .initrd_end = boot->initrd.end,
                               .rng_seed = seed};
    void *tree = dtb_make(boot, &chosen, err);
    if (!tree)
        return false;
    bool ok = dt_size(tree) <= room && ram_write(boot->target.ram, gpa(boot->dtb), tree, dt_size(tree));
    free(tree);
    return ok || error_set(err, ERROR_IMAGE,
                           "the device tree doesn't fit into %llu KiB of memory: give the "
                           "machine more with --memory",
                           (unsigned long long)(boot->target.size / KIB));
}

bool board_tables_place(struct board_boot *boot, struct error *err)
{
    bool small = boot->target.size < SMALL_MEMORY;
    uint64_t end = boot->target.base + boot->target.size;
    uint64_t room = small ? DTB_ROOM_SMALL : DT_SIZE_MAX;
    if (end > boot->target.base + GIB)
        end = boot->target.base + GIB;
    boot->dtb = align_down(end - room, room);
    uint64_t top = boot->kernel.end > boot->firmware.end ? boot->kernel.end : boot->firmware.end;
    if (top > boot->dtb && boot->kernel.start < boot->dtb + room)
        return error_set(
            err, ERROR_IMAGE,
            "%llu MiB of memory have no room for the device tree beside the kernel: give the machine "
            "more with --memory",
            (unsigned long long)(boot->target.size / MIB));
    if (!initrd_place(boot, err))
        return false;
    if (boot->tree_first && boot->kernel.start - boot->target.base >= TREE_ROOM_FIRST) {
        boot->dtb = boot->target.base;
        room = TREE_ROOM_FIRST;
    }
    return board_tree_place(boot, room, err);
}
