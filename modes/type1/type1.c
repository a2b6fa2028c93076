/* Type 1: a full board, as firmware and operating systems expect it of real machines. */
#include "machine/arm_virt.h"
#include "machine/pc.h"
#include "machine/riscv_virt.h"
#include "modes/mode.h"

static struct machine_run *type1_create(const struct machine_config *config, struct error *err)
{
    switch (config->arch) {
    case GUEST_AARCH64: return arm_virt_create(config, err);
    case GUEST_X86_64: return pc_create(config, err);
    default: return riscv_virt_create(config, err);
    }
}

/* Which of the disks, options and processors a board has is its own business. */
const struct mode type1_mode = {
    .name = "type1",
    .can = {.arches = MODE_EVERY_ARCH,
            .disks = 1u << TRANSPORT_PCI | 1u << TRANSPORT_MMIO | 1u << TRANSPORT_AHCI |
                     1u << TRANSPORT_NVME | 1u << TRANSPORT_USB | 1u << TRANSPORT_FLOPPY |
                     1u << TRANSPORT_IDE,
            .cpus_max = DEBUG_VCPUS_MAX,
            .cdroms = true,
            .initrd = true,
            .device_tree = true,
            .firmware = true,
            .screens = 1u << SCREEN_VIRTIO | 1u << SCREEN_RAMFB | 1u << SCREEN_VGA,
            .board_variants = true,
            .debug_ports = true,
            .usb = true,
            .nets = true,
            .consoles = true},
    .create = type1_create,
};
