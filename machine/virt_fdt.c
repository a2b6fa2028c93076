/* The device-tree nodes that the "virt" boards have in common. */
#include "machine/virt_board.h"

void virt_tree_begin(struct dt *dt, const char *compatible, const char *model)
{
    dt_begin(dt);
    dt_node(dt, "%s", "");
    dt_string(dt, "compatible", compatible);
    dt_string(dt, "model", model);
    dt_u32(dt, "#address-cells", 2);
    dt_u32(dt, "#size-cells", 2);
}

void virt_chosen_begin(struct dt *dt, const struct dt_chosen *chosen, const char *console)
{
    dt_node(dt, "chosen");
    if (chosen->bootargs)
        dt_string(dt, "bootargs", chosen->bootargs);
    if (chosen->initrd_end != chosen->initrd_start) {
        dt_u64(dt, "linux,initrd-start", chosen->initrd_start);
        dt_u64(dt, "linux,initrd-end", chosen->initrd_end);
    }
    dt_string(dt, "stdout-path", console);
    if (chosen->rng_seed)
        dt_bytes(dt, "rng-seed", chosen->rng_seed, DT_SEED_SIZE);
}

void virt_aliases_node(struct dt *dt, const char *console)
{
    dt_node(dt, "aliases");
    dt_string(dt, "serial0", console);
    dt_node_end(dt);
}

void virt_memory_node(struct dt *dt, const struct virt_board *board)
{
    dt_node(dt, "memory@%llx", (unsigned long long)board->kind->ram);
    dt_string(dt, "device_type", "memory");
    dt_reg(dt, board->kind->ram, board->config->memory);
    dt_node_end(dt);
}

void virt_cluster_node(struct dt *dt, unsigned cores, uint32_t first, uint32_t step)
{
    dt_node(dt, "cluster0");
    for (unsigned i = 0; i < cores; i++) {
        dt_node(dt, "core%u", i);
        dt_u32(dt, "cpu", first + i * step);
        dt_node_end(dt);
    }
    dt_node_end(dt);
}

void virt_interrupt(struct dt *dt, const struct virt_board *board, unsigned irq, enum virt_trigger trigger)
{
    const struct virt_interrupts *interrupts = board->kind->interrupts;
    uint32_t cells[VIRT_IRQ_CELLS_MAX];
    interrupts->encode(cells, irq, trigger);
    if (!interrupts->inherited)
        dt_u32(dt, "interrupt-parent", interrupts->controller);
    dt_cells(dt, "interrupts", cells, interrupts->cells);
}

void virt_flash_node(struct dt *dt, const struct virt_board *board)
{
    const struct virt_range *flash = &board->kind->flash;
    const uint32_t reg[] = {DT_REG(flash->base, flash->size), DT_REG(flash->base + flash->size, flash->size)};
    dt_node(dt, "flash@%llx", (unsigned long long)flash->base);
    dt_string(dt, "compatible", "cfi-flash");
    dt_cells(dt, "reg", reg, ARRAY_LEN(reg));
    dt_u32(dt, "bank-width", 4);
    dt_node_end(dt);
}

void virt_fw_cfg_node(struct dt *dt, const struct virt_board *board)
{
    dt_node(dt, "fw-cfg@%llx", (unsigned long long)board->kind->fw_cfg);
    dt_string(dt, "compatible", "qemu,fw-cfg-mmio");
    dt_reg(dt, board->kind->fw_cfg, FW_CFG_MMIO_SIZE);
    dt_flag(dt, "dma-coherent");
    dt_node_end(dt);
}

void virt_slot_nodes(struct dt *dt, const struct virt_board *board)
{
    const struct virt_kind *kind = board->kind;
    for (unsigned i = 0; i < board->parts.slot_count; i++) {
        uint64_t base = kind->slot.base + i * kind->slot.size;
        dt_node(dt, "virtio_mmio@%llx", (unsigned long long)base);
        dt_string(dt, "compatible", "virtio,mmio");
        dt_reg(dt, base, kind->slot.size);
        virt_interrupt(dt, board, kind->slot_irq(i), VIRT_EDGE);
        if (kind->slots_coherent)
            dt_flag(dt, "dma-coherent");
        dt_node_end(dt);
    }
}

/* --- PCI --- */

/* INTA to INTD of slot n come to the four lines turned by n (PCI-to-PCI Bridge Architecture 9.1). A row is
 * the function's address, its pin, and the interrupt of the controller, with an address that means nothing.
 */
static void pci_interrupt_map(struct dt *dt, const struct virt_board *board)
{
    enum { SLOTS = 4, PINS = 4, ADDRESS_AND_PIN = 4, UNIT_MAX = 2 };
    uint32_t map[SLOTS * PINS * (ADDRESS_AND_PIN + 1 + UNIT_MAX + VIRT_IRQ_CELLS_MAX)] = {0};
    const struct virt_interrupts *interrupts = board->kind->interrupts;
    uint32_t *at = map;
    for (unsigned i = 0; i < SLOTS * PINS; i++) {
        unsigned slot = i / PINS, pin = i % PINS;
        at[0] = slot << 11;
        at[3] = pin + 1;
        at[4] = interrupts->controller;
        at += ADDRESS_AND_PIN + 1 + interrupts->unit_cells;
        interrupts->encode(at, board->kind->pci_irq + (slot + pin) % PINS, VIRT_LEVEL);
        at += interrupts->cells;
    }
    dt_cells(dt, "interrupt-map", map, (size_t)(at - map));
    dt_cells(dt, "interrupt-map-mask", (const uint32_t[]){(SLOTS - 1) << 11, 0, 0, 7}, 4);
}

/* A row of `ranges`: the space, its PCI address, where a CPU finds it, its size. */
#define PCI_RANGE_IO                     0x01000000u
#define PCI_RANGE_32                     0x02000000u
#define PCI_RANGE_64                     0x03000000u
#define PCI_RANGE(space, pci, cpu, size) space, (uint32_t)((pci) >> 32), (uint32_t)(pci), DT_REG(cpu, size)

void virt_pci_begin(struct dt *dt, const struct virt_board *board, const char *name, uint64_t unit)
{
    const struct virt_kind *kind = board->kind;
    const struct virt_range *low = &kind->pci_low, *high = &board->pci_high;
    const uint32_t ranges[] = {
        PCI_RANGE(PCI_RANGE_IO, 0ull, kind->pci_io.base, kind->pci_io.size),
        PCI_RANGE(PCI_RANGE_32, low->base, low->base, low->size),
        PCI_RANGE(PCI_RANGE_64, high->base, high->base, high->size),
    };
    dt_node(dt, "%s@%llx", name, (unsigned long long)unit);
    dt_string(dt, "compatible", "pci-host-ecam-generic");
    dt_string(dt, "device_type", "pci");
    dt_u32(dt, "#address-cells", 3);
    dt_u32(dt, "#size-cells", 2);
    dt_u32(dt, "#interrupt-cells", 1);
    dt_u32(dt, "linux,pci-domain", 0);
    dt_cells(dt, "bus-range", (const uint32_t[]){0, 0xff}, 2);
    dt_flag(dt, "dma-coherent");
    dt_reg(dt, kind->ecam.base, kind->ecam.size);
    dt_cells(dt, "ranges", ranges, ARRAY_LEN(ranges));
    pci_interrupt_map(dt, board);
}
