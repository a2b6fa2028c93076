/* Putting images into the riscv64 "virt" board's memory, and the harts where they start. */
#include "base/bits.h"
#include "machine/riscv_virt_board.h"

static bool overlap_check(const struct board_boot *boot, struct error *err)
{
    const struct loaded *a = &boot->firmware, *b = &boot->kernel;
    if (!ranges_overlap(a->start, a->end - a->start, b->start, b->end - b->start))
        return true;
    return error_set(err, ERROR_IMAGE,
                     "the kernel at 0x%llx would lie over the firmware, which ends at 0x%llx: link it for an "
                     "address from 0x%llx on, or use --firmware none",
                     (unsigned long long)b->start, (unsigned long long)a->end,
                     (unsigned long long)(RISCV_RAM + RISCV_KERNEL_OFFSET));
}

static bool images_load(const struct riscv_board *board, struct board_boot *boot, struct error *err)
{
    uint64_t base = board->start == RISCV_START_BARE ? RISCV_RAM : RISCV_RAM + RISCV_KERNEL_OFFSET;
    if (board->start == RISCV_START_FIRMWARE &&
        !board_file_load(boot, board->firmware, RISCV_RAM, &boot->firmware, err))
        return false;
    return virt_payload_load(&board->virt, boot, base, err) && overlap_check(boot, err);
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

static void rom_write(struct ram_block *rom, uint64_t start, uint64_t dtb, uint64_t next)
{
    static const uint32_t code[] = {
        0x00000297, /* auipc t0, 0 */
        0x02828613, /* addi  a2, t0, ROM_NEXT */
        0xf1402573, /* csrr  a0, mhartid */
        0x0202b583, /* ld    a1, ROM_DTB(t0) */
        0x0182b283, /* ld    t0, ROM_START(t0) */
        0x00028067, /* jr    t0 */
    };
    const uint64_t data[] = {start, dtb, FW_DYNAMIC_MAGIC, FW_DYNAMIC_VERSION, next, PRIV_S, 0, 0};
    uint8_t *host = ram_block_host(rom);
    for (size_t i = 0; i < ARRAY_LEN(code); i++)
        le32_store(host + 4 * i, code[i]);
    for (size_t i = 0; i < ARRAY_LEN(data); i++)
        le64_store(host + ROM_START + 8 * i, data[i]);
    ram_block_written(rom, 0, ROM_SIZE);
}

bool riscv_boot(struct riscv_board *board, struct error *err)
{
    /* A kernel that firmware in flash starts, and its initrd, are handed over another way. */
    struct machine_config config = *board->virt.config;
    if (board->virt.plan.flash)
        config.kernel = config.initrd = NULL;
    struct board_boot boot = virt_boot_begin(&board->virt);
    boot.config = &config;
    if (!images_load(board, &boot, err) || !board_tables_place(&boot, err))
        return false;
    uint64_t payload = board->virt.plan.flash ? RISCV_FLASH : boot.kernel.entry;
    if (board->start == RISCV_START_SBI) {
        sbi_boot(board->sbi, payload, boot.dtb);
        return true;
    }
    rom_write(board->rom, board->start == RISCV_START_BARE ? payload : boot.firmware.entry, boot.dtb,
              payload);
    for (unsigned i = 0; i < board->virt.run->vcpu_count; i++)
        board->virt.run->vcpus[i]->ops->pc_set(board->virt.run->vcpus[i], RISCV_ROM);
    return true;
}
