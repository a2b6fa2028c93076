/* The minimal aarch64 board, as it is built: what it has is at the same places as on "virt". */
#include "machine/arm_virt_board.h"
#include "machine/micro.h"

/* Without PCI there are as many slots as devices: a kernel does not look into empty ones. */
static bool devices_add(struct arm_board *board, struct error *err)
{
    bool pci = board->config->transport == TRANSPORT_PCI;
    board->parts.slot_count = pci ? 0 : ARM_VIRTIO_SLOTS;
    if ((pci && !arm_pci_add(board, err)) || !board_virtio_add(&board->parts, err) ||
        !board_screen_add(&board->parts, NULL, err))
        return false;
    board->parts.slot_count = board->parts.slots_used;
    return arm_slots_add(board, err);
}

struct machine_run *micro_arm_create(const struct machine_config *config, struct error *err)
{
    struct arm_board *board = arm_board_create(config, true, err);
    if (!board)
        return NULL;
    board->plan.gic_version = 3;
    return machine_run_built(board->run, arm_ram_add(board, err) && arm_cores_add(board, err) &&
                                             arm_gic_add(board, err) && arm_uart_add(board, err) &&
                                             devices_add(board, err));
}
