/* The riscv64 "virt" board, as it is built: memory, interrupt controllers, devices, firmware. */
#include "machine/riscv_virt.h"

#include <stdlib.h>

#include "base/bits.h"
#include "devices/char/uart16550.h"
#include "devices/irq/aclint.h"
#include "devices/irq/plic.h"
#include "devices/misc/fw_cfg.h"
#include "devices/misc/pflash.h"
#include "devices/misc/test_finisher.h"
#include "devices/timer/goldfish_rtc.h"
#include "devices/virtio/virtio_mmio.h"
#include "machine/riscv_virt_board.h"

/* --- memory and harts --- */

bool virt_ram_add(struct virt_board *board, struct error *err)
{
    return machine_memory_map(board->run, "ram", VIRT_RAM, board->config->memory, RAM_MAPPED, err);
}

static bool rom_add(struct virt_board *board, struct error *err)
{
    board->rom = machine_memory_map(board->run, "rom", VIRT_ROM, VIRT_ROM_SIZE, RAM_READONLY, err);
    return board->rom;
}

bool virt_harts_add(struct virt_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    struct cpu_config cpu = {.model = config->cpu_model, .hypercalls = board->plan.start == VIRT_START_SBI};
    return machine_vcpus_create(board->run, &riscv64_ops, config->engine, config->cpus, &cpu, err);
}

/* --- interrupts --- */

static bool clint_add(struct virt_board *board, struct error *err)
{
    unsigned harts = board->run->vcpu_count;
    struct aclint_hart *lines = machine_alloc(harts * sizeof(*lines));
    for (unsigned i = 0; i < harts; i++) {
        lines[i].msip = machine_vcpu_line(board->run, i, RISCV_LINE_MSI);
        lines[i].mtip = machine_vcpu_line(board->run, i, RISCV_LINE_MTI);
    }
    struct aclint_config config = {
        .base = VIRT_CLINT, .frequency = RISCV_TIMEBASE_HZ, .harts = harts, .lines = lines};
    bool ok = aclint_create(&board->run->machine, &config, err);
    free(lines);
    return ok;
}

/* Context 2n is hart n in M-mode, 2n + 1 in S-mode. */
bool virt_plic_add(struct virt_board *board, struct error *err)
{
    unsigned contexts = 2 * board->run->vcpu_count;
    struct irq_line *lines = machine_alloc(contexts * sizeof(*lines));
    for (unsigned i = 0; i < contexts; i++)
        lines[i] = machine_vcpu_line(board->run, i / 2, i % 2 ? RISCV_LINE_SEI : RISCV_LINE_MEI);
    struct plic_config config = {.base = VIRT_PLIC,
                                 .size = VIRT_PLIC_SIZE,
                                 .sources = VIRT_IRQ_COUNT,
                                 .max_priority = VIRT_PLIC_PRIORITIES,
                                 .contexts = contexts,
                                 .lines = lines};
    board->plic = plic_create(&board->run->machine, &config, err);
    free(lines);
    return board->plic;
}

/* --- devices on the board --- */

static bool finisher_add(struct virt_board *board, struct error *err)
{
    struct test_finisher_config config = {.base = VIRT_FINISHER};
    return test_finisher_create(&board->run->machine, &config, err);
}

static bool rtc_add(struct virt_board *board, struct error *err)
{
    struct goldfish_rtc_config config = {
        .base = VIRT_RTC, .epoch = board_epoch(&board->parts), .irq = plic_line(board->plic, VIRT_IRQ_RTC)};
    return goldfish_rtc_create(&board->run->machine, &config, err);
}

bool virt_uart_add(struct virt_board *board, struct error *err)
{
    struct char_port *port = NULL;
    if (board->config->serial_count && !board_serial_open(&board->parts, 0, &port, err))
        return false;
    board->run->console = port;
    struct uart16550_config config = {.name = "uart0",
                                      .bus = board->run->machine.mem.mmio,
                                      .base = VIRT_UART,
                                      .size = VIRT_UART_SIZE,
                                      .access_width = 8,
                                      .clock = VIRT_UART_CLOCK,
                                      .irq = plic_line(board->plic, VIRT_IRQ_UART),
                                      .port = port};
    return uart16550_create(&board->run->machine, &config, err);
}

static bool fw_cfg_add(struct virt_board *board, struct error *err)
{
    struct fw_cfg_config config = {.bus = board->run->machine.mem.mmio, .base = VIRT_FW_CFG};
    struct fw_cfg *fw_cfg = board->fw_cfg = fw_cfg_create(&board->run->machine, &config, err);
    if (!fw_cfg)
        return false;
    fw_cfg_add_number(fw_cfg, FW_CFG_NB_CPUS, 2, board->run->vcpu_count);
    fw_cfg_add_number(fw_cfg, FW_CFG_MAX_CPUS, 2, board->run->vcpu_count);
    fw_cfg_add_number(fw_cfg, FW_CFG_RAM_SIZE, 8, board->config->memory);
    return !board->plan.flash || !board->config->kernel || board_fw_cfg_kernel(&board->parts, fw_cfg, err);
}

