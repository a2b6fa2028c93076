/* What a board's devices are reached through: PCI, and virtio-mmio slots. */
#include "devices/virtio/virtio_mmio.h"
#include "machine/board_parts.h"

bool board_pci_add(struct board_parts *parts, struct pci_host_ecam_config *config, struct error *err)
{
    config->name = "pci0";
    struct pci_host_ecam *host = pci_host_ecam_create(&parts->run->machine, config, err);
    if (host)
        parts->pci = pci_host_ecam_bus(host);
    return host;
}

bool board_slots_add(struct board_parts *parts, const struct board_slots *slots, struct error *err)
{
    for (unsigned i = 0; i < parts->slot_count; i++) {
        struct virtio_mmio_config config = {.name = board_name(parts, "virtio-mmio%u", i),
                                            .base = gpa(slots->base + i * slots->size),
                                            .size = slots->size,
                                            .irq = slots->irq(slots->opaque, i),
                                            .legacy = parts->config->virtio_legacy,
                                            .device = parts->slots[i]};
        if (!virtio_mmio_create(&parts->run->machine, &config, err))
            return false;
    }
    return true;
}

/* A kernel does not look into empty slots: there are none. */
bool board_minimal_devices_add(struct board_parts *parts, const struct board_slots *slots, struct error *err)
{
    parts->slot_count = parts->pci ? 0 : slots->count;
    if (!board_virtio_add(parts, err) || !board_screen_add(parts, NULL, err))
        return false;
    parts->slot_count = parts->slots_used;
    return board_slots_add(parts, slots, err);
}
