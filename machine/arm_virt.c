/* The aarch64 "virt" board, as it is built: memory, cores, interrupt controller, devices, firmware. */
#include "machine/arm_virt.h"

#include <stdlib.h>

#include "devices/char/pl011.h"
#include "devices/misc/button.h"
#include "devices/misc/pflash.h"
#include "devices/misc/pl061.h"
#include "devices/timer/pl031.h"
#include "devices/virtio/virtio_mmio.h"
#include "machine/arm_virt_board.h"

/* --- memory and cores --- */

bool arm_ram_add(struct arm_board *board, struct error *err)
{
    uint64_t size = board->config->memory;
    if (size > ARM_RAM_MAX)
        return error_set(err, ERROR_USAGE,
                         "this board has at most %llu GiB of memory: give a smaller --memory",
                         (unsigned long long)(ARM_RAM_MAX / GIB));
    return machine_memory_map(board->run, "ram", ARM_RAM, size, RAM_MAPPED, err);
}

/* Firmware calls come to the board: below the guest there is nothing. */
bool arm_cores_add(struct arm_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    struct cpu_config cpu = {.model = config->cpu_model, .hypercalls = true};
    if (!machine_vcpus_create(board->run, &aarch64_ops, config->engine, config->cpus, &cpu, err))
        return false;
    board->psci = psci_create(board->run, !config->deterministic);
    return true;
}

/* --- devices on the board --- */

/* The first bank holds code, the second what it remembers. */
static bool flash_add(struct arm_board *board, struct error *err)
{
    const struct arm_plan *plan = &board->plan;
    struct pflash_config code = {.name = "flash0",
                                 .base = ARM_FLASH,
                                 .size = ARM_FLASH_SIZE,
                                 .block_size = ARM_FLASH_BLOCK,
                                 .path = plan->flash ? plan->flash_code : NULL,
                                 .readonly = plan->flash};
    struct pflash_config vars = {.name = "flash1",
                                 .base = ARM_FLASH + ARM_FLASH_SIZE,
                                 .size = ARM_FLASH_SIZE,
                                 .block_size = ARM_FLASH_BLOCK,
                                 .path = plan->flash_vars[0] ? plan->flash_vars : NULL,
                                 .temporary = !plan->flash_vars_kept};
    return pflash_create(&board->run->machine, &code, err) && pflash_create(&board->run->machine, &vars, err);
}

bool arm_uart_add(struct arm_board *board, struct error *err)
{
    struct char_port *port = NULL;
    if (board->config->serial_count && !board_serial_open(&board->parts, 0, &port, err))
        return false;
    board->run->console = port;
    struct pl011_config config = {.name = "uart0",
                                  .base = ARM_UART,
                                  .clock = ARM_CLOCK,
                                  .irq = arm_spi_line(board, ARM_IRQ_UART),
                                  .port = port};
    return pl011_create(&board->run->machine, &config, err);
}

static bool rtc_add(struct arm_board *board, struct error *err)
{
    struct pl031_config config = {
        .base = ARM_RTC, .epoch = board_epoch(&board->parts), .irq = arm_spi_line(board, ARM_IRQ_RTC)};
    return pl031_create(&board->run->machine, &config, err);
}

static bool gpio_add(struct arm_board *board, struct error *err)
{
    struct machine *machine = &board->run->machine;
    struct pl061_config config = {
        .name = "gpio0", .base = ARM_GPIO, .irq = arm_spi_line(board, ARM_IRQ_GPIO)};
    struct pl061 *gpio = pl061_create(machine, &config, err);
    if (gpio)
        board->power_button = button_create(machine, "power-button", pl061_line(gpio, ARM_POWER_PIN));
    return gpio;
}

static bool fw_cfg_add(struct arm_board *board, struct error *err)
{
    struct fw_cfg_config config = {.bus = board->run->machine.mem.mmio, .base = ARM_FW_CFG};
    struct fw_cfg *fw_cfg = board->fw_cfg = fw_cfg_create(&board->run->machine, &config, err);
    if (!fw_cfg)
        return false;
    fw_cfg_add_number(fw_cfg, FW_CFG_NB_CPUS, 2, board->run->vcpu_count);
    fw_cfg_add_number(fw_cfg, FW_CFG_MAX_CPUS, 2, board->run->vcpu_count);
    fw_cfg_add_number(fw_cfg, FW_CFG_RAM_SIZE, 8, board->config->memory);
    return !board->plan.flash || !board->config->kernel || board_fw_cfg_kernel(&board->parts, fw_cfg, err);
}

