/* The minimal riscv64 board, as it is built: what it has is at the same places as on "virt". */
#include "machine/micro.h"
#include "machine/riscv_virt_board.h"

/* The built-in SBI has the timers, messages between harts, reset and power-off. */
struct machine_run *micro_riscv_create(const struct machine_config *config, struct error *err)
{
    struct riscv_board *board = riscv_board_create(config, true, err);
    if (!board)
        return NULL;
    board->start = RISCV_START_SBI;
    bool ok = riscv_ram_add(board, err) && riscv_harts_add(board, err) && riscv_plic_add(board, err) &&
              riscv_uart_add(board, err) &&
              (config->transport != TRANSPORT_PCI || riscv_pci_add(board, err)) &&
              virt_devices_add(&board->virt, BOARD_SLOTS_MAX, err);
    if (ok)
        riscv_sbi_add(board);
    return machine_run_built(board->virt.run, ok);
}
