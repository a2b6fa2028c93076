/* The device tree of the riscv64 "virt" board: the same content as the machine of that name has elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/riscv64/counters.h"
#include "machine/riscv_virt_board.h"

#define PHANDLE_PLIC     1
#define PHANDLE_FINISHER 2
#define PHANDLES_HART    2 /* numbers a hart takes: itself and its interrupt controller */
#define PHANDLE_CPU(i)   (16 + PHANDLES_HART * (i))
#define PHANDLE_INTC(i)  (17 + PHANDLES_HART * (i))

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

static void cpus_node(struct dt *dt, const struct riscv_board *board)
{
    dt_node(dt, "cpus");
    dt_u32(dt, "#address-cells", 1);
    dt_u32(dt, "#size-cells", 0);
    dt_u32(dt, "timebase-frequency", RISCV_TIMEBASE_HZ);
    for (unsigned i = 0; i < board->virt.run->vcpu_count; i++)
        cpu_node(dt, board->virt.run->vcpus[i], i);
    dt_node(dt, "cpu-map");
    virt_cluster_node(dt, board->virt.run->vcpu_count, PHANDLE_CPU(0), PHANDLES_HART);
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

static void interrupt_encode(uint32_t cells[static VIRT_IRQ_CELLS_MAX], unsigned irq,
                             enum virt_trigger trigger)
{
    (void)trigger; /* the PLIC's gateways are wired for it */
    cells[0] = irq;
}

const struct virt_interrupts riscv_fdt_interrupts = {
    .controller = PHANDLE_PLIC, .cells = 1, .encode = interrupt_encode};

static void clint_node(struct dt *dt, unsigned harts)
{
    dt_node(dt, "clint@%llx", RISCV_CLINT);
    DT_STRINGS(dt, "compatible", "sifive,clint0\0riscv,clint0");
    dt_reg(dt, RISCV_CLINT, RISCV_CLINT_SIZE);
    hart_interrupts(dt, harts, INT_MSI, INT_MTI);
    dt_node_end(dt);
}

static void plic_node(struct dt *dt, unsigned harts)
{
    dt_node(dt, "plic@%llx", RISCV_PLIC);
    DT_STRINGS(dt, "compatible", "sifive,plic-1.0.0\0riscv,plic0");
    dt_reg(dt, RISCV_PLIC, RISCV_PLIC_SIZE);
    hart_interrupts(dt, harts, INT_MEI, INT_SEI);
    dt_flag(dt, "interrupt-controller");
    dt_u32(dt, "#interrupt-cells", 1);
    dt_u32(dt, "#address-cells", 0);
    dt_u32(dt, "riscv,ndev", RISCV_IRQ_COUNT);
    dt_u32(dt, "phandle", PHANDLE_PLIC);
    dt_node_end(dt);
}

static void finisher_and_date_nodes(struct dt *dt, const struct virt_board *virt)
{
    dt_node(dt, "test@%llx", RISCV_FINISHER);
    DT_STRINGS(dt, "compatible", "sifive,test1\0sifive,test0\0syscon");
    dt_reg(dt, RISCV_FINISHER, 0x1000);
    dt_u32(dt, "phandle", PHANDLE_FINISHER);
    dt_node_end(dt);

    dt_node(dt, "rtc@%llx", RISCV_RTC);
    dt_string(dt, "compatible", "google,goldfish-rtc");
    dt_reg(dt, RISCV_RTC, 0x1000);
    virt_interrupt(dt, virt, RISCV_IRQ_RTC, VIRT_LEVEL);
    dt_node_end(dt);
}

static void uart_node(struct dt *dt, const struct virt_board *virt)
{
    dt_node(dt, "serial@%llx", RISCV_UART);
    dt_string(dt, "compatible", "ns16550a");
    dt_reg(dt, RISCV_UART, RISCV_UART_SIZE);
    dt_u32(dt, "clock-frequency", RISCV_UART_CLOCK);
    virt_interrupt(dt, virt, RISCV_IRQ_UART, VIRT_LEVEL);
    dt_node_end(dt);
}

static void soc_node(struct dt *dt, const struct virt_board *virt)
{
    dt_node(dt, "soc");
    dt_string(dt, "compatible", "simple-bus");
    dt_u32(dt, "#address-cells", 2);
    dt_u32(dt, "#size-cells", 2);
    dt_flag(dt, "ranges");
    if (!virt->minimal) {
        finisher_and_date_nodes(dt, virt);
        clint_node(dt, virt->run->vcpu_count);
    }
    plic_node(dt, virt->run->vcpu_count);
    uart_node(dt, virt);
    virt_slot_nodes(dt, virt);
    if (virt->parts.pci) {
        virt_pci_begin(dt, virt, "pci", RISCV_ECAM);
        dt_node_end(dt);
    }
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

static void chosen_and_aliases_nodes(struct dt *dt, const struct dt_chosen *chosen)
{
    char path[32];
    snprintf(path, sizeof(path), "/soc/serial@%llx", RISCV_UART);
    virt_chosen_begin(dt, chosen, path);
    dt_node_end(dt);
    virt_aliases_node(dt, path);
}

void *riscv_fdt_make(void *opaque, const struct dt_chosen *chosen, struct error *err)
{
    const struct riscv_board *board = opaque;
    const struct virt_board *virt = &board->virt;
    struct dt dt;
    virt_tree_begin(&dt, "riscv-virtio", "riscv-virtio,qemu");
    chosen_and_aliases_nodes(&dt, chosen);
    virt_memory_node(&dt, virt);
    cpus_node(&dt, board);
    pmu_node(&dt);
    soc_node(&dt, virt);
    if (!virt->minimal) {
        virt_flash_node(&dt, virt);
        virt_fw_cfg_node(&dt, virt);
        finisher_node(&dt, "poweroff", "syscon-poweroff", FINISHER_POWER_OFF);
        finisher_node(&dt, "reboot", "syscon-reboot", FINISHER_RESET);
    }
    dt_node_end(&dt);
    return dt_finish(&dt, err);
}
