/* The device tree of the riscv64 "virt" board: the same content as the machine of that name has elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/riscv64/counters.h"
#include "machine/riscv_virt_board.h"

#define PHANDLE_PLIC     1
#define PHANDLE_FINISHER 2
#define PHANDLE_CPU(i)   (16 + 2 * (i))
#define PHANDLE_INTC(i)  (17 + 2 * (i))

#define FINISHER_POWER_OFF 0x5555
#define FINISHER_RESET     0x7777

#define ISA_TEXT_MAX 2048

static const char *mmu_type(const struct riscv_model *model)
{
    switch (model->satp_modes) {
    case SATP_SV57: return "riscv,sv57";
    case SATP_SV48: return "riscv,sv48";
    default: return "riscv,sv39";
    }
}

static void cpu_isa(struct dt *dt, const struct riscv_model *model)
{
    char text[ISA_TEXT_MAX];
    riscv_model_isa(model, text, sizeof(text));
    dt_string(dt, "riscv,isa", text);
    dt_string(dt, "riscv,isa-base", "rv64i");
    dt_bytes(dt, "riscv,isa-extensions", text, riscv_model_isa_list(model, text, sizeof(text)));
    if (riscv_model_has(model, EXT_ZICBOM))
        dt_u32(dt, "riscv,cbom-block-size", RISCV_CACHE_BLOCK);
    if (riscv_model_has(model, EXT_ZICBOP))
        dt_u32(dt, "riscv,cbop-block-size", RISCV_CACHE_BLOCK);
    if (riscv_model_has(model, EXT_ZICBOZ))
        dt_u32(dt, "riscv,cboz-block-size", RISCV_CACHE_BLOCK);
    dt_string(dt, "mmu-type", mmu_type(model));
}

static void cpu_node(struct dt *dt, struct vcpu *vcpu, unsigned i)
{
    dt_node(dt, "cpu@%x", i);
    dt_string(dt, "device_type", "cpu");
    dt_u32(dt, "reg", i);
    dt_string(dt, "status", "okay");
    dt_string(dt, "compatible", "riscv");
    cpu_isa(dt, riscv_model(vcpu));
    dt_u32(dt, "phandle", PHANDLE_CPU(i));
    dt_node(dt, "interrupt-controller");
    dt_u32(dt, "#interrupt-cells", 1);
    dt_flag(dt, "interrupt-controller");
    dt_string(dt, "compatible", "riscv,cpu-intc");
    dt_u32(dt, "phandle", PHANDLE_INTC(i));
    dt_node_end(dt);
    dt_node_end(dt);
}

static void cpus_node(struct dt *dt, const struct virt_board *board)
{
    dt_node(dt, "cpus");
    dt_u32(dt, "#address-cells", 1);
    dt_u32(dt, "#size-cells", 0);
    dt_u32(dt, "timebase-frequency", RISCV_TIMEBASE_HZ);
    for (unsigned i = 0; i < board->run->vcpu_count; i++)
        cpu_node(dt, board->run->vcpus[i], i);
    dt_node(dt, "cpu-map");
    dt_node(dt, "cluster0");
    for (unsigned i = 0; i < board->run->vcpu_count; i++) {
        dt_node(dt, "core%u", i);
        dt_u32(dt, "cpu", PHANDLE_CPU(i));
        dt_node_end(dt);
    }
    dt_node_end(dt);
    dt_node_end(dt);
    dt_node_end(dt);
}

/* `interrupts-extended`: two interrupts of every hart. */
static void hart_interrupts(struct dt *dt, unsigned harts, enum riscv_interrupt first,
                            enum riscv_interrupt second)
{
    uint32_t *cells = machine_alloc(harts * 4 * sizeof(*cells));
    for (unsigned i = 0; i < harts; i++) {
        cells[4 * i] = cells[4 * i + 2] = PHANDLE_INTC(i);
        cells[4 * i + 1] = first;
        cells[4 * i + 3] = second;
    }
    dt_cells(dt, "interrupts-extended", cells, harts * 4);
    free(cells);
}

/* Which counters can count which events: the fixed ones count theirs, the programmable ones all. For
 * firmware; rows are an SBI event range and a mask of counters. */
static void pmu_node(struct dt *dt)
{
    const uint32_t programmable = 0xfffffff8;
    const uint32_t rows[] = {
        RISCV_EVENT_CYCLES,          RISCV_EVENT_CYCLES,          programmable | 1 << 0,
        RISCV_EVENT_INSTRUCTIONS,    RISCV_EVENT_INSTRUCTIONS,    programmable | 1 << 2,
        RISCV_EVENT_DTLB_READ_MISS,  RISCV_EVENT_DTLB_READ_MISS,  programmable,
        RISCV_EVENT_DTLB_WRITE_MISS, RISCV_EVENT_DTLB_WRITE_MISS, programmable,
        RISCV_EVENT_ITLB_READ_MISS,  RISCV_EVENT_ITLB_READ_MISS,  programmable,
    };
    dt_node(dt, "pmu");
    dt_string(dt, "compatible", "riscv,pmu");
    dt_cells(dt, "riscv,event-to-mhpmcounters", rows, ARRAY_LEN(rows));
    dt_node_end(dt);
}

