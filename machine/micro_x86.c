/* The minimal x86-64 board, as it is built: memory and interrupts are a PC's, the rest is not there. */
#include "machine/micro_x86.h"

#include <stdio.h>
#include <string.h>

#include "devices/char/uart16550.h"
#include "devices/misc/acpi_power.h"
#include "machine/micro.h"

/* --- memory and cores --- */

static bool ram_add(struct pc_board *board, struct error *err)
{
    struct ram *ram = board->run->machine.mem.ram;
    return pc_ram_create(board, err) &&
           ram_map(ram, board->ram, 0, gpa(0), board->below_4g, RAM_MAPPED, NULL) &&
           (!board->above_4g ||
            ram_map(ram, board->ram, board->below_4g, gpa(4 * GIB), board->above_4g, RAM_MAPPED, NULL));
}

/* A processor with the paravirtual clock, unless the user has something to say about it. */
static const char *model_make(struct pc_board *board)
{
    static const char extra[] = ",+kvm-nopiodelay";
    const char *asked = board->config->cpu_model && *board->config->cpu_model ? board->config->cpu_model
                                                                              : x86_64_ops.default_model;
    size_t size = strlen(asked) + sizeof(extra);
    char *model = board_alloc(&board->parts, size);
    snprintf(model, size, "%s%s", asked, strstr(asked, "kvm") || strstr(asked, "-hypervisor") ? "" : extra);
    return model;
}

static bool cores_add(struct pc_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    struct cpu_config cpu = {.model = model_make(board)};
    return machine_vcpus_create(board->run, &x86_64_ops, config->engine, config->cpus, &cpu, err);
}

/* --- devices --- */

static bool uart_add(struct pc_board *board, struct error *err)
{
    struct char_port *port;
    if (!board_console_open(&board->parts, &port, err))
        return false;
    struct uart16550_config config = {.name = "uart0",
                                      .bus = board->ports,
                                      .base = PC_COM1,
                                      .access_width = 1,
                                      .clock = PC_UART_HZ,
                                      .irq = ioapic_line(board->ioapic, PC_IRQ_COM1),
                                      .port = port};
    return uart16550_create(&board->run->machine, &config, err);
}

static bool power_add(struct pc_board *board, struct error *err)
{
    struct machine *machine = &board->run->machine;
    board->power_button =
        button_create(machine, "power-button", ioapic_line(board->ioapic, MICRO_PIN_BUTTON));
    return acpi_power_create(machine, board->ports, MICRO_POWER, err);
}

static bool pci_add(struct pc_board *board, struct error *err)
{
    struct pci_host_ecam_config config = {
        .ecam_base = PC_ECAM,
        .ecam_size = PC_ECAM_SIZE,
        .memory = {{PC_PCI_LOW, PC_PCI_LOW_SIZE, PC_PCI_LOW}, {PC_PCI_HIGH, PC_PCI_HIGH_SIZE, PC_PCI_HIGH}},
        .msi = lapic_msi(board->lapic),
    };
    for (unsigned i = 0; i < ARRAY_LEN(config.intx); i++)
        config.intx[i] = ioapic_line(board->ioapic, PC_GSI_PIRQ + i);
    return board_pci_add(&board->parts, &config, err);
}

static struct irq_line slot_irq(void *opaque, unsigned slot)
{
    struct pc_board *board = opaque;
    return ioapic_line(board->ioapic, MICRO_PIN_VIRTIO + slot);
}

static bool devices_add(struct pc_board *board, struct error *err)
{
    struct board_slots slots = {MICRO_VIRTIO, MICRO_VIRTIO_SIZE, MICRO_SLOTS, slot_irq, board};
    return (board->config->transport != TRANSPORT_PCI || pci_add(board, err)) &&
           board_minimal_devices_add(&board->parts, &slots, err);
}

/* --- the whole --- */

/*
 * Linux restarts a hardware-reduced platform by EFI, and without it by a jump to the reset vector in real
 * mode, as the firmware of a PC expects it. There, the reset register is written.
 */
static void prepare(struct pc_board *board)
{
    enum { RESET_VECTOR = 0xffff0, RESET = MICRO_POWER + ACPI_POWER_RESET };
    static const uint8_t code[] = {
        0xba,       RESET & 0xff,
        RESET >> 8,                         /* mov dx, RESET */
        0xb0,       ACPI_POWER_RESET_VALUE, /* mov al, 1 */
        0xee,                               /* out dx, al */
        0xf4,                               /* hlt */
        0xeb,       0xfd,                   /* jmp to the hlt */
    };
    ram_write(board->run->machine.mem.ram, gpa(RESET_VECTOR), code, sizeof(code));
}

struct machine_run *micro_x86_create(const struct machine_config *config, struct error *err)
{
    struct pc_board *board = pc_board_create(config, err);
    if (!board)
        return NULL;
    board->kernel_unpacked = true;
    board->prepare = prepare;
    board->acpi_make = micro_x86_acpi_make;
    board->parts.first_console = 1;
    return machine_run_built(board->run, ram_add(board, err) && cores_add(board, err) &&
                                             pc_apic_add(board, err) && uart_add(board, err) &&
                                             power_add(board, err) && devices_add(board, err));
}
