/* Starting a multiboot kernel: what it is told (Multiboot Specification 0.6.96, 3.2 and 3.3). */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "machine/pc_start.h"

#define MAGIC 0x2badb002u

/* Fields of the information by their place, and the flags that say they are there. */
#define INFO_SIZE       116
#define INFO_FLAGS      0
#define INFO_MEM_LOWER  4
#define INFO_MEM_UPPER  8
#define INFO_CMDLINE    16
#define INFO_MODS       20
#define INFO_MODS_AT    24
#define INFO_MMAP       44
#define INFO_MMAP_AT    48
#define INFO_LOADER     64
#define INFO_FB_AT      88
#define INFO_FB_PITCH   96
#define INFO_FB_WIDTH   100
#define INFO_FB_HEIGHT  104
#define INFO_FB_BPP     108
#define INFO_FB_TYPE    109
#define INFO_FB_COLOURS 110 /* position and size of red, green and blue */

#define HAS_MEMORY      0x001u
#define HAS_CMDLINE     0x004u
#define HAS_MODS        0x008u
#define HAS_MMAP        0x040u
#define HAS_LOADER      0x200u
#define HAS_FRAMEBUFFER 0x1000u

#define MODE_TEXT  1
#define FB_RGB     1
#define FB_TEXT    2
#define FB_DEPTH   32
#define WIDTH_MAX  2048u
#define HEIGHT_MAX 2048u

#define TEXT_AT     0xb8000u
#define TEXT_WIDTH  80
#define TEXT_HEIGHT 25

/* The information, the module, the memory map and the loader's name lie behind each other in one page; the
 * module's name at the end of the command line's room. */
#define MODULE_SIZE  16
#define MMAP_ENTRY   24
#define INFO_MODULES (PC_START_INFO + INFO_SIZE)
#define INFO_MEMMAP  (INFO_MODULES + MODULE_SIZE)
#define INFO_NAME    (INFO_MEMMAP + PC_E820_MAX * MMAP_ENTRY)
#define NAME         "vm-cli"

#define FILE_NAME_MAX 4096

static void memory_tell(struct pc_board *board, uint8_t *info)
{
    struct ram *ram = board->run->machine.mem.ram;
    uint8_t entry[MMAP_ENTRY] = {0};
    struct pc_e820 map[PC_E820_MAX];
    unsigned count = pc_e820_make(board, map);
    for (unsigned i = 0; i < count; i++) {
        le32_store(entry, MMAP_ENTRY - 4); /* the size does not count itself */
        le64_store(entry + 4, map[i].base);
        le64_store(entry + 12, map[i].size);
        le32_store(entry + 20, map[i].type);
        ram_write(ram, gpa(INFO_MEMMAP + i * MMAP_ENTRY), entry, sizeof(entry));
    }
    le32_store(info + INFO_MEM_LOWER, (uint32_t)(PC_EBDA / KIB));
    le32_store(info + INFO_MEM_UPPER, (uint32_t)((board->below_4g - PC_HIGH_RAM) / KIB));
    le32_store(info + INFO_MMAP, count * MMAP_ENTRY);
    le32_store(info + INFO_MMAP_AT, (uint32_t)INFO_MEMMAP);
}

/* The kernel's file comes first, as in a shell's command: kernels skip it, or know themselves by it. */
static bool command_line_tell(struct pc_board *board, size_t *len, struct error *err)
{
    const char *file = board->config->kernel, *append = board->config->append;
    char first[FILE_NAME_MAX];
    int written = snprintf(first, sizeof(first), append && *append ? "%s " : "%s", file ? file : NAME);
    if ((size_t)written >= sizeof(first))
        return error_set(err, ERROR_USAGE, "the file name of --kernel is too long to tell the kernel");
    *len = (size_t)written + strlen(append ? append : "");
    return pc_command_line_put(board, first, UINT64_MAX, err);
}

