/* The device tree of the aarch64 "virt" board: the same content as the machine of that name has elsewhere. */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "machine/arm_virt_board.h"

#define PHANDLE_CLOCK    0x8000
#define PHANDLE_GPIO     0x8001
#define PHANDLE_MESSAGES 0x8002
#define PHANDLE_GIC      0x8003
#define PHANDLE_CPU(i)   (0x9000 + (i))

/* The three cells of an interrupt (arm,gic-v3 binding). */
#define GIC_SHARED     0
#define GIC_PRIVATE_PI 1
#define GIC_EDGE       1
#define GIC_LEVEL      4

#define KEY_POWER 116

static void interrupt_encode(uint32_t cells[static VIRT_IRQ_CELLS_MAX], unsigned irq,
                             enum virt_trigger trigger)
{
    cells[0] = GIC_SHARED;
    cells[1] = irq;
    cells[2] = trigger == VIRT_EDGE ? GIC_EDGE : GIC_LEVEL;
}

const struct virt_interrupts arm_fdt_interrupts = {
    .controller = PHANDLE_GIC, .inherited = true, .unit_cells = 2, .cells = 3, .encode = interrupt_encode};

/* A GICv2 is told in the flags which CPUs have the interrupt. */
static uint32_t private_flags(const struct arm_board *board)
{
    return GIC_LEVEL | (board->gicv2 ? ((1u << board->virt.run->vcpu_count) - 1) << 8 : 0);
}

/* --- cores --- */

static void cpu_node(struct dt *dt, const struct arm_board *board, unsigned i)
{
    char compatible[48];
    const char *model = aarch64_model(board->virt.run->vcpus[i])->name;
    /* "max" is no part anybody sells. */
    snprintf(compatible, sizeof(compatible), "arm,%s", strcmp(model, "max") == 0 ? "armv8" : model);
    dt_node(dt, "cpu@%x", arm_affinity(board, i));
    dt_string(dt, "device_type", "cpu");
    dt_string(dt, "compatible", compatible);
    dt_string(dt, "enable-method", "psci");
    dt_u32(dt, "reg", arm_affinity(board, i));
    dt_u32(dt, "phandle", PHANDLE_CPU(i));
    dt_node_end(dt);
}

static void cpus_node(struct dt *dt, const struct arm_board *board)
{
    unsigned count = board->virt.run->vcpu_count;
    dt_node(dt, "cpus");
    dt_u32(dt, "#address-cells", 1);
    dt_u32(dt, "#size-cells", 0);
    for (unsigned i = 0; i < count; i++)
        cpu_node(dt, board, i);
    dt_node(dt, "cpu-map");
    dt_node(dt, "socket0");
    virt_cluster_node(dt, count, PHANDLE_CPU(0), 1);
    dt_node_end(dt);
    dt_node_end(dt);
    dt_node_end(dt);
}

