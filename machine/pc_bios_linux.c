/*
 * A kernel beside a BIOS: fw_cfg gives it, and an option ROM (guests/linuxboot) that the BIOS takes for a
 * boot device loads and enters it by the 16-bit protocol.
 */
#include <string.h>

#include "guests/demo_images.h"
#include "guests/linuxboot/rom.h"
#include "machine/loader/bzimage.h"
#include "machine/pc_board.h"

/* Where SeaBIOS looks for ROMs of no device, and what it starts from first. */
#define ROM_FILE   "genroms/linuxboot.bin"
#define BOOT_ORDER "/rom@" ROM_FILE

static uint8_t complement(const uint8_t *bytes, size_t len)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += bytes[i];
    return (uint8_t)-sum;
}

static void rom_add(struct pc_board *board)
{
    uint8_t rom[ROM_SIZE];
    memcpy(rom, linuxboot_rom, sizeof(rom));
    rom[ROM_PNP_CHECKSUM] = complement(rom + ROM_PNP, ROM_PNP_SIZE);
    rom[ROM_SIZE - 1] = complement(rom, sizeof(rom));
    fw_cfg_add_file(board->fw_cfg, ROM_FILE, rom, sizeof(rom));
    fw_cfg_add_file(board->fw_cfg, "bootorder", BOOT_ORDER, sizeof(BOOT_ORDER));
}

/* The initrd lies above what the kernel needs to unpack itself; the BIOS keeps some memory as well. */
static bool memory_check(const struct pc_board *board, const struct bzimage_real *kernel, struct error *err)
{
    const char *path = board->config->initrd;
    struct source source = {.size = 0};
    if (path && !source_open(&source, path, NULL, err))
        return false;
    uint64_t initrd = source.size;
    if (path)
        source_close(&source);
    uint64_t most = board->below_4g < kernel->initrd_end ? board->below_4g : kernel->initrd_end;
    if (most >= kernel->end && initrd + PC_BIOS_KEEPS <= most - kernel->end)
        return true;
    return error_set(
        err, ERROR_IMAGE,
        "the kernel with its initrd needs %llu MiB of memory, and has %llu: give the machine more with "
        "--memory",
        (unsigned long long)((kernel->end + initrd + PC_BIOS_KEEPS) / MIB + 1),
        (unsigned long long)(most / MIB));
}

bool pc_bios_linux_add(struct pc_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    size_t append = config->append ? strlen(config->append) : 0;
    struct bzimage_real kernel;
    struct source source;
    if (linuxboot_rom_size != ROM_SIZE)
        return error_set(err, ERROR_USAGE,
                         "the ROM that starts a kernel from a BIOS was not built (there was no x86_64 cross "
                         "compiler): leave out --firmware");
    if (!source_open(&source, config->kernel, NULL, err))
        return false;
    bool ok = bzimage_real_check(&source, &kernel, err);
    source_close(&source);
    if (!ok)
        return false;
    if (append > kernel.command_line_max)
        return error_set(err, ERROR_USAGE,
                         "the kernel's command line (--append) has %zu characters, and this kernel takes %u",
                         append, kernel.command_line_max);
    if (!memory_check(board, &kernel, err) || !board_fw_cfg_kernel(&board->parts, board->fw_cfg, err))
        return false;
    rom_add(board);
    return true;
}