bool arm_pci_add(struct arm_board *board, struct error *err)
{
    struct pci_host_ecam_config config = {
        .name = "pci0",
        .ecam_base = ARM_ECAM,
        .ecam_size = ARM_ECAM_SIZE,
        .memory = {{ARM_PCI_LOW, ARM_PCI_LOW_SIZE, ARM_PCI_LOW},
                   {ARM_PCI_HIGH, ARM_PCI_HIGH_SIZE, ARM_PCI_HIGH}},
        .io = {ARM_PCI_IO, ARM_PCI_IO_SIZE, 0},
        .msi = board->messages,
    };
    for (unsigned i = 0; i < ARRAY_LEN(config.intx); i++)
        config.intx[i] = arm_spi_line(board, ARM_IRQ_PCI + i);
    board->pci = pci_host_ecam_create(&board->run->machine, &config, err);
    if (!board->pci)
        return false;
    board->parts.pci = pci_host_ecam_bus(board->pci);
    return true;
}

/* The slots come last: by now it is known what is in them. */
bool arm_slots_add(struct arm_board *board, struct error *err)
{
    for (unsigned i = 0; i < board->parts.slot_count; i++) {
        struct virtio_mmio_config config = {.name = board_name(&board->parts, "virtio-mmio%u", i),
                                            .base = gpa(ARM_VIRTIO + i * ARM_VIRTIO_SIZE),
                                            .size = ARM_VIRTIO_SIZE,
                                            .irq = arm_spi_line(board, ARM_IRQ_VIRTIO + i),
                                            .device = board->parts.slots[i]};
        if (!virtio_mmio_create(&board->run->machine, &config, err))
            return false;
    }
    return true;
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
    board_parts_free(&board->parts);
    psci_destroy(board->psci);
    free(board);
}

struct arm_board *arm_board_create(const struct machine_config *config, bool minimal, struct error *err)
{
    struct run_config run_config = {
        .deterministic = config->deterministic, .paused = config->paused, .timeout_ns = config->timeout_ns};
    struct machine_run *run = machine_run_create(&run_config, err);
    if (!run)
        return NULL;
    struct arm_board *board = machine_alloc(sizeof(*board));
    struct machine_board hooks = {.hypercall = board_hypercall,
                                  .boot = board_boot,
                                  .destroy = board_destroy,
                                  .power_button = minimal ? NULL : board_power_button,
                                  .opaque = board};
    board->run = run;
    board->config = config;
    board->minimal = minimal;
    board->parts = (struct board_parts){.run = run, .config = config, .first_console = 1};
    machine_board_set(run, &hooks);
    return board;
}

/* --- the whole --- */

static bool board_build(struct arm_board *board, struct error *err)
{
    if (!arm_ram_add(board, err) || !arm_cores_add(board, err) || !arm_gic_add(board, err))
        return false;
    if (!flash_add(board, err) || !arm_uart_add(board, err) || !rtc_add(board, err) ||
        !gpio_add(board, err) || !fw_cfg_add(board, err) || !arm_pci_add(board, err))
        return false;
    if (!board_virtio_add(&board->parts, err) || !board_screen_add(&board->parts, board->fw_cfg, err) ||
        !board_usb_add(&board->parts, err) || !arm_slots_add(board, err))
        return false;
    if (board->plan.flash)
        arm_acpi_publish(board);
    return true;
}

struct machine_run *arm_virt_create(const struct machine_config *config, struct error *err)
{
    struct arm_board *board = arm_board_create(config, false, err);
    if (!board)
        return NULL;
    board->parts.slot_count = ARM_VIRTIO_SLOTS;
    return machine_run_built(board->run, arm_plan_make(board, err) && board_build(board, err));
}
