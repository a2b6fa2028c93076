/* The minimal aarch64 board, as it is built: what it has is at the same places as on "virt". */
#include "machine/arm_virt_board.h"
#include "machine/micro.h"

struct machine_run *micro_arm_create(const struct machine_config *config, struct error *err)
{
    struct arm_board *board = arm_board_create(config, true, err);
    if (!board)
        return NULL;
    board->gic_version = 3;
    return machine_run_built(board->virt.run,
                             arm_ram_add(board, err) && arm_cores_add(board, err) &&
                                 arm_gic_add(board, err) && arm_uart_add(board, err) &&
                                 (config->transport != TRANSPORT_PCI || arm_pci_add(board, err)) &&
                                 virt_devices_add(&board->virt, ARM_VIRTIO_SLOTS, err));
}
