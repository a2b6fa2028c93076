/* Putting images into the riscv64 "virt" board's memory, and the harts where they start. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "guests/demo_images.h"
#include "host/random.h"
#include "machine/loader/compress.h"
#include "machine/loader/detect.h"
#include "machine/riscv_virt_board.h"

/* What the first instructions need to know. */
struct boot {
    struct virt_board *board;
    struct load_target target;
    struct loaded firmware, kernel, initrd; /* empty: start == end */
    uint64_t dtb;
};

static bool demo_load(struct boot *boot, struct error *err)
{
    struct source source;
    source_memory(&source, "the demo guest", demo_riscv64, demo_riscv64_size);
    return elf_load(&source, &boot->target, guest_arch_elf_machine(GUEST_RISCV64), VIRT_RAM, &boot->kernel,
                    err);
}

/* A kernel or a program, in whatever format it comes; `base` is for those that may lie anywhere. */
static bool payload_load(struct boot *boot, struct source *source, uint64_t base, struct loaded *loaded,
                         struct error *err)
{
    struct image_info info;
    if (!source_unpack(source, err) || !image_detect(source, &info, err))
        return false;
    if (info.arch_known && info.arch != GUEST_RISCV64)
        return error_set(err, ERROR_IMAGE, "%s is for %s (%s), and this machine is a riscv64", source->path,
                         guest_arch_name(info.arch), image_kind_name(info.kind));
    switch (info.kind) {
    case IMAGE_ELF:
        return elf_load(source, &boot->target, guest_arch_elf_machine(GUEST_RISCV64), base, loaded, err);
    case IMAGE_LINUX: return linux_image_load(source, &boot->target, loaded, err);
    case IMAGE_UNKNOWN: return flat_load(source, &boot->target, base, loaded, err);
    default:
        return error_set(err, ERROR_IMAGE, "%s is %s, and can't be started as a kernel", source->path,
                         image_kind_name(info.kind));
    }
}

static bool file_load(struct boot *boot, const char *path, uint64_t base, struct loaded *loaded,
                      struct error *err)
{
    struct source source;
    if (!source_open(&source, path, boot->board->config->progress, err))
        return false;
    bool ok = payload_load(boot, &source, base, loaded, err);
    source_close(&source);
    return ok;
}

static bool overlap_check(const struct boot *boot, struct error *err)
{
    const struct loaded *a = &boot->firmware, *b = &boot->kernel;
    if (!ranges_overlap(a->start, a->end - a->start, b->start, b->end - b->start))
        return true;
    return error_set(err, ERROR_IMAGE,
                     "the kernel at 0x%llx would lie over the firmware, which ends at 0x%llx: link it for an "
                     "address from 0x%llx on, or use --firmware none",
                     (unsigned long long)b->start, (unsigned long long)a->end,
                     (unsigned long long)(VIRT_RAM + VIRT_KERNEL_OFFSET));
}

static bool images_load(struct boot *boot, struct error *err)
{
    const struct virt_plan *plan = &boot->board->plan;
    const struct machine_config *config = boot->board->config;
    uint64_t base = plan->start == VIRT_START_BARE ? VIRT_RAM : VIRT_RAM + VIRT_KERNEL_OFFSET;
    if (plan->start == VIRT_START_FIRMWARE &&
        !file_load(boot, plan->firmware, VIRT_RAM, &boot->firmware, err))
        return false;
    if (plan->demo && !demo_load(boot, err))
        return false;
    if (config->kernel && !plan->flash && !file_load(boot, config->kernel, base, &boot->kernel, err))
        return false;
    return overlap_check(boot, err);
}

/*
 * The device tree lies at the end of the first GiB of RAM (firmware with 32-bit habits finds it there), with
 * room behind it for what firmware adds; the initrd is below it.
 */
#define DTB_ROOM_SMALL (64 * KIB)
#define SMALL_MEMORY   (32 * MIB)
#define FIRST_GIB_END  (VIRT_RAM + GIB)

static bool initrd_place(struct boot *boot, struct error *err)
{
    struct source source;
    const struct machine_config *config = boot->board->config;
    uint64_t ram_end = boot->target.base + boot->target.size;
    if (!config->initrd || boot->board->plan.flash)
        return true;
    if (!source_open(&source, config->initrd, config->progress, err))
        return false;
    bool ok = initrd_load(&source, &boot->target, &boot->kernel, boot->dtb, &boot->initrd, err);
    if (!ok && ram_end - boot->dtb > source.size + DT_SIZE_MAX)
        ok = initrd_load(&source, &boot->target, &boot->kernel, ram_end, &boot->initrd, err);
    source_close(&source);
    return ok;
}