/* --initrd is the one module, its name the text that goes with it, behind the command line of that length. */
static bool module_tell(struct pc_board *board, const struct load_target *target, const struct loaded *kernel,
                        size_t command_line, uint8_t *info, struct error *err)
{
    struct ram *ram = board->run->machine.mem.ram;
    uint8_t module[MODULE_SIZE] = {0};
    const char *name = board->config->initrd;
    struct loaded loaded;
    if (!pc_initrd_put(board, target, kernel, UINT64_MAX, &loaded, err))
        return false;
    if (!name)
        return true;
    size_t text = strlen(name) + 1;
    uint64_t used = command_line + 1;
    if (used + text > PC_START_CMDMAX)
        return error_set(err, ERROR_USAGE,
                         "the file name of --initrd and the command line are too long together");
    ram_write(ram, gpa(PC_START_CMDLINE + used), name, text);
    le32_store(module, (uint32_t)loaded.start);
    le32_store(module + 4, (uint32_t)loaded.end);
    le32_store(module + 8, (uint32_t)(PC_START_CMDLINE + used));
    ram_write(ram, gpa(INFO_MODULES), module, sizeof(module));
    le32_store(info + INFO_MODS, 1);
    le32_store(info + INFO_MODS_AT, (uint32_t)INFO_MODULES);
    return true;
}

/* The text mode that is set already. */
static void text_tell(uint8_t *info)
{
    le64_store(info + INFO_FB_AT, TEXT_AT);
    le32_store(info + INFO_FB_PITCH, 2 * TEXT_WIDTH);
    le32_store(info + INFO_FB_WIDTH, TEXT_WIDTH);
    le32_store(info + INFO_FB_HEIGHT, TEXT_HEIGHT);
    info[INFO_FB_BPP] = 16;
    info[INFO_FB_TYPE] = FB_TEXT;
}

/* Text, or a linear mode of the size it would like. */
static bool screen_tell(struct pc_board *board, const struct multiboot_header *header, uint8_t *info,
                        struct error *err)
{
    static const uint8_t colours[6] = {16, 8, 8, 8, 0, 8};
    unsigned width = header->width ? header->width : PC_SCREEN_WIDTH;
    unsigned height = header->height ? header->height : PC_SCREEN_HEIGHT;
    if (!board->vga)
        return error_set(err, ERROR_IMAGE,
                         "%s asks for a screen, and this machine has none that works without a driver: use "
                         "--mode type1 and --machine display=vga",
                         board->config->kernel);
    if (header->mode == MODE_TEXT) {
        text_tell(info);
        return true;
    }
    if (width > WIDTH_MAX || height > HEIGHT_MAX || width % 8 || (header->depth && header->depth != FB_DEPTH))
        return error_set(
            err, ERROR_IMAGE,
            "%s asks for a screen of %u x %u with %u bits a pixel, and this machine has 32 bits and up to "
            "%u x %u",
            board->config->kernel, width, height, header->depth, WIDTH_MAX, HEIGHT_MAX);
    if (!pc_screen_set(board, width, height))
        return error_set(err, ERROR_USAGE,
                         "%s asks for a screen, and this machine has no VGA: give --machine display=vga",
                         board->config->kernel);
    le64_store(info + INFO_FB_AT, PC_SCREEN);
    le32_store(info + INFO_FB_PITCH, width * 4);
    le32_store(info + INFO_FB_WIDTH, width);
    le32_store(info + INFO_FB_HEIGHT, height);
    info[INFO_FB_BPP] = FB_DEPTH;
    info[INFO_FB_TYPE] = FB_RGB;
    memcpy(info + INFO_FB_COLOURS, colours, sizeof(colours));
    return true;
}

bool pc_multiboot_boot(struct pc_board *board, const struct multiboot_header *header,
                       const struct load_target *target, const struct loaded *kernel, struct error *err)
{
    uint8_t info[INFO_SIZE] = {0};
    uint32_t flags = HAS_MEMORY | HAS_CMDLINE | HAS_MODS | HAS_MMAP | HAS_LOADER;
    bool screen = header->flags & MULTIBOOT_VIDEO_MODE;
    size_t len;
    if (!command_line_tell(board, &len, err) || !module_tell(board, target, kernel, len, info, err) ||
        (screen && !screen_tell(board, header, info, err)))
        return false;
    memory_tell(board, info);
    le32_store(info + INFO_FLAGS, flags | (screen ? HAS_FRAMEBUFFER : 0));
    le32_store(info + INFO_CMDLINE, (uint32_t)PC_START_CMDLINE);
    le32_store(info + INFO_LOADER, (uint32_t)INFO_NAME);
    ram_write(board->run->machine.mem.ram, gpa(INFO_NAME), NAME, sizeof(NAME));
    ram_write(board->run->machine.mem.ram, gpa(PC_START_INFO), info, sizeof(info));
    pc_bios_interrupts_set(board);
    pc_start_protected(board, (uint32_t)kernel->entry, MAGIC, PC_START_INFO);
    return true;
}