/* The first bank holds code, the second what it remembers. */
static bool flash_add(struct virt_board *board, struct error *err)
{
    const struct virt_plan *plan = &board->plan;
    struct pflash_config code = {.name = "flash0",
                                 .base = VIRT_FLASH,
                                 .size = VIRT_FLASH_SIZE,
                                 .block_size = VIRT_FLASH_BLOCK,
                                 .path = plan->flash ? plan->flash_code : NULL,
                                 .readonly = plan->flash};
    struct pflash_config vars = {.name = "flash1",
                                 .base = VIRT_FLASH + VIRT_FLASH_SIZE,
                                 .size = VIRT_FLASH_SIZE,
                                 .block_size = VIRT_FLASH_BLOCK,
                                 .path = plan->flash_vars[0] ? plan->flash_vars : NULL,
                                 .temporary = !plan->flash_vars_kept};
    return pflash_create(&board->run->machine, &code, err) && pflash_create(&board->run->machine, &vars, err);
}

bool virt_pci_add(struct virt_board *board, struct error *err)
{
    uint64_t ram_end = VIRT_RAM + board->config->memory;
    board->pci_high = align_up(ram_end, VIRT_PCI_HIGH_SIZE);
    struct pci_host_ecam_config config = {
        .name = "pci0",
        .ecam_base = VIRT_ECAM,
        .ecam_size = VIRT_ECAM_SIZE,
        .memory = {{VIRT_PCI_LOW, VIRT_PCI_LOW_SIZE, VIRT_PCI_LOW},
                   {board->pci_high, VIRT_PCI_HIGH_SIZE, board->pci_high}},
        .io = {VIRT_PCI_IO, VIRT_PCI_IO_SIZE, 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(config.intx); i++)
        config.intx[i] = plic_line(board->plic, VIRT_IRQ_PCI + i);
    board->pci = pci_host_ecam_create(&board->run->machine, &config, err);
    if (!board->pci)
        return false;
    board->parts.pci = pci_host_ecam_bus(board->pci);
    return true;
}

/* The slots come last: by now it is known what is in them. */
bool virt_slots_add(struct virt_board *board, struct error *err)
{
    for (unsigned i = 0; i < board->parts.slot_count; i++) {
        struct virtio_mmio_config config = {.name = board_name(&board->parts, "virtio-mmio%u", i),
                                            .base = gpa(VIRT_VIRTIO + i * VIRT_VIRTIO_SIZE),
                                            .size = VIRT_VIRTIO_SIZE,
                                            .irq = plic_line(board->plic, virt_slot_irq(i)),
                                            .device = board->parts.slots[i]};
        if (!virtio_mmio_create(&board->run->machine, &config, err))
            return false;
    }
    return true;
}

/* --- what run control asks for --- */

static void board_hypercall(void *opaque, struct vcpu *vcpu)
{
    struct virt_board *board = opaque;
    sbi_call(board->sbi, vcpu);
}

static bool board_boot(void *opaque, struct error *err)
{
    return virt_boot(opaque, err);
}

/* The devices are gone: what they stood on can go. */
static void board_destroy(void *opaque)
{
    struct virt_board *board = opaque;
    board_parts_free(&board->parts);
    sbi_destroy(board->sbi);
    free(board);
}

struct virt_board *virt_board_create(const struct machine_config *config, bool minimal, struct error *err)
{
    struct run_config run_config = {
        .deterministic = config->deterministic, .paused = config->paused, .timeout_ns = config->timeout_ns};
    struct machine_run *run = machine_run_create(&run_config, err);
    if (!run)
        return NULL;
    struct virt_board *board = machine_alloc(sizeof(*board));
    struct machine_board hooks = {
        .hypercall = board_hypercall, .boot = board_boot, .destroy = board_destroy, .opaque = board};
    board->run = run;
    board->config = config;
    board->minimal = minimal;
    board->parts = (struct board_parts){.run = run, .config = config, .first_console = 1};
    machine_board_set(run, &hooks);
    return board;
}

void virt_sbi_add(struct virt_board *board)
{
    struct sbi_config sbi = {.run = board->run, .console = VIRT_UART};
    board->sbi = sbi_create(&sbi);
}

/* --- the whole --- */

static bool board_build(struct virt_board *board, struct error *err)
{
    if (!virt_ram_add(board, err) || !rom_add(board, err) || !virt_harts_add(board, err))
        return false;
    if (!finisher_add(board, err) || !clint_add(board, err) || !virt_plic_add(board, err) ||
        !rtc_add(board, err) || !virt_uart_add(board, err) || !fw_cfg_add(board, err) ||
        !flash_add(board, err) || !virt_pci_add(board, err))
        return false;
    if (!board_virtio_add(&board->parts, err) || !board_screen_add(&board->parts, board->fw_cfg, err) ||
        !board_usb_add(&board->parts, err) || !virt_slots_add(board, err))
        return false;
    if (board->plan.start == VIRT_START_SBI)
        virt_sbi_add(board);
    return true;
}

struct machine_run *riscv_virt_create(const struct machine_config *config, struct error *err)
{
    struct virt_board *board = virt_board_create(config, false, err);
    if (!board)
        return NULL;
    board->parts.slot_count = VIRT_VIRTIO_SLOTS;
    return machine_run_built(board->run, virt_plan_make(board, err) && board_build(board, err));
}