static void psci_node(struct dt *dt)
{
    dt_node(dt, "psci");
    DT_STRINGS(dt, "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    dt_string(dt, "method", "hvc");
    dt_u32(dt, "cpu_suspend", 0xc4000001);
    dt_u32(dt, "cpu_off", 0x84000002);
    dt_u32(dt, "cpu_on", 0xc4000003);
    dt_node_end(dt);
}

static void timer_and_pmu_nodes(struct dt *dt, const struct arm_board *board)
{
    static const uint32_t timers[] = {ARM_PPI_TIMER_SECURE, ARM_PPI_TIMER_PHYSICAL, ARM_PPI_TIMER_VIRTUAL,
                                      ARM_PPI_TIMER_HYPERVISOR};
    uint32_t flags = private_flags(board), cells[3 * ARRAY_LEN(timers)];
    for (unsigned i = 0; i < ARRAY_LEN(timers); i++) {
        cells[3 * i] = GIC_PRIVATE_PI;
        cells[3 * i + 1] = timers[i];
        cells[3 * i + 2] = flags;
    }
    dt_node(dt, "timer");
    DT_STRINGS(dt, "compatible", "arm,armv8-timer\0arm,armv7-timer");
    dt_cells(dt, "interrupts", cells, ARRAY_LEN(cells));
    dt_flag(dt, "always-on");
    dt_node_end(dt);

    if (!aarch64_model_has(aarch64_model(board->virt.run->vcpus[0]), FEAT_PMU))
        return;
    dt_node(dt, "pmu");
    dt_string(dt, "compatible", "arm,armv8-pmuv3");
    dt_cells(dt, "interrupts", (const uint32_t[]){GIC_PRIVATE_PI, ARM_PPI_PMU, flags}, 3);
    dt_node_end(dt);
}

/* --- the interrupt controller --- */

static void gicv2_content(struct dt *dt)
{
    const uint32_t reg[] = {DT_REG(ARM_GIC_DIST, ARM_GIC_DIST_SIZE), DT_REG(ARM_GIC_CPU, ARM_GIC_CPU_SIZE)};
    dt_string(dt, "compatible", "arm,cortex-a15-gic");
    dt_cells(dt, "reg", reg, ARRAY_LEN(reg));
    dt_node(dt, "v2m@%llx", ARM_GIC_V2M);
    dt_string(dt, "compatible", "arm,gic-v2m-frame");
    dt_flag(dt, "msi-controller");
    dt_reg(dt, ARM_GIC_V2M, GICV2M_SIZE);
    dt_u32(dt, "phandle", PHANDLE_MESSAGES);
    dt_node_end(dt);
}

static void gicv3_content(struct dt *dt, const struct arm_board *board)
{
    const uint32_t reg[] = {DT_REG(ARM_GIC_DIST, ARM_GIC_DIST_SIZE),
                            DT_REG(ARM_GIC_REDIST, ARM_GIC_REDIST_SIZE),
                            DT_REG(ARM_GIC_REDIST2, ARM_GIC_REDIST2_SIZE)};
    unsigned regions = board->virt.run->vcpu_count > ARM_REDISTS_LOW ? 2 : 1;
    dt_string(dt, "compatible", "arm,gic-v3");
    dt_u32(dt, "#redistributor-regions", regions);
    dt_cells(dt, "reg", reg, 4 + 4 * regions);
    if (!arm_has_messages(board))
        return;
    dt_node(dt, "its@%llx", ARM_GIC_ITS);
    dt_string(dt, "compatible", "arm,gic-v3-its");
    dt_flag(dt, "msi-controller");
    dt_u32(dt, "#msi-cells", 1);
    dt_reg(dt, ARM_GIC_ITS, GICV3_ITS_SIZE);
    dt_u32(dt, "phandle", PHANDLE_MESSAGES);
    dt_node_end(dt);
}

static void gic_node(struct dt *dt, const struct arm_board *board)
{
    dt_node(dt, "intc@%llx", ARM_GIC_DIST);
    dt_u32(dt, "#interrupt-cells", 3);
    dt_flag(dt, "interrupt-controller");
    dt_u32(dt, "#address-cells", 2);
    dt_u32(dt, "#size-cells", 2);
    dt_flag(dt, "ranges");
    dt_u32(dt, "phandle", PHANDLE_GIC);
    if (board->gicv2)
        gicv2_content(dt);
    else
        gicv3_content(dt, board);
    dt_node_end(dt);
}

/* --- devices --- */

static void clock_node(struct dt *dt)
{
    dt_node(dt, "apb-pclk");
    dt_string(dt, "compatible", "fixed-clock");
    dt_u32(dt, "#clock-cells", 0);
    dt_u32(dt, "clock-frequency", ARM_CLOCK);
    dt_string(dt, "clock-output-names", "clk24mhz");
    dt_u32(dt, "phandle", PHANDLE_CLOCK);
    dt_node_end(dt);
}

static void uart_node(struct dt *dt, const struct virt_board *virt)
{
    dt_node(dt, "pl011@%llx", ARM_UART);
    DT_STRINGS(dt, "compatible", "arm,pl011\0arm,primecell");
    dt_reg(dt, ARM_UART, 0x1000);
    virt_interrupt(dt, virt, ARM_IRQ_UART, VIRT_LEVEL);
    dt_cells(dt, "clocks", (const uint32_t[]){PHANDLE_CLOCK, PHANDLE_CLOCK}, 2);
    DT_STRINGS(dt, "clock-names", "uartclk\0apb_pclk");
    dt_node_end(dt);
}

static void date_and_button_nodes(struct dt *dt, const struct virt_board *virt)
{
    dt_node(dt, "pl031@%llx", ARM_RTC);
    DT_STRINGS(dt, "compatible", "arm,pl031\0arm,primecell");
    dt_reg(dt, ARM_RTC, 0x1000);
    virt_interrupt(dt, virt, ARM_IRQ_RTC, VIRT_LEVEL);
    dt_u32(dt, "clocks", PHANDLE_CLOCK);
    dt_string(dt, "clock-names", "apb_pclk");
    dt_node_end(dt);

    dt_node(dt, "pl061@%llx", ARM_GPIO);
    DT_STRINGS(dt, "compatible", "arm,pl061\0arm,primecell");
    dt_reg(dt, ARM_GPIO, 0x1000);
    dt_u32(dt, "#gpio-cells", 2);
    dt_flag(dt, "gpio-controller");
    virt_interrupt(dt, virt, ARM_IRQ_GPIO, VIRT_LEVEL);
    dt_u32(dt, "clocks", PHANDLE_CLOCK);
    dt_string(dt, "clock-names", "apb_pclk");
    dt_u32(dt, "phandle", PHANDLE_GPIO);
    dt_node_end(dt);

    dt_node(dt, "gpio-keys");
    dt_string(dt, "compatible", "gpio-keys");
    dt_node(dt, "poweroff");
    dt_string(dt, "label", "GPIO Key Poweroff");
    dt_u32(dt, "linux,code", KEY_POWER);
    dt_cells(dt, "gpios", (const uint32_t[]){PHANDLE_GPIO, ARM_POWER_PIN, 0}, 3);
    dt_node_end(dt);
    dt_node_end(dt);
}

static void chosen_and_aliases_nodes(struct dt *dt, const struct dt_chosen *chosen)
{
    char path[32];
    snprintf(path, sizeof(path), "/pl011@%llx", ARM_UART);
    virt_chosen_begin(dt, chosen, path);
    if (chosen->rng_seed)
        dt_u64(dt, "kaslr-seed", be64_load(chosen->rng_seed));
    dt_node_end(dt);
    virt_aliases_node(dt, path);
}

void *arm_fdt_make(void *opaque, const struct dt_chosen *chosen, struct error *err)
{
    const struct arm_board *board = opaque;
    const struct virt_board *virt = &board->virt;
    struct dt dt;
    virt_tree_begin(&dt, "linux,dummy-virt", "linux,dummy-virt");
    dt_u32(&dt, "interrupt-parent", PHANDLE_GIC);
    dt_flag(&dt, "dma-coherent");
    chosen_and_aliases_nodes(&dt, chosen);
    virt_memory_node(&dt, virt);
    cpus_node(&dt, board);
    psci_node(&dt);
    timer_and_pmu_nodes(&dt, board);
    gic_node(&dt, board);
    clock_node(&dt);
    uart_node(&dt, virt);
    virt_slot_nodes(&dt, virt);
    if (!virt->minimal) {
        date_and_button_nodes(&dt, virt);
        virt_flash_node(&dt, virt);
        virt_fw_cfg_node(&dt, virt);
    }
    if (virt->parts.pci) {
        virt_pci_begin(&dt, virt, "pcie", ARM_PCI_LOW);
        dt_cells(&dt, "msi-map", (const uint32_t[]){0, PHANDLE_MESSAGES, 0, 0x10000}, 4);
        dt_node_end(&dt);
    }
    dt_node_end(&dt);
    return dt_finish(&dt, err);
}
