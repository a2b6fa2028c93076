/* Putting a payload into the PC's memory without firmware, and the first core where it starts. */
#include <string.h>

#include "base/bits.h"
#include "host/random.h"
#include "machine/acpi/smbios.h"
#include "machine/loader/bzimage.h"
#include "machine/loader/compress.h"
#include "machine/loader/detect.h"
#include "machine/pc_start.h"

/* The ACPI tables follow their root pointer. */
#define RSDP_ROOM 64

/* Programs that may lie anywhere lie behind the first MiB. */
#define PROGRAM_BASE PC_HIGH_RAM

/* --- tables --- */

static bool acpi_place(struct pc_board *board, struct error *err)
{
    struct acpi_tables tables = {0};
    struct ram *ram = board->run->machine.mem.ram;
    uint8_t rsdp[ACPI_RSDP_SIZE];
    uint64_t at = PC_TABLES + RSDP_ROOM, room = PC_SMBIOS - at;
    size_t dsdt = board->acpi_make(&tables, board);
    acpi_resolve(&tables, dsdt, at, rsdp);
    bool ok = tables.len <= room && ram_write(ram, gpa(PC_TABLES), rsdp, sizeof(rsdp)) &&
              ram_write(ram, gpa(at), tables.bytes, tables.len);
    acpi_free(&tables);
    return ok || error_set(err, ERROR_HOST, "the ACPI tables don't fit into %llu KiB: give fewer --cpus",
                           (unsigned long long)(room / KIB));
}

void pc_prepare(struct pc_board *board)
{
    struct smbios_config config = {.product = "PC (Q35)",
                                   .cpu = x86_model(board->run->vcpus[0])->name,
                                   .cpus = board->run->vcpu_count,
                                   .memory_base = 0,
                                   .memory = board->config->memory};
    pc_chipset_prepare(board);
    smbios_place(&config, board->run->machine.mem.ram, PC_SMBIOS);
}

/* --- Linux --- */

/* The zero page (Linux, Documentation/arch/x86/zero-page.rst). */
#define ZERO_RSDP         0x070
#define ZERO_CMDLINE_HIGH 0x0c8
#define ZERO_E820_COUNT   0x1e8
#define ZERO_LOADER       0x210
#define ZERO_INITRD       0x218
#define ZERO_INITRD_SIZE  0x21c
#define ZERO_CMDLINE      0x228
#define ZERO_SETUP_DATA   0x250
#define ZERO_E820         0x2d0
#define E820_ENTRY        20
#define LOADER_UNDEFINED  0xff

/* setup_data: a list of things for the kernel; here random numbers, since 6.0. */
#define SETUP_RNG_SEED  9
#define SETUP_DATA_HEAD 16
#define SEED_SIZE       32

static bool command_line_put(struct pc_board *board, uint64_t most, struct error *err)
{
    const char *text = board->config->append ? board->config->append : "";
    size_t len = strlen(text);
    if (len > most || len >= PC_START_CMDMAX)
        return error_set(
            err, ERROR_USAGE,
            "the kernel's command line (--append) has %zu characters, and this kernel takes %llu", len,
            (unsigned long long)most);
    return ram_write(board->run->machine.mem.ram, gpa(PC_START_CMDLINE), text, len + 1);
}

static bool initrd_put(struct pc_board *board, const struct load_target *target, const struct loaded *kernel,
                       uint64_t end, struct loaded *initrd, struct error *err)
{
    struct source source;
    uint64_t below = target->base + target->size < end ? target->base + target->size : end;
    *initrd = (struct loaded){.start = 0};
    if (!board->config->initrd)
        return true;
    if (!source_open(&source, board->config->initrd, board->config->progress, err))
        return false;
    bool ok = initrd_load(&source, target, kernel, below, initrd, err);
    source_close(&source);
    return ok;
}

static void seed_put(struct pc_board *board)
{
    uint8_t data[SETUP_DATA_HEAD + SEED_SIZE] = {0};
    le32_store(data + 8, SETUP_RNG_SEED);
    le32_store(data + 12, SEED_SIZE);
    host_random(data + SETUP_DATA_HEAD, SEED_SIZE);
    ram_write(board->run->machine.mem.ram, gpa(PC_START_INFO), data, sizeof(data));
}

static void zero_page_put(struct pc_board *board, const struct bzimage *image, const struct loaded *initrd)
{
    uint8_t page[PAGE_SIZE] = {0};
    struct pc_e820 map[PC_E820_MAX];
    unsigned count = pc_e820_make(board, map);
    memcpy(page + BZIMAGE_SETUP, image->setup, sizeof(image->setup));
    le64_store(page + ZERO_RSDP, PC_TABLES);
    page[ZERO_LOADER] = LOADER_UNDEFINED;
    le32_store(page + ZERO_INITRD, (uint32_t)initrd->start);
    le32_store(page + ZERO_INITRD_SIZE, (uint32_t)(initrd->end - initrd->start));
    le32_store(page + ZERO_CMDLINE, (uint32_t)PC_START_CMDLINE);
    le32_store(page + ZERO_CMDLINE_HIGH, 0);
    /* A deterministic machine has no random numbers. */
    if (!board->config->deterministic) {
        seed_put(board);
        le64_store(page + ZERO_SETUP_DATA, PC_START_INFO);
    }
    page[ZERO_E820_COUNT] = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        uint8_t *entry = page + ZERO_E820 + i * E820_ENTRY;
        le64_store(entry, map[i].base);
        le64_store(entry + 8, map[i].size);
        le32_store(entry + 16, map[i].type);
    }
    ram_write(board->run->machine.mem.ram, gpa(PC_START_ZEROPAGE), page, sizeof(page));
}

static bool linux_boot(struct pc_board *board, const struct source *source, const struct load_target *target,
                       struct error *err)
{
    struct bzimage image;
    struct loaded initrd;
    if (!bzimage_load(source, target, &image, err) || !command_line_put(board, image.command_line_max, err) ||
        !initrd_put(board, target, &image.kernel, image.initrd_end, &initrd, err))
        return false;
    zero_page_put(board, &image, &initrd);
    pc_start_long(board, image.kernel.entry, PC_START_ZEROPAGE);
    return true;
}

/* --- the whole --- */

static bool payload_boot(struct pc_board *board, struct source *source, struct error *err)
{
    struct image_info info;
    struct load_target target = {board->run->machine.mem.ram, 0, board->below_4g};
    struct loaded loaded;
    if (!source_unpack(source, err) || !image_detect(source, &info, err))
        return false;
    switch (info.kind) {
    case IMAGE_BZIMAGE: return linux_boot(board, source, &target, err);
    case IMAGE_ELF:
        if (!elf_load(source, &target, guest_arch_elf_machine(GUEST_X86_64), PROGRAM_BASE, &loaded, err))
            return false;
        pc_start_long(board, loaded.entry, 0);
        return true;
    default:
        return error_set(err, ERROR_IMAGE, "%s is %s, and can't be started as a kernel", source->path,
                         image_kind_name(info.kind));
    }
}

bool pc_boot(struct pc_board *board, struct error *err)
{
    struct source source;
    if (board->plan.firmware)
        return true;
    pc_processors_prepare(board);
    board->prepare(board);
    if (!acpi_place(board, err) || !source_open(&source, board->config->kernel, board->config->progress, err))
        return false;
    bool ok = payload_boot(board, &source, err);
    source_close(&source);
    return ok;
}
