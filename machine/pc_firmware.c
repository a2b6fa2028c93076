/* Firmware as a PC has it: ROM that ends at 4 GiB, and its end once more below 1 MiB; for EDK2, flash with
 * its variables below the ROM. */
#include <string.h>

#include "base/bits.h"
#include "devices/misc/pflash.h"
#include "host/file.h"
#include "machine/pc_board.h"

#define FIRMWARE_MAX   (16 * MIB)
#define FIRMWARE_SHOWN (128 * KIB) /* below 1 MiB */
#define VGA_ROM_MAX    (128 * KIB)
#define FLASH_BLOCK    (4 * KIB)

/* A block that ends with the file's last `len` bytes. */
static struct ram_block *rom_make(struct pc_board *board, const struct source *source, const char *name,
                                  uint64_t len, struct error *err)
{
    struct ram_block *block = ram_block_create(board->run->machine.mem.ram, name, len, err);
    if (!block || !source_read(source, source->size - len, ram_block_host(block), len, err))
        return NULL;
    return block;
}

static bool firmware_load(struct pc_board *board, const struct source *source, struct error *err)
{
    struct ram *ram = board->run->machine.mem.ram;
    uint64_t size = source->size;
    if (size == 0 || size > FIRMWARE_MAX || size % PAGE_SIZE)
        return error_set(err, ERROR_IMAGE,
                         "%s can't be firmware for a PC: it has %llu bytes, and such files have whole pages "
                         "of 4 KiB, up to 16 MiB",
                         source->path, (unsigned long long)size);
    struct ram_block *high = rom_make(board, source, "firmware", size, err);
    board->rom =
        high ? rom_make(board, source, "firmware-low", size < FIRMWARE_SHOWN ? size : FIRMWARE_SHOWN, err)
             : NULL;
    return board->rom && ram_map(ram, high, 0, gpa(4 * GIB - size), size, RAM_READONLY, NULL);
}

/* Where EDK2's code looks for its variables: right below itself, as far as the two fill a flash chip. */
static bool variables_add(struct pc_board *board, uint64_t firmware_size, struct error *err)
{
    const struct pc_plan *plan = &board->plan;
    struct source source;
    if (!plan->vars_path[0])
        return true;
    if (!source_file_open(&source, plan->vars_path, NULL, err))
        return false;
    uint64_t size = source.size, whole = firmware_size + size;
    source_close(&source);
    bool fits = whole <= FIRMWARE_MAX && is_pow2(whole) && size % FLASH_BLOCK == 0;
    if (!fits && !plan->vars_kept) /* of another build: the firmware keeps its variables in memory */
        return true;
    if (!fits)
        return error_set(
            err, ERROR_IMAGE,
            "%s can't hold the variables of %s: its %llu KiB and the %llu KiB of code make no flash "
            "chip",
            plan->vars_path, plan->firmware_path, (unsigned long long)(size / KIB),
            (unsigned long long)(firmware_size / KIB));
    struct pflash_config config = {.name = "flash-vars",
                                   .base = 4 * GIB - whole,
                                   .single = true,
                                   .size = size,
                                   .block_size = FLASH_BLOCK,
                                   .path = plan->vars_path,
                                   .temporary = !plan->vars_kept};
    return pflash_create(&board->run->machine, &config, err);
}

bool pc_firmware_add(struct pc_board *board, struct error *err)
{
    struct source source;
    if (!source_open(&source, board->plan.firmware_path, NULL, err))
        return false;
    bool ok = firmware_load(board, &source, err) && variables_add(board, source.size, err);
    source_close(&source);
    return ok;
}

/* An expansion ROM's place is a power of two. */
static uint64_t rom_room(uint64_t size)
{
    uint64_t room = PAGE_SIZE;
    while (room < size)
        room *= 2;
    return room;
}

bool pc_vga_rom_make(struct pc_board *board, struct ram_block **rom, struct error *err)
{
    char path[FIRMWARE_PATH_MAX];
    struct source source;
    *rom = NULL;
    if (!firmware_find(FIRMWARE_VGABIOS, path))
        return true;
    if (!source_open(&source, path, NULL, err))
        return false;
    bool fits = source.size <= VGA_ROM_MAX;
    if (fits)
        *rom = ram_block_create(board->run->machine.mem.ram, "vga-rom", rom_room(source.size), err);
    bool ok = *rom && source_read(&source, 0, ram_block_host(*rom), source.size, err);
    source_close(&source);
    return ok || (!fits && error_set(err, ERROR_IMAGE, "%s is too large for a VGA BIOS", path));
}
