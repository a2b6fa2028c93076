/* Putting a payload into the PC's memory without firmware, and the first core where it starts. */
#include <string.h>

#include "base/bits.h"
#include "devices/display/vga.h"
#include "guests/demo_images.h"
#include "machine/acpi/smbios.h"
#include "machine/loader/compress.h"
#include "machine/loader/detect.h"
#include "machine/loader/elf_note.h"
#include "machine/loader/multiboot.h"
#include "machine/pc_start.h"

/* Programs that may lie anywhere lie behind the first MiB. */
#define PROGRAM_BASE PC_HIGH_RAM

#define ELF_MACHINE_386 3

/* --- tables --- */

static bool acpi_place(struct pc_board *board, struct error *err)
{
    struct acpi_tables tables = {0};
    struct ram *ram = board->run->machine.mem.ram;
    uint8_t rsdp[ACPI_RSDP_SIZE];
    uint64_t at = PC_FACS, room = PC_SMBIOS - at;
    size_t dsdt = board->acpi_make(&tables, board);
    acpi_resolve(&tables, dsdt, at, rsdp);
    bool ok = tables.len <= room && ram_write(ram, gpa(PC_TABLES), rsdp, sizeof(rsdp)) &&
              ram_write(ram, gpa(at), tables.bytes, tables.len);
    acpi_free(&tables);
    return ok || error_set(err, ERROR_HOST, "the ACPI tables don't fit into %llu KiB: give fewer --cpus",
                           (unsigned long long)(room / KIB));
}

/* What a BIOS leaves behind in its data area, as far as kernels look there: ports, where memory below 1 MiB
 * ends for them (Xen takes room below that for its other processors), the screen. */
static void bios_data_put(struct pc_board *board)
{
    static const struct {
        uint32_t at, width, value;
    } fields[] = {
        {0x400, 2, PC_COM1},
        {0x402, 2, PC_COM2},
        {0x40e, 2, PC_EBDA >> 4},
        {0x410, 2, 0x0426}, /* two serial ports, 80 columns in colour, a mouse, a coprocessor */
        {0x413, 2, PC_EBDA / KIB},
        {0x449, 1, 3},
        {0x44a, 2, 80},
        {0x44c, 2, 0x1000},
        {0x460, 2, 0x0d0e},
        {0x463, 2, 0x3d4},
        {0x484, 1, 24},
        {0x485, 2, 16},
        {PC_EBDA, 1, (PC_VIDEO - PC_EBDA) / KIB}, /* its size, which it begins with */
    };
    for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
        uint8_t bytes[4];
        le32_store(bytes, fields[i].value);
        ram_write(board->run->machine.mem.ram, gpa(fields[i].at), bytes, fields[i].width);
    }
}

/*
 * Vectors of real mode: an interrupt of the 8259 pair, the timer's being left ticking, is ended, and all
 * others return. The code lies where a BIOS has its own return (F000:FF53).
 */
static void bios_vectors_put(struct pc_board *board)
{
    static const uint8_t code[] = {
        0x50, 0xb0, 0x20, 0xe6, 0xa0, /* second chip: push ax; mov al, 20h; out a0h, al */
        0xeb, 0x03,                   /* jmp to the last three */
        0x50, 0xb0, 0x20,             /* first chip: push ax; mov al, 20h */
        0xe6, 0x20, 0x58,             /* out 20h, al; pop ax */
        0xcf,                         /* others: iret */
    };
    enum { SEGMENT = 0xf000, RETURN = 0xff53, SECOND = RETURN - (int)sizeof(code) + 1, FIRST = SECOND + 7 };
    struct ram *ram = board->run->machine.mem.ram;
    ram_write(ram, gpa(SEGMENT * 16 + SECOND), code, sizeof(code));
    for (unsigned vector = 0; vector < 256; vector++) {
        uint8_t pointer[4];
        le16_store(pointer, vector >> 3 == 0x08 >> 3 ? FIRST : vector >> 3 == 0x70 >> 3 ? SECOND : RETURN);
        le16_store(pointer + 2, SEGMENT);
        ram_write(ram, gpa(vector * 4), pointer, sizeof(pointer));
    }
}

void pc_prepare(struct pc_board *board)
{
    struct smbios_config config = {.product = "PC (Q35)",
                                   .cpu = x86_model(board->run->vcpus[0])->name,
                                   .cpus = board->run->vcpu_count,
                                   .memory_base = 0,
                                   .memory = board->config->memory};
    pc_chipset_prepare(board);
    pc_pci_prepare(board);
    bios_data_put(board);
    bios_vectors_put(board);
    if (board->vga)
        vga_text_set(board->vga);
    smbios_place(&config, board->run->machine.mem.ram, PC_SMBIOS);
    pc_legacy_tables_place(board);
}

/* --- what all kernels get --- */

