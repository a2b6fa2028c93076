/* What the PC's firmware asks for by fw_cfg: processors, memory, tables, what to boot and where to talk. */
#include <string.h>

#include "base/bits.h"
#include "machine/acpi/smbios.h"
#include "machine/pc_board.h"

/* Items of the x86 architecture. */
#define FW_CFG_IRQ0_OVERRIDE (FW_CFG_ARCH_LOCAL + 2)

unsigned pc_e820_make(const struct pc_board *board, struct pc_e820 map[static PC_E820_MAX])
{
    const struct pc_e820 all[] = {
        {0, PC_EBDA, PC_E820_RAM},
        {PC_EBDA, PC_VIDEO - PC_EBDA, PC_E820_RESERVED},
        {PC_TABLES, PC_SMBIOS - PC_TABLES, PC_E820_ACPI},
        {PC_SMBIOS, PC_HIGH_RAM - PC_SMBIOS, PC_E820_RESERVED},
        {PC_HIGH_RAM, board->below_4g - PC_HIGH_RAM, PC_E820_RAM},
        {PC_ECAM, PC_ECAM_SIZE, PC_E820_RESERVED},
        {4 * GIB, board->above_4g, PC_E820_RAM},
    };
    unsigned count = 0;
    for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
        if (all[i].size)
            map[count++] = all[i];
    }
    return count;
}

/* RAM, all of it: what firmware wants of it, it takes itself. */
static void e820_add(struct pc_board *board)
{
    const struct pc_e820 ranges[] = {{0, board->below_4g, PC_E820_RAM},
                                     {4 * GIB, board->above_4g, PC_E820_RAM}};
    uint8_t bytes[2 * 20];
    unsigned count = board->above_4g ? 2 : 1;
    for (unsigned i = 0; i < count; i++) {
        le64_store(bytes + 20 * i, ranges[i].base);
        le64_store(bytes + 20 * i + 8, ranges[i].size);
        le32_store(bytes + 20 * i + 16, ranges[i].type);
    }
    fw_cfg_add_file(board->fw_cfg, "etc/e820", bytes, 20 * count);
}

static void number_file(struct pc_board *board, const char *name, unsigned width, uint64_t value)
{
    uint8_t bytes[8];
    le_store(bytes, width, value);
    fw_cfg_add_file(board->fw_cfg, name, bytes, width);
}

static void tables_add(struct pc_board *board)
{
    struct acpi_tables tables = {0};
    struct smbios_config smbios = {.product = "PC (Q35)",
                                   .cpu = x86_model(board->run->vcpus[0])->name,
                                   .cpus = board->run->vcpu_count,
                                   .memory_base = 0,
                                   .memory = board->config->memory};
    size_t dsdt = pc_acpi_make(&tables, board);
    acpi_publish(&tables, dsdt, board->fw_cfg);
    acpi_free(&tables);
    smbios_publish(&smbios, board->fw_cfg);
}

/* Which sleep states there are (S3, S4 and S5): bit 7 of each says so, the rest is their number in PM1_CNT.
 */
static void states_add(struct pc_board *board)
{
    static const uint8_t states[6] = {0x80, 0, 0, 0x01, 0x02, 0x80};
    fw_cfg_add_file(board->fw_cfg, "etc/system-states", states, sizeof(states));
}

bool pc_fw_cfg_add(struct pc_board *board, struct error *err)
{
    struct fw_cfg_config config = {.bus = board->ports, .base = PC_FW_CFG, .ports = true};
    unsigned cpus = board->run->vcpu_count;
    static const uint8_t no_numa[8];
    board->fw_cfg = fw_cfg_create(&board->run->machine, &config, err);
    if (!board->fw_cfg)
        return false;
    fw_cfg_add_number(board->fw_cfg, FW_CFG_NB_CPUS, 2, cpus);
    fw_cfg_add_number(board->fw_cfg, FW_CFG_MAX_CPUS, 2, cpus);
    fw_cfg_add_number(board->fw_cfg, FW_CFG_RAM_SIZE, 8, board->below_4g);
    fw_cfg_add_number(board->fw_cfg, FW_CFG_NOGRAPHIC, 2, 0);
    fw_cfg_add_number(board->fw_cfg, FW_CFG_BOOT_MENU, 2, 0);
    fw_cfg_add_number(board->fw_cfg, FW_CFG_IRQ0_OVERRIDE, 1, 1);
    fw_cfg_add_item(board->fw_cfg, FW_CFG_NUMA, no_numa, sizeof(no_numa));
    e820_add(board);
    states_add(board);
    number_file(board, "etc/reserved-memory-end", 8, 4 * GIB + align_up(board->above_4g, GIB));
    tables_add(board);
    if (board->plan.bios_linux)
        return pc_bios_linux_add(board, err);
    return !board->plan.efi || !board->config->kernel ||
           board_fw_cfg_kernel(&board->parts, board->fw_cfg, err);
}
