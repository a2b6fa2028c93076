/* Interrupts of the PC: the local APICs, the I/O APIC, and the wires between them and the cores. */
#include <stdlib.h>

#include "machine/pc_board.h"

/* A core with its board, for the functions the core calls. */
struct pc_cpu {
    struct pc_board *board;
    unsigned index;
};

static struct vcpu *core(struct pc_board *board, unsigned cpu)
{
    return board->run->vcpus[cpu];
}

/* --- from the APICs to the cores; the machine lock is held --- */

static int current(void *opaque)
{
    const struct vcpu *vcpu = vcpu_self();
    (void)opaque;
    return vcpu ? (int)vcpu->index : -1;
}

static void intr_set(void *opaque, unsigned cpu, bool level)
{
    x86_64_ops.irq_set(core(opaque, cpu), X86_LINE_INTR, level);
}

static void pulse(struct pc_board *board, unsigned cpu, enum x86_line line)
{
    x86_64_ops.irq_set(core(board, cpu), line, true);
    x86_64_ops.irq_set(core(board, cpu), line, false);
}

static void nmi(void *opaque, unsigned cpu)
{
    pulse(opaque, cpu, X86_LINE_NMI);
}

static void smi(void *opaque, unsigned cpu)
{
    pulse(opaque, cpu, X86_LINE_SMI);
}

static void init(void *opaque, unsigned cpu)
{
    x86_init_signal(core(opaque, cpu));
}

static void sipi(void *opaque, unsigned cpu, uint8_t vector)
{
    x86_sipi_signal(core(opaque, cpu), vector);
}

static int external_acknowledge(void *opaque)
{
    struct pc_board *board = opaque;
    return board->pic && i8259_pending(board->pic) ? i8259_acknowledge(board->pic) : -1;
}

static uint64_t tsc_time(void *opaque, unsigned cpu, uint64_t tsc)
{
    return x86_tsc_time(core(opaque, cpu), tsc);
}

/* --- from the cores to the APICs; on the core's thread, no lock is held --- */

static void lock(const struct pc_cpu *cpu)
{
    host_mutex_lock(&cpu->board->run->machine.lock);
}

static void unlock(const struct pc_cpu *cpu)
{
    host_mutex_unlock(&cpu->board->run->machine.lock);
}

static int interrupt_acknowledge(void *opaque)
{
    struct pc_cpu *cpu = opaque;
    lock(cpu);
    int vector = lapic_acknowledge(cpu->board->lapic, cpu->index);
    unlock(cpu);
    return vector;
}

static uint8_t tpr_get(void *opaque)
{
    struct pc_cpu *cpu = opaque;
    lock(cpu);
    uint8_t priority = lapic_cr8_get(cpu->board->lapic, cpu->index);
    unlock(cpu);
    return priority;
}

static void tpr_set(void *opaque, uint8_t priority)
{
    struct pc_cpu *cpu = opaque;
    lock(cpu);
    lapic_cr8_set(cpu->board->lapic, cpu->index, priority);
    unlock(cpu);
}

static uint64_t apic_base_get(void *opaque)
{
    struct pc_cpu *cpu = opaque;
    lock(cpu);
    uint64_t base = lapic_base_get(cpu->board->lapic, cpu->index);
    unlock(cpu);
    return base;
}

static bool apic_base_set(void *opaque, uint64_t value)
{
    struct pc_cpu *cpu = opaque;
    lock(cpu);
    bool ok = lapic_base_set(cpu->board->lapic, cpu->index, value);
    unlock(cpu);
    return ok;
}

static bool apic_msr_read(void *opaque, uint32_t msr, uint64_t *value)
{
    struct pc_cpu *cpu = opaque;
    lock(cpu);
    bool ok = lapic_msr_read(cpu->board->lapic, cpu->index, msr, value);
    unlock(cpu);
    return ok;
}

static bool apic_msr_write(void *opaque, uint32_t msr, uint64_t value)
{
    struct pc_cpu *cpu = opaque;
    lock(cpu);
    bool ok = lapic_msr_write(cpu->board->lapic, cpu->index, msr, value);
    unlock(cpu);
    return ok;
}

static void performance_interrupt(void *opaque)
{
    struct pc_cpu *cpu = opaque;
    lock(cpu);
    lapic_signal(cpu->board->lapic, cpu->index, LAPIC_PERFORMANCE);
    unlock(cpu);
}

static void ferr_set(void *opaque, bool level)
{
    struct pc_cpu *cpu = opaque;
    if (!cpu->board->lpc)
        return;
    lock(cpu);
    struct irq_line line = ich9_isa_line(cpu->board->lpc, PC_IRQ_FPU);
    irq_line_set(&line, level);
    unlock(cpu);
}

