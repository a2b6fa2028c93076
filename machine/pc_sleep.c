/*
 * Suspend to RAM (S3) of a PC without firmware, which then has to find the operating system's way back (ACPI
 * 6.5, 16.3.2): the FACS in memory names a place where the first core goes on in real mode. Memory below 1
 * MiB and the tables stay as the system left them.
 */
#include <string.h>

#include "base/bits.h"
#include "devices/display/vga.h"
#include "machine/pc_start.h"

#define FACS_VECTOR 12

static const uint16_t code16 = SEG_P | SEG_S | SEG_CODE | SEG_READABLE | SEG_ACCESSED;

bool pc_sleep(struct pc_board *board)
{
    if (board->plan.firmware || !board->lpc)
        return false;
    for (unsigned i = 0; i < board->run->vcpu_count; i++) {
        struct vcpu *vcpu = board->run->vcpus[i];
        x86_64_ops.reset(vcpu);
        x86_state(vcpu)->activity = ACTIVITY_WAIT_FOR_SIPI;
        x86_state_changed(vcpu);
    }
    ich9_sleep(board->lpc);
    return true;
}

bool pc_wake(struct pc_board *board, struct error *err)
{
    struct vcpu *vcpu = board->run->vcpus[0];
    uint8_t facs[FACS_VECTOR + 4];
    pc_chipset_prepare(board); /* the tables are in memory that it shadows */
    ram_read(board->run->machine.mem.ram, gpa(PC_FACS), facs, sizeof(facs));
    uint32_t vector = le32_load(facs + FACS_VECTOR);
    if (memcmp(facs, "FACS", 4) != 0 || !vector || vector >= MIB) {
        log_guest("woken with no place to go on in the FACS: this is a reset");
        return pc_boot(board, err);
    }
    pc_processors_prepare(board);
    if (board->vga)
        vga_text_set(board->vga);
    x86_segment_set(vcpu, CS, (uint16_t)(vector >> 4), vector & ~0xfu, 0xffff, code16);
    x86_state(vcpu)->rip = vector & 0xf;
    x86_state_changed(vcpu);
    ich9_wake(board->lpc);
    return true;
}
