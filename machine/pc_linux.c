/* Starting Linux by its 64-bit boot protocol (Documentation/arch/x86/boot.rst): the zero page. */
#include <string.h>

#include "base/bits.h"
#include "host/random.h"
#include "machine/loader/bzimage.h"
#include "machine/loader/detect.h"
#include "machine/pc_start.h"

/* The zero page (Linux, Documentation/arch/x86/zero-page.rst). */
#define SCREEN_IS_VGA     0x00f
#define SCREEN_WIDTH      0x012
#define SCREEN_HEIGHT     0x014
#define SCREEN_DEPTH      0x016
#define SCREEN_BASE       0x018
#define SCREEN_SIZE       0x01c
#define SCREEN_PITCH      0x024
#define SCREEN_COLOURS    0x026
#define SCREEN_LINEAR     0x23 /* VIDEO_TYPE_VLFB */
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

static void seed_put(struct pc_board *board)
{
    uint8_t data[SETUP_DATA_HEAD + SEED_SIZE] = {0};
    le32_store(data + 8, SETUP_RNG_SEED);
    le32_store(data + 12, SEED_SIZE);
    host_random(data + SETUP_DATA_HEAD, SEED_SIZE);
    ram_write(board->run->machine.mem.ram, gpa(PC_START_INFO), data, sizeof(data));
}

/* As firmware would, a screen is left behind: a linear frame buffer, which needs no driver of its own. */
static void screen_put(struct pc_board *board, uint8_t *page)
{
    static const uint8_t colours[8] = {8, 16, 8, 8,
                                       8, 0,  8, 24}; /* size and position of each, blue last but one */
    if (!pc_screen_set(board, PC_SCREEN_WIDTH, PC_SCREEN_HEIGHT))
        return;
    page[SCREEN_IS_VGA] = SCREEN_LINEAR;
    le16_store(page + SCREEN_WIDTH, PC_SCREEN_WIDTH);
    le16_store(page + SCREEN_HEIGHT, PC_SCREEN_HEIGHT);
    le16_store(page + SCREEN_DEPTH, 32);
    le32_store(page + SCREEN_BASE, (uint32_t)PC_SCREEN);
    le32_store(page + SCREEN_SIZE, (uint32_t)(PC_VGA_MEMORY / (64 * KIB)));
    le16_store(page + SCREEN_PITCH, 4 * PC_SCREEN_WIDTH);
    memcpy(page + SCREEN_COLOURS, colours, sizeof(colours));
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
    if (board->vga)
        screen_put(board, page);
    page[ZERO_E820_COUNT] = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        uint8_t *entry = page + ZERO_E820 + i * E820_ENTRY;
        le64_store(entry, map[i].base);
        le64_store(entry + 8, map[i].size);
        le32_store(entry + 16, map[i].type);
    }
    ram_write(board->run->machine.mem.ram, gpa(PC_START_ZEROPAGE), page, sizeof(page));
}

/* Where every second counts, what the kernel would do first, unpack itself, is done by this program, when it
 * knows how. */
static bool kernel_load(struct pc_board *board, struct source *source, const struct load_target *target,
                        struct bzimage *image, struct error *err)
{
    struct error failure = {0};
    bool packed_twice = source->unpacked;
    if (!board->kernel_unpacked || packed_twice)
        return bzimage_load(source, target, image, err);
    if (bzimage_kernel_load(source, target, guest_arch_elf_machine(GUEST_X86_64), image, &failure))
        return true;
    if (source->unpacked)
        return error_set(err, failure.kind, "%s", failure.text);
    log_info("the kernel unpacks itself: %s", failure.text);
    return bzimage_load(source, target, image, err);
}

bool pc_linux_boot(struct pc_board *board, struct source *source, struct error *err)
{
    struct load_target target = {board->run->machine.mem.ram, 0, board->below_4g};
    struct bzimage image;
    struct loaded initrd;
    if (!kernel_load(board, source, &target, &image, err) ||
        !pc_command_line_put(board, "", image.command_line_max, err) ||
        !pc_initrd_put(board, &target, &image.kernel, image.initrd_end, &initrd, err))
        return false;
    zero_page_put(board, &image, &initrd);
    pc_start_long(board, image.kernel.entry, PC_START_ZEROPAGE, 0);
    return true;
}