bool pc_command_line_put(struct pc_board *board, const char *first, uint64_t most, struct error *err)
{
    struct ram *ram = board->run->machine.mem.ram;
    const char *text = board->config->append ? board->config->append : "";
    size_t before = strlen(first), len = before + strlen(text);
    if (most >= PC_START_CMDMAX)
        most = PC_START_CMDMAX - 1;
    if (len > most)
        return error_set(
            err, ERROR_USAGE,
            "the kernel's command line (--append) has %zu characters, and this kernel takes %llu", len,
            (unsigned long long)most);
    return ram_write(ram, gpa(PC_START_CMDLINE), first, before) &&
           ram_write(ram, gpa(PC_START_CMDLINE + before), text, len - before + 1);
}

bool pc_initrd_put(struct pc_board *board, const struct load_target *target, const struct loaded *kernel,
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

/* What this program has put below 1 MiB is not to be loaded over. */
static bool start_free(const struct source *source, const struct loaded *loaded, struct error *err)
{
    if (!ranges_overlap(loaded->start, loaded->end - loaded->start, PC_START_GDT,
                        PC_START_END - PC_START_GDT))
        return true;
    return error_set(
        err, ERROR_IMAGE,
        "%s is linked to 0x%llx, over what it is told at its start (0x%llx to 0x%llx): link it to 1 "
        "MiB or above",
        source->path, (unsigned long long)loaded->start, (unsigned long long)PC_START_GDT,
        (unsigned long long)PC_START_END);
}

/* --- the whole --- */

static struct load_target whole_ram(struct pc_board *board)
{
    return (struct load_target){board->run->machine.mem.ram, 0, board->below_4g};
}

static bool multiboot_boot(struct pc_board *board, const struct source *source,
                           const struct multiboot_header *header, struct error *err)
{
    struct load_target target = whole_ram(board);
    struct loaded loaded;
    return multiboot_load(source, header, &target, &loaded, err) && start_free(source, &loaded, err) &&
           pc_multiboot_boot(board, header, &target, &loaded, err);
}

/* A kernel with a Xen note is entered as PVH has it, another one at its entry point: of 32 bits in the same
 * state, of 64 bits in long mode. */
static bool elf_boot(struct pc_board *board, const struct source *source, struct error *err)
{
    struct load_target target = whole_ram(board);
    struct elf_facts facts;
    struct loaded loaded;
    uint8_t entry[4];
    bool pvh = elf_note_find(source, PC_PVH_NOTE_NAME, PC_PVH_NOTE_ENTRY, entry, sizeof(entry));
    if (!elf_look(source, &facts, err))
        return false;
    uint16_t machine =
        facts.machine == ELF_MACHINE_386 ? facts.machine : guest_arch_elf_machine(GUEST_X86_64);
    /* What may lie anywhere must not come to lie at 0. */
    struct load_target above = {target.ram, PROGRAM_BASE,
                                target.size > PROGRAM_BASE ? target.size - PROGRAM_BASE : 0};
    if (!elf_load(source, facts.movable ? &above : &target, machine, PROGRAM_BASE, &loaded, err) ||
        !start_free(source, &loaded, err) || !pc_pvh_info_put(board, &target, &loaded, err))
        return false;
    if (pvh || !facts.wide)
        pc_start_protected(board, pvh ? le32_load(entry) : (uint32_t)loaded.entry, 0, PC_START_INFO);
    else
        pc_start_long(board, loaded.entry, 0, PC_START_INFO);
    return true;
}

static bool payload_boot(struct pc_board *board, struct source *source, struct error *err)
{
    struct image_info info;
    struct multiboot_header multiboot;
    if (!source_unpack(source, err) || !image_detect(source, &info, err) ||
        !multiboot_header_find(source, &multiboot, err))
        return false;
    if (info.kind == IMAGE_BZIMAGE)
        return pc_linux_boot(board, source, err);
    if ((info.kind == IMAGE_ELF || info.kind == IMAGE_MULTIBOOT) && multiboot.there)
        return multiboot_boot(board, source, &multiboot, err);
    if (info.kind == IMAGE_ELF)
        return elf_boot(board, source, err);
    return error_set(err, ERROR_IMAGE, "%s is %s, and can't be started as a kernel", source->path,
                     image_kind_name(info.kind));
}

bool pc_boot(struct pc_board *board, struct error *err)
{
    struct source source;
    if (board->plan.firmware)
        return true;
    pc_processors_prepare(board);
    board->prepare(board);
    if (!acpi_place(board, err))
        return false;
    if (board->plan.demo)
        source_memory(&source, "the demo guest", demo_x86_64, demo_x86_64_size);
    else if (!source_open(&source, board->config->kernel, board->config->progress, err))
        return false;
    bool ok = payload_boot(board, &source, err);
    source_close(&source);
    return ok;
}
