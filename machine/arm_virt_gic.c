/* The aarch64 "virt" board's interrupt controller, GICv2 or GICv3, between devices and cores. */
#include <stdlib.h>

#include "machine/arm_virt_board.h"

/* The CPUs of a cluster are as many as an SGI reaches at once. */
#define CLUSTER_V2 8
#define CLUSTER_V3 16

uint32_t arm_affinity(const struct arm_board *board, unsigned i)
{
    unsigned cluster = board->gic_version == 2 ? CLUSTER_V2 : CLUSTER_V3;
    return i / cluster << 8 | i % cluster;
}

struct irq_line arm_spi_line(const struct arm_board *board, unsigned n)
{
    return board->gicv2 ? gicv2_spi_line(board->gicv2, n) : gicv3_spi_line(board->gicv3, n);
}

static struct irq_line ppi_line(const struct arm_board *board, unsigned cpu, unsigned n)
{
    return board->gicv2 ? gicv2_ppi_line(board->gicv2, cpu, n) : gicv3_ppi_line(board->gicv3, cpu, n);
}

/* --- inputs of the cores --- */

/* Whoever is no core (a debugger) sees the first one's registers. */
static unsigned accessor(void *opaque)
{
    (void)opaque;
    const struct vcpu *vcpu = vcpu_self();
    return vcpu ? vcpu->index : 0;
}

/* --- GICv2, with a frame for messages --- */

static bool v2m_add(struct arm_board *board, struct error *err)
{
    struct irq_line lines[ARM_MESSAGES];
    for (unsigned i = 0; i < ARM_MESSAGES; i++)
        lines[i] = arm_spi_line(board, ARM_IRQ_MESSAGES + i);
    struct gicv2m_config config = {.base = ARM_GIC_V2M,
                                   .first_intid = ARM_INTID_SPI + ARM_IRQ_MESSAGES,
                                   .count = ARM_MESSAGES,
                                   .lines = lines};
    struct gicv2m *frame = gicv2m_create(&board->virt.run->machine, &config, err);
    if (frame)
        board->messages = gicv2m_target(frame);
    return frame;
}

static bool gicv2_add(struct arm_board *board, struct error *err)
{
    struct gicv2_cpu_config cpus[GICV2_CPUS_MAX];
    for (unsigned i = 0; i < board->virt.run->vcpu_count; i++)
        cpus[i] = (struct gicv2_cpu_config){machine_vcpu_line(board->virt.run, i, AARCH64_LINE_IRQ),
                                            machine_vcpu_line(board->virt.run, i, AARCH64_LINE_FIQ)};
    struct gicv2_config config = {.dist_base = ARM_GIC_DIST,
                                  .dist_size = ARM_GIC_DIST_SIZE,
                                  .cpu_base = ARM_GIC_CPU,
                                  .cpu_size = ARM_GIC_CPU_SIZE,
                                  .spis = ARM_IRQ_COUNT,
                                  .cpus = board->virt.run->vcpu_count,
                                  .cpu = cpus,
                                  .accessor = accessor};
    board->gicv2 = gicv2_create(&board->virt.run->machine, &config, err);
    return board->gicv2 && v2m_add(board, err);
}

bool arm_has_messages(const struct arm_board *board)
{
    return !board->virt.minimal || board->virt.config->transport == TRANSPORT_PCI;
}

/* --- GICv3, with an ITS --- */

static bool its_add(struct arm_board *board, struct error *err)
{
    struct gicv3_its_config config = {.base = ARM_GIC_ITS, .gic = board->gicv3};
    struct gicv3_its *its = gicv3_its_create(&board->virt.run->machine, &config, err);
    if (its)
        board->messages = gicv3_its_target(its);
    return its;
}

static bool gicv3_add(struct arm_board *board, struct error *err)
{
    unsigned count = board->virt.run->vcpu_count;
    unsigned low = count < ARM_REDISTS_LOW ? count : ARM_REDISTS_LOW;
    struct gicv3_cpu_config *cpus = machine_alloc(count * sizeof(*cpus));
    for (unsigned i = 0; i < count; i++)
        cpus[i] = (struct gicv3_cpu_config){arm_affinity(board, i),
                                            machine_vcpu_line(board->virt.run, i, AARCH64_LINE_IRQ),
                                            machine_vcpu_line(board->virt.run, i, AARCH64_LINE_FIQ)};
    struct gicv3_config config = {.dist_base = ARM_GIC_DIST,
                                  .regions = {{ARM_GIC_REDIST, low}, {ARM_GIC_REDIST2, count - low}},
                                  .spis = ARM_IRQ_COUNT,
                                  .lpis = true,
                                  .awake = true,
                                  .cpus = count,
                                  .cpu = cpus};
    board->gicv3 = gicv3_create(&board->virt.run->machine, &config, err);
    free(cpus);
    return board->gicv3 && (!arm_has_messages(board) || its_add(board, err));
}

/* --- the cores' outputs and their way to the GIC --- */

static void core_connect(struct arm_board *board, unsigned i)
{
    struct aarch64_board wires = {.lock = &board->virt.run->machine.lock,
                                  .cpus = board->virt.run->vcpus,
                                  .cpu_count = board->virt.run->vcpu_count,
                                  .mpidr = arm_affinity(board, i)};
    wires.outputs[AARCH64_OUT_TIMER_PHYSICAL] = ppi_line(board, i, ARM_PPI_TIMER_PHYSICAL);
    wires.outputs[AARCH64_OUT_TIMER_VIRTUAL] = ppi_line(board, i, ARM_PPI_TIMER_VIRTUAL);
    wires.outputs[AARCH64_OUT_PMU] = ppi_line(board, i, ARM_PPI_PMU);
    if (board->gicv3) {
        wires.gic.read = gicv3_icc_read;
        wires.gic.write = gicv3_icc_write;
        wires.gic.opaque = gicv3_cpu(board->gicv3, i);
    }
    aarch64_connect(board->virt.run->vcpus[i], &wires);
}

bool arm_gic_add(struct arm_board *board, struct error *err)
{
    bool ok = board->gic_version == 2 ? gicv2_add(board, err) : gicv3_add(board, err);
    for (unsigned i = 0; ok && i < board->virt.run->vcpu_count; i++)
        core_connect(board, i);
    return ok;
}
