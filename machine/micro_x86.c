/* The minimal x86-64 board, as it is built: memory and interrupts are a PC's, the rest is not there. */
#include "machine/micro_x86.h"

#include <stdio.h>
#include <string.h>

#include "devices/char/uart16550.h"
#include "devices/misc/acpi_power.h"
#include "devices/virtio/virtio_mmio.h"
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
    struct char_port *port = NULL;
    if (board->config->serial_count && !board_serial_open(&board->parts, 0, &port, err))
        return false;
    board->run->console = port;
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
        .name = "pci0",
        .ecam_base = PC_ECAM,
        .ecam_size = PC_ECAM_SIZE,
        .memory = {{PC_PCI_LOW, PC_PCI_LOW_SIZE, PC_PCI_LOW}, {PC_PCI_HIGH, PC_PCI_HIGH_SIZE, PC_PCI_HIGH}},
        .msi = lapic_msi(board->lapic),
    };
    for (unsigned i = 0; i < ARRAY_LEN(config.intx); i++)
        config.intx[i] = ioapic_line(board->ioapic, PC_GSI_PIRQ + i);
    struct pci_host_ecam *host = pci_host_ecam_create(&board->run->machine, &config, err);
    if (host)
        board->parts.pci = pci_host_ecam_bus(host);
    return host;
}

static bool slots_add(struct pc_board *board, struct error *err)
{
    for (unsigned i = 0; i < board->parts.slot_count; i++) {
        struct virtio_mmio_config config = {.name = board_name(&board->parts, "virtio-mmio%u", i),
                                            .base = gpa(MICRO_VIRTIO + i * MICRO_VIRTIO_SIZE),
                                            .size = MICRO_VIRTIO_SIZE,
                                            .irq = ioapic_line(board->ioapic, MICRO_PIN_VIRTIO + i),
                                            .device = board->parts.slots[i]};
        if (!virtio_mmio_create(&board->run->machine, &config, err))
            return false;
    }
    return true;
}

/* Without PCI there are as many slots as devices: a kernel does not look into empty ones. */
static bool devices_add(struct pc_board *board, struct error *err)
{
    bool pci = board->config->transport == TRANSPORT_PCI;
    board->parts.slot_count = pci ? 0 : MICRO_SLOTS;
    if ((pci && !pci_add(board, err)) || !board_virtio_add(&board->parts, err) ||
        !board_screen_add(&board->parts, NULL, err))
        return false;
    board->parts.slot_count = board->parts.slots_used;
    return slots_add(board, err);
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