static void *dtb_make(const struct boot *boot, const struct dt_chosen *chosen, struct error *err)
{
    struct source source;
    const char *path = boot->board->config->dtb;
    if (!path)
        return virt_fdt_make(boot->board, chosen, err);
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

static bool dtb_place(struct boot *boot, uint64_t room, struct error *err)
{
    uint8_t seed[DT_SEED_SIZE] = {0};
    /* A deterministic machine has the same seed every time. */
    if (!boot->board->config->deterministic)
        host_random(seed, sizeof(seed));
    struct dt_chosen chosen = {.bootargs = boot->board->config->append,
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

static bool tables_place(struct boot *boot, struct error *err)
{
    bool small = boot->target.size < SMALL_MEMORY;
    uint64_t end = boot->target.base + boot->target.size;
    uint64_t room = small ? DTB_ROOM_SMALL : DT_SIZE_MAX;
    if (end > FIRST_GIB_END)
        end = FIRST_GIB_END;
    boot->dtb = align_down(end - room, room);
    uint64_t top = boot->kernel.end > boot->firmware.end ? boot->kernel.end : boot->firmware.end;
    if (top > boot->dtb && boot->kernel.start < boot->dtb + room)
        return error_set(
            err, ERROR_IMAGE,
            "%llu MiB of memory have no room for the device tree beside the kernel: give the machine "
            "more with --memory",
            (unsigned long long)(boot->target.size / MIB));
    return initrd_place(boot, err) && dtb_place(boot, room, err);
}

/*
 * The reset vector: every hart jumps to the start address with its number in a0, the device tree in a1 and,
 * for firmware of the fw_dynamic kind, what to start next in a2. The data follow the code.
 */
enum {
    ROM_START = 24,
    ROM_DTB = 32,
    ROM_NEXT = 40, /* struct fw_dynamic_info: magic, version, address, mode, options, boot hart */
    ROM_SIZE = 88,
};

#define FW_DYNAMIC_MAGIC   0x4942534f /* "OSBI" */
#define FW_DYNAMIC_VERSION 2

static void rom_write(struct boot *boot, uint64_t start, uint64_t next)
{
    static const uint32_t code[] = {
        0x00000297, /* auipc t0, 0 */
        0x02828613, /* addi  a2, t0, ROM_NEXT */
        0xf1402573, /* csrr  a0, mhartid */
        0x0202b583, /* ld    a1, ROM_DTB(t0) */
        0x0182b283, /* ld    t0, ROM_START(t0) */
        0x00028067, /* jr    t0 */
    };
    const uint64_t data[] = {start, boot->dtb, FW_DYNAMIC_MAGIC, FW_DYNAMIC_VERSION, next, PRIV_S, 0, 0};
    struct ram_block *rom = boot->board->rom;
    uint8_t *host = ram_block_host(rom);
    for (size_t i = 0; i < ARRAY_LEN(code); i++)
        le32_store(host + 4 * i, code[i]);
    for (size_t i = 0; i < ARRAY_LEN(data); i++)
        le64_store(host + ROM_START + 8 * i, data[i]);
    ram_block_written(rom, 0, ROM_SIZE);
}

bool virt_boot(struct virt_board *board, struct error *err)
{
    struct boot boot = {
        .board = board,
        .target = {board->run->machine.mem.ram, VIRT_RAM, board->config->memory},
    };
    if (!images_load(&boot, err) || !tables_place(&boot, err))
        return false;
    uint64_t payload = board->plan.flash ? VIRT_FLASH : boot.kernel.entry;
    if (board->plan.start == VIRT_START_SBI) {
        sbi_boot(board->sbi, payload, boot.dtb);
        return true;
    }
    rom_write(&boot, board->plan.start == VIRT_START_BARE ? payload : boot.firmware.entry, payload);
    for (unsigned i = 0; i < board->run->vcpu_count; i++)
        board->run->vcpus[i]->ops->pc_set(board->run->vcpus[i], VIRT_ROM);
    return true;
}
