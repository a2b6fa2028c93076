/* The aarch64 "virt" board, as it is built: memory, cores, interrupt controller, devices, firmware. */
#include "machine/arm_virt.h"

#include "devices/char/pl011.h"
#include "devices/misc/button.h"
#include "devices/misc/pl061.h"
#include "devices/timer/pl031.h"
#include "guests/demo_images.h"
#include "machine/arm_virt_board.h"

/* --- memory and cores --- */

bool arm_ram_add(struct arm_board *board, struct error *err)
{
    uint64_t size = board->virt.config->memory;
    if (size > ARM_RAM_MAX)
        return error_set(err, ERROR_USAGE,
                         "this board has at most %llu GiB of memory: give a smaller --memory",
                         (unsigned long long)(ARM_RAM_MAX / GIB));
    return machine_memory_map(board->virt.run, "ram", ARM_RAM, size, RAM_MAPPED, err);
}

/* Firmware calls come to the board: below the guest there is nothing. */
bool arm_cores_add(struct arm_board *board, struct error *err)
{
    const struct machine_config *config = board->virt.config;
    struct cpu_config cpu = {
        .model = config->cpu_model, .hypercalls = true, .semihosting = config->semihosting};
    if (!machine_vcpus_create(board->virt.run, &aarch64_ops, config->engine, config->cpus, &cpu, err))
        return false;
    board->psci = psci_create(board->virt.run, !config->deterministic);
    virt_semihosting_add(&board->virt);
    return true;
}

/* --- devices on the board --- */

bool arm_uart_add(struct arm_board *board, struct error *err)
{
    struct char_port *port;
    if (!board_console_open(&board->virt.parts, &port, err))
        return false;
    struct pl011_config config = {.name = "uart0",
                                  .base = ARM_UART,
                                  .clock = ARM_CLOCK,
                                  .irq = arm_spi_line(board, ARM_IRQ_UART),
                                  .port = port};
    return pl011_create(&board->virt.run->machine, &config, err);
}

static bool rtc_add(struct arm_board *board, struct error *err)
{
    struct pl031_config config = {
        .base = ARM_RTC, .epoch = board_epoch(&board->virt.parts), .irq = arm_spi_line(board, ARM_IRQ_RTC)};
    return pl031_create(&board->virt.run->machine, &config, err);
}

static bool gpio_add(struct arm_board *board, struct error *err)
{
    struct machine *machine = &board->virt.run->machine;
    struct pl061_config config = {
        .name = "gpio0", .base = ARM_GPIO, .irq = arm_spi_line(board, ARM_IRQ_GPIO)};
    struct pl061 *gpio = pl061_create(machine, &config, err);
    if (gpio)
        board->power_button = button_create(machine, "power-button", pl061_line(gpio, ARM_POWER_PIN));
    return gpio;
}

bool arm_pci_add(struct arm_board *board, struct error *err)
{
    board->virt.pci_high = (struct virt_range){ARM_PCI_HIGH, ARM_PCI_HIGH_SIZE};
    return virt_pci_add(&board->virt, board->messages, err);
}

/* --- what run control asks for --- */

static void board_hypercall(void *opaque, struct vcpu *vcpu)
{
    struct arm_board *board = opaque;
    psci_call(board->psci, vcpu);
}

static bool board_boot(void *opaque, struct error *err)
{
    return arm_boot(opaque, err);
}

static void board_power_button(void *opaque)
{
    struct arm_board *board = opaque;
    button_press(board->power_button);
}

/* The devices are gone: what they stood on can go. */
static void board_destroy(void *opaque)
{
    struct arm_board *board = opaque;
    psci_destroy(board->psci);
    virt_board_free(&board->virt);
}

/* --- this kind of board --- */

static struct irq_line irq_line(const struct virt_board *virt, unsigned irq)
{
    return arm_spi_line((const struct arm_board *)virt, irq);
}

static unsigned slot_irq(unsigned slot)
{
    return ARM_IRQ_VIRTIO + slot;
}

static const struct virt_kind kind = {
    .ram = ARM_RAM,
    .uart = ARM_UART,
    .fw_cfg = ARM_FW_CFG,
    .flash = {ARM_FLASH, ARM_FLASH_SIZE},
    .slot = {ARM_VIRTIO, ARM_VIRTIO_SIZE},
    .ecam = {ARM_ECAM, ARM_ECAM_SIZE},
    .pci_io = {ARM_PCI_IO, ARM_PCI_IO_SIZE},
    .pci_low = {ARM_PCI_LOW, ARM_PCI_LOW_SIZE},
    .pci_irq = ARM_IRQ_PCI,
    .irq_line = irq_line,
    .slot_irq = slot_irq,
    .interrupts = &arm_fdt_interrupts,
    .slots_coherent = true,
    .tree_make = arm_fdt_make,
    .arch = GUEST_AARCH64,
    .efi = FIRMWARE_EDK2_AARCH64,
    .efi_vars = FIRMWARE_EDK2_AARCH64_VARS,
    .efi_package = "qemu-efi-aarch64",
    .demo = demo_aarch64,
    .demo_size = &demo_aarch64_size,
};

struct arm_board *arm_board_create(const struct machine_config *config, bool minimal, struct error *err)
{
    struct machine_board hooks = {.hypercall = board_hypercall,
                                  .boot = board_boot,
                                  .destroy = board_destroy,
                                  .power_button = minimal ? NULL : board_power_button};
    return virt_board_create(sizeof(struct arm_board), &kind, config, minimal, &hooks, err);
}

/* --- the whole --- */

static bool board_build(struct arm_board *board, struct error *err)
{
    if (!arm_ram_add(board, err) || !arm_cores_add(board, err) || !arm_gic_add(board, err))
        return false;
    if (!virt_flash_add(&board->virt, err) || !arm_uart_add(board, err) || !rtc_add(board, err) ||
        !gpio_add(board, err) || !virt_fw_cfg_add(&board->virt, err) || !arm_pci_add(board, err) ||
        !virt_devices_add(&board->virt, ARM_VIRTIO_SLOTS, err))
        return false;
    if (board->virt.plan.flash)
        arm_acpi_publish(board);
    return true;
}

struct machine_run *arm_virt_create(const struct machine_config *config, struct error *err)
{
    struct arm_board *board = arm_board_create(config, false, err);
    if (!board)
        return NULL;
    return machine_run_built(board->virt.run, arm_plan_make(board, err) && board_build(board, err));
}
