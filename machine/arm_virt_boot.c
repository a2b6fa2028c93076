/* Putting images into the aarch64 "virt" board's memory, and the first core where it starts. */
#include "base/bits.h"
#include "machine/arm_virt_board.h"

/* Firmware looks for the device tree at the start of RAM, and keeps its own things behind it. So do programs
 * that are not made like Linux, to which it is given in x0. */
#define FIRMWARE_DTB ARM_RAM

/* Programs that may lie anywhere leave the start of RAM free. */
#define PROGRAM_BASE (ARM_RAM + 0x80000)

/* Linux, Documentation/arch/arm64/booting.rst: the device tree in x0, x1 to x3 zero, the MMU off, interrupts
 * masked. Programs of other kinds get the same. */
static bool payload_boot(struct arm_board *board, struct board_boot *boot, struct error *err)
{
    boot->tree_first = true;
    if (!virt_payload_load(&board->virt, boot, PROGRAM_BASE, err) || !board_tables_place(boot, err))
        return false;
    psci_boot(board->psci, boot->kernel.entry, boot->dtb);
    return true;
}

static bool firmware_boot(struct arm_board *board, struct board_boot *boot, struct error *err)
{
    uint64_t room = boot->target.size < DT_SIZE_MAX ? boot->target.size : DT_SIZE_MAX;
    boot->dtb = FIRMWARE_DTB;
    if (!board_tree_place(boot, room, err))
        return false;
    psci_boot(board->psci, ARM_FLASH, 0);
    return true;
}

bool arm_boot(struct arm_board *board, struct error *err)
{
    struct board_boot boot = virt_boot_begin(&board->virt);
    return board->virt.plan.flash ? firmware_boot(board, &boot, err) : payload_boot(board, &boot, err);
}
