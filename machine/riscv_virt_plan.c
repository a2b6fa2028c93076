/* What the riscv64 "virt" board starts: which firmware in which mode, and which payload. */
#include "machine/loader/elf_symbol.h"
#include "machine/riscv_virt_board.h"

/* Whether the kernel is a program that speaks to its host by HTIF: one for a bare machine, then. A kernel
 * that can't be read is for who loads it to complain of. */
static bool htif_find(struct riscv_board *board)
{
    struct elf_symbol symbols[] = {{.name = "tohost"}, {.name = "fromhost"}};
    const char *kernel = board->virt.config->kernel;
    struct source source;
    if (!kernel || !source_open(&source, kernel, NULL, NULL))
        return false;
    elf_symbols_find(&source, symbols, ARRAY_LEN(symbols));
    source_close(&source);
    if (!symbols[0].found)
        return false;
    board->htif.tohost = symbols[0].value;
    board->htif.fromhost = symbols[1].found ? symbols[1].value : 0;
    return true;
}

/* The M-mode firmware of --firmware auto, which flash images need as well. */
static void plan_auto(struct riscv_board *board)
{
    board->start = firmware_find(FIRMWARE_OPENSBI, board->firmware) ? RISCV_START_FIRMWARE : RISCV_START_SBI;
}

/* A file of the user's: code for M-mode, or an image of the flash. */
static bool plan_file(struct riscv_board *board, const char *path, struct error *err)
{
    struct image_info info;
    if (!image_file_detect(path, &info, err))
        return false;
    switch (info.kind) {
    case IMAGE_ELF:
    case IMAGE_GZIP:
    case IMAGE_ZSTD:
    case IMAGE_UNKNOWN:
        board->start = RISCV_START_FIRMWARE;
        return firmware_path_keep(board->firmware, path, err);
    default: plan_auto(board); return virt_plan_flash(&board->virt.plan, path, err);
    }
}

bool riscv_plan_make(struct riscv_board *board, struct error *err)
{
    const struct machine_config *config = board->virt.config;
    switch (config->firmware) {
    case FIRMWARE_AUTO:
        plan_auto(board);
        if (htif_find(board))
            board->start = RISCV_START_BARE;
        break;
    case FIRMWARE_BUILTIN: board->start = RISCV_START_SBI; break;
    case FIRMWARE_NONE:
        board->start = RISCV_START_BARE;
        htif_find(board);
        break;
    case FIRMWARE_FILE:
        if (!plan_file(board, config->firmware_file, err))
            return false;
        break;
    }
    if (!virt_plan_payload(&board->virt, err))
        return false;
    if (board->start == RISCV_START_FIRMWARE)
        log_info("firmware: %s", board->firmware);
    else
        log_info("firmware: %s", board->start == RISCV_START_SBI ? "the built-in SBI" : "none");
    if (board->virt.plan.flash)
        log_info("flash: %s", board->virt.plan.flash_code);
    return true;
}
