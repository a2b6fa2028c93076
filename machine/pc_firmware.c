/* Firmware as a PC has it: ROM that ends at 4 GiB, and its end once more below 1 MiB. */
#include <string.h>

#include "base/bits.h"
#include "machine/pc_board.h"

#define FIRMWARE_MAX   (16 * MIB)
#define FIRMWARE_SHOWN (128 * KIB) /* below 1 MiB */
#define VGA_ROM_MAX    (128 * KIB)

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

bool pc_firmware_add(struct pc_board *board, struct error *err)
{
    struct source source;
    if (!source_open(&source, board->plan.firmware_path, NULL, err))
        return false;
    bool ok = firmware_load(board, &source, err);
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
