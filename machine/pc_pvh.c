/*
 * What a kernel that is started as an ELF file is told: the start info of PVH (Xen, docs/misc/pvh.pandoc and
 * xen/include/public/arch-x86/hvm/start_info.h), version 1.
 */
#include <string.h>

#include "base/bits.h"
#include "machine/pc_start.h"

#define MAGIC   0x336ec578u
#define VERSION 1

/* The start info, the list of modules and the memory map, one behind the other. */
#define INFO_SIZE    56
#define MODULE_SIZE  32
#define MEMMAP_ENTRY 24
#define INFO_MODULES (PC_START_INFO + INFO_SIZE)
#define INFO_MEMMAP  (INFO_MODULES + MODULE_SIZE)

bool pc_pvh_info_put(struct pc_board *board, const struct load_target *target, const struct loaded *kernel,
                     struct error *err)
{
    struct ram *ram = board->run->machine.mem.ram;
    uint8_t info[INFO_SIZE] = {0}, module[MODULE_SIZE] = {0}, memmap[PC_E820_MAX * MEMMAP_ENTRY] = {0};
    struct pc_e820 map[PC_E820_MAX];
    struct loaded initrd;
    unsigned count = pc_e820_make(board, map);
    if (!pc_command_line_put(board, "", UINT64_MAX, err) ||
        !pc_initrd_put(board, target, kernel, UINT64_MAX, &initrd, err))
        return false;
    for (unsigned i = 0; i < count; i++) {
        le64_store(memmap + i * MEMMAP_ENTRY, map[i].base);
        le64_store(memmap + i * MEMMAP_ENTRY + 8, map[i].size);
        le32_store(memmap + i * MEMMAP_ENTRY + 16, map[i].type);
    }
    le64_store(module, initrd.start);
    le64_store(module + 8, initrd.end - initrd.start);
    le32_store(info, MAGIC);
    le32_store(info + 4, VERSION);
    le32_store(info + 12, board->config->initrd ? 1 : 0);
    le64_store(info + 16, board->config->initrd ? INFO_MODULES : 0);
    le64_store(info + 24, PC_START_CMDLINE);
    le64_store(info + 32, PC_TABLES);
    le64_store(info + 40, INFO_MEMMAP);
    le32_store(info + 48, count);
    ram_write(ram, gpa(PC_START_INFO), info, sizeof(info));
    ram_write(ram, gpa(INFO_MODULES), module, sizeof(module));
    ram_write(ram, gpa(INFO_MEMMAP), memmap, count * MEMMAP_ENTRY);
    return true;
}