static void interrupt(struct dt *dt, uint32_t irq)
{
    dt_u32(dt, "interrupt-parent", PHANDLE_PLIC);
    dt_u32(dt, "interrupts", irq);
}

static void clint_node(struct dt *dt, unsigned harts)
{
    dt_node(dt, "clint@%llx", VIRT_CLINT);
    DT_STRINGS(dt, "compatible", "sifive,clint0\0riscv,clint0");
    dt_reg(dt, VIRT_CLINT, VIRT_CLINT_SIZE);
    hart_interrupts(dt, harts, INT_MSI, INT_MTI);
    dt_node_end(dt);
}

static void plic_node(struct dt *dt, unsigned harts)
{
    dt_node(dt, "plic@%llx", VIRT_PLIC);
    DT_STRINGS(dt, "compatible", "sifive,plic-1.0.0\0riscv,plic0");
    dt_reg(dt, VIRT_PLIC, VIRT_PLIC_SIZE);
    hart_interrupts(dt, harts, INT_MEI, INT_SEI);
    dt_flag(dt, "interrupt-controller");
    dt_u32(dt, "#interrupt-cells", 1);
    dt_u32(dt, "#address-cells", 0);
    dt_u32(dt, "riscv,ndev", VIRT_IRQ_COUNT);
    dt_u32(dt, "phandle", PHANDLE_PLIC);
    dt_node_end(dt);
}

/* INTA to INTD of slot n come to the four lines turned by n (PCI-to-PCI Bridge Architecture 9.1). */
static void pci_interrupt_map(struct dt *dt)
{
    uint32_t map[4 * 4][6];
    for (unsigned i = 0; i < ARRAY_LEN(map); i++) {
        unsigned slot = i / 4, pin = i % 4;
        const uint32_t row[6] = {slot << 11, 0, 0, pin + 1, PHANDLE_PLIC, VIRT_IRQ_PCI + (slot + pin) % 4};
        memcpy(map[i], row, sizeof(row));
    }
    dt_cells(dt, "interrupt-map", map[0], sizeof(map) / sizeof(map[0][0]));
    dt_cells(dt, "interrupt-map-mask", (const uint32_t[]){3 << 11, 0, 0, 7}, 4);
}

/* A row of `ranges`: the space, its PCI address, where a CPU finds it, its size. */
#define PCI_RANGE_IO 0x01000000u
#define PCI_RANGE_32 0x02000000u
#define PCI_RANGE_64 0x03000000u
#define PCI_RANGE(space, pci, cpu, size)                                                                     \
    space, (uint32_t)((pci) >> 32), (uint32_t)(pci), (uint32_t)((cpu) >> 32), (uint32_t)(cpu),               \
        (uint32_t)((size) >> 32), (uint32_t)(size)

static void pci_node(struct dt *dt, const struct virt_board *board)
{
    const uint32_t ranges[] = {
        PCI_RANGE(PCI_RANGE_IO, 0ull, VIRT_PCI_IO, VIRT_PCI_IO_SIZE),
        PCI_RANGE(PCI_RANGE_32, VIRT_PCI_LOW, VIRT_PCI_LOW, VIRT_PCI_LOW_SIZE),
        PCI_RANGE(PCI_RANGE_64, board->pci_high, board->pci_high, VIRT_PCI_HIGH_SIZE),
    };
    dt_node(dt, "pci@%llx", VIRT_ECAM);
    dt_string(dt, "compatible", "pci-host-ecam-generic");
    dt_string(dt, "device_type", "pci");
    dt_u32(dt, "#address-cells", 3);
    dt_u32(dt, "#size-cells", 2);
    dt_u32(dt, "#interrupt-cells", 1);
    dt_u32(dt, "linux,pci-domain", 0);
    dt_cells(dt, "bus-range", (const uint32_t[]){0, 0xff}, 2);
    dt_flag(dt, "dma-coherent");
    dt_reg(dt, VIRT_ECAM, VIRT_ECAM_SIZE);
    dt_cells(dt, "ranges", ranges, ARRAY_LEN(ranges));
    pci_interrupt_map(dt);
    dt_node_end(dt);
}

static void finisher_and_date_nodes(struct dt *dt)
{
    dt_node(dt, "test@%llx", VIRT_FINISHER);
    DT_STRINGS(dt, "compatible", "sifive,test1\0sifive,test0\0syscon");
    dt_reg(dt, VIRT_FINISHER, 0x1000);
    dt_u32(dt, "phandle", PHANDLE_FINISHER);
    dt_node_end(dt);

    dt_node(dt, "rtc@%llx", VIRT_RTC);
    dt_string(dt, "compatible", "google,goldfish-rtc");
    dt_reg(dt, VIRT_RTC, 0x1000);
    interrupt(dt, VIRT_IRQ_RTC);
    dt_node_end(dt);
}

