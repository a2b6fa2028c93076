/* The minimal riscv64 board, as it is built: what it has is at the same places as on "virt". */
#include "machine/micro.h"
#include "machine/riscv_virt_board.h"

/* Without PCI there are as many slots as devices: a kernel does not look into empty ones. */
static bool devices_add(struct virt_board *board, struct error *err)
{
    bool pci = board->config->transport == TRANSPORT_PCI;
    board->parts.slot_count = pci ? 0 : BOARD_SLOTS_MAX;
    if ((pci && !virt_pci_add(board, err)) || !board_virtio_add(&board->parts, err) ||
        !board_screen_add(&board->parts, NULL, err))
        return false;
    board->parts.slot_count = board->parts.slots_used;
    return virt_slots_add(board, err);
}

/* The built-in SBI has the timers, messages between harts, reset and power-off. */
struct machine_run *micro_riscv_create(const struct machine_config *config, struct error *err)
{
    struct virt_board *board = virt_board_create(config, true, err);
    if (!board)
        return NULL;
    board->plan.start = VIRT_START_SBI;
    bool ok = virt_ram_add(board, err) && virt_harts_add(board, err) && virt_plic_add(board, err) &&
              virt_uart_add(board, err) && devices_add(board, err);
    if (ok)
        virt_sbi_add(board);
    return machine_run_built(board->run, ok);
}
