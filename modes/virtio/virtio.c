/* VirtIO: a minimal board for kernels that know they are guests. */
#include "machine/micro.h"
#include "modes/mode.h"

/* On such a board there is one transport, and nothing behind the other. */
static bool virtio_init(const struct machine_config *config, struct error *err)
{
    bool pci = config->transport == TRANSPORT_PCI;
    for (unsigned i = 0; i < config->disk_count; i++) {
        if (config->disks[i].transport != config->transport)
            return error_set(
                err, ERROR_USAGE, "--disk if=%s does not go with --transport %s: use if=virtio for %s",
                pci ? "virtio-mmio" : "virtio-pci", pci ? "pci" : "mmio", config->disks[i].block.path);
    }
    if (config->firmware == FIRMWARE_NONE && config->arch == GUEST_RISCV64)
        return error_set(
            err, ERROR_USAGE,
            "--firmware none is not part of mode virtio: on riscv64 its kernels need the built-in SBI");
    return true;
}

static struct machine_run *virtio_create(const struct machine_config *config, struct error *err)
{
    switch (config->arch) {
    case GUEST_AARCH64: return micro_arm_create(config, err);
    case GUEST_X86_64: return micro_x86_create(config, err);
    default: return micro_riscv_create(config, err);
    }
}

const struct mode virtio_mode = {
    .name = "virtio",
    .can = {.arches = MODE_EVERY_ARCH,
            .disks = 1u << TRANSPORT_PCI | 1u << TRANSPORT_MMIO,
            .cpus_max = DEBUG_VCPUS_MAX,
            .kernel_needed = true,
            .initrd = true,
            .device_tree = true,
            .screens = 1u << SCREEN_VIRTIO,
            .transport_chosen = true,
            .nets = true,
            .consoles = true},
    .init = virtio_init,
    .create = virtio_create,
};