static void soc_node(struct dt *dt, const struct virt_board *board)
{
    dt_node(dt, "soc");
    dt_string(dt, "compatible", "simple-bus");
    dt_u32(dt, "#address-cells", 2);
    dt_u32(dt, "#size-cells", 2);
    dt_flag(dt, "ranges");

    if (!board->minimal) {
        finisher_and_date_nodes(dt);
        clint_node(dt, board->run->vcpu_count);
    }
    plic_node(dt, board->run->vcpu_count);

    dt_node(dt, "serial@%llx", VIRT_UART);
    dt_string(dt, "compatible", "ns16550a");
    dt_reg(dt, VIRT_UART, VIRT_UART_SIZE);
    dt_u32(dt, "clock-frequency", VIRT_UART_CLOCK);
    interrupt(dt, VIRT_IRQ_UART);
    dt_node_end(dt);

    for (unsigned i = 0; i < board->parts.slot_count; i++) {
        dt_node(dt, "virtio_mmio@%llx", VIRT_VIRTIO + i * VIRT_VIRTIO_SIZE);
        dt_string(dt, "compatible", "virtio,mmio");
        dt_reg(dt, VIRT_VIRTIO + i * VIRT_VIRTIO_SIZE, VIRT_VIRTIO_SIZE);
        interrupt(dt, virt_slot_irq(i));
        dt_node_end(dt);
    }

    if (board->pci)
        pci_node(dt, board);
    dt_node_end(dt);
}

static void finisher_node(struct dt *dt, const char *name, const char *compatible, uint32_t value)
{
    dt_node(dt, "%s", name);
    dt_string(dt, "compatible", compatible);
    dt_u32(dt, "regmap", PHANDLE_FINISHER);
    dt_u32(dt, "offset", 0);
    dt_u32(dt, "value", value);
    dt_node_end(dt);
}

static void chosen_node(struct dt *dt, const struct dt_chosen *chosen)
{
    dt_node(dt, "chosen");
    if (chosen->bootargs)
        dt_string(dt, "bootargs", chosen->bootargs);
    if (chosen->initrd_end != chosen->initrd_start) {
        dt_u64(dt, "linux,initrd-start", chosen->initrd_start);
        dt_u64(dt, "linux,initrd-end", chosen->initrd_end);
    }
    char path[32];
    snprintf(path, sizeof(path), "/soc/serial@%llx", VIRT_UART);
    dt_string(dt, "stdout-path", path);
    if (chosen->rng_seed)
        dt_bytes(dt, "rng-seed", chosen->rng_seed, DT_SEED_SIZE);
    dt_node_end(dt);

    dt_node(dt, "aliases");
    dt_string(dt, "serial0", path);
    dt_node_end(dt);
}

static void flash_node(struct dt *dt)
{
    uint32_t reg[4 * VIRT_FLASH_BANKS] = {0};
    for (unsigned i = 0; i < VIRT_FLASH_BANKS; i++) {
        reg[4 * i + 1] = (uint32_t)(VIRT_FLASH + i * VIRT_FLASH_SIZE);
        reg[4 * i + 3] = (uint32_t)VIRT_FLASH_SIZE;
    }
    dt_node(dt, "flash@%llx", VIRT_FLASH);
    dt_string(dt, "compatible", "cfi-flash");
    dt_cells(dt, "reg", reg, ARRAY_LEN(reg));
    dt_u32(dt, "bank-width", 4);
    dt_node_end(dt);
}

static void fw_cfg_node(struct dt *dt)
{
    dt_node(dt, "fw-cfg@%llx", VIRT_FW_CFG);
    dt_string(dt, "compatible", "qemu,fw-cfg-mmio");
    dt_reg(dt, VIRT_FW_CFG, VIRT_FW_CFG_SIZE);
    dt_flag(dt, "dma-coherent");
    dt_node_end(dt);
}

void *virt_fdt_make(const struct virt_board *board, const struct dt_chosen *chosen, struct error *err)
{
    struct dt dt;
    dt_begin(&dt);
    dt_node(&dt, "%s", "");
    dt_string(&dt, "compatible", "riscv-virtio");
    dt_string(&dt, "model", "riscv-virtio,qemu");
    dt_u32(&dt, "#address-cells", 2);
    dt_u32(&dt, "#size-cells", 2);

    chosen_node(&dt, chosen);

    dt_node(&dt, "memory@%llx", VIRT_RAM);
    dt_string(&dt, "device_type", "memory");
    dt_reg(&dt, VIRT_RAM, board->config->memory);
    dt_node_end(&dt);

    cpus_node(&dt, board);
    pmu_node(&dt);
    soc_node(&dt, board);
    if (!board->minimal) {
        flash_node(&dt);
        fw_cfg_node(&dt);
        finisher_node(&dt, "poweroff", "syscon-poweroff", FINISHER_POWER_OFF);
        finisher_node(&dt, "reboot", "syscon-reboot", FINISHER_RESET);
    }
    dt_node_end(&dt);
    return dt_finish(&dt, err);
}