/* Port F0h answers FERR#: no interrupt any more, and the coprocessor goes on. */
static void coprocessor_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct pc_board *board = opaque;
    int cause = current(board);
    (void)value, (void)width;
    if (offset || cause < 0)
        return;
    struct irq_line line = ich9_isa_line(board->lpc, PC_IRQ_FPU);
    irq_line_set(&line, false);
    x86_ignne_set(core(board, (unsigned)cause));
}

static uint64_t coprocessor_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return 0xff;
}

bool pc_coprocessor_add(struct pc_board *board, struct error *err)
{
    struct bus_region region = {.name = "coprocessor",
                                .base = 0xf0,
                                .size = 2,
                                .max_width = 1,
                                .read = coprocessor_read,
                                .write = coprocessor_write,
                                .opaque = board};
    unsigned id;
    return bus_add(board->run->machine.mem.pio, &region, &id, err);
}

/* --- wires --- */

static void intr_line_set(void *opaque, unsigned number, bool level)
{
    struct pc_board *board = opaque;
    struct irq_line line = lapic_lint(board->lapic, number);
    irq_line_set(&line, level);
}

struct irq_line pc_intr_line(struct pc_board *board)
{
    return (struct irq_line){intr_line_set, board, 0};
}

static void pirq_line_set(void *opaque, unsigned number, bool level)
{
    struct pc_board *board = opaque;
    struct irq_line line = ich9_pirq_line(board->lpc, number);
    irq_line_set(&line, level);
}

struct irq_line pc_pirq_line(struct pc_board *board, unsigned n)
{
    return (struct irq_line){pirq_line_set, board, n};
}

/* One processor gets the SMI, the one whose access caused it: SeaBIOS has a handler for the first one alone,
 * and others would be lost in what they find at the default SMBASE. */
static void smi_line_set(void *opaque, unsigned number, bool level)
{
    struct pc_board *board = opaque;
    int cause = current(board);
    (void)number;
    for (unsigned i = 0; i < board->run->vcpu_count; i++)
        x86_64_ops.irq_set(core(board, i), X86_LINE_SMI, level && i == (cause < 0 ? 0 : (unsigned)cause));
}

struct irq_line pc_smi_line(struct pc_board *board)
{
    return (struct irq_line){smi_line_set, board, 0};
}

static void a20_line_set(void *opaque, unsigned number, bool level)
{
    struct pc_board *board = opaque;
    (void)number;
    for (unsigned i = 0; i < board->run->vcpu_count; i++)
        x86_a20_set(core(board, i), level);
}

struct irq_line pc_a20_line(struct pc_board *board)
{
    return (struct irq_line){a20_line_set, board, 0};
}

static void cores_connect(struct pc_board *board)
{
    unsigned count = board->run->vcpu_count;
    board->cpus = board_alloc(&board->parts, count * sizeof(*board->cpus));
    for (unsigned i = 0; i < count; i++) {
        struct pc_cpu *cpu = &board->cpus[i];
        *cpu = (struct pc_cpu){board, i};
        struct x86_hooks hooks = {.opaque = cpu,
                                  .interrupt_acknowledge = interrupt_acknowledge,
                                  .tpr_get = tpr_get,
                                  .tpr_set = tpr_set,
                                  .apic_base_get = apic_base_get,
                                  .apic_base_set = apic_base_set,
                                  .apic_msr_read = apic_msr_read,
                                  .apic_msr_write = apic_msr_write,
                                  .performance_interrupt = performance_interrupt,
                                  .ferr_set = ferr_set,
                                  .epoch = board_epoch(&board->parts)};
        x86_hooks_set(core(board, i), &hooks);
        x86_topology_set(core(board, i), i, count, 1);
    }
}

bool pc_apic_add(struct pc_board *board, struct error *err)
{
    struct machine *machine = &board->run->machine;
    struct lapic_config config = {
        .cpus = board->run->vcpu_count,
        .timer_hz = X86_TSC_HZ,
        .physical_bits = X86_PHYSICAL_BITS,
        .processors = {board, current, intr_set, nmi, smi, init, sipi, external_acknowledge, tsc_time}};
    board->lapic = lapic_create(machine, &config, err);
    if (!board->lapic)
        return false;
    struct ioapic_config ioapic = {.base = PC_IOAPIC, .msi = lapic_msi(board->lapic)};
    board->ioapic = ioapic_create(machine, &ioapic, err);
    if (!board->ioapic)
        return false;
    lapic_eoi_connect(board->lapic, ioapic_eoi, board->ioapic);
    cores_connect(board);
    return true;
}
